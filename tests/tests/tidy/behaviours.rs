//! The table of behaviours: each thing that libuv's own tests promise has a test here with its name.
//!
//! # Model
//! `tests/behaviours.toml` has the rows 1 to 88. A row names one test as `package::test` or `file::test`, or
//! says why the behaviour does not apply. While its step of ARCHITECTURE.md is open, a row may still say
//! `pending`; from the day that it is done, every row of the step must hold.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::lexer;
use crate::progress::Progress;
use crate::repo::{self, Finding, Source};

const LAST: u32 = 88;
/// The last row of the first step; the others belong to the second.
const LAST_OF_LOOP: u32 = 64;
const STEPS: [&str; 2] = ["e", "v"];
const NOT_APPLICABLE: [u32; 4] = [11, 12, 15, 71];
const PENDING: &str = "pending";
const PATH: &str = "tests/behaviours.toml";

#[derive(Deserialize)]
struct Table {
    row: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: u32,
    behaviour: String,
    test: Option<String>,
    not_applicable: Option<String>,
}

/// The tests of the repository: for each name, the packages and files (as Rust spells them) that have one.
type Tests = BTreeMap<String, BTreeSet<String>>;

fn tests_of(files: &[Source]) -> Tests {
    let names = package_names(files);
    let mut tests = Tests::new();
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let stem = file.path.rsplit('/').next().unwrap_or("").trim_end_matches(".rs").to_owned();
        let package = names.iter().filter(|(folder, _)| file.path.starts_with(folder.as_str()));
        let package = package.max_by_key(|(folder, _)| folder.len()).map(|(_, name)| name.replace('-', "_"));
        for (_, name) in lexer::test_functions(&lexer::split(&file.text).code) {
            tests.entry(name).or_default().extend(package.clone().into_iter().chain([stem.clone()]));
        }
    }
    tests
}

/// The packages of the workspace: the folder (with its slash, "" for the root) and the name of each.
fn package_names(files: &[Source]) -> Vec<(String, String)> {
    let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
    let named = manifests.filter_map(|file| {
        let table: toml::Table = file.text.parse().ok()?;
        let name = table.get("package")?.get("name")?.as_str()?.to_owned();
        Some((file.path.trim_end_matches("Cargo.toml").to_owned(), name))
    });
    named.collect()
}

/// `done` says of the two steps whether they are done.
fn check(table: &Source, tests: &Tests, done: [bool; 2]) -> Vec<Finding> {
    let rows = match toml::from_str::<Table>(&table.text) {
        Ok(table) => table.row,
        Err(error) => return vec![Finding::new(&table.path, 0, error.to_string())],
    };
    let mut findings = Vec::new();
    let mut say = |message: String| findings.push(Finding::new(&table.path, 0, message));
    if !rows.iter().map(|row| row.id).eq(1..=LAST) {
        say(format!("the rows are 1 to {LAST}, each once and in order"));
    }
    let mut claimed: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &rows {
        let id = row.id;
        if row.behaviour.split_whitespace().count() < 4 {
            say(format!("row {id} does not say its behaviour"));
        }
        if let Some(problem) = problem(row, tests, done) {
            say(format!("row {id}: {problem}"));
        }
        let test = row.test.as_deref().filter(|test| *test != PENDING);
        if let Some(other) = test.and_then(|test| claimed.insert(test, id)) {
            say(format!("row {id} has the test of row {other}; a behaviour has a test named after it"));
        }
    }
    findings
}

fn problem(row: &Row, tests: &Tests, done: [bool; 2]) -> Option<String> {
    let step = usize::from(row.id > LAST_OF_LOOP);
    match (row.test.as_deref(), row.not_applicable.as_deref()) {
        (Some(PENDING), None) => {
            done[step].then(|| format!("is still pending, and step {} is done", STEPS[step]))
        }
        (Some(test), None) => test_problem(test, tests),
        (None, Some(reason)) if reason.split_whitespace().count() < 4 => {
            Some("give the reason in a sentence".to_owned())
        }
        (None, Some(_)) if NOT_APPLICABLE.contains(&row.id) => None,
        (None, Some(_)) => Some(format!("applies here; only {NOT_APPLICABLE:?} do not")),
        _ => Some("has either `test` or `not_applicable`".to_owned()),
    }
}

fn test_problem(test: &str, tests: &Tests) -> Option<String> {
    let (place, name) = match test.rsplit_once("::") {
        Some((path, name)) => (path.split("::").next().unwrap_or(path), name),
        None => return Some(format!("write `{test}` as `package::test` or `file::test`")),
    };
    match tests.get(name) {
        None => Some(format!("no test is named `{name}`")),
        Some(places) if !places.contains(place) => {
            Some(format!("`{name}` is a test of {places:?}, not of `{place}`"))
        }
        Some(_) => None,
    }
}

#[test]
fn every_behaviour_has_its_test() {
    let progress = Progress::of_repository();
    let table = repo::read(PATH);
    let done = STEPS.map(|step| progress.is_done(step));
    repo::assert_clean(&check(&table, &tests_of(&repo::all_text()), done));
}

#[cfg(test)]
mod controls {
    use super::*;

    fn table(change: impl Fn(u32) -> Option<String>) -> Source {
        let mut text = String::new();
        for id in 1..=LAST {
            let standard = if NOT_APPLICABLE.contains(&id) {
                "not_applicable = \"Rust has no such thing\"".to_owned()
            } else {
                format!("test = \"event_loop::b{id}\"")
            };
            let rest = change(id).unwrap_or(standard);
            text += &format!("[[row]]\nid = {id}\nbehaviour = \"it does what it says\"\n{rest}\n");
        }
        Source::fixture(PATH, &text)
    }

    fn tests() -> Tests {
        let body: String = (1..=LAST).map(|id| format!("#[test]\nfn b{id}() {{}}\n")).collect();
        let files = [
            Source::fixture("Cargo.toml", "[package]\nname = \"lab\"\n"),
            Source::fixture("crates/event-loop/Cargo.toml", "[package]\nname = \"event-loop\"\n"),
            Source::fixture("crates/event-loop/tests/phases.rs", &body),
        ];
        tests_of(&files)
    }

    #[track_caller]
    fn says(change: impl Fn(u32) -> Option<String>, done: [bool; 2]) -> usize {
        check(&table(change), &tests(), done).len()
    }

    fn row(number: u32, text: &str) -> impl Fn(u32) -> Option<String> {
        let text = text.to_owned();
        move |id| (id == number).then(|| text.clone())
    }

    fn row_5(text: &str) -> impl Fn(u32) -> Option<String> {
        row(5, text)
    }

    #[test]
    fn a_full_table_is_fine() {
        assert_eq!(says(|_| None, [true, true]), 0);
        assert_eq!(says(row_5("test = \"phases::b5\""), [true, true]), 0);
    }

    #[test]
    fn a_row_without_a_test_is_found() {
        assert_eq!(says(row_5("test = \"event_loop::gone\""), [false, false]), 1);
        assert_eq!(says(row_5("test = \"blocking_pool::b5\""), [false, false]), 1);
        assert_eq!(says(row_5("test = \"b5\""), [false, false]), 1);
        assert_eq!(says(row_5("test = \"event_loop::b6\""), [false, false]), 1, "the test of another row");
        assert_eq!(says(row_5("not_applicable = \"we did not want to\""), [false, false]), 1);
        assert_eq!(says(row_5(""), [false, false]), 1);
    }

    #[test]
    fn pending_ends_with_the_step() {
        assert_eq!(says(row_5("test = \"pending\""), [false, true]), 0);
        assert_eq!(says(row_5("test = \"pending\""), [true, false]), 1);
        assert_eq!(says(row(65, "test = \"pending\""), [true, false]), 0);
        assert_eq!(says(row(65, "test = \"pending\""), [false, true]), 1);
    }

    #[test]
    fn a_missing_row_is_found() {
        let whole = table(|_| None);
        let cut = whole.text.rfind("[[row]]").unwrap();
        let short = Source::fixture(PATH, &whole.text[..cut]);
        assert_eq!(check(&short, &tests(), [true, true]).len(), 1);
    }
}
