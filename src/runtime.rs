//! The runtime: one loop, one pool, one thread that runs callbacks and several that run jobs.
//!
//! # Model
//! ```text
//! Runtime::builder() --options--> build --> loop + pool + recorder --drop--> loop, pool, then the trace file
//! ```
//! With `RUNTIME_LAB_TRACE=FILE.json` in the environment a runtime whose code names no recorder records all the same, and
//! writes a Chrome trace to that file when it is dropped; `trace_file` has the rules.

use std::future::IntoFuture;
use std::rc::Rc;
use std::time::Duration;

use blocking_pool::{BlockingPool, JobKind, JobOutcome, PoolBuilder, PoolError, Scheduler, SubmitError};
use clock::Clock;
use event_loop::{EventLoop, JoinError, LoopError, LoopHandle, LoopOptions, PanicPolicy, RunMode};
use runtime_trace::Recorder;

use crate::join::{self, JobHandle};
use crate::trace_file::{TraceFile, WriteAtEnd};

/// What can go wrong with a runtime as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The loop could not be made or had to end.
    #[error(transparent)]
    Loop(#[from] LoopError),
    /// The pool could not be made.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// A job was refused.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// The future that was waited for did not finish.
    #[error("the main task has no value: {0}")]
    Main(#[from] JoinError),
}

/// Options of a [`Runtime`]; [`Runtime::builder`] starts with the defaults of libuv.
#[derive(Clone)]
pub struct RuntimeBuilder {
    options: LoopOptions,
    pool: PoolBuilder,
    shared_pool: Option<BlockingPool>,
    recorder: Recorder,
    /// The file that the environment asked for, until the code names a recorder of its own.
    trace_file: Option<&'static TraceFile>,
}

impl RuntimeBuilder {
    /// Threads of the pool; without this call `UV_THREADPOOL_SIZE` or 4.
    pub fn pool_threads(mut self, threads: usize) -> Self {
        self.pool = self.pool.threads(threads);
        self
    }

    /// How the pool hands jobs to its threads.
    pub fn scheduler(mut self, scheduler: Scheduler) -> Self {
        self.pool = self.pool.scheduler(scheduler);
        self
    }

    /// Changes the options of the pool that have no method here.
    pub fn pool(mut self, change: impl FnOnce(PoolBuilder) -> PoolBuilder) -> Self {
        self.pool = change(self.pool);
        self
    }

    /// Joins the loop with a pool that exists, so that several loops share its threads; what else is said of a pool
    /// here does nothing. When the runtime goes, the pool and the jobs in it go on, and their outcomes are dropped.
    pub fn shared_pool(mut self, pool: BlockingPool) -> Self {
        self.shared_pool = Some(pool);
        self
    }

    /// Changes the options of the loop that have no method here.
    pub fn event_loop(mut self, change: impl FnOnce(LoopOptions) -> LoopOptions) -> Self {
        self.options = change(self.options);
        self
    }

    /// What a panic in a callback does to the loop.
    pub fn panic_policy(mut self, policy: PanicPolicy) -> Self {
        self.options = self.options.panic_policy(policy);
        self
    }

    /// Times every callback and reports those that hold the loop longer than this.
    pub fn stall_threshold(mut self, threshold: Duration) -> Self {
        self.options = self.options.stall_threshold(threshold);
        self
    }

    /// Records what loop and pool do. Without this call they are recorded when `RUNTIME_LAB_TRACE=FILE.json` is set, and
    /// the runtime writes a Chrome trace to that file when it is dropped; with it the variable has no effect, even when
    /// the recorder is off.
    pub fn recorder(mut self, recorder: Recorder) -> Self {
        self.trace_file = None;
        self.record_into(recorder)
    }

    fn record_into(mut self, recorder: Recorder) -> Self {
        self.options = self.options.recorder(recorder.clone());
        self.pool = self.pool.recorder(recorder.clone());
        self.recorder = recorder;
        self
    }

    /// Makes the runtime. The pool starts its threads with the first job.
    ///
    /// # Errors
    /// When the system has no descriptors for the loop, or the pool's options make no sense.
    pub fn build(self) -> Result<Runtime, RuntimeError> {
        let pool = match self.shared_pool {
            Some(pool) => pool,
            None => self.pool.build()?,
        };
        let event_loop = self.options.build()?;
        event_loop.handle().set_data(Rc::new(pool.clone()));
        let trace = self.trace_file.map(WriteAtEnd);
        Ok(Runtime { event_loop, pool, recorder: self.recorder, _trace: trace })
    }
}

/// A loop and a pool, joined.
///
/// Dropping it ends the loop first (what waits for jobs is dropped uncalled), then the pool, unless others hold it,
/// too: queued jobs are cancelled and running ones waited for.
pub struct Runtime {
    event_loop: EventLoop,
    pool: BlockingPool,
    recorder: Recorder,
    /// Fields are dropped in order: by then the loop and, unless others hold it, the pool have ended.
    _trace: Option<WriteAtEnd>,
}

impl Runtime {
    /// A runtime with libuv's defaults.
    ///
    /// # Errors
    /// See [`RuntimeBuilder::build`].
    pub fn new() -> Result<Runtime, RuntimeError> {
        Runtime::builder().build()
    }

    /// Options to build a runtime with.
    pub fn builder() -> RuntimeBuilder {
        let builder = RuntimeBuilder {
            options: EventLoop::options(),
            pool: BlockingPool::builder().clock(Clock::real()),
            shared_pool: None,
            recorder: Recorder::off(),
            trace_file: TraceFile::of_process(),
        };
        match builder.trace_file {
            Some(file) => builder.record_into(file.recorder()),
            None => builder,
        }
    }

    /// The handle to schedule work on the loop.
    pub fn handle(&self) -> LoopHandle {
        self.event_loop.handle()
    }

    /// The pool.
    pub fn pool(&self) -> &BlockingPool {
        &self.pool
    }

    /// Where loop and pool record what they do.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Runs `work` on a pool thread and then `after` on the loop.
    ///
    /// # Errors
    /// When the pool refuses the job; `after` is dropped uncalled.
    #[track_caller]
    pub fn offload<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        after: impl FnOnce(&LoopHandle, JobOutcome<T>) + 'static,
    ) -> Result<JobHandle, SubmitError> {
        join::join(&self.handle(), &self.pool, JobKind::Cpu, "offload", work, after)
    }

    /// Makes the runtime usable in the child of a fork: to be called there, on the thread that forked, before anything else
    /// is done with it. See [`EventLoop::after_fork`] for the loop. The pool is a fresh one with the same options, whose
    /// threads start with its first job; a pool that was shared is the runtime's own then. Jobs of the parent do not run
    /// in the child, and what waits for them is dropped uncalled. Unix only.
    ///
    /// # Errors
    /// As [`RuntimeBuilder::build`]; the runtime must not be run then.
    #[cfg(unix)]
    pub fn after_fork(&mut self) -> Result<(), RuntimeError> {
        let pool = self.pool.fresh()?;
        self.event_loop.after_fork()?;
        self.handle().set_data(Rc::new(pool.clone()));
        self.pool = pool;
        Ok(())
    }

    /// Runs the loop; see [`EventLoop::run`].
    ///
    /// # Errors
    /// When a callback panicked and the policy is to end, or when poll fails.
    pub fn run(&self, mode: RunMode) -> Result<bool, LoopError> {
        self.event_loop.run(mode)
    }

    /// Runs the loop until nothing is left and returns what `future` gave, which may also be a [`Request`](crate::Request). For tasks, sockets and timers that never end,
    /// [`LoopHandle::stop`] ends the run, or [`JoinHandle::set_ref`](event_loop::JoinHandle::set_ref) and its like tell the
    /// loop not to wait for them.
    ///
    /// # Errors
    /// As [`Runtime::run`]; or when the loop was stopped before the future ended, or the future panicked. A future that has
    /// not ended is dropped: nobody could have its value any more.
    #[track_caller]
    pub fn block_on<T: 'static>(
        &self,
        future: impl IntoFuture<Output = T> + 'static,
    ) -> Result<T, RuntimeError> {
        // A request becomes a future while the loop runs.
        let task = self.handle().spawn(async move { future.await });
        let ran = self.run(RunMode::Default);
        task.cancel(); // Of a task that has ended it changes nothing.
        ran?;
        match task.try_take() {
            Some(outcome) => Ok(outcome?),
            None => Err(JoinError::Cancelled.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recorder_in_the_code_comes_before_the_variable() {
        let asked = TraceFile::named(Some("never-written.json".into())).expect("a file");
        let asked: &'static TraceFile = Box::leak(Box::new(asked));
        let builder = RuntimeBuilder { trace_file: Some(asked), ..Runtime::builder() };
        let runtime = builder.recorder(Recorder::off()).build().expect("a runtime");
        assert!(runtime._trace.is_none() && !runtime.recorder().is_on());
    }
}
