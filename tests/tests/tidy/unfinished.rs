//! Nothing unfinished is shipped, and no test waits by sleeping.
//!
//! # Model
//! A sleep in a test hopes that another thread is done by then: it is slow when the machine is fast and
//! wrong when the machine is slow. Where nothing else will do, a comment on the same line or the line above
//! begins with `sleep:` and gives the reason in a few words.

use crate::lexer;
use crate::progress::Progress;
use crate::repo::{self, Finding, Source};

const STUBS: [(&str, &str); 5] = [
    ("todo!", "an unfinished function"),
    ("unimplemented!", "an unfinished function"),
    ("#[ignore", "a test that nobody runs"),
    (", ignore", "a test that is not run everywhere"),
    ("dbg!", "a left-over probe"),
];
const MARKS: [&str; 3] = ["FIXME", "TODO", "XXX"];
const SLEEPS: [&str; 4] = ["thread::sleep", "thread::{sleep", "thread::park_timeout", "sleep_ms"];
/// Stands in a document where something will be put that only a finished program can give.
const OWED: &str = "<!-- owed:";
const MIN_REASON_WORDS: usize = 4;

fn check_stubs(file: &Source) -> Vec<Finding> {
    let split = lexer::split(&file.text);
    let mut findings = Vec::new();
    for (index, (code, comment)) in split.code.lines().zip(split.comments.lines()).enumerate() {
        let is_attribute = code.trim_start().starts_with("#[");
        let stubs =
            STUBS.iter().filter(|(word, _)| code.contains(word) && (*word != ", ignore" || is_attribute));
        let words = |mark: &&&str| comment.split(|c: char| !c.is_alphanumeric()).any(|word| word == **mark);
        let marks = MARKS.iter().filter(words).map(|mark| (mark, "a note to finish something"));
        for (word, what) in stubs.map(|(word, what)| (word, *what)).chain(marks) {
            findings.push(Finding::new(&file.path, index + 1, format!("`{word}` marks {what}")));
        }
    }
    findings
}

fn check_sleeps(file: &Source) -> Vec<Finding> {
    let split = lexer::split(&file.text);
    let is_test = lexer::test_lines(&file.path, &split.code);
    let comments: Vec<&str> = split.comments.lines().collect();
    let mut findings = Vec::new();
    for (index, code) in split.code.lines().enumerate() {
        let sleeps = SLEEPS.iter().any(|call| code.contains(call));
        let reasons = [comments[index], index.checked_sub(1).map_or("", |above| comments[above])];
        if is_test[index] && sleeps && !reasons.iter().any(|comment| is_reason(comment)) {
            let message = "a test waits for an event, not for time; or say why not after `// sleep:`";
            findings.push(Finding::new(&file.path, index + 1, message));
        }
    }
    findings
}

fn check_owed(file: &Source) -> Option<Finding> {
    let line = file.text.lines().position(|line| line.contains(OWED))?;
    Some(Finding::new(&file.path, line + 1, "every step is done, and this page still owes something"))
}

fn is_reason(comment: &str) -> bool {
    let reason = comment.split_once("sleep:").map_or("", |(_, reason)| reason);
    reason.split_whitespace().count() >= MIN_REASON_WORDS
}

#[test]
fn nothing_unfinished_is_shipped() {
    repo::assert_clean(&repo::rust_files().iter().flat_map(check_stubs).collect::<Vec<_>>());
}

#[test]
fn no_test_waits_by_sleeping() {
    repo::assert_clean(&repo::rust_files().iter().flat_map(check_sleeps).collect::<Vec<_>>());
}

#[test]
fn documents_owe_nothing_once_every_step_is_done() {
    let files = repo::all_text();
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    if Progress::of_repository().is_done("e") {
        repo::assert_clean(&pages.filter_map(check_owed).collect::<Vec<_>>());
    } else {
        pages
            .filter_map(check_owed)
            .for_each(|finding| println!("still owed: {}:{}", finding.path, finding.line));
    }
}

#[test]
fn a_page_that_owes_something_is_found() {
    assert!(check_owed(&Source::fixture("README.md", "text\n")).is_none());
    assert_eq!(check_owed(&Source::fixture("README.md", "text\n<!-- owed: a screen -->\n")).unwrap().line, 2);
}

#[test]
fn stubs_are_found_in_code_and_not_in_text() {
    let says = |text: &str| check_stubs(&Source::fixture("a.rs", text)).len();
    assert_eq!(says("fn a() { todo!() }"), 1);
    assert_eq!(says("fn a() { unimplemented!(\"later\") }"), 1);
    assert_eq!(says("#[test]\n#[ignore = \"slow\"]\nfn a() {}"), 1);
    assert_eq!(says("#[cfg_attr(target_os = \"macos\", ignore)]\nfn a() {}"), 1);
    assert_eq!(says(concat!("// FIX", "ME: later")), 1);
    assert_eq!(says(concat!("/* TO", "DO */ fn a() {}")), 1);
    assert_eq!(says("fn a() { say(\"todo!() and FIXME\"); b(x, ignore) } // TODOLIST is a name\n"), 0);
}

#[test]
fn a_sleep_in_a_test_is_found_unless_it_says_why() {
    let in_test_module = |body: &str| {
        let text = format!("fn a() {{}}\n#[cfg(test)]\nmod tests {{\n{body}\n}}\n");
        check_sleeps(&Source::fixture("src/a.rs", &text)).len()
    };
    assert_eq!(in_test_module("    std::thread::sleep(ms(5));"), 1);
    assert_eq!(in_test_module("    thread::sleep(ms(5)); // sleep: too short"), 1);
    assert_eq!(
        in_test_module("    // sleep: the kernel offers no event for this\n    thread::sleep(ms(5));"),
        0
    );
    assert_eq!(in_test_module("    say(\"thread::sleep\");"), 0);
    let outside = Source::fixture("src/a.rs", "fn load() { std::thread::sleep(ms(5)); }");
    assert_eq!(check_sleeps(&outside).len(), 0, "programs may sleep; tests may not");
    let imported = Source::fixture("tests/a.rs", "use std::thread::{sleep, spawn};");
    assert_eq!(check_sleeps(&imported).len(), 1);
}
