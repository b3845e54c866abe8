//! The book shows code that compiles and numbers that were measured, in two editions of the same shape.
//!
//! # Model
//! mdBook turns an include of an unknown anchor into nothing and goes on, so the check is here: each include
//! names a file and an anchor that is there and not empty. Line numbers are refused, because they drift.

use std::collections::{BTreeMap, BTreeSet};

use crate::links::resolve;
use crate::markdown::{self, Page};
use crate::repo::{self, Finding, Source};

const EDITIONS: [&str; 2] = ["book/en/src/", "book/ko/src/"];

/// Checks one include directive; `read` gives the text of a file of the repository.
fn check_include(page: &str, argument: &str, read: impl Fn(&str) -> Option<String>) -> Option<String> {
    let (path, anchor) = argument.split_once(':').unwrap_or((argument, ""));
    let path = resolve(page, path);
    let Some(text) = read(&path) else { return Some(format!("includes {path}, which does not exist")) };
    if anchor.is_empty() {
        // Pages, and the recordings of the figures, which are one line of JSON, are included whole.
        let is_recording = path.starts_with("book/data/") && path.ends_with(".json");
        let is_page = (path.ends_with(".md") || is_recording) && !argument.contains(':');
        let problem =
            if is_page { None } else { Some(format!("include an anchor of {path}, not all of it")) };
        return problem.or_else(|| text.trim().is_empty().then(|| format!("{path} is empty")));
    }
    if anchor.split(':').any(|part| part.is_empty() || part.bytes().all(|b| b.is_ascii_digit())) {
        return Some(format!("`{anchor}` counts lines, which drift; use an anchor"));
    }
    match anchored(&text, anchor) {
        None => Some(format!("{path} has no `ANCHOR: {anchor}` with its `ANCHOR_END`")),
        Some(lines) if lines.iter().all(|line| line.trim().is_empty()) => {
            Some(format!("anchor {anchor} is empty"))
        }
        Some(_) => None,
    }
}

/// The lines between the marks of an anchor, without the marks of others.
fn anchored<'a>(text: &'a str, anchor: &str) -> Option<Vec<&'a str>> {
    let mark_of = |line: &str, kind: &str| {
        let after = line.split_once(kind)?.1;
        Some(after.split_whitespace().next().unwrap_or("").to_owned())
    };
    let is_mark = |line: &&str, kind: &str| mark_of(line, kind).is_some_and(|name| name == anchor);
    let lines: Vec<&str> = text.lines().collect();
    let start = lines.iter().position(|line| is_mark(line, "ANCHOR:"))?;
    let end = lines.iter().position(|line| is_mark(line, "ANCHOR_END:"))?;
    let inside = lines.get(start + 1..end)?;
    Some(inside.iter().copied().filter(|line| !line.contains("ANCHOR")).collect())
}

fn check_page(file: &Source, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let page = markdown::parse(file);
    let mut findings = Vec::new();
    for include in &page.includes {
        if let Some(problem) = check_include(&file.path, &include.text, &read) {
            findings.push(Finding::new(&file.path, include.line, problem));
        }
    }
    for fence in page.fences.iter().filter(|fence| fence.language.starts_with("rust")) {
        for (index, line) in fence.lines.iter().enumerate() {
            if !line.trim().is_empty() && !line.trim_start().starts_with("{{#") {
                let message = "Rust in the book is included from a file that is compiled";
                findings.push(Finding::new(&file.path, fence.line + 1 + index, message));
            }
        }
    }
    findings
}

/// Where two editions differ in files, in headings or in what they include.
fn check_editions(files: &[Source]) -> Vec<Finding> {
    let edition = |prefix: &str| -> BTreeMap<String, &Source> {
        let pages = files.iter().filter(|file| file.path.ends_with(".md"));
        pages.filter_map(|file| Some((file.path.strip_prefix(prefix)?.to_owned(), file))).collect()
    };
    let (left, right) = (edition(EDITIONS[0]), edition(EDITIONS[1]));
    let mut findings = Vec::new();
    for name in left.keys().chain(right.keys()).collect::<BTreeSet<_>>() {
        let (Some(left), Some(right)) = (left.get(name), right.get(name)) else {
            findings.push(Finding::new(name, 0, "the page exists in one edition only"));
            continue;
        };
        let (english, other) = (markdown::parse(left), markdown::parse(right));
        for (what, shape) in SHAPES {
            if shape(&english) != shape(&other) {
                findings.push(Finding::new(
                    &right.path,
                    0,
                    format!("its {what} are not those of {}", left.path),
                ));
            }
        }
    }
    findings
}

type Shape = fn(&Page) -> Vec<String>;

/// What must be equal between editions, with its name.
const SHAPES: [(&str, Shape); 3] = [
    ("headings", |page| page.headings.iter().map(|heading| heading.level.to_string()).collect()),
    // The tables of both editions differ in their words, and in nothing else.
    ("includes", |page| page.includes.iter().map(|include| include.text.replace(".ko.", ".en.")).collect()),
    ("blocks", |page| page.fences.iter().map(|fence| fence.language.clone()).collect()),
];

/// Pages that the summary of an edition does not list: mdBook would leave them out without a word.
fn check_summary(summary: &Source, pages: &[Source]) -> Vec<Finding> {
    let listed: BTreeSet<String> =
        markdown::parse(summary).links.iter().map(|link| resolve(&summary.path, &link.text)).collect();
    let unlisted = pages.iter().filter(|page| page.path != summary.path && !listed.contains(&page.path));
    unlisted.map(|page| Finding::new(&page.path, 0, "SUMMARY.md does not list this page")).collect()
}

fn pages_below(files: &[Source], prefix: &str) -> Vec<Source> {
    let pages = files.iter().filter(|file| file.path.starts_with(prefix) && file.path.ends_with(".md"));
    pages.cloned().collect()
}

#[test]
fn every_page_includes_what_exists() {
    let files = repo::all_text();
    let read = |path: &str| repo::read_if_present(path).map(|file| file.text);
    let pages = EDITIONS.iter().flat_map(|prefix| pages_below(&files, prefix));
    repo::assert_clean(&pages.flat_map(|page| check_page(&page, read)).collect::<Vec<_>>());
}

#[test]
fn both_editions_have_the_same_shape() {
    let files = repo::all_text();
    assert!(!pages_below(&files, EDITIONS[0]).is_empty(), "the book has pages");
    repo::assert_clean(&check_editions(&files));
}

#[test]
fn every_page_is_in_its_summary() {
    let files = repo::all_text();
    for prefix in EDITIONS {
        let summary = repo::read(&format!("{prefix}SUMMARY.md"));
        repo::assert_clean(&check_summary(&summary, &pages_below(&files, prefix)));
    }
}

#[cfg(test)]
mod controls {
    use super::*;

    const SOURCE: &str = "fn a() {}\n// ANCHOR: one\nfn b() {}\n// ANCHOR: two\n\n// ANCHOR_END: two\n// ANCHOR_END: one\n// ANCHOR: open\nfn c() {}\n";

    fn says(text: &str) -> usize {
        let read = |path: &str| match path {
            "examples/a.rs" => Some(SOURCE.to_owned()),
            "book/data/t.md" => Some("| 1 |\n".to_owned()),
            "book/data/none.md" => Some("\n".to_owned()),
            _ => None,
        };
        check_page(&Source::fixture("book/en/src/p.md", text), read).len()
    }

    #[test]
    fn an_include_of_nothing_is_found() {
        assert_eq!(says("{{#include ../../../examples/a.rs:one}}"), 0);
        assert_eq!(says("{{#include ../../data/t.md}}"), 0);
        for wrong in [
            "{{#include ../../../examples/gone.rs:one}}",
            "{{#include ../../../examples/a.rs:three}}",
            "{{#include ../../../examples/a.rs:on}}",
            "{{#include ../../../examples/a.rs:two}}",
            "{{#include ../../../examples/a.rs:open}}",
            "{{#include ../../../examples/a.rs}}",
            "{{#rustdoc_include ../../../examples/a.rs:2:3}}",
            "{{#include ../../../examples/a.rs:2}}",
            "{{#include ../../../examples/a.rs::3}}",
            "{{#include ../../data/none.md}}",
        ] {
            assert_eq!(says(wrong), 1, "{wrong}");
        }
    }

    #[test]
    fn rust_that_nobody_compiles_is_found() {
        assert_eq!(says("```rust\n{{#include ../../../examples/a.rs:one}}\n```\n"), 0);
        assert_eq!(says("```rust\nfn typed_in() {}\n```\n"), 1);
        assert_eq!(says("```sh\ncargo test\n```\n"), 0);
    }

    #[test]
    fn editions_of_different_shape_are_found() {
        let edition = |english: &str, korean: &str| {
            let pages =
                [Source::fixture("book/en/src/p.md", english), Source::fixture("book/ko/src/p.md", korean)];
            check_editions(&pages).len()
        };
        assert_eq!(edition("# A\ntext\n```sh\nx\n```\n", "# 가\n글\n```sh\nx\n```\n"), 0);
        assert_eq!(edition("# A\n## B\n", "# 가\n"), 1);
        assert_eq!(edition("{{#include a.md}}", "{{#include b.md}}"), 1);
        assert_eq!(edition("{{#include a.en.md}}", "{{#include a.ko.md}}"), 0);
        assert_eq!(edition("{{#include a.en.values:x}}", "{{#include a.ko.values:y}}"), 1);
        assert_eq!(edition("```sh\nx\n```\n", ""), 1);
        assert_eq!(check_editions(&[Source::fixture("book/en/src/p.md", "")]).len(), 1);
    }

    #[test]
    fn a_page_outside_the_summary_is_found() {
        let summary = Source::fixture("book/en/src/SUMMARY.md", "- [A](a.md)\n");
        let pages = [Source::fixture("book/en/src/a.md", ""), Source::fixture("book/en/src/b.md", "")];
        assert_eq!(check_summary(&summary, &pages).len(), 1);
        assert_eq!(check_summary(&summary, &pages[..1]), []);
    }
}
