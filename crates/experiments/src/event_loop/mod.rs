//! Experiments about the event loop and its pool, against Node where it is installed.

mod echo;
mod microtasks;
mod timers;
mod races;
pub(crate) mod cron;
mod handlers;
mod crypto_and_files;

use experiment_kit::experiment::Experiment;

/// In the order of the ledger.
pub const ALL: &[&Experiment] = &[
    &microtasks::EXPERIMENT,
    &timers::EXPERIMENT,
    &races::EXPERIMENT,
    &cron::EXPERIMENT,
    &handlers::EXPERIMENT,
    &crypto_and_files::EXPERIMENT,
];
