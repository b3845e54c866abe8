//! Experiments about the event loop and its pool, against Node where it is installed.

mod starvation;
mod pool_size;
mod slow_lane;
mod handlers;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] =
    &[&starvation::EXPERIMENT, &pool_size::EXPERIMENT, &slow_lane::EXPERIMENT, &handlers::EXPERIMENT];
