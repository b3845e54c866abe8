//! No measured number is typed into the book: what has a unit, a decimal point or a percent sign is included from a result,
//! or is a constant that `book/constants.toml` backs.
//!
//! # Model
//! Code, includes and the targets of links are not prose. An entry of the list says why the number is a constant, and where it
//! stands: in a `file` of the repository that `contains` it, or in a public `source` when it is a fact about another system.

use std::collections::BTreeSet;

use serde::Deserialize;

use crate::repo::{self, Finding, Source};

const PAGES: [&str; 2] = ["book/en/src/", "book/ko/src/"];
const LIST: &str = "book/constants.toml";
/// Units as they stand behind a number, the longer first. Korean ones may have a particle behind them.
const UNITS: [&str; 23] = [
    "milliseconds",
    "microseconds",
    "seconds",
    "percent",
    "KiB",
    "MiB",
    "GiB",
    "bytes",
    "byte",
    "req/s",
    "ms",
    "µs",
    "us",
    "ns",
    "s",
    "x",
    "×",
    "%",
    "밀리초",
    "초",
    "배",
    "퍼센트",
    "바이트",
];

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    constant: Vec<Constant>,
}

#[derive(Deserialize)]
struct Constant {
    text: String,
    why: String,
    file: Option<String>,
    contains: Option<String>,
    source: Option<String>,
}

/// The numbers of one line of prose that look measured.
fn numbers(prose: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = prose;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let is_part_of_a_word =
            rest[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let after = &rest[at..];
        let mut end =
            after.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(after.len());
        while after[..end].ends_with(['.', ',']) {
            end -= 1; // The end of a sentence or a comma.
        }
        let number = &after[..end];
        rest = &after[end..];
        if is_part_of_a_word {
            continue;
        }
        let behind = rest.strip_prefix(' ').or_else(|| rest.strip_prefix('\u{a0}')).unwrap_or(rest);
        let unit = UNITS.iter().find(|unit| {
            let next = behind.strip_prefix(**unit).map(|after| after.chars().next());
            next.is_some_and(|next| {
                let is_word = next.is_some_and(|c| c.is_ascii_alphabetic());
                !(is_word && unit.ends_with(|c: char| c.is_ascii_alphabetic()))
            })
        });
        match unit {
            Some(unit) => found.push(format!("{number} {unit}")),
            None if number.contains('.') => found.push(number.to_owned()),
            None => {}
        }
    }
    found
}

/// The prose of a page, line by line: without fences, inline code, includes, tags and targets of links.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut lines = Vec::new();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if !is_code {
            let kept = without(line, "{{", "}}");
            let kept: Vec<&str> = kept.split('`').step_by(2).collect();
            lines.push((index + 1, without(&without(&kept.join(" "), "](", ")"), "<", ">")));
        }
    }
    lines
}

/// The text without what stands between two marks.
fn without(text: &str, open: &str, close: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        let Some((_, behind)) = after.split_once(close) else { break };
        kept.push_str(before);
        kept.push(' ');
        rest = behind;
    }
    kept + rest
}

fn check(pages: &[Source], list: &Source, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let constants = match toml::from_str::<List>(&list.text) {
        Ok(list) => list.constant,
        Err(error) => return vec![Finding::new(&list.path, 0, error.to_string())],
    };
    let mut findings = Vec::new();
    let mut used = BTreeSet::new();
    for page in pages {
        for (line, prose) in prose(&page.text) {
            for number in numbers(&prose) {
                if !constants.iter().any(|known| known.text == number) {
                    let message =
                        format!("`{number}` is typed; include it from a result, or back it in {LIST}");
                    findings.push(Finding::new(&page.path, line, message));
                }
                used.insert(number);
            }
        }
    }
    for Constant { text, why, file, contains, source } in &constants {
        let mut complain = |problem: String| findings.push(Finding::new(&list.path, 0, problem));
        if why.trim().is_empty() {
            complain(format!("`{text}` does not say why it is a constant"));
        }
        match (file, contains, source) {
            (Some(file), Some(contains), None) => {
                if !read(file).is_some_and(|found| found.contains(contains.as_str())) {
                    complain(format!("`{text}`: {file} does not contain `{contains}`"));
                }
            }
            (None, None, Some(source)) if !source.trim().is_empty() => {}
            _ => complain(format!("`{text}` needs `file` and `contains`, or a `source`")),
        }
        if !used.contains(text) {
            complain(format!("no page uses `{text}`"));
        }
    }
    findings
}

#[test]
fn no_measured_number_is_typed_into_the_book() {
    let files = repo::all_text();
    let is_page = |file: &&Source| PAGES.iter().any(|prefix| file.path.starts_with(prefix));
    let pages: Vec<Source> =
        files.iter().filter(is_page).filter(|file| file.path.ends_with(".md")).cloned().collect();
    let read = |path: &str| repo::read_if_present(path).map(|file| file.text);
    repo::assert_clean(&check(&pages, &repo::read(LIST), read));
}

#[cfg(test)]
mod controls {
    use super::*;

    #[test]
    fn numbers_that_look_measured_are_found() {
        for (text, expected) in [
            ("took 12 ms.", "12 ms"),
            ("1.05 times", "1.05"),
            ("5%", "5 %"),
            ("2배가", "2 배"),
            ("30초를", "30 초"),
            ("10 x", "10 x"),
            ("1,024 bytes", "1,024 bytes"),
            ("3 s", "3 s"),
        ] {
            assert_eq!(numbers(text), [expected], "{text}");
        }
        for text in ["4 threads", "L10", "step 3. Then", "2 of 5", "gil310", "64 small jobs", "1. First"] {
            assert_eq!(numbers(text), [""; 0], "{text}");
        }
    }

    #[test]
    fn code_and_includes_are_no_prose() {
        let text =
            "a `5 ms` b {{#include x.values:p_9}} [c](d-1.5.md)\n```sh\n7 ms\n```\n<img src=\"1.5\">\n8 ms\n";
        let found: Vec<String> = prose(text).iter().flat_map(|(_, line)| numbers(line)).collect();
        assert_eq!(found, ["8 ms"]);
    }

    #[test]
    fn a_number_needs_an_entry_and_an_entry_needs_backing() {
        let page = |text: &str| [Source::fixture("book/en/src/p.md", text)];
        let read = |path: &str| (path == "a.rs").then(|| "const INTERVAL_MS: u64 = 5;".to_owned());
        let says = |text: &str, list: &str| check(&page(text), &Source::fixture(LIST, list), read).len();
        let backed = "[[constant]]\ntext = \"5 ms\"\nwhy = \"w\"\nfile = \"a.rs\"\ncontains = \"INTERVAL_MS: u64 = 5\"\n";
        assert_eq!(says("5 ms", backed), 0);
        assert_eq!(says("5 ms", ""), 1);
        assert_eq!(says("6 ms and 5 ms", backed), 1);
        assert_eq!(says("nothing", backed), 1, "an entry that no page uses");
        assert_eq!(says("5 ms", &backed.replace("= 5", "= 6")), 1, "the file says something else");
        assert_eq!(says("5 ms", &backed.replace("why = \"w\"", "why = \"\"")), 1);
        assert_eq!(says("5 ms", "[[constant]]\ntext = \"5 ms\"\nwhy = \"w\"\nsource = \"a manual\"\n"), 0);
        assert_eq!(says("5 ms", "[[constant]]\ntext = \"5 ms\"\nwhy = \"w\"\n"), 1);
        assert_eq!(says("5 ms", "[[constant]\n"), 1);
    }
}
