//! The pools that are compared: ours with each of its schedulers, and tokio's as the yardstick.
//!
//! # Model
//! Every pool is built with its defaults, except for its size. So ours measures the queue wait and the run time of
//! every job, as it does for everyone who uses it; tokio's measures nothing.

use std::sync::Arc;

use blocking_pool::{BlockingPool, JobKind, Scheduler};

use crate::window::Window;

/// The sizes that are compared.
pub const SIZES: [usize; 6] = [1, 2, 4, 8, 16, 64];

/// Who runs the jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Contender {
    /// Our pool, first in first out.
    Fifo,
    /// Our pool, work-stealing.
    Stealing,
    /// tokio's `spawn_blocking`, with `max_blocking_threads` as the size.
    Tokio,
}

impl Contender {
    /// All, in the order of the tables.
    pub const ALL: [Contender; 3] = [Contender::Fifo, Contender::Stealing, Contender::Tokio];

    /// Its part of a bench's name.
    pub fn name(self) -> &'static str {
        match self {
            Contender::Fifo => "fifo",
            Contender::Stealing => "stealing",
            Contender::Tokio => "tokio",
        }
    }
}

/// A pool of one contender, with the window that counts its jobs; clones are the same pool.
#[derive(Clone)]
pub struct Pool {
    kind: PoolKind,
    window: &'static Window,
}

#[derive(Clone)]
enum PoolKind {
    Ours(BlockingPool),
    Tokio(Arc<tokio::runtime::Runtime>),
}

impl Pool {
    /// Builds a pool; it starts its threads with its first jobs.
    ///
    /// # Panics
    /// When the pool cannot be built.
    pub fn build(contender: Contender, threads: usize, window: &'static Window) -> Pool {
        let ours = |scheduler| {
            let pool = BlockingPool::builder().threads(threads).scheduler(scheduler).build();
            PoolKind::Ours(pool.expect("the sizes of the benches are within the limits of the pool"))
        };
        let kind = match contender {
            Contender::Fifo => ours(Scheduler::Fifo),
            Contender::Stealing => ours(Scheduler::WorkStealing),
            Contender::Tokio => {
                let runtime =
                    tokio::runtime::Builder::new_current_thread().max_blocking_threads(threads).build();
                PoolKind::Tokio(Arc::new(runtime.expect("tokio needs a few descriptors for its runtime")))
            }
        };
        Pool { kind, window }
    }

    /// The window that counts this pool's jobs.
    pub fn window(&self) -> &Window {
        self.window
    }

    /// Hands one job over. Its end is told to the window, for which the caller has made room before.
    ///
    /// # Panics
    /// When our pool refuses the job: it has no thread.
    #[inline]
    pub fn submit(&self, work: impl FnOnce() + Send + 'static) {
        let window = self.window;
        match &self.kind {
            PoolKind::Ours(pool) => {
                let accepted = pool.submit(JobKind::Cpu, "bench", work, move |_outcome| window.ended());
                accepted.expect("an open pool without a limit accepts every job");
            }
            PoolKind::Tokio(runtime) => {
                // Dropped at once, as the handle of our job is: nobody waits for this job alone.
                drop(runtime.spawn_blocking(move || {
                    work();
                    window.ended();
                }));
            }
        }
    }
}
