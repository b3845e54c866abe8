//! Experiments about the global lock of an interpreter: our policies, and every CPython that is found.

pub(crate) mod interpreter;
mod echo_client;
mod slow_service;
mod countdown;
mod choice;
mod convoy;
mod loop_offload;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] =
    &[&countdown::EXPERIMENT, &choice::EXPERIMENT, &convoy::EXPERIMENT, &loop_offload::EXPERIMENT];
