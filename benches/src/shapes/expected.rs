//! What each lock is expected to do: the shapes that CPython 2.7 to 3.13 and its free-threaded build were seen to have.
//!
//! Multiples only. Bounds are wider than what was measured, for a machine that is not quiet; what the machine itself
//! decides (2,048 bytes, p99, more spinners) has no rule and is only shown.

use gil_interpreter::gil::Policy;

use super::rule::{Expected, Rule};

/// The rule for a metric of a program under a policy; `None` for what is only shown.
pub fn of(program: &str, metric: &str, model: Policy) -> Option<Expected> {
    use Policy::{Free, PerInterp, Tick};
    let asked = matches!(model, Policy::Gil32 | Policy::Gil310 | Policy::Gil313);
    let parallel = matches!(model, PerInterp | Free);
    let on_any = |rule| Some(Expected { rule, two_cores: false });
    let on_two = |rule| Some(Expected { rule, two_cores: true });
    match (program, metric) {
        ("countdown", "2 processes") => on_two(Rule::AtMost(0.65)),
        ("countdown", _) if parallel => on_two(Rule::AtMost(0.65)),
        ("countdown", _) if model == Tick => on_two(Rule::AtLeast(1.3)),
        ("countdown", "2 threads") => on_two(Rule::Between(0.95, 1.1)),
        ("countdown", "4 threads") => on_two(Rule::Between(0.9, 1.2)),
        // Each thread counts an `n` of its own, so the sum sees none of them.
        ("counter", _) if model == PerInterp => on_any(Rule::Between(100.0, 100.0)),
        ("counter", "lock 2" | "lock 4") => on_any(Rule::Never),
        ("counter", "call 2") => on_any(Rule::Mostly),
        ("counter", _) if matches!(model, Policy::Gil310 | Policy::Gil313) => on_any(Rule::Never),
        ("counter", _) if model == Free => on_two(Rule::Mostly),
        ("counter", _) => on_any(Rule::Mostly),
        ("convoy", "k1 p50") if asked => on_any(Rule::Steps(LATE)),
        ("convoy", "k4 p50") if asked => on_any(Rule::AtLeast(1.0)),
        ("convoy", "k1 p50") => on_two(Rule::AtMost(SHORT)),
        ("convoy-paced", "paced p50") if asked => on_any(Rule::Steps(0.15)),
        ("convoy-paced", "paced p50") => on_two(Rule::AtMost(0.1)),
        ("sleepers", _) => on_two(Rule::AtLeast(7.0)),
        ("hashing", "1 MiB, 2" | "64 KiB, 2") => on_two(Rule::AtLeast(1.6)),
        ("hashing", "2047 B, 2") if parallel => on_two(Rule::AtLeast(1.5)),
        ("hashing", "2047 B, 2") if asked => on_two(Rule::Between(0.85, 1.15)),
        ("longcall", _) if parallel => on_two(Rule::AtMost(0.05)),
        // A wake-up is late by up to 3 ms of a call of 20 ms and more.
        ("longcall", _) => on_any(Rule::Steps(0.15)),
        ("interval", "p50 at 1 ms") => on_any(Rule::Steps(0.3)),
        ("interval", "p50 at 5 ms") => on_any(Rule::Steps(LATE)),
        ("interval", "p50 at 20 ms") => on_any(Rule::Steps(0.03)),
        ("interval", _) => on_two(Rule::Between(0.9, 1.15)),
        ("eventloop", "inline, in works") => on_two(Rule::Between(0.8, 2.5)),
        ("eventloop", "thread") if asked => on_any(Rule::Between(0.8, 10.0)),
        ("eventloop", "thread" | "process" | "idle") => on_two(Rule::AtMost(0.6)),
        ("free_threads", "append, own") if parallel => on_two(Rule::AtLeast(1.3)),
        ("free_threads", "append, same") if model == Free => on_two(Rule::AtMost(1.1)),
        ("free_threads", _) if asked => on_two(Rule::Between(0.75, 1.35)),
        _ => None,
    }
}

/// 0.3 ms of the usual 5: how late a thread that was woken may be.
const LATE: f64 = 0.06;
/// 0.2 ms of the usual 5: no waiting for an interval.
const SHORT: f64 = 0.04;

/// The effect of taking a rule away: the metric relative to that of the policy which has it, in the same round.
pub fn effect(program: &str, metric: &str, ablation: &str) -> Option<Expected> {
    let rule = match (program, metric, ablation) {
        // The holder is asked and takes the lock back before the waiter wakes: several intervals instead of one or two.
        ("convoy-paced", "paced p50", "no-forced-switch") => Rule::AtLeast(1.5),
        // Nobody barges in, so every release of the echo is a lost gamble, and all wait for all.
        ("convoy", "k4 p50", "fair-ticket") => Rule::AtLeast(1.1),
        // The echo goes before the spinners, however many they are.
        ("convoy", "k4 p50", "io-priority") => Rule::AtMost(0.75),
        // Of three gambles for each message two are not played.
        ("eventloop", "thread", "nonblocking-keeps") => Rule::AtMost(0.9),
        _ => return None,
    };
    Some(Expected { rule, two_cores: false })
}

#[cfg(test)]
mod tests {
    use super::super::plan::PLANS;
    use super::super::rule::{Room, Verdict};
    use super::*;

    const ROOM: Room = Room { cores: 2, two_processes: Some(0.55) };

    /// Does the rule say yes to a world as it was measured, and no to the world of another lock?
    fn tells(program: &str, metric: &str, model: Policy, yes: f64, no: f64) {
        let expected = of(program, metric, model).unwrap_or_else(|| panic!("{program} {metric} {model:?}"));
        assert_eq!(
            expected.judge(&[yes; 3], ROOM),
            Verdict::AsExpected,
            "{program} {metric} {model:?} {yes}"
        );
        assert_eq!(expected.judge(&[no; 3], ROOM), Verdict::Differs, "{program} {metric} {model:?} {no}");
    }

    #[test]
    fn every_rule_says_yes_to_its_lock_and_no_to_another() {
        use Policy::{Free, Gil32, Gil310, Gil313, PerInterp, Tick};
        for (program, metric, model, yes, no) in [
            ("countdown", "2 threads", Gil310, 1.02, 1.83),
            ("countdown", "2 threads", Gil32, 1.0, 0.51),
            ("countdown", "4 threads", Gil313, 1.06, 2.45),
            ("countdown", "2 threads", Tick, 1.83, 1.0),
            ("countdown", "4 threads", Free, 0.53, 1.0),
            ("countdown", "2 threads", PerInterp, 0.55, 1.0),
            ("countdown", "2 processes", Tick, 0.52, 1.0),
            ("counter", "global 2", Gil310, 0.0, 0.01),
            ("counter", "attribute 2", Gil313, 0.0, 30.0),
            ("counter", "global 4", Gil32, 32.0, 0.0),
            ("counter", "global 2", Tick, 30.0, 0.0),
            ("counter", "attribute 2", Free, 48.0, 0.0),
            ("counter", "global 2", PerInterp, 100.0, 0.0),
            ("counter", "call 2", Gil310, 22.0, 0.0),
            ("counter", "lock 4", Free, 0.0, 0.01),
            ("convoy", "k1 p50", Gil310, 1.016, 1.5),
            ("convoy", "k1 p50", Gil313, 0.001, 6.0),
            ("convoy", "k4 p50", Gil32, 4.6, 0.004),
            ("convoy", "k1 p50", Tick, 0.003, 1.016),
            ("convoy", "k1 p50", Free, 0.001, 1.016),
            ("convoy-paced", "paced p50", Gil310, 1.03, 6.0),
            ("convoy-paced", "paced p50", Tick, 0.04, 1.03),
            ("sleepers", "8 threads", Tick, 7.99, 1.0),
            ("hashing", "1 MiB, 2", Gil310, 1.99, 1.0),
            ("hashing", "2047 B, 2", Gil310, 1.0, 1.99),
            ("hashing", "2047 B, 2", Free, 1.9, 1.0),
            ("longcall", "a tenth of it", Gil310, 1.02, 0.5),
            ("longcall", "usual interval", Free, 0.0002, 1.0),
            ("interval", "p50 at 1 ms", Gil310, 1.07, 5.0),
            ("interval", "p50 at 5 ms", Gil310, 1.02, 0.2),
            ("interval", "p50 at 20 ms", Gil310, 1.004, 0.25),
            ("interval", "threads at 1 ms", Gil310, 1.03, 1.5),
            ("eventloop", "inline, in works", Gil310, 1.0, 0.01),
            ("eventloop", "thread", Gil310, 4.0, 0.05),
            ("eventloop", "thread", Free, 0.08, 2.0),
            ("eventloop", "process", Gil310, 0.1, 2.0),
            ("eventloop", "idle", Gil310, 0.06, 2.0),
            ("free_threads", "append, own", Free, 1.6, 1.0),
            ("free_threads", "append, same", Free, 0.88, 1.6),
            ("free_threads", "read, own", Gil310, 1.0, 0.29),
        ] {
            tells(program, metric, model, yes, no);
        }
    }

    #[test]
    fn every_effect_of_an_ablation_can_be_missing() {
        let (mut rules, none) = (0, 1.0);
        for plan in PLANS {
            for metric in plan.metrics {
                for ablation in gil_interpreter::gil::Ablations::NAMES {
                    let Some(expected) = effect(plan.program, metric.name, ablation) else { continue };
                    rules += 1;
                    assert_eq!(
                        expected.judge(&[none; 3], ROOM),
                        Verdict::Differs,
                        "{} {ablation}",
                        plan.program
                    );
                }
            }
        }
        assert_eq!(rules, 4, "each ablation that a plan measures has one");
    }

    #[test]
    fn every_plan_has_a_rule_for_each_of_its_policies() {
        for plan in PLANS {
            for model in Policy::ALL {
                let subject = super::super::subject::Subject::Ours { policy: model, ablation: "" };
                let ruled = plan.metrics.iter().any(|metric| of(plan.program, metric.name, model).is_some());
                assert!(ruled || !plan.has(&subject), "{} {model:?}", plan.program);
            }
        }
    }
}
