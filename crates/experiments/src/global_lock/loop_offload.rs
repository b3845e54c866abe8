//! Loop-offload: is an event loop free as soon as its long work runs in a thread?
//!
//! # Model
//! ```text
//! client (outside)    burn   0   1   2   3  …         echoes that are due while the work is there
//! loop in Python      └─ inline: computes itself      the echo waits for the rest of the work
//!                     └─ thread: starts a thread      the loop waits for the lock at each wake-up
//!                     └─ process: tells a process     the loop is as free as when idle
//! ```
//! The work computes until its time is over, so it is there for as long in each case. Only echoes of that time count.

use std::time::Duration;

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::{Answer, Claim};
use gil_interpreter::gil::Policy;

use super::echo_client::{Ask, EchoClient, Message, beside, paced};
use super::interpreter::{self, Rules, cells_of, parts, python};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "loop-offload",
    topic: Topic::GlobalLock,
    question: "Is an event loop free as soon as its long work runs in a thread?",
    reading: "Each row is the time until an echo of the loop is back, while there is work to compute. Inline the echo waits \
              for the rest of the work. With a thread it waits for the lock, a few switch intervals each time; with a \
              process, or a thread that shares no such lock, it is as when idle.",
    claims: &["G13"],
    knobs: &[
        Knob {
            name: "interval_ms",
            help: "milliseconds that a waiter waits before it asks for the lock",
            usual: 10.0,
            quick: 10.0,
            range: (1.0, 200.0),
        },
        Knob {
            name: "burn_ms",
            help: "milliseconds that the work takes",
            usual: 300.0,
            quick: 200.0,
            range: (20.0, 10_000.0),
        },
        Knob {
            name: "gap_ms",
            help: "milliseconds between two messages, on average",
            usual: 30.0,
            quick: 30.0,
            range: (20.0, 10_000.0),
        },
    ],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "echo_ms",
        unit: "ms",
        title: "From the time a message was due to its echo, while there is work",
    }],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "thread-is-inline", breaks: "the loop computes what a thread should", flips: &["G13"] },
        Flaw {
            name: "process-is-thread",
            breaks: "a thread computes what a process should",
            flips: &["G13"],
        },
        Flaw { name: "no-lock", breaks: "threads never take the timed locks", flips: &["G13"] },
    ],
};

/// The program.
pub(crate) static SOURCE: Source =
    Source { name: "loop_offload.py", text: python!("poller.py", "loop_offload.py") };

const CASES: [&str; 4] = ["idle", "inline", "thread", "process"];

/// The cells of ours, besides all of gil310.
const OTHERS: &[&str] = &[
    "gil32/inline",
    "gil32/thread",
    "gil313/inline",
    "gil313/thread",
    "tick/inline",
    "tick/thread",
    "free/inline",
    "free/thread",
];

/// What a quick run of ours leaves out.
const SLOW: &[&str] = &["gil32/inline", "gil313/inline", "tick/inline", "free/inline"];

/// The locks that are given up when a waiter asks after an interval.
const TIMED: [&str; 3] = ["gil32", "gil310", "gil313"];
/// Those under which a thread leaves the loop as it is.
const OTHER_LOCKS: [&str; 2] = ["tick", "free"];

/// The slowest of a short run are the machine's; nine of ten echoes are quicker than this quantile.
const P90: f64 = 0.9;
/// A thread ends the starvation when nine of ten echoes are back in this part of the time that it takes inline.
const BETTER: f64 = 0.5;
/// A loop that waits for the lock at each wake-up waits at least this part of an interval.
const WAITS: f64 = 0.5;
/// Who need not wait for the lock waits for a processor at most: less than this part of an interval, even beside others.
const AS_IDLE: f64 = 0.4;

struct LoopOffload {
    cells: Vec<String>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    Ok(Box::new(LoopOffload { cells: cells(setup), setup: setup.clone() }))
}

fn cells(setup: &Setup) -> Vec<String> {
    let every = |policy: &str| CASES.map(|case| format!("{policy}/{case}"));
    if setup.real().is_some() {
        let all: Vec<String> = TIMED.iter().chain(&OTHER_LOCKS).flat_map(|policy| every(policy)).collect();
        return cells_of(setup, &all.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let all = every("gil310").into_iter().chain(OTHERS.iter().map(|cell| (*cell).to_owned()));
    all.filter(|cell| !(setup.quick && SLOW.contains(&cell.as_str()))).collect()
}

/// The work first, then messages that are due while it is there.
fn schedule(burn: Duration, gap: Duration) -> Vec<Message> {
    let after = gap / 4;
    let burning = Message { due: Duration::ZERO, ask: Ask::Burn };
    let count = (burn.as_secs_f64() / gap.as_secs_f64()) as usize + 1;
    let echoes = paced(count, gap).into_iter().map(|echo| Message { due: echo.due + after, ..echo });
    std::iter::once(burning).chain(echoes.filter(|echo| echo.due < burn)).collect()
}

impl Bench for LoopOffload {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let setup = &self.setup;
        let (policy, case) = parts(cell)?;
        let (policy, case) = broken(setup, policy, case);
        let of_ms = |name: &str| Duration::from_secs_f64(setup.knob(name) / 1e3);
        let interval = of_ms("interval_ms");
        let client = EchoClient::bind(&setup.clock, &setup.interrupt)?;
        let messages = schedule(of_ms("burn_ms"), of_ms("gap_ms"));
        let rules = Rules { interval, ..Rules::of(policy) };
        let (latencies, _) = beside(&client, &messages, |port| {
            let more = [("port", port.to_string()), ("interval_us", interval.as_micros().to_string())];
            let more = more.map(|(name, value)| (name.to_owned(), value));
            interpreter::measure(&SOURCE, setup, &rules, case, &more, sink)
        })?;
        sink.extend("echo_ms", latencies.iter().map(|latency| latency.as_secs_f64() * 1e3));
        sink.extend(
            "echo_intervals",
            latencies.iter().map(|latency| latency.as_secs_f64() / interval.as_secs_f64()),
        );
        Ok(())
    }
}

/// What is really run when the runtime is broken on purpose.
fn broken<'c>(setup: &Setup, policy: Policy, case: &'c str) -> (Policy, &'c str) {
    match case {
        "thread" if setup.has_flaw("thread-is-inline") => (policy, "inline"),
        "process" if setup.has_flaw("process-is-thread") => (policy, "thread"),
        _ if setup.has_flaw("no-lock") && policy != Policy::Tick => (Policy::Free, case),
        _ => (policy, case),
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let at = |policy: &str, case: &str| format!("{policy}/{case}");
    let measured = |policy: &&str| judging.has(("echo_ms", &at(policy, "thread")));
    let ratio = |what: &str, policy: &str, over: &str, under: &str| {
        let (over, under) = (at(policy, over), at(policy, under));
        judging.ratio(format!("{what} under {policy}"), P90, ("echo_ms", &over), ("echo_ms", &under))
    };
    let intervals = |policy: &str, case: &str| {
        let metric = format!("wait beside a {case} under {policy}, in intervals");
        judging.quantile(metric, "intervals", P50, ("echo_intervals", &at(policy, case)))
    };
    let present = |policies: &[&'static str]| -> Vec<&'static str> {
        policies.iter().copied().filter(|policy| measured(policy)).collect()
    };
    let (timed, others) = (present(&TIMED), present(&OTHER_LOCKS));
    // Without any of them the findings of one say what is missing.
    let timed = if timed.is_empty() && others.is_empty() { vec!["gil310"] } else { timed };
    // A quick run compares with the work inline under one lock only.
    let better = |policy: &&'static str| {
        let inline = *policy == "gil310" || judging.has(("echo_ms", &at(policy, "inline")));
        inline
            .then(|| ratio("nine of ten echoes, thread / inline", policy, "thread", "inline").at_most(BETTER))
    };
    let as_idle = |policy: &&'static str| intervals(policy, "thread").at_most(AS_IDLE);
    let cured = timed.iter().chain(&others).filter_map(better).chain(others.iter().map(as_idle)).collect();
    let waits = timed.iter().flat_map(|policy| {
        let process = judging.has(("echo_ms", &at(policy, "process")));
        let process = process.then(|| control(intervals(policy, "process").at_most(AS_IDLE)));
        std::iter::once(intervals(policy, "thread").at_least(WAITS)).chain(process)
    });
    let rule = format!(
        "a thread cures starvation: nine of ten echoes take at most {BETTER} x as long as inline; it does not: each takes at \
         least {WAITS} switch intervals, where a process, or a thread under another lock, leaves at most {AS_IDLE}"
    );
    vec![if timed.is_empty() {
        Claim::all("G13", rule, cured) // A real runtime that has one lock only, and not a timed one.
    } else {
        let condition = "what a cure is, and the lock: a thread never blocks the loop, but under a timed lock each wake-up of \
                         the loop waits for switch intervals, which a process, or a thread without such a lock, does not";
        Claim::depends("G13", rule, condition, cured, waits.collect())
    }]
}

/// A control that is not as it must be settles nothing: it speaks of the machine, not of the claim.
fn control(mut finding: Finding) -> Finding {
    if finding.answer == Answer::No {
        finding.answer = Answer::Open;
    }
    finding
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// A world with these typical echoes in intervals of 10 ms, three rounds long; inline they spread up to twice that.
    fn world(echo_intervals: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, typical) in echo_intervals {
                let spread = if cell.ends_with("inline") { [0.2, 1.0, 1.9] } else { [0.98, 1.0, 1.3] };
                measured.extend("echo_intervals", cell, spread.map(|part| part * typical));
                measured.extend("echo_ms", cell, spread.map(|part| part * typical * 10.0));
            }
            measured.end_round();
        }
        measured.complete = true;
        measured
    }

    fn verdict(measured: &Measurements) -> &'static str {
        judge(&Judging { measured, seed: 7 })[0].verdict.word()
    }

    const REAL: [(&str, f64); 6] = [
        ("gil310/idle", 0.02),
        ("gil310/inline", 10.0),
        ("gil310/thread", 1.1),
        ("gil310/process", 0.02),
        ("tick/thread", 0.03),
        ("free/thread", 0.02),
    ];

    fn changed(which: &str, value: f64) -> Measurements {
        world(&REAL.map(|(cell, typical)| (cell, if cell == which { value } else { typical })))
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdict(&world(&REAL)), "depends");
    }

    #[test]
    fn the_opposite_worlds_are_told_apart() {
        assert_eq!(
            verdict(&changed("gil310/thread", 0.02)),
            "holds",
            "a thread that never waits for the lock"
        );
        assert_eq!(
            verdict(&changed("gil310/process", 1.1)),
            "inconclusive",
            "a process is no better than a thread"
        );
        assert_eq!(verdict(&changed("gil310/thread", 10.0)), "fails", "a thread that blocks the loop");
        assert_eq!(verdict(&changed("tick/thread", 1.1)), "fails", "a thread hurts under every lock");
    }

    #[test]
    fn a_runtime_with_one_lock_is_judged_by_that_one() {
        let only = |policy: &str| {
            let cell = |case: &str| REAL[..4].iter().find(|(cell, _)| cell.ends_with(case)).unwrap().1;
            let cells = CASES.map(|case| (format!("{policy}/{case}"), cell(case)));
            cells.map(|(cell, typical)| {
                (cell.clone(), if cell == "tick/thread" || cell == "free/thread" { 0.03 } else { typical })
            })
        };
        let verdict_of = |policy: &str| {
            let cells = only(policy);
            verdict(&world(&cells.each_ref().map(|(cell, typical)| (cell.as_str(), *typical))))
        };
        assert_eq!(
            ["gil32", "gil313", "tick", "free"].map(verdict_of),
            ["depends", "depends", "holds", "holds"]
        );
    }

    #[test]
    fn a_wait_on_the_threshold_settles_nothing() {
        assert_eq!(verdict(&changed("gil310/thread", WAITS)), "inconclusive");
        assert_eq!(verdict(&changed("tick/thread", AS_IDLE)), "inconclusive");
    }

    #[test]
    fn the_work_comes_first_and_every_echo_is_due_while_it_is_there() {
        let (burn, gap) = (Duration::from_millis(200), Duration::from_millis(30));
        let messages = schedule(burn, gap);
        assert_eq!(messages[0], Message { due: Duration::ZERO, ask: Ask::Burn });
        assert!(messages.len() >= 6);
        assert!(
            messages[1..].iter().all(|echo| echo.ask == Ask::Echo && echo.due < burn && !echo.due.is_zero())
        );
    }
}
