//! The loop itself: one pass is one function that reads like the list of phases.
//!
//! # Model
//! | phase | what runs |
//! |---|---|
//! | pending | callbacks that an earlier call deferred (connect refused, shutdown done) |
//! | idle, prepare | their handles, newest started first |
//! | poll | sockets, work from other threads; sleeps when nothing else is to do |
//! | pending | again, at most 8 rounds |
//! | tasks | futures that were woken, one snapshot |
//! | check | immediates, then check handles, newest started first |
//! | closing | second step of closing, newest first |
//! | timers | libuv timers and Node's time-outs; the first phase instead before libuv 1.45 |
//!
//! # Invariants
//! - E1: a pass runs its phases in the order of the table, also when `stop` was called in it.
//! - E2: `run` on a loop with nothing to do calls nothing, not even a timer that is due but not referenced.
//!
//! # Source
//! libuv 1.52 `uv_run`; the tasks phase is ours.

use std::cell::{Cell, RefCell};
use std::panic::Location;
use std::rc::Rc;
use std::time::Duration;

use crate::blame::Instruments;
use crate::blame::Site;
use crate::core::{Core, LoopHandle};
use crate::driver::{Driver, Kind, OsDriver, Replay, ScriptedDriver};
use crate::error::LoopError;
use crate::handle::HandleId;
use crate::metrics::LoopMetrics;
use crate::options::{LoopOptions, TimerOrder, World};
use crate::phase::{Callee, Phase};
use crate::remote::Remotes;
use crate::watcher::WatcherKind;

/// How far `run` goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunMode {
    /// Until nothing that counts is left, or `stop`.
    Default,
    /// One pass, which may sleep until there is something to do.
    Once,
    /// One pass that never sleeps.
    NoWait,
}

/// How many rounds of deferred callbacks one pass runs after poll.
const PENDING_ROUNDS: usize = 8;

/// How many rounds of destructors a dropped loop runs at most: one that attaches something anew each time must end.
const DROP_ROUNDS: usize = 8;

/// A single-threaded event loop. It owns its callbacks: dropping it drops them, without calling them.
///
/// ```
/// use event_loop::{EventLoop, RunMode};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// let lp = event_loop.handle();
/// lp.set_timeout(Duration::from_millis(1), |lp| println!("due after {:?}", lp.elapsed()));
/// event_loop.run(RunMode::Default)?;
/// # Ok::<(), event_loop::LoopError>(())
/// ```
pub struct EventLoop {
    handle: LoopHandle,
}

impl EventLoop {
    /// A loop on the operating system, with the default options.
    ///
    /// # Errors
    /// See [`LoopOptions::build`].
    pub fn new() -> Result<EventLoop, LoopError> {
        LoopOptions::default().build()
    }

    /// The options to build a loop with.
    pub fn options() -> LoopOptions {
        LoopOptions::default()
    }

    pub(crate) fn with_options(options: LoopOptions) -> Result<EventLoop, LoopError> {
        let kind = match &options.world {
            World::Os => {
                let os = OsDriver::new(options.clock())
                    .map_err(|source| LoopError::Create { what: "poll set and wake-up", source })?;
                Kind::Os(Box::new(os))
            }
            World::Script(script) => Kind::Scripted(ScriptedDriver::new(script)),
            World::Replay(log) => Kind::Replay(Replay::new(log)),
        };
        let mut driver = Driver::new(kind, options.log.clone());
        let origin = driver.now();
        let metrics = std::sync::Arc::new(LoopMetrics::new(origin));
        let core = Core {
            id: runtime_trace::next_id(),
            origin,
            timer_order: options.timer_order,
            panic_policy: options.panic_policy,
            now_ns: Cell::new(0),
            running: Cell::new(false),
            stopped: Cell::new(false),
            closed: Cell::new(false),
            fatal: RefCell::new(None),
            dirty: Cell::new(false),
            woken_ns: Cell::new(0),
            count_waiting: options.count_waiting,
            read_buffer: Cell::default(),
            active_handles: Cell::new(0),
            active_requests: Cell::new(0),
            handles: Default::default(),
            closing: Default::default(),
            #[cfg(unix)]
            signals: Default::default(),
            #[cfg(unix)]
            pidfds: options.pidfds,
            #[cfg(unix)]
            children_by_signal: Default::default(),
            #[cfg(unix)]
            sigchld: Default::default(),
            pending: Default::default(),
            ready_io: Default::default(),
            events: Default::default(),
            timers: Default::default(),
            due: Default::default(),
            next_start_id: Cell::new(0),
            watchers: Default::default(),
            ticks: Default::default(),
            timeouts: Default::default(),
            immediates: Default::default(),
            requests: Default::default(),
            tasks: Default::default(),
            data: Default::default(),
            remotes: Remotes::new(driver.waker()),
            driver: RefCell::new(driver),
            metrics,
            instruments: Instruments::new(&options),
        };
        Ok(EventLoop { handle: LoopHandle { core: Rc::new(core) } })
    }

    /// The handle to schedule work with.
    pub fn handle(&self) -> LoopHandle {
        self.handle.clone()
    }

    /// Runs the loop. `true` means that something is still alive: after `stop`, or after a single pass.
    ///
    /// # Errors
    /// When it runs already, when poll fails, or when a callback panicked and the policy is to end.
    pub fn run(&self, mode: RunMode) -> Result<bool, LoopError> {
        let lp = &self.handle;
        let core = &lp.core;
        if core.running.replace(true) {
            return Err(LoopError::AlreadyRunning);
        }
        let _current = crate::task::enter_loop(lp);
        let _adopted = core.instruments.adopt_lane();
        // Whoever calls `run` may have computed for a while.
        core.dirty.set(true);
        let result = lp.run_passes(mode);
        core.stopped.set(false);
        core.running.set(false);
        core.publish_gauges();
        debug_assert_eq!(core.active_handles.get(), core.handles.count_alive(), "H1");
        match core.fatal.borrow_mut().take() {
            Some(error) => Err(error),
            None => result,
        }
    }

    /// Ends the loop. Nothing may be open: close the handles and run the loop once more before. Time-outs,
    /// intervals and immediates that still wait count as requests.
    ///
    /// # Errors
    /// [`LoopError::Busy`], with the loop unharmed inside the pair.
    pub fn close(self) -> Result<(), (EventLoop, LoopError)> {
        let core = &self.handle.core;
        let handles = core.handles.count_open();
        let requests = core.active_requests.get() + core.timeouts.len() + core.immediates.len();
        let tasks = core.tasks.len();
        if handles > 0 || requests > 0 || tasks > 0 {
            return Err((self, LoopError::Busy { handles, requests, tasks }));
        }
        Ok(())
    }
}

impl Drop for EventLoop {
    /// Shutdown order: no more work from outside; tasks are cancelled; everything else is dropped. User code
    /// that runs from destructors finds a closed loop and can do no harm.
    fn drop(&mut self) {
        let lp = self.handle.clone();
        let core = &lp.core;
        core.closed.set(true);
        let _current = crate::task::enter_loop(&lp);
        // Destructors may attach further things to the loop; repeat until all is quiet.
        for _ in 0..DROP_ROUNDS {
            lp.cancel_all_tasks();
            lp.dispose(Location::caller(), core.remotes.close());
            lp.clear_ticks();
            core.timeouts.clear(&lp);
            core.immediates.clear(&lp);
            core.requests.clear(&lp);
            lp.dispose(Location::caller(), core.data.take());
            lp.dispose(Location::caller(), core.pending.take());
            for id in core.handles.ids() {
                lp.drop_handle(id);
            }
            if core.is_quiet() {
                break;
            }
        }
        core.publish_gauges();
    }
}

impl Core {
    /// Nothing of the user's is left in a closed loop. Its inbox and its ticks accept nothing once it is closed, so
    /// one round has emptied them for good.
    fn is_quiet(&self) -> bool {
        self.tasks.len() == 0
            && self.timeouts.len() == 0
            && self.immediates.len() == 0
            && self.requests.len() == 0
            && self.data.borrow().is_empty()
            && self.pending.borrow().is_empty()
            && self.handles.ids().is_empty()
    }
}

impl LoopHandle {
    fn run_passes(&self, mode: RunMode) -> Result<bool, LoopError> {
        let core = &self.core;
        if !core.stopped.get() {
            self.drain_ticks();
        }
        if !core.is_alive() {
            self.update_time();
            return Ok(false);
        }
        let prepass = mode == RunMode::Default && core.timer_order == TimerOrder::Since145;
        if prepass && !core.stopped.get() && !core.must_end() {
            self.update_time();
            self.phase(Phase::Timers, || self.run_timers());
        }
        while !core.stopped.get() && !core.must_end() {
            core.instruments.begin_tick();
            let result = self.pass(mode);
            core.instruments.end_tick();
            result?;
            // What destructors queued after the last callback (N1).
            self.drain_ticks();
            // Not asked between the first timers and the first pass: what ran there is owed a whole pass (libuv).
            if mode != RunMode::Default || !core.is_alive() {
                break;
            }
        }
        Ok(core.is_alive())
    }

    /// One pass of the loop, also called a tick.
    fn pass(&self, mode: RunMode) -> Result<(), LoopError> {
        let core = &self.core;
        let can_sleep = core.pending.borrow().is_empty() && !core.watchers.idle_is_active();
        if core.timer_order == TimerOrder::Before145 {
            self.update_time();
            self.phase(Phase::Timers, || self.run_timers());
        }
        self.phase(Phase::Pending, || self.run_pending());
        self.phase(Phase::Idle, || self.run_watchers(WatcherKind::Idle));
        self.phase(Phase::Prepare, || self.run_watchers(WatcherKind::Prepare));
        let timeout = match mode {
            RunMode::Default => self.sleep_for(),
            RunMode::Once if can_sleep => self.sleep_for(),
            RunMode::Once | RunMode::NoWait => Some(Duration::ZERO),
        };
        core.metrics.count_iteration();
        core.publish_gauges();
        self.phase(Phase::Poll, || self.run_poll(timeout))?;
        for _ in 0..PENDING_ROUNDS {
            if core.pending.borrow().is_empty() {
                break;
            }
            self.phase(Phase::Pending, || self.run_pending());
        }
        self.phase(Phase::Tasks, || self.run_tasks());
        self.phase(Phase::Check, || self.run_check());
        self.phase(Phase::Closing, || self.run_closing());
        let timers_last = core.timer_order == TimerOrder::Since145 || mode == RunMode::Once;
        if timers_last {
            core.refresh_now();
            self.phase(Phase::Timers, || self.run_timers());
        }
        Ok(())
    }

    /// How long to sleep. When user code ran since the clock was read and the loop is about to sleep, the clock
    /// is read once more, or the sleep would be too long by the time that the code took (libuv's is).
    fn sleep_for(&self) -> Option<Duration> {
        let timeout = self.core.poll_timeout();
        if timeout == Some(Duration::ZERO) || !self.core.dirty.get() {
            return timeout;
        }
        self.core.refresh_now();
        self.core.poll_timeout()
    }

    fn phase<R>(&self, phase: Phase, run: impl FnOnce() -> R) -> R {
        self.core.instruments.enter_phase(phase);
        let result = run();
        self.core.instruments.leave_phase(phase);
        result
    }

    fn run_check(&self) {
        self.run_immediates();
        self.run_watchers(WatcherKind::Check);
    }

    /// The deferred callbacks that were queued when the round began; what they queue waits for the next.
    fn run_pending(&self) {
        let round = self.core.pending.borrow().len();
        for _ in 0..round {
            if self.core.must_end() {
                return;
            }
            let Some(deferred) = self.core.pending.borrow_mut().pop_front() else { return };
            self.run_deferred(deferred);
        }
    }

    /// The second step of closing, newest first; a close from a close callback waits for the next pass.
    fn run_closing(&self) {
        let mut batch = std::mem::take(&mut *self.core.closing.borrow_mut());
        while let Some(&id) = batch.last() {
            if self.core.must_end() {
                let mut queue = self.core.closing.borrow_mut();
                batch.append(&mut queue);
                *queue = batch;
                return;
            }
            if self.finish_close(id) {
                batch.pop();
            }
        }
    }

    /// The answer is `false` when the run must end before the close callback's turn has come.
    fn finish_close(&self, id: HandleId) -> bool {
        if !self.stream_cancel_requests(id) || !self.udp_cancel_sends(id) {
            return false;
        }
        let Some(mut handle) = self.core.handles.remove(id) else { return true };
        let on_close = handle.on_close.take();
        let site = Site::new(Callee::Close, id.slot, handle.location);
        self.dispose(handle.location, handle);
        if let Some(on_close) = on_close {
            self.call(site, || on_close(self));
        }
        true
    }

    /// Frees a handle without calling anything: the loop is being dropped.
    fn drop_handle(&self, id: HandleId) {
        self.begin_close(id, None);
        if let Some(handle) = self.core.handles.remove(id) {
            self.dispose(handle.location, handle);
        }
    }
}
