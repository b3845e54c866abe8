//! The heart of a loop: its state, its handle for callbacks, and how user code is called.
//!
//! # Model
//! [`LoopHandle`] is the one way in for callbacks, futures and hyper alike. All state sits in [`Core`] behind
//! cells that are borrowed for a moment and never across user code.
//!
//! # Invariants
//! - L1: no internal borrow is alive while user code runs: callback, poll, wake, drop of a closure or future.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

use crate::blame::{Instruments, Site};
use crate::driver::{Driver, Readiness};
use crate::error::{LoopError, panic_message};
use crate::handle::{HandleId, HandleTable};
use crate::metrics::{Gauges, LoopMetrics};
use crate::node::{Immediates, Ticks, Timeouts};
use crate::options::{PanicPolicy, TimerOrder};
use crate::remote::{RemoteHandle, Remotes, Requests};
use crate::stream::Deferred;
use crate::task::Tasks;
use crate::timer_heap::TimerHeap;
use crate::watcher::WatcherLists;

pub(crate) type Callback = Box<dyn FnMut(&LoopHandle)>;
pub(crate) type CloseCallback = Box<dyn FnOnce(&LoopHandle)>;

/// Everything that a loop knows.
pub(crate) struct Core {
    pub(crate) id: u64,
    pub(crate) origin: Instant,
    pub(crate) timer_order: TimerOrder,
    pub(crate) panic_policy: PanicPolicy,
    /// The cached time: nanoseconds since `origin`.
    pub(crate) now_ns: Cell<u64>,
    pub(crate) running: Cell<bool>,
    pub(crate) stopped: Cell<bool>,
    pub(crate) closed: Cell<bool>,
    /// The first panic under [`PanicPolicy::End`]; the run ends with it.
    pub(crate) fatal: RefCell<Option<LoopError>>,
    /// User code may have run since the clock was last read.
    pub(crate) dirty: Cell<bool>,
    /// When poll last returned, in loop time.
    pub(crate) woken_ns: Cell<u64>,
    pub(crate) count_waiting: bool,
    /// The buffer for reads; taken out while a callback looks at it.
    pub(crate) read_buffer: Cell<Vec<u8>>,

    pub(crate) active_handles: Cell<usize>,
    pub(crate) active_requests: Cell<usize>,
    pub(crate) handles: HandleTable,
    pub(crate) closing: RefCell<Vec<HandleId>>,
    pub(crate) pending: RefCell<VecDeque<Deferred>>,
    pub(crate) ready_io: RefCell<VecDeque<HandleId>>,
    pub(crate) events: RefCell<Vec<Readiness>>,

    pub(crate) timers: RefCell<TimerHeap>,
    pub(crate) due: RefCell<VecDeque<(HandleId, u64)>>,
    pub(crate) next_start_id: Cell<u64>,
    pub(crate) watchers: WatcherLists,
    #[cfg(unix)]
    pub(crate) signals: RefCell<crate::signal::Sources>,
    /// Whether children are watched by pidfd where there is one.
    #[cfg(unix)]
    pub(crate) pidfds: bool,
    /// The children that wait for SIGCHLD, and the watcher that serves them.
    #[cfg(unix)]
    pub(crate) children_by_signal: RefCell<Vec<HandleId>>,
    #[cfg(unix)]
    pub(crate) sigchld: Cell<Option<HandleId>>,

    pub(crate) ticks: Ticks,
    pub(crate) timeouts: Timeouts,
    pub(crate) immediates: Immediates,
    pub(crate) requests: Requests,
    pub(crate) tasks: Tasks,

    /// What users attach to the loop, one value of each type (libuv's `loop->data`).
    pub(crate) data: RefCell<HashMap<TypeId, Rc<dyn Any>>>,
    pub(crate) driver: RefCell<Driver>,
    pub(crate) remotes: Remotes,
    pub(crate) metrics: Arc<LoopMetrics>,
    pub(crate) instruments: Instruments,
}

/// The scheduling surface of a loop for everything that runs on its thread. Cloning is cheap.
///
/// Callbacks get it as their first argument; futures find it with [`LoopHandle::current`]. After the loop was
/// dropped its methods do nothing, and what they were given is dropped at once.
#[derive(Clone)]
pub struct LoopHandle {
    pub(crate) core: Rc<Core>,
}

impl std::fmt::Debug for LoopHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoopHandle").field("id", &self.core.id).finish_non_exhaustive()
    }
}

impl LoopHandle {
    /// The cached time of the loop. A pass moves it after poll and before timers. While callbacks run it moves
    /// only with what reads the clock afresh: [`LoopHandle::update_time`], a time-out or interval of Node's layer
    /// that starts or fires, and a [`sleep`](crate::sleep()) that starts.
    pub fn now(&self) -> Instant {
        self.core.origin + self.elapsed()
    }

    /// The cached time as the time since the loop was made.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.core.now_ns.get())
    }

    /// Reads the clock and moves the cached time: call it after long work, before starting a timer.
    pub fn update_time(&self) {
        let now = self.core.driver.borrow_mut().now();
        self.core.set_now(now);
    }

    /// Ends `run` after the current pass, whose phases all run, with a poll that does not sleep.
    pub fn stop(&self) {
        self.core.stopped.set(true);
    }

    /// Whether anything keeps the loop alive: an active referenced handle, a request, a task, a closing handle.
    pub fn is_alive(&self) -> bool {
        self.core.is_alive()
    }

    /// How long poll would sleep now; `None` is for ever.
    pub fn backend_timeout(&self) -> Option<Duration> {
        self.core.poll_timeout()
    }

    /// The way into this loop from other threads.
    pub fn remote(&self) -> RemoteHandle {
        self.core.remotes.handle()
    }

    /// Counters of this loop that any thread may read.
    pub fn metrics(&self) -> Arc<LoopMetrics> {
        self.core.metrics.clone()
    }

    /// Attaches a value to the loop; one of each type. It is dropped with the loop.
    pub fn set_data<T: 'static>(&self, value: Rc<T>) {
        if self.core.closed.get() {
            return;
        }
        let old = self.core.data.borrow_mut().insert(TypeId::of::<T>(), value);
        self.dispose(Location::caller(), old);
    }

    /// The attached value of this type.
    pub fn data<T: 'static>(&self) -> Option<Rc<T>> {
        let found = self.core.data.borrow().get(&TypeId::of::<T>()).cloned();
        found.and_then(|value| value.downcast().ok())
    }

    /// Calls user code: times it when asked to, catches its panic, then drains ticks and microtasks.
    pub(crate) fn call<R>(&self, site: Site, code: impl FnOnce() -> R) -> Option<R> {
        // What a destructor queued after the callback before this one comes first (N1).
        self.drain_ticks();
        let result = self.call_without_ticks(site, code);
        self.drain_ticks();
        result
    }

    pub(crate) fn call_without_ticks<R>(&self, site: Site, code: impl FnOnce() -> R) -> Option<R> {
        let begun = self.core.instruments.begin(site);
        let result = catch_unwind(AssertUnwindSafe(code));
        // Set after the call: code that reads the clock and then computes on leaves a stale time behind.
        self.core.dirty.set(true);
        self.core.instruments.end(site, begun);
        self.core.metrics.count_callback();
        result.map_err(|payload| self.panicked(site.location, payload)).ok()
    }

    /// Drops something of the user's; a panic in its destructor follows the loop's policy.
    pub(crate) fn dispose<T>(&self, location: &'static Location<'static>, value: T) {
        if std::mem::needs_drop::<T>() {
            self.guard(location, || drop(value));
        }
    }

    /// Wakes a waker, which may be anybody's; a panic in it follows the loop's policy.
    pub(crate) fn wake(&self, location: &'static Location<'static>, waker: Waker) {
        self.guard(location, || waker.wake());
    }

    fn guard(&self, location: &'static Location<'static>, code: impl FnOnce()) {
        let result = catch_unwind(AssertUnwindSafe(code));
        self.core.dirty.set(true);
        if let Err(payload) = result {
            self.panicked(location, payload);
        }
    }

    pub(crate) fn panicked(&self, location: &'static Location<'static>, payload: Box<dyn Any + Send>) {
        self.core.metrics.count_panic();
        if self.core.panic_policy == PanicPolicy::End {
            let message = panic_message(payload.as_ref());
            let mut fatal = self.core.fatal.borrow_mut();
            fatal.get_or_insert(LoopError::Panicked { location, message });
        }
        // A payload is user code too: one that panics when dropped is left undropped.
        if let Err(worse) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(worse);
        }
    }
}

impl Core {
    pub(crate) fn set_now(&self, now: Instant) {
        let now_ns = now.saturating_duration_since(self.origin).as_nanos() as u64;
        // A log that is replayed, or a clock that misbehaves, must not move the loop's time back.
        self.now_ns.set(now_ns.max(self.now_ns.get()));
        self.dirty.set(false);
    }

    /// Reads the clock only when user code ran since the last reading; otherwise no time worth naming passed.
    pub(crate) fn refresh_now(&self) {
        if self.dirty.get() {
            let now = self.driver.borrow_mut().now();
            self.set_now(now);
        }
    }

    pub(crate) fn count_handle(&self, more: bool) {
        let count = self.active_handles.get();
        self.active_handles.set(if more { count + 1 } else { count - 1 });
    }

    pub(crate) fn count_request(&self, more: bool) {
        let count = self.active_requests.get();
        self.active_requests.set(if more { count + 1 } else { count - 1 });
    }

    /// Lets other threads see what there is now.
    pub(crate) fn publish_gauges(&self) {
        self.metrics.publish(&Gauges {
            active_handles: self.active_handles.get(),
            active_requests: self.active_requests.get(),
            tasks: self.tasks.len(),
            timers: self.timers.borrow().len(),
            streams: self.handles.streams(),
        });
    }

    /// Whether something that counts has work in flight (libuv: active handles or requests).
    pub(crate) fn has_work(&self) -> bool {
        self.active_handles.get() > 0
            || self.active_requests.get() > 0
            || self.tasks.keep_alive()
            || self.immediates.keep_alive()
            || self.timeouts.keep_alive()
    }

    pub(crate) fn is_alive(&self) -> bool {
        let any = self.has_work() || !self.pending.borrow().is_empty() || !self.closing.borrow().is_empty();
        any && !self.closed.get()
    }

    pub(crate) fn must_end(&self) -> bool {
        self.fatal.borrow().is_some()
    }

    /// How long poll may sleep: not at all when something waits to run, else until the next timer. Timers that
    /// are not referenced shorten the sleep too.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let at_once = self.stopped.get()
            || self.must_end()
            || !self.has_work()
            || !self.pending.borrow().is_empty()
            || !self.closing.borrow().is_empty()
            || !self.ready_io.borrow().is_empty()
            || self.watchers.idle_is_active()
            || self.immediates.keep_alive()
            || self.tasks.any_ready()
            || self.remotes.has_left_over();
        if at_once {
            return Some(Duration::ZERO);
        }
        let deadline_ns = self.timers.borrow().next_deadline_ns()?;
        Some(Duration::from_nanos(deadline_ns.saturating_sub(self.now_ns.get())))
    }
}
