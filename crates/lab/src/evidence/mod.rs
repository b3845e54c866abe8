//! The commands about evidence: list, run, verify, crosscheck and report.

pub(crate) mod options;
pub(crate) mod list;
pub(crate) mod run;
mod progress;
mod screen;

/// The exit code when a verdict is not the one that was expected.
const UNEXPECTED: u8 = 3;
