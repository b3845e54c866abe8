//! Directories: listed in order, made and removed, alone or whole.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::path::PathBuf;

use runtime_lab::fs::{self, Entry};

use super::{ask, assert_refused, folder_with};

#[test]
fn a_directory_is_listed_in_order() {
    let (folder, _) = folder_with("");
    assert_eq!(ask(fs::read_dir(folder.path())).unwrap(), Vec::<Entry>::new());
    let paths: Vec<PathBuf> = ["a", "b", "ä", "한"].iter().map(|name| folder.path().join(name)).collect();
    for path in paths.iter().rev() {
        ask(fs::write(path, "")).unwrap();
    }
    let listed = ask(fs::read_dir(folder.path())).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.path.clone()).collect::<Vec<_>>(), paths);
    assert_eq!(listed[3].name(), OsStr::new("한"));
}

#[cfg(unix)]
#[test]
fn a_list_says_what_each_entry_is() {
    let (folder, _) = folder_with("");
    ask(fs::write(folder.path().join("file"), "x")).unwrap();
    ask(fs::mkdir(folder.path().join("directory"))).unwrap();
    ask(fs::symlink("nowhere", folder.path().join("link"))).unwrap();
    let listed = ask(fs::read_dir(folder.path())).unwrap();
    let kinds: Vec<(&str, [bool; 3])> = listed
        .iter()
        .map(|entry| {
            let kind = entry.kind;
            (entry.name().to_str().unwrap(), [kind.is_dir(), kind.is_file(), kind.is_symlink()])
        })
        .collect();
    let expected =
        [("directory", [true, false, false]), ("file", [false, true, false]), ("link", [false, false, true])];
    assert_eq!(kinds, expected);
}

#[test]
fn directories_are_made_one_by_one_or_with_their_parents() {
    let (_folder, top) = folder_with("a");
    let deep = top.join("b").join("c");
    assert_refused(fs::mkdir(&deep), "make the directory", &deep, ErrorKind::NotFound);
    ask(fs::mkdir_all(&deep)).unwrap();
    ask(fs::mkdir_all(&deep)).expect("it is there already");
    assert_refused(fs::mkdir(&deep), "make the directory", &deep, ErrorKind::AlreadyExists);
    let file = deep.join("file");
    ask(fs::write(&file, "x")).unwrap();
    assert_refused(fs::mkdir_all(&file), "make the directory", &file, ErrorKind::AlreadyExists);
}

#[test]
fn only_an_empty_directory_is_removed_unless_all_of_it_is_meant() {
    let (_folder, top) = folder_with("top");
    ask(fs::mkdir_all(top.join("below"))).unwrap();
    ask(fs::write(top.join("below").join("file"), "x")).unwrap();
    assert_refused(fs::rmdir(&top), "remove the directory", &top, ErrorKind::DirectoryNotEmpty);
    ask(fs::remove_dir_all(&top)).unwrap();
    assert_refused(fs::remove_dir_all(&top), "remove the directory", &top, ErrorKind::NotFound);
    ask(fs::mkdir(&top)).unwrap();
    ask(fs::rmdir(&top)).unwrap();
    assert!(!top.exists());
}

#[cfg(unix)]
#[test]
fn removing_all_does_not_go_through_a_link() {
    let (folder, top) = folder_with("top");
    let outside = folder.path().join("outside");
    ask(fs::write(&outside, "kept")).unwrap();
    ask(fs::mkdir(&top)).unwrap();
    ask(fs::symlink(folder.path(), top.join("link"))).unwrap();
    ask(fs::remove_dir_all(&top)).unwrap();
    assert_eq!(ask(fs::read(&outside)).unwrap(), b"kept");
}

#[test]
fn temporary_directories_are_new_and_private() {
    let (folder, _) = folder_with("");
    let prefix = folder.path().join("job-");
    let mut made: Vec<PathBuf> = (0..50).map(|_| ask(fs::mkdtemp(&prefix)).unwrap()).collect();
    for path in &made {
        let known = ask(fs::stat(path)).unwrap();
        assert!(known.is_dir() && path.to_str().unwrap().starts_with(prefix.to_str().unwrap()), "{path:?}");
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&known.permissions()) & 0o777, 0o700);
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 50);
    let nowhere = folder.path().join("missing").join("job-");
    assert_refused(fs::mkdtemp(&nowhere), "make a temporary directory at", &nowhere, ErrorKind::NotFound);
}
