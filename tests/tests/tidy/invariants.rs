//! Every invariant in a header has an id, and a test in its crate whose name begins with that id.
//!
//! # Model
//! A header lists its promises under `# Invariants` as `- T1: …`. An id is one or two capital letters and
//! a number, unique in its crate. The facade's promises may also be tested in the `tests` package.

use std::collections::BTreeMap;

use crate::headers::header_lines;
use crate::lexer;
use crate::repo::{self, Finding, Source};

struct Invariant {
    id: String,
    path: String,
    line: usize,
}

/// The promises of one file, or a finding for each that has no id.
fn invariants(file: &Source) -> (Vec<Invariant>, Vec<Finding>) {
    let (mut found, mut findings) = (Vec::new(), Vec::new());
    let mut is_inside = false;
    for (index, line) in header_lines(&file.text).into_iter().enumerate() {
        if line.starts_with('#') {
            is_inside = line == "# Invariants";
        } else if let (true, Some(item)) = (is_inside, line.strip_prefix("- ")) {
            match item.split_once(": ").map(|(id, _)| id).filter(|id| is_id(id)) {
                Some(id) => {
                    found.push(Invariant { id: id.to_owned(), path: file.path.clone(), line: index + 1 })
                }
                None => {
                    let message = "an invariant begins with an id: `- T1: …`";
                    findings.push(Finding::new(&file.path, index + 1, message));
                }
            }
        }
    }
    (found, findings)
}

fn is_id(id: &str) -> bool {
    let digits = id.trim_start_matches(|c: char| c.is_ascii_uppercase());
    let letters = id.len() - digits.len();
    (1..=2).contains(&letters) && !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// The folder of the package that a file belongs to: the nearest one above it with a Cargo.toml.
fn package_of<'a>(path: &'a str, manifests: &[&str]) -> &'a str {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        folder = above;
        if manifests.contains(&format!("{folder}/Cargo.toml").as_str()) {
            return folder;
        }
    }
    ""
}

fn check(files: &[Source]) -> Vec<Finding> {
    let manifests: Vec<&str> =
        files.iter().map(|file| file.path.as_str()).filter(|path| path.ends_with("Cargo.toml")).collect();
    let mut promised: BTreeMap<&str, Vec<Invariant>> = BTreeMap::new();
    let mut tested: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let package = package_of(&file.path, &manifests);
        let (found, without_id) = invariants(file);
        promised.entry(package).or_default().extend(found);
        findings.extend(without_id);
        let names = lexer::test_functions(&lexer::split(&file.text).code).into_iter().map(|(_, name)| name);
        tested.entry(package).or_default().extend(names);
    }
    let no_tests = Vec::new();
    for (package, invariants) in &promised {
        let of_whole = if package.is_empty() { tested.get("tests") } else { None };
        let tests: Vec<&String> =
            tested.get(package).into_iter().chain(of_whole).chain([&no_tests]).flatten().collect();
        for (index, invariant) in invariants.iter().enumerate() {
            let prefix = format!("{}_", invariant.id.to_lowercase());
            let say = |message| Finding::new(&invariant.path, invariant.line, message);
            if !tests.iter().any(|name| name.starts_with(&prefix)) {
                findings.push(say(format!("no test named `{prefix}…` in this crate")));
            }
            if let Some(first) = invariants[..index].iter().find(|other| other.id == invariant.id) {
                findings.push(say(format!("{} is already an invariant of {}", invariant.id, first.path)));
            }
        }
    }
    findings
}

#[test]
fn every_invariant_has_its_test() {
    repo::assert_clean(&check(&repo::all_text()));
}

#[test]
fn an_invariant_without_a_test_is_found() {
    let manifest = Source::fixture("crates/a/Cargo.toml", "");
    let header = "//! The timers of a loop.\n//!\n//! # Invariants\n//! - T1: in order.\n//! - T2: once.\n";
    let world = |test: &str| {
        let file = Source::fixture("crates/a/src/lib.rs", &format!("{header}\n{test}"));
        check(&[manifest.clone(), file])
    };
    let both = "#[test]\nfn t1_in_order() {}\n#[test]\nfn t2_once() {}\n";
    assert_eq!(world(both), []);
    let only_one = world("#[test]\nfn t1_in_order() {}\nfn t2_is_no_test() {}\n");
    assert_eq!(only_one, [Finding::new("crates/a/src/lib.rs", 5, "no test named `t2_…` in this crate")]);
    let longer_number = world("#[test]\nfn t1_x() {}\n#[test]\nfn t20_is_another() {}\n");
    assert_eq!(longer_number.len(), 1);
    let in_a_comment = world("#[test]\nfn t1_x() {}\n// #[test] fn t2_once() {}\n");
    assert_eq!(in_a_comment.len(), 1);
}

#[test]
fn a_test_in_another_crate_does_not_count() {
    let files = [
        Source::fixture("crates/a/Cargo.toml", ""),
        Source::fixture("crates/b/Cargo.toml", ""),
        Source::fixture("crates/a/src/lib.rs", "//! A sentence.\n//! # Invariants\n//! - A1: so.\n"),
        Source::fixture("crates/b/src/lib.rs", "#[test]\nfn a1_so() {}\n"),
    ];
    assert_eq!(check(&files).len(), 1);
}

#[test]
fn a_missing_or_repeated_id_is_found() {
    let file = |text: &str| Source::fixture("src/lib.rs", text);
    let nameless = file("//! A sentence.\n//! # Invariants\n//! - it is so.\n//! # Threads\n//! - one.\n");
    assert_eq!(check(&[nameless]).len(), 1);
    let twice = "//! A sentence.\n//! # Invariants\n//! - A1: so.\n//! - A1: also.\n#[test]\nfn a1_so() {}\n";
    assert!(check(&[file(twice)])[0].message.contains("already"));
}
