//! The table of handles: long-lived things that the loop serves, and what active, referenced and closing mean.
//!
//! # Model
//! A handle keeps the loop alive while it is *active* and *referenced*; one counter of the loop holds how many
//! are both. Closing is in two steps: at once the handle stops; its close callback comes from a fresh stack in
//! the closing phase, newest close first, and only then is its slot free.
//!
//! # Invariants
//! - H1: the counter equals the number of handles that are active, referenced and not closing.
//! - H2: an id of a handle that is gone never reaches the handle that took its slot.

use std::cell::{Cell, RefCell};
use std::panic::Location;

use slab::Slab;

#[cfg(unix)]
use crate::child::{ChildRemains, ChildState};
use crate::core::{Callback, CloseCallback, LoopHandle};
use crate::remote::AsyncShared;
use crate::shrink::shrink_when_sparse;
#[cfg(unix)]
use crate::signal::{SignalRemains, SignalSource, SignalState};
use crate::stream::{ListenerRemains, ListenerState, StreamRemains, StreamState};
use crate::timer::TimerState;
use crate::udp::{UdpRemains, UdpState};
use crate::watcher::WatcherKind;

/// Which handle: its slot, and the generation that tells it from earlier users of the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HandleId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl HandleId {
    /// The id of no handle: what is made on a loop that is gone.
    pub(crate) const NOBODY: HandleId = HandleId { slot: u32::MAX, generation: u32::MAX };

    /// The id as the token of a registered socket.
    pub(crate) fn token(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    pub(crate) fn from_token(token: u64) -> HandleId {
        HandleId { slot: token as u32, generation: (token >> 32) as u32 }
    }
}

/// One handle.
pub(crate) struct Handle {
    generation: u32,
    pub(crate) active: bool,
    pub(crate) referenced: bool,
    pub(crate) closing: bool,
    /// The loop's own: it never counts, and nobody outside can close it.
    pub(crate) internal: bool,
    /// Where the handle's callback (before that: the handle) was given to the loop.
    pub(crate) location: &'static Location<'static>,
    pub(crate) kind: Kind,
    pub(crate) on_close: Option<CloseCallback>,
}

/// What a handle is; large states are boxed so that a timer stays small.
pub(crate) enum Kind {
    Timer(TimerState),
    Watcher {
        which: WatcherKind,
        start: u64,
        callback: Option<Callback>,
    },
    Async {
        shared: std::sync::Arc<AsyncShared>,
        callback: Option<Callback>,
    },
    Listener(Box<ListenerState>),
    Stream(Box<StreamState>),
    Udp(Box<UdpState>),
    #[cfg(unix)]
    Child(Box<ChildState>),
    #[cfg(unix)]
    Signal(SignalState),
    /// The loop's own.
    #[cfg(unix)]
    SignalSource(Box<SignalSource>),
}

impl Kind {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Timer(_) => "timer",
            Kind::Watcher { which: WatcherKind::Idle, .. } => "idle handle",
            Kind::Watcher { which: WatcherKind::Prepare, .. } => "prepare handle",
            Kind::Watcher { which: WatcherKind::Check, .. } => "check handle",
            Kind::Async { .. } => "async handle",
            Kind::Listener(listener) => listener.names.0,
            Kind::Stream(stream) => stream.name,
            Kind::Udp(_) => "UDP socket",
            #[cfg(unix)]
            Kind::Child(_) => "child process",
            #[cfg(unix)]
            Kind::Signal(_) => "signal watcher",
            #[cfg(unix)]
            Kind::SignalSource(_) => "source of signals",
        }
    }
}

impl Kind {
    fn stop_for_good(&mut self, was_active: bool) -> Remains {
        match self {
            Kind::Timer(timer) => {
                timer.stop_for_good();
                Remains::Timer
            }
            Kind::Watcher { which: WatcherKind::Idle, .. } if was_active => Remains::Idle,
            Kind::Watcher { .. } | Kind::Async { .. } => Remains::Nothing,
            Kind::Listener(listener) => Remains::Listener(listener.stop_for_good()),
            Kind::Stream(stream) => Remains::Stream(stream.stop_for_good()),
            Kind::Udp(socket) => Remains::Udp(socket.stop_for_good()),
            #[cfg(unix)]
            Kind::Child(child) => Remains::Child(child.stop_for_good()),
            #[cfg(unix)]
            Kind::Signal(signal) => Remains::Signal(signal.stop_for_good()),
            #[cfg(unix)]
            Kind::SignalSource(_) => Remains::Nothing,
        }
    }
}

/// All handles of a loop.
#[derive(Default)]
pub(crate) struct HandleTable {
    slots: RefCell<Slab<Handle>>,
    next_generation: Cell<u32>,
    /// How many of them are streams.
    streams: Cell<usize>,
}

impl HandleTable {
    pub(crate) fn insert(&self, kind: Kind, location: &'static Location<'static>) -> HandleId {
        let generation = self.next_generation.get();
        // After 2^32 handles a generation returns; an id would have to be that old to be mistaken (H2).
        self.next_generation.set(generation.wrapping_add(1));
        self.streams.set(self.streams.get() + usize::from(matches!(kind, Kind::Stream(_))));
        let slot = self.slots.borrow_mut().insert(Handle {
            generation,
            active: false,
            referenced: true,
            closing: false,
            internal: false,
            location,
            kind,
            on_close: None,
        });
        HandleId { slot: slot as u32, generation }
    }

    /// Runs `access` on the handle if it still exists. No user code may run inside; what `access` owns is
    /// dropped after the borrow when it is not called (L1).
    pub(crate) fn with<R>(&self, id: HandleId, access: impl FnOnce(&mut Handle) -> R) -> Option<R> {
        let mut slots = self.slots.borrow_mut();
        match slots.get_mut(id.slot as usize) {
            Some(handle) if handle.generation == id.generation => Some(access(handle)),
            _ => None,
        }
    }

    pub(crate) fn remove(&self, id: HandleId) -> Option<Handle> {
        self.with(id, |_| ())?;
        let mut slots = self.slots.borrow_mut();
        let handle = slots.remove(id.slot as usize);
        shrink_when_sparse(&mut slots);
        self.streams.set(self.streams.get() - usize::from(matches!(handle.kind, Kind::Stream(_))));
        Some(handle)
    }

    pub(crate) fn streams(&self) -> usize {
        self.streams.get()
    }

    /// Handles that the user has not closed, or whose close has not been told.
    pub(crate) fn count_open(&self) -> usize {
        self.slots.borrow().iter().filter(|(_, handle)| !handle.internal).count()
    }

    pub(crate) fn ids(&self) -> Vec<HandleId> {
        let slots = self.slots.borrow();
        slots
            .iter()
            .map(|(slot, handle)| HandleId { slot: slot as u32, generation: handle.generation })
            .collect()
    }

    /// The id of whoever is in this slot now.
    pub(crate) fn in_slot(&self, slot: u32) -> Option<HandleId> {
        let slots = self.slots.borrow();
        slots.get(slot as usize).map(|handle| HandleId { slot, generation: handle.generation })
    }

    /// The number of handles that keep the loop alive, counted anew: what H1 compares the counter with.
    pub(crate) fn count_alive(&self) -> usize {
        let slots = self.slots.borrow();
        slots.iter().filter(|(_, handle)| handle.active && handle.referenced && !handle.closing).count()
    }
}

impl LoopHandle {
    /// Marks a handle active or not, and keeps the loop's counter right (H1).
    pub(crate) fn set_active(&self, id: HandleId, active: bool) {
        self.core.handles.with(id, |handle| {
            if handle.active != active && !handle.closing {
                handle.active = active;
                if handle.referenced {
                    self.core.count_handle(active);
                }
            }
        });
    }

    pub(crate) fn set_referenced(&self, id: HandleId, referenced: bool) {
        self.core.handles.with(id, |handle| {
            if handle.referenced != referenced {
                handle.referenced = referenced;
                if handle.active && !handle.closing {
                    self.core.count_handle(referenced);
                }
            }
        });
    }

    /// The first step of closing: stop, and queue the second step. `false` if it is closing or gone.
    pub(crate) fn begin_close(&self, id: HandleId, on_close: Option<CloseCallback>) -> bool {
        let mut on_close = on_close;
        let begun = self.core.handles.with(id, |handle| {
            if handle.closing {
                return None;
            }
            let was_active = std::mem::replace(&mut handle.active, false);
            if was_active && handle.referenced {
                self.core.count_handle(false);
            }
            handle.closing = true;
            handle.on_close = on_close.take();
            Some((handle.location, handle.kind.stop_for_good(was_active)))
        });
        let Some((location, remains)) = begun.flatten() else { return false };
        self.core.closing.borrow_mut().push(id);
        // The handle is closing in every respect before user code runs: destructors, wakers.
        match remains {
            Remains::Nothing => {}
            Remains::Timer => self.timer_disarm(id),
            Remains::Idle => self.idle_stopped(),
            Remains::Listener(remains) => self.listener_closed(location, remains),
            Remains::Stream(remains) => self.stream_closed(location, remains),
            Remains::Udp(remains) => self.udp_closed(location, remains),
            #[cfg(unix)]
            Remains::Child(remains) => self.child_closed(id, location, remains),
            #[cfg(unix)]
            Remains::Signal(remains) => self.signal_closed(id, location, remains),
        }
        true
    }

    /// The open handles, closing ones included, in no particular order: what keeps this loop alive? The loop's
    /// own timers are not listed.
    pub fn handles(&self) -> Vec<HandleInfo> {
        let slots = self.core.handles.slots.borrow();
        let open = slots.iter().filter(|(_, handle)| !handle.internal);
        open.map(|(_, handle)| HandleInfo {
            kind: handle.kind.name(),
            active: handle.active,
            referenced: handle.referenced,
            closing: handle.closing,
            location: handle.location,
        })
        .collect()
    }
}

/// One open handle, as [`LoopHandle::handles`] lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HandleInfo {
    /// What it is, in words.
    pub kind: &'static str,
    /// Whether it does its work: started, listening, reading.
    pub active: bool,
    /// Whether it keeps the loop alive while it is active.
    pub referenced: bool,
    /// Whether it is closing.
    pub closing: bool,
    /// Where its callback (before that: the handle) was given to the loop.
    pub location: &'static Location<'static>,
}

/// What a handle leaves behind when it begins to close, dealt with when no borrow is alive (L1).
enum Remains {
    Nothing,
    /// An entry of the heap.
    Timer,
    /// One active idle handle less.
    Idle,
    Listener(ListenerRemains),
    Stream(StreamRemains),
    Udp(UdpRemains),
    #[cfg(unix)]
    Child(ChildRemains),
    #[cfg(unix)]
    Signal(SignalRemains),
}

/// The methods that every public handle type has.
macro_rules! handle_methods {
    ($type:ty) => {
        impl $type {
            /// Whether the handle is doing its work: started, listening, reading.
            pub fn is_active(&self) -> bool {
                self.lp.core.handles.with(self.id, |handle| handle.active).unwrap_or(false)
            }

            /// Whether the handle is closing or closed.
            pub fn is_closing(&self) -> bool {
                self.lp.core.handles.with(self.id, |handle| handle.closing).unwrap_or(true)
            }

            /// Whether the handle keeps the loop alive while it is active.
            pub fn has_ref(&self) -> bool {
                self.lp.core.handles.with(self.id, |handle| handle.referenced).unwrap_or(false)
            }

            /// Lets the handle keep the loop alive while it is active (the default), or not. A boolean, not a count.
            pub fn set_ref(&self, referenced: bool) {
                self.lp.set_referenced(self.id, referenced);
            }

            /// Stops keeping the loop alive: short for `set_ref(false)`.
            pub fn unref(&self) {
                self.set_ref(false);
            }

            /// Closes the handle: it stops at once; `false` if it was closing already.
            pub fn close(&self) -> bool {
                self.lp.begin_close(self.id, None)
            }

            /// Closes the handle and calls back, from a fresh stack, in the closing phase. When it was closing
            /// already, nothing happens, the callback is dropped and the answer is `false`.
            pub fn close_then(&self, callback: impl FnOnce(&$crate::LoopHandle) + 'static) -> bool {
                self.lp.begin_close(self.id, Some(Box::new(callback)))
            }

            /// The loop that the handle belongs to.
            pub fn loop_handle(&self) -> &$crate::LoopHandle {
                &self.lp
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($type)).field("slot", &self.id.slot).finish_non_exhaustive()
            }
        }
    };
}
pub(crate) use handle_methods;
