//! Copies of files: bytes and permissions, by the system where it can do it inside.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Seek};
use std::path::Path;

use blocking_pool::JobKind;

use super::transfer::retry;
use crate::request::{Request, RequestError};

/// Copies the bytes and the permissions of a regular file, replacing what was there; gives the count of bytes.
///
/// A file that is copied onto itself stays as it is. A copy that ends early leaves what was written and says how much; libuv
/// removes the destination then, also one that it did not make.
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create(true);
    copy_with(options, from.as_ref(), to.as_ref())
}

/// As [`copy`], but a destination that exists is refused with [`AlreadyExists`](io::ErrorKind::AlreadyExists).
pub fn copy_new(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Request<u64> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    copy_with(options, from.as_ref(), to.as_ref())
}

fn copy_with(mut options: OpenOptions, from: &Path, to: &Path) -> Request<u64> {
    let (from, to) = (from.to_owned(), to.to_owned());
    Request::new(JobKind::FastIo, "fs.copy", move || {
        let action = "copy";
        let mut copying = match Copying::open(&mut options, &from, &to) {
            Ok(copying) => copying,
            Err(cause) => return Err(RequestError::TwoFiles { action, from, to, cause }),
        };
        copying.run().map_err(|cause| match copying.written_bytes() {
            0 => RequestError::TwoFiles { action, from, to, cause },
            written_bytes => {
                let whole_bytes = copying.known.len();
                RequestError::PartlyWritten { action: "copy to", path: to, written_bytes, whole_bytes, cause }
            }
        })
    })
}

struct Copying {
    source: File,
    target: File,
    known: Metadata,
}

impl Copying {
    fn open(options: &mut OpenOptions, from: &Path, to: &Path) -> io::Result<Copying> {
        let source = File::open(from)?;
        let known = source.metadata()?;
        if known.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        if !known.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "only a regular file can be copied"));
        }
        let target = with_mode_of(&known, options).open(to)?;
        Ok(Copying { source, target, known })
    }

    fn run(&mut self) -> io::Result<u64> {
        let target = self.target.metadata()?;
        if is_same(&self.known, &target) {
            return Ok(self.known.len());
        }
        // Devices have neither a length nor permissions of their own to give.
        if target.is_file() {
            self.target.set_len(0)?;
            self.target.set_permissions(self.known.permissions())?;
        }
        // Both files remember how far they are, so a copy that was interrupted goes on there.
        retry(|| io::copy(&mut self.source, &mut self.target))?;
        self.source.stream_position()
    }

    fn written_bytes(&mut self) -> u64 {
        self.target.stream_position().unwrap_or(0)
    }
}

/// A new file has the permissions of the source from its first moment, so that nobody reads a secret meanwhile.
#[cfg(unix)]
fn with_mode_of<'a>(known: &Metadata, options: &'a mut OpenOptions) -> &'a OpenOptions {
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    options.mode(known.mode())
}

#[cfg(not(unix))]
fn with_mode_of<'a>(_known: &Metadata, options: &'a mut OpenOptions) -> &'a OpenOptions {
    options
}

#[cfg(unix)]
fn is_same(source: &Metadata, target: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (source.dev(), source.ino()) == (target.dev(), target.ino())
}

/// Elsewhere the standard library cannot tell, and the system does not open a file for writing that is open already.
#[cfg(not(unix))]
fn is_same(_source: &Metadata, _target: &Metadata) -> bool {
    false
}
