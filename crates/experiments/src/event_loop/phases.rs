//! Phases: in which order does the loop look for finished I/O, due timers and ready jobs, and when do promise jobs run?
//!
//! # Model
//! ```text
//! since 1.45, before 1.45   a program in which every pass has I/O, a timer and jobs; the loop's own trace of the passes   L06
//! the puzzles               small programs that set several things at once; the order in which their labels come         L08
//! ```
//! libuv moved the timers from the start of a pass to its end in version 1.45. Our loop knows both orders. Laid end to end,
//! the passes of both are the same cycle: what moved is the cut between two passes. So a program in a loop that runs to its
//! end sees no difference, and Node, whose passes nobody can see from JavaScript, is compared by the cycle (`cycle`).
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
use experiment_kit::verdict::Claim;
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
/// What JavaScript sees of either.
const CYCLE: &str = "io, job, immediate, timer";
/// Passes without which nothing is shown.
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
    let seen = |cell: &str| judging.smallest(format!("passes seen, {cell}"), "passes", ("passes", cell));
    Claim::all(
        "L06",
        format!(
            "each of at least {PASSES_MIN} passes finds finished I/O, a due timer and ready jobs, and calls them in the order \
             of libuv's phases, both since 1.45 and before"
        ),
        vec![
            judging.fact("order within a pass since 1.45", "pass", SINCE, PASS_SINCE),
            judging.fact("order within a pass before 1.45", "pass", BEFORE, PASS_BEFORE),
            judging.fact("order of the cycle", "cycle", SINCE, CYCLE),
            judging.fact("order of the cycle before 1.45", "cycle", BEFORE, CYCLE),
            seen(SINCE).at_least(PASSES_MIN),
            seen(BEFORE).at_least(PASSES_MIN),
        ],
    )
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
        for (cell, pass) in [(SINCE, pass_since), (BEFORE, PASS_BEFORE)] {
            measured.extend("passes", cell, [20.0]);
            measured.fact("pass", cell, pass);
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
    fn an_order_that_was_different_once_refutes() {
        let mut measured = world(PASS_SINCE, IO, 0.0, 0.0);
        measured.fact("pass", SINCE, "poll: io");
        assert_eq!(verdicts(&measured), "fails, holds");
    }

    #[test]
    fn a_job_elsewhere_or_after_another_callback_refutes() {
        assert_eq!(verdicts(&world(PASS_SINCE, IO, 1.0, 0.0)), "holds, fails");
        assert_eq!(verdicts(&world(PASS_SINCE, IO, 0.0, 1.0)), "holds, fails");
    }
}
