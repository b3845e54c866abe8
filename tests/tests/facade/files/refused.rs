//! What the system refuses: nothing there, the wrong kind, no permission, names that are no names, links in circles.

use std::io::ErrorKind;
use std::path::Path;

use runtime_lab::fs::{self, Access, File};
use runtime_lab::{RequestError, RunMode};

use super::{ask, assert_both_refused, assert_refused, folder_with};
use crate::support::{Log, runtime};

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    let (_folder, missing) = folder_with("missing");
    let inside = missing.join("file");
    let none = ErrorKind::NotFound;
    assert_refused(fs::read(&missing), "read", &missing, none);
    assert_refused(fs::read_at_most(&missing, 9), "read", &missing, none);
    assert_refused(fs::read_to_string(&missing), "read", &missing, none);
    assert_refused(fs::write(&inside, "x"), "write", &inside, none);
    assert_refused(fs::append(&inside, "x"), "append to", &inside, none);
    assert_refused(fs::stat(&missing), "stat", &missing, none);
    assert_refused(fs::lstat(&missing), "stat", &missing, none);
    assert_refused(fs::access(&missing, Access::default()), "access", &missing, none);
    assert_refused(fs::chmod(&missing, 0o600), "chmod", &missing, none);
    let time = std::time::UNIX_EPOCH;
    assert_refused(fs::utimes(&missing, time, time), "set the times of", &missing, none);
    assert_refused(fs::read_dir(&missing), "list", &missing, none);
    assert_refused(fs::rmdir(&missing), "remove the directory", &missing, none);
    assert_refused(fs::read_link(&missing), "read the link", &missing, none);
    assert_both_refused(fs::link(&missing, &inside), "link", [&missing, &inside], none);
}

#[test]
fn a_directory_is_no_file_and_a_file_no_directory() {
    let (folder, file) = folder_with("file");
    let directory = folder.path();
    assert_refused(fs::read(directory), "read", directory, ErrorKind::IsADirectory);
    assert_refused(fs::read_at_most(directory, 9), "read", directory, ErrorKind::IsADirectory);
    assert_refused(fs::write(directory, "x"), "write", directory, ErrorKind::IsADirectory);
    assert_refused(fs::append(directory, "x"), "append to", directory, ErrorKind::IsADirectory);
    assert_refused(File::create(directory), "open", directory, ErrorKind::IsADirectory);
    let opened = ask(File::open(directory)).expect("a directory can be opened, as in C");
    assert_refused(opened.read_at(0, 1), "read", directory, ErrorKind::IsADirectory);
    ask(fs::write(&file, "x")).unwrap();
    assert_refused(fs::read_dir(&file), "list", &file, ErrorKind::NotADirectory);
    assert_refused(fs::rmdir(&file), "remove the directory", &file, ErrorKind::NotADirectory);
    let inside = file.join("inside");
    assert_refused(fs::stat(&inside), "stat", &inside, ErrorKind::NotADirectory);
    assert_both_refused(
        fs::rename(directory, &inside),
        "rename",
        [directory, &inside],
        ErrorKind::NotADirectory,
    );
}

/// A sealed file refuses even the superuser, as whom tests run in containers.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_may_not_be_written_is_an_error() {
    use std::os::fd::AsRawFd;

    let flags = rustix::fs::MemfdFlags::ALLOW_SEALING;
    let sealed = rustix::fs::memfd_create("sealed", flags).unwrap();
    rustix::fs::fcntl_add_seals(&sealed, rustix::fs::SealFlags::WRITE).unwrap();
    let path = std::path::PathBuf::from(format!("/proc/self/fd/{}", sealed.as_raw_fd()));
    assert_refused(fs::write(&path, "x"), "write", &path, ErrorKind::PermissionDenied);
}

#[test]
fn what_the_user_may_not_do_is_an_error() {
    if rustix::process::geteuid().is_root() {
        println!("the superuser may do everything: run this as another user");
        return;
    }
    let (folder, closed) = folder_with("closed");
    let inside = closed.join("file");
    let denied = ErrorKind::PermissionDenied;
    ask(fs::mkdir(&closed)).unwrap();
    ask(fs::write(&inside, "x")).unwrap();
    ask(fs::chmod(&inside, 0)).unwrap();
    assert_refused(fs::read(&inside), "read", &inside, denied);
    assert_refused(fs::write(&inside, "y"), "write", &inside, denied);
    assert_refused(File::open(&inside), "open", &inside, denied);
    let read = Access { read: true, ..Access::default() };
    assert_refused(fs::access(&inside, read), "access", &inside, denied);
    let copy = folder.path().join("copy");
    assert_both_refused(fs::copy(&inside, &copy), "copy", [&inside, &copy], denied);
    ask(fs::chmod(&closed, 0o500)).unwrap();
    assert_refused(fs::unlink(&inside), "unlink", &inside, denied);
    assert_refused(fs::mkdir(closed.join("new")), "make the directory", &closed.join("new"), denied);
    ask(fs::chmod(&closed, 0)).unwrap();
    assert_refused(fs::stat(&inside), "stat", &inside, denied);
    assert_refused(fs::exists(&inside), "look for", &inside, denied);
    assert_refused(fs::read_dir(&closed), "list", &closed, denied);
    ask(fs::chmod(&closed, 0o700)).unwrap();
}

/// Linux takes names of any bytes; macOS takes UTF-8 alone.
#[cfg(target_os = "linux")]
#[test]
fn names_may_be_any_bytes() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    let folder = tempfile::tempdir().unwrap();
    let strange = folder.path().join(OsStr::from_bytes(b"\xff\xfe \n"));
    let other = folder.path().join(OsStr::from_bytes(b"\x80"));
    ask(fs::write(&strange, "x")).unwrap();
    assert_eq!(ask(fs::read(&strange)).unwrap(), b"x");
    ask(fs::rename(&strange, &other)).unwrap();
    let listed = ask(fs::read_dir(folder.path())).unwrap();
    assert_eq!(listed.iter().map(|entry| &entry.path).collect::<Vec<_>>(), [&other]);
    ask(fs::symlink(&other, &strange)).unwrap();
    assert_eq!(ask(fs::read_link(&strange)).unwrap(), other);
    let made = ask(fs::mkdtemp(&other)).unwrap();
    assert!(made.as_os_str().as_bytes().starts_with(other.as_os_str().as_bytes()));
    assert_refused(fs::read(made.join("x")), "read", &made.join("x"), ErrorKind::NotFound);
}

#[test]
fn a_nul_in_a_name_is_refused_before_the_system_is_asked() {
    let (folder, good) = folder_with("file");
    let bad = folder.path().join("a\0b");
    let refused = ErrorKind::InvalidInput;
    assert_refused(fs::read(&bad), "read", &bad, refused);
    assert_refused(fs::write(&bad, "x"), "write", &bad, refused);
    assert_refused(fs::stat(&bad), "stat", &bad, refused);
    assert_refused(fs::exists(&bad), "look for", &bad, refused);
    assert_refused(fs::access(&bad, Access::default()), "access", &bad, refused);
    let time = std::time::UNIX_EPOCH;
    assert_refused(fs::utimes(&bad, time, time), "set the times of", &bad, refused);
    assert_refused(fs::mkdir(&bad), "make the directory", &bad, refused);
    assert_refused(fs::mkdtemp(&bad), "make a temporary directory at", &bad, refused);
    assert_refused(File::open(&bad), "open", &bad, refused);
    assert_both_refused(fs::rename(&good, &bad), "rename", [&good, &bad], refused);
    assert_both_refused(fs::symlink(&bad, &good), "symlink", [&bad, &good], refused);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn links_in_a_circle_are_an_error_and_can_be_removed() {
    let (folder, one) = folder_with("one");
    let two = folder.path().join("two");
    ask(fs::symlink("two", &one)).unwrap();
    ask(fs::symlink("one", &two)).unwrap();
    #[track_caller]
    fn assert_circle<T: std::fmt::Debug>(result: Result<T, RequestError>, at: &Path) {
        let error = result.unwrap_err();
        let code = error.cause().and_then(std::io::Error::raw_os_error);
        assert_eq!(code, Some(rustix::io::Errno::LOOP.raw_os_error()), "{error}");
        assert!(error.to_string().contains(&format!("{at:?}")), "{error}");
    }
    assert_circle(ask(fs::read(&one)), &one);
    assert_circle(ask(fs::write(&one, "x")), &one);
    assert_circle(ask(fs::stat(&one)), &one);
    assert_circle(ask(fs::exists(&one)), &one);
    assert_circle(ask(fs::realpath(&one)), &one);
    assert_circle(ask(fs::read_dir(&one)), &one);
    assert!(ask(fs::lstat(&one)).unwrap().is_symlink());
    ask(fs::unlink(&one)).unwrap();
    assert_refused(fs::stat(&two), "stat", &two, ErrorKind::NotFound);
}

#[test]
fn callbacks_get_values_and_errors_alike_and_never_inside_the_call() {
    let (folder, file) = folder_with("notes.txt");
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
