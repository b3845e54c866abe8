//! Every Rust file begins with one full sentence about itself and stays short enough to read.

use crate::repo::{self, Finding, Source};

/// Above this, a file must explain itself under a `# Length` heading of its header.
const MAX_LINES: usize = 700;
/// Above this, a file is listed, so that somebody looks at it again.
const LOOK_AGAIN_LINES: usize = 400;
/// Projects that write their own name small.
const NAMES: [&str; 6] = ["hyper", "libuv", "loom", "mdBook", "mio", "tokio"];
/// Fewer words than this are a label, not a sentence.
const MIN_WORDS: usize = 4;

/// The leading `//!` lines of a file without their marker.
pub(crate) fn header_lines(text: &str) -> Vec<&str> {
    let lines = text.lines().take_while(|line| line.starts_with("//!"));
    lines.map(|line| line[3..].strip_prefix(' ').unwrap_or(&line[3..])).collect()
}

fn check_header(file: &Source) -> Option<Finding> {
    let header = header_lines(&file.text);
    let paragraph: Vec<&str> = header.iter().copied().take_while(|line| !line.trim().is_empty()).collect();
    let sentence = paragraph.join(" ");
    let problem = if paragraph.is_empty() {
        "begin the file with `//!` and a sentence that says what it is"
    } else if sentence.starts_with('#') {
        "a sentence comes before the first heading"
    } else if sentence.split_whitespace().count() < MIN_WORDS {
        "the header is a label; write a full sentence"
    } else if !sentence.trim_end_matches(['`', '*', ')']).ends_with(['.', '?', '!']) {
        "the first paragraph of the header ends with a full stop"
    } else if sentence.chars().next().is_some_and(char::is_lowercase) && !begins_with_a_name(&sentence) {
        "the header begins with a capital letter, or with a name"
    } else {
        return None;
    };
    Some(Finding::new(&file.path, 1, problem))
}

fn begins_with_a_name(sentence: &str) -> bool {
    NAMES
        .iter()
        .any(|name| sentence.strip_prefix(name).is_some_and(|rest| !rest.starts_with(char::is_alphanumeric)))
}

fn check_length(file: &Source) -> Option<Finding> {
    let lines = file.text.lines().count();
    let explains = header_lines(&file.text).contains(&"# Length");
    let message = format!(
        "{lines} lines, at most {MAX_LINES}: split it, or say why not under `# Length` in the header"
    );
    (lines > MAX_LINES && !explains).then(|| Finding::new(&file.path, 0, message))
}

#[test]
fn every_file_begins_with_a_sentence() {
    let findings: Vec<Finding> = repo::rust_files().iter().filter_map(check_header).collect();
    repo::assert_clean(&findings);
}

#[test]
fn no_file_is_too_long_to_read() {
    let files = repo::rust_files();
    for file in files.iter().filter(|file| file.text.lines().count() > LOOK_AGAIN_LINES) {
        println!("look again: {} has {} lines", file.path, file.text.lines().count());
    }
    repo::assert_clean(&files.iter().filter_map(check_length).collect::<Vec<_>>());
}

#[test]
fn a_header_that_says_nothing_is_found() {
    let says = |text: &str| check_header(&Source::fixture("a.rs", text)).map(|finding| finding.message);
    assert_eq!(says("//! The timers of a loop, in order.\nfn a() {}\n"), None);
    assert_eq!(says("//! The timers of a loop,\n//! in order.\n//!\n//! More\n"), None);
    assert_eq!(says("//! libuv's timers, in order.\n"), None);
    assert_eq!(says("//! `epoll` on Linux, `kqueue` elsewhere.\n"), None);
    for wrong in [
        "",
        "use std::fmt;\n//! Too late to be a header of this.\n",
        "// Not a documentation comment at all.\n",
        "//! timers.\n",
        "//! # Model\n//! The timers of a loop.\n",
        "//! The timers of a loop, in order\n//!\n",
        "//! the timers of a loop, in order.\n",
    ] {
        assert!(says(wrong).is_some(), "no finding for {wrong:?}");
    }
}

#[test]
fn a_long_file_is_found_unless_it_says_why() {
    let body = "let x = 1;\n".repeat(MAX_LINES);
    let silent = format!("//! One table of many rows.\n{body}");
    assert!(check_length(&Source::fixture("a.rs", &silent)).is_some());
    let explained = format!("//! One table of many rows.\n//!\n//! # Length\n//! A table.\n{body}");
    assert!(check_length(&Source::fixture("a.rs", &explained)).is_none());
    assert!(check_length(&Source::fixture("a.rs", &body)).is_none(), "exactly the limit is allowed");
}
