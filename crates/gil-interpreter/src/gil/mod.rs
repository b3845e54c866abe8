//! Which lock the threads share, by which rules, and what each of them lived through with it.
//!
//! # Model
//! ```text
//! Policy, Ablations --Rules--> sync_protocols::gil::{Gil, TickLock}
//!                                     ^ take, give
//! one thread --> LockSeat ------------'   counts, times, and writes its lane
//!                   | counters, when the thread ends
//!                   v
//!               LockReport --> the tables of `--stats`
//! ```

mod policy;
mod ablations;
mod counters;
mod seat;
mod report;

pub use ablations::{AblationError, Ablations};
pub use counters::{ThreadCounters, WaitedFor};
pub use policy::{Policy, UnknownPolicy};
pub use report::{LockReport, ThreadRow};
pub use seat::{LockSeat, Watch};
