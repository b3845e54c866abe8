//! Bytes to and from a file: calls that were interrupted are made again, short ones are continued.

use std::io;
use std::path::Path;

use crate::request::RequestError;

/// So much is asked of the system at once, and so much memory is taken before it is known that there are bytes for it.
const CHUNK_BYTES: usize = 1 << 20;

/// Tries again when a signal came in between: that is not the caller's business.
pub(crate) fn retry<T>(mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match work() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// Reads until there are `len` bytes or the file ends. `read` gets a buffer and how many bytes there are already.
pub(super) fn read_up_to(
    len: usize,
    mut read: impl FnMut(&mut [u8], usize) -> io::Result<usize>,
) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while bytes.len() < len {
        let filled = bytes.len();
        let wanted = (len - filled).min(CHUNK_BYTES);
        bytes.try_reserve(wanted)?;
        bytes.resize(filled + wanted, 0);
        let count = retry(|| read(&mut bytes[filled..], filled))?;
        bytes.truncate(filled + count);
        if count == 0 {
            break;
        }
    }
    Ok(bytes)
}

/// Writes all of `bytes`. `write` gets what is left and how many bytes were written before it.
pub(super) fn write_all(
    action: &'static str,
    path: &Path,
    bytes: &[u8],
    mut write: impl FnMut(&[u8], usize) -> io::Result<usize>,
) -> Result<(), RequestError> {
    let mut written = 0;
    while written < bytes.len() {
        let answer = match retry(|| write(&bytes[written..], written)) {
            Ok(0) => Err(io::ErrorKind::WriteZero.into()),
            answer => answer,
        };
        written +=
            answer.map_err(|cause| unfinished(action, path, written as u64, bytes.len() as u64, cause))?;
    }
    Ok(())
}

/// The error of a write that ended early: it says how much arrived, when something did.
pub(super) fn unfinished(
    action: &'static str,
    path: &Path,
    written_bytes: u64,
    whole_bytes: u64,
    cause: io::Error,
) -> RequestError {
    let path = path.to_owned();
    match written_bytes {
        0 => RequestError::File { action, path, cause },
        _ => RequestError::PartlyWritten { action, path, written_bytes, whole_bytes, cause },
    }
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

    /// A system that takes or gives at most `step` bytes and is interrupted before each call.
    fn unsteady(step: usize) -> impl FnMut(usize) -> io::Result<usize> {
        let mut is_interrupted = false;
        move |len| {
            is_interrupted = !is_interrupted;
            if is_interrupted { Err(io::ErrorKind::Interrupted.into()) } else { Ok(len.min(step)) }
        }
    }

    #[test]
    fn short_reads_are_continued_up_to_the_length_or_the_end() {
        let file: Vec<u8> = (0..100).collect();
        for (len, expected) in [(0, 0), (1, 1), (7, 7), (99, 99), (100, 100), (1000, 100)] {
            let mut answers = unsteady(7);
            let read = read_up_to(len, |buffer, filled| {
                let count = answers(buffer.len().min(file.len() - filled))?;
                buffer[..count].copy_from_slice(&file[filled..filled + count]);
                Ok(count)
            });
            assert_eq!(read.unwrap(), file[..expected], "{len}");
        }
    }

    #[test]
    fn short_writes_are_continued() {
        let (mut answers, mut file) = (unsteady(7), Vec::new());
        let bytes: Vec<u8> = (0..100).collect();
        let result = write_all("write", Path::new("file"), &bytes, |rest, written| {
            assert_eq!(written, file.len());
            let count = answers(rest.len())?;
            file.extend_from_slice(&rest[..count]);
            Ok(count)
        });
        result.unwrap();
        assert_eq!(file, bytes);
    }

    #[test]
    fn a_write_that_ends_early_says_how_much_was_written() {
        let write = |free: usize| {
            let write = |rest: &[u8], written: usize| match free - written {
                0 => Err(io::Error::from(io::ErrorKind::StorageFull)),
                left => Ok(rest.len().min(left)),
            };
            write_all("write", Path::new("file"), &[0; 10], write)
        };
        let cause = io::Error::from(io::ErrorKind::StorageFull);
        let error = write(6).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot write \"file\": {cause} (6 of 10 bytes were written)"));
        assert_eq!(error.cause().map(io::Error::kind), Some(io::ErrorKind::StorageFull));
        assert_eq!(write(0).unwrap_err().to_string(), format!("cannot write \"file\": {cause}"));
        write(10).unwrap();
    }

    #[test]
    fn a_system_that_takes_nothing_is_not_asked_for_ever() {
        let error = write_all("write", Path::new("file"), b"x", |_rest, _written| Ok(0)).unwrap_err();
        assert_eq!(error.cause().map(io::Error::kind), Some(io::ErrorKind::WriteZero));
    }
}
