//! Counter: does the lock make `n += 1` safe?
//!
//! # Model
//! Two threads add 1 to one global. An update is lost when the other thread runs between the load of `n` and its store;
//! whether it can depends on where the holder looks whether somebody asked for the lock. So the same addition is made
//! plain, with a call between load and store, and with a Lock around it, and what is missing at the end is counted. Turns
//! are a tenth as long as usual, so that there are hundreds of them in which an update could be lost.
//!
//! The counts are exact, and nobody's speed is compared. One lost update refutes that none can be lost; that none was seen
//! refutes only after many tries ([`ENOUGH_MILLIONS`]) that some can: until then the claim is open.

use anyhow::Result;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::Judging;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;

use super::cells::{cells_of, measured_under, parts};
use super::interpreter::{self, Rules, python};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "counter",
    topic: Topic::GlobalLock,
    question: "Does the lock make `n += 1` safe?",
    reading: "Each row is the part of the additions that is missing. A lock that can change hands after most \
              instructions loses updates; one that changes hands at jumps and calls loses none until a call stands between \
              load and store. Without a lock they are lost, with one of the program's own never.",
    claims: &["G10"],
    knobs: &[Knob {
        name: "times",
        help: "how often each of the two threads adds 1",
        usual: 1_000_000.0,
        quick: 300_000.0,
        range: (1_000.0, 1e7),
        whole: true,
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
            breaks: "gil310 and gil313 look for requests after most instructions, as gil32 does",
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
pub(crate) static SOURCE: Source = Source { name: "counter.py", text: python!("counter.py") };

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

/// Millions of additions without a loss in a cell until that counts: a lock that can lose updates loses a tenth of them
/// and more, and after so many at most one in three millions can be lost unseen (95 %).
const ENOUGH_MILLIONS: f64 = 10.0;

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
    let at_risk: [(&str, &str, &str); 5] = [
        ("tick", "plain", "by n += 1"),
        ("gil32", "plain", "by n += 1"),
        ("free", "plain", "by n += 1"),
        ("gil310", "call", "with a call in between"),
        ("gil313", "call", "with a call in between"),
    ];
    let sum = |metric: &str, policy: &str, case: &str| -> f64 {
        judging.measured.samples((metric, &format!("{policy}/{case}"))).sum()
    };
    let some_seen = at_risk.iter().any(|(policy, case, _)| sum("lost", policy, case) > 0.0);
    let some = |(policy, case, what): (&str, &str, &str)| {
        let seen = lost(policy, case, what).at_least(1.0);
        let enough = sum("additions", policy, case) >= ENOUGH_MILLIONS * 1e6;
        // Beside a cell that lost some, luck in another is no sign of safety.
        if enough && !some_seen { seen } else { seen.refutes_nothing() }
    };
    // A real runtime has one lock, and is judged by that one; without any all say what is missing.
    let all = ["tick", "gil32", "gil310", "gil313", "free"];
    let here = measured_under(judging, &all, "lost", "lock");
    let is_here = |policy: &str| here.is_empty() || here.contains(&policy);
    let plain = ["gil310", "gil313"].map(|policy| (policy, "plain", "by n += 1"));
    let with_lock = all.map(|policy| (policy, "lock", "with a Lock around"));
    let safe = plain.into_iter().chain(with_lock).filter(|(policy, ..)| is_here(policy));
    let safe = safe.map(|(policy, case, what)| none(policy, case, what)).collect();
    let at_risk = at_risk.into_iter().filter(|(policy, ..)| is_here(policy)).map(some).collect();
    vec![Claim::depends(
        "G10",
        format!(
            "the lock makes n += 1 safe: no update is lost where the lock is looked at on jumps and calls only, nor with a Lock; \
             and some are where it is looked at after most instructions, where a call stands in between, and without a \
             lock; that none is lost there counts only if it is so in each, after {ENOUGH_MILLIONS} million additions"
        ),
        "where the lock is looked at: CPython 3.10 to 3.13 only on jumps back and calls, so a plain n += 1 loses nothing; \
         2.7 to 3.9 after most instructions, and the free-threaded 3.13 has no such lock",
        safe,
        at_risk,
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(lost: impl Fn(&str) -> f64) -> &'static str {
        verdict_after(ENOUGH_MILLIONS, lost)
    }

    fn verdict_after(millions: f64, lost: impl Fn(&str) -> f64) -> &'static str {
        verdict_under("", millions, lost)
    }

    fn verdict_under(policy: &str, millions: f64, lost: impl Fn(&str) -> f64) -> &'static str {
        let mut measured = Measurements::new(2);
        for cell in CELLS.iter().filter(|cell| cell.starts_with(policy)) {
            measured.extend("lost", cell, [lost(cell)]);
            measured.extend("additions", cell, [millions * 1e6]);
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
    fn a_runtime_with_one_lock_is_judged_by_that_one() {
        for policy in ["tick", "gil32", "gil310", "gil313", "free"] {
            assert_eq!(verdict_under(policy, 1.0, real), "depends", "{policy}");
            assert_eq!(verdict_under(policy, 1.0, |_| 0.0), "inconclusive", "{policy}");
            assert_eq!(verdict_under(policy, ENOUGH_MILLIONS, |_| 0.0), "holds", "{policy}");
            assert_eq!(verdict_under(policy, 1.0, |_| 9.0), "fails", "{policy}");
        }
    }

    #[test]
    fn that_none_was_lost_settles_nothing_before_enough_was_tried_everywhere() {
        assert_eq!(verdict_after(ENOUGH_MILLIONS * 0.99, |_| 0.0), "inconclusive");
        let lucky = |cell: &str| if cell == "gil32/plain" { 0.0 } else { real(cell) };
        assert_eq!(verdict_after(1.0, lucky), "inconclusive");
        assert_eq!(verdict_after(ENOUGH_MILLIONS, lucky), "inconclusive");
        // One that is lost where none should be needs no such patience.
        assert_eq!(
            verdict_after(0.001, |cell| if cell == "gil310/plain" { 1.0 } else { real(cell) }),
            "fails"
        );
    }

    #[test]
    fn a_world_that_contradicts_itself_settles_nothing() {
        assert_eq!(verdict(|cell| if cell.starts_with("gil310/plain") { 9.0 } else { 0.0 }), "inconclusive");
    }
}
