//! A job: work, what to do with its outcome, and the handle that may cancel it.
//!
//! # Model
//! One allocation holds everything: the state word, what the metrics and the trace need, and the two closures. The
//! queue holds one reference, the handle another. Whoever wins the word (see `sync_protocols::JobWord`) takes the
//! closures out and uses them up; the other side finds an empty shell.
//!
//! # Invariants
//! - O1: `complete` is called exactly once for each job that was accepted, and never for one that was not.
//! - O2: `cancel` never calls `complete` before it returns; `cancel_here` always does, if it wins.
//! - O3: a panic in `work` is an outcome; one in `complete`, or in a destructor, is counted and harms nobody else.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sync_protocols::{Cancel, JobState, JobWord};

use crate::error::CancelError;
use crate::panics::{self, PanicReport};
use crate::shared::Shared;

/// What a job mostly waits for, which decides how many threads it may occupy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// It computes.
    Cpu,
    /// It waits for the local disk, shortly. Treated as `Cpu`; counted apart.
    FastIo,
    /// It may wait long, as a name look-up does: at most half of the threads (rounded up) run such jobs.
    SlowIo,
}

impl JobKind {
    /// All kinds, in the order of their metrics.
    pub const ALL: [JobKind; 3] = [JobKind::Cpu, JobKind::FastIo, JobKind::SlowIo];

    /// The name of the kind in traces and tables.
    pub fn name(self) -> &'static str {
        match self {
            JobKind::Cpu => "cpu",
            JobKind::FastIo => "fast-io",
            JobKind::SlowIo => "slow-io",
        }
    }
}

/// How an accepted job ended.
#[derive(Debug, PartialEq, Eq)]
pub enum JobOutcome<T> {
    /// It ran, and this is what it returned.
    Done(T),
    /// It was cancelled before it began, by its handle or by a shutdown.
    Cancelled,
    /// It ran and panicked.
    Panicked(PanicReport),
}

impl<T> JobOutcome<T> {
    /// The value of a job that ran to its end.
    pub fn done(self) -> Option<T> {
        match self {
            JobOutcome::Done(value) => Some(value),
            JobOutcome::Cancelled | JobOutcome::Panicked(_) => None,
        }
    }
}

/// What the pool knows of a job without its closures.
pub(crate) struct JobHead {
    pub(crate) word: JobWord,
    pub(crate) id: u64,
    pub(crate) parent: u64,
    pub(crate) kind: JobKind,
    pub(crate) name: &'static str,
    /// `None` when this job is not timed.
    pub(crate) submitted: Option<Instant>,
}

/// A job without the types of its closures.
pub(crate) trait Job: Send + Sync {
    fn head(&self) -> &JobHead;

    /// Runs the work, tells `ended` whether it panicked, then calls `complete`. Only after `word.begin()`.
    /// Returns `false` when `complete` panicked.
    fn run(&self, ended: &mut dyn FnMut(bool)) -> bool;

    /// Calls `complete` with `Cancelled`. Only after `word.deliver()`. Returns `false` when that panicked.
    fn deliver_cancelled(&self) -> bool;

    /// Drops the closures uncalled: the job was not accepted after all.
    fn discard(&self);
}

pub(crate) struct JobCell<W, C> {
    head: JobHead,
    /// Never contended: the state word decides who comes here, this only says so in safe Rust.
    closures: Mutex<Option<(W, C)>>,
}

impl<W, C> JobCell<W, C> {
    pub(crate) fn new(head: JobHead, work: W, complete: C) -> Arc<JobCell<W, C>> {
        Arc::new(JobCell { head, closures: Mutex::new(Some((work, complete))) })
    }

    fn take(&self) -> (W, C) {
        self.closures.lock().take().expect("the state word lets one side take the closures, once")
    }
}

impl<T, W, C> Job for JobCell<W, C>
where
    W: FnOnce() -> T + Send,
    C: FnOnce(JobOutcome<T>) + Send,
{
    fn head(&self) -> &JobHead {
        &self.head
    }

    fn run(&self, ended: &mut dyn FnMut(bool)) -> bool {
        let (work, complete) = self.take();
        let outcome = match panics::catch(self.head.name, work) {
            Ok(value) => JobOutcome::Done(value),
            Err(report) => JobOutcome::Panicked(report),
        };
        self.head.word.finish();
        ended(matches!(outcome, JobOutcome::Panicked(_)));
        panics::catch(self.head.name, move || complete(outcome)).is_ok()
    }

    fn deliver_cancelled(&self) -> bool {
        let (work, complete) = self.take();
        panics::catch(self.head.name, move || {
            drop(work);
            complete(JobOutcome::Cancelled);
        })
        .is_ok()
    }

    fn discard(&self) {
        let closures = self.take();
        // A destructor that panics has nobody to be reported to: the submitter is told that the job was refused.
        let _ = panics::catch(self.head.name, move || drop(closures));
    }
}

/// The submitter's end of a job. Dropping it lets the job go on.
pub struct JobHandle {
    job: Arc<dyn Job>,
    shared: Arc<Shared>,
}

impl JobHandle {
    pub(crate) fn new(job: Arc<dyn Job>, shared: Arc<Shared>) -> JobHandle {
        JobHandle { job, shared }
    }

    /// The job's id, which its trace records carry; unique in the process, never 0.
    pub fn id(&self) -> u64 {
        self.job.head().id
    }

    /// Where the job is now; by the time the caller looks at the answer it may be further.
    pub fn state(&self) -> JobState {
        self.job.head().word.state()
    }

    /// Keeps the job from running. On success `complete` gets `Cancelled` later, on a pool thread: on the next one
    /// that has a moment, before any other queued job. To cancel again before that is a success, too.
    ///
    /// # Errors
    /// [`CancelError::Running`] when it runs, [`CancelError::Finished`] when it has ended; `Running` in the child of a fork,
    /// for the job is the parent's.
    pub fn cancel(&self) -> Result<(), CancelError> {
        if self.shared.is_of_parent() {
            return Err(CancelError::Running);
        }
        match self.job.head().word.cancel() {
            Cancel::Won => {
                self.shared.cancel_later(Arc::clone(&self.job));
                Ok(())
            }
            other => already(other),
        }
    }

    /// As [`JobHandle::cancel`], but if this call is the one that wins, `complete` gets `Cancelled` on this thread
    /// before the call returns: at once, even while every pool thread is stuck. For completions that only hand the
    /// outcome over, as the one that posts to an event loop does.
    ///
    /// # Errors
    /// As [`JobHandle::cancel`].
    pub fn cancel_here(&self) -> Result<(), CancelError> {
        if self.shared.is_of_parent() {
            return Err(CancelError::Running);
        }
        match self.job.head().word.withdraw() {
            Cancel::Won => {
                self.shared.cancel_now(&self.job);
                Ok(())
            }
            other => already(other),
        }
    }
}

fn already(cancel: Cancel) -> Result<(), CancelError> {
    match cancel {
        Cancel::Won | Cancel::Already => Ok(()),
        Cancel::Running => Err(CancelError::Running),
        Cancel::Finished => Err(CancelError::Finished),
    }
}

impl std::fmt::Debug for JobHandle {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let head = self.job.head();
        out.debug_struct("JobHandle").field("id", &head.id).field("name", &head.name).finish_non_exhaustive()
    }
}
