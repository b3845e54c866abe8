//! Countdown: do threads make a program faster that only computes?
//!
//! # Model
//! Two shares of `while n > 0: n -= 1` in sequence, by two threads, by two processes, under each policy of the lock; four
//! threads do twice the work and count half. The turns of a share are measured once for each policy, so that every case of
//! a policy does the same work. What is judged is the ratio to the sequence of the same policy.

use std::collections::BTreeMap;

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
    reading: "Each row is the time of the same work. Under a global lock two threads take as long as one after the other, \
              under the oldest lock longer; processes, interpreters with a lock each, and no lock at all use both cores.",
    claims: &["G02", "G03", "G06", "G11", "G12"],
    knobs: &[Knob {
        name: "share_ms",
        help: "milliseconds that one of the two shares takes alone",
        usual: 150.0,
        quick: 60.0,
        range: (5.0, 10_000.0),
    }],
    start,
    judge,
    charts: &[ChartSpec { metric: "wall_ms", unit: "ms", title: "Time of the same work by policy and case" }],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "no-lock", breaks: "threads never take the lock of gil310", flips: &["G02"] },
        Flaw {
            name: "always-locked",
            breaks: "per-interp and free share one lock after all, and two processes run one after the other",
            flips: &["G06", "G11", "G12"],
        },
    ],
};

/// The program.
pub(crate) static SOURCE: Source =
    Source { name: "countdown.py", text: include_str!("../../programs/countdown.py") };

const CELLS: &[&str] = &[
    "tick/seq2",
    "tick/thr2",
    "gil32/seq2",
    "gil32/thr2",
    "gil310/seq2",
    "gil310/thr2",
    "gil310/thr4",
    "gil310/proc2",
    "gil313/seq2",
    "gil313/thr2",
    "gil313/proc2",
    "per-interp/seq2",
    "per-interp/thr2",
    "free/seq2",
    "free/thr2",
];

/// Threads that gain nothing need at least this part of the time of the sequence.
const NOTHING_GAINED: f64 = 0.85;
/// Threads that lose need at least this part.
const LOST: f64 = 1.2;
/// Whoever uses two cores needs at most this part.
const GAINED: f64 = 0.75;
/// The price of having no lock, in time of one thread.
const PRICE: f64 = 1.05;

struct Countdown {
    cells: Vec<String>,
    turns: BTreeMap<Policy, u64>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    let cells = cells_of(&setup, CELLS);
    let mut turns = BTreeMap::new();
    for cell in &cells {
        let (policy, _) = parts(cell)?;
        if !turns.contains_key(&policy) {
            let turn_ns =
                turn_ns(&setup, policy).with_context(|| format!("cannot time a turn under {policy}"))?;
            turns.insert(policy, (setup.knob("share_ms") * 1e6 / turn_ns).max(1.0) as u64);
        }
    }
    Ok(Box::new(Countdown { cells, turns, setup }))
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
        let turns = [("turns".to_owned(), self.turns[&policy].to_string())];
        let (policy, case) = broken(&self.setup, policy, case);
        interpreter::measure(&SOURCE, &self.setup, &Rules::of(policy), case, &turns, sink)?;
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
        return (policy, if case == "proc2" { "seq2" } else { case });
    }
    (policy, case)
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let measured = judging.measured;
    let ratio = |policy: &str, case: &str, what: &str| {
        let (over, under) = (format!("{policy}/{case}"), format!("{policy}/seq2"));
        judging.ratio(
            format!("{what} / in sequence under {policy}"),
            P50,
            ("wall_ms", over.as_str()),
            ("wall_ms", under.as_str()),
        )
    };
    let threads = |policy: &str| ratio(policy, "thr2", "2 threads");
    let timed = ["gil32", "gil310", "gil313"]
        .into_iter()
        .filter(|policy| *policy == "gil310" || judging.has(("wall_ms", format!("{policy}/thr2").as_str())));
    let nothing: Vec<Finding> = timed.map(|policy| threads(policy).at_least(NOTHING_GAINED)).collect();
    let price = judging.ratio(
        "in sequence without a lock / under gil310",
        P50,
        ("wall_ms", "free/seq2"),
        ("wall_ms", "gil310/seq2"),
    );
    vec![
        Claim::all(
            "G02",
            format!("CPU-bound threads gain nothing: two take at least {NOTHING_GAINED} x the time of the sequence"),
            nothing,
        )
        .beside(measured, Noise::Blurs),
        Claim::depends(
            "G03",
            format!("they can even lose: at least {LOST} x the time of the sequence under the lock of 2.7, less under that of 3.10"),
            "the lock: the one of CPython 2.7 is dropped and taken every 100 ticks, later ones only when somebody asks",
            vec![threads("tick").at_least(LOST)],
            vec![threads("gil310").at_most(LOST)],
        )
        .beside(measured, Noise::Blurs),
        Claim::all(
            "G06",
            format!("processes have a lock each and scale: two take at most {GAINED} x the time of the sequence"),
            vec![ratio("gil310", "proc2", "2 processes").at_most(GAINED)],
        )
        .beside(measured, Noise::Hurts),
        Claim::all(
            "G11",
            format!(
                "without the lock threads scale, at a price: at most {GAINED} x the sequence, and one thread takes at least \
                 {PRICE} x its time under gil310"
            ),
            vec![threads("free").at_most(GAINED), price.at_least(PRICE)],
        )
        .beside(measured, Noise::Hurts),
        Claim::all(
            "G12",
            format!("a lock for each interpreter scales: at most {GAINED} x the sequence"),
            vec![threads("per-interp").at_most(GAINED)],
        )
        .beside(measured, Noise::Hurts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A world in which the cells took these times, three rounds long.
    fn world(wall_ms: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, ms) in wall_ms {
                measured.extend("wall_ms", cell, [*ms]);
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
        ("tick/seq2", 100.0),
        ("tick/thr2", 180.0),
        ("gil310/seq2", 100.0),
        ("gil310/thr2", 102.0),
        ("gil310/proc2", 53.0),
        ("gil313/seq2", 100.0),
        ("gil313/thr2", 101.0),
        ("per-interp/seq2", 100.0),
        ("per-interp/thr2", 55.0),
        ("free/seq2", 130.0),
        ("free/thr2", 67.0),
    ];

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&world(&REAL)), "G02 holds, G03 depends, G06 holds, G11 holds, G12 holds");
    }

    #[test]
    fn the_opposite_world_is_told_apart() {
        let opposite = REAL.map(|(cell, ms)| match cell {
            "tick/thr2" | "gil310/proc2" | "per-interp/thr2" => (cell, 100.0),
            "gil310/thr2" | "gil313/thr2" => (cell, 52.0),
            "free/thr2" => (cell, 130.0),
            _ => (cell, ms),
        });
        assert_eq!(verdicts(&world(&opposite)), "G02 fails, G03 fails, G06 fails, G11 fails, G12 fails");
    }

    #[test]
    fn values_on_the_thresholds_and_a_busy_machine_settle_nothing() {
        let mut unclear = world(&REAL);
        for round in 0..3 {
            for (cell, _) in REAL {
                // Every cell was once as fast and once as slow as any.
                unclear.extend(
                    "wall_ms",
                    cell,
                    [50.0 + 80.0 * f64::from(round), 300.0 - 120.0 * f64::from(round)],
                );
                let _ = round;
            }
            unclear.end_round();
        }
        assert!(!verdicts(&unclear).contains("fails"), "{}", verdicts(&unclear));
        let mut busy = world(&REAL.map(|(cell, _)| (cell, 100.0)));
        busy.others_cores = Some(1.0);
        assert_eq!(
            verdicts(&busy),
            "G02 inconclusive, G03 inconclusive, G06 inconclusive, G11 inconclusive, G12 inconclusive"
        );
    }
}
