//! The lock policies by name: which generation of CPython's lock a run uses.
//!
//! # Source
//! CPython 2.7.18 `Python/ceval.c`; 3.9.2 `Python/ceval_gil.h`; 3.11.2 and 3.13.5 `Python/ceval_gil.c`; PEP 684
//! (a lock for each interpreter); PEP 703 (no lock).

use std::fmt;
use std::str::FromStr;

/// Who may run when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Policy {
    /// CPython 2.7: a semaphore that the holder gives up every so many instructions.
    Tick,
    /// CPython 3.2 to 3.9: a waiter asks after an interval; looked at after nearly every instruction.
    Gil32,
    /// CPython 3.10 to 3.12: the same lock; looked at on backward jumps, calls and function entry.
    #[default]
    Gil310,
    /// CPython 3.13: the request is a bit in the holder's own word.
    Gil313,
    /// PEP 684: each thread has an interpreter, objects and a lock of its own.
    PerInterp,
    /// PEP 703: no global lock.
    Free,
}

/// No policy has this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no lock policy is called `{name}`; use one of {}", names())]
pub struct UnknownPolicy {
    /// What was asked for.
    pub name: String,
}

fn names() -> String {
    Policy::ALL.map(Policy::name).join(", ")
}

impl Policy {
    /// Every policy, oldest first.
    pub const ALL: [Policy; 6] =
        [Policy::Tick, Policy::Gil32, Policy::Gil310, Policy::Gil313, Policy::PerInterp, Policy::Free];

    /// The name on the command line and in results.
    pub fn name(self) -> &'static str {
        match self {
            Policy::Tick => "tick",
            Policy::Gil32 => "gil32",
            Policy::Gil310 => "gil310",
            Policy::Gil313 => "gil313",
            Policy::PerInterp => "per-interp",
            Policy::Free => "free",
        }
    }

    /// One line for `--help` and reports.
    pub fn description(self) -> &'static str {
        match self {
            Policy::Tick => {
                "CPython 2.7: the holder gives up the lock every 100 counted instructions, asked or not"
            }
            Policy::Gil32 => {
                "CPython 3.2-3.9: a waiter asks after an interval; the holder looks after most instructions"
            }
            Policy::Gil310 => {
                "CPython 3.10-3.12: the same lock; the holder looks on backward jumps, calls and entries"
            }
            Policy::Gil313 => "CPython 3.13: as gil310, and the request is a bit of the holder's own word",
            Policy::PerInterp => {
                "PEP 684: each thread has its own interpreter and lock, and shares no objects"
            }
            Policy::Free => "PEP 703: no global lock; shared objects have locks of their own",
        }
    }

    /// Whether waiters ask for the lock after an interval, so that the interval and the ablations mean something.
    pub fn has_requests(self) -> bool {
        matches!(self, Policy::Gil32 | Policy::Gil310 | Policy::Gil313 | Policy::PerInterp)
    }

    /// Whether threads share one lock.
    pub fn is_global(self) -> bool {
        !matches!(self, Policy::PerInterp | Policy::Free)
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(name: &str) -> Result<Policy, UnknownPolicy> {
        let known = Policy::ALL.into_iter().find(|policy| policy.name() == name);
        known.ok_or_else(|| UnknownPolicy { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_is_found_by_the_name_that_it_shows() {
        for policy in Policy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert!(!policy.description().contains('\n'));
        }
        assert_eq!(format!("{:>7}", Policy::Free), "   free", "it can stand in a table");
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = "gil38".parse::<Policy>().expect_err("there is none");
        assert_eq!(
            error.to_string(),
            "no lock policy is called `gil38`; use one of tick, gil32, gil310, gil313, per-interp, free"
        );
        assert!("GIL32".parse::<Policy>().is_err());
    }
}
