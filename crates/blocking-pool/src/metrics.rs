//! Live figures of a pool: what is queued, runs, has ended, and how long it took, for each kind of job.
//!
//! # Model
//! Each pool thread counts in a block of its own, which nobody else writes, and keeps its own histograms; a reader
//! adds the blocks up. So counting costs no line that travels between threads, and reading costs the reader
//! (for each thread and kind about 0.1 ms, the histograms being large).
//!
//! A snapshot is not a frozen moment: while jobs move, each figure is right for some moment of the reading. When
//! the pool is quiet it is exact, and `submitted = done + cancelled + panicked`.
//!
//! # Invariants
//! - M1: when all outcomes were delivered, `submitted = done + panicked + cancelled`, and depth and running are 0.
//! - M2: an outcome is counted before its `complete` is called.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use parking_lot::Mutex;
use runtime_trace::LatencyHistogram;

use crate::job::JobKind;

/// The figures of a pool at the time of reading.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolMetrics {
    /// The size that was asked for.
    pub threads_wanted: usize,
    /// How many threads exist; they are started when they are needed first.
    pub threads_started: usize,
    /// How many of those sleep.
    pub threads_sleeping: usize,
    /// What the threads are busy with: a job's work, or its `complete`.
    pub busy: Vec<RunningJob>,
    /// What the operating system said when a thread could not be started; the pool goes on with fewer.
    pub start_error: Option<String>,
    /// How many times a sleeping thread was woken or a new one started.
    pub wakes: u64,
    /// How many times a `complete` closure (or a destructor of a job) panicked.
    pub complete_panics: u64,
    pub(crate) kinds: [KindMetrics; 3],
}

impl PoolMetrics {
    /// The figures of one kind.
    pub fn kind(&self, kind: JobKind) -> &KindMetrics {
        &self.kinds[kind as usize]
    }

    /// The figures of all kinds together.
    pub fn total(&self) -> KindMetrics {
        let mut total = KindMetrics::default();
        for kind in &self.kinds {
            total.add(kind);
        }
        total
    }
}

/// A job that a pool thread is busy with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningJob {
    /// The name of the thread.
    pub thread: String,
    /// The job's id.
    pub id: u64,
    /// The name it was submitted under.
    pub name: &'static str,
}

/// The figures of one kind of job. Rejected jobs are in `rejected` and in no other figure.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct KindMetrics {
    /// How many wait to be started.
    pub depth: u64,
    /// How many run.
    pub running: u64,
    /// How many were accepted.
    pub submitted: u64,
    /// How many ran to their end.
    pub done: u64,
    /// How many were cancelled before they began.
    pub cancelled: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were not accepted.
    pub rejected: u64,
    /// From submission to the start, of the jobs that were timed.
    pub queue_wait: LatencyHistogram,
    /// From the start to the end of the work, of the jobs that were timed.
    pub run_time: LatencyHistogram,
}

impl KindMetrics {
    fn add(&mut self, other: &KindMetrics) {
        self.depth += other.depth;
        self.running += other.running;
        self.submitted += other.submitted;
        self.done += other.done;
        self.cancelled += other.cancelled;
        self.panicked += other.panicked;
        self.rejected += other.rejected;
        self.queue_wait.merge(&other.queue_wait);
        self.run_time.merge(&other.run_time);
    }
}

/// One thread's block: written by that thread alone, so that a store need not be a read-modify-write.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct ThreadStats {
    submitted: [AtomicU64; 3],
    started: [AtomicU64; 3],
    ended: [AtomicU64; 3],
    panicked: [AtomicU64; 3],
    /// The id of the job that the thread is busy with, 0 for none, and the index of its name.
    busy_id: AtomicU64,
    busy_name: AtomicU32,
    /// `timings[kind]`, made when the first job of that kind is timed.
    timings: Mutex<[Option<Box<Timings>>; 3]>,
}

#[derive(Default)]
struct Timings {
    queue_wait: LatencyHistogram,
    run_time: LatencyHistogram,
}

/// One more on a counter that only the calling thread writes.
#[inline]
fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed) + 1, Relaxed);
}

impl ThreadStats {
    #[inline]
    pub(crate) fn count_submitted(&self, kind: JobKind) {
        bump(&self.submitted[kind as usize]);
    }

    #[inline]
    pub(crate) fn count_started(&self, kind: JobKind) {
        bump(&self.started[kind as usize]);
    }

    /// Says what the thread is busy with from now on; `busy_with(0, 0)` when it is free.
    #[inline]
    pub(crate) fn busy_with(&self, id: u64, name_index: u32) {
        self.busy_name.store(name_index, Relaxed);
        self.busy_id.store(id, Release); // Partner: Acquire in `busy`, so that the name belongs to this id.
    }

    /// The id of the job that the thread is busy with, and the index of its name.
    pub(crate) fn busy(&self) -> Option<(u64, u32)> {
        let id = self.busy_id.load(Acquire);
        (id != 0).then(|| (id, self.busy_name.load(Relaxed)))
    }

    #[inline]
    pub(crate) fn count_ended(&self, kind: JobKind, panicked: bool, times: Option<Times>) {
        if let Some(times) = times {
            let mut timings = self.timings.lock();
            let timings = timings[kind as usize].get_or_insert_default();
            timings.queue_wait.record(times.queue_wait);
            timings.run_time.record(times.run);
        }
        if panicked {
            bump(&self.panicked[kind as usize]);
        }
        bump(&self.ended[kind as usize]);
    }

    /// Adds everything but submissions; those are read when all ends have been (see [`collect`]).
    fn add_runs_to(&self, kinds: &mut [KindMetrics; 3]) {
        for (index, kind) in kinds.iter_mut().enumerate() {
            let (ended, panicked) = (self.ended[index].load(Relaxed), self.panicked[index].load(Relaxed));
            let started = self.started[index].load(Relaxed);
            kind.done += ended.saturating_sub(panicked);
            kind.panicked += panicked;
            kind.running += started.saturating_sub(ended);
        }
        for (kind, timings) in kinds.iter_mut().zip(self.timings.lock().iter()) {
            if let Some(timings) = timings {
                kind.queue_wait.merge(&timings.queue_wait);
                kind.run_time.merge(&timings.run_time);
            }
        }
    }
}

/// How long a job waited and ran.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) queue_wait: Duration,
    pub(crate) run: Duration,
}

/// What is counted outside pool threads: by submitters and by those who cancel.
#[repr(align(128))]
#[derive(Default)]
pub(crate) struct SharedStats {
    submitted: [AtomicU64; 3],
    cancelled: [AtomicU64; 3],
    rejected: [AtomicU64; 3],
    complete_panics: AtomicU64,
    /// Jobs that ran on the thread that submitted them; the lock makes their writers one at a time.
    pub(crate) callers: Mutex<Arc<ThreadStats>>,
}

impl SharedStats {
    #[inline]
    pub(crate) fn count_submitted(&self, kind: JobKind) {
        self.submitted[kind as usize].fetch_add(1, Relaxed);
    }

    /// The job was counted as submitted and then not accepted after all.
    pub(crate) fn take_submitted_back(&self, kind: JobKind) {
        self.submitted[kind as usize].fetch_sub(1, Relaxed);
    }

    pub(crate) fn count_cancelled(&self, kind: JobKind) {
        self.cancelled[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn count_rejected(&self, kind: JobKind) {
        self.rejected[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn count_complete_panic(&self) {
        self.complete_panics.fetch_add(1, Relaxed);
    }

    pub(crate) fn complete_panics(&self) -> u64 {
        self.complete_panics.load(Relaxed)
    }
}

/// Adds up the blocks: all ends first, submissions last, so that no job is seen to end before it was submitted.
pub(crate) fn collect(threads: &[Arc<ThreadStats>], shared: &SharedStats) -> [KindMetrics; 3] {
    let mut kinds: [KindMetrics; 3] = Default::default();
    for block in threads {
        block.add_runs_to(&mut kinds);
    }
    shared.callers.lock().add_runs_to(&mut kinds);
    for (index, kind) in kinds.iter_mut().enumerate() {
        kind.cancelled = shared.cancelled[index].load(Relaxed);
        kind.rejected = shared.rejected[index].load(Relaxed);
        // Wrapping: a job that a pool thread submitted and that was refused is taken back on the shared counter.
        let within = threads.iter().map(|block| block.submitted[index].load(Relaxed)).sum::<u64>();
        kind.submitted = shared.submitted[index].load(Relaxed).wrapping_add(within);
        let left = kind.done + kind.panicked + kind.cancelled + kind.running;
        kind.depth = kind.submitted.saturating_sub(left);
    }
    kinds
}
