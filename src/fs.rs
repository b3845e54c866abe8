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
        loop {
            match work(&path) {
                // A signal is not the caller's business.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result.map_err(|source| RequestError::File { action, path, source }),
            }
        }
    })
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
