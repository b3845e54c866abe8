//! `lab exercise`: the exercises of the book, graded from outside by what a program does.
//!
//! # Model
//! ```text
//! info.toml, hints.toml --set--> exercise --compile--> program --grade--> verdict --> progress.toml
//! ```
//! The set has the layout of rustlings, and works without this command. What this one adds: a time limit that ends a
//! program with its children and says where its threads stood, graders outside the edited file, values by seed, hints in
//! levels and two languages, and a look at what changed.

pub(crate) mod options;
mod list;
mod check;
mod watch;
mod hint;
mod reset;
mod set;
mod progress;
mod compile;
mod grade;
mod report;
mod threads;
mod output;
mod language;
mod inbox;

use std::path::Path;

use owo_colors::OwoColorize;

use language::Language;
use options::{Action, ExerciseOptions};
use progress::Progress;
use set::Set;

/// Does it.
pub(crate) fn command(options: &ExerciseOptions) -> anyhow::Result<u8> {
    let language = Language::chosen(options.ko);
    let done = Set::find(options.dir.as_deref(), language).and_then(|set| match &options.action {
        None => list::overview(&set, language),
        Some(Action::List(options)) => list::command(&set, options, language),
        Some(Action::Check(options)) => check::command(&set, options, language),
        Some(Action::Watch(options)) => watch::command(&set, options, language),
        Some(Action::Hint(options)) => hint::command(&set, options, language),
        Some(Action::Reset(options)) => reset::command(&set, options, language),
    });
    match done {
        Err(error) if error.is::<BadUsage>() => {
            anstream::eprintln!("{} {error}", "error:".red().bold());
            Ok(BAD_USAGE)
        }
        other => other,
    }
}

const FAILED: u8 = 1;
const BAD_USAGE: u8 = 2;

/// What was asked for is not there; the text says what is.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct BadUsage(String);

/// How the user called this command, so that what we print can be copied.
fn lab() -> &'static str {
    if std::env::var_os("CARGO").is_some() { "cargo lab" } else { "lab" }
}

/// A path as short as it can be told from here.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().and_then(std::fs::canonicalize).unwrap_or_default();
    let path = path.strip_prefix(&here).unwrap_or(path);
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

/// The places in what the compiler and the grader wrote, which stand in the folder of the set, told from here: so that a click
/// on one opens it.
fn told_from_here(set: &set::Set, exercise: &set::Exercise, text: &str) -> String {
    let file = set.file(exercise);
    let within = file.strip_prefix(&set.root).unwrap_or(&file).display().to_string();
    replaced(text, &within, &shown(&file))
}

/// `text` with `other` wherever `path` stands and is not the end of a longer path.
fn replaced(text: &str, path: &str, other: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(path) {
        let (before, found) = rest.split_at(at);
        told.push_str(before);
        told.push_str(if told.ends_with('/') { path } else { other });
        rest = &found[path.len()..];
    }
    told + rest
}

/// The exercise to work on: the first one that is not done.
fn next<'s>(set: &'s Set, progress: &Progress) -> Option<&'s set::Exercise> {
    set.exercises.iter().find(|exercise| !progress.is_done(&exercise.name))
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_path_is_replaced_where_it_is_whole() {
        let told = |text: &str| replaced(text, "exercises/a.rs", "x/exercises/a.rs");
        assert_eq!(
            told(" --> exercises/a.rs:3:4, exercises/a.rs:5"),
            " --> x/exercises/a.rs:3:4, x/exercises/a.rs:5"
        );
        assert_eq!(told("x/exercises/a.rs:3"), "x/exercises/a.rs:3");
        assert_eq!(told("nothing"), "nothing");
    }
}
