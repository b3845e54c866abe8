//! What submitters, pool threads and handles share, and the few things that any of them may have to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};

use clock::Clock;
use parking_lot::Mutex;
use sync_protocols::{Attention, Call, Cancel, Permits, Sleepers};

use crate::builder::{Timing, WhenFull};
use crate::crew::Crew;
use crate::job::Job;
use crate::metrics::SharedStats;
use crate::names::Names;
use crate::queue::Queue;
use crate::trace::Tracer;

/// Keeps what one side writes off the cache lines of the other; 128 bytes, because lines are fetched in pairs.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct Padded<T>(pub(crate) T);

/// Purging is not worth a walk through the queue for fewer dead jobs than this.
const PURGE_MIN: isize = 64;

/// Aligned, so that the reference counts in front of it do not share a line with what threads read.
#[repr(align(128))]
pub(crate) struct Shared {
    pub(crate) queue: Queue,
    pub(crate) sleepers: Sleepers,
    pub(crate) attention: Attention,
    pub(crate) bound: Option<Bound>,
    pub(crate) clock: Clock,
    pub(crate) timing: Timing,
    pub(crate) tracer: Tracer,
    pub(crate) names: Names,
    pub(crate) crew: Crew,
    /// Cancelled jobs whose `complete` a pool thread is to call. `attention` is raised when there are some.
    cancelled: Mutex<Vec<Arc<dyn Job>>>,
    dead: Dead,
    pub(crate) stats: SharedStats,
    /// The process that has the threads.
    process: u32,
}

/// The limit of the queue and what happens at it.
pub(crate) struct Bound {
    pub(crate) limit: usize,
    pub(crate) when_full: WhenFull,
    pub(crate) permits: Permits,
}

/// Jobs that were cancelled and ended, and still lie in the queue.
struct Dead {
    count: AtomicIsize,
    /// The count at which the queue is purged next: as many as the last purge left alive, so that a purge costs a
    /// constant for each cancelled job.
    purge_at: AtomicIsize,
    /// Held while the queue is purged; `false` when it must not be any more, because the pool empties it.
    may_purge: Mutex<bool>,
}

impl Shared {
    pub(crate) fn new(
        queue: Queue,
        crew: Crew,
        bound: Option<Bound>,
        clock: Clock,
        timing: Timing,
        tracer: Tracer,
    ) -> Shared {
        Shared {
            queue,
            sleepers: Sleepers::new(0),
            attention: Attention::default(),
            bound,
            clock,
            timing,
            tracer,
            names: Names::default(),
            crew,
            cancelled: Mutex::default(),
            dead: Dead {
                count: AtomicIsize::new(0),
                purge_at: AtomicIsize::new(PURGE_MIN),
                may_purge: Mutex::new(true),
            },
            stats: SharedStats::default(),
            process: std::process::id(),
        }
    }

    /// Whether this is the child of a fork: then the threads, and the jobs, are the parent's.
    pub(crate) fn is_of_parent(&self) -> bool {
        self.process != std::process::id()
    }

    /// A job was added, or found left behind: calls a thread if one is needed. `false` when the pool is closed.
    #[inline]
    pub(crate) fn call_one(self: &Arc<Self>) -> bool {
        match self.sleepers.call_one() {
            Call::Nobody | Call::Woken => true,
            Call::Start => {
                self.start_another();
                true
            }
            Call::Closed => false,
        }
    }

    /// Starts the thread that a call asked for. If there is none, the jobs that relied on this call are seen to.
    #[cold]
    fn start_another(self: &Arc<Self>) {
        if !self.crew.start(self) && self.has_work() {
            self.call_one();
        }
    }

    /// Whether a pool thread that looks now finds something to do.
    pub(crate) fn has_work(&self) -> bool {
        self.attention.is_raised() || self.queue.has_work()
    }

    /// The job left the queue, or never gets there: its place is free.
    #[inline]
    pub(crate) fn give_place_back(&self) {
        if let Some(bound) = &self.bound {
            bound.permits.give_back();
        }
    }

    /// A job was cancelled; a pool thread is to tell.
    pub(crate) fn cancel_later(self: &Arc<Self>, job: Arc<dyn Job>) {
        self.stats.count_cancelled(job.head().kind);
        self.cancelled.lock().push(job);
        self.attention.raise();
        // When the pool is closed, whoever closed it or empties the queue finds the job there and tells.
        self.call_one();
    }

    /// A job was withdrawn; this thread tells.
    pub(crate) fn cancel_now(self: &Arc<Self>, job: &Arc<dyn Job>) {
        self.stats.count_cancelled(job.head().kind);
        self.tell_cancelled(job);
        self.leave_dead();
    }

    /// Tells those whose jobs were cancelled meanwhile.
    pub(crate) fn deliver_cancelled(self: &Arc<Self>) {
        let cancelled = std::mem::take(&mut *self.cancelled.lock());
        for job in cancelled {
            if job.head().word.deliver() {
                self.tell_cancelled(&job);
                self.leave_dead();
            }
        }
    }

    fn tell_cancelled(&self, job: &Arc<dyn Job>) {
        if !job.deliver_cancelled() {
            self.stats.count_complete_panic();
        }
        self.give_place_back();
    }

    /// A dead job came out of the queue: if nobody has told its end yet, this thread does.
    pub(crate) fn bury(&self, job: &Arc<dyn Job>) {
        if job.head().word.deliver() {
            self.tell_cancelled(job);
        } else {
            self.dead.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// A dead job stays in the queue; when they outnumber the living, they are thrown out.
    fn leave_dead(self: &Arc<Self>) {
        // Counts, not locks: nothing is ordered by these words.
        let dead = self.dead.count.fetch_add(1, Ordering::Relaxed) + 1;
        if dead < self.dead.purge_at.load(Ordering::Relaxed) {
            return;
        }
        if let Some(may_purge) = self.dead.may_purge.try_lock()
            && *may_purge
        {
            let (purged, kept) = self.queue.purge();
            self.dead.count.fetch_sub(purged as isize, Ordering::Relaxed);
            self.dead.purge_at.store(PURGE_MIN.max(kept as isize), Ordering::Relaxed);
        }
        // A thread may have looked while the living were held out of the queue.
        if self.has_work() {
            self.call_one();
        }
    }

    /// From now on nobody holds jobs out of the queue; the pool is about to be closed.
    pub(crate) fn stop_purges(&self) {
        *self.dead.may_purge.lock() = false;
    }

    /// Cancels everything that is queued, on this thread; how many jobs that were.
    pub(crate) fn cancel_queued(self: &Arc<Self>) -> u64 {
        let mut cancelled = 0;
        for job in self.queue.drain() {
            match job.head().word.withdraw() {
                Cancel::Won => {
                    cancelled += 1;
                    self.stats.count_cancelled(job.head().kind);
                    self.tell_cancelled(&job);
                }
                Cancel::Already | Cancel::Running | Cancel::Finished => self.bury(&job),
            }
        }
        self.attention.lower();
        self.deliver_cancelled();
        cancelled
    }
}

/// How many threads of `size` may run slow jobs: half, rounded up, as in libuv.
pub(crate) fn slow_limit(size: usize) -> usize {
    size.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::{BlockingPool, JobKind, Scheduler};

    #[test]
    fn cancelled_jobs_do_not_fill_the_queue_of_a_stuck_pool() {
        for scheduler in [Scheduler::Fifo, Scheduler::WorkStealing] {
            let pool = BlockingPool::builder().threads(1).scheduler(scheduler).build().expect("in range");
            let (open, gate) = mpsc::channel::<()>();
            let (run, running) = mpsc::channel();
            let stuck = move || {
                run.send(()).expect("the test waits for this");
                gate.recv().expect_err("the sender is dropped");
            };
            pool.submit(JobKind::Cpu, "stuck", stuck, |_| ()).expect("it is open");
            running.recv().expect("it runs");
            let submit = |kind| pool.submit(kind, "short", || (), |_| ()).expect("it is open");
            for _ in 0..100 {
                submit(JobKind::Cpu); // These live.
            }
            for at in 0..10_000 {
                let kind = if at % 2 == 0 { JobKind::Cpu } else { JobKind::SlowIo };
                submit(kind).cancel_here().expect("it is queued");
            }
            let left = pool.shared().queue.drain();
            drop(open);
            let alive = left.iter().filter(|job| job.head().word.withdraw() == Cancel::Won);
            assert_eq!(alive.count(), 100);
            assert!(left.len() <= 300, "{} jobs lie in the queue of {scheduler:?}", left.len());
        }
    }
}
