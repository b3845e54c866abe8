//! A listening socket hands out connections, and sheds them when no descriptor is left.
//!
//! When no descriptor is left the listener gives up its spare one to take waiting connections and drop them,
//! as libuv does: clients see the end at once instead of hanging in the backlog. If even that fails it looks
//! again after 100 ms, because no edge will tell that a descriptor became free.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::{CAP, TcpStream};
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::phase::Callee;
use crate::timer::{Action, nanos};

type ConnectionCallback = Box<dyn FnMut(&LoopHandle, io::Result<TcpStream>)>;

/// How long a listener waits before it looks for a free descriptor again.
const RETRY: Duration = Duration::from_millis(100);

/// The part of a handle that only listeners have.
pub(crate) struct ListenerState {
    pub(crate) socket: SocketId,
    pub(crate) readable: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    callback: Option<ConnectionCallback>,
    accept_waker: Option<Waker>,
    retry: Option<HandleId>,
}

/// A TCP listener. Active while somebody waits for its connections. Dropping the value does not close it.
#[derive(Clone)]
pub struct TcpListener {
    lp: LoopHandle,
    id: HandleId,
}

impl TcpListener {
    /// Binds to `addr` and listens; `backlog` is how many connections may wait to be accepted.
    ///
    /// # Errors
    /// The system's: the port is taken, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(lp: &LoopHandle, addr: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
        if lp.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        let state = ListenerState {
            socket: SocketId(usize::MAX),
            readable: false,
            queued: false,
            callback: None,
            accept_waker: None,
            retry: None,
        };
        let id = lp.core.handles.insert(Kind::Listener(Box::new(state)), Location::caller());
        let opened = lp.core.driver.borrow_mut().listen(addr, backlog, id.token());
        match opened {
            Ok(socket) => {
                with_listener(lp, id, |listener| listener.socket = socket);
                Ok(TcpListener { lp: lp.clone(), id })
            }
            Err(error) => {
                drop(lp.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// The address that it listens on, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = with_listener(&self.lp, self.id, |listener| listener.socket).ok_or_else(closed)?;
        self.lp.core.driver.borrow_mut().local_addr(socket)
    }

    /// Calls back with every connection from now on. Close the streams that you are given.
    #[track_caller]
    pub fn on_connection(&self, callback: impl FnMut(&LoopHandle, io::Result<TcpStream>) + 'static) {
        let location = Location::caller();
        let callback: ConnectionCallback = Box::new(callback);
        let old = with_listener(&self.lp, self.id, |listener| listener.callback.replace(callback));
        self.lp.core.handles.with(self.id, |handle| handle.location = location);
        self.lp.dispose(location, old);
        self.lp.set_active(self.id, true);
        self.serve_if_readable();
    }

    /// Takes the next connection, for a future: pending until there is one. One task at a time.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        self.lp.set_active(self.id, true);
        match self.lp.accept_one(self.id) {
            Ok(Some(stream)) => Poll::Ready(Ok(stream)),
            Ok(None) => {
                let waker = cx.waker().clone();
                let old = with_listener(&self.lp, self.id, |listener| listener.accept_waker.replace(waker));
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

    /// Stops accepting; connections wait in the backlog until it is asked for again.
    pub fn pause(&self) {
        self.lp.set_active(self.id, false);
    }

    /// Goes on accepting for the callback after [`TcpListener::pause`].
    pub fn resume(&self) {
        self.lp.set_active(self.id, true);
        self.serve_if_readable();
    }

    fn serve_if_readable(&self) {
        if with_listener(&self.lp, self.id, |listener| listener.readable) == Some(true) {
            self.lp.keep_ready(self.id);
        }
    }
}

handle_methods!(TcpListener);

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

/// No descriptor is left: EMFILE for this process, ENFILE for the whole system.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

impl LoopHandle {
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

    fn call_with_connection(&self, id: HandleId, connection: io::Result<TcpStream>) {
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
    fn accept_one(&self, id: HandleId) -> io::Result<Option<TcpStream>> {
        loop {
            let socket = with_listener(self, id, |listener| listener.readable.then_some(listener.socket));
            let Some(socket) = socket.ok_or_else(closed)? else { return Ok(None) };
            let accepted = self.core.driver.borrow_mut().accept(socket);
            match accepted {
                Ok((stream, _peer)) => {
                    self.core.metrics.count_accepted();
                    return TcpStream::adopt(self, stream, true).map(Some);
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
