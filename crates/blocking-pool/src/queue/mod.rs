//! The queue between submitters and pool threads: one shape, two schedulers behind it.
//!
//! # Model
//! Submitters `push`, pool threads `take`; neither sleeps here (`sync_protocols::Sleepers` does that). What lies in
//! a queue may be dead already: the taker settles that with the job's state word.

mod fifo;
mod stealing;
#[cfg(test)]
mod marker_model;

use std::sync::Arc;

use sync_protocols::JobState;

use crate::job::Job;

pub(crate) use fifo::Fifo;
pub(crate) use stealing::{Local, Stealing};

/// How jobs are given to threads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scheduler {
    /// One queue, started strictly in the order of submission (slow jobs: in libuv's marker order).
    #[default]
    Fifo,
    /// A queue for each thread beside a shared one, and threads that run dry steal: cheaper for jobs that submit
    /// jobs; no promise about the order.
    WorkStealing,
}

/// Whether a job in a queue has yet to end; the others are shells. One that is cancelled but not told stays, so that
/// whoever takes it from the queue can tell.
fn is_alive(job: &Arc<dyn Job>) -> bool {
    job.head().word.state() != JobState::Finished
}

/// A job on its way to a thread; if it is slow, `slow_done` must follow.
pub(crate) struct Taken {
    pub(crate) job: Arc<dyn Job>,
    pub(crate) slow: bool,
}

#[allow(clippy::large_enum_variant)] // There is one in a pool, and a box would be one more step to each job.
pub(crate) enum Queue {
    Fifo(Fifo),
    Stealing(Stealing),
}

impl Queue {
    pub(crate) fn new(scheduler: Scheduler, slow_limit: usize) -> Queue {
        match scheduler {
            Scheduler::Fifo => Queue::Fifo(Fifo::new(slow_limit)),
            Scheduler::WorkStealing => Queue::Stealing(Stealing::new(slow_limit)),
        }
    }

    /// The queue of the pool thread `index`, if the scheduler has such.
    pub(crate) fn join(&self, index: usize) -> Option<Local> {
        match self {
            Queue::Fifo(_) => None,
            Queue::Stealing(queue) => Some(queue.join(index)),
        }
    }

    /// A pool thread goes home: what its own queue still holds returns to the others.
    pub(crate) fn leave(&self, local: Option<&Local>) {
        if let (Queue::Stealing(queue), Some(local)) = (self, local) {
            queue.leave(local);
        }
    }

    #[inline]
    pub(crate) fn push(&self, job: Arc<dyn Job>, local: Option<&Local>) {
        match self {
            Queue::Fifo(queue) => queue.push(job),
            Queue::Stealing(queue) => queue.push(job, local),
        }
    }

    #[inline]
    pub(crate) fn take(&self, local: Option<&Local>) -> Option<Taken> {
        match self {
            Queue::Fifo(queue) => queue.take(),
            Queue::Stealing(queue) => queue.take(local.expect("a pool thread has a queue of its own")),
        }
    }

    /// The job taken as slow has ended, or was dead.
    pub(crate) fn slow_done(&self) {
        match self {
            Queue::Fifo(queue) => queue.slow_done(),
            Queue::Stealing(queue) => queue.slow_done(),
        }
    }

    /// Whether a thread that looks now would find something that it may take.
    pub(crate) fn has_work(&self) -> bool {
        match self {
            Queue::Fifo(queue) => queue.has_work(),
            Queue::Stealing(queue) => queue.has_work(),
        }
    }

    pub(crate) fn set_slow_limit(&self, limit: usize) {
        match self {
            Queue::Fifo(queue) => queue.set_slow_limit(limit),
            Queue::Stealing(queue) => queue.set_slow_limit(limit),
        }
    }

    /// Removes and returns everything, oldest first.
    pub(crate) fn drain(&self) -> Vec<Arc<dyn Job>> {
        match self {
            Queue::Fifo(queue) => queue.drain(),
            Queue::Stealing(queue) => queue.drain(),
        }
    }

    /// Drops what was cancelled and lies here dead: how many that were, and how many are left.
    pub(crate) fn purge(&self) -> (usize, usize) {
        match self {
            Queue::Fifo(queue) => queue.purge(),
            Queue::Stealing(queue) => queue.purge(),
        }
    }
}
