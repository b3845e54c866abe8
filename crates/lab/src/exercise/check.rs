//! `lab exercise check`: one exercise, or all of them, tried and told.

use std::fmt::Write as _;
use std::io::IsTerminal as _;

use anyhow::Result;
use experiment_kit::Interrupt;
use owo_colors::OwoColorize;
use serde_json::json;

use super::grade::{Tried, Verdict, try_out};
use super::language::Language;
use super::options::CheckOptions;
use super::progress::Progress;
use super::report::{coloured, report, word};
use super::set::{Exercise, Set};
use super::{FAILED, list, next};
use crate::evidence::screen::print;

/// Does it.
pub(crate) fn command(set: &Set, options: &CheckOptions, language: Language) -> Result<u8> {
    let mut progress = Progress::of(set)?; // First: a broken file is told before anything runs.
    let interrupt = Interrupt::listen()?;
    let stop = || interrupt.came();
    if !options.all && !options.json && options.name.is_none() && next(set, &progress).is_none() {
        print(&list::what_next(set, &progress, language))?; // All are done.
        return Ok(0);
    }
    let asked: Vec<&Exercise> = match options.all {
        true => set.exercises.iter().collect(),
        false => vec![set.asked(options.name.as_deref(), &progress, language)?],
    };
    let mut checked = Vec::new();
    let mut written = Ok(());
    for exercise in asked {
        if !options.json {
            announce(exercise, options.trial.limit, language);
        }
        let outcome = try_out(set, exercise, &options.trial, !options.all, &stop);
        let Ok(Some(tried)) = outcome else {
            // What was checked until then has changed the progress already, or could not.
            print(&if options.json { String::new() } else { rows(&checked, language) })?;
            if let Err(error) = written {
                anstream::eprintln!("error: {error:#}");
            }
            return outcome.map(|_| interrupt.exit_code().unwrap_or(FAILED));
        };
        let settled = settle(exercise, &tried, &mut progress);
        let was_taken_back = settled.as_ref().is_ok_and(|was| *was);
        written = written.and(settled.map(drop)); // Told at the end: the verdict is what the learner waits for.
        checked.push(Checked { exercise, tried, was_taken_back });
    }
    let text = match (options.json, options.all) {
        (true, _) => as_json(set, &checked, &progress, options.all),
        (false, true) => {
            format!("{}\n{}", all(&checked, language), list::what_next(set, &progress, language))
        }
        (false, false) => checked.iter().map(|one| one_alone(set, one, &progress, language)).collect(),
    };
    print(&text)?;
    written?;
    Ok(if checked.iter().all(|one| one.tried.verdict == Verdict::Passed) { 0 } else { FAILED })
}

/// An exercise, how its trial ended, and whether it was done before and is not any more.
pub(crate) struct Checked<'s> {
    pub(crate) exercise: &'s Exercise,
    pub(crate) tried: Tried,
    pub(crate) was_taken_back: bool,
}

/// Keeps the progress true: what passes is done, what fails is not. Says whether something was taken back.
pub(crate) fn settle(exercise: &Exercise, tried: &Tried, progress: &mut Progress) -> Result<bool> {
    match tried.verdict {
        Verdict::Passed => progress.record(&exercise.name).map(|()| false),
        _ => progress.take_back(&exercise.name),
    }
}

/// A person at a terminal is told what they wait for.
pub(crate) fn announce(exercise: &Exercise, limit: u64, language: Language) {
    if std::io::stderr().is_terminal() {
        let name = &exercise.name;
        let line = language.pick(
            format!("{name}: building, then running for {limit} s at most"),
            format!("{name}: 빌드한 다음 최대 {limit}초 동안 실행합니다"),
        );
        anstream::eprintln!("{}", line.dimmed());
    }
}

/// One trial, and what comes after it.
fn one_alone(set: &Set, checked: &Checked<'_>, progress: &Progress, language: Language) -> String {
    let mut text = report(set, checked, language);
    if checked.tried.verdict == Verdict::Passed {
        let _ = write!(text, "\n{}", list::what_next(set, progress, language));
    }
    text
}

/// The table of `--all`, with its count.
fn all(checked: &[Checked<'_>], language: Language) -> String {
    let passed = checked.iter().filter(|one| one.tried.verdict == Verdict::Passed).count();
    let all = checked.len();
    let counts = language.pick(format!("{passed} of {all} pass"), format!("{all}개 가운데 {passed}개 통과"));
    format!("{}\n{counts}\n", rows(checked, language))
}

/// A line for each exercise.
fn rows(checked: &[Checked<'_>], language: Language) -> String {
    let width = checked.iter().map(|one| one.exercise.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for Checked { exercise, tried, was_taken_back } in checked {
        let taken = language.pick(" (was done before; open again)", " (전에는 완료. 다시 남은 문제가 됨)");
        let taken = if *was_taken_back { taken } else { "" };
        let verdict = coloured(tried.verdict, language);
        let _ =
            writeln!(text, "{:>3}  {:<width$}  {verdict}{}", exercise.number, exercise.name, taken.yellow());
    }
    text
}

fn as_json(set: &Set, checked: &[Checked<'_>], progress: &Progress, several: bool) -> String {
    let entry = |Checked { exercise, tried, was_taken_back }: &Checked<'_>| {
        let error = tried.error.as_ref();
        let error =
            error.map(|error| json!({"place": error.place, "message": error.message, "code": error.code}));
        json!({
            "name": exercise.name,
            "verdict": word(tried.verdict),
            "seed": tried.seed,
            "seconds": tried.took.as_secs_f64(),
            "output": tried.output,
            "error": error,
            "signal": tried.signal,
            "threads": tried.stood,
            "taken_back": was_taken_back,
            "solution": (tried.verdict == Verdict::Passed)
                .then(|| set.solution(exercise).to_string_lossy().into_owned()),
        })
    };
    let next = next(set, progress).map(|next| &next.name);
    let mut entries: Vec<_> = checked.iter().map(entry).collect();
    let whole = match entries.pop() {
        Some(mut only) if !several => {
            only["schema"] = 1.into();
            only["next"] = json!(next);
            only
        }
        last => {
            entries.extend(last);
            json!({"schema": 1, "next": next, "checks": entries})
        }
    };
    format!("{whole}\n")
}
