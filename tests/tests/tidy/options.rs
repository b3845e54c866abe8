//! The options that the documents name exist in some command line of the repository.
//!
//! # Model
//! The options are the fields of structs in files that use clap, spelled as clap spells them, and the names
//! given with `long = "…"`. That is coarse: it finds an option that exists nowhere, not one that is told for
//! the wrong command.

use std::collections::BTreeSet;

use crate::commands::commands;
use crate::lexer;
use crate::markdown;
use crate::progress::Progress;
use crate::repo::{self, Finding, Source};

/// Options of cargo and of clap itself, which no struct declares.
const GIVEN: [&str; 9] =
    ["cfg", "example", "help", "locked", "release", "root", "test", "test-threads", "workspace"];

fn declared(files: &[Source]) -> BTreeSet<String> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs") && !file.path.starts_with("tests/"));
    let mut options = BTreeSet::new();
    for file in rust.filter(|file| file.text.contains("clap")) {
        for line in lexer::split(&file.text).code.lines() {
            let field = line.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
            let name: String = field.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if !name.is_empty() && field[name.len()..].starts_with(": ") {
                options.insert(name.replace('_', "-"));
            }
        }
        let named = file.text.split("long = \"").skip(1).filter_map(|rest| rest.split_once('"'));
        options.extend(named.map(|(name, _)| name.to_owned()));
    }
    options
}

/// The options that a document names, without their dashes: those that a command of ours gets, and inline
/// code that begins with two dashes.
fn named(file: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for command in commands(file) {
        let own = match command.words.iter().position(|word| word == "--") {
            Some(at) => &command.words[at + 1..],
            None if command.words.get(1).is_some_and(|verb| verb == "xtask") => &command.words[2..],
            None => &[],
        };
        // What follows in clippy's and the compiler's own words is theirs.
        let is_clippy = command.words.get(1).is_some_and(|verb| verb == "clippy");
        let words = own.iter().filter(|_| !is_clippy);
        found.extend(words.filter_map(|word| Some((option(word)?, command.line))));
    }
    for code in markdown::parse(file).inline_code {
        found.extend(option(&code.text).map(|name| (name, code.line)));
    }
    found
}

/// The name in `--name`, `--name=value` or `--name value`.
fn option(text: &str) -> Option<String> {
    let name: String =
        text.strip_prefix("--")?.chars().take_while(|c| c.is_alphanumeric() || *c == '-').collect();
    (!name.is_empty()).then_some(name)
}

fn check(file: &Source, declared: &BTreeSet<String>) -> Vec<Finding> {
    let unknown = named(file)
        .into_iter()
        .filter(|(name, _)| !declared.contains(name) && !GIVEN.contains(&name.as_str()));
    unknown
        .map(|(name, line)| Finding::new(&file.path, line, format!("no command has the option `--{name}`")))
        .collect()
}

#[test]
fn every_option_in_the_documents_exists() {
    let files = repo::all_text();
    let declared = declared(&files);
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    let findings: Vec<Finding> = pages.flat_map(|page| check(page, &declared)).collect();
    // The documents describe the starvation example ahead of its options; once it is done, they must agree.
    if Progress::of_repository().is_done("d") {
        repo::assert_clean(&findings);
    } else {
        findings.iter().for_each(|finding| println!("not yet: {finding}"));
    }
}

#[test]
fn an_option_that_no_command_has_is_found() {
    let code = "#[derive(clap::Args)]\nstruct Options {\n    /// Doc: not a field\n    pub(crate) block_ms: u64,\n    #[arg(long = \"json\")]\n    as_json: bool,\n}\n";
    let declared = declared(&[
        Source::fixture("src/o.rs", code),
        Source::fixture("src/p.rs", "struct P { other: u64 }"),
    ]);
    let says = |text: &str| check(&Source::fixture("a.md", text), &declared).len();
    assert_eq!(says("Use `--block-ms 5` and `--json`, `--release`.\n"), 0);
    assert_eq!(says("```sh\ncargo run --release --example a -- --block-ms=5 --json\n```\n"), 0);
    assert_eq!(says("```sh\ncargo clippy --all-targets -- --cap-lints\n```\n"), 0, "another tool's option");
    assert_eq!(says("Use `--gone 5`.\n"), 1);
    assert_eq!(
        says("```sh\ncargo run --example a -- --other\n```\n"),
        1,
        "a field without clap is no option"
    );
    assert_eq!(says("```sh\ncargo xtask book --gone\n```\n"), 1);
}
