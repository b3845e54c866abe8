//! Who runs a program: a policy of ours, a policy with a rule taken away, or a CPython.

use anyhow::Result;
use gil_interpreter::gil::Policy;

use super::plan::Plan;
use crate::python::cpython::CPython;
use crate::python::ours;

/// A subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Our interpreter.
    Ours {
        /// Its lock.
        policy: Policy,
        /// What is different; empty for nothing.
        ablation: &'static str,
    },
    /// A real one.
    CPython(CPython),
}

/// Ablations are of this policy, and compared with it.
pub const ABLATED: Policy = Policy::Gil310;

/// The versions that are measured; others have the same lock as one of them.
const VERSIONS: [(u32, u32); 3] = [(3, 8), (3, 11), (3, 13)];

/// The ablations that change a rule of the lock. Those that break it (`asked-keeps`, `alone-keeps`) are for experiments:
/// programs whose threads wait for each other would take for ever under them.
pub const RULES: [&str; 4] = ["no-forced-switch", "fair-ticket", "io-priority", "nonblocking-keeps"];

impl Subject {
    /// All of ours, then those of `found` that are measured, one of each version.
    pub fn all(found: &[CPython]) -> Vec<Subject> {
        let plain = Policy::ALL.map(|policy| Subject::Ours { policy, ablation: "" });
        let ablated = RULES.map(|ablation| Subject::Ours { policy: ABLATED, ablation });
        let mut all: Vec<Subject> = plain.into_iter().chain(ablated).collect();
        for cpython in found.iter().filter(|cpython| VERSIONS.contains(&cpython.version)) {
            let known = |one: &Subject| one.name() == cpython.name();
            let same = |one: &Subject| {
                matches!(one, Subject::CPython(other)
                    if (other.version, other.free_threaded) == (cpython.version, cpython.free_threaded))
            };
            if !all.iter().any(|one| known(one) || same(one)) {
                all.push(Subject::CPython(cpython.clone()));
            }
        }
        all
    }

    /// Its name in tables.
    pub fn name(&self) -> String {
        match self {
            Subject::Ours { policy, ablation: "" } => policy.name().to_owned(),
            Subject::Ours { policy, ablation } => format!("{}/{ablation}", policy.name()),
            Subject::CPython(cpython) => cpython.name(),
        }
    }

    /// The policy that says what to expect; none where a rule is taken away.
    pub fn model(&self) -> Option<Policy> {
        match self {
            Subject::Ours { policy, ablation: "" } => Some(*policy),
            Subject::Ours { .. } => None,
            Subject::CPython(cpython) => cpython.model(),
        }
    }

    /// The rule that is taken away.
    pub fn ablation(&self) -> Option<&'static str> {
        match self {
            Subject::Ours { ablation, .. } if !ablation.is_empty() => Some(ablation),
            _ => None,
        }
    }

    /// Runs the program of a plan; what it printed.
    ///
    /// # Errors
    /// When it cannot be run to its end.
    pub fn run(&self, plan: &Plan, args: &[String]) -> Result<String> {
        let file = plan.file();
        match self {
            Subject::Ours { policy, ablation } => Ok(ours::run(&file, args, *policy, ablation)?.output),
            Subject::CPython(cpython) => cpython.run(&file, args),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpython(version: (u32, u32), full: &str) -> CPython {
        CPython {
            version,
            full_version: full.into(),
            program: full.into(),
            free_threaded: full.ends_with('t'),
        }
    }

    #[test]
    fn there_is_each_policy_each_ablation_and_one_cpython_of_each_version() {
        let found = [
            cpython((2, 7), "2.7.18"),
            cpython((3, 11), "3.11.7"),
            cpython((3, 11), "3.11.2"),
            cpython((3, 12), "3.12.1"),
            cpython((3, 13), "3.13.0"),
            cpython((3, 13), "3.13.5t"),
        ];
        let names: Vec<String> = Subject::all(&found).iter().map(Subject::name).collect();
        assert_eq!(names[..6], ["tick", "gil32", "gil310", "gil313", "per-interp", "free"]);
        assert_eq!(names[6], "gil310/no-forced-switch");
        assert_eq!(names[10..], ["CPython 3.11.7", "CPython 3.13.0", "CPython 3.13.5t"]);
    }

    #[test]
    fn a_cpython_has_a_model_and_an_ablation_has_none() {
        let real = Subject::CPython(cpython((3, 8), "3.8.18"));
        assert_eq!((real.model(), real.ablation()), (Some(Policy::Gil32), None));
        let changed = Subject::Ours { policy: ABLATED, ablation: "fair-ticket" };
        assert_eq!((changed.model(), changed.ablation()), (None, Some("fair-ticket")));
    }
}
