//! Experiments about the global lock of an interpreter: our policies, and every CPython that is found.

pub(crate) mod interpreter;
mod cells;
mod echo_client;
mod slow_service;
mod alternation;
mod countdown;
mod choice;
mod native_release;
mod convoy;
mod counter;
mod loop_offload;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] = &[
    &alternation::EXPERIMENT,
    &countdown::EXPERIMENT,
    &choice::EXPERIMENT,
    &native_release::EXPERIMENT,
    &convoy::EXPERIMENT,
    &counter::EXPERIMENT,
    &loop_offload::EXPERIMENT,
];
