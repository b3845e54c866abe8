//! File requests on real files, and the system's real errors with their paths.

mod whole;
mod copies;
mod open_files;
mod paths;
mod directories;
mod refused;
mod full;
mod busy;

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use runtime_lab::{Request, RequestError};

use crate::support::runtime;

fn ask<T: Send + 'static>(request: Request<T>) -> Result<T, RequestError> {
    runtime(1).block_on(async { request.await }).unwrap()
}

/// A folder of its own, and a path in it.
fn folder_with(name: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    (folder, path)
}

/// Checks what every error promises: the action, the paths, and the system's words, once.
#[track_caller]
fn assert_words(error: &RequestError, action: &str, paths: &[&Path], kind: io::ErrorKind) {
    let words = error.to_string();
    assert!(words.starts_with(&format!("cannot {action} ")), "{words}");
    assert!(paths.iter().all(|path| words.contains(&format!("{path:?}"))), "{words}");
    let cause = error.cause().expect("the system was asked");
    assert_eq!(cause.kind(), kind, "{words}");
    assert_eq!(words.matches(&cause.to_string()).count(), 1, "{words}");
    assert!(std::error::Error::source(error).is_none(), "the text has said it already");
}

#[track_caller]
fn assert_refused<T: Send + Debug + 'static>(
    request: Request<T>,
    wanted: &str,
    at: &Path,
    kind: io::ErrorKind,
) {
    let error = ask(request).unwrap_err();
    let RequestError::File { action, path, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*action, path.as_path()), (wanted, at));
    assert_words(&error, wanted, &[at], kind);
}

#[track_caller]
fn assert_both_refused<T: Send + Debug + 'static>(
    request: Request<T>,
    wanted: &str,
    at: [&Path; 2],
    kind: io::ErrorKind,
) {
    let error = ask(request).unwrap_err();
    let RequestError::TwoFiles { action, from, to, .. } = &error else { panic!("{error:?}") };
    assert_eq!((*action, [from.as_path(), to.as_path()]), (wanted, at));
    assert_words(&error, wanted, &at, kind);
}
