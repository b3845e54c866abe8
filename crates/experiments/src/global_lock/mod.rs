//! Experiments about the global lock of an interpreter: our policies, and every CPython that is found.

pub(crate) mod interpreter;
mod alternation;
mod countdown;
mod native_release;
mod counter;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] =
    &[&alternation::EXPERIMENT, &countdown::EXPERIMENT, &native_release::EXPERIMENT, &counter::EXPERIMENT];
