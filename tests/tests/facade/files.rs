//! File requests on real files, and the system's real errors with their path.

use std::io;
use std::path::{Path, PathBuf};

use runtime_lab::{Request, RequestError, RunMode, fs};

use crate::support::{Log, runtime};

fn ask<T: Send + 'static>(request: Request<T>) -> Result<T, RequestError> {
    runtime(1).block_on(async { request.await }).unwrap()
}

#[track_caller]
fn assert_refused<T: Send + std::fmt::Debug + 'static>(
    request: Request<T>,
    wanted: &str,
    at: &Path,
    kind: io::ErrorKind,
) {
    let error = ask(request).unwrap_err();
    let RequestError::File { action, path, cause } = &error else { panic!("{error:?}") };
    assert_eq!((*action, path.as_path(), cause.kind()), (wanted, at, kind));
    let words = error.to_string();
    assert!(
        words.contains(&format!("cannot {wanted}")) && words.contains(&at.display().to_string()),
        "{words}"
    );
    assert_eq!(words.matches(&cause.to_string()).count(), 1, "{words}");
    assert!(std::error::Error::source(&error).is_none(), "the text has said it already");
}

#[test]
fn what_was_written_is_read_and_replaced_by_the_next_write() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    // Larger than any buffer on the way, so that it takes more than one read.
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 251) as u8).collect();
    ask(fs::write(&file, large.clone())).unwrap();
    assert!(ask(fs::read(&file)).unwrap() == large);
    ask(fs::write(&file, "short")).unwrap();
    assert_eq!(ask(fs::read(&file)).unwrap(), b"short");
    ask(fs::write(&file, "")).unwrap();
    assert_eq!(ask(fs::read(&file)).unwrap(), b"");
}

#[test]
fn stat_tells_size_and_kind() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    ask(fs::write(&file, "12345")).unwrap();
    let known = ask(fs::stat(&file)).unwrap();
    assert!(known.is_file());
    assert_eq!(known.len(), 5);
    assert!(ask(fs::stat(folder.path())).unwrap().is_dir());
}

#[test]
fn a_directory_is_listed_in_order() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(ask(fs::read_dir(folder.path())).unwrap(), Vec::<PathBuf>::new());
    let paths: Vec<PathBuf> = ["a", "b", "ä", "한"].iter().map(|name| folder.path().join(name)).collect();
    for path in paths.iter().rev() {
        ask(fs::write(path, "")).unwrap();
    }
    assert_eq!(ask(fs::read_dir(folder.path())).unwrap(), paths);
}

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    assert_refused(fs::read(&missing), "read", &missing, io::ErrorKind::NotFound);
    assert_refused(fs::stat(&missing), "stat", &missing, io::ErrorKind::NotFound);
    assert_refused(fs::read_dir(&missing), "list", &missing, io::ErrorKind::NotFound);
    let inside = missing.join("file");
    assert_refused(fs::write(&inside, "x"), "write", &inside, io::ErrorKind::NotFound);
}

#[test]
fn a_directory_is_no_file_and_a_file_no_directory() {
    let folder = tempfile::tempdir().unwrap();
    assert_refused(fs::read(folder.path()), "read", folder.path(), io::ErrorKind::IsADirectory);
    assert_refused(fs::write(folder.path(), "x"), "write", folder.path(), io::ErrorKind::IsADirectory);
    let file = folder.path().join("file");
    ask(fs::write(&file, "x")).unwrap();
    assert_refused(fs::read_dir(&file), "list", &file, io::ErrorKind::NotADirectory);
}

/// A sealed file refuses even the superuser, as whom tests run in containers.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_be_written_is_an_error() {
    use std::os::fd::AsRawFd;

    let flags = rustix::fs::MemfdFlags::ALLOW_SEALING;
    let sealed = rustix::fs::memfd_create("sealed", flags).unwrap();
    rustix::fs::fcntl_add_seals(&sealed, rustix::fs::SealFlags::WRITE).unwrap();
    let path = PathBuf::from(format!("/proc/self/fd/{}", sealed.as_raw_fd()));
    assert_refused(fs::write(&path, "x"), "write", &path, io::ErrorKind::PermissionDenied);
}

#[test]
fn callbacks_get_values_and_errors_alike_and_never_inside_the_call() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "hello").unwrap();
    let runtime = runtime(1);
    let lp = runtime.handle();
    let heard = Log::default();
    for path in [&file, &folder.path().join("missing")] {
        let log = heard.clone();
        fs::read(path).then(&lp, move |_lp, result| log.push(result.ok())).unwrap();
    }
    assert_eq!(heard.len(), 0);
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.take(), [Some(b"hello".to_vec()), None]);
}
