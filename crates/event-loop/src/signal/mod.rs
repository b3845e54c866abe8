//! Signals: a handle calls back each time the process gets its signal.
//!
//! # Model
//! ```text
//! kernel ──▶ handler of the process ──one byte──▶ a pipe for each loop and signal ──▶ poll ──▶ its watchers
//! ```
//! The first watcher of a signal on a loop opens the pipe and registers it; the last one closes it. Each byte is one
//! delivered signal and calls back each watcher once: those that stay first, then those for one time, each in the order in
//! which they started. A signal that is sent again before the kernel has delivered it is one; that is so in every program.
//!
//! # Invariants
//! - S1: a watcher that was stopped or closed hears nothing more, and one that starts nothing of what came before.
//! - S2: when no loop of the process watches a signal any more, it does what it does by default.
//! - S3: of each number at most 32 delivered signals are told in one phase; then others get their turn, so that a storm
//!   does not starve the loop (libuv reads on while more than 32 wait).
//!
//! # Threads
//! | handler, on whatever thread | loop |
//! |---|---|
//! | writes a byte, and drops it where the pipe is full | reads what is there, then calls back |
//!
//! # Source
//! libuv 1.52 `signal.c`.

mod registration;

pub(crate) use registration::let_go_of_parent;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::panic::Location;

use signal_hook::consts::FORBIDDEN;

use registration::Registration;

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{Moved, SocketId};
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;

/// How many delivered signals one look takes, and one phase tells; libuv's number for a look.
const RECORDS: usize = 32;

pub(crate) type SignalCallback = Box<dyn FnMut(&LoopHandle, i32)>;

/// The part of a handle that only watchers of signals have.
#[derive(Default)]
pub(crate) struct SignalState {
    /// The signal that is watched.
    watched: Option<i32>,
    once: bool,
    callback: Option<SignalCallback>,
}

/// What a watcher leaves behind when it begins to close.
pub(crate) struct SignalRemains {
    watched: Option<i32>,
    callback: Option<SignalCallback>,
}

impl SignalState {
    pub(crate) fn stop_for_good(&mut self) -> SignalRemains {
        SignalRemains { watched: self.watched.take(), callback: self.callback.take() }
    }
}

/// Where the signals of one number come into a loop: a handle of the loop's own.
pub(crate) struct SignalSource {
    signal: i32,
    socket: SocketId,
    pub(crate) readable: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    /// Those that stay before those for one time, which the second part says.
    watchers: Vec<(HandleId, bool)>,
    /// Whom delivered signals are still to be told.
    due: VecDeque<HandleId>,
    _registration: Registration,
}

impl SignalSource {
    fn add(&mut self, watcher: HandleId, once: bool) {
        self.watchers.retain(|(known, _)| *known != watcher);
        let at = if once { None } else { self.watchers.iter().position(|(_, once)| *once) };
        self.watchers.insert(at.unwrap_or(self.watchers.len()), (watcher, once));
    }
}

/// The sources of a loop, by signal.
pub(crate) type Sources = HashMap<i32, HandleId>;

/// A watcher of signals. Active while it is started. Dropping the value does not close it: `close` does. Unix only.
///
/// What the process did with a signal before goes on beside the watchers. When the last watcher of all loops stops, the signal
/// does again what it does by default, as in libuv, and nobody else in the process is asked: also one that was ignored before.
/// So a Rust program, which ignores SIGPIPE at first, ends at a write to a peer that is gone once it has watched it. A signal
/// that reaches a child between fork and exec is heard by its parent.
#[derive(Clone)]
pub struct Signal {
    lp: LoopHandle,
    id: HandleId,
}

impl Signal {
    /// A watcher that is not started.
    #[track_caller]
    pub fn new(lp: &LoopHandle) -> Signal {
        let id = match lp.core.closed.get() {
            true => HandleId::NOBODY,
            false => lp.core.handles.insert(Kind::Signal(SignalState::default()), Location::caller()),
        };
        Signal { lp: lp.clone(), id }
    }

    /// Calls back with the number each time that the process gets `signal`, in the poll phase. A watcher that is started for
    /// the same signal already gets another callback, and one for another signal changes over.
    ///
    /// # Errors
    /// `InvalidInput` for what is no signal or cannot be watched (SIGKILL, SIGSTOP, those that mean a broken program: SIGILL,
    /// SIGFPE, SIGSEGV, and real-time signals) and for a closing handle; `NotConnected` when the loop is gone; the system's.
    #[track_caller]
    pub fn start(&self, signal: i32, callback: impl FnMut(&LoopHandle, i32) + 'static) -> io::Result<()> {
        self.lp.signal_start(self.id, signal, false, Box::new(callback), Location::caller())
    }

    /// As [`Signal::start`], for one time: after its callback it is stopped.
    ///
    /// # Errors
    /// As [`Signal::start`].
    #[track_caller]
    pub fn start_once(
        &self,
        signal: i32,
        callback: impl FnMut(&LoopHandle, i32) + 'static,
    ) -> io::Result<()> {
        self.lp.signal_start(self.id, signal, true, Box::new(callback), Location::caller())
    }

    /// Stops watching; signals that came and were not told yet are not told any more.
    pub fn stop(&self) {
        self.lp.signal_stop(self.id);
    }

    /// The signal that it watches.
    pub fn signal(&self) -> Option<i32> {
        with_signal(&self.lp, self.id, |state| state.watched).flatten()
    }
}

handle_methods!(Signal);

fn with_signal<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut SignalState) -> R) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Signal(signal) if !handle.closing => access.take().map(|access| access(signal)),
        _ => None,
    });
    found.flatten()
}

fn with_source<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut SignalSource) -> R) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::SignalSource(source) => access.take().map(|access| access(source)),
        _ => None,
    });
    found.flatten()
}

impl LoopHandle {
    fn signal_start(
        &self,
        id: HandleId,
        signal: i32,
        once: bool,
        callback: SignalCallback,
        location: &'static Location<'static>,
    ) -> io::Result<()> {
        if self.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        if signal <= 0 || FORBIDDEN.contains(&signal) {
            let message = format!("signal {signal} cannot be watched");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let is_open = with_signal(self, id, |_| ()).is_some();
        if !is_open {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the watcher is closing"));
        }
        // First: when it fails, the watcher goes on as it was.
        let source = self.signal_source(signal)?;
        // What has come already is for those who watch already (S1).
        self.read_signals(source);
        while with_source(self, source, |source| source.readable) == Some(true) {
            self.read_signals(source);
        }
        if with_source(self, source, |source| !source.due.is_empty()) == Some(true) {
            self.keep_ready(source);
        }
        with_source(self, source, |source| source.add(id, once));
        let old = with_signal(self, id, |state| {
            state.once = once;
            (state.watched.replace(signal), state.callback.replace(callback))
        });
        self.core.handles.with(id, |handle| handle.location = location);
        self.set_active(id, true);
        let (watched, callback) = old.unzip();
        if let Some(other) = watched.flatten().filter(|watched| *watched != signal) {
            self.signal_detach(id, other);
        }
        self.dispose(location, callback);
        Ok(())
    }

    fn signal_stop(&self, id: HandleId) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let remains = with_signal(self, id, SignalState::stop_for_good);
        let (Some(location), Some(remains)) = (location, remains) else { return };
        self.set_active(id, false);
        self.signal_closed(id, location, remains);
    }

    pub(crate) fn signal_closed(
        &self,
        id: HandleId,
        location: &'static Location<'static>,
        remains: SignalRemains,
    ) {
        if let Some(signal) = remains.watched {
            self.signal_detach(id, signal);
        }
        self.dispose(location, remains.callback);
    }

    /// A watcher of the loop's own, which is not listed and does not hold the loop.
    pub(crate) fn signal_watch_internally(
        &self,
        signal: i32,
        callback: SignalCallback,
    ) -> io::Result<HandleId> {
        let id = self.core.handles.insert(Kind::Signal(SignalState::default()), Location::caller());
        self.core.handles.with(id, |handle| {
            handle.internal = true;
            handle.referenced = false;
        });
        self.signal_start(id, signal, false, callback, Location::caller())
            .inspect_err(|_| self.signal_free(id))?;
        Ok(id)
    }

    /// Ends a watcher of the loop's own.
    pub(crate) fn signal_free(&self, id: HandleId) {
        self.signal_stop(id);
        drop(self.core.handles.remove(id));
    }

    /// Takes a watcher off the source of this signal, and closes a source that nobody needs any more.
    fn signal_detach(&self, id: HandleId, signal: i32) {
        let Some(source) = self.core.signals.borrow().get(&signal).copied() else { return };
        let unused = with_source(self, source, |source| {
            source.watchers.retain(|(watcher, _)| *watcher != id);
            source.due.retain(|watcher| *watcher != id);
            source.watchers.is_empty().then_some(source.socket)
        });
        if let Some(socket) = unused.flatten() {
            self.core.signals.borrow_mut().remove(&signal);
            self.core.driver.borrow_mut().close(socket);
            drop(self.core.handles.remove(source));
        }
    }

    /// In the child of a fork: a pipe of its own. What came before and was not told is the parent's.
    pub(crate) fn signal_source_after_fork(&self, id: HandleId) -> io::Result<()> {
        let known = with_source(self, id, |source| (source.signal, source.socket));
        let Some((signal, old)) = known else { return Ok(()) };
        let (ours, handlers) = io::pipe()?;
        let registration = Registration::new(signal, handlers)?;
        let mut driver = self.core.driver.borrow_mut();
        let socket = driver.adopt(ours.into(), id.token())?;
        driver.close(old);
        with_source(self, id, |source| {
            source.socket = socket;
            source.readable = false;
            source.due.clear();
            source._registration = registration;
        });
        Ok(())
    }

    /// The source of this signal, opened if need be.
    fn signal_source(&self, signal: i32) -> io::Result<HandleId> {
        if let Some(source) = self.core.signals.borrow().get(&signal) {
            return Ok(*source);
        }
        let (ours, handlers) = io::pipe()?;
        let source = SignalSource {
            signal,
            socket: SocketId(usize::MAX),
            readable: false,
            queued: false,
            watchers: Vec::new(),
            due: VecDeque::new(),
            _registration: Registration::new(signal, handlers)?,
        };
        let id = self.core.handles.insert(Kind::SignalSource(Box::new(source)), Location::caller());
        self.core.handles.with(id, |handle| {
            handle.internal = true;
            handle.referenced = false;
        });
        let adopted = self.core.driver.borrow_mut().adopt(ours.into(), id.token());
        match adopted {
            Ok(socket) => {
                with_source(self, id, |source| source.socket = socket);
                self.core.signals.borrow_mut().insert(signal, id);
                Ok(id)
            }
            Err(error) => {
                drop(self.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// An edge, or a turn on the queue: reads what was delivered, as far as a phase allows, and tells it (S3).
    pub(crate) fn signal_ready(&self, id: HandleId) {
        // What an ended run has left comes first.
        self.tell_signals(id);
        let goes_on = with_source(self, id, |source| source.readable && source.due.is_empty());
        if goes_on == Some(true) && !self.core.must_end() {
            self.read_signals(id);
            self.tell_signals(id);
        }
        // What is left keeps its turn: its edge does not come again.
        if with_source(self, id, |source| source.readable || !source.due.is_empty()) == Some(true) {
            self.keep_ready(id);
        }
    }

    /// Takes up to so many delivered signals out of the pipe, each for all who watch now.
    fn read_signals(&self, id: HandleId) {
        let Some(socket) = with_source(self, id, |source| source.socket) else { return };
        let mut records = [0; RECORDS];
        loop {
            let read = self.core.driver.borrow_mut().read(socket, &mut records);
            let (bytes, is_empty) = match read {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // Nothing more, or a pipe that broke: nobody writes into it any more.
                Err(_) | Ok(Moved { bytes: 0, .. }) => (0, true),
                // The pipe is our own: it has bytes and no packets, so a short read has emptied it.
                Ok(Moved { bytes, .. }) => (bytes, bytes < RECORDS),
            };
            with_source(self, id, |source| {
                source.readable = !is_empty;
                for _ in 0..bytes {
                    source.due.extend(source.watchers.iter().map(|(watcher, _)| watcher));
                }
            });
            return;
        }
    }

    fn tell_signals(&self, source: HandleId) {
        while !self.core.must_end() {
            let due = with_source(self, source, |source| Some((source.signal, source.due.pop_front()?)));
            let Some(Some((signal, id))) = due else { return };
            let location = self.core.handles.with(id, |handle| handle.location);
            let taken = with_signal(self, id, |state| match state.watched {
                Some(watched) if watched == signal => state.callback.take(),
                _ => None,
            });
            let (Some(location), Some(Some(mut callback))) = (location, taken) else { continue };
            self.call(Site::new(Callee::Signal, id.slot, location), || callback(self, signal));
            let mut callback = Some(callback);
            let is_over = with_signal(self, id, |state| {
                // Neither stopped nor started anew meanwhile.
                let is_same = state.watched == Some(signal) && state.callback.is_none();
                if is_same {
                    state.callback = callback.take();
                }
                is_same && state.once
            });
            self.dispose(location, callback);
            if is_over == Some(true) {
                self.signal_stop(id);
            }
        }
    }
}
