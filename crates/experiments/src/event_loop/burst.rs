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

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use runtime_lab::{RunMode, Runtime};

use crate::threads::{self, Thread};

/// A pool that has not started its threads after this time will not start them.
const PATIENCE: Duration = Duration::from_secs(10);

/// Closed until it is opened, once.
#[derive(Clone, Default)]
struct Gate(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    /// Somebody has arrived; one waits for it.
    arrived: Condvar,
    /// The gate is open; all who have arrived wait for it.
    opened: Condvar,
}

#[derive(Default)]
struct State {
    arrived: usize,
    open: bool,
}

impl Gate {
    fn open(&self) {
        self.state().open = true;
        self.0.opened.notify_all();
    }

    fn pass(&self) {
        let mut state = self.state();
        state.arrived += 1;
        self.0.arrived.notify_one();
        // Who opens it does so whatever happens: see `fill`.
        drop(self.0.opened.wait_while(state, |state| !state.open));
    }

    /// Waits until `count` jobs have arrived, or for too long.
    fn wait_for(&self, count: usize) {
        drop(self.0.arrived.wait_timeout_while(self.state(), PATIENCE, |state| state.arrived < count));
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the pool's threads wait in `jobs` jobs at once, then runs the loop to its end; the threads that are new after that.
///
/// # Errors
/// When the pool refuses a job or the threads cannot be listed.
pub(super) fn fill(runtime: &Runtime, jobs: usize) -> Result<Vec<Thread>> {
    let before = threads::list()?;
    let gate = Gate::default();
    let submitted = (0..jobs).try_for_each(|_| {
        let gate = gate.clone();
        runtime.offload(move || gate.pass(), |_lp, _outcome| ()).map(drop)
    });
    gate.wait_for(jobs.min(runtime.pool().metrics().threads_wanted));
    gate.open();
    submitted?;
    runtime.run(RunMode::Default)?;
    Ok(threads::started(&before, &threads::list()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_os = "linux")]
    fn a_burst_starts_every_thread_that_the_pool_may_have() {
        let names = |size: usize| {
            let runtime =
                Runtime::builder().pool_threads(size).pool(|pool| pool.thread_name("burst")).build().unwrap();
            let started = fill(&runtime, 4 * size).unwrap();
            // Other tests of this process start threads, too.
            started.iter().filter(|thread| thread.name.starts_with("burst-")).count()
        };
        assert_eq!((names(1), names(3)), (1, 3));
    }
}
