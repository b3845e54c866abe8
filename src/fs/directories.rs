//! Directories: made, listed and removed, alone or with all that is in them.

use std::ffi::OsStr;
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};

use blocking_pool::JobKind;

use super::one_path;
use crate::request::{Request, RequestError};

/// One entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The path that was listed, with the name.
    pub path: PathBuf,
    /// What it is: of a symbolic link, that it is one.
    pub kind: FileType,
}

impl Entry {
    /// The name alone.
    pub fn name(&self) -> &OsStr {
        self.path.file_name().unwrap_or_default()
    }
}

/// The entries of a directory without `.` and `..`, sorted by the bytes of their names.
pub fn read_dir(path: impl AsRef<Path>) -> Request<Vec<Entry>> {
    one_path("list", "fs.read_dir", path, |path| {
        let mut entries = Vec::new();
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match entry.file_type() {
                Ok(kind) => entries.push(Entry { path: entry.path(), kind }),
                // Some file systems must be asked again for the kind, and by then it may be gone.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        entries.sort_unstable_by(|left, right| left.path.cmp(&right.path));
        Ok(entries)
    })
}

/// Makes a directory; what leads to it must exist.
pub fn mkdir(path: impl AsRef<Path>) -> Request<()> {
    one_path("make the directory", "fs.mkdir", path, |path| fs::create_dir(path))
}

/// Makes a directory and whatever of its parents is missing. That it exists is no error.
pub fn mkdir_all(path: impl AsRef<Path>) -> Request<()> {
    one_path("make the directory", "fs.mkdir_all", path, |path| fs::create_dir_all(path))
}

/// Removes an empty directory.
pub fn rmdir(path: impl AsRef<Path>) -> Request<()> {
    one_path("remove the directory", "fs.rmdir", path, |path| fs::remove_dir(path))
}

/// Removes a directory with all that is in it. Symbolic links are removed, never followed. When it fails, a part is gone.
pub fn remove_dir_all(path: impl AsRef<Path>) -> Request<()> {
    one_path("remove the directory", "fs.remove_dir_all", path, |path| fs::remove_dir_all(path))
}

/// So often is another name tried when the first is taken, before somebody is up to something.
const TRIES: usize = 100;
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes a directory that nobody else has and only this user may enter: the path is `prefix` and eight random letters.
pub fn mkdtemp(prefix: impl AsRef<Path>) -> Request<PathBuf> {
    let prefix = prefix.as_ref().to_owned();
    Request::new(JobKind::FastIo, "fs.mkdtemp", move || {
        let mut cause = io::ErrorKind::AlreadyExists.into();
        for _ in 0..TRIES {
            let path = with_random_end(&prefix)?;
            match make_private(&path) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    cause = error;
                    break;
                }
            }
        }
        Err(RequestError::File { action: "make a temporary directory at", path: prefix, cause })
    })
}

fn with_random_end(prefix: &Path) -> Result<PathBuf, RequestError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| RequestError::Random(error.into()))?;
    let letters: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    let mut path = prefix.as_os_str().to_owned();
    path.push(letters);
    Ok(path.into())
}

fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
