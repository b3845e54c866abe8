//! The cells of experiments about the lock: which of them a subject has, which were measured, and what is too much for one.
//!
//! # Model
//! A cell is `POLICY/CASE`: on our interpreter the policy is chosen, on a CPython it is the one that this version has, so
//! both sides have findings of the same names. A rule asks which policies were measured, because a CPython has only one.

use std::time::Duration;

use anyhow::{Result, anyhow, ensure};
use experiment_kit::experiment::Setup;
use experiment_kit::finding::Judging;
use experiment_kit::runtimes::Runtime;
use gil_interpreter::gil::Policy;

/// The policy that a CPython of this version has.
pub(crate) fn policy_of(runtime: &Runtime) -> Policy {
    match (runtime.is_free_threaded(), runtime.release()) {
        (true, _) => Policy::Free,
        (_, (..=2, _)) => Policy::Tick,
        (_, (3, ..=9)) => Policy::Gil32,
        (_, (3, ..=12)) => Policy::Gil310,
        _ => Policy::Gil313,
    }
}

/// One cell taken apart.
pub(crate) fn parts(cell: &str) -> Result<(Policy, &str)> {
    let (policy, case) = cell.split_once('/').ok_or_else(|| anyhow!("`{cell}` has no policy"))?;
    Ok((policy.parse()?, case))
}

/// The cells of `setup`'s subject: on a real CPython only those of its own policy.
pub(crate) fn cells_of(setup: &Setup, cells: &[&str]) -> Vec<String> {
    let of_subject = |cell: &&&str| match setup.real() {
        None => true,
        Some(runtime) => parts(cell).is_ok_and(|(policy, _)| policy == policy_of(runtime)),
    };
    cells.iter().filter(of_subject).map(|cell| (*cell).to_owned()).collect()
}

/// The locks that are given up when a waiter has asked after an interval, the usual one first.
pub(crate) const TIMED: [&str; 3] = ["gil310", "gil32", "gil313"];

/// The cells of an experiment that looks closely at one lock: ours are every case under gil310 and the `others`, of which
/// a quick run leaves out the `slow`; those of a real CPython are every case under its own policy.
pub(crate) fn close_look(setup: &Setup, cases: &[&str], others: &[&str], slow: &[&str]) -> Vec<String> {
    if let Some(runtime) = setup.real() {
        return cases.iter().map(|case| format!("{}/{case}", policy_of(runtime))).collect();
    }
    let all = cases.iter().map(|case| format!("gil310/{case}"));
    let all = all.chain(others.iter().map(|cell| (*cell).to_owned()));
    all.filter(|cell| !(setup.quick && slow.contains(&cell.as_str()))).collect()
}

/// The first release with `asyncio.run`.
const ASYNCIO: (u32, u32) = (3, 7);

/// Whether the subject brings an event loop of its own. Our interpreter has no `asyncio`: the loop of the program, on
/// `selectors` there as here, stands for it.
pub(crate) fn has_asyncio(setup: &Setup) -> bool {
    setup.real().is_some_and(|runtime| runtime.release() >= ASYNCIO)
}

/// Which of the `policies` have samples of `metric` in `case`, in the order given; a real runtime has one of them.
pub(crate) fn measured_under<'p>(
    judging: &Judging<'_>,
    policies: &[&'p str],
    metric: &str,
    case: &str,
) -> Vec<&'p str> {
    policies.iter().copied().filter(|policy| judging.has((metric, &format!("{policy}/{case}")))).collect()
}

/// The same; without any the first, whose findings say what is missing.
pub(crate) fn measured_or_first<'p>(
    judging: &Judging<'_>,
    policies: &[&'p str],
    metric: &str,
    case: &str,
) -> Vec<&'p str> {
    let some = measured_under(judging, policies, metric, case);
    if some.is_empty() { policies[..1].to_vec() } else { some }
}

/// The timed locks and those of `others` that were measured in `case`; without any the first timed one, whose findings say
/// what is missing.
pub(crate) fn timed_and<'p>(
    judging: &Judging<'_>,
    others: &[&'p str],
    metric: &str,
    case: &str,
) -> (Vec<&'static str>, Vec<&'p str>) {
    let others = measured_under(judging, others, metric, case);
    let timed = match others.is_empty() {
        true => measured_or_first(judging, &TIMED, metric, case),
        false => measured_under(judging, &TIMED, metric, case),
    };
    (timed, others)
}

/// What one measurement is expected to take at most, so that a busy machine does not make it too long for a program.
const EXPECTED_MOST: Duration = Duration::from_secs(25);

/// Refuses numbers with which one measurement would take longer than a program may.
///
/// # Errors
/// When `seconds`, which the `knobs` make together, are too many.
pub(crate) fn short_enough(seconds: f64, knobs: &[&str]) -> Result<()> {
    let most = EXPECTED_MOST.as_secs_f64();
    ensure!(
        seconds <= most,
        "one measurement would take {seconds:.0} seconds and may take {most}: choose smaller numbers for {}",
        knobs.join(", ")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    #[test]
    fn a_rule_looks_at_the_locks_that_were_measured_and_at_one_that_is_missing_else() {
        let chosen = |cells: &[&str]| {
            let mut measured = Measurements::new(2);
            cells.iter().for_each(|cell| measured.extend("ms", cell, [1.0]));
            timed_and(&Judging { measured: &measured, seed: 7 }, &["tick", "free"], "ms", "x")
        };
        assert_eq!(chosen(&["gil32/x", "gil310/x", "free/x"]), (vec!["gil310", "gil32"], vec!["free"]));
        assert_eq!(chosen(&["tick/x", "gil310/other"]), (vec![], vec!["tick"]));
        assert_eq!(chosen(&[]), (vec!["gil310"], vec![]));
    }

    #[test]
    fn too_much_for_one_measurement_is_refused_with_the_numbers_that_make_it() {
        let most = EXPECTED_MOST.as_secs_f64();
        assert!(short_enough(most, &["tries"]).is_ok());
        let error = short_enough(most + 1.0, &["share_ms", "tries"]).unwrap_err().to_string();
        assert!(
            error.contains("26 seconds") && error.ends_with("smaller numbers for share_ms, tries"),
            "{error}"
        );
    }
}
