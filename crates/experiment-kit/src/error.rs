//! What can go wrong while measuring, each with its subject and what to do about it.

use std::time::Duration;

/// An error of the kit.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KitError {
    /// The work could not be timed: it takes no measurable time, or different amounts take the same time.
    #[error(
        "cannot calibrate the work: {iterations} iterations took {took:?}; the closure must do work in proportion to its argument"
    )]
    Calibration {
        /// The amount of the last try.
        iterations: u64,
        /// How long that took.
        took: Duration,
    },
}
