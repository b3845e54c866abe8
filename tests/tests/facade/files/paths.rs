//! Names, links, permissions and times.

use std::io::ErrorKind;
use std::time::{Duration, UNIX_EPOCH};

use runtime_lab::fs::{self, Access};

use super::{ask, assert_both_refused, assert_refused, folder_with};

#[test]
fn stat_tells_size_and_kind() {
    let (folder, file) = folder_with("notes.txt");
    ask(fs::write(&file, "12345")).unwrap();
    let known = ask(fs::stat(&file)).unwrap();
    assert!(known.is_file());
    assert_eq!(known.len(), 5);
    assert!(ask(fs::stat(folder.path())).unwrap().is_dir());
}

#[test]
fn exists_is_an_answer_either_way() {
    let (_folder, file) = folder_with("file");
    assert!(!ask(fs::exists(&file)).unwrap());
    ask(fs::write(&file, "x")).unwrap();
    assert!(ask(fs::exists(&file)).unwrap());
    assert_refused(
        fs::exists(file.join("inside")),
        "look for",
        &file.join("inside"),
        ErrorKind::NotADirectory,
    );
}

#[test]
fn a_rename_replaces_what_has_the_name() {
    let (folder, old) = folder_with("old");
    let new = folder.path().join("new");
    ask(fs::write(&old, "fresh")).unwrap();
    ask(fs::write(&new, "stale")).unwrap();
    ask(fs::rename(&old, &new)).unwrap();
    assert!(!old.exists());
    assert_eq!(ask(fs::read(&new)).unwrap(), b"fresh");
    assert_both_refused(fs::rename(&old, &new), "rename", [&old, &new], ErrorKind::NotFound);
}

#[test]
fn unlink_removes_a_name_and_not_the_file_that_has_another() {
    let (folder, file) = folder_with("file");
    let other = folder.path().join("other");
    ask(fs::write(&file, "kept")).unwrap();
    ask(fs::link(&file, &other)).unwrap();
    assert_both_refused(fs::link(&file, &other), "link", [&file, &other], ErrorKind::AlreadyExists);
    ask(fs::unlink(&file)).unwrap();
    assert_refused(fs::unlink(&file), "unlink", &file, ErrorKind::NotFound);
    assert_eq!(ask(fs::read(&other)).unwrap(), b"kept");
}

#[test]
fn symbolic_links_are_followed_or_told_about() {
    let (folder, link) = folder_with("link");
    let file = folder.path().join("file");
    ask(fs::symlink("file", &link)).unwrap();
    assert_both_refused(
        fs::symlink("file", &link),
        "symlink",
        [std::path::Path::new("file"), &link],
        ErrorKind::AlreadyExists,
    );
    assert_eq!(ask(fs::read_link(&link)).unwrap(), std::path::Path::new("file"));
    assert!(ask(fs::lstat(&link)).unwrap().is_symlink());
    assert!(!ask(fs::exists(&link)).unwrap(), "it leads nowhere yet");
    assert_refused(fs::stat(&link), "stat", &link, ErrorKind::NotFound);
    ask(fs::write(&link, "through the link")).unwrap();
    assert_eq!(ask(fs::read(&file)).unwrap(), b"through the link");
    assert!(ask(fs::stat(&link)).unwrap().is_file());
    assert_eq!(ask(fs::realpath(&link)).unwrap(), folder.path().canonicalize().unwrap().join("file"));
    assert_refused(fs::read_link(&file), "read the link", &file, ErrorKind::InvalidInput);
    ask(fs::unlink(&link)).unwrap();
    assert!(file.exists(), "the link is gone, not what it said");
}

#[test]
fn a_path_is_resolved_through_dots() {
    let (folder, inside) = folder_with("inside");
    ask(fs::mkdir(&inside)).unwrap();
    let winding = inside.join("..").join(".").join("inside");
    assert_eq!(ask(fs::realpath(&winding)).unwrap(), folder.path().canonicalize().unwrap().join("inside"));
    let missing = inside.join("missing");
    assert_refused(fs::realpath(&missing), "resolve", &missing, ErrorKind::NotFound);
}

#[test]
fn permissions_are_set_and_asked_for() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, file) = folder_with("file");
    ask(fs::write(&file, "x")).unwrap();
    ask(fs::chmod(&file, 0o640)).unwrap();
    assert_eq!(ask(fs::stat(&file)).unwrap().permissions().mode() & 0o7777, 0o640);
    ask(fs::access(&file, Access::default())).unwrap();
    ask(fs::access(&file, Access { read: true, write: true, ..Access::default() })).unwrap();
    // Without an x bit not even the superuser may run a file.
    let run = Access { execute: true, ..Access::default() };
    assert_refused(fs::access(&file, run), "access", &file, ErrorKind::PermissionDenied);
    ask(fs::chmod(&file, 0o700)).unwrap();
    ask(fs::access(&file, run)).unwrap();
}

#[test]
fn times_are_set_to_the_second_and_below() {
    let (_folder, file) = folder_with("file");
    ask(fs::write(&file, "x")).unwrap();
    // Not readable: the times are set by path, without opening the file.
    ask(fs::chmod(&file, 0o200)).unwrap();
    let accessed = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_000);
    let modified = UNIX_EPOCH + Duration::from_secs(1_500_000_000);
    ask(fs::utimes(&file, accessed, modified)).unwrap();
    let known = ask(fs::stat(&file)).unwrap();
    assert_eq!((known.accessed().unwrap(), known.modified().unwrap()), (accessed, modified));
}
