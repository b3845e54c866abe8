//! Links of both kinds, and the path that remains when all are followed.

use std::fs;
use std::path::{Path, PathBuf};

use super::{one_path, two_paths};
use crate::request::Request;

/// Makes a symbolic link at `new` that says `target`, which need not exist; a relative one counts from the link's directory.
#[cfg(unix)]
pub fn symlink(target: impl AsRef<Path>, new: impl AsRef<Path>) -> Request<()> {
    two_paths("symlink", "fs.symlink", target, new, |target, new| std::os::unix::fs::symlink(target, new))
}

/// What a symbolic link says.
pub fn read_link(path: impl AsRef<Path>) -> Request<PathBuf> {
    one_path("read the link", "fs.read_link", path, |path| fs::read_link(path))
}

/// Gives a file one more name on its file system.
pub fn link(existing: impl AsRef<Path>, new: impl AsRef<Path>) -> Request<()> {
    two_paths("link", "fs.link", existing, new, |existing, new| fs::hard_link(existing, new))
}

/// The absolute path without symbolic links, `.` and `..`; what it leads to must exist.
pub fn realpath(path: impl AsRef<Path>) -> Request<PathBuf> {
    one_path("resolve", "fs.realpath", path, |path| fs::canonicalize(path))
}
