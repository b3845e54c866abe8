//! Countdown: do threads make a program faster that only computes?
//!
//! # Model
//! Two shares of `while n > 0: n -= 1` by two threads or two processes under each policy of the lock; four threads have
//! half a share each. Just before each try the same program does the two shares in sequence, so that both meet the machine
//! in the same mood, and what is judged is the ratio of the two. The price of having no lock is paid where objects are
//! used, not where locals are: one thread counts in a dict, with a lock and without, in times of the same sequence.
//!
//! Who uses two cores is judged by the better tries ([`BETTER`]): that a second core was not given in time says nothing
//! about a lock, and with a lock no try is fast.
//!
//! On CPython 3.12 and later the interpreters with a lock each are real ones, made by another program.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use anyhow::{Context, Result};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, Noise, P50};
use experiment_kit::measurements::{Measurements, Sink};
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;

use super::interpreter::{self, Rules, cells_of, parts};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "countdown",
    topic: Topic::GlobalLock,
    question: "Do threads make a program faster that only computes?",
    reading: "Each row is the time of the same work, in times of the sequence. Under a global lock two threads take as long as one after the other, \
              under the oldest lock longer; processes, interpreters with a lock each, and no lock at all use both cores.",
    claims: &["G02", "G03", "G06", "G11", "G12"],
    knobs: &[
        Knob {
            name: "share_ms",
            help: "milliseconds that one of the two shares takes alone",
            usual: 50.0,
            quick: 12.0,
            range: (5.0, 10_000.0),
        },
        Knob {
            name: "tries",
            help: "how often each cell is measured in a round",
            usual: 5.0,
            quick: 3.0,
            range: (1.0, 100.0),
        },
    ],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "ratio",
        unit: "x",
        title: "Time of the same work, in times of the sequence",
    }],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "no-lock", breaks: "threads never take the lock of gil310", flips: &["G02"] },
        Flaw {
            name: "always-locked",
            breaks: "per-interp and free share one lock after all, and two processes are two threads of one",
            flips: &["G06", "G11", "G12"],
        },
    ],
};

/// The program.
pub(crate) static SOURCE: Source =
    Source { name: "countdown.py", text: include_str!("../../programs/countdown.py") };

/// The same with real interpreters inside one process.
static SUBINTERPRETERS: Source =
    Source { name: "subinterpreters.py", text: include_str!("../../programs/subinterpreters.py") };

const CELLS: &[&str] = &[
    "tick/thr2",
    "tick/thr4",
    "gil32/thr2",
    "gil310/thr2",
    "gil310/thr4",
    "gil310/proc2",
    "gil313/thr2",
    "gil313/proc2",
    "per-interp/thr2",
    "free/thr2",
    "gil310/dict",
    "free/dict",
];

/// Threads that gain nothing need at least this part of the time of the sequence; those that use two cores, half of it.
const NOTHING_GAINED: f64 = 0.8;
/// Threads that lose need at least this part.
const LOST: f64 = 1.2;
/// Whoever uses two cores needs at most this part.
const GAINED: f64 = 0.75;
/// The price of having no lock, in time of one thread that uses objects.
const PRICE: f64 = 1.05;
/// Which of the tries count where both cores must be given: a quarter of them are better.
const BETTER: f64 = 0.25;
/// The first release with a lock for each interpreter.
const OWN_LOCKS: (u32, u32) = (3, 12);

struct Countdown {
    cells: Vec<String>,
    turns: BTreeMap<Policy, u64>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    let cells = cells(&setup);
    let mut turns = BTreeMap::new();
    for cell in &cells {
        let (policy, _) = parts(cell)?;
        if let Entry::Vacant(place) = turns.entry(policy) {
            let turn_ns =
                turn_ns(&setup, policy).with_context(|| format!("cannot time a turn under {policy}"))?;
            place.insert((setup.knob("share_ms") * 1e6 / turn_ns).max(1.0) as u64);
        }
    }
    Ok(Box::new(Countdown { cells, turns, setup }))
}

/// On a real CPython: what its own lock allows, and from 3.12 on interpreters with a lock each.
fn cells(setup: &Setup) -> Vec<String> {
    let mut cells = cells_of(setup, CELLS);
    if let Some(runtime) = setup.real() {
        // The price of having no lock is a ratio between two policies, and a CPython has one.
        cells.retain(|cell| !cell.ends_with("/dict"));
        if runtime.release() >= OWN_LOCKS && !runtime.is_free_threaded() {
            cells.push("per-interp/thr2".to_owned());
        }
    }
    cells
}

/// How long a turn takes, by the program itself.
fn turn_ns(setup: &Setup, policy: Policy) -> Result<f64> {
    let mut measured = Measurements::new(1);
    let mut sink = Sink::new(&mut measured, "speed");
    interpreter::measure(&SOURCE, setup, &Rules::of(policy), "speed", &[], &mut sink)?;
    let turn = measured.samples(("turn_ns", "speed")).next();
    turn.filter(|&turn| turn > 0.0).context("the program did not say how long a turn takes")
}

impl Bench for Countdown {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let (policy, case) = parts(cell)?;
        // The price compares two policies, so they do the same work.
        let turns = self.turns[if case == "dict" { &Policy::Gil310 } else { &policy }];
        let turns = [("turns".to_owned(), turns.to_string())];
        let (policy, case) = broken(&self.setup, policy, case);
        let apart = self.setup.real().is_some() && policy == Policy::PerInterp;
        let source = if apart { &SUBINTERPRETERS } else { &SOURCE };
        interpreter::measure(source, &self.setup, &Rules::of(policy), case, &turns, sink)?;
        Ok(())
    }
}

/// What is really run when the runtime is broken on purpose.
fn broken<'c>(setup: &Setup, policy: Policy, case: &'c str) -> (Policy, &'c str) {
    if setup.has_flaw("no-lock") && policy == Policy::Gil310 && case == "thr2" {
        return (Policy::Free, case);
    }
    if setup.has_flaw("always-locked") {
        let policy = if policy.is_global() { policy } else { Policy::Gil310 };
        return (policy, if case == "proc2" { "thr2" } else { case });
    }
    (policy, case)
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let measured = judging.measured;
    let ratio = |policy: &str, case: &str, what: &str, quantile: f64| {
        let (name, cell) = (format!("{what} / in sequence under {policy}"), format!("{policy}/{case}"));
        judging.quantile(name, "ratio", quantile, ("ratio", cell.as_str()))
    };
    let timed = ["gil32", "gil310", "gil313"]
        .into_iter()
        .filter(|policy| *policy == "gil310" || judging.has(("ratio", format!("{policy}/thr2").as_str())));
    let mut nothing: Vec<Finding> =
        timed.map(|policy| ratio(policy, "thr2", "2 threads", P50).at_least(NOTHING_GAINED)).collect();
    nothing.push(ratio("gil310", "thr4", "4 threads", P50).at_least(NOTHING_GAINED));
    let price = judging.ratio(
        "counting in a dict without a lock / under gil310",
        P50,
        ("wall_ms", "free/dict"),
        ("wall_ms", "gil310/dict"),
    );
    let both_cores = |policy: &str, case: &str, what: &str| ratio(policy, case, what, BETTER).at_most(GAINED);
    vec![
        Claim::all(
            "G02",
            format!("CPU-bound threads gain nothing: two or four take at least {NOTHING_GAINED} x the time of the sequence"),
            nothing,
        )
        .beside(measured, Noise::Blurs),
        Claim::depends(
            "G03",
            format!("they can even lose: at least {LOST} x the time of the sequence under the lock of 2.7, less under that of 3.10"),
            "the lock: the one of CPython 2.7 is dropped and taken every 100 ticks, later ones only when somebody asks",
            vec![
                ratio("tick", "thr2", "2 threads", P50).at_least(LOST),
                ratio("tick", "thr4", "4 threads", P50).at_least(LOST),
            ],
            vec![ratio("gil310", "thr2", "2 threads", P50).at_most(LOST)],
        )
        .beside(measured, Noise::Blurs),
        Claim::all(
            "G06",
            format!("processes have a lock each and scale: two take at most {GAINED} x the time of the sequence"),
            ["gil310", "gil313"].map(|policy| both_cores(policy, "proc2", "2 processes")).to_vec(),
        )
        .beside(measured, Noise::Hurts),
        Claim::all(
            "G11",
            format!(
                "without the lock threads scale, at a price: at most {GAINED} x the sequence, and one thread that counts in \
                 a dict takes at least {PRICE} x its time under gil310"
            ),
            vec![both_cores("free", "thr2", "2 threads"), price.at_least(PRICE)],
        )
        .beside(measured, Noise::Hurts),
        Claim::all(
            "G12",
            format!("a lock for each interpreter scales: at most {GAINED} x the sequence"),
            vec![both_cores("per-interp", "thr2", "2 threads")],
        )
        .beside(measured, Noise::Hurts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world in which the cells took these times of the sequence, three rounds of three tries long.
    fn world(ratios: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, ratio) in ratios {
                measured.extend("ratio", cell, [*ratio, ratio * 1.01, ratio * 0.99]);
                measured.extend(
                    "wall_ms",
                    cell,
                    [*ratio, ratio * 1.01, ratio * 0.99].map(|each| each * 120.0),
                );
            }
            measured.end_round();
        }
        measured.complete = true;
        measured
    }

    fn verdicts(measured: &Measurements) -> String {
        let claims = judge(&Judging { measured, seed: 7 });
        claims
            .iter()
            .map(|claim| format!("{} {}", claim.id, claim.verdict.word()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    const REAL: [(&str, f64); 11] = [
        ("tick/thr2", 1.8),
        ("tick/thr4", 2.4),
        ("gil310/thr2", 1.02),
        ("gil310/thr4", 1.03),
        ("gil310/proc2", 0.53),
        ("gil313/thr2", 1.01),
        ("gil313/proc2", 0.54),
        ("per-interp/thr2", 0.55),
        ("free/thr2", 0.57),
        ("gil310/dict", 0.8),
        ("free/dict", 1.1),
    ];

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&world(&REAL)), "G02 holds, G03 depends, G06 holds, G11 holds, G12 holds");
    }

    #[test]
    fn the_opposite_world_is_told_apart() {
        let opposite = REAL.map(|(cell, ratio)| match cell {
            "tick/thr2" | "tick/thr4" | "gil310/proc2" | "gil313/proc2" | "per-interp/thr2" => (cell, 1.0),
            "gil310/thr2" | "gil310/thr4" | "gil313/thr2" => (cell, 0.52),
            "free/thr2" => (cell, 1.3),
            _ => (cell, ratio),
        });
        assert_eq!(verdicts(&world(&opposite)), "G02 fails, G03 fails, G06 fails, G11 fails, G12 fails");
    }

    #[test]
    fn without_a_price_the_claim_about_no_lock_fails() {
        let cheap = REAL.map(|(cell, ratio)| (cell, if cell == "free/dict" { 0.8 } else { ratio }));
        assert!(verdicts(&world(&cheap)).contains("G11 fails"));
    }

    #[test]
    fn a_second_core_that_seldom_came_in_time_refutes_nothing() {
        let mut measured = world(&REAL);
        for _ in 0..3 {
            for (cell, ratio) in REAL {
                let needs_both = ["free/thr2", "per-interp/thr2", "gil310/proc2"].contains(&cell);
                measured.extend("ratio", cell, [ratio, if needs_both { 0.99 } else { ratio }, ratio]);
            }
            measured.end_round();
        }
        assert_eq!(verdicts(&measured), "G02 holds, G03 depends, G06 holds, G11 holds, G12 holds");
    }

    #[test]
    fn unclear_values_and_a_busy_machine_settle_nothing() {
        let mut unclear = world(&[]);
        for round in 0..3 {
            for (cell, _) in REAL {
                // All were fast in some rounds and slow in others, what the price is compared with excepted.
                let ratio = if round == 1 { 1.6 } else { 0.4 };
                let ratio = if cell == "gil310/dict" { 1.0 } else { ratio };
                unclear.extend("ratio", cell, [ratio]);
                unclear.extend("wall_ms", cell, [ratio * 120.0]);
            }
            unclear.end_round();
        }
        assert!(!verdicts(&unclear).contains("fails"), "{}", verdicts(&unclear));
        let mut busy = world(&REAL.map(|(cell, _)| (cell, 1.0)));
        busy.others_cores = Some(1.0);
        assert_eq!(
            verdicts(&busy),
            "G02 inconclusive, G03 inconclusive, G06 inconclusive, G11 inconclusive, G12 inconclusive"
        );
    }

    #[test]
    fn a_real_runtime_has_the_cells_of_its_lock_and_interpreters_from_3_12_on() {
        let cells = |version: &str| {
            let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
            setup.subject = experiment_kit::experiment::Subject::Real(experiment_kit::runtimes::Runtime {
                family: Family::CPython,
                version: version.to_owned(),
                path: "python".into(),
            });
            cells(&setup).join(" ")
        };
        assert_eq!(cells("2.7.18"), "tick/thr2 tick/thr4");
        assert_eq!(cells("3.11.7"), "gil310/thr2 gil310/thr4 gil310/proc2");
        assert_eq!(cells("3.12.1"), "gil310/thr2 gil310/thr4 gil310/proc2 per-interp/thr2");
        assert_eq!(cells("3.13.5t"), "free/thr2");
    }
}
