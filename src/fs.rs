//! File requests: each is one job of the pool, because the system has no readiness for files.

use std::fs::{DirEntry, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use blocking_pool::JobKind;

use crate::request::{Request, RequestError};

fn file<T: Send + 'static>(
    action: &'static str,
    name: &'static str,
    path: &Path,
    work: impl Fn(&Path) -> io::Result<T> + Send + 'static,
) -> Request<T> {
    let path = path.to_owned();
    Request::new(JobKind::FastIo, name, move || {
        retry(|| work(&path)).map_err(|cause| RequestError::File { action, path, cause })
    })
}

/// Tries again when a signal came in between: that is not the caller's business.
fn retry<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads a whole file.
pub fn read(path: impl AsRef<Path>) -> Request<Vec<u8>> {
    file("read", "fs.read", path.as_ref(), |path| std::fs::read(path))
}

/// Writes a whole file, replacing what was there.
pub fn write(path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> Request<()> {
    let contents = contents.into();
    file("write", "fs.write", path.as_ref(), move |path| std::fs::write(path, &contents))
}

/// What the system knows of a file; follows symbolic links.
pub fn stat(path: impl AsRef<Path>) -> Request<Metadata> {
    file("stat", "fs.stat", path.as_ref(), |path| std::fs::metadata(path))
}

/// The entries of a directory, sorted by name.
pub fn read_dir(path: impl AsRef<Path>) -> Request<Vec<PathBuf>> {
    file("list", "fs.read_dir", path.as_ref(), |path| {
        let entries: io::Result<Vec<DirEntry>> = std::fs::read_dir(path)?.collect();
        let mut paths: Vec<PathBuf> = entries?.iter().map(DirEntry::path).collect();
        paths.sort();
        Ok(paths)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b16_an_interrupted_read_is_tried_again() {
        let mut answers = [
            Err(io::ErrorKind::Interrupted.into()),
            Err(io::ErrorKind::Interrupted.into()),
            Ok(b"whole".to_vec()),
            Err(io::ErrorKind::Other.into()),
        ]
        .into_iter();
        let read = retry(|| answers.next().expect("asked once too often"));
        assert_eq!(read.unwrap(), b"whole");
        assert_eq!(answers.len(), 1, "a success is not tried again");
    }

    #[test]
    fn another_error_is_not_tried_again() {
        let mut tries = 0;
        let read: io::Result<()> = retry(|| {
            tries += 1;
            Err(io::ErrorKind::PermissionDenied.into())
        });
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(tries, 1);
    }
}
