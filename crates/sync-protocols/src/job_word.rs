//! The state of one job: of running and cancelling exactly one wins, and exactly one side ends the job.
//!
//! # Model
//! A job sits in a queue and at the same time in the hands of whoever may cancel it. Both sides settle the matter
//! on one word; the queue is not asked, so a cancelled job may lie in it a while longer, dead.
//!
//! ```text
//!            begin                finish
//!   QUEUED ---------> RUNNING ------------> FINISHED
//!      |                                       ^
//!      | cancel                deliver         |
//!      +------------> CANCELLED ---------------+
//!      |                withdraw               |
//!      +---------------------------------------+
//! ```
//!
//! A cancellation is told either later, by whoever gets to it first (`cancel`, then `deliver`), or at once, by the
//! one who cancels (`withdraw`, one step, so that nobody can come in between).
//!
//! | transition           | by                        | ordering | partner                                     |
//! |----------------------|---------------------------|----------|---------------------------------------------|
//! | QUEUED -> RUNNING    | `begin`, a pool thread    | AcqRel   | the creation; a `cancel` that loses          |
//! | QUEUED -> CANCELLED  | `cancel`, anybody         | AcqRel   | Acquire in `deliver` and in a `begin` that loses |
//! | RUNNING -> FINISHED  | `finish`, the same thread | Release  | Acquire in `state` and in a `cancel` that loses |
//! | CANCELLED -> FINISHED| `deliver`, one of several | AcqRel   | Acquire in `state`                          |
//! | QUEUED -> FINISHED   | `withdraw`, anybody       | AcqRel   | Acquire in `state` and in a `begin` that loses |
//!
//! The races: `begin` against `cancel` and `withdraw` (a compare-and-swap each, from QUEUED only), and two threads
//! that both want to deliver one cancellation (again a compare-and-swap).
//!
//! # Invariants
//! - J1: exactly one of `begin`, `cancel` and `withdraw` succeeds, the first.
//! - J2: a cancellation is delivered once.
//! - J3: what the winner wrote before it ended the job is visible to whoever reads FINISHED.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use crate::shim::AtomicU8;

const QUEUED: u8 = 0;
const RUNNING: u8 = 1;
const CANCELLED: u8 = 2;
const FINISHED: u8 = 3;

/// The word of one job; see the file's header for its states.
pub struct JobWord(AtomicU8);

/// Where a job is on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Nobody has begun or cancelled it.
    Queued,
    /// A thread runs it.
    Running,
    /// It will not run; whoever waits for it has not been told yet.
    Cancelled,
    /// It has ended, one way or the other.
    Finished,
}

/// What `cancel` did.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// This call won: the job will not run, and the caller sees to it that its end is delivered.
    Won,
    /// An earlier call won, and the delivery is still to come.
    Already,
    /// The job runs.
    Running,
    /// The job has ended.
    Finished,
}

impl Default for JobWord {
    fn default() -> JobWord {
        JobWord(AtomicU8::new(QUEUED))
    }
}

impl JobWord {
    /// Claims the job for running; `false` means that it was cancelled and must be dropped from the queue.
    #[inline]
    pub fn begin(&self) -> bool {
        self.0.compare_exchange(QUEUED, RUNNING, AcqRel, Acquire).is_ok()
    }

    /// Ends a job that this thread has begun.
    #[inline]
    pub fn finish(&self) {
        self.0.store(FINISHED, Release); // Partner: Acquire in `state` and `cancel`.
    }

    /// Claims the job for cancelling.
    pub fn cancel(&self) -> Cancel {
        self.leave_queue(CANCELLED)
    }

    /// Claims the delivery of a cancellation; `true` for exactly one caller.
    pub fn deliver(&self) -> bool {
        self.0.compare_exchange(CANCELLED, FINISHED, AcqRel, Acquire).is_ok()
    }

    /// Cancels the job and claims the delivery in one step; otherwise as `cancel`.
    pub fn withdraw(&self) -> Cancel {
        self.leave_queue(FINISHED)
    }

    fn leave_queue(&self, to: u8) -> Cancel {
        match self.0.compare_exchange(QUEUED, to, AcqRel, Acquire) {
            Ok(_) => Cancel::Won,
            Err(CANCELLED) => Cancel::Already,
            Err(RUNNING) => Cancel::Running,
            Err(_) => Cancel::Finished,
        }
    }

    /// The state now; it may be older than the answer's reader.
    pub fn state(&self) -> JobState {
        match self.0.load(Acquire) {
            QUEUED => JobState::Queued,
            RUNNING => JobState::Running,
            CANCELLED => JobState::Cancelled,
            _ => JobState::Finished,
        }
    }
}
