//! The commands about evidence: list, run, verify, crosscheck and report.
//!
//! # Model
//! ```text
//! run, verify, crosscheck --measure--> results under target/lab --page--> report
//! ```

pub(crate) mod options;
pub(crate) mod list;
pub(crate) mod run;
pub(crate) mod verify;
pub(crate) mod crosscheck;
pub(crate) mod report;
mod measure;
mod predict;
mod differences;
mod outputs;
mod page;
mod pictures;
mod progress;
mod screen;

/// The exit code of bad usage.
const BAD_USAGE: u8 = 2;
/// The exit code when a verdict is not the one that was expected.
const UNEXPECTED: u8 = 3;
