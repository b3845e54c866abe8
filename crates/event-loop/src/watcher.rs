//! Idle, prepare and check handles: one callback in each pass while they are started.
//!
//! # Model
//! A list runs newest started first. It is detached before it runs and each entry re-appended before its
//! callback, so a callback may start, stop and close anything; a handle started during the phase waits for the
//! next pass. Stopping only makes the entry stale (its start number no longer fits), which costs nothing.
//!
//! # Invariants
//! - W1: a handle that was stopped or closed does not run, not even later in the same phase.
//! - W2: a handle started during its phase first runs in the next pass.
//!
//! # Source
//! libuv 1.52 `loop-watcher.c`.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::Location;

use crate::blame::Site;
use crate::core::{Callback, LoopHandle};
use crate::error::LoopError;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatcherKind {
    Idle,
    Prepare,
    Check,
}

impl WatcherKind {
    fn callee(self) -> Callee {
        match self {
            WatcherKind::Idle => Callee::Idle,
            WatcherKind::Prepare => Callee::Prepare,
            WatcherKind::Check => Callee::Check,
        }
    }
}

type List = VecDeque<(HandleId, u64)>;

/// The three lists; an entry is a handle and the start number that it is valid for.
#[derive(Default)]
pub(crate) struct WatcherLists {
    lists: [RefCell<List>; 3],
    /// What the list of a phase is swapped with while it runs; empty in between, its memory is kept.
    spare: [RefCell<List>; 3],
    active_idle: Cell<usize>,
    next_start: Cell<u64>,
}

impl WatcherLists {
    pub(crate) fn idle_is_active(&self) -> bool {
        self.active_idle.get() > 0
    }
}

impl LoopHandle {
    fn watcher_new(&self, which: WatcherKind, location: &'static Location<'static>) -> HandleId {
        if self.core.closed.get() {
            return HandleId::NOBODY;
        }
        self.core.handles.insert(Kind::Watcher { which, start: 0, callback: None }, location)
    }

    fn watcher_start(
        &self,
        id: HandleId,
        callback: Callback,
        location: &'static Location<'static>,
    ) -> Result<(), LoopError> {
        if self.core.closed.get() {
            return Err(LoopError::Closed);
        }
        let mut callback = Some(callback);
        let started = self.core.handles.with(id, |handle| {
            if handle.closing {
                return Err(LoopError::Closing { kind: handle.kind.name() });
            }
            let active = handle.active;
            let Kind::Watcher { which, start, callback: slot } = &mut handle.kind else { return Ok(None) };
            if active {
                // libuv: starting an active watcher changes nothing, the callback included.
                return Ok(None);
            }
            let number = self.core.watchers.next_start.get() + 1;
            self.core.watchers.next_start.set(number);
            *start = number;
            let old = std::mem::replace(slot, callback.take());
            handle.location = location;
            Ok(Some((*which, number, old)))
        });
        match started.unwrap_or(Err(LoopError::Closed))? {
            None => {
                drop(callback);
                Ok(())
            }
            Some((which, number, old)) => {
                self.core.watchers.lists[which as usize].borrow_mut().push_front((id, number));
                self.set_active(id, true);
                if which == WatcherKind::Idle {
                    self.core.watchers.active_idle.set(self.core.watchers.active_idle.get() + 1);
                }
                self.dispose(location, old);
                Ok(())
            }
        }
    }

    pub(crate) fn watcher_stop(&self, id: HandleId) {
        let stopped = self.core.handles.with(id, |handle| match &handle.kind {
            Kind::Watcher { which, .. } if handle.active => Some(*which),
            _ => None,
        });
        if let Some(Some(which)) = stopped {
            self.set_active(id, false);
            if which == WatcherKind::Idle {
                self.idle_stopped();
            }
        }
    }

    pub(crate) fn idle_stopped(&self) {
        self.core.watchers.active_idle.set(self.core.watchers.active_idle.get() - 1);
    }

    /// Runs one list: what was started when the phase began.
    pub(crate) fn run_watchers(&self, which: WatcherKind) {
        let list = &self.core.watchers.lists[which as usize];
        if list.borrow().is_empty() {
            return;
        }
        let spare = &self.core.watchers.spare[which as usize];
        let mut batch = list.replace(spare.take());
        while let Some((id, number)) = batch.pop_front() {
            if self.core.must_end() {
                batch.push_front((id, number));
                list.borrow_mut().extend(batch);
                return;
            }
            let taken = self.core.handles.with(id, |handle| {
                let (active, location) = (handle.active, handle.location);
                match &mut handle.kind {
                    Kind::Watcher { start, callback, .. } if active && *start == number => {
                        callback.take().map(|callback| (callback, location))
                    }
                    _ => None,
                }
            });
            let Some(Some((mut callback, location))) = taken else { continue };
            list.borrow_mut().push_back((id, number));
            self.call(Site::new(which.callee(), id.slot, location), || callback(self));
            self.put_back(id, number, callback, location);
        }
        *spare.borrow_mut() = batch;
    }

    /// Returns a callback to its handle unless it was closed or started anew in the meantime.
    fn put_back(&self, id: HandleId, number: u64, callback: Callback, location: &'static Location<'static>) {
        let mut callback = Some(callback);
        self.core.handles.with(id, |handle| {
            if let Kind::Watcher { start, callback: slot @ None, .. } = &mut handle.kind
                && *start == number
            {
                *slot = callback.take();
            }
        });
        self.dispose(location, callback);
    }
}

macro_rules! watcher {
    ($(#[$doc:meta])* $name:ident, $which:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            lp: LoopHandle,
            id: HandleId,
        }

        impl $name {
            /// A handle that is not started. Dropping the value does not close it: `close` does.
            #[track_caller]
            pub fn new(lp: &LoopHandle) -> $name {
                $name { lp: lp.clone(), id: lp.watcher_new(WatcherKind::$which, Location::caller()) }
            }

            /// Calls `callback` in every pass from now on. Starting a started handle changes nothing.
            ///
            /// # Errors
            /// When the handle is closing or the loop is gone.
            #[track_caller]
            pub fn start(&self, callback: impl FnMut(&LoopHandle) + 'static) -> Result<(), LoopError> {
                self.lp.watcher_start(self.id, Box::new(callback), Location::caller())
            }

            /// Stops calling back; from inside the phase too.
            pub fn stop(&self) {
                self.lp.watcher_stop(self.id);
            }
        }

        handle_methods!($name);
    };
}

watcher! {
    /// Runs in every pass before prepare, and keeps poll from sleeping: not "when the loop is idle".
    Idle, Idle
}
watcher! {
    /// Runs in every pass just before poll.
    Prepare, Prepare
}
watcher! {
    /// Runs in every pass after poll.
    Check, Check
}
