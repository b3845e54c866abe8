//! libuv's timer: a handle with a deadline, and if wanted a repeat.
//!
//! # Model
//! A deadline is the cached time plus the timeout, in nanoseconds; equal deadlines fire in start order. The
//! phase first takes out everything that is due, then calls back: so a 0 ms timer started by a timer runs in
//! the next pass, and a timer that an earlier callback of the batch stopped, closed or started anew does not
//! run in it. A repeat is armed before its callback, from the cached time: late ticks are skipped, not
//! replayed.
//!
//! # Invariants
//! - T3: a timer never fires before its deadline by the loop's own time.
//! - T4: stop, close or start of a due timer from an earlier callback of the same batch takes it out.
//!
//! # Source
//! libuv 1.52 `timer.c`. libuv counts milliseconds and truncates, so its timers may fire up to 1 ms early; ours
//! count nanoseconds and, because poll rounds its sleep up to milliseconds, land 0 to 1 ms late.

use std::panic::Location;
use std::task::Waker;
use std::time::{Duration, Instant};

use runtime_trace::EventKind;

use crate::blame::Site;
use crate::core::{Callback, LoopHandle};
use crate::error::LoopError;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;
use crate::timer_heap::Due;

/// The part of a handle that only timers have.
#[derive(Default)]
pub(crate) struct TimerState {
    deadline_ns: u64,
    repeat_ns: u64,
    /// The start that is armed or due; 0 when stopped. A due entry of another start is stale (T4).
    armed: u64,
    started: bool,
    action: Action,
}

impl TimerState {
    /// The first step of closing: a due entry is stale from now on (T4).
    pub(crate) fn stop_for_good(&mut self) {
        self.armed = 0;
    }
}

/// What a timer does when it fires.
#[derive(Default)]
pub(crate) enum Action {
    /// Never started, or its callback is running.
    #[default]
    None,
    Callback(Callback),
    /// The deadline of a sleeping future; the handle is internal and never counts as active.
    Wake(Waker),
    /// The deadline of Node's lists.
    Timeouts,
    /// A listener without descriptors looks again.
    Serve(HandleId),
    /// A child that was asked to end is ended.
    #[cfg(unix)]
    Kill(HandleId),
}

impl LoopHandle {
    pub(crate) fn timer_new(&self, location: &'static Location<'static>) -> HandleId {
        if self.core.closed.get() {
            return HandleId::NOBODY;
        }
        self.core.handles.insert(Kind::Timer(TimerState::default()), location)
    }

    /// A timer of the loop's own: a sleep, Node's lists, a listener that looks again.
    pub(crate) fn timer_new_internal(&self, location: &'static Location<'static>) -> HandleId {
        let id = self.timer_new(location);
        self.core.handles.with(id, |handle| {
            handle.internal = true;
            handle.referenced = false;
        });
        id
    }

    /// Arms a timer at an absolute loop time. `counts` says whether it makes the handle active.
    pub(crate) fn timer_arm(
        &self,
        id: HandleId,
        deadline_ns: u64,
        repeat: Duration,
        action: Action,
        counts: bool,
    ) -> Result<(), LoopError> {
        if self.core.closed.get() {
            return Err(LoopError::Closed);
        }
        let start_id = self.core.next_start_id.get() + 1;
        let mut action = Some(action);
        let armed = self.core.handles.with(id, |handle| {
            if handle.closing {
                return Err(LoopError::Closing { kind: handle.kind.name() });
            }
            let Kind::Timer(timer) = &mut handle.kind else { return Err(LoopError::Closed) };
            timer.deadline_ns = deadline_ns;
            timer.repeat_ns = nanos(repeat);
            timer.armed = start_id;
            timer.started = true;
            let old = match action.take() {
                Some(action) => std::mem::replace(&mut timer.action, action),
                None => Action::None,
            };
            let mut timers = self.core.timers.borrow_mut();
            timers.remove(id.slot);
            timers.insert(id.slot, Due { deadline_ns, start_id });
            Ok(old)
        });
        let old = match armed.unwrap_or(Err(LoopError::Closed)) {
            Ok(old) => old,
            Err(error) => {
                drop(action);
                return Err(error);
            }
        };
        self.core.next_start_id.set(start_id);
        if counts {
            self.set_active(id, true);
        }
        drop_action(self, old);
        Ok(())
    }

    pub(crate) fn timer_stop(&self, id: HandleId) {
        let was_timer = self.core.handles.with(id, |handle| match &mut handle.kind {
            Kind::Timer(timer) => {
                timer.armed = 0;
                true
            }
            _ => false,
        });
        if was_timer == Some(true) {
            self.timer_disarm(id);
            self.set_active(id, false);
        }
    }

    /// Takes a timer out of the heap; a due entry of it is stale already.
    pub(crate) fn timer_disarm(&self, id: HandleId) {
        let was_in = self.core.timers.borrow_mut().remove(id.slot);
        if was_in && self.core.handles.with(id, |handle| handle.internal) == Some(false) {
            self.core.instruments.timer(EventKind::TimerStop, id.slot, 0);
        }
    }

    /// Frees an internal timer at once: nobody outside holds its id.
    pub(crate) fn timer_free(&self, id: HandleId) {
        self.timer_stop(id);
        if let Some(handle) = self.core.handles.remove(id) {
            self.dispose(handle.location, handle);
        }
    }

    /// Whether a sleeping future's timer has fired or is gone.
    pub(crate) fn timer_is_over(&self, id: HandleId) -> bool {
        let armed = self.core.handles.with(id, |handle| match &handle.kind {
            Kind::Timer(timer) => timer.armed != 0,
            _ => false,
        });
        armed != Some(true)
    }

    /// Replaces the waker of a sleeping future, when it is another task's.
    pub(crate) fn timer_set_waker(&self, id: HandleId, waker: &Waker) {
        let mut waker = waker.clone();
        self.core.handles.with(id, |handle| match &mut handle.kind {
            Kind::Timer(TimerState { action: Action::Wake(known), .. }) if !known.will_wake(&waker) => {
                std::mem::swap(known, &mut waker);
            }
            _ => {}
        });
    }

    /// The timers phase: Node's lists hang on an internal timer, so they keep their place among the others.
    pub(crate) fn run_timers(&self) {
        let core = &self.core;
        if core.must_end() {
            return;
        }
        let now_ns = core.now_ns.get();
        loop {
            let Some((slot, due)) = core.timers.borrow_mut().pop_due(now_ns) else { break };
            if let Some(id) = core.handles.in_slot(slot) {
                core.due.borrow_mut().push_back((id, due.start_id));
                self.set_active(id, false);
            }
        }
        loop {
            let Some((id, start_id)) = core.due.borrow_mut().pop_front() else { return };
            if core.must_end() {
                self.put_back_due(id, start_id);
            } else {
                self.fire(id, start_id);
            }
        }
    }

    /// The run must end before the timer's turn has come: it is armed again, as it was, for the next run.
    fn put_back_due(&self, id: HandleId, start_id: u64) {
        let armed = core_with_timer(self, id, |timer| {
            let counts = matches!(timer.action, Action::Callback(_));
            (timer.armed == start_id).then_some((timer.deadline_ns, counts))
        });
        if let Some(Some((deadline_ns, counts))) = armed {
            self.core.timers.borrow_mut().insert(id.slot, Due { deadline_ns, start_id });
            self.set_active(id, counts);
        }
    }

    fn fire(&self, id: HandleId, start_id: u64) {
        let core = &self.core;
        let taken = core.handles.with(id, |handle| {
            let location = handle.location;
            match &mut handle.kind {
                Kind::Timer(timer) if timer.armed == start_id => {
                    timer.armed = 0;
                    let action = std::mem::take(&mut timer.action);
                    Some((action, timer.repeat_ns, timer.deadline_ns, location))
                }
                _ => None,
            }
        });
        let Some(Some((action, repeat_ns, deadline_ns, location))) = taken else { return };
        let late_ns = core.now_ns.get().saturating_sub(deadline_ns);
        match action {
            Action::None => {}
            Action::Wake(waker) => self.wake(location, waker),
            Action::Timeouts => self.run_timeouts(),
            Action::Serve(id) => self.keep_ready(id),
            #[cfg(unix)]
            Action::Kill(id) => self.child_out_of_patience(id),
            Action::Callback(mut callback) => {
                core.instruments.timer(EventKind::TimerFire, id.slot, late_ns);
                if repeat_ns > 0 {
                    let deadline_ns = core.now_ns.get().saturating_add(repeat_ns);
                    let repeat = Duration::from_nanos(repeat_ns);
                    // Armed without its callback, which is in our hands; it goes back below.
                    let _ = self.timer_arm(id, deadline_ns, repeat, Action::None, true);
                }
                self.call(Site::new(Callee::Timer, id.slot, location), || callback(self));
                self.timer_put_back(id, callback, location);
            }
        }
    }

    /// Returns the callback to its timer unless a new one was set or the timer is gone.
    fn timer_put_back(&self, id: HandleId, callback: Callback, location: &'static Location<'static>) {
        let mut callback = Some(callback);
        core_with_timer(self, id, |timer| {
            if matches!(timer.action, Action::None) {
                timer.action = callback.take().map_or(Action::None, Action::Callback);
            }
        });
        self.dispose(location, callback);
    }
}

fn core_with_timer<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut TimerState) -> R) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Timer(timer) if !handle.closing => access.take().map(|access| access(timer)),
        _ => None,
    });
    found.flatten()
}

fn drop_action(lp: &LoopHandle, action: Action) {
    // What is nobody's code but the loop's is dropped here.
    if matches!(action, Action::Callback(_) | Action::Wake(_)) {
        lp.dispose(Location::caller(), action);
    }
}

/// A duration in nanoseconds; more than 584 years counts as 584 years.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A timer. Dropping the value does not close it: `close` does.
///
/// A timer cannot be started without a callback; the types see to it:
///
/// ```compile_fail
/// # use event_loop::{EventLoop, Timer};
/// # use std::time::Duration;
/// let event_loop = EventLoop::new().unwrap();
/// Timer::new(&event_loop.handle()).start(Duration::ZERO, Duration::ZERO, None);
/// ```
#[derive(Clone)]
pub struct Timer {
    lp: LoopHandle,
    id: HandleId,
}

impl Timer {
    /// A timer that is not started.
    #[track_caller]
    pub fn new(lp: &LoopHandle) -> Timer {
        Timer { lp: lp.clone(), id: lp.timer_new(Location::caller()) }
    }

    /// Fires once after `timeout` (from the cached time), then every `repeat` unless that is zero. Starting a
    /// started timer replaces its deadline and its callback.
    ///
    /// # Errors
    /// When the timer is closing or the loop is gone.
    #[track_caller]
    pub fn start(
        &self,
        timeout: Duration,
        repeat: Duration,
        callback: impl FnMut(&LoopHandle) + 'static,
    ) -> Result<(), LoopError> {
        let location = Location::caller();
        let deadline_ns = self.lp.core.now_ns.get().saturating_add(nanos(timeout));
        let action = Action::Callback(Box::new(callback));
        self.lp.timer_arm(self.id, deadline_ns, repeat, action, true)?;
        self.lp.core.handles.with(self.id, |handle| handle.location = location);
        self.lp.core.instruments.timer(EventKind::TimerStart, self.id.slot, nanos(timeout));
        Ok(())
    }

    /// Stops the timer; stopping a stopped one is fine.
    pub fn stop(&self) {
        self.lp.timer_stop(self.id);
    }

    /// Starts the timer again with its repeat as timeout; without a repeat nothing happens.
    ///
    /// # Errors
    /// [`LoopError::NeverStarted`], or when the timer is closing.
    pub fn again(&self) -> Result<(), LoopError> {
        let known = self.lp.core.handles.with(self.id, |handle| match &mut handle.kind {
            _ if handle.closing => Err(LoopError::Closing { kind: "timer" }),
            Kind::Timer(timer) if !timer.started => Err(LoopError::NeverStarted),
            Kind::Timer(timer) => Ok((timer.repeat_ns, std::mem::take(&mut timer.action))),
            _ => Err(LoopError::Closed),
        });
        let (repeat_ns, action) = known.unwrap_or(Err(LoopError::Closed))?;
        if repeat_ns == 0 {
            core_with_timer(&self.lp, self.id, |timer| timer.action = action);
            return Ok(());
        }
        let deadline_ns = self.lp.core.now_ns.get().saturating_add(repeat_ns);
        self.lp.timer_arm(self.id, deadline_ns, Duration::from_nanos(repeat_ns), action, true)
    }

    /// Sets the repeat; inside the callback it takes effect from the re-arm after the next one on.
    pub fn set_repeat(&self, repeat: Duration) {
        core_with_timer(&self.lp, self.id, |timer| timer.repeat_ns = nanos(repeat));
    }

    /// The repeat; zero is none.
    pub fn repeat(&self) -> Duration {
        let repeat_ns = core_with_timer(&self.lp, self.id, |timer| timer.repeat_ns);
        Duration::from_nanos(repeat_ns.unwrap_or(0))
    }

    /// How long until it fires, by the cached time; zero when overdue or stopped.
    pub fn due_in(&self) -> Duration {
        let armed = |timer: &mut TimerState| if timer.armed == 0 { 0 } else { timer.deadline_ns };
        let deadline_ns = core_with_timer(&self.lp, self.id, armed).unwrap_or(0);
        Duration::from_nanos(deadline_ns.saturating_sub(self.lp.core.now_ns.get()))
    }

    /// The deadline as an instant of the loop's clock.
    pub fn deadline(&self) -> Instant {
        self.lp.now() + self.due_in()
    }
}

handle_methods!(Timer);
