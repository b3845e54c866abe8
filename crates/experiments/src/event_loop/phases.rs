//! Phases: in which order does the loop look for finished I/O, due timers and ready jobs, and when do promise jobs run?
//!
//! # Model
//! ```text
//! since 1.45, before 1.45   a program in which every pass has I/O, a timer and jobs; the loop's own trace of the passes   L06
//! the puzzles               small programs that set several things at once; the order in which their labels come         L08
//! ```
//! libuv moved the timers from the start of a pass to its end in version 1.45. Our loop knows both orders. Laid end to end,
//! the passes of both are the same cycle: what moved is the cut between two passes. So a program in a loop that runs to its
//! end sees no difference, and Node, whose passes nobody can see from JavaScript, is compared by the cycle (`cycle`, `cycles`).
//!
//! Every pass that the trace has is judged, also those that open and close the connection: what one lacks is no fault, but
//! what it has must stand in the order of the phases.
//!
//! A promise job (microtask) is no phase: it runs after the callback that queued it, before the next one, on the same thread.
//!
//! # Source
//! libuv 1.45 ChangeLog (pull request 3927); Node, "The Node.js event loop".

use std::collections::BTreeMap;

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::stats::Interval;
use experiment_kit::verdict::{Claim, Side};
use runtime_lab::{Recording, TimerOrder};

use crate::counterpart::Source;

mod pass;
mod puzzles;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "phases",
    topic: Topic::EventLoop,
    question: "What does the loop look for in each pass, in which order, and when do promise jobs run?",
    reading: "The facts are the orders that were seen. A pass has I/O, ready jobs and timers, with the timers last since libuv \
              1.45 and first before it. Promise jobs never wait: no other callback comes between one and what queued it.",
    claims: &["L06", "L08"],
    knobs: &[Knob {
        name: "passes",
        help: "passes of the loop with I/O, a timer and jobs in each",
        usual: 50.0,
        quick: 20.0,
        range: (12.0, 10_000.0),
        whole: true,
    }],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "callbacks_before_job",
        unit: "callbacks",
        title: "Callbacks that came between a promise job and what queued it",
    }],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "old-libuv",
            breaks: "the loop that should run its timers at the end of a pass runs them at the start",
            flips: &["L06"],
        },
        Flaw {
            name: "late-jobs",
            breaks: "promise jobs wait for the check phase instead of running after the callback",
            flips: &["L08"],
        },
    ],
};

static SOURCE: Source = Source { name: "phases.js", text: include_str!("../../programs/phases.js") };

const SINCE: &str = "since 1.45";
const BEFORE: &str = "before 1.45";

/// What a pass calls in which phase, by libuv's order since 1.45; the job runs after the callback that queued it.
const PASS_SINCE: &str = "poll: io, poll: job, tasks: task, check: immediate, timers: timer";
/// The same before 1.45.
const PASS_BEFORE: &str = "timers: timer, poll: io, poll: job, tasks: task, check: immediate";
/// The phases of a pass since 1.45 that can call something here.
const PHASES_SINCE: &str = "poll, tasks, check, closing, timers";
/// The same before 1.45.
const PHASES_BEFORE: &str = "timers, poll, tasks, check, closing";
/// What JavaScript sees of either.
const CYCLE: &str = "io, job, immediate, timer";
/// Passes that have everything, and cycles, without which nothing is shown.
const PASSES_MIN: f64 = 10.0;
/// Promise jobs of a puzzle, over all rounds, without which nothing is shown.
const JOBS_MIN: f64 = 1.0;

struct Phases {
    cells: Vec<String>,
    setup: Setup,
    /// What was recorded of the last round, by the title of its picture.
    recordings: BTreeMap<String, Recording>,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let puzzles = puzzles::ALL.iter().map(|puzzle| puzzle.name.to_owned());
    let cells: Vec<String> = [SINCE.to_owned(), BEFORE.to_owned()].into_iter().chain(puzzles).collect();
    match setup.real() {
        Some(runtime) => SOURCE.bench(runtime, setup, cells, Vec::new()),
        None => Ok(Box::new(Phases { cells, setup: setup.clone(), recordings: BTreeMap::new() })),
    }
}

impl Bench for Phases {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let setup = &self.setup;
        if let Some(puzzle) = puzzles::ALL.iter().find(|puzzle| puzzle.name == cell) {
            return puzzles::measure(puzzle, setup, sink);
        }
        drop(setup.recorder.collect()); // Only the last round is drawn.
        let old = cell == BEFORE || setup.has_flaw("old-libuv");
        pass::measure(if old { TimerOrder::Before145 } else { TimerOrder::Since145 }, setup, sink)?;
        if setup.recorder.is_on() {
            self.recordings
                .insert(format!("Passes of the loop, libuv's order {cell}"), setup.recorder.collect());
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.recordings).into_iter().collect()
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    vec![passes(judging), orders(judging)]
}

fn passes(judging: &Judging<'_>) -> Claim {
    let seen = |metric: &str, what: &str, cell: &str| {
        judging.smallest(format!("{what}, {cell}"), "passes", (metric, cell)).at_least(PASSES_MIN)
    };
    let has = |metric: &str, cell: &str| judging.has((metric, cell));
    // JavaScript shows no passes, and the cycle of its own libuv only.
    let cycles_only = [SINCE, BEFORE].iter().any(|cell| has("cycles", cell))
        && ![SINCE, BEFORE].iter().any(|cell| has("whole_passes", cell));
    let mut findings = Vec::new();
    for (cell, calls, phases) in [(SINCE, PASS_SINCE, PHASES_SINCE), (BEFORE, PASS_BEFORE, PHASES_BEFORE)] {
        if cycles_only && !has("cycles", cell) {
            continue;
        }
        let found = |name, order| out_of_order(&judging.measured.facts_of(name, cell), order);
        let finding = |what: &str, count: Option<f64>| {
            let interval = count.map(Interval::exact);
            Finding::of(format!("{what}, {cell}"), "orders", interval, Side::AtMost, 0.0)
        };
        if !cycles_only {
            let (calls, phases) = (found("pass", calls), found("phases", phases));
            findings.push(finding("orders of calls within a pass that are not libuv's", calls));
            findings.push(finding("orders of phases within a pass that are not libuv's", phases));
            findings.push(seen("whole_passes", "passes with I/O, jobs and a timer", cell));
        }
        findings.push(judging.fact(format!("order of the cycle, {cell}"), "cycle", cell, CYCLE));
        findings.push(seen("cycles", "cycles from one I/O callback to the next", cell));
    }
    Claim::all(
        "L06",
        format!(
            "in every pass that was recorded, both since 1.45 and before, phases and calls come in libuv's order, whichever of \
             them it has; at least {PASSES_MIN} passes have finished I/O, ready jobs and a due timer; every cycle of at least \
             {PASSES_MIN} is `{CYCLE}`, which is all that a runtime without a trace of its passes is judged by"
        ),
        findings,
    )
}

/// How many of the texts, each of them `WHAT, WHAT, …`, leave the order; nothing where there are no texts.
fn out_of_order(texts: &[String], order: &str) -> Option<f64> {
    let leaves = |text: &&String| {
        let mut order = order.split(", ");
        !text.split(", ").all(|one| order.any(|next| next == one))
    };
    (!texts.is_empty()).then(|| texts.iter().filter(leaves).count() as f64)
}

fn orders(judging: &Judging<'_>) -> Claim {
    let mut findings: Vec<Finding> = Vec::new();
    for puzzle in puzzles::ALL {
        let total = |metric: &str, what: &str| {
            judging.total(format!("{what}: {}", puzzle.name), "jobs", (metric, puzzle.name))
        };
        findings.push(judging.fact(
            format!("order when set {}", puzzle.name),
            "order",
            puzzle.name,
            puzzle.order,
        ));
        findings.push(
            total("jobs_elsewhere", "promise jobs on another thread or within a callback").at_most(0.0),
        );
        findings.push(total("callbacks_before_job", "callbacks before a promise job").at_most(0.0));
        findings.push(total("jobs", "promise jobs that ran").at_least(JOBS_MIN));
    }
    Claim::all(
        "L08",
        "ticks, promise jobs, timers, immediates and I/O come in the order that Node defines; every promise job runs on the \
         loop's thread, after the callback that queued it and before the next",
        findings,
    )
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn world(pass_since: &str, order_of_io: &str, elsewhere: f64, waited: f64) -> Measurements {
        let mut measured = Measurements::new(2);
        let phases = |pass: &str| if pass.starts_with("timers") { PHASES_BEFORE } else { PHASES_SINCE };
        for (cell, pass) in [(SINCE, pass_since), (BEFORE, PASS_BEFORE)] {
            measured.extend("whole_passes", cell, [20.0]);
            measured.extend("cycles", cell, [20.0]);
            measured.fact("pass", cell, pass);
            measured.fact("phases", cell, phases(pass));
            measured.fact("cycle", cell, CYCLE);
        }
        for puzzle in puzzles::ALL {
            measured.fact(
                "order",
                puzzle.name,
                if puzzle.name == "by I/O" { order_of_io } else { puzzle.order },
            );
            measured.extend("jobs", puzzle.name, [2.0]);
            measured.extend("jobs_elsewhere", puzzle.name, [elsewhere]);
            measured.extend("callbacks_before_job", puzzle.name, [waited]);
        }
        measured.end_round();
        measured
    }

    fn verdicts(measured: &Measurements) -> String {
        let claims = judge(&Judging { measured, seed: 7 });
        claims.iter().map(|claim| claim.verdict.word()).collect::<Vec<_>>().join(", ")
    }

    const IO: &str = "io, tick, job, immediate, timer";

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&world(PASS_SINCE, IO, 0.0, 0.0)), "holds, holds");
    }

    #[test]
    fn another_order_refutes() {
        assert_eq!(verdicts(&world(PASS_BEFORE, IO, 0.0, 0.0)), "fails, holds");
        assert_eq!(verdicts(&world(PASS_SINCE, "io, timer, tick, job, immediate", 0.0, 0.0)), "holds, fails");
    }

    #[test]
    fn a_pass_that_lacks_something_must_have_the_rest_in_order() {
        let with = |name: &str, cell: &str, text: &str| {
            let mut measured = world(PASS_SINCE, IO, 0.0, 0.0);
            measured.fact(name, cell, text);
            verdicts(&measured)
        };
        for part in ["poll: io, poll: job", "tasks: task, timers: timer", "timers: timer"] {
            assert_eq!(with("pass", SINCE, part), "holds, holds", "{part}");
        }
        for wrong in ["timers: timer, poll: io", "poll: job, poll: io", "poll: io, poll: io", "check: job"] {
            assert_eq!(with("pass", SINCE, wrong), "fails, holds", "{wrong}");
        }
        assert_eq!(with("pass", BEFORE, "timers: timer, poll: io"), "holds, holds");
        assert_eq!(with("phases", SINCE, "poll, closing"), "holds, holds");
        assert_eq!(with("phases", SINCE, "closing, poll"), "fails, holds");
        assert_eq!(with("phases", BEFORE, "closing, timers"), "fails, holds");
        assert_eq!(with("cycle", SINCE, "io, timer, job, immediate"), "fails, holds");
    }

    #[test]
    fn passes_of_which_none_has_everything_prove_no_order() {
        let mut measured = world(PASS_SINCE, IO, 0.0, 0.0);
        measured.extend("whole_passes", SINCE, [0.0]);
        assert_eq!(verdicts(&measured), "fails, holds");
    }

    #[test]
    fn a_runtime_that_shows_cycles_only_is_compared_by_them() {
        let mut measured = Measurements::new(2);
        measured.extend("cycles", SINCE, [20.0]);
        measured.fact("cycle", SINCE, CYCLE);
        measured.end_round();
        let word = |measured: &Measurements| {
            let claim = passes(&Judging { measured, seed: 7 });
            (claim.verdict.word(), claim.findings.len())
        };
        assert_eq!(word(&measured), ("holds", 2));
        measured.fact("cycle", SINCE, "io, timer, job, immediate");
        assert_eq!(word(&measured), ("fails", 2));
        // With a trace that has lost its passes it is judged by them.
        measured.extend("whole_passes", SINCE, [0.0]);
        assert_eq!(word(&measured), ("fails", 10));
    }

    #[test]
    fn a_job_elsewhere_or_after_another_callback_refutes() {
        assert_eq!(verdicts(&world(PASS_SINCE, IO, 1.0, 0.0)), "holds, fails");
        assert_eq!(verdicts(&world(PASS_SINCE, IO, 0.0, 1.0)), "holds, fails");
    }
}
