//! Where loop and pool meet: a job's outcome becomes a callback on the loop.
//!
//! # Model
//! | loop's thread | pool thread |
//! |---|---|
//! | register a request: the loop stays alive | |
//! | submit the job, with a closure that completes the request | |
//! | goes on serving | runs the work |
//! | | hands the outcome to the loop's inbox; wakes it if the inbox was empty |
//! | poll phase: takes all outcomes, calls back in order of completion | |
//!
//! That is all that "offloading" is. The two crates do not know each other: the pool takes a closure, and this
//! one posts to a loop.
//!
//! # Invariants
//! - F1: for each accepted job the after-callback runs exactly once, on the loop's thread, in its poll phase.
//! - F2: after-callbacks run in the order in which the jobs ended, not in which they were submitted.

use std::cell::Cell;
use std::rc::Rc;

use blocking_pool::{BlockingPool, CancelError, JobKind, JobOutcome, JobState, SubmitError};
use event_loop::LoopHandle;
use runtime_trace::EventKind;

/// Submits `work` to the pool; `after` gets its outcome on the loop.
#[track_caller]
pub(crate) fn join<T: Send + 'static>(
    lp: &LoopHandle,
    pool: &BlockingPool,
    kind: JobKind,
    name: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
    after: impl FnOnce(&LoopHandle, JobOutcome<T>) + 'static,
) -> Result<JobHandle, SubmitError> {
    if !lp.is_recording() {
        let completion = lp.request(after);
        let job = pool.submit(kind, name, work, move |outcome| completion.complete(outcome))?;
        return Ok(JobHandle::new(job));
    }
    // The id is known when the job is accepted, which is before its outcome can reach this thread.
    let id = Rc::new(Cell::new(0));
    let known = id.clone();
    let completion = lp.request(move |lp, outcome: JobOutcome<T>| {
        let how = match &outcome {
            JobOutcome::Done(_) => 0,
            JobOutcome::Cancelled => 1,
            JobOutcome::Panicked(_) => 2,
        };
        lp.record(EventKind::JobComplete, known.get(), 0, how);
        after(lp, outcome);
    });
    let job = pool.submit(kind, name, work, move |outcome| completion.complete(outcome))?;
    id.set(job.id());
    Ok(JobHandle::new(job))
}

/// A job whose outcome comes to the loop. Dropping the handle lets the job go on.
#[derive(Debug)]
pub struct JobHandle {
    job: blocking_pool::JobHandle,
    cancelled: Cell<bool>,
}

impl JobHandle {
    fn new(job: blocking_pool::JobHandle) -> JobHandle {
        JobHandle { job, cancelled: Cell::new(false) }
    }

    /// Keeps the job from running. On success its after-callback gets [`JobOutcome::Cancelled`] in a later poll
    /// phase, never inside this call, and also while every pool thread is stuck. To cancel again what was cancelled
    /// is a success, too, and changes nothing.
    ///
    /// # Errors
    /// [`CancelError::Running`] when it runs, [`CancelError::Finished`] when it has ended; either way its outcome
    /// comes as usual.
    pub fn cancel(&self) -> Result<(), CancelError> {
        if !self.cancelled.get() {
            // Completing here is safe: the completion only posts to the loop.
            self.job.cancel_here()?;
            self.cancelled.set(true);
        }
        Ok(())
    }

    /// The job's id, which its trace records carry; unique in the process, never 0.
    pub fn id(&self) -> u64 {
        self.job.id()
    }

    /// Where the job is now; by the time the caller looks at the answer it may be further.
    pub fn state(&self) -> JobState {
        self.job.state()
    }
}

/// Runs `work` on the pool of the running loop; a future of its value. Dropping the future cancels a job that
/// has not begun.
pub fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> crate::Request<T> {
    crate::Request::new(JobKind::Cpu, "offload", move || Ok(work()))
}
