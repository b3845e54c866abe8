//! File requests: each is one job of the pool, because the system has no readiness for files.
//!
//! # Model
//! | file | requests |
//! |---|---|
//! | `whole` | a file at once: [`read`], [`read_at_most`], [`read_to_string`], [`write`](write()), [`append`] |
//! | `copy` | a file to another path: [`copy`](copy()), [`copy_new`] |
//! | `file` | an open file: [`File`], which reads and writes at positions |
//! | `paths` | what stands at a path: [`stat`], [`lstat`], [`exists`], [`access`], [`rename`], [`unlink`], [`chmod`], [`utimes`] |
//! | `links` | [`symlink`], [`read_link`], [`link`], [`realpath`] |
//! | `directories` | [`read_dir`], [`mkdir`], [`mkdir_all`], [`rmdir`], [`remove_dir_all`], [`mkdtemp`] |
//!
//! The names are libuv's where the two have the same thing. Nothing is done before the request is awaited or given a
//! callback, and a request that is cancelled before it begins touches nothing.
//!
//! Requests that are under way together run on several threads, in no order. Who needs one begins the next request when
//! the last has ended. For this reason an open file has no position of its own: each call says where.
//!
//! A call that a signal interrupts is made again, short reads and writes are continued. Errors name the action and the
//! path. A name may be any bytes that the system allows; a NUL in it is refused with
//! [`InvalidInput`](std::io::ErrorKind::InvalidInput).
//!
//! # Source
//! libuv `src/unix/fs.c`.

mod whole;
mod copy;
#[cfg(unix)]
mod file;
mod paths;
mod links;
mod directories;
mod transfer;

use std::io;
use std::path::Path;

use blocking_pool::JobKind;

use crate::request::{Request, RequestError};

pub use copy::{copy, copy_new};
pub use directories::{Entry, mkdir, mkdir_all, mkdtemp, read_dir, remove_dir_all, rmdir};
#[cfg(unix)]
pub use file::File;
#[cfg(unix)]
pub use links::symlink;
pub use links::{link, read_link, realpath};
#[cfg(unix)]
pub use paths::{Access, access, chmod, utimes};
pub use paths::{exists, lstat, rename, stat, unlink};
pub use whole::{append, read, read_at_most, read_to_string, write};

pub(crate) use transfer::retry;

/// A request about one path.
fn one_path<T: Send + 'static>(
    action: &'static str,
    name: &'static str,
    path: impl AsRef<Path>,
    work: impl Fn(&Path) -> io::Result<T> + Send + 'static,
) -> Request<T> {
    let path = path.as_ref().to_owned();
    Request::new(JobKind::FastIo, name, move || {
        retry(|| work(&path)).map_err(|cause| RequestError::File { action, path, cause })
    })
}

/// A request about two paths.
fn two_paths<T: Send + 'static>(
    action: &'static str,
    name: &'static str,
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    work: impl Fn(&Path, &Path) -> io::Result<T> + Send + 'static,
) -> Request<T> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    Request::new(JobKind::FastIo, name, move || {
        retry(|| work(&from, &to)).map_err(|cause| RequestError::TwoFiles { action, from, to, cause })
    })
}
