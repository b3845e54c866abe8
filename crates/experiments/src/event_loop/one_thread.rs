//! One thread: where do callbacks run, which threads are there besides, and what is done on them?
//!
//! # Model
//! ```text
//! mixed      every kind of callback at once on one loop; each notes its thread, begin and end        L01, L07
//! first use  a process that counts its threads before the first job and after a burst of jobs       L02
//! KIND       a process that does one kind of request, one after another, and watches its threads    L04
//! ```
//! `mixed` runs within the lab, `first use` and the kinds in processes of their own, so that no other thread is counted. Where
//! a request ran is told by the kernel: a kind that needs no pool starts no thread, and a pool thread that does the work of a
//! request must wake up and fall asleep again for it.
//!
//! "And others" is taken by the letter: threads that are neither the loop's nor the pool's. In Node they are V8's and the one
//! for signals; a loop and a pool alone bring none along. The thread with which the lab watches the standard input of a part
//! is not counted. Node says on which thread a callback runs through `/proc/thread-self`. Elsewhere than on Linux nobody lists
//! the threads of a process, and the other cells say so and measure nothing.

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::{Answer, Claim, Verdict};
use runtime_lab::Recording;

use crate::counterpart::{Source, Twin};

pub(crate) mod kinds;
mod mixed;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "one-thread",
    topic: Topic::EventLoop,
    question: "Which threads does a process with one event loop have, and what runs on them?",
    reading: "Every callback runs on the loop's thread, one after another. A request for a file, a name, a key or random \
              bytes wakes a thread of the pool; their synchronous variants, HTTP and timers wake none.",
    claims: &["L01", "L02", "L04", "L07"],
    knobs: &[
        Knob {
            name: "each",
            help: "callbacks of each kind in the mixed load",
            usual: 200.0,
            quick: 60.0,
            range: (40.0, 100_000.0),
            whole: true,
        },
        Knob {
            name: "requests",
            help: "requests of each kind, one after another",
            usual: 50.0,
            quick: 15.0,
            range: (5.0, 10_000.0),
            whole: true,
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec {
            metric: "pool_wakes",
            unit: "times",
            title: "How often a pool thread woke up and fell asleep again for a request, by kind",
        },
        ChartSpec {
            metric: "threads_started",
            unit: "threads",
            title: "Threads that a kind of request started",
        },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "two-loops",
            breaks: "a second loop on another thread runs timers at the same time",
            flips: &["L01", "L07"],
        },
        Flaw {
            name: "nested",
            breaks: "ticks and microtasks run within the callback that sets them, on the same thread",
            flips: &["L07"],
        },
        Flaw {
            name: "no-pool",
            breaks: "what should be handed to the pool is done on the loop's thread",
            flips: &["L02", "L04"],
        },
    ],
};

static TWIN: Twin = Twin {
    part: &kinds::PART,
    source: &Source { name: "one-thread.js", text: include_str!("../../programs/one-thread.js") },
};

const MIXED: &str = "mixed";
const FIRST_USE: &str = "first use";

/// Requests that are said to go to the pool.
const POOLED: &[&str] = &["read a file", "look up a name", "pbkdf2", "random bytes"];
/// Requests that are not.
const NOT_POOLED: &[&str] = &["read a file, sync", "pbkdf2, sync", "http", "timer"];

/// Callbacks of each kind without which a run proves nothing.
const CALLBACKS_MIN: f64 = 20.0;
/// The size that the statement gives to the pool.
const POOL_STATED: f64 = 4.0;
/// A pool thread wakes once for a request at least; that the kernel has counted the last sleep is not certain.
const WAKES_MIN: f64 = 0.5;

struct OneThread {
    setup: Setup,
    recording: Option<Recording>,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    Ok(Box::new(OneThread { setup: setup.clone(), recording: None }))
}

impl Bench for OneThread {
    fn cells(&self) -> Vec<String> {
        let cells =
            [MIXED, FIRST_USE].into_iter().chain(POOLED.iter().copied()).chain(NOT_POOLED.iter().copied());
        cells.map(str::to_owned).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        if cell != MIXED || self.setup.real().is_some() {
            return TWIN.measure(&self.setup, cell, None, sink);
        }
        drop(self.setup.recorder.collect()); // Only the last round is drawn.
        mixed::measure(&self.setup, sink)?;
        self.recording = self.setup.recorder.is_on().then(|| self.setup.recorder.collect());
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        let title =
            || "A mixed load: one thread for every callback, four for the work of requests".to_owned();
        self.recording.take().map(|recording| (title(), recording)).into_iter().collect()
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let fewest =
        |what: &str| judging.smallest(what, "callbacks", ("fewest_of_a_kind", MIXED)).at_least(CALLBACKS_MIN);
    let elsewhere = judging.total("callbacks on another thread", "callbacks", ("elsewhere", MIXED));
    let overlaps = judging.total("callbacks that began while another ran", "callbacks", ("overlaps", MIXED));
    let nested = judging.total("callbacks that began within another one", "callbacks", ("nested", MIXED));
    vec![
        Claim::all(
            "L01",
            format!(
                "callbacks of HTTP, timers, ticks, microtasks, immediates, promises, files, names and keys ran, at least \
                 {CALLBACKS_MIN} of each, and none of them on another thread than the loop's"
            ),
            vec![elsewhere.at_most(0.0), fewest("callbacks of the rarest kind")],
        ),
        more_threads(judging),
        to_the_pool(judging),
        Claim::all(
            "L07",
            format!(
                "begin and end of at least {CALLBACKS_MIN} callbacks of each kind are noted; by the clock none begins before the \
                 one before it has ended, and by a count on the loop's thread none begins within another one"
            ),
            vec![
                overlaps.at_most(0.0),
                nested.at_most(0.0),
                fewest("callbacks of the rarest kind whose begin and end are noted"),
            ],
        ),
    ]
}

/// Each finding stands alone: the pool as it is stated, and two things that may be missing from the statement.
fn more_threads(judging: &Judging<'_>) -> Claim {
    let at = |metric| (metric, FIRST_USE);
    let fewest = judging.smallest("fewest pool threads after the first use", "threads", at("pool_threads"));
    let most = judging.largest("most pool threads after the first use", "threads", at("pool_threads"));
    let before = judging.largest("pool threads before the first use", "threads", at("pool_threads_before"));
    let others =
        judging.largest("threads that are neither the loop's nor the pool's", "threads", at("other_threads"));
    let rule = format!(
        "once the pool was used it has exactly {POOL_STATED} threads, else it fails; it depends when the pool has no thread \
         before its first use, or when no thread is neither the loop's nor the pool's; it holds when neither is so"
    );
    let pool = vec![fewest.at_least(POOL_STATED), most.at_most(POOL_STATED)];
    let mut claim = Claim::all("L02", rule, pool);
    let missing = [
        (before.at_most(0.0), "whether the pool was used: its threads are started by the first job"),
        (others.at_most(0.0), "what else the process runs: a loop and a pool alone have no other threads"),
    ];
    let conditions: Vec<&str> =
        missing.iter().filter(|(one, _)| one.answer == Answer::Yes).map(|(_, what)| *what).collect();
    let unknown = missing.iter().find(|(one, _)| one.answer == Answer::Open);
    if claim.verdict == Verdict::Holds {
        if !conditions.is_empty() {
            claim.verdict = Verdict::Depends { condition: conditions.join("; and ") };
        } else if let Some((one, _)) = unknown {
            claim.verdict = Verdict::inconclusive(format!("`{}` was not measured; run again", one.metric));
        }
    }
    claim.findings.extend(missing.map(|(one, _)| one));
    claim
}

fn to_the_pool(judging: &Judging<'_>) -> Claim {
    let pooled = POOLED.iter().map(|kind| -> Finding {
        let what = format!("times that a pool thread woke up for a request: {kind}");
        judging.smallest(what, "times", ("pool_wakes", kind)).at_least(WAKES_MIN)
    });
    let not_pooled = NOT_POOLED.iter().map(|kind| {
        let what = format!("threads started by requests: {kind}");
        judging.largest(what, "threads", ("threads_started", kind)).at_most(0.0)
    });
    Claim::all(
        "L04",
        format!(
            "file work, name look-up, pbkdf2 and random bytes wake a pool thread at least {WAKES_MIN} times for each request; \
             their synchronous variants, HTTP and timers start no thread"
        ),
        pooled.chain(not_pooled).collect(),
    )
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    struct World {
        elsewhere: f64,
        overlaps: f64,
        nested: f64,
        fewest: f64,
        pool: (f64, f64),
        others: f64,
        wakes: f64,
        started_by_http: f64,
    }

    const REAL: World = World {
        elsewhere: 0.0,
        overlaps: 0.0,
        nested: 0.0,
        fewest: 60.0,
        pool: (0.0, 4.0),
        others: 0.0,
        wakes: 1.1,
        started_by_http: 0.0,
    };

    fn verdicts(world: &World) -> String {
        let mut measured = Measurements::new(2);
        measured.extend("elsewhere", MIXED, [world.elsewhere]);
        measured.extend("overlaps", MIXED, [world.overlaps]);
        measured.extend("nested", MIXED, [world.nested]);
        measured.extend("fewest_of_a_kind", MIXED, [world.fewest]);
        measured.extend("pool_threads_before", FIRST_USE, [world.pool.0]);
        measured.extend("pool_threads", FIRST_USE, [world.pool.1]);
        measured.extend("other_threads", FIRST_USE, [world.others]);
        for kind in POOLED {
            measured.extend("pool_wakes", kind, [world.wakes]);
        }
        for kind in NOT_POOLED {
            measured.extend(
                "threads_started",
                kind,
                [if *kind == "http" { world.started_by_http } else { 0.0 }],
            );
        }
        measured.end_round();
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        claims.iter().map(|claim| claim.verdict.word()).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&REAL), "holds, depends, holds, holds");
    }

    #[test]
    fn one_callback_elsewhere_or_at_once_refutes() {
        assert_eq!(verdicts(&World { elsewhere: 1.0, ..REAL }), "fails, depends, holds, holds");
        assert_eq!(verdicts(&World { overlaps: 1.0, ..REAL }), "holds, depends, holds, fails");
        assert_eq!(verdicts(&World { nested: 1.0, ..REAL }), "holds, depends, holds, fails");
        assert_eq!(verdicts(&World { fewest: 0.0, ..REAL }), "fails, depends, holds, fails");
    }

    #[test]
    fn the_pool_is_judged_by_the_letter() {
        for wrong in [World { pool: (0.0, 3.0), ..REAL }, World { pool: (0.0, 5.0), ..REAL }] {
            assert_eq!(verdicts(&wrong), "holds, fails, holds, holds");
        }
        assert_eq!(verdicts(&World { pool: (4.0, 4.0), others: 6.0, ..REAL }), "holds, holds, holds, holds");
    }

    #[test]
    fn what_is_missing_from_the_statement_is_told_one_by_one() {
        let condition = |pool_before: Option<f64>, others: Option<f64>| {
            let mut measured = Measurements::new(2);
            measured.extend("pool_threads", FIRST_USE, [4.0]);
            measured.extend("pool_threads_before", FIRST_USE, pool_before);
            measured.extend("other_threads", FIRST_USE, others);
            measured.end_round();
            let claim = more_threads(&Judging { measured: &measured, seed: 7 });
            assert_eq!(claim.findings.len(), 4);
            match claim.verdict {
                Verdict::Depends { condition } => {
                    (condition.contains("first job"), condition.contains("no other threads"))
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(condition(Some(0.0), Some(0.0)), (true, true));
        assert_eq!(condition(Some(4.0), Some(0.0)), (false, true));
        assert_eq!(condition(Some(0.0), Some(6.0)), (true, false));
        assert_eq!(condition(Some(0.0), None), (true, false));
    }

    #[test]
    fn a_part_that_was_not_measured_leaves_open_what_the_others_do_not_settle() {
        let mut measured = Measurements::new(2);
        measured.extend("pool_threads", FIRST_USE, [4.0]);
        measured.extend("pool_threads_before", FIRST_USE, [4.0]);
        measured.end_round();
        assert_eq!(more_threads(&Judging { measured: &measured, seed: 7 }).verdict.word(), "inconclusive");
    }

    #[test]
    fn work_that_wakes_nobody_is_not_in_the_pool_and_sockets_that_start_a_thread_are() {
        assert_eq!(verdicts(&World { wakes: 0.0, ..REAL }), "holds, depends, fails, holds");
        assert_eq!(verdicts(&World { started_by_http: 1.0, ..REAL }), "holds, depends, fails, holds");
    }
}
