//! Threads that run blocking jobs, so that whoever must not block can hand work over.
//!
//! # Model
//! ```text
//! submit -> queue -> pool thread: work() -> complete(outcome), still on the pool thread
//!             |
//!             +-- cancel before the start: complete(Cancelled)
//! ```
//! The default is libuv's pool: 4 threads or `UV_THREADPOOL_SIZE`, started when needed, first in first out, at most
//! half of the threads (rounded up) on slow work. Beyond it: a bounded queue, live metrics, resizing, panics as
//! values, a shutdown with a deadline, jobs that submit jobs, and a work-stealing scheduler behind the same shape.
//!
//! The pool knows no event loop. Whoever joins the two passes a `complete` that posts to the loop.
//!
//! ```
//! use blocking_pool::{BlockingPool, JobKind, JobOutcome};
//!
//! let pool = BlockingPool::builder().threads(2).build()?;
//! let (sender, receiver) = std::sync::mpsc::channel();
//! pool.submit(JobKind::Cpu, "sum", || (1..=10).sum::<u32>(), move |outcome| sender.send(outcome).unwrap())?;
//! assert_eq!(receiver.recv()?, JobOutcome::Done(55));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Threads
//! Named `pool-0`, `pool-1` and so on (the prefix is an option). Started by `submit` and by other pool threads when
//! a job finds nobody to run it; joined by `shutdown`, `drain` or the drop of the last [`BlockingPool`].
//!
//! # Source
//! libuv `src/threadpool.c`; the sleeping and waking follow the pattern of rayon's and Go's schedulers.

mod pool;
mod builder;
mod shutdown;
mod size;
mod job;
mod queue;
mod worker;
mod crew;
mod shared;
mod panics;
mod metrics;
mod names;
mod trace;
mod error;

pub use builder::{PoolBuilder, Timing, WhenFull};
pub use error::{CancelError, PoolError, SubmitError};
pub use job::{JobHandle, JobKind, JobOutcome};
pub use metrics::{KindMetrics, PoolMetrics, RunningJob};
pub use panics::{PanicLocation, PanicReport};
pub use pool::BlockingPool;
pub use queue::Scheduler;
pub use shutdown::ShutdownReport;
pub use size::{DEFAULT_THREADS, MAX_THREADS, SIZE_VARIABLE, threads_from_env};
pub use sync_protocols::JobState;
