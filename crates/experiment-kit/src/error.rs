//! What can go wrong while measuring, each with its subject and what to do about it.

use std::path::PathBuf;
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
    /// The system refused to start the load client.
    #[error("cannot start the load client {}", program.display())]
    StartClient {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The load client ended in the middle of its work.
    #[error(
        "the load client (process {pid}) died: {status}; run again, and see who killed it if it happens again"
    )]
    ClientDied {
        /// Its process id.
        pid: u32,
        /// How it ended.
        status: String,
    },
    /// The load client is there but says nothing.
    #[error(
        "the load client (process {pid}) has said nothing for {silent:?}; is it stopped or the machine out of memory?"
    )]
    ClientSilent {
        /// Its process id.
        pid: u32,
        /// How long it said nothing.
        silent: Duration,
    },
    /// The load client could not run the act.
    #[error("the load client could not go on: {message}")]
    ActFailed {
        /// Why, in its words.
        message: String,
    },
}
