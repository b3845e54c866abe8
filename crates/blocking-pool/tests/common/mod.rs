//! What the tests of the pool share: gates to hold jobs at, and a place where outcomes arrive.
#![allow(dead_code)] // Each test file uses its part.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use blocking_pool::{BlockingPool, JobHandle, JobKind, JobOutcome, PoolBuilder, Scheduler};

pub(crate) const BOTH: [Scheduler; 2] = [Scheduler::Fifo, Scheduler::WorkStealing];

/// Long enough that no machine reaches it in a test that passes.
pub(crate) const LONG: Duration = Duration::from_secs(600);

/// A door that is shut until somebody opens it, for good.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    pub(crate) fn pass(&self) {
        let open = self.0.0.lock().unwrap();
        drop(self.0.1.wait_while(open, |open| !*open).unwrap());
    }
}

/// Where the outcomes of jobs arrive, in the order of completion, with the name given at submission.
pub(crate) struct Outcomes {
    sender: Sender<(usize, JobOutcome<usize>)>,
    receiver: Receiver<(usize, JobOutcome<usize>)>,
}

impl Default for Outcomes {
    fn default() -> Outcomes {
        let (sender, receiver) = mpsc::channel();
        Outcomes { sender, receiver }
    }
}

impl Outcomes {
    /// A `complete` that reports under `tag`.
    pub(crate) fn complete(&self, tag: usize) -> impl FnOnce(JobOutcome<usize>) + Send + 'static {
        let sender = self.sender.clone();
        move |outcome| sender.send((tag, outcome)).expect("the test still listens")
    }

    pub(crate) fn next(&self) -> (usize, JobOutcome<usize>) {
        self.receiver.recv().expect("the test holds a sender")
    }

    pub(crate) fn take(&self, count: usize) -> Vec<(usize, JobOutcome<usize>)> {
        (0..count).map(|_| self.next()).collect()
    }

    /// What has arrived so far.
    pub(crate) fn arrived(&self) -> Vec<(usize, JobOutcome<usize>)> {
        self.receiver.try_iter().collect()
    }
}

/// `submit` of a job that yields its tag.
pub(crate) fn submit(pool: &BlockingPool, tag: usize, outcomes: &Outcomes) -> JobHandle {
    pool.submit(JobKind::Cpu, "tagged", move || tag, outcomes.complete(tag)).expect("the pool is open")
}

/// Pool threads held at a gate, each in a job.
pub(crate) struct Occupied {
    gate: Gate,
    ended: Receiver<()>,
    count: usize,
    pub(crate) handles: Vec<JobHandle>,
}

/// Makes `count` threads busy with jobs of `kind`; returns when all of them run.
pub(crate) fn occupy(pool: &BlockingPool, kind: JobKind, count: usize) -> Occupied {
    let gate = Gate::default();
    let (running, all_run) = mpsc::channel();
    let (end, ended) = mpsc::channel();
    let handles = (0..count)
        .map(|_| {
            let (gate, running, end) = (gate.clone(), running.clone(), end.clone());
            let work = move || {
                running.send(()).expect("the test waits for this");
                gate.pass();
            };
            // The test may be gone when a job outlives a shutdown's deadline.
            let complete = move |_| end.send(()).unwrap_or_default();
            pool.submit(kind, "occupy", work, complete).expect("the pool is open")
        })
        .collect();
    for _ in 0..count {
        all_run.recv().expect("each job starts");
    }
    Occupied { gate, ended, count, handles }
}

impl Occupied {
    pub(crate) fn gate(&self) -> Gate {
        self.gate.clone()
    }

    /// Lets the threads go; returns when their jobs have completed.
    pub(crate) fn release(&self) {
        self.gate.open();
        for _ in 0..self.count {
            self.ended.recv().expect("each job ends");
        }
    }
}

impl Drop for Occupied {
    /// A test that fails must not leave its pool waiting.
    fn drop(&mut self) {
        self.gate.open();
    }
}

pub(crate) fn pool(threads: usize) -> BlockingPool {
    build(BlockingPool::builder().threads(threads))
}

pub(crate) fn pool_with(threads: usize, scheduler: Scheduler) -> BlockingPool {
    build(BlockingPool::builder().threads(threads).scheduler(scheduler))
}

pub(crate) fn build(builder: PoolBuilder) -> BlockingPool {
    builder.build().expect("the options are in range")
}

/// Gives other threads the processor until `condition` holds.
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        thread::yield_now();
    }
}

/// Waits until every thread that was started sleeps.
pub(crate) fn until_asleep(pool: &BlockingPool) {
    until(|| {
        let metrics = pool.metrics();
        metrics.threads_sleeping == metrics.threads_started
    });
}
