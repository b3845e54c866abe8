//! Choice: which way of doing several things at once suits tasks that wait, and which suits tasks that compute?
//!
//! # Model
//! | tasks | one after the other | threads | processes | one thread with an event loop |
//! |---|---|---|---|---|
//! | 8 that sleep, 8 that ask a service over a socket | the yardstick | wait together | wait together | waits for all |
//! | 4 that compute | the yardstick | take turns | use all cores | takes turns |
//!
//! The same work in each row. The loop is that of the program, because our interpreter has no asyncio; CPython 3.7
//! and later do the same tasks in asyncio, too, and are judged by both. Starting threads and processes is timed
//! apart, because who needs them often keeps them.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Judging, Noise, P50, Quantity};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::{Ablations, Policy};

use super::cells::{cells_of, has_asyncio, measured_or_first, parts, short_enough};
use super::interpreter::{self, Rules, python, turns_of};
use super::slow_service::SlowService;
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "choice",
    topic: Topic::GlobalLock,
    question: "Threads, processes or an event loop: which for waiting, which for computing?",
    reading: "Each row is the time of the same work. Waiting takes a fraction of the sequence in threads and in a loop, hardly \
              longer than in processes, which take longer to start than threads. Computing takes less time in processes than \
              in threads or a loop; a loop needs about the processor time of the sequence for it.",
    claims: &["G04", "G07", "G14"],
    knobs: &[
        Knob {
            name: "wait_ms",
            help: "milliseconds that a task waits",
            usual: 20.0,
            quick: 8.0,
            range: (2.0, 500.0),
            whole: false,
        },
        Knob {
            name: "compute_ms",
            help: "milliseconds that a task computes",
            usual: 30.0,
            quick: 20.0,
            range: (2.0, 500.0),
            whole: false,
        },
        Knob {
            name: "waiters",
            help: "tasks that wait",
            usual: 8.0,
            quick: 8.0,
            range: (8.0, 64.0),
            whole: true,
        },
        Knob {
            name: "computers",
            help: "tasks that compute",
            usual: 4.0,
            quick: 4.0,
            range: (2.0, 64.0),
            whole: true,
        },
        Knob {
            name: "times",
            help: "how often a case is measured in a round",
            usual: 2.0,
            quick: 1.0,
            range: (1.0, 20.0),
            whole: true,
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec {
            metric: "wall_ms",
            unit: "ms",
            title: "Time of the same work, by kind of work and way of doing it",
        },
        ChartSpec { metric: "start_ms", unit: "ms", title: "Time to start the threads or processes" },
    ],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "sleepers-keep-the-lock", breaks: "who sleeps keeps the lock", flips: &["G04"] },
        Flaw {
            name: "loop-in-sequence",
            breaks: "the loop waits for each answer before it asks the next question",
            flips: &["G07"],
        },
        Flaw { name: "processes-are-threads", breaks: "threads do what processes should", flips: &["G14"] },
    ],
};

/// The program.
pub(super) static SOURCE: Source = Source { name: "choice.py", text: python!("poller.py", "choice.py") };

/// The same in asyncio, for runtimes that have it.
static ASYNCIO: Source = Source { name: "choice_asyncio.py", text: python!("choice_asyncio.py") };

const CASES: &[&str] = &[
    "sleep/sequence",
    "sleep/threads",
    "socket/sequence",
    "socket/threads",
    "socket/processes",
    "socket/loop",
    "compute/sequence",
    "compute/threads",
    "compute/processes",
    "compute/loop",
];

/// The cells of a runtime that has an event loop of its own.
const ASYNCIO_CASES: &[&str] = &["socket/asyncio", "compute/asyncio"];

/// What a quick run of ours measures under other locks than that of gil310.
const QUICK: &[&str] =
    &["socket/sequence", "socket/threads", "socket/loop", "compute/sequence", "compute/loop"];

const POLICIES: [&str; 4] = ["gil310", "tick", "gil32", "gil313"];

/// Eight waits at the same time take an eighth of the sequence; twice that and more is left for waking up.
const TOGETHER: f64 = 0.3;
/// Who gains nothing needs as long as the sequence, who uses a second core half of it; this is between the two. The
/// sequence counts in processor time and runs right before: whatever else runs can then only make the loop slower.
const NOTHING_GAINED: f64 = 0.7;
/// Processes on two cores need half of the time of threads, or two thirds to three quarters beside one program that
/// computes, and threads that were secretly used instead as long.
const BETTER: f64 = 0.85;
/// Who waits as well as processes takes as long; one that waited in sequence would take eight times as long.
const AS_GOOD: f64 = 1.6;
/// Other programs only make work longer: so the shorter times of both are compared where a processor is needed.
const LOWER_QUARTILE: f64 = 0.25;
/// A thread starts in a tenth to a half of the time of a process, which CPython may copy (`fork`) and we start anew.
const CHEAPER: f64 = 0.7;

/// Threads under the oldest lock take up to so many times the sequence.
const THREADS_LOSE: f64 = 2.5;
/// A loop that computes is also measured four times with a quarter of the work, in sequence and in the loop.
const TIMES_SEQUENCE: f64 = 2.0;

struct Choice {
    cells: Vec<String>,
    turns: BTreeMap<Policy, u64>,
    service: SlowService,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let times = setup.knob("times");
    let waits_s = setup.knob("waiters") * setup.knob("wait_ms") / 1e3;
    short_enough(times * waits_s, &["waiters", "wait_ms", "times"])?;
    let computes_s = setup.knob("computers") * setup.knob("compute_ms") / 1e3;
    short_enough(
        (THREADS_LOSE * times + TIMES_SEQUENCE) * computes_s,
        &["computers", "compute_ms", "times"],
    )?;
    let cells = cells(setup);
    let turns = turns_of(&SOURCE, setup, &cells, setup.knob("compute_ms"))?;
    let service = SlowService::start(
        Duration::from_secs_f64(setup.knob("wait_ms") / 1e3),
        &setup.clock,
        &setup.interrupt,
    )?;
    Ok(Box::new(Choice { cells, turns, service, setup: setup.clone() }))
}

fn cells(setup: &Setup) -> Vec<String> {
    let all = POLICIES.iter().flat_map(|policy| CASES.iter().map(move |case| (policy, case)));
    let here = all.filter(|(policy, case)| {
        setup.real().is_some() || !setup.quick || **policy == "gil310" || QUICK.contains(case)
    });
    let mut cells: Vec<String> = here.map(|(policy, case)| format!("{policy}/{case}")).collect();
    if has_asyncio(setup) {
        let own = |policy| ASYNCIO_CASES.iter().map(move |case| format!("{policy}/{case}"));
        cells.extend(POLICIES.iter().flat_map(own));
    }
    cells_of(setup, &cells.iter().map(String::as_str).collect::<Vec<_>>())
}

impl Bench for Choice {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let (policy, case) = parts(cell)?;
        let more = [
            ("turns".to_owned(), self.turns[&policy].to_string()),
            ("port".to_owned(), self.service.port.to_string()),
        ];
        let mut rules = Rules::of(policy);
        if self.setup.has_flaw("sleepers-keep-the-lock") {
            rules.ablations = Ablations { alone_keeps: true, ..rules.ablations };
        }
        let source = if ASYNCIO_CASES.contains(&case) { &ASYNCIO } else { &SOURCE };
        let measured =
            interpreter::measure(source, &self.setup, &rules, broken(&self.setup, case), &more, sink);
        // Why the service ended tells more than that a program waited in vain.
        self.service.is_up()?;
        measured.map(drop)
    }
}

/// What is really run when the runtime is broken on purpose.
fn broken<'c>(setup: &Setup, case: &'c str) -> &'c str {
    match case {
        "socket/loop" if setup.has_flaw("loop-in-sequence") => "socket/sequence",
        "socket/processes" if setup.has_flaw("processes-are-threads") => "socket/threads",
        "compute/processes" if setup.has_flaw("processes-are-threads") => "compute/threads",
        _ => case,
    }
}

/// The ratio of two ways of doing the same kind of work under one policy, by the times of `metric`.
fn ratio(judging: &Judging<'_>, metric: &str, policy: &str, kind: &str, ways: (&str, &str)) -> Quantity {
    let (over, under) = ways;
    let what = if metric == "wall_ms" { kind.to_owned() } else { format!("start for {kind}") };
    let cell = |way: &str| format!("{policy}/{kind}/{way}");
    judging.ratio(
        format!("{what}: {over} / {under} under {policy}"),
        if kind == "compute" { LOWER_QUARTILE } else { P50 },
        (metric, &cell(over)),
        (metric, &cell(under)),
    )
}

/// Name and way of the loop of the program, and of the loop that the runtime brings: asyncio where it has one, elsewhere
/// that of the program again. So asyncio there is laid beside our loop here.
fn loops_of(judging: &Judging<'_>, policy: &str, kind: &str) -> [(&'static str, &'static str); 2] {
    let has_own = judging.has(("wall_ms", &format!("{policy}/{kind}/asyncio")));
    [("loop", "loop"), ("its own loop", if has_own { "asyncio" } else { "loop" })]
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let wall = |policy: &str, kind: &str, over: &str, under: &str| {
        ratio(judging, "wall_ms", policy, kind, (over, under))
    };
    let waiting =
        measured_or_first(judging, &POLICIES, "wall_ms", "socket/threads").into_iter().flat_map(|policy| {
            let sleeping = judging.has(("wall_ms", &format!("{policy}/sleep/threads")));
            let sleeping = sleeping.then(|| wall(policy, "sleep", "threads", "sequence").at_most(TOGETHER));
            sleeping.into_iter().chain([wall(policy, "socket", "threads", "sequence").at_most(TOGETHER)])
        });
    let loops = measured_or_first(judging, &POLICIES, "wall_ms", "socket/loop");
    let looped = loops.iter().flat_map(|policy| {
        let sequence = format!("{policy}/socket/sequence");
        loops_of(judging, policy, "socket").map(|(name, way)| {
            let (metric, cell) =
                (format!("socket: {name} / sequence under {policy}"), format!("{policy}/socket/{way}"));
            judging.ratio(metric, P50, ("wall_ms", &cell), ("wall_ms", &sequence)).at_most(TOGETHER)
        })
    });
    let stuck = loops.iter().flat_map(|policy| {
        loops_of(judging, policy, "compute").map(|(name, way)| {
            let metric =
                format!("compute: {name} / processor time of a sequence right before it, under {policy}");
            let cell = format!("{policy}/compute/{way}");
            judging.quantile(metric, "ratio", P50, ("times_sequence", &cell)).at_least(NOTHING_GAINED)
        })
    });
    let choices = measured_or_first(judging, &POLICIES, "wall_ms", "compute/processes").into_iter().flat_map(
        |policy| {
            [
                wall(policy, "compute", "processes", "threads").at_most(BETTER),
                wall(policy, "compute", "processes", "loop").at_most(BETTER),
                wall(policy, "socket", "threads", "processes").at_most(AS_GOOD),
                wall(policy, "socket", "loop", "processes").at_most(AS_GOOD),
                ratio(judging, "start_ms", policy, "socket", ("threads", "processes")).at_most(CHEAPER),
            ]
        },
    );
    vec![
        Claim::all(
            "G04",
            format!(
                "who waits lets go of the lock: waiters in threads take in the median at most {TOGETHER} x the sequence"
            ),
            waiting.collect(),
        ),
        Claim::depends(
            "G07",
            format!(
                "one thread with a loop, that of the program and the runtime's own: in the median at most {TOGETHER} x the \
                 sequence for tasks that wait, at least {NOTHING_GAINED} x the processor time of the sequence for tasks that \
                 compute"
            ),
            "the work: a loop solves waiting, and does not make computing faster",
            looped.collect(),
            stuck.collect(),
        ),
        Claim::all(
            "G14",
            format!(
                "the best choice of each row: for computing, processes take at most {BETTER} x threads and a loop by the lower \
                 quartiles; for waiting, threads and a loop take at most {AS_GOOD} x processes, and threads start in at most \
                 {CHEAPER} x the time, by the medians"
            ),
            choices.collect(),
        )
        .beside(judging.measured, Noise::Hurts)
        .needing_two_cores(judging.measured),
    ]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// A world in which these cells took these times, three rounds long; starting takes a tenth in threads.
    fn world(wall_ms: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, ms) in wall_ms {
                measured.extend("wall_ms", cell, [ms * 0.99, *ms, ms * 1.01]);
                if cell.ends_with("compute/loop") || cell.ends_with("compute/asyncio") {
                    measured.extend("times_sequence", cell, [ms * 0.99 / 40.0, ms * 1.01 / 40.0]);
                }
            }
            measured.extend("start_ms", "gil310/socket/threads", [2.0]);
            measured.extend("start_ms", "gil310/socket/processes", [20.0]);
            measured.end_round();
        }
        measured.complete = true;
        measured
    }

    fn verdicts(measured: &Measurements) -> String {
        let claims = judge(&Judging { measured, seed: 7 });
        let words = claims.iter().map(|claim| format!("{} {}", claim.id, claim.verdict.word()));
        words.collect::<Vec<_>>().join(", ")
    }

    const REAL: [(&str, f64); 10] = [
        ("gil310/sleep/sequence", 80.0),
        ("gil310/sleep/threads", 10.0),
        ("gil310/socket/sequence", 80.0),
        ("gil310/socket/threads", 11.0),
        ("gil310/socket/processes", 12.0),
        ("gil310/socket/loop", 10.0),
        ("gil310/compute/sequence", 40.0),
        ("gil310/compute/threads", 41.0),
        ("gil310/compute/processes", 21.0),
        ("gil310/compute/loop", 40.0),
    ];

    fn changed(changes: &[(&str, f64)]) -> Measurements {
        let of = |cell: &str| changes.iter().find(|(changed, _)| cell.ends_with(changed)).map(|(_, ms)| *ms);
        world(&REAL.map(|(cell, ms)| (cell, of(cell).unwrap_or(ms))))
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&world(&REAL)), "G04 holds, G07 depends, G14 holds");
    }

    #[test]
    fn the_opposite_worlds_are_told_apart() {
        let keeps = changed(&[("sleep/threads", 80.0)]);
        assert_eq!(verdicts(&keeps), "G04 fails, G07 depends, G14 holds");
        let keeps = changed(&[("socket/threads", 80.0)]);
        assert_eq!(verdicts(&keeps), "G04 fails, G07 depends, G14 fails");
        let no_loop = changed(&[("socket/loop", 80.0)]);
        assert_eq!(verdicts(&no_loop), "G04 holds, G07 fails, G14 fails");
        let magic_loop = changed(&[("compute/loop", 20.0)]);
        assert_eq!(verdicts(&magic_loop), "G04 holds, G07 holds, G14 fails");
        let threads = changed(&[("compute/processes", 41.0)]);
        assert_eq!(verdicts(&threads), "G04 holds, G07 depends, G14 fails");
    }

    #[test]
    fn the_loop_that_a_runtime_brings_is_judged_by_the_same_rule() {
        let with_asyncio = |waits: f64, computes: f64| {
            let own = [("gil310/socket/asyncio", waits), ("gil310/compute/asyncio", computes)];
            world(&REAL.iter().copied().chain(own).collect::<Vec<_>>())
        };
        assert_eq!(verdicts(&with_asyncio(10.0, 40.0)), "G04 holds, G07 depends, G14 holds");
        assert_eq!(verdicts(&with_asyncio(80.0, 40.0)), "G04 holds, G07 fails, G14 holds");
        assert_eq!(verdicts(&with_asyncio(10.0, 20.0)), "G04 holds, G07 holds, G14 holds");
    }

    #[test]
    fn asyncio_is_a_cell_of_runtimes_that_have_it() {
        let asyncio_of = |version: &str| {
            let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
            setup.subject = experiment_kit::experiment::Subject::Real(experiment_kit::runtimes::Runtime {
                family: Family::CPython,
                version: version.to_owned(),
                path: "python".into(),
            });
            cells(&setup).into_iter().filter(|cell| cell.contains("asyncio")).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(asyncio_of("2.7.18"), "");
        assert_eq!(asyncio_of("3.6.15"), "");
        assert_eq!(asyncio_of("3.7.16"), "gil32/socket/asyncio gil32/compute/asyncio");
        assert_eq!(asyncio_of("3.11.7"), "gil310/socket/asyncio gil310/compute/asyncio");
        let ours = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
        assert!(cells(&ours).iter().all(|cell| !cell.contains("asyncio")), "ours has none");
    }

    #[test]
    fn too_much_work_is_refused_with_a_reason() {
        let refused = |sets: &[(&str, f64)]| {
            let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
            sets.iter().for_each(|(name, value)| setup.set(&EXPERIMENT, name, *value).unwrap());
            start(&setup).err().unwrap().to_string()
        };
        let long = refused(&[("waiters", 64.0), ("wait_ms", 500.0), ("times", 20.0)]);
        assert_eq!(
            long,
            "one measurement would take 640 seconds and may take 25: choose smaller numbers for waiters, wait_ms, times"
        );
    }

    #[test]
    fn a_world_on_the_thresholds_settles_nothing_and_a_busy_one_refutes_no_choice() {
        let unclear = changed(&[
            ("sleep/threads", 80.0 * TOGETHER),
            ("compute/loop", 40.0 * NOTHING_GAINED),
            ("compute/processes", 41.0 * BETTER),
            ("compute/threads", 41.0),
        ]);
        let said = verdicts(&unclear);
        assert!(said.starts_with("G04 inconclusive, G07 inconclusive, G14"), "{said}");
        let mut one_core = changed(&[("compute/processes", 41.0)]);
        one_core.cores = 1;
        assert_eq!(verdicts(&one_core), "G04 holds, G07 depends, G14 inconclusive");
        let mut busy = changed(&[("compute/processes", 41.0)]);
        busy.others_cores = Some(1.0);
        assert_eq!(verdicts(&busy), "G04 holds, G07 depends, G14 inconclusive");
        let mut busy = world(&REAL);
        busy.others_cores = Some(1.0);
        assert_eq!(verdicts(&busy), "G04 holds, G07 depends, G14 holds");
    }
}
