//! The measuring half of an experiment: load client, calibrated work, statistics, verdict rules and report.
//!
//! # Model
//! An example or an experiment brings the thing that is measured (a [`contender::Contender`]: a name and a
//! function that starts a server) and makes one call into the kit. The kit calibrates the work, starts a
//! load client in another process, runs the acts, judges the figures and writes screen, JSON and pictures.
//! It knows neither the event loop nor the pool: only what a server answers and what a recorder recorded.

pub mod experiment;
pub mod conduct;
pub mod measurements;
pub mod finding;
pub mod verdict;
pub mod stats;
pub mod crosscheck;
pub mod runtimes;
pub mod group;
pub mod program;
pub mod supervised;
pub mod results;
pub mod contender;
pub mod load;
pub mod starvation;
pub mod work;
pub mod report;
pub mod machine;
pub mod probe;
pub mod rng;

mod cpu_meter;
mod interrupt;
mod error;

pub use contender::{Contender, LagStats, RunningServer, ServerSpec, ServerStats, StallReport};
pub use error::KitError;
pub use interrupt::Interrupt;
pub use work::{Calibration, Work, WorkDone};
