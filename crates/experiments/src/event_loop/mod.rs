//! Experiments about the event loop and its pool, against Node where it is installed.

mod one_thread;
mod pool_rules;
mod readiness;
mod phases;
mod echo;
mod microtasks;
mod starvation;
mod pool_size;
mod slow_lane;
mod timers;
mod races;
mod cron;
mod handlers;
mod crypto_and_files;
mod burst;

use experiment_kit::experiment::Experiment;

use crate::roles::Part;

/// In the order of the ledger.
pub const ALL: &[&Experiment] = &[
    &one_thread::EXPERIMENT,
    &pool_rules::EXPERIMENT,
    &readiness::EXPERIMENT,
    &phases::EXPERIMENT,
    &microtasks::EXPERIMENT,
    &starvation::EXPERIMENT,
    &pool_size::EXPERIMENT,
    &slow_lane::EXPERIMENT,
    &timers::EXPERIMENT,
    &races::EXPERIMENT,
    &cron::EXPERIMENT,
    &handlers::EXPERIMENT,
    &crypto_and_files::EXPERIMENT,
];

/// The parts of these experiments that are processes of their own.
pub(crate) const PARTS: &[&Part] =
    &[&one_thread::kinds::PART, &pool_rules::PART, &readiness::talk::PART, &slow_lane::PART, &cron::PLANNER];
