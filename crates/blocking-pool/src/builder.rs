//! How a pool is to be: its size, its scheduler, its limits, what it measures.

use std::sync::Arc;

use clock::Clock;
use runtime_trace::Recorder;
use sync_protocols::Permits;

use crate::crew::Crew;
use crate::error::PoolError;
use crate::panics;
use crate::pool::BlockingPool;
use crate::queue::{Queue, Scheduler};
use crate::shared::{Bound, Shared, slow_limit};
use crate::size::{MAX_THREADS, SIZE_VARIABLE, threads_from_env};
use crate::trace::Tracer;

/// What happens to a job that finds the queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum WhenFull {
    /// `submit` fails with `SubmitError::Full`.
    #[default]
    Reject,
    /// `submit` waits for a place. A job that submits to its own pool does not wait, for the thread that it would
    /// wait for may be its own: there this is `RunOnCaller`.
    Block,
    /// `submit` runs the job, and calls its `complete`, before it returns.
    RunOnCaller,
}

/// Which jobs get their queue wait and run time measured.
///
/// It costs a clock read at the submission, one at the end of the run (one more at its start when the thread was
/// idle before), and two entries in histograms: together about 100 ns, shared by two threads. That is nothing
/// beside any job worth a pool, and more than half of the price of a job that does nothing: with 1,024 such jobs in
/// flight one thread ran 10 million a second untimed, 8 million with one in 8 timed, 4 million with all timed
/// (2 cores, FIFO). Counts cost next to nothing and are always kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Timing {
    /// Every job.
    #[default]
    All,
    /// About one in so many, chosen by the job's id; counts stay exact.
    OneIn(u32),
    /// None: the histograms stay empty. A recorder that is on still times every job.
    Off,
}

/// Builds a [`BlockingPool`]; start from [`BlockingPool::builder`].
#[derive(Clone)]
pub struct PoolBuilder {
    threads: Option<usize>,
    scheduler: Scheduler,
    queue_limit: Option<usize>,
    when_full: WhenFull,
    thread_name: String,
    stack_bytes: Option<usize>,
    timing: Timing,
    clock: Clock,
    recorder: Recorder,
    pub(crate) fail_from: Option<usize>,
}

impl Default for PoolBuilder {
    fn default() -> PoolBuilder {
        PoolBuilder {
            threads: None,
            scheduler: Scheduler::Fifo,
            queue_limit: None,
            when_full: WhenFull::Reject,
            thread_name: "pool".to_owned(),
            stack_bytes: None,
            timing: Timing::All,
            clock: Clock::real(),
            recorder: Recorder::off(),
            fail_from: None,
        }
    }
}

impl PoolBuilder {
    /// The number of threads, 1 to 1024. Without this call `UV_THREADPOOL_SIZE` decides as it does for libuv (see
    /// [`crate::threads_from_env`]), and without that it is 4.
    pub fn threads(mut self, threads: usize) -> PoolBuilder {
        self.threads = Some(threads);
        self
    }

    /// How jobs are given to threads; FIFO by default.
    pub fn scheduler(mut self, scheduler: Scheduler) -> PoolBuilder {
        self.scheduler = scheduler;
        self
    }

    /// How many jobs may wait; no limit by default. A cancelled job keeps its place until its end was delivered.
    pub fn queue_limit(mut self, limit: Option<usize>) -> PoolBuilder {
        self.queue_limit = limit;
        self
    }

    /// What happens at the queue limit; `Reject` by default.
    pub fn when_full(mut self, when_full: WhenFull) -> PoolBuilder {
        self.when_full = when_full;
        self
    }

    /// What the threads' names begin with: `pool`, by default, gives `pool-0`, `pool-1` and so on. Linux shows the
    /// first 15 bytes.
    pub fn thread_name(mut self, prefix: impl Into<String>) -> PoolBuilder {
        self.thread_name = prefix.into();
        self
    }

    /// The stack of each thread, in bytes; Rust's default (2 MiB) without this call.
    pub fn stack_bytes(mut self, bytes: usize) -> PoolBuilder {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Which jobs are timed; all by default.
    pub fn timing(mut self, timing: Timing) -> PoolBuilder {
        self.timing = timing;
        self
    }

    /// The clock for queue wait and run time; the real one by default.
    pub fn clock(mut self, clock: Clock) -> PoolBuilder {
        self.clock = clock;
        self
    }

    /// The recorder that gets `JobSubmit`, `JobBegin` and `JobEnd`; off by default.
    pub fn recorder(mut self, recorder: Recorder) -> PoolBuilder {
        self.recorder = recorder;
        self
    }

    /// Builds the pool. It has no thread until its first job.
    ///
    /// # Errors
    /// [`PoolError`] when a figure is out of range or the thread name holds a zero byte.
    pub fn build(self) -> Result<BlockingPool, PoolError> {
        let options = self.clone();
        let env = || {
            threads_from_env(std::env::var_os(SIZE_VARIABLE).as_ref().map(|value| value.as_encoded_bytes()))
        };
        let threads = check_size(self.threads.unwrap_or_else(env))?;
        if self.queue_limit == Some(0) {
            return Err(PoolError::QueueLimit);
        }
        if self.timing == Timing::OneIn(0) {
            return Err(PoolError::Sampling);
        }
        if self.thread_name.contains('\0') {
            return Err(PoolError::ThreadName { name: self.thread_name });
        }
        panics::install_hook();
        let when_full = self.when_full;
        let bound = self.queue_limit.map(|limit| Bound { limit, when_full, permits: Permits::new(limit) });
        let queue = Queue::new(self.scheduler, slow_limit(threads));
        let tracer = Tracer::new(self.recorder, &self.thread_name);
        let crew = Crew::new(self.thread_name, threads, self.stack_bytes, self.fail_from);
        let shared = Shared::new(queue, crew, bound, self.clock, self.timing, tracer);
        Ok(BlockingPool::new(Arc::new(shared), options))
    }
}

pub(crate) fn check_size(asked: usize) -> Result<usize, PoolError> {
    if (1..=MAX_THREADS).contains(&asked) { Ok(asked) } else { Err(PoolError::Size { asked }) }
}
