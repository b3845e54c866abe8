//! The ledger of claims, and one experiment for each question that it asks.
//!
//! # Model
//! ```text
//! claims.toml --Ledger--> which experiment settles which claim
//! event_loop/, global_lock/: one file for each experiment: question, cells, measurement, rule
//! programs/: the same workloads for Node and CPython; the Python ones run on our interpreter, too
//! ```
//! A program that uses this crate calls [`roles::take`] first in `main`: some experiments start it again.

pub mod ledger;
pub mod roles;
pub mod event_loop;
pub mod global_lock;
mod burn;
mod counterpart;
mod noise;
mod processor_time;
mod server;
mod threads;

use experiment_kit::experiment::Experiment;

/// Every experiment, by topic, in the order of the ledger.
pub fn all() -> impl Iterator<Item = &'static Experiment> {
    event_loop::ALL.iter().chain(global_lock::ALL).copied()
}

/// The experiment with this name.
pub fn named(name: &str) -> Option<&'static Experiment> {
    all().find(|experiment| experiment.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use experiment_kit::experiment::judge;
    use experiment_kit::measurements::Measurements;

    use super::*;

    #[test]
    fn names_and_claims_are_unique() {
        let names: Vec<&str> = all().map(|experiment| experiment.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
        let claims: Vec<&str> = all().flat_map(|experiment| experiment.claims).copied().collect();
        assert_eq!(claims.iter().collect::<BTreeSet<_>>().len(), claims.len(), "{claims:?}");
    }

    #[test]
    fn without_measurements_nothing_is_settled_and_every_claim_is_named() {
        for experiment in all() {
            let claims = judge(experiment, &Measurements::new(2), 7);
            let ids: BTreeSet<&str> = claims.iter().map(|claim| claim.id.as_str()).collect();
            assert_eq!(ids, experiment.claims.iter().copied().collect(), "{}", experiment.name);
            for claim in &claims {
                assert_eq!(claim.verdict.word(), "inconclusive", "{} {}", experiment.name, claim.id);
                assert!(!claim.findings.is_empty() && !claim.rule.is_empty(), "{}", claim.id);
            }
        }
    }

    #[test]
    fn every_experiment_asks_shows_and_can_be_broken() {
        for experiment in all() {
            let name = experiment.name;
            assert!(experiment.question.ends_with('?'), "{name}");
            assert!(experiment.reading.ends_with('.'), "{name}");
            assert!(!experiment.charts.is_empty(), "{name}");
            assert!(!experiment.flaws.is_empty(), "{name}");
            for flaw in experiment.flaws {
                assert!(!flaw.flips.is_empty(), "{name} {}", flaw.name);
                assert!(flaw.flips.iter().all(|id| experiment.claims.contains(id)), "{name} {}", flaw.name);
            }
            for knob in experiment.knobs {
                let (low, high) = knob.range;
                let inside = |value| (low..=high).contains(&value);
                assert!(inside(knob.usual) && inside(knob.quick), "{name} {}", knob.name);
            }
        }
    }
}
