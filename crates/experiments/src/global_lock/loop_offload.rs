//! Loop-offload: is an event loop free as soon as its long work runs in a thread?
//!
//! # Model
//! ```text
//! client (outside)    burn   0   1   2   3  …         echoes that are due while the work is there
//! loop in Python      └─ inline: computes itself      the echo waits for the rest of the work
//!                     └─ thread: starts a thread      the loop waits for the lock at each wake-up
//!                     └─ process: tells a process     the loop is as free as when idle
//! ```
//! The loop is that of the program, because our interpreter has no asyncio; CPython 3.7 and later do the same in
//! asyncio, with its usual executor and one of processes, too, and are judged by both. The work computes until its
//! time is over, so it is there for as long in each case. Only echoes of that time count.

use std::time::Duration;

use anyhow::{Result, ensure};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Judging, Noise, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;

use super::cells::{close_look, has_asyncio, parts, timed_and};
use super::echo_client::{Ask, Message, measure_echoes, paced};
use super::interpreter::{Rules, python};
use crate::counterpart::Source;
use crate::noise::open_unless_it_depends;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "loop-offload",
    topic: Topic::GlobalLock,
    question: "Is an event loop free as soon as its long work runs in a thread?",
    reading: "Each row is the time until an echo of the loop is back, while there is work to compute. With a thread nine of \
              ten echoes take less than half of their time inline, but under a timed lock they wait for it, half a switch \
              interval and more; with a process, or a thread that shares no such lock, they do not.",
    claims: &["G13"],
    knobs: &[
        Knob {
            name: "interval_ms",
            help: "milliseconds that a waiter waits before it asks for the lock",
            usual: 10.0,
            quick: 10.0,
            range: (1.0, 200.0),
            whole: false,
        },
        Knob {
            name: "burn_ms",
            help: "milliseconds that the work takes",
            usual: 300.0,
            quick: 200.0,
            range: (20.0, 2_000.0),
            whole: false,
        },
        Knob {
            name: "gap_ms",
            help: "milliseconds between two messages, on average",
            usual: 30.0,
            quick: 30.0,
            range: (20.0, 1_000.0),
            whole: false,
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

/// The same in asyncio and its executors, for runtimes that have it.
static ASYNCIO: Source = Source { name: "loop_offload_asyncio.py", text: python!("loop_offload_asyncio.py") };

const CASES: [&str; 4] = ["idle", "inline", "thread", "process"];

/// The cases of a runtime that has an event loop of its own.
const ASYNCIO_CASES: [&str; 3] = ["asyncio-inline", "asyncio-thread", "asyncio-process"];

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

/// The locks under which a thread leaves the loop as it is.
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
    let (burn_ms, gap_ms) = (setup.knob("burn_ms"), setup.knob("gap_ms"));
    ensure!(
        gap_ms <= burn_ms,
        "gap_ms must be at most burn_ms, {burn_ms}: else no message is due while there is work"
    );
    Ok(Box::new(LoopOffload { cells: cells(setup), setup: setup.clone() }))
}

fn cells(setup: &Setup) -> Vec<String> {
    let asyncio = if has_asyncio(setup) { &ASYNCIO_CASES[..] } else { &[] };
    close_look(setup, &[&CASES, asyncio].concat(), OTHERS, SLOW)
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
        let messages = schedule(of_ms("burn_ms"), of_ms("gap_ms"));
        let rules = Rules { interval: of_ms("interval_ms"), ..Rules::of(policy) };
        let source = if ASYNCIO_CASES.contains(&case) { &ASYNCIO } else { &SOURCE };
        measure_echoes(source, setup, &rules, case, &[], &messages, sink)
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
    let (timed, others) = timed_and(judging, &OTHER_LOCKS, "echo_ms", "thread");
    // A quick run compares with the work inline under one lock only.
    let better = |policy: &&'static str| {
        let inline = *policy == "gil310" || judging.has(("echo_ms", &at(policy, "inline")));
        let compared = loops_of(judging, policy).map(|(whose, kind)| {
            let (over, under) = (at(policy, &format!("{kind}thread")), at(policy, &format!("{kind}inline")));
            let metric = format!("nine of ten echoes{whose}, thread / inline under {policy}");
            judging.ratio(metric, P90, ("echo_ms", &over), ("echo_ms", &under)).at_most(BETTER)
        });
        compared.into_iter().filter(move |_| inline)
    };
    let intervals = |policy: &str, case: &str, (whose, kind): (&str, &str)| {
        let metric = format!("wait{whose} beside a {case} under {policy}, in intervals");
        let cell = at(policy, &format!("{kind}{case}"));
        judging.quantile(metric, "intervals", P50, ("echo_intervals", &cell))
    };
    let as_idle = |policy: &&'static str| {
        loops_of(judging, policy).map(|of| intervals(policy, "thread", of).at_most(AS_IDLE))
    };
    let cured = timed.iter().chain(&others).flat_map(better).chain(others.iter().flat_map(as_idle)).collect();
    let waits = timed.iter().flat_map(|policy| {
        let process = judging.has(("echo_ms", &at(policy, "process")));
        loops_of(judging, policy).into_iter().flat_map(move |of| {
            // It speaks of the machine: where even a process hurts the loop, waits beside a thread prove nothing.
            let control =
                process.then(|| intervals(policy, "process", of).at_most(AS_IDLE).refutes_nothing());
            std::iter::once(intervals(policy, "thread", of).at_least(WAITS)).chain(control)
        })
    });
    let rule = format!(
        "a thread cures starvation: nine of ten echoes take at most {BETTER} x as long as inline; it does not: the median echo \
         takes at least {WAITS} switch intervals, where beside a process, or a thread under another lock, it takes at most \
         {AS_IDLE}; each of the loop of the program and of the runtime's own"
    );
    let measured = judging.measured;
    let claim = if timed.is_empty() {
        // A real runtime that has one lock only, and not a timed one.
        Claim::all("G13", rule, cured).beside(measured, Noise::Hurts)
    } else {
        let condition = "what a cure is, and the lock: a thread never blocks the loop, but under a timed lock each wake-up of \
                         the loop waits for switch intervals, which a process, or a thread without such a lock, does not";
        open_unless_it_depends(Claim::depends("G13", rule, condition, cured, waits.collect()), measured)
    };
    // On one processor a thread that needs no lock waits for that.
    vec![claim.needing_two_cores(measured)]
}

/// Whose loop, and how its cases begin: that of the program, and the one that the runtime brings: asyncio where it has one,
/// elsewhere that of the program again. So asyncio there is laid beside our loop here.
fn loops_of(judging: &Judging<'_>, policy: &str) -> [(&'static str, &'static str); 2] {
    let has_own = judging.has(("echo_ms", &format!("{policy}/asyncio-thread")));
    [("", ""), (" of its own loop", if has_own { "asyncio-" } else { "" })]
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
    fn beside_other_programs_or_on_one_processor_a_thread_that_hurts_settles_nothing() {
        let mut busy = changed("tick/thread", 1.1);
        busy.others_cores = Some(1.0);
        assert_eq!(verdict(&busy), "inconclusive");
        let mut busy = world(&REAL);
        busy.others_cores = Some(1.0);
        assert_eq!(verdict(&busy), "depends");
        let mut one = changed("tick/thread", 1.1);
        one.cores = 1;
        assert_eq!(verdict(&one), "inconclusive");
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
    fn the_loop_that_a_runtime_brings_is_judged_by_the_same_rule() {
        let with_asyncio = |thread: f64, process: f64| {
            let own = [
                ("gil310/asyncio-inline", 10.0),
                ("gil310/asyncio-thread", thread),
                ("gil310/asyncio-process", process),
            ];
            verdict(&world(&REAL[..4].iter().copied().chain(own).collect::<Vec<_>>()))
        };
        assert_eq!(with_asyncio(1.2, 0.03), "depends");
        assert_eq!(with_asyncio(0.03, 0.03), "holds");
        assert_eq!(with_asyncio(10.0, 0.03), "fails");
        assert_eq!(with_asyncio(1.2, 1.2), "inconclusive");
    }

    #[test]
    fn asyncio_is_a_case_of_runtimes_that_have_it_and_a_gap_longer_than_the_work_is_refused() {
        let setup = |version: &str| {
            let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
            setup.subject = experiment_kit::experiment::Subject::Real(experiment_kit::runtimes::Runtime {
                family: Family::CPython,
                version: version.to_owned(),
                path: "python".into(),
            });
            setup
        };
        assert_eq!(cells(&setup("2.7.18")).join(" "), "tick/idle tick/inline tick/thread tick/process");
        assert!(cells(&setup("3.7.16")).contains(&"gil32/asyncio-thread".to_owned()));
        let mut setup = setup("3.11.7");
        setup.set(&EXPERIMENT, "gap_ms", 500.0).unwrap();
        assert!(
            start(&setup).err().unwrap().to_string().starts_with("gap_ms must be at most burn_ms, 200: ")
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
