//! An open file: its requests say where they read and write, so any number of them may be under way.
//!
//! # Model
//! libuv's reads and writes may also use the position of the descriptor. Two of them that are under way together run on two
//! threads and meet at that one position in an order that nobody knows. Here there is no such call: who reads from the
//! front to the back counts, and who adds at the end uses [`append`](super::append).
//!
//! # Invariants
//! - FF1: the descriptor is open as long as a clone of the file or a request for it is left, and closed with the last.
//!
//! # Threads
//! A clone is another owner of the same descriptor and may go to any thread. Where the last owner is dropped, the file is
//! closed, on that thread. This rarely blocks (network file systems, the last name of a large file is gone); where it
//! may not block a loop, use [`File::close`], which closes in the pool.

use std::fs::{self, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use blocking_pool::JobKind;

use super::transfer::{read_up_to, retry, write_all};
use crate::request::{Request, RequestError};

/// An open file. A clone is cheap and shares the descriptor.
#[derive(Clone, Debug)]
pub struct File {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: fs::File,
    /// What it was opened as: errors name it.
    path: PathBuf,
}

impl File {
    /// Opens a file to read it.
    pub fn open(path: impl AsRef<Path>) -> Request<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        File::open_with(path, options)
    }

    /// Opens a file to write it; makes it, or empties it.
    pub fn create(path: impl AsRef<Path>) -> Request<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        File::open_with(path, options)
    }

    /// Opens a file with the options of the standard library. With `append`, Linux writes at the end wherever
    /// [`File::write_at`] says.
    pub fn open_with(path: impl AsRef<Path>, options: OpenOptions) -> Request<File> {
        let path = path.as_ref().to_owned();
        Request::new(JobKind::FastIo, "fs.open", move || match retry(|| options.open(&path)) {
            Ok(file) => Ok(File { inner: Arc::new(Inner { file, path }) }),
            Err(cause) => Err(RequestError::File { action: "open", path, cause }),
        })
    }

    /// What it was opened as. The file may have another name by now.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Reads `len` bytes from `offset`, both in bytes; fewer only where the file ends. A pipe has no positions: it is an error.
    pub fn read_at(&self, offset: u64, len: usize) -> Request<Vec<u8>> {
        self.ask("read", "fs.read", move |file| {
            read_up_to(len, |buffer, filled| file.read_at(buffer, position(offset, filled)?))
        })
    }

    /// Writes all bytes from `offset` on, beyond the end as well: what lies between are zeros.
    pub fn write_at(&self, offset: u64, bytes: impl Into<Vec<u8>>) -> Request<()> {
        let (inner, bytes) = (self.inner.clone(), bytes.into());
        Request::new(JobKind::FastIo, "fs.write", move || {
            write_all("write", &inner.path, &bytes, |rest, written| {
                inner.file.write_at(rest, position(offset, written)?)
            })
        })
    }

    /// Returns when the device has everything, also what is known of the file (`fsync`).
    pub fn sync_all(&self) -> Request<()> {
        self.ask("sync", "fs.sync_all", fs::File::sync_all)
    }

    /// Returns when the device has the bytes and what is needed to read them (`fdatasync`).
    pub fn sync_data(&self) -> Request<()> {
        self.ask("sync", "fs.sync_data", fs::File::sync_data)
    }

    /// Cuts the file, or makes it longer by zeros (`ftruncate`).
    pub fn set_len(&self, len_bytes: u64) -> Request<()> {
        self.ask("set the length of", "fs.set_len", move |file| file.set_len(len_bytes))
    }

    /// What the system knows of the file (`fstat`).
    pub fn metadata(&self) -> Request<Metadata> {
        self.ask("stat", "fs.fstat", fs::File::metadata)
    }

    /// Closes the file in the pool. While a clone or another request for the file is left it stays open until that is gone,
    /// and the answer is the error [`ResourceBusy`](io::ErrorKind::ResourceBusy).
    ///
    /// The request owns this clone: dropped or cancelled, it closes, too. What `close` itself says cannot be had in safe
    /// Rust; whether the device has the bytes, [`File::sync_data`] says, here as everywhere.
    pub fn close(self) -> Request<()> {
        Request::new(JobKind::FastIo, "fs.close", move || {
            let path = self.inner.path.clone();
            match Arc::into_inner(self.inner) {
                Some(inner) => drop(inner),
                None => {
                    let cause = io::Error::new(io::ErrorKind::ResourceBusy, "it is in use elsewhere");
                    return Err(RequestError::File { action: "close", path, cause });
                }
            }
            Ok(())
        })
    }

    fn ask<T: Send + 'static>(
        &self,
        action: &'static str,
        name: &'static str,
        work: impl Fn(&fs::File) -> io::Result<T> + Send + 'static,
    ) -> Request<T> {
        let inner = self.inner.clone();
        Request::new(JobKind::FastIo, name, move || {
            let result = retry(|| work(&inner.file));
            result.map_err(|cause| RequestError::File { action, path: inner.path.clone(), cause })
        })
    }
}

fn position(offset: u64, done: usize) -> io::Result<u64> {
    offset.checked_add(done as u64).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
