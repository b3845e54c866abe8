//! What can go wrong: one enum for each thing that is asked of a pool, because each fails in its own ways.

use std::io;

use crate::size::MAX_THREADS;

/// A pool was not built or not resized as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// The number of threads is out of range.
    #[error("a pool cannot have {asked} threads: choose 1 to {MAX_THREADS}")]
    Size {
        /// What was asked for.
        asked: usize,
    },
    /// A queue that holds nothing could never hand a job over.
    #[error("a queue limit of 0 would refuse every job: choose at least 1, or no limit")]
    QueueLimit,
    /// Sampling every 0th job means nothing.
    #[error("timing cannot sample every 0th job: choose at least 1, or turn timing off")]
    Sampling,
    /// The operating system takes thread names as C strings.
    #[error("the thread name {name:?} holds a zero byte: leave it out")]
    ThreadName {
        /// What was asked for.
        name: String,
    },
    /// The pool was shut down.
    #[error("the pool was shut down: build a new one")]
    ShutDown,
}

/// A job was not accepted: it does not run, and `complete` is not called.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError {
    /// The queue is full, and the pool rejects what does not fit.
    #[error("the queue of the pool is full with {limit} jobs: submit again when some have ended")]
    Full {
        /// The limit of the queue.
        limit: usize,
    },
    /// The pool was shut down.
    #[error("the pool was shut down: build a new one")]
    ShutDown,
    /// The pool has no thread, and the first could not be started.
    #[error(
        "the pool cannot start its first thread {name:?}: lower the number of threads or raise the limits"
    )]
    NoThread {
        /// The name that the thread was to have.
        name: String,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A job was not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CancelError {
    /// Running work cannot be interrupted; its outcome is delivered as usual.
    #[error("the job is running already: wait for its outcome")]
    Running,
    /// The job has ended, and its outcome was delivered or is just being delivered.
    #[error("the job has ended already: its outcome was delivered")]
    Finished,
}
