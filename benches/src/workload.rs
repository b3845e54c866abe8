//! The workloads, and putting one of them through a pool.

use std::sync::Arc;
use std::time::Duration;

use clock::Clock;

use crate::contender::Pool;
use crate::work::Work;

/// What kind of jobs a reader may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Workload {
    /// Jobs that do nothing: what remains is the price of a pool.
    NoOp,
    /// 10 us of hashing.
    Cpu10Us,
    /// 1 ms of hashing.
    Cpu1Ms,
    /// 1 ms asleep in the kernel.
    Blocking1Ms,
    /// Jobs that do nothing but submit two more, down to the leaves of a tree.
    Nested,
}

/// How a workload is put through a pool: `units` times `jobs_each` jobs, at most `in_flight` at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// What every job does.
    pub work: Work,
    /// How often the bench itself submits.
    pub units: usize,
    /// How many jobs come of one submission: 1, or a whole tree.
    pub jobs_each: usize,
    /// The most jobs in flight.
    pub in_flight: usize,
}

/// A tree of two children each has 127 jobs at this depth below its root.
const TREE_DEPTH: u32 = 6;

impl Workload {
    /// All, in the order of the tables.
    pub const ALL: [Workload; 5] =
        [Workload::NoOp, Workload::Cpu10Us, Workload::Cpu1Ms, Workload::Blocking1Ms, Workload::Nested];

    /// Its part of a bench's name.
    pub fn name(self) -> &'static str {
        match self {
            Workload::NoOp => "no-op",
            Workload::Cpu10Us => "cpu-10us",
            Workload::Cpu1Ms => "cpu-1ms",
            Workload::Blocking1Ms => "blocking-1ms",
            Workload::Nested => "nested",
        }
    }

    /// How it is loaded: enough jobs for a steady state, few enough for one thread to end them soon.
    pub fn load(self, clock: &Clock) -> Load {
        let load = |work, units, in_flight| Load { work, units, jobs_each: 1, in_flight };
        match self {
            Workload::NoOp => load(Work::Nothing, 32 * 1024, 1024),
            Workload::Cpu10Us => load(Work::hash_for(Duration::from_micros(10), clock), 2048, 256),
            Workload::Cpu1Ms => load(Work::hash_for(Duration::from_millis(1), clock), 64, 32),
            Workload::Blocking1Ms => load(Work::Wait(Duration::from_millis(1)), 256, 128),
            Workload::Nested => Load { jobs_each: tree_jobs(TREE_DEPTH), ..load(Work::Nothing, 128, 1024) },
        }
    }
}

impl Load {
    /// All jobs together.
    pub fn jobs(&self) -> usize {
        self.units * self.jobs_each
    }

    /// The same with fewer jobs, to see that it works at all.
    pub fn shortened(self) -> Load {
        Load { units: (self.units / 32).max(2), ..self }
    }

    /// Puts all jobs through `pool` and returns when every one has ended. `probe` is called on the thread that submits
    /// a job, and makes what then does the work: `Work::run`, or that with something to measure around it.
    pub fn run<P: FnOnce(Work) + Send + 'static>(
        &self,
        pool: &Pool,
        probe: impl Fn() -> P + Send + Sync + 'static,
    ) {
        let work = self.work;
        let probe = Arc::new(probe);
        let depth = self.jobs_each.ilog2();
        let mut left = self.units;
        while left > 0 {
            let room = pool.window().wait_for_room();
            let units = (room / self.jobs_each).clamp(1, left);
            pool.window().add(units * self.jobs_each);
            for _ in 0..units {
                if depth > 0 {
                    submit_tree(pool, depth, &probe);
                } else {
                    let runner = probe();
                    pool.submit(move || runner(work));
                }
            }
            left -= units;
        }
        pool.window().wait_until_empty();
    }
}

/// A job that submits two more, which do the same, `depth` times; the window has room for the whole tree already.
fn submit_tree<P: FnOnce(Work) + Send + 'static>(
    pool: &Pool,
    depth: u32,
    probe: &Arc<impl Fn() -> P + Send + Sync + 'static>,
) {
    let runner = probe();
    let (inner, inner_probe) = (pool.clone(), Arc::clone(probe));
    pool.submit(move || {
        runner(Work::Nothing);
        if depth > 0 {
            submit_tree(&inner, depth - 1, &inner_probe);
            submit_tree(&inner, depth - 1, &inner_probe);
        }
    });
}

/// Jobs in a tree of this depth below its root.
fn tree_jobs(depth: u32) -> usize {
    (1 << (depth + 1)) - 1
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::contender::Contender;
    use crate::window::Window;

    #[test]
    fn every_contender_runs_every_job_once() {
        for contender in Contender::ALL {
            for workload in Workload::ALL {
                let load = workload.load(&Clock::real()).shortened();
                let pool = Pool::build(contender, 2, Window::new(load.in_flight));
                let begun = Arc::new(AtomicUsize::new(0));
                let counter = Arc::clone(&begun);
                load.run(&pool, move || {
                    let counter = Arc::clone(&counter);
                    move |work: Work| {
                        counter.fetch_add(1, Ordering::Relaxed);
                        work.run();
                    }
                });
                assert_eq!(begun.load(Ordering::SeqCst), load.jobs(), "{contender:?} {workload:?}");
            }
        }
    }

    #[test]
    fn a_tree_has_one_job_for_each_node() {
        assert_eq!([tree_jobs(0), tree_jobs(1), tree_jobs(2), tree_jobs(6)], [1, 3, 7, 127]);
        assert_eq!(tree_jobs(TREE_DEPTH).ilog2(), TREE_DEPTH, "`run` finds the depth from the jobs");
    }
}
