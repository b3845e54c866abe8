//! Experiments about the event loop and its pool, against Node where it is installed.

mod handlers;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] = &[&handlers::EXPERIMENT];
