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
mod asked;
mod measure;
mod predict;
mod differences;
mod outputs;
mod page;
mod pictures;
mod progress;
pub(crate) mod screen;

use experiment_kit::report::Report;
use serde::Serialize;

/// Several results as one object, each with its keys in their order.
fn results_json(results: &[&Report]) -> serde_json::Result<String> {
    #[derive(Serialize)]
    struct Results<'r> {
        schema: u32,
        results: &'r [&'r Report],
    }
    serde_json::to_string(&Results { schema: 1, results }).map(|text| text + "\n")
}

/// The exit code of bad usage.
const BAD_USAGE: u8 = 2;
/// The exit code when a verdict is not the one that was expected.
const UNEXPECTED: u8 = 3;
