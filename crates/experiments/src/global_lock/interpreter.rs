//! Running a Python program of this crate: on our interpreter under a policy, or on a CPython.
//!
//! # Model
//! The same file runs on both: `python FILE cell=CASE name=value …`, and prints `FIGURE` and `FACT` lines.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use experiment_kit::Interrupt;
use experiment_kit::experiment::Setup;
use experiment_kit::load::ROLE_VARIABLE;
use experiment_kit::measurements::{Measurements, Sink};
use experiment_kit::program::{Limits, command, read_figures, run_to_end};
use gil_interpreter::gil::{Ablations, Policy};
use gil_interpreter::{Output, Program, RunOptions, RunReport};
use runtime_trace::Recorder;

use super::cells::parts;
use crate::counterpart::Source;
use crate::roles;

/// The role of a child of `multiprocessing`; its arguments are program, policy, interval in
/// microseconds, and the rules that are taken away.
pub(crate) const ROLE: &str = "python-child";

/// The programs that may have children, by name.
const SOURCES: &[&Source] =
    &[&super::countdown::SOURCE, &super::choice::SOURCE, &super::loop_offload::SOURCE];

/// A program stops by itself long before this.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// The text of a program, with what all of them share in front of it.
macro_rules! python {
    ($($file:literal),+) => {
        concat!(include_str!("../../programs/common.py"), $(include_str!(concat!("../../programs/", $file))),+)
    };
}
pub(super) use python;

/// How a program is run on our interpreter.
#[derive(Clone)]
pub(crate) struct Rules {
    /// The lock.
    pub(crate) policy: Policy,
    /// How long a waiter waits before it asks.
    pub(crate) interval: Duration,
    /// The rules that are taken away.
    pub(crate) ablations: Ablations,
    /// Where turns at the lock are recorded, with times.
    pub(crate) recorder: Recorder,
}

impl Rules {
    /// `policy` with the usual interval and all its rules, not recorded.
    pub(crate) fn of(policy: Policy) -> Rules {
        let (interval, ablations) = (Duration::from_millis(5), Ablations::default());
        Rules { policy, interval, ablations, recorder: Recorder::off() }
    }
}

/// What a run came to: what it printed, and what the lock did.
pub(crate) struct Ran {
    /// Standard output.
    pub(crate) printed: String,
    /// The lock, thread by thread.
    pub(crate) report: RunReport,
}

/// Runs `source` on our interpreter with `words` as its arguments.
///
/// # Errors
/// When it is outside the subset, ends with a failure, or is interrupted.
pub(crate) fn run(source: &Source, words: &[String], rules: &Rules, interrupt: &Interrupt) -> Result<Ran> {
    let program = compile(source)?;
    let output = Output::captured();
    let stop = gil_interpreter::Interrupt::default();
    let options = RunOptions {
        policy: rules.policy,
        interval: rules.interval,
        ablations: rules.ablations,
        timing: rules.recorder.is_on(),
        recorder: rules.recorder.clone(),
        args: words.to_vec(),
        output: output.clone(),
        interrupt: stop.clone(),
        time_limit: Some(TIME_LIMIT),
        spawner: Some(roles::spawner(child_words(source, rules))),
        ..RunOptions::default()
    };
    let runner = std::thread::Builder::new()
        .name("interpreter".to_owned())
        .spawn(move || gil_interpreter::run(&program, options))?;
    while !runner.is_finished() {
        if interrupt.came() {
            stop.raise();
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    let report = runner.join().map_err(|_| anyhow!("the interpreter panicked on {}", source.name))?;
    let (printed, errors) = output.captured_text();
    ensure!(!interrupt.came(), "{} was interrupted", source.name);
    ensure!(!report.timed_out, "{} did not end within {TIME_LIMIT:?}", source.name);
    ensure!(
        report.exit_code == 0,
        "{} ended with {}: {}",
        source.name,
        report.exit_code,
        errors.trim().replace('\n', " | ")
    );
    Ok(Ran { printed, report })
}

fn compile(source: &Source) -> Result<Program> {
    Program::compile(source.name, source.text).map_err(|refusals| {
        let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        anyhow!("{} is outside the subset: {}", source.name, refusals.join(" | "))
    })
}

fn child_words(source: &Source, rules: &Rules) -> Vec<String> {
    let interval_us = rules.interval.as_micros().to_string();
    vec![source.name.to_owned(), rules.policy.name().to_owned(), interval_us, rules.ablations.to_string()]
}

/// Does the work of a child of `multiprocessing`, if this process was started as one.
pub(crate) fn take_role() -> Option<ExitCode> {
    if std::env::var_os(ROLE_VARIABLE)? != ROLE {
        return None;
    }
    Some(match child(&std::env::args().skip(1).collect::<Vec<String>>()) {
        Ok(code) => ExitCode::from((code & 0xff) as u8),
        Err(error) => {
            eprintln!("a child of a Python program: {error:#}");
            ExitCode::FAILURE
        }
    })
}

fn child(words: &[String]) -> Result<i32> {
    let [name, policy, interval_us, ablations] = words else {
        anyhow::bail!("it needs program, policy, interval and ablations")
    };
    let source = SOURCES.iter().find(|source| source.name == name);
    let source = source.ok_or_else(|| anyhow!("there is no program {name}"))?;
    let options = RunOptions {
        policy: policy.parse()?,
        interval: Duration::from_micros(interval_us.parse()?),
        ablations: ablations.parse()?,
        ..RunOptions::default()
    };
    Ok(gil_interpreter::run(&compile(source)?, options).exit_code)
}

/// `cell=CASE knob=value … seed=…`, as both kinds of runs get it.
pub(crate) fn words(setup: &Setup, case: &str, more: &[(String, String)]) -> Vec<(String, String)> {
    let mut words = vec![("cell".to_owned(), case.to_owned()), ("seed".to_owned(), setup.seed.to_string())];
    words.extend(setup.knobs().iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
    words.extend_from_slice(more);
    words
}

/// Runs one case of `source` under `rules`, or on the real runtime of `setup`, and puts its figures into `sink`.
///
/// # Errors
/// As [`run`], and when it prints something else than figures.
pub(crate) fn measure(
    source: &Source,
    setup: &Setup,
    rules: &Rules,
    case: &str,
    more: &[(String, String)],
    sink: &mut Sink<'_>,
) -> Result<Option<RunReport>> {
    let words = words(setup, case, more);
    if let Some(runtime) = setup.real() {
        let printed = run_to_end(command(runtime, &source.file()?, &words), &Limits::CELL, &setup.interrupt)?;
        read_figures(&printed, sink)?;
        return Ok(None);
    }
    let words: Vec<String> = words.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let ran = run(source, &words, rules, &setup.interrupt)?;
    read_figures(&ran.printed, sink)?;
    Ok(Some(ran.report))
}

/// A number that `source` measures by itself in a run of its own, such as how long a turn takes.
///
/// # Errors
/// As [`measure`], and when it does not say a positive number.
pub(crate) fn ask(source: &Source, setup: &Setup, policy: Policy, case: &str, metric: &str) -> Result<f64> {
    let mut measured = Measurements::new(1);
    measure(source, setup, &Rules::of(policy), case, &[], &mut Sink::new(&mut measured, case))?;
    let said = measured.samples((metric, case)).next().filter(|&said| said > 0.0);
    said.ok_or_else(|| anyhow!("{} did not say its {metric} under {policy}", source.name))
}

/// Asks for the number of turns of `source`'s own loop that take `ms` milliseconds, under each policy of `cells`.
///
/// # Errors
/// As [`ask`].
pub(crate) fn turns_of(
    source: &Source,
    setup: &Setup,
    cells: &[String],
    ms: f64,
) -> Result<BTreeMap<Policy, u64>> {
    let mut turns = BTreeMap::new();
    for cell in cells {
        let (policy, _) = parts(cell)?;
        if let Entry::Vacant(unknown) = turns.entry(policy) {
            let turn_ns = ask(source, setup, policy, "speed", "turn_ns")?;
            unknown.insert((ms * 1e6 / turn_ns).max(1.0) as u64);
        }
    }
    Ok(turns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_of_both_sides_is_within_the_subset_and_has_what_they_share() {
        let others = [
            &crate::global_lock::alternation::SOURCE,
            &crate::global_lock::counter::SOURCE,
            &crate::global_lock::native_release::SOURCE,
            &crate::global_lock::convoy::SOURCE,
        ];
        for source in SOURCES.iter().copied().chain(others) {
            compile(source).unwrap();
            assert!(source.text.starts_with("# What the programs share"), "{}", source.name);
        }
    }
}
