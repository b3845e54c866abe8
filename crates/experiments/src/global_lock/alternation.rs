//! Alternation: does only one thread run at a time, and do threads take turns?
//!
//! # Model
//! ```text
//! thread A  holds and notes times ...|            waits             | ... notes times ...
//! thread B            waits          | ... holds and notes times ...|            waits
//!                                    '- one interval at least: B must have waited that long before it may ask
//! ```
//! Two threads compute and note the time every few microseconds, for a fixed time. From outside, on any runtime: a thread
//! that was there between two notes of the other that lie closer together than half an interval was there at the same
//! time, for a turn takes an interval at least. The oldest lock counts instructions instead: there a turn has room for
//! twenty notes and more, so who made fewer than six between two of the other was there at the same time.
//! From inside, on our interpreter: the recorded holds of the lock, whose overlap is computed exactly.
//!
//! How long a turn is follows the interval. On a busy machine a thread that was woken gets a core late, so turns may be
//! some intervals long; a thread that keeps the lock has one turn of dozens.

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;
use runtime_trace::{EventKind, Recorder, Recording};

use super::cells::{TIMED, cells_of, parts};
use super::interpreter::{self, Rules, python};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "alternation",
    topic: Topic::GlobalLock,
    question: "Does only one thread run at a time, and do threads take turns?",
    reading: "Each row is the length of a turn while two threads compete. With a timed lock it is about the switch interval, \
              and longer when that is longer; the oldest lock changes hands far more often. Only without a lock are both \
              threads there at the same time.",
    claims: &["G01", "G05"],
    knobs: &[Knob {
        name: "interval_ms",
        help: "milliseconds that a waiter waits before it asks, in the short cells; six times that in the long ones",
        usual: 5.0,
        quick: 5.0,
        range: (1.0, 100.0),
        whole: false,
    }],
    start,
    judge,
    charts: &[
        ChartSpec { metric: "turn_ms", unit: "ms", title: "Length of a turn by policy and interval" },
        ChartSpec { metric: "together", unit: "times", title: "Both threads there at the same time" },
    ],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "no-lock", breaks: "threads never take the lock of gil310", flips: &["G01", "G05"] },
        Flaw {
            name: "asked-keeps",
            breaks: "a thread that is asked for the lock keeps it until it ends",
            flips: &["G05"],
        },
    ],
};

/// The program.
pub(crate) static SOURCE: Source = Source { name: "alternation.py", text: python!("alternation.py") };

const CELLS: &[&str] = &[
    "tick/ticks",
    "gil32/short",
    "gil32/long",
    "gil310/short",
    "gil310/long",
    "gil313/short",
    "gil313/long",
    "free/short",
    "free/ticks",
];

/// The interval of a long cell, in short ones.
const LONG: f64 = 6.0;
/// How long the threads run, in intervals: so many turns there are at most in a short and in a long cell.
const SHORT_TURNS: f64 = 30.0;
const LONG_TURNS: f64 = 8.0;

/// A turn takes an interval, or a little less when the last one is cut off.
const TURN_LEAST: f64 = 0.8;
/// A woken thread may get its core late; who never lets go has a turn of [`SHORT_TURNS`], or two of half of them.
const TURN_MOST: f64 = 8.0;
/// Turns of an interval six times as long are at least so many times as long; where it means nothing, as long.
const FOLLOWS: f64 = 1.5;
/// How often the oldest lock is given up in the time of an interval, at least.
const TICKS_LEAST: f64 = 10.0;

/// Records that a lane holds; the oldest lock makes more, and its lanes end early.
const RECORDS: usize = 1 << 15;
/// The cell whose lanes are kept as a picture.
const PICTURE: &str = "gil310/short";

struct Alternation {
    setup: Setup,
    picture: Option<Recording>,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    Ok(Box::new(Alternation { setup: setup.clone(), picture: None }))
}

impl Bench for Alternation {
    fn cells(&self) -> Vec<String> {
        cells_of(&self.setup, CELLS)
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let (policy, case) = parts(cell)?;
        let short_ms = self.setup.knob("interval_ms");
        let (interval_ms, turns) =
            if case == "long" { (short_ms * LONG, LONG_TURNS) } else { (short_ms, SHORT_TURNS) };
        let recorder = Recorder::new(RECORDS);
        let mut rules = Rules { recorder: recorder.clone(), ..Rules::of(policy) };
        if self.setup.has_flaw("no-lock") && policy == Policy::Gil310 {
            rules.policy = Policy::Free;
        }
        if self.setup.has_flaw("asked-keeps") {
            rules.ablations = "asked-keeps".parse()?;
        }
        let words = [
            ("interval_ms".to_owned(), interval_ms.to_string()),
            ("seconds".to_owned(), (interval_ms * turns / 1e3).to_string()),
        ];
        let Some(report) = interpreter::measure(&SOURCE, &self.setup, &rules, case, &words, sink)? else {
            return Ok(());
        };
        sink.add("given_up_per_interval", report.lock.total().releases as f64 / turns);
        let recording = recorder.collect();
        if let Some(overlap_ns) = overlap_ns(&recording) {
            sink.add("overlap_us", overlap_ns as f64 / 1e3);
        }
        if cell == PICTURE && self.setup.recorder.is_on() {
            self.picture = Some(recording);
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        self.picture
            .take()
            .map(|recording| (format!("Two threads under {PICTURE}"), recording))
            .into_iter()
            .collect()
    }
}

/// A stretch of time in which one lane had a lock: lock, begin, end, lane.
type Hold = (u64, u64, u64, u16);

/// The holds of all locks in the order of lock and begin. What was never given back, as far as was recorded, is left out.
fn holds(recording: &Recording) -> Vec<Hold> {
    let mut since = std::collections::BTreeMap::new();
    let mut holds = Vec::new();
    for record in &recording.records {
        let key = (record.id, record.lane);
        match record.kind {
            EventKind::LockAcquire => {
                since.insert(key, record.t_ns);
            }
            EventKind::LockRelease => {
                let begin = since.remove(&key);
                holds.extend(begin.map(|begin| (record.id, begin, record.t_ns, record.lane)));
            }
            _ => (),
        }
    }
    holds.sort_unstable();
    holds
}

/// How long in all a lock was held by two lanes at once; `None` when no lock was recorded to change hands.
fn overlap_ns(recording: &Recording) -> Option<u64> {
    let holds = holds(recording);
    let changed_hands = holds.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].3 != pair[1].3);
    let (mut overlap, mut lock, mut latest_end) = (0, 0, 0);
    for (id, begin, end, _) in holds {
        if id != lock {
            (lock, latest_end) = (id, 0);
        }
        overlap += latest_end.min(end).saturating_sub(begin);
        latest_end = latest_end.max(end);
    }
    changed_hands.then_some(overlap)
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let cell = |policy: &str, case: &str| format!("{policy}/{case}");
    let overlap = |policy: &str, case: &str| {
        let name = format!("overlap of recorded holds under {policy}");
        judging.largest(name, "us", ("overlap_us", &cell(policy, case))).at_most(0.0)
    };
    let together = |policy: &str, case: &str| {
        let name = format!("both threads there at once under {policy} ({case})");
        judging.total(name, "times", ("together", &cell(policy, case)))
    };
    let mut alone: Vec<Finding> = TIMED.map(|policy| together(policy, "short").at_most(0.0)).to_vec();
    alone.push(together("tick", "ticks").at_most(0.0));
    alone.extend(TIMED.map(|policy| overlap(policy, "short")));
    alone.push(overlap("tick", "ticks"));
    // Without these the rule could not say no: where there is no lock, the same looks see both. As long as they have not,
    // because there was one core for both, nothing is settled.
    alone.extend(["short", "ticks"].map(|case| together("free", case).at_least(1.0).refutes_nothing()));
    vec![
        Claim::all(
            "G01",
            "only one thread runs at a time: recorded holds of the lock never overlap, and no thread is there within a turn of \
             the other; without a lock both are seen at once, and as long as they are not, nothing is settled",
            alone,
        ),
        Claim::all(
            "G05",
            format!(
                "threads take turns: the median one takes {TURN_LEAST} to {TURN_MOST} switch intervals, with an interval {LONG} x \
                 as long at least {FOLLOWS} x as long; the lock of 2.7 is given up at least {TICKS_LEAST} times in an interval"
            ),
            turns(judging),
        ),
    ]
}

fn turns(judging: &Judging<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for policy in TIMED {
        let (short, long) = (format!("{policy}/short"), format!("{policy}/long"));
        let turn = || {
            let name = format!("a turn under {policy}");
            judging.quantile(name, "intervals", P50, ("turn_intervals", &short))
        };
        findings.push(turn().at_most(TURN_MOST));
        findings.push(Finding {
            metric: format!("a turn under {policy}, at least"),
            ..turn().at_least(TURN_LEAST)
        });
        let name = format!("turns with a longer interval / with the usual one under {policy}");
        findings.push(judging.ratio(name, P50, ("turn_ms", &long), ("turn_ms", &short)).at_least(FOLLOWS));
    }
    let ticks = ("given_up_per_interval", "tick/ticks");
    let name = "the lock of 2.7 is given up in an interval";
    findings.push(judging.smallest(name, "times", ticks).at_least(TICKS_LEAST));
    findings
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;
    use runtime_trace::{LaneInfo, Record};

    use super::*;

    /// What a timed lock, the oldest one and none bring: turns in intervals, their ratio, times together.
    struct World {
        turn: f64,
        follows: f64,
        together: f64,
        overlap_us: f64,
        free_together: f64,
    }

    const REAL: World =
        World { turn: 1.03, follows: 5.7, together: 0.0, overlap_us: 0.0, free_together: 3_000.0 };

    fn verdicts(world: &World) -> String {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for policy in TIMED {
                let (short, long) = (format!("{policy}/short"), format!("{policy}/long"));
                measured.extend("turn_intervals", &short, [world.turn]);
                measured.extend("turn_ms", &short, [world.turn * 5.0]);
                measured.extend("turn_ms", &long, [world.turn * 5.0 * world.follows]);
                measured.extend("together", &short, [world.together]);
                measured.extend("overlap_us", &short, [world.overlap_us]);
            }
            measured.extend("overlap_us", "tick/ticks", [world.overlap_us]);
            measured.extend("given_up_per_interval", "tick/ticks", [900.0]);
            measured.extend("together", "tick/ticks", [world.together]);
            for cell in ["free/short", "free/ticks"] {
                measured.extend("together", cell, [world.free_together]);
            }
            measured.end_round();
        }
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        claims
            .iter()
            .map(|claim| format!("{} {}", claim.id, claim.verdict.word()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn both_hold_in_the_world_as_it_is_and_on_a_busy_machine() {
        assert_eq!(verdicts(&REAL), "G01 holds, G05 holds");
        assert_eq!(verdicts(&World { turn: 3.0, follows: 3.0, ..REAL }), "G01 holds, G05 holds");
    }

    #[test]
    fn threads_that_run_at_once_refute_the_first() {
        assert_eq!(verdicts(&World { together: 1.0, ..REAL }), "G01 fails, G05 holds");
        assert_eq!(verdicts(&World { overlap_us: 0.1, ..REAL }), "G01 fails, G05 holds");
    }

    #[test]
    fn a_look_that_never_saw_two_threads_proves_nothing() {
        assert_eq!(verdicts(&World { free_together: 0.0, ..REAL }), "G01 inconclusive, G05 holds");
    }

    #[test]
    fn threads_that_take_no_turns_or_mind_no_interval_refute_the_second() {
        assert_eq!(verdicts(&World { turn: SHORT_TURNS, follows: 1.5, ..REAL }), "G01 holds, G05 fails");
        assert_eq!(verdicts(&World { turn: 0.01, ..REAL }), "G01 holds, G05 fails");
        assert_eq!(verdicts(&World { follows: 1.0, ..REAL }), "G01 holds, G05 fails");
    }

    #[test]
    fn a_value_on_a_threshold_settles_the_second_only_one_way() {
        let mut measured = Measurements::new(2);
        for ratio in [1.2, 1.5, 3.0] {
            measured.extend("turn_ms", "gil310/short", [5.0]);
            measured.extend("turn_ms", "gil310/long", [5.0 * ratio]);
            measured.end_round();
        }
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        assert_eq!(claims[1].verdict.word(), "inconclusive");
    }

    /// A recording of turns: lane, begin, end.
    fn recording(holds: &[(u16, u64, u64)]) -> Recording {
        let of = |kind, t_ns, lane| Record { t_ns, id: 9, parent: 0, arg: 0, lane, kind };
        let mut records: Vec<Record> = holds
            .iter()
            .flat_map(|&(lane, begin, end)| {
                [of(EventKind::LockAcquire, begin, lane), of(EventKind::LockRelease, end, lane)]
            })
            .collect();
        records.sort_by_key(|record| record.t_ns);
        let lanes = (0..2).map(|id| LaneInfo { id, name: String::new(), dropped: 0 }).collect();
        Recording { records, lanes, names: Vec::new() }
    }

    #[test]
    fn the_overlap_of_holds_is_exact() {
        assert_eq!(overlap_ns(&recording(&[(0, 0, 10), (1, 10, 20), (0, 20, 30)])), Some(0));
        assert_eq!(overlap_ns(&recording(&[(0, 0, 10), (1, 7, 20), (0, 19, 30)])), Some(4));
        assert_eq!(overlap_ns(&recording(&[(0, 0, 30), (1, 10, 12), (1, 14, 15)])), Some(3));
        assert_eq!(overlap_ns(&recording(&[(0, 0, 10), (0, 12, 20)])), None, "nobody else had it");
        assert_eq!(overlap_ns(&recording(&[])), None);
    }
}
