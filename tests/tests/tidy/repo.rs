//! The tree under test: its text files, and the findings that rules report about them.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// One text file, with its path relative to the root of the repository.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// A file that exists only in a test.
    pub(crate) fn fixture(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }
}

/// Something that breaks a rule; `line` counts from 1, and 0 means the file as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Finding {
    pub(crate) fn new(path: &str, line: usize, message: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(out, "{}: {}", self.path, self.message),
            line => write!(out, "{}:{line}: {}", self.path, self.message),
        }
    }
}

/// Fails the test with one line for each finding.
#[track_caller]
pub(crate) fn assert_clean(findings: &[Finding]) {
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    assert!(lines.is_empty(), "{} finding(s):\n{}", lines.len(), lines.join("\n"));
}

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests live below the root").to_owned()
}

/// A file that the repository cannot do without.
pub(crate) fn read(path: &str) -> Source {
    let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    Source { path: path.to_owned(), text }
}

/// A file of the repository, or `None` while it does not exist.
pub(crate) fn read_if_present(path: &str) -> Option<Source> {
    let text = fs::read_to_string(root().join(path)).ok()?;
    Some(Source { path: path.to_owned(), text })
}

/// Every text file, sorted by path.
pub(crate) fn all_text() -> Vec<Source> {
    files_below(&root())
}

/// Every Rust file, sorted by path.
pub(crate) fn rust_files() -> Vec<Source> {
    all_text().into_iter().filter(|file| file.path.ends_with(".rs")).collect()
}

/// Every text file below `top` (paths relative to it), without what builds write and what git keeps.
pub(crate) fn files_below(top: &Path) -> Vec<Source> {
    let mut found = Vec::new();
    walk(top, top, &mut found);
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

fn walk(top: &Path, folder: &Path, found: &mut Vec<Source>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a directory entry is readable").path();
        let relative = path.strip_prefix(top).expect("walked from the top").to_string_lossy().into_owned();
        if is_built(&relative) {
            continue;
        }
        if path.is_dir() {
            walk(top, &path, found);
        } else if let Ok(text) = fs::read_to_string(&path) {
            // What is not UTF-8 is a picture or an archive: no rule reads it.
            found.push(Source { path: relative, text });
        }
    }
}

/// What is not part of the repository; in a second worktree `.git` is a file. Exercises that are not solved are
/// unfinished on purpose, and tests of `lab` look at them.
fn is_built(relative: &str) -> bool {
    let is_book_output = relative.starts_with("book/") && relative.ends_with("/book");
    let is_unsolved = matches!(relative, "exercises/exercises" | "exercises/originals");
    matches!(relative, ".git" | "target" | "exercises/target") || is_unsolved || is_book_output
}

#[test]
fn the_walk_sees_sources_and_not_what_builds_write() {
    let world = tempfile::tempdir().unwrap();
    for path in [
        "src/lib.rs",
        "target/debug/x.rs",
        ".git/config",
        "book/en/book/index.html",
        "book/en/src/a.md",
        "exercises/exercises/a.rs",
        "exercises/originals/a.rs",
        "exercises/target/x.rs",
        "exercises/grader/src/a.rs",
    ] {
        let path = world.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "text").unwrap();
    }
    let seen = || files_below(world.path()).into_iter().map(|file| file.path).collect::<Vec<_>>();
    let expected = ["book/en/src/a.md", "exercises/grader/src/a.rs", "src/lib.rs"];
    assert_eq!(seen(), expected);
    fs::remove_dir_all(world.path().join(".git")).unwrap();
    fs::write(world.path().join(".git"), "gitdir: elsewhere").unwrap();
    assert_eq!(seen(), expected);
}

#[test]
#[should_panic(expected = "a.rs:3: too long")]
fn a_finding_fails_the_test_and_names_its_line() {
    assert_clean(&[Finding::new("a.rs", 3, "too long")]);
}
