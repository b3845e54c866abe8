//! A listening socket hands out connections, and sheds them when no descriptor is left.
//!
//! When no descriptor is left the listener gives up its spare one to take waiting connections and drop them,
//! as libuv does: clients see the end at once instead of hanging in the backlog. If even that fails it looks
//! again after 100 ms, because no edge will tell that a descriptor became free.

use std::io;
use std::panic::Location;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::Socket;

use super::polled::after_others;
use super::{CAP, had_its_turn};
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{Driver, SocketId, SocketKind};
use crate::handle::{HandleId, Kind};
use crate::phase::Callee;
use crate::timer::{Action, nanos};

/// Called with the handle of the stream.
pub(crate) type ConnectionCallback = Box<dyn FnMut(&LoopHandle, io::Result<HandleId>)>;
/// What opens the socket of a listener.
type Opener<'a> = &'a mut dyn FnMut(&mut Driver, u64) -> io::Result<SocketId>;

/// How long a listener waits before it looks for a free descriptor again.
const RETRY: Duration = Duration::from_millis(100);

/// The part of a handle that only listeners have.
pub(crate) struct ListenerState {
    /// What it is, and what its streams are, in words.
    pub(crate) names: (&'static str, &'static str),
    pub(crate) socket: SocketId,
    pub(crate) readable: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    callback: Option<ConnectionCallback>,
    accept_waker: Option<Waker>,
    /// How many connections a task has taken since it last waited (I2).
    accepts_in_a_row: u8,
    retry: Option<HandleId>,
}

/// The methods that every listener has, whatever its streams are made of.
macro_rules! listener_methods {
    ($type:ident, $stream:ident) => {
        impl $type {
            /// Calls back with every connection from now on. Close the streams that you are given.
            #[track_caller]
            pub fn on_connection(
                &self,
                callback: impl FnMut(&$crate::LoopHandle, std::io::Result<$stream>) + 'static,
            ) {
                let mut callback = callback;
                let on_handle = move |lp: &$crate::LoopHandle, accepted: std::io::Result<_>| {
                    callback(lp, accepted.map(|id| $stream { lp: lp.clone(), id }));
                };
                self.lp.listener_start(self.id, Box::new(on_handle), std::panic::Location::caller());
            }

            /// Takes the next connection, for a future: pending until there is one. One task at a time; after 32 connections
            /// without a wait it is pending for one pass, so that others get their turn.
            pub fn poll_accept(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<$stream>> {
                let lp = &self.lp;
                lp.listener_poll_accept(self.id, cx)
                    .map(|accepted| accepted.map(|id| $stream { lp: lp.clone(), id }))
            }

            /// For as long as a future waits for a connection.
            pub(super) fn accepting(&self) -> $crate::stream::listener::Accepting<'_> {
                $crate::stream::listener::Accepting(&self.lp, self.id)
            }

            /// Stops accepting; connections wait in the backlog until it is asked for again.
            pub fn pause(&self) {
                self.lp.set_active(self.id, false);
            }

            /// Goes on accepting for the callback after `pause`.
            pub fn resume(&self) {
                self.lp.listener_resume(self.id);
            }

            /// Another descriptor of the same socket, for example to send it to another process; what comes to the port
            /// goes to whoever accepts first. It does not block. Unix only.
            ///
            /// # Errors
            /// `NotConnected` when the listener is closed; the system's: no descriptor is left.
            #[cfg(unix)]
            pub fn duplicate(&self) -> std::io::Result<std::os::fd::OwnedFd> {
                self.lp.listener_ask(self.id, $crate::driver::Driver::duplicate)
            }
        }

        $crate::handle::handle_methods!($type);
    };
}
pub(crate) use listener_methods;

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the listener is closed")
}

fn with_listener<R>(
    lp: &LoopHandle,
    id: HandleId,
    access: impl FnOnce(&mut ListenerState) -> R,
) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Listener(listener) if !handle.closing => access.take().map(|access| access(listener)),
        _ => None,
    });
    found.flatten()
}

/// Ends the wait of a future when it is dropped: a listener for which nobody waits does not keep its loop alive.
pub(super) struct Accepting<'a>(pub(super) &'a LoopHandle, pub(super) HandleId);

impl Drop for Accepting<'_> {
    fn drop(&mut self) {
        let Accepting(lp, id) = *self;
        if with_listener(lp, id, |listener| listener.callback.is_none()) == Some(true) {
            lp.set_active(id, false);
        }
    }
}

/// No descriptor is left: EMFILE for this process, ENFILE for the whole system.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

impl LoopHandle {
    /// The handle of a listener whose socket `open` makes and registers; `names` are its own and its streams'.
    pub(super) fn listener_open(
        &self,
        names: (&'static str, &'static str),
        location: &'static Location<'static>,
        open: Opener<'_>,
    ) -> io::Result<HandleId> {
        if self.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        let state = ListenerState {
            names,
            socket: SocketId(usize::MAX),
            readable: false,
            queued: false,
            callback: None,
            accept_waker: None,
            accepts_in_a_row: 0,
            retry: None,
        };
        let id = self.core.handles.insert(Kind::Listener(Box::new(state)), location);
        let opened = open(&mut self.core.driver.borrow_mut(), id.token());
        match opened {
            Ok(socket) => {
                with_listener(self, id, |listener| listener.socket = socket);
                Ok(id)
            }
            Err(error) => {
                drop(self.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// The handle of a listener whose socket somebody else has opened.
    pub(super) fn listener_adopt(
        &self,
        names: (&'static str, &'static str),
        kind: SocketKind,
        socket: Socket,
        location: &'static Location<'static>,
    ) -> io::Result<HandleId> {
        let mut socket = Some(socket);
        self.listener_open(names, location, &mut |driver, token| {
            let socket = socket.take().ok_or(io::ErrorKind::InvalidInput)?;
            driver.adopt_socket(socket, kind, token)
        })
    }

    /// Asks the driver something about the socket of a listener.
    pub(super) fn listener_ask<T>(
        &self,
        id: HandleId,
        ask: impl FnOnce(&mut Driver, SocketId) -> io::Result<T>,
    ) -> io::Result<T> {
        let socket = with_listener(self, id, |listener| listener.socket).ok_or_else(closed)?;
        ask(&mut self.core.driver.borrow_mut(), socket)
    }

    pub(super) fn listener_start(
        &self,
        id: HandleId,
        callback: ConnectionCallback,
        location: &'static Location<'static>,
    ) {
        let old = with_listener(self, id, |listener| listener.callback.replace(callback));
        self.core.handles.with(id, |handle| handle.location = location);
        self.dispose(location, old);
        self.listener_resume(id);
    }

    pub(super) fn listener_resume(&self, id: HandleId) {
        self.set_active(id, true);
        if with_listener(self, id, |listener| listener.readable) == Some(true) {
            self.keep_ready(id);
        }
    }

    pub(super) fn listener_poll_accept(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<HandleId>> {
        self.set_active(id, true);
        let over = with_listener(self, id, |listener| {
            listener.readable && had_its_turn(&mut listener.accepts_in_a_row)
        });
        if over == Some(true) {
            return after_others(cx);
        }
        match self.accept_one(id) {
            Ok(Some(stream)) => Poll::Ready(Ok(stream)),
            Ok(None) => {
                let waker = cx.waker().clone();
                let old = with_listener(self, id, |listener| {
                    listener.accepts_in_a_row = 0;
                    listener.accept_waker.replace(waker)
                });
                match old {
                    Some(old) => {
                        drop(old);
                        Poll::Pending
                    }
                    None => Poll::Ready(Err(closed())),
                }
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// An edge, or a turn on the queue: accept up to the cap.
    pub(crate) fn listener_ready(&self, id: HandleId) {
        let waker = with_listener(self, id, |listener| listener.accept_waker.take()).flatten();
        if let Some(waker) = waker {
            let location = self.core.handles.with(id, |handle| handle.location);
            self.wake(location.unwrap_or_else(Location::caller), waker);
        }
        for _ in 0..CAP {
            let wanted = self.core.handles.with(id, |handle| {
                let active = handle.active;
                matches!(&handle.kind, Kind::Listener(listener) if active && listener.callback.is_some())
            });
            if wanted != Some(true) || self.core.must_end() {
                break;
            }
            match self.accept_one(id) {
                Ok(Some(stream)) => self.call_with_connection(id, Ok(stream)),
                Ok(None) => return,
                Err(error) => {
                    // Who fails now may fail for a while; asking at once again would only burn time.
                    self.call_with_connection(id, Err(error));
                    self.retry_later(id);
                    return;
                }
            }
        }
        let left = self.core.handles.with(id, |handle| {
            let active = handle.active;
            matches!(&handle.kind, Kind::Listener(listener)
                if active && listener.readable && listener.callback.is_some())
        });
        if left == Some(true) {
            self.keep_ready(id);
        }
    }

    fn call_with_connection(&self, id: HandleId, connection: io::Result<HandleId>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let taken = with_listener(self, id, |listener| listener.callback.take()).flatten();
        let (Some(location), Some(mut callback)) = (location, taken) else { return };
        self.call(Site::new(Callee::Connection, id.slot, location), || callback(self, connection));
        let mut callback = Some(callback);
        with_listener(self, id, |listener| {
            if listener.callback.is_none() {
                listener.callback = callback.take();
            }
        });
        self.dispose(location, callback);
    }

    /// The next connection that can be had; `None` when none waits, or none can be served now.
    fn accept_one(&self, id: HandleId) -> io::Result<Option<HandleId>> {
        loop {
            let socket = with_listener(self, id, |listener| {
                listener.readable.then_some((listener.socket, listener.names.1))
            });
            let Some((socket, name)) = socket.ok_or_else(closed)? else { return Ok(None) };
            let accepted = self.core.driver.borrow_mut().accept(socket);
            match accepted {
                Ok(stream) => {
                    self.core.metrics.count_accepted();
                    return self.stream_accepted(name, stream).map(Some);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_listener(self, id, |listener| listener.readable = false);
                    return Ok(None);
                }
                // The client gave up while it waited, or a signal came: the next one, please.
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted
                    ) => {}
                Err(error) if is_out_of_descriptors(&error) => {
                    self.shed(id, socket);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Drops waiting connections by means of the spare descriptor.
    fn shed(&self, id: HandleId, socket: SocketId) {
        for _ in 0..CAP {
            let result = self.core.driver.borrow_mut().shed(socket);
            match result {
                Ok(()) => self.core.metrics.count_shed(),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_listener(self, id, |listener| listener.readable = false);
                    return;
                }
                Err(_) => {
                    self.retry_later(id);
                    return;
                }
            }
        }
        self.keep_ready(id);
    }

    fn retry_later(&self, id: HandleId) {
        let Some(known) = with_listener(self, id, |listener| listener.retry) else { return };
        let timer = known.unwrap_or_else(|| {
            let timer = self.timer_new_internal(Location::caller());
            with_listener(self, id, |listener| listener.retry = Some(timer));
            timer
        });
        let deadline_ns = self.core.now_ns.get().saturating_add(nanos(RETRY));
        // It fails only when the loop is being dropped.
        let _ = self.timer_arm(timer, deadline_ns, Duration::ZERO, Action::Serve(id), false);
    }

    /// Closes the socket at once and wakes whoever waits for a connection.
    pub(crate) fn listener_closed(&self, location: &'static Location<'static>, remains: ListenerRemains) {
        let ListenerRemains { socket, retry, waker, callback } = remains;
        self.core.driver.borrow_mut().close(socket);
        if let Some(retry) = retry {
            self.timer_free(retry);
        }
        if let Some(waker) = waker {
            self.wake(location, waker);
        }
        self.dispose(location, callback);
    }
}

/// What a listener leaves behind when it begins to close.
pub(crate) struct ListenerRemains {
    socket: SocketId,
    retry: Option<HandleId>,
    waker: Option<Waker>,
    callback: Option<ConnectionCallback>,
}

impl ListenerState {
    pub(crate) fn stop_for_good(&mut self) -> ListenerRemains {
        ListenerRemains {
            socket: self.socket,
            retry: self.retry.take(),
            waker: self.accept_waker.take(),
            callback: self.callback.take(),
        }
    }
}
