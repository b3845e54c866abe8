//! A burst of jobs that are in the pool at the same time, so that it starts every thread that it may have.
//!
//! # Model
//! | loop's thread | pool threads |
//! |---|---|
//! | submits more jobs than the pool may have threads | each takes one and waits at the gate; none is free for the rest |
//! | waits until as many jobs are at the gate as the pool may have threads | |
//! | opens the gate, runs the loop to its end | end the jobs |
//!
//! libuv starts all threads with the first job; our pool starts the next one when a job is left that nobody takes. Such a
//! burst leads both to the same number. How many threads there should be is only used to know when to wait no longer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::Result;
use runtime_lab::{RunMode, Runtime};

/// A pool that has not started its threads after this time will not start them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where jobs wait until all threads are there.
struct Gate {
    opened: OnceLock<()>,
    arrived: AtomicUsize,
    wanted: usize,
    full: Sender<()>,
}

impl Gate {
    fn pass(&self) {
        if self.arrived.fetch_add(1, Ordering::SeqCst) + 1 == self.wanted {
            // Who waits has gone only when its patience was over.
            let _ = self.full.send(());
        }
        // It is opened whatever happens: see `fill`.
        self.opened.wait();
    }
}

/// Lets the pool's threads wait in `jobs` jobs at once, then runs the loop to its end.
///
/// # Errors
/// When the pool refuses a job.
pub(super) fn fill(runtime: &Runtime, jobs: usize) -> Result<()> {
    let (full, is_full) = mpsc::channel();
    let wanted = jobs.min(runtime.pool().metrics().threads_wanted);
    let gate = Arc::new(Gate { opened: OnceLock::new(), arrived: AtomicUsize::new(0), wanted, full });
    let submitted = (0..jobs).try_for_each(|_| {
        let gate = gate.clone();
        runtime.offload(move || gate.pass(), |_lp, _outcome| ()).map(drop)
    });
    if submitted.is_ok() {
        // Too long is no error: the threads that are there are counted.
        let _ = is_full.recv_timeout(PATIENCE);
    }
    gate.opened.get_or_init(|| ());
    submitted?;
    runtime.run(RunMode::Default)?;
    Ok(())
}

/// Only Linux lists the threads of a process.
#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_burst_starts_every_thread_that_the_pool_may_have() {
        let names = |size: usize| {
            let runtime =
                Runtime::builder().pool_threads(size).pool(|pool| pool.thread_name("burst")).build().unwrap();
            fill(&runtime, 4 * size).unwrap();
            // Other tests of this process start threads, too.
            let threads = crate::threads::list().unwrap();
            threads.iter().filter(|thread| thread.name.starts_with("burst-")).count()
        };
        assert_eq!((names(1), names(3)), (1, 3));
    }
}
