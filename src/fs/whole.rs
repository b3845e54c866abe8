//! Whole files at once: the file is opened, used and closed within one job.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use blocking_pool::JobKind;

use super::one_path;
use super::transfer::write_all;
use crate::request::{Request, RequestError};

/// Reads a whole file. For a file that a stranger may have made large, see [`read_at_most`].
pub fn read(path: impl AsRef<Path>) -> Request<Vec<u8>> {
    one_path("read", "fs.read", path, |path| fs::read(path))
}

/// Reads a whole file if it has at most `limit_bytes`.
///
/// Also files whose size the system does not know beforehand, and those that grow meanwhile, never take more memory than
/// that. A larger one is [`RequestError::TooLarge`].
pub fn read_at_most(path: impl AsRef<Path>, limit_bytes: usize) -> Request<Vec<u8>> {
    let path = path.as_ref().to_owned();
    Request::new(JobKind::FastIo, "fs.read", move || match read_one_more(&path, limit_bytes) {
        Ok(bytes) if bytes.len() > limit_bytes => Err(RequestError::TooLarge { path, limit_bytes }),
        Ok(bytes) => Ok(bytes),
        Err(cause) => Err(RequestError::File { action: "read", path, cause }),
    })
}

/// One byte more than the limit is enough to know that the file is too large.
fn read_one_more(path: &Path, limit_bytes: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take((limit_bytes as u64).saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a whole file of text. Bytes that are not UTF-8 are [`RequestError::NotText`], which says where.
pub fn read_to_string(path: impl AsRef<Path>) -> Request<String> {
    let path = path.as_ref().to_owned();
    Request::new(JobKind::FastIo, "fs.read", move || match fs::read(&path) {
        Ok(bytes) => String::from_utf8(bytes)
            .map_err(|error| RequestError::NotText { path, cause: error.utf8_error() }),
        Err(cause) => Err(RequestError::File { action: "read", path, cause }),
    })
}

/// Writes a whole file, replacing what was there.
///
/// It is not atomic: who reads meanwhile may see a part, and when the disk is full a part stays, as
/// [`RequestError::PartlyWritten`] says. Who needs all or nothing writes beside it and uses [`rename`](super::rename).
pub fn write(path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> Request<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    write_with("write", "fs.write", options, path.as_ref(), contents.into())
}

/// Writes at the end of a file, which is made if it is missing.
///
/// The system puts each piece at the end at that time. Two appends under way together may come in either order, and long
/// ones may be mixed.
pub fn append(path: impl AsRef<Path>, contents: impl Into<Vec<u8>>) -> Request<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    write_with("append to", "fs.append", options, path.as_ref(), contents.into())
}

fn write_with(
    action: &'static str,
    name: &'static str,
    options: OpenOptions,
    path: &Path,
    contents: Vec<u8>,
) -> Request<()> {
    let path = path.to_owned();
    Request::new(JobKind::FastIo, name, move || match options.open(&path) {
        Ok(mut file) => write_all(action, &path, &contents, |rest, _written| file.write(rest)),
        Err(cause) => Err(RequestError::File { action, path, cause }),
    })
}
