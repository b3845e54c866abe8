//! The pool itself: submit, resize, look at it.
//!
//! # Invariants
//! - P1: every submission ends exactly once: done, cancelled, panicked, or rejected by `submit`.
//! - P2: no lock of the pool is held while code of the user runs; jobs and completions may use the pool freely.

use std::sync::Arc;
use std::time::Duration;

use runtime_trace::next_id;
use sync_protocols::{Cancel, JobWord, NoPermit};

use crate::builder::{PoolBuilder, Timing, WhenFull, check_size};
use crate::error::{PoolError, SubmitError};
use crate::job::{Job, JobCell, JobHandle, JobHead, JobKind, JobOutcome};
use crate::metrics::{self, PoolMetrics, RunningJob};
use crate::shared::Shared;
use crate::shutdown::ShutdownReport;
use crate::worker::{self, Here};

/// Threads that run blocking jobs. Clones are the same pool.
///
/// Dropping the last clone cancels what is queued, waits for what runs, and joins the threads; use
/// [`BlockingPool::shutdown`] to bound the wait. In a job of the pool itself the drop does not wait.
///
/// A fork copies the pool without its threads. So in the child of a fork it is not to be used: a job would wait for ever. Build
/// another one there, with [`BlockingPool::fresh`] for instance. To drop or shut down the copy does nothing, and its jobs are
/// the parent's.
#[derive(Clone)]
pub struct BlockingPool {
    owner: Arc<Owner>,
}

/// Shuts the pool down when the last clone goes; pool threads and handles hold only what is inside.
struct Owner {
    shared: Arc<Shared>,
    options: PoolBuilder,
}

impl BlockingPool {
    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.owner.shared
    }

    /// The options of a pool, each with its default.
    pub fn builder() -> PoolBuilder {
        PoolBuilder::default()
    }

    pub(crate) fn new(shared: Arc<Shared>, options: PoolBuilder) -> BlockingPool {
        BlockingPool { owner: Arc::new(Owner { shared, options }) }
    }

    /// Another pool with the options of this one, which has no thread until its first job. Where no size was asked for,
    /// `UV_THREADPOOL_SIZE` is read again. A clone, by contrast, is the same pool.
    ///
    /// # Errors
    /// [`PoolError`] when the variable has changed to something out of range.
    pub fn fresh(&self) -> Result<BlockingPool, PoolError> {
        self.owner.options.clone().build()
    }

    /// Queues `work` for a pool thread, which then calls `complete` with its outcome, exactly once. `name` is for
    /// traces and reports.
    ///
    /// `complete` runs on the pool thread and should only hand the outcome over, for instance to an event loop.
    /// Jobs and completions may submit further jobs. A job without work is not a job; the types see to it:
    ///
    /// ```compile_fail
    /// # use blocking_pool::{BlockingPool, JobKind};
    /// let pool = BlockingPool::builder().build().unwrap();
    /// pool.submit(JobKind::Cpu, "nothing", None, |_outcome| {});
    /// ```
    ///
    /// # Errors
    /// [`SubmitError`]; then `work` and `complete` are dropped uncalled.
    pub fn submit<T, W, C>(
        &self,
        kind: JobKind,
        name: &'static str,
        work: W,
        complete: C,
    ) -> Result<JobHandle, SubmitError>
    where
        W: FnOnce() -> T + Send + 'static,
        C: FnOnce(JobOutcome<T>) + Send + 'static,
    {
        let shared = &self.owner.shared;
        let here = worker::here(shared);
        let here = here.as_deref();
        let queued = admit(shared, here).inspect_err(|_| shared.stats.count_rejected(kind))?;
        let mut head = JobHead {
            word: JobWord::default(),
            id: next_id(),
            parent: here.map_or(0, |here| here.job_id.get()),
            kind,
            name,
            submitted: None,
        };
        if shared.tracer.is_on() {
            shared.tracer.submit(&shared.clock, &mut head, here.map(|here| &*here.lane));
        } else if shared.timing.includes(head.id) {
            head.submitted = Some(shared.clock.now());
        }
        let job: Arc<dyn Job> = JobCell::new(head, work, complete);
        match here {
            Some(here) => here.stats.count_submitted(kind),
            None => shared.stats.count_submitted(kind),
        }
        if queued {
            shared.queue.push(Arc::clone(&job), here.and_then(|here| here.local.as_ref()));
            if !shared.call_one() {
                take_back(shared, &job)?;
            }
        } else {
            worker::run_on_caller(shared, &job);
        }
        Ok(JobHandle::new(job, Arc::clone(shared)))
    }

    /// Changes the number of threads, 1 to 1024. New ones start as jobs need them; of too many, idle ones leave now
    /// and busy ones after their job. The limit of slow jobs follows. Also tries again to start threads after the
    /// operating system has refused one.
    ///
    /// # Errors
    /// [`PoolError::Size`] and [`PoolError::ShutDown`].
    pub fn resize(&self, threads: usize) -> Result<(), PoolError> {
        let shared = &self.owner.shared;
        let wanted = check_size(threads)?;
        if shared.crew.resize(wanted, shared).ok_or(PoolError::ShutDown)? {
            shared.attention.raise();
            shared.sleepers.call_all();
        }
        if shared.has_work() {
            shared.call_one();
        }
        Ok(())
    }

    /// The figures now.
    pub fn metrics(&self) -> PoolMetrics {
        let shared = &self.owner.shared;
        let roll = shared.crew.roll();
        let kinds = metrics::collect(&roll.stats, &shared.stats);
        let (threads_sleeping, wakes) = shared.sleepers.counts();
        let busy =
            roll.stats.iter().enumerate().filter_map(|(index, stats)| running(shared, index, stats.busy()));
        PoolMetrics {
            threads_wanted: roll.wanted,
            threads_started: roll.live,
            threads_sleeping,
            busy: busy.collect(),
            start_error: roll.start_error,
            wakes,
            complete_panics: shared.stats.complete_panics(),
            kinds,
        }
    }

    /// Closes the pool, cancels what is queued (`complete` is called on this thread), waits up to `deadline` for
    /// what runs, and joins the threads. Later submissions are rejected. On a thread of the pool itself it waits
    /// for the other threads only.
    pub fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.owner.shared.shut_down(Some(deadline), false)
    }

    /// As [`BlockingPool::shutdown`], but what is queued is run first; only what is queued at the deadline is
    /// cancelled.
    pub fn drain(&self, deadline: Duration) -> ShutdownReport {
        self.owner.shared.shut_down(Some(deadline), true)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        if self.shared.is_of_parent() {
            // A thread of the parent may have been in the middle of anything in there.
            std::mem::forget(Arc::clone(&self.shared));
            return;
        }
        let wait = if worker::here(&self.shared).is_some() { Some(Duration::ZERO) } else { None };
        self.shared.shut_down(wait, false);
    }
}

impl std::fmt::Debug for BlockingPool {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roll = self.owner.shared.crew.roll();
        out.debug_struct("BlockingPool").field("threads", &roll.wanted).field("started", &roll.live).finish()
    }
}

impl Timing {
    #[inline]
    fn includes(self, id: u64) -> bool {
        match self {
            Timing::All => true,
            // Mixed, because ids are shared with everything else that has one and may come in steps.
            Timing::OneIn(n) => (id.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).is_multiple_of(u64::from(n)),
            Timing::Off => false,
        }
    }
}

/// Whether the job may be queued (`true`) or is to run on its caller, with a place in the queue and a thread for it.
#[inline]
fn admit(shared: &Arc<Shared>, here: Option<&Here>) -> Result<bool, SubmitError> {
    let queued = match &shared.bound {
        None => true,
        Some(bound) => {
            let block = bound.when_full == WhenFull::Block && here.is_none();
            match if block { bound.permits.take() } else { bound.permits.try_take() } {
                Ok(()) => true,
                Err(NoPermit::Closed) => return Err(SubmitError::ShutDown),
                Err(NoPermit::Full) if bound.when_full == WhenFull::Reject => {
                    return Err(SubmitError::Full { limit: bound.limit });
                }
                Err(NoPermit::Full) => false,
            }
        }
    };
    let refusal = match shared.crew.ensure_first(shared) {
        Ok(true) => return Ok(queued),
        Ok(false) => SubmitError::ShutDown,
        Err(source) => SubmitError::NoThread { name: shared.crew.thread_name(0), source },
    };
    if queued {
        shared.give_place_back();
    }
    Err(refusal)
}

/// The pool was closed while the job was being queued. Unless a thread or the one who closed it has the job already,
/// it is rejected.
#[cold]
fn take_back(shared: &Arc<Shared>, job: &Arc<dyn Job>) -> Result<(), SubmitError> {
    let head = job.head();
    if head.word.withdraw() != Cancel::Won {
        return Ok(());
    }
    job.discard();
    shared.give_place_back();
    shared.stats.take_submitted_back(head.kind);
    shared.stats.count_rejected(head.kind);
    if shared.tracer.is_on() {
        shared.tracer.refused(&shared.clock, head.id);
    }
    Err(SubmitError::ShutDown)
}

pub(crate) fn running(shared: &Shared, index: usize, busy: Option<(u64, u32)>) -> Option<RunningJob> {
    let (id, name) = busy?;
    Some(RunningJob { thread: shared.crew.thread_name(index), id, name: shared.names.get(name) })
}
