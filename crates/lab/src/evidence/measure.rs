//! One experiment from start to kept result: what run, verify and crosscheck have in common.

use std::time::Duration;

use experiment_kit::Interrupt;
use experiment_kit::conduct::{Conducted, Terms, Watcher, conduct};
use experiment_kit::experiment::{Experiment, Setup};
use experiment_kit::machine::load_average;
use experiment_kit::measurements::Measurements;
use experiment_kit::report::{Against, Report, timestamp};
use experiment_kit::results::{Results, report};
use experiment_kit::verdict::{Claim, Verdict};
use runtime_trace::Recorder;

use super::options::Common;

/// Records of one lane that a run keeps for its pictures; what finds no room is counted.
const RECORDS_PER_LANE: usize = 1 << 15;

/// What one run came to.
pub(crate) struct Measured {
    /// The result as it is published.
    pub(crate) report: Report,
    /// Samples, recordings, and what cut it short.
    pub(crate) ran: Conducted,
}

/// A setup of `experiment` that records for pictures.
pub(crate) fn setup(experiment: &Experiment, common: &Common, interrupt: &Interrupt) -> Setup {
    let mut setup = Setup::new(experiment, common.quick, common.seed, interrupt.clone());
    setup.recorder = Recorder::new(RECORDS_PER_LANE);
    setup
}

/// How long a run may take.
pub(crate) fn terms(common: &Common) -> Terms {
    let usual = Terms::usual(common.quick);
    Terms { budget: common.budget.map_or(usual.budget, Duration::from_secs), ..usual }
}

/// Measures `experiment` and judges it.
///
/// # Errors
/// What prevents a start.
pub(crate) fn measure(
    experiment: &Experiment,
    setup: &Setup,
    terms: &Terms,
    watcher: &dyn Watcher,
) -> anyhow::Result<Measured> {
    let (started, load_before) = (timestamp(clock::wall_now()), load_average());
    let ran = conduct(experiment, setup, terms, watcher)?;
    let report = report(experiment, setup, &ran, started, load_before, Vec::new());
    Ok(Measured { report, ran })
}

/// Keeps a result of this project, unless it was broken on purpose or is of another runtime.
pub(crate) fn keep(setup: &Setup, measured: &Measured, against: Vec<Against>) -> anyhow::Result<()> {
    if setup.flaw.is_some() || setup.real().is_some() || measured.ran.measured.rounds == 0 {
        return Ok(());
    }
    let results = Results::usual();
    let mut report = measured.report.clone();
    // What cannot be read is of another version, and replaced.
    let kept = results.read(&report.experiment).ok().flatten().map(|(kept, _)| kept);
    if !report.complete && kept.as_ref().is_some_and(|kept| kept.complete) {
        return Ok(()); // A whole result is worth more than the beginning of another.
    }
    // A run alone says nothing of other runtimes: what was found of them with the same numbers stays.
    let same = kept.filter(|kept| kept.params == report.params).map(|kept| kept.against);
    report.against = merged(same.unwrap_or_default(), against);
    results.keep(&report, &measured.ran.measured)?;
    super::pictures::keep(&results, &report.experiment, &measured.ran.recordings)
}

/// What was found of other runtimes: the newest of each.
fn merged(kept: Vec<Against>, newest: Vec<Against>) -> Vec<Against> {
    // `node` alone stands for every Node where none was found.
    let is_replaced = |old: &Against| {
        newest
            .iter()
            .any(|new| new.runtime == old.runtime || new.runtime.starts_with(&format!("{} ", old.runtime)))
    };
    let mut all: Vec<Against> = kept.into_iter().filter(|old| !is_replaced(old)).collect();
    all.extend(newest);
    all
}

/// The result of an experiment that could not even start: nothing measured, every claim open, and why.
pub(crate) fn not_started(experiment: &Experiment, setup: &Setup, error: &anyhow::Error) -> Measured {
    let ran = Conducted {
        measured: Measurements::new(1),
        claims: unsettled(experiment, error),
        cells: Vec::new(),
        recordings: Vec::new(),
        error: None,
        took: Duration::ZERO,
    };
    let report = report(experiment, setup, &ran, timestamp(clock::wall_now()), load_average(), Vec::new());
    Measured { report, ran }
}

fn unsettled(experiment: &Experiment, error: &anyhow::Error) -> Vec<Claim> {
    let claim = |id: &&str| Claim {
        id: (*id).to_owned(),
        verdict: Verdict::inconclusive(format!("the experiment could not start: {error:#}")),
        rule: experiment.question.to_owned(),
        findings: Vec::new(),
        reason: None,
    };
    experiment.claims.iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_of_other_runtimes_stays_beside_what_is_new() {
        let of = |names: &[&str]| -> Vec<Against> {
            names.iter().map(|name| experiment_kit::crosscheck::skipped(name, "not compared")).collect()
        };
        let names =
            |all: Vec<Against>| all.into_iter().map(|one| one.runtime).collect::<Vec<String>>().join(", ");
        let kept = || of(&["cpython 2.7.18", "cpython 3.8.18", "node"]);
        assert_eq!(names(merged(kept(), Vec::new())), "cpython 2.7.18, cpython 3.8.18, node");
        assert_eq!(
            names(merged(kept(), of(&["cpython 3.8.18", "node 20.20.2"]))),
            "cpython 2.7.18, cpython 3.8.18, node 20.20.2"
        );
    }
}
