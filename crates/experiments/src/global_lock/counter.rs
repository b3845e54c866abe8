//! Counter: does the lock make `n += 1` safe?
//!
//! # Model
//! Two threads add 1 to one global. An update is lost when the other thread runs between the load of `n` and its store;
//! whether it can depends on where the holder looks whether somebody asked for the lock. So the same addition is made
//! plain, with a call between load and store, and with a Lock around it, and what is missing at the end is counted. Turns
//! are a tenth as long as usual, so that there are hundreds of them in which an update could be lost.
//!
//! The counts are exact, and nobody's speed is compared: a busy machine changes how many are lost, not whether.

use anyhow::Result;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;

use super::interpreter::{self, Rules, cells_of, parts};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "counter",
    topic: Topic::GlobalLock,
    question: "Does the lock make `n += 1` safe?",
    reading: "Each row is the part of the additions that is missing. A lock that can change hands between any two \
              instructions loses updates; one that changes hands at jumps and calls loses none until a call stands between \
              load and store. Without a lock they are lost, with one of the program's own never.",
    claims: &["G10"],
    knobs: &[Knob {
        name: "times",
        help: "how often each of the two threads adds 1",
        usual: 1_000_000.0,
        quick: 300_000.0,
        range: (1_000.0, 1e8),
    }],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "lost_percent",
        unit: "%",
        title: "Lost updates by policy and kind of addition",
    }],
    against: &[Family::CPython],
    flaws: &[
        Flaw {
            name: "check-everywhere",
            breaks: "gil310 and gil313 look for requests after every instruction, as gil32 does",
            flips: &["G10"],
        },
        Flaw {
            name: "check-at-jumps",
            breaks: "every lock is looked at on jumps only, and the addition has no call in between",
            flips: &["G10"],
        },
        Flaw { name: "no-lock", breaks: "threads never take the lock, whatever the policy", flips: &["G10"] },
    ],
};

/// The program.
pub(crate) static SOURCE: Source =
    Source { name: "counter.py", text: include_str!("../../programs/counter.py") };

const CELLS: &[&str] = &[
    "tick/plain",
    "tick/lock",
    "gil32/plain",
    "gil32/lock",
    "gil310/plain",
    "gil310/call",
    "gil310/lock",
    "gil313/plain",
    "gil313/call",
    "gil313/lock",
    "free/plain",
    "free/lock",
];

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let cells = cells_of(setup, CELLS);
    let setup = setup.clone();
    let measure = move |cell: &str, sink: &mut experiment_kit::measurements::Sink<'_>| {
        let (policy, case) = parts(cell)?;
        let (policy, case) = broken(&setup, policy, case);
        interpreter::measure(&SOURCE, &setup, &Rules::of(policy), case, &[], sink)?;
        Ok(())
    };
    Ok(Box::new(Cells::new(cells, measure)))
}

/// What is really run when the runtime is broken on purpose.
fn broken<'c>(setup: &Setup, policy: Policy, case: &'c str) -> (Policy, &'c str) {
    match setup.flaw {
        Some("check-everywhere") if matches!(policy, Policy::Gil310 | Policy::Gil313) => {
            (Policy::Gil32, case)
        }
        Some("check-at-jumps") => (Policy::Gil310, if case == "call" { "plain" } else { case }),
        Some("no-lock") => (Policy::Free, case),
        _ => (policy, case),
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let lost = |policy: &str, case: &str, what: &str| {
        let cell = format!("{policy}/{case}");
        judging.total(format!("lost {what} under {policy}"), "updates", ("lost", cell.as_str()))
    };
    let none = |policy: &str, case: &str, what: &str| lost(policy, case, what).at_most(0.0);
    let some = |policy: &str, case: &str, what: &str| lost(policy, case, what).at_least(1.0);
    let mut safe: Vec<Finding> =
        ["gil310", "gil313"].map(|policy| none(policy, "plain", "by n += 1")).to_vec();
    safe.extend(
        ["tick", "gil32", "gil310", "gil313", "free"]
            .map(|policy| none(policy, "lock", "with a Lock around")),
    );
    let mut unsafe_: Vec<Finding> =
        ["tick", "gil32", "free"].map(|policy| some(policy, "plain", "by n += 1")).to_vec();
    unsafe_.extend(["gil310", "gil313"].map(|policy| some(policy, "call", "with a call in between")));
    vec![Claim::depends(
        "G10",
        "the lock makes n += 1 safe: no update is lost where the lock is looked at on jumps and calls only, nor with a Lock; \
         and some are where it is looked at between any two instructions, where a call stands in between, and without a lock",
        "where the lock is looked at: CPython 3.10 to 3.13 only on jumps back and calls, so a plain n += 1 loses nothing; \
         2.7 to 3.9 between any two instructions, and the free-threaded 3.13 has no such lock",
        safe,
        unsafe_,
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(lost: impl Fn(&str) -> f64) -> &'static str {
        let mut measured = Measurements::new(2);
        for cell in CELLS {
            measured.extend("lost", cell, [lost(cell)]);
        }
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    /// As CPython was measured.
    fn real(cell: &str) -> f64 {
        match cell {
            "tick/plain" | "gil32/plain" | "free/plain" => 90_000.0,
            "gil310/call" | "gil313/call" => 60_000.0,
            _ => 0.0,
        }
    }

    #[test]
    fn it_depends_in_the_world_as_it_is() {
        assert_eq!(verdict(real), "depends");
    }

    #[test]
    fn it_fails_where_every_lock_loses_and_holds_where_none_does() {
        assert_eq!(verdict(|cell| if cell.ends_with("/lock") { 0.0 } else { 90_000.0 }), "fails");
        assert_eq!(verdict(|cell| if cell == "gil313/plain" { 1.0 } else { real(cell) }), "fails");
        assert_eq!(verdict(|_| 0.0), "holds");
    }

    #[test]
    fn a_world_that_contradicts_itself_settles_nothing() {
        assert_eq!(verdict(|cell| if cell.starts_with("gil310/plain") { 9.0 } else { 0.0 }), "inconclusive");
    }
}
