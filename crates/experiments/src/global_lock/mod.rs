//! Experiments about the global lock of an interpreter: our policies, and every CPython that is found.

pub(crate) mod interpreter;
mod countdown;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] = &[&countdown::EXPERIMENT];
