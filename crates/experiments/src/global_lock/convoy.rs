//! Convoy: how long does a small answer wait beside threads that compute?
//!
//! # Model
//! One thread of the program receives a message and sends it back; others only compute. To answer, the first needs the
//! lock, and asks a thread that computes for it. The client is outside every interpreter and sends at fixed times. What is
//! judged is the wait in switch intervals: 0, 1 or 2 of them, as often as the thread loses the gamble for the lock, and
//! more with several spinners, because the lock may go to another of them first.

use std::time::Duration;

use anyhow::{Context, Result};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Judging, Noise, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::{Claim, Verdict};
use gil_interpreter::gil::Policy;
use runtime_trace::{Recorder, Recording};

use super::cells::{close_look, parts, short_enough, timed_and};
use super::echo_client::{measure_echoes, paced};
use super::interpreter::{Rules, python};
use crate::counterpart::Source;
use crate::noise::open_unless_it_depends;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "convoy",
    topic: Topic::GlobalLock,
    question: "How long does a small answer wait beside threads that compute?",
    reading: "Each row is the time until an echo is back. Under a timed lock it takes half a switch interval and more beside \
              one thread that computes, less with a quarter of the interval, and less than that half when it is alone. Under \
              the ticks of 2.7, with a lock for each interpreter, or without one it does not wait beside such a thread. The \
              rows with two and four such threads are shown, not judged.",
    claims: &["G09"],
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
            name: "messages",
            help: "messages that are sent to an echo",
            usual: 15.0,
            quick: 6.0,
            range: (2.0, 1_000.0),
            whole: true,
        },
        Knob {
            name: "gap_ms",
            help: "milliseconds between two messages, on average",
            usual: 40.0,
            quick: 25.0,
            range: (20.0, 1_000.0),
            whole: false,
        },
    ],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "echo_ms",
        unit: "ms",
        title: "From the time a message was due to its echo",
    }],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "sleeping-spinners", breaks: "the threads that compute sleep instead", flips: &["G09"] },
        Flaw { name: "no-lock", breaks: "threads never take the timed locks", flips: &["G09"] },
    ],
};

/// The program.
pub(super) static SOURCE: Source = Source { name: "convoy.py", text: python!("convoy.py") };

/// How a cell is called, with how many spinners, and with what part of the interval.
const CASES: [(&str, u32, f64); 5] = [
    ("0 spinners", 0, 1.0),
    ("1 spinner", 1, 1.0),
    ("1 spinner, interval / 4", 1, SHORT),
    ("2 spinners", 2, 1.0),
    ("4 spinners", 4, 1.0),
];

/// The part of the interval that a short one is.
const SHORT: f64 = 0.25;

/// What a quick run of ours leaves out.
const SLOW: &[&str] = &["gil310/2 spinners", "tick/4 spinners", "free/4 spinners"];

/// The cells of ours, besides all of gil310.
const OTHERS: &[&str] = &[
    "gil32/1 spinner",
    "gil32/1 spinner, interval / 4",
    "gil313/1 spinner",
    "gil313/1 spinner, interval / 4",
    "tick/1 spinner",
    "tick/4 spinners",
    "per-interp/1 spinner",
    "free/1 spinner",
    "free/4 spinners",
];

/// The locks that never make an echo wait for an interval.
const OTHER_LOCKS: [&str; 3] = ["tick", "per-interp", "free"];

/// A wait for the lock is one interval or more; half of one leaves room for messages that found the lock free.
const SUFFERS: f64 = 0.5;
/// Who need not wait for the lock waits for a processor at most: less than this part of an interval, even beside others.
const UNHURT: f64 = 0.4;
/// Four times the interval is four times the wait; a wait that did not follow it would be as long as before.
const FOLLOWS: f64 = 2.0;
/// Other programs make a short wait longer, and now and then keep a spinner from asking for the lock again, so that an
/// echo finds it free: a third of the waits may be of the one kind, and two thirds of the other.
const LOWER_THIRD: f64 = 1.0 / 3.0;

/// The cell whose turns at the lock are drawn.
const PICTURE: &str = "gil310/1 spinner";
/// Records of each thread of that cell.
const RECORDS: usize = 1 << 14;

struct Convoy {
    cells: Vec<String>,
    setup: Setup,
    recording: Option<Recording>,
}

/// So many intervals an echo may wait beside four spinners, time and again.
const INTERVALS_MOST: f64 = 6.0;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let each_ms = setup.knob("gap_ms").max(INTERVALS_MOST * setup.knob("interval_ms"));
    short_enough(setup.knob("messages") * each_ms / 1e3, &["messages", "gap_ms", "interval_ms"])?;
    Ok(Box::new(Convoy { cells: cells(setup), setup: setup.clone(), recording: None }))
}

fn cells(setup: &Setup) -> Vec<String> {
    close_look(setup, &CASES.map(|(case, ..)| case), OTHERS, SLOW)
}

impl Bench for Convoy {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let setup = &self.setup;
        let (policy, case) = parts(cell)?;
        let (_, spinners, part) =
            CASES.iter().find(|(name, ..)| *name == case).with_context(|| format!("no case is {case}"))?;
        let interval = Duration::from_secs_f64(setup.knob("interval_ms") * part / 1e3);
        let messages =
            paced(setup.knob("messages") as usize, Duration::from_secs_f64(setup.knob("gap_ms") / 1e3));
        let spinning = if setup.has_flaw("sleeping-spinners") { "sleeping" } else { "computing" };
        let drawn = cell == PICTURE && setup.recorder.is_on();
        let recorder = if drawn { Recorder::new(RECORDS) } else { Recorder::off() };
        let rules = Rules { interval, recorder: recorder.clone(), ..Rules::of(broken(setup, policy)) };
        let more = [("spinners", spinners.to_string()), ("spinning", spinning.to_owned())];
        measure_echoes(&SOURCE, setup, &rules, case, &more, &messages, sink)?;
        if drawn {
            self.recording = Some(recorder.collect());
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        let titled = |recording| ("The lock of an echo beside one spinner".to_owned(), recording);
        self.recording.take().map(titled).into_iter().collect()
    }
}

/// The lock that is really used when the runtime is broken on purpose.
fn broken(setup: &Setup, policy: Policy) -> Policy {
    if setup.has_flaw("no-lock") && policy.is_global() && policy != Policy::Tick {
        Policy::Free
    } else {
        policy
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let at = |policy: &str, case: &str| format!("{policy}/{case}");
    let intervals = |policy: &str, case: &str| {
        let metric = format!("wait beside {case} under {policy}, in intervals");
        judging.quantile(metric, "intervals", P50, ("echo_intervals", &at(policy, case)))
    };
    let follows = |policy: &str| {
        judging.ratio(
            format!("wait beside 1 spinner under {policy} / with a quarter of the interval"),
            LOWER_THIRD,
            ("echo_ms", &at(policy, "1 spinner")),
            ("echo_ms", &at(policy, "1 spinner, interval / 4")),
        )
    };
    let (timed, others) = timed_and(judging, &OTHER_LOCKS, "echo_ms", "1 spinner");
    let suffering = timed.iter().flat_map(|policy| {
        let alone = judging.has(("echo_ms", &at(policy, "0 spinners")));
        let alone = alone.then(|| intervals(policy, "0 spinners").at_most(UNHURT));
        [intervals(policy, "1 spinner").at_least(SUFFERS), follows(policy).at_least(FOLLOWS)]
            .into_iter()
            .chain(alone)
    });
    let suffering = suffering.collect();
    let unhurt = others.iter().map(|policy| intervals(policy, "1 spinner").at_most(UNHURT)).collect();
    let rule = format!(
        "an I/O thread beside one that computes waits in the median at least {SUFFERS} switch intervals, alone at most {UNHURT}; \
         the lower third of its waits takes at least {FOLLOWS} x as long with 4 x the interval; with another lock it waits in the \
         median at most {UNHURT} intervals"
    );
    let condition = "the lock: one that is given up only when a waiter has asked after an interval, as in CPython 3.2 and \
                     later; the ticks of 2.7, a lock for each interpreter, or none make nobody wait for an interval";
    // A real runtime has one lock only, and is judged by that one.
    let measured = judging.measured;
    vec![match (timed.is_empty(), others.is_empty()) {
        (false, true) => Claim::all("G09", rule, suffering).beside(measured, Noise::Hurts),
        (true, _) => {
            let suffers = |policy: &&str| {
                let metric = format!("a wait that suffers beside 1 spinner under {policy}, in intervals");
                let cell = at(policy, "1 spinner");
                judging.quantile(metric, "intervals", P50, ("echo_intervals", &cell)).at_least(SUFFERS)
            };
            let suffering = others.iter().map(suffers).collect();
            match Claim::depends("G09", rule, condition, suffering, unhurt) {
                // Other programs make waits longer, so short ones refute beside them, too.
                claim if claim.verdict == Verdict::Fails => claim,
                claim => open_unless_it_depends(claim, measured),
            }
        }
        (false, false) => {
            open_unless_it_depends(Claim::depends("G09", rule, condition, suffering, unhurt), measured)
        }
    }]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// A world with these waits in milliseconds and an interval of 10, three rounds long.
    fn world(echo_ms: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, ms) in echo_ms {
                let interval = if cell.ends_with("/ 4") { 10.0 * SHORT } else { 10.0 };
                let waits = [0.99, 1.0, 1.01].map(|part| part * ms);
                measured.extend("echo_ms", cell, waits);
                measured.extend("echo_intervals", cell, waits.map(|wait| wait / interval));
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
        ("gil310/0 spinners", 0.2),
        ("gil310/1 spinner", 10.2),
        ("gil310/1 spinner, interval / 4", 2.7),
        ("tick/1 spinner", 0.2),
        ("per-interp/1 spinner", 0.2),
        ("free/1 spinner", 0.2),
    ];

    fn changed(which: &str, value: f64) -> Measurements {
        world(&REAL.map(|(cell, ms)| (cell, if cell.starts_with(which) { value } else { ms })))
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdict(&world(&REAL)), "depends");
    }

    #[test]
    fn the_opposite_worlds_are_told_apart() {
        assert_eq!(verdict(&changed("gil310/1 spinner", 0.2)), "fails", "spinners that let others in");
        assert_eq!(verdict(&changed("gil310/1 spinner", 10.2)), "fails", "a wait that is not the interval's");
        assert_eq!(verdict(&changed("tick/1 spinner", 10.0)), "holds", "every lock makes it wait");
        assert_eq!(verdict(&changed("gil310/0 spinners", 10.0)), "fails", "the spinners are not to blame");
    }

    #[test]
    fn beside_other_programs_a_wait_settles_nothing_where_there_should_be_none() {
        for (which, expected) in
            [("tick/1 spinner", "inconclusive"), ("gil310/0 spinners", "inconclusive"), ("none", "depends")]
        {
            let mut busy = changed(which, 10.0);
            busy.others_cores = Some(1.0);
            assert_eq!(verdict(&busy), expected, "{which}");
        }
        for (ms, expected) in [(0.2, "fails"), (10.0, "inconclusive")] {
            let mut busy = world(&[("tick/1 spinner", ms)]);
            busy.others_cores = Some(1.0);
            assert_eq!(verdict(&busy), expected, "a runtime with that lock only");
        }
    }

    #[test]
    fn a_runtime_with_one_lock_is_judged_by_that_one() {
        assert_eq!(verdict(&world(&REAL[..3])), "holds");
        assert_eq!(verdict(&world(&REAL[3..4])), "fails");
        assert_eq!(verdict(&world(&[("tick/1 spinner", 10.0)])), "holds");
    }

    #[test]
    fn a_wait_on_the_threshold_settles_nothing() {
        assert_eq!(verdict(&changed("free/1 spinner", UNHURT * 10.0)), "inconclusive");
        assert_eq!(verdict(&changed("gil310/1 spinner, interval / 4", 10.2 / FOLLOWS)), "inconclusive");
    }
}
