//! One case: a program under one policy, on one CPython, or before the compiler that must refuse it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::program::Program;
use super::{Options, child, cpython, diff, outcome, selfcheck};

/// How many programs there must be at least in each folder.
const AT_LEAST: [(&str, usize); 4] = [("corpus", 80), ("refused", 20), ("compute", 12), ("differs", 1)];

/// A program that runs longer is ended and counts as a failure; the slowest needs a small part of this.
const LIMIT: Duration = Duration::from_secs(60);

/// A named run that succeeds or says what differs.
pub(crate) struct Case {
    /// The program and where it runs: `corpus/071_thread_basics gil310`.
    pub(crate) name: String,
    kind: Kind,
}

enum Kind {
    /// On the interpreter, under this policy.
    Ours(Program, &'static str),
    /// On CPython of this version.
    CPython(Program, &'static str),
    /// On CPython of this version, which must do something else than is recorded for the interpreter.
    Differs(Program, &'static str),
    /// Before the compiler, which must refuse the program.
    Refused(Program),
    /// On both versions of CPython, whose common outcome is written down.
    Record(Program),
    /// No program: the harness itself must be able to say no.
    Harness(selfcheck::Check),
}

/// The cases that the options ask for, and what to know about what is left out.
pub(crate) fn cases(options: &Options) -> (Vec<Case>, Vec<String>) {
    let (installed, missing): (Vec<_>, Vec<_>) =
        cpython::VERSIONS.into_iter().partition(|version| cpython::is_installed(version));
    let programs = ["corpus", "compute"].into_iter().flat_map(Program::of_folder);
    let mut cases = Vec::new();
    let mut add = |name: String, kind| cases.push(Case { name, kind });
    if options.record {
        programs.for_each(|program| add(format!("{} record", program.name), Kind::Record(program)));
    } else {
        for program in programs {
            for policy in program.policies() {
                add(format!("{} {policy}", program.name), Kind::Ours(program.clone(), policy));
            }
            for &version in &installed {
                add(format!("{} cpython-{version}", program.name), Kind::CPython(program.clone(), version));
            }
        }
        for program in Program::of_folder("differs") {
            for policy in program.policies() {
                add(format!("{} {policy}", program.name), Kind::Ours(program.clone(), policy));
            }
            for &version in &installed {
                add(format!("{} cpython-{version}", program.name), Kind::Differs(program.clone(), version));
            }
        }
        let refused = Program::of_folder("refused").into_iter();
        refused.for_each(|program| add(program.name.clone(), Kind::Refused(program)));
        selfcheck::CHECKS
            .into_iter()
            .for_each(|(name, check)| add(format!("harness/{name}"), Kind::Harness(check)));
    }
    cases.retain(|case| options.wants(&case.name));
    let note =
        |version| format!("python{version} is not installed: compared with the recorded outcomes only");
    (cases, missing.into_iter().map(note).collect())
}

/// A failure for each folder that lost its programs.
pub(crate) fn too_few() -> Vec<(String, String)> {
    let counts = AT_LEAST.iter().map(|&(folder, least)| (folder, least, Program::of_folder(folder).len()));
    counts
        .filter(|(_, least, count)| count < least)
        .map(|(folder, least, count)| {
            (folder.to_owned(), format!("{count} programs; at least {least} are promised"))
        })
        .collect()
}

impl Case {
    /// Runs it.
    ///
    /// # Errors
    /// Fails with the difference, or with the reason why there was no outcome.
    pub(crate) fn run(&self) -> Result<(), String> {
        match &self.kind {
            Kind::Ours(program, policy) => compare(program, child::command(policy, &program.path)),
            Kind::CPython(program, version) => compare(program, cpython::command(version, &program.path)),
            Kind::Differs(program, version) => must_differ(program, cpython::command(version, &program.path)),
            Kind::Refused(program) => must_be_refused(program),
            Kind::Record(program) => record(program),
            Kind::Harness(check) => check(),
        }
    }
}

/// The command's outcome must be the recorded one.
fn compare(program: &Program, command: Command) -> Result<(), String> {
    let found = outcome::outcome_of(command, LIMIT)?;
    diff::diff(&program.expected()?, &found).map_or(Ok(()), Err)
}

/// The command's outcome must not be the recorded one; else the difference is gone, and the program is in the
/// wrong folder.
fn must_differ(program: &Program, command: Command) -> Result<(), String> {
    let found = outcome::outcome_of(command, LIMIT)?;
    let same = || "it does the same; it belongs into corpus".to_owned();
    diff::diff(&program.expected()?, &found).map(drop).ok_or_else(same)
}

/// Writes down what both versions of CPython do.
fn record(program: &Program) -> Result<(), String> {
    let outcome = |version| outcome::outcome_of(cpython::command(version, &program.path), LIMIT);
    let [recorded, other] = cpython::VERSIONS.map(outcome);
    let recorded = recorded?;
    if let Some(difference) = diff::diff(&recorded, &other?) {
        return Err(format!("the versions {:?} of CPython differ:\n{difference}", cpython::VERSIONS));
    }
    let path = program.expected_path();
    fs::write(&path, recorded).map_err(|e| format!("cannot write {}: {e}", path.display()))
}

/// The first refusal must be where the header says, name the words, and say what to write instead unless the
/// program is not Python at all.
fn must_be_refused(program: &Program) -> Result<(), String> {
    let (line, column, words) = program.refused()?;
    let file_name = program.path.file_name().expect("a file has a name").to_string_lossy();
    let refusal = child::first_refusal(&file_name, &program.source)
        .ok_or("it compiles, but must be refused before it starts")?;
    let text = refusal.to_string();
    let at_place = text.starts_with(&format!("{file_name}:{line}:{column}: "));
    let helps = refusal.instead.is_some() || refusal.message.starts_with("SyntaxError: ");
    match at_place && helps && refusal.message.contains(words) {
        true => Ok(()),
        false => {
            Err(format!("expected {line}:{column}, {words:?}, and what to write instead; found:\n{text}"))
        }
    }
}
