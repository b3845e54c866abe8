//! Copies: bytes and permissions arrive, and nothing is lost that should stay.

use std::io::ErrorKind;

use runtime_lab::fs;

use super::{ask, assert_both_refused, folder_with};

#[test]
fn a_copy_has_the_bytes_and_replaces_what_was_longer() {
    let (folder, from) = folder_with("from");
    let to = folder.path().join("to");
    let large: Vec<u8> = (0..3_000_000_u32).map(|i| (i % 241) as u8).collect();
    ask(fs::write(&from, large.clone())).unwrap();
    assert_eq!(ask(fs::copy(&from, &to)).unwrap(), 3_000_000);
    assert!(ask(fs::read(&to)).unwrap() == large);
    ask(fs::write(&from, "short")).unwrap();
    assert_eq!(ask(fs::copy(&from, &to)).unwrap(), 5);
    assert_eq!(ask(fs::read(&to)).unwrap(), b"short");
    ask(fs::write(&from, "")).unwrap();
    assert_eq!(ask(fs::copy(&from, &to)).unwrap(), 0);
    assert_eq!(ask(fs::read(&to)).unwrap(), b"");
}

#[test]
fn a_copy_that_may_not_overwrite_leaves_what_is_there() {
    let (folder, from) = folder_with("from");
    let to = folder.path().join("to");
    ask(fs::write(&from, "new")).unwrap();
    assert_eq!(ask(fs::copy_new(&from, &to)).unwrap(), 3);
    ask(fs::write(&from, "newer")).unwrap();
    assert_both_refused(fs::copy_new(&from, &to), "copy", [&from, &to], ErrorKind::AlreadyExists);
    assert_eq!(ask(fs::read(&to)).unwrap(), b"new");
}

#[test]
fn a_file_copied_onto_itself_stays_as_it_is() {
    let (folder, file) = folder_with("file");
    let other = folder.path().join("other-name");
    ask(fs::write(&file, "kept")).unwrap();
    ask(fs::link(&file, &other)).unwrap();
    assert_eq!(ask(fs::copy(&file, &file)).unwrap(), 4);
    assert_eq!(ask(fs::copy(&file, &other)).unwrap(), 4);
    assert_eq!(ask(fs::read(&file)).unwrap(), b"kept");
}

#[cfg(unix)]
#[test]
fn a_copy_has_the_permissions_whether_it_is_new_or_not() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, from) = folder_with("from");
    let to = folder.path().join("to");
    ask(fs::write(&from, "x")).unwrap();
    for mode in [0o600, 0o754] {
        ask(fs::chmod(&from, mode)).unwrap();
        ask(fs::copy(&from, &to)).unwrap();
        assert_eq!(ask(fs::stat(&to)).unwrap().permissions().mode() & 0o777, mode);
    }
}

#[test]
fn what_cannot_be_copied_is_an_error_with_both_paths() {
    let (folder, missing) = folder_with("missing");
    let to = folder.path().join("to");
    assert_both_refused(fs::copy(&missing, &to), "copy", [&missing, &to], ErrorKind::NotFound);
    assert!(!to.exists(), "nothing is made for a source that is not there");
    let directory = folder.path();
    assert_both_refused(fs::copy(directory, &to), "copy", [directory, &to], ErrorKind::IsADirectory);
    ask(fs::write(&to, "kept")).unwrap();
    assert_both_refused(fs::copy(&to, directory), "copy", [&to, directory], ErrorKind::IsADirectory);
}
