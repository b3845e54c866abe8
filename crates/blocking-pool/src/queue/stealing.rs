//! The work-stealing queue: one deque for each thread, a shared injector, and a side queue for slow jobs.
//!
//! # Model
//! A job submitted from outside goes to the injector, one submitted by a job to the deque of the thread that runs
//! it. A thread takes from its own deque, then a batch from the injector, then from the others. Only what is slow
//! goes another way, through a queue with a limit, so that the limit holds however jobs travel. Every
//! [`FAIRNESS`]th time a thread looks at the slow queue and the injector first, so that neither waits for ever
//! behind jobs that keep submitting jobs.
//!
//! # Invariants
//! - W1: a job that was pushed is taken once, from whichever queue it has travelled to.
//! - W2: never more than `slow_limit` slow jobs are out at the same time, unless the limit was lowered meanwhile.
//! - W3: what a leaving thread still has in its deque is taken by others.
//!
//! # Source
//! Chase and Lev, "Dynamic circular work-stealing deque" (2005), as built in crossbeam-deque; the occasional look
//! at the injector first is Go's and tokio's.

use std::cell::Cell;
use std::collections::VecDeque;
use std::iter;
use std::sync::Arc;

use crossbeam_deque::{Injector, Steal, Stealer, Worker};
use parking_lot::{Mutex, RwLock};

use super::Taken;
use crate::job::{Job, JobKind};
use crate::shared::Padded;

/// How many times a thread prefers its own deque before it looks elsewhere first once.
const FAIRNESS: u32 = 31;

pub(crate) struct Stealing {
    injector: Injector<Arc<dyn Job>>,
    /// `stealers[index]` belongs to the thread of that index.
    stealers: RwLock<Vec<Stealer<Arc<dyn Job>>>>,
    slow: Padded<Mutex<Slow>>,
}

/// Guarded by `Stealing::slow`.
struct Slow {
    jobs: VecDeque<Arc<dyn Job>>,
    running: usize,
    limit: usize,
}

/// One thread's own end.
pub(crate) struct Local {
    index: usize,
    deque: Worker<Arc<dyn Job>>,
    turn: Cell<u32>,
}

impl Stealing {
    pub(crate) fn new(slow_limit: usize) -> Stealing {
        let slow = Slow { jobs: VecDeque::new(), running: 0, limit: slow_limit };
        Stealing {
            injector: Injector::new(),
            stealers: RwLock::new(Vec::new()),
            slow: Padded(Mutex::new(slow)),
        }
    }

    pub(crate) fn join(&self, index: usize) -> Local {
        // First in, first out also for its owner: the oldest job of a thread never waits behind younger ones.
        let deque = Worker::new_fifo();
        let mut stealers = self.stealers.write();
        while stealers.len() <= index {
            stealers.push(Worker::new_fifo().stealer()); // An empty place until its thread starts.
        }
        stealers[index] = deque.stealer();
        Local { index, deque, turn: Cell::new(0) }
    }

    pub(crate) fn leave(&self, local: &Local) {
        while let Some(job) = local.deque.pop() {
            self.injector.push(job);
        }
    }

    pub(crate) fn push(&self, job: Arc<dyn Job>, local: Option<&Local>) {
        if job.head().kind == JobKind::SlowIo {
            self.slow.0.lock().jobs.push_back(job);
        } else if let Some(local) = local {
            local.deque.push(job);
        } else {
            self.injector.push(job);
        }
    }

    pub(crate) fn take(&self, local: &Local) -> Option<Taken> {
        let turn = local.turn.get().wrapping_add(1);
        local.turn.set(turn);
        let fast = |job| Taken { job, slow: false };
        if turn.is_multiple_of(FAIRNESS) {
            let first = self.take_slow().or_else(|| until_clear(|| self.injector.steal()).map(fast));
            if first.is_some() {
                return first;
            }
        }
        local
            .deque
            .pop()
            .or_else(|| until_clear(|| self.injector.steal_batch_and_pop(&local.deque)))
            .or_else(|| self.steal_from_others(local))
            .map(fast)
            .or_else(|| self.take_slow())
    }

    fn steal_from_others(&self, local: &Local) -> Option<Arc<dyn Job>> {
        let stealers = self.stealers.read();
        // Each thread begins behind itself, so that they do not all rob the same one.
        let (before, behind) = stealers.split_at(local.index);
        until_clear(|| {
            behind[1..].iter().chain(before).map(|other| other.steal_batch_and_pop(&local.deque)).collect()
        })
    }

    fn take_slow(&self) -> Option<Taken> {
        let mut slow = self.slow.0.lock();
        if slow.running >= slow.limit {
            return None;
        }
        let job = slow.jobs.pop_front()?;
        slow.running += 1;
        Some(Taken { job, slow: true })
    }

    pub(crate) fn slow_done(&self) {
        self.slow.0.lock().running -= 1;
    }

    pub(crate) fn has_work(&self) -> bool {
        let slow_runnable = {
            let slow = self.slow.0.lock();
            !slow.jobs.is_empty() && slow.running < slow.limit
        };
        slow_runnable
            || !self.injector.is_empty()
            || self.stealers.read().iter().any(|stealer| !stealer.is_empty())
    }

    pub(crate) fn set_slow_limit(&self, limit: usize) {
        self.slow.0.lock().limit = limit;
    }

    pub(crate) fn drain(&self) -> Vec<Arc<dyn Job>> {
        let mut jobs: Vec<_> = iter::from_fn(|| until_clear(|| self.injector.steal())).collect();
        for stealer in self.stealers.read().iter() {
            jobs.extend(iter::from_fn(|| until_clear(|| stealer.steal())));
        }
        jobs.extend(self.slow.0.lock().jobs.drain(..));
        jobs.sort_by_key(|job| job.head().id);
        jobs
    }

    /// Only the shared queues: a thread's own deque is short, and robbed when its owner is stuck.
    pub(crate) fn purge(&self) -> (usize, usize) {
        let (mut purged, mut kept) = (0, 0);
        for _ in 0..self.injector.len() {
            match until_clear(|| self.injector.steal()) {
                Some(job) if super::is_alive(&job) => {
                    self.injector.push(job);
                    kept += 1;
                }
                Some(_) => purged += 1,
                None => break,
            }
        }
        let mut slow = self.slow.0.lock();
        let before = slow.jobs.len();
        slow.jobs.retain(super::is_alive);
        (purged + before - slow.jobs.len(), kept + slow.jobs.len())
    }
}

/// Repeats a theft until it neither lost a race nor has to be tried again.
fn until_clear<T>(mut steal: impl FnMut() -> Steal<T>) -> Option<T> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => std::hint::spin_loop(),
        }
    }
}
