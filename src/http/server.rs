//! The server: its routes, its limits, its listener and its counters.
//!
//! # Invariants
//! - W2: a connection counts as open from its accept to the end of its task; never more than the limit are open.
//! - W3: after `stop` no connection takes a further request; what has begun is answered, a client that does not take its
//!   answer is given up after the write time, and then nothing keeps the loop alive.

use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use event_loop::{LoopHandle, OwnedTcpStream, SpanSite, TcpListener, TcpStream};
use slab::Slab;

use super::connection;
use super::handle::ServerHandle;
use super::message::{IntoReply, Request};
use super::routes::{Handler, Route, Routes};
use super::stats::{End, Stats, bump};
use super::upload::RequestBody;

/// What can go wrong when a server starts. The text is complete: it says the cause, so there is no `source()`.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// The address makes no sense.
    #[error("{addr} is not an address to listen on; write it like 127.0.0.1:8080")]
    Address {
        /// What was given.
        addr: String,
    },
    /// The system refused the port.
    #[error("cannot listen on {addr}: {cause}{}", hint(.cause))]
    Listen {
        /// Where.
        addr: SocketAddr,
        /// The system's answer.
        cause: io::Error,
    },
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; another process has this port, choose another one or port 0",
        io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges, choose a higher one",
        io::ErrorKind::AddrNotAvailable => "; no interface of this machine has this address",
        _ => "",
    }
}

/// What a server accepts from outside. Beside these, fixed: after it has refused a client, it reads at most 1 MiB more of it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the request line and the header fields; hyper needs at least 8 KiB. 16 KiB by default.
    pub head_bytes: usize,
    /// Header fields. 100 by default.
    pub headers: usize,
    /// Bytes of a request's body. 1 MiB by default.
    pub body_bytes: usize,
    /// Time for the whole head to arrive; also how long an idle connection is kept. 30 s by default.
    pub head_time: Duration,
    /// Time for the whole body to arrive, all waits for it added up; also how long a client that was refused may take to end
    /// its side. 30 s by default.
    pub body_time: Duration,
    /// Time that a write may wait for the client to make room; when the server stops, the time for all that is left
    /// to write from then on, or from the first wait after it. 30 s by default.
    pub write_time: Duration,
    /// Open connections, streams of events among them; more are closed at once. 10,000 by default.
    pub connections: usize,
    /// Connections that may wait to be accepted. 1,024 by default; the system may allow fewer.
    pub backlog: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes: 16 * 1024,
            headers: 100,
            body_bytes: 1024 * 1024,
            head_time: Duration::from_secs(30),
            body_time: Duration::from_secs(30),
            write_time: Duration::from_secs(30),
            connections: 10_000,
            backlog: 1024,
        }
    }
}

/// A server that is being described. Without [`Server::serve`] nothing listens.
///
/// A client that ends its side of the connection is taken for one that has gone, as hyper does it: what it waits for is
/// dropped, and what it has pipelined may not be answered. Its end is seen behind what it has sent: when requests are pipelined
/// behind one that a route is at work on, only a write tells that the client has gone.
pub struct Server {
    addr: SocketAddr,
    routes: Routes,
    limits: Limits,
}

impl Server {
    /// A server for this address.
    ///
    /// # Errors
    /// When the text is no address.
    pub fn on(addr: impl ToSocketAddrs + std::fmt::Debug) -> Result<Server, HttpError> {
        let found = addr.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
        let addr = found.ok_or_else(|| HttpError::Address { addr: format!("{addr:?}") })?;
        Ok(Server { addr, routes: Routes::default(), limits: Limits::default() })
    }

    /// Answers `pattern` with `handler`, which returns a response or a future of one. A stall inside is blamed on
    /// the line of this call.
    ///
    /// A pattern is a path, or a beginning of paths with a star behind its last slash, and may begin with a method: `/ping`,
    /// `GET /files/*`. `GET` answers HEAD as well. The same pattern again replaces the first.
    ///
    /// # Panics
    /// When the pattern is none.
    #[track_caller]
    pub fn route<R: IntoReply + 'static>(
        self,
        pattern: &str,
        handler: impl Fn(Request) -> R + 'static,
    ) -> Server {
        let handler = Handler::Whole(Box::new(move |request| handler(request).into_reply()));
        self.insert(pattern, handler)
    }

    /// As [`Server::route`], for a handler that reads the body of the request itself, chunk by chunk. The limits on bodies
    /// are the same; the client waits while the handler does not read.
    ///
    /// # Panics
    /// When the pattern is none.
    #[track_caller]
    pub fn route_streaming<R: IntoReply + 'static>(
        self,
        pattern: &str,
        handler: impl Fn(Request, RequestBody) -> R + 'static,
    ) -> Server {
        let handler = Handler::Streaming(Box::new(move |request, body| handler(request, body).into_reply()));
        self.insert(pattern, handler)
    }

    #[track_caller]
    fn insert(mut self, pattern: &str, handler: Handler) -> Server {
        self.routes.insert(pattern, Route { handler, span: SpanSite::new(pattern) });
        self
    }

    /// Changes what is accepted from outside.
    pub fn limits(mut self, limits: Limits) -> Server {
        self.limits = limits;
        self
    }

    /// Listens, and serves while the loop runs.
    ///
    /// # Errors
    /// When the system refuses the port.
    pub fn serve(self, lp: &LoopHandle) -> Result<ServerHandle, HttpError> {
        let listen = |cause| HttpError::Listen { addr: self.addr, cause };
        let listener = TcpListener::bind(lp, self.addr, self.limits.backlog).map_err(listen)?;
        let local_addr = listener.local_addr().map_err(listen)?;
        let shared = Rc::new(Shared {
            routes: self.routes,
            limits: self.limits,
            stats: Stats::default(),
            open: Cell::new(0),
            stopping: Cell::new(false),
            cutting: Cell::new(false),
            connections: RefCell::default(),
            waiting: RefCell::default(),
        });
        let accepting = shared.clone();
        listener.on_connection(move |lp, connection| match connection {
            Ok(stream) => accepting.accept(lp, stream),
            Err(_) => bump(&accepting.stats.accept_errors),
        });
        Ok(ServerHandle { lp: lp.clone(), listener, local_addr, shared })
    }
}

pub(super) struct Shared {
    pub(super) routes: Routes,
    pub(super) limits: Limits,
    pub(super) stats: Stats,
    pub(super) open: Cell<usize>,
    pub(super) stopping: Cell<bool>,
    /// The deadline of a stop is over: connections end now.
    pub(super) cutting: Cell<bool>,
    /// The wakers of open connections, to tell them that the server stops.
    connections: RefCell<Slab<Option<Waker>>>,
    /// Who waits until no connection is open.
    pub(super) waiting: RefCell<Vec<Waker>>,
}

impl Shared {
    fn accept(self: &Rc<Self>, lp: &LoopHandle, stream: TcpStream) {
        let stream = OwnedTcpStream::new(stream);
        if self.open.get() >= self.limits.connections {
            bump(&self.stats.turned_away);
            return;
        }
        // Small answers leave at once; without it a keep-alive client may wait for its own acknowledgement.
        // It fails only when the peer is gone already, which the first read will tell.
        let _ = stream.set_nodelay(true);
        bump(&self.stats.accepted);
        self.open.set(self.open.get() + 1);
        let slot = self.connections.borrow_mut().insert(None);
        let open = Open { shared: self.clone(), slot, end: Cell::new(End::Dropped) };
        // Boxed here: a spawned future is moved once, and would have its room twice.
        drop(lp.spawn(Box::pin(connection::serve(stream, open))));
    }

    /// Lets every connection look whether the server stops.
    pub(super) fn wake_connections(&self) {
        let wakers: Vec<Waker> =
            self.connections.borrow().iter().filter_map(|(_, waker)| waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }
}

/// One open connection; dropping it counts it as closed.
pub(super) struct Open {
    pub(super) shared: Rc<Shared>,
    slot: usize,
    /// How it ended; until it has, that its loop drops it.
    end: Cell<End>,
}

impl Open {
    /// Says why it ends, which is counted when it has.
    pub(super) fn ends(&self, end: End) {
        self.end.set(end);
    }

    /// Lets the server wake this connection when it stops.
    pub(super) fn remember(&self, waker: &Waker) {
        let mut connections = self.shared.connections.borrow_mut();
        match connections.get_mut(self.slot) {
            Some(Some(known)) if known.will_wake(waker) => {}
            Some(slot) => *slot = Some(waker.clone()),
            None => {}
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.shared.open.set(self.shared.open.get() - 1);
        self.shared.stats.count_end(self.end.get());
        // The waker may be anybody's, so it is dropped without the borrow.
        let waker = self.shared.connections.borrow_mut().try_remove(self.slot);
        drop(waker);
        if self.shared.open.get() == 0 {
            let waiting = self.shared.waiting.take();
            waiting.into_iter().for_each(Waker::wake);
        }
    }
}
