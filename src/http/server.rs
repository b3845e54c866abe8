//! The server: its routes, its limits, its listener and its counters.
//!
//! # Invariants
//! - W2: a connection counts as open from its accept to the end of its task; never more than the limit are open.
//! - W3: after `stop` no connection takes a further request; what has begun is answered, a client that does not take its
//!   answer is given up after the write time, and then nothing keeps the loop alive.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use event_loop::{LoopHandle, OwnedTcpStream, SpanSite, TcpListener, TcpStream};
use slab::Slab;

use super::connection;
use super::message::{IntoReply, Request, Response};

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

/// What a server accepts from outside.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of the request line and the header fields; hyper needs at least 8 KiB.
    pub head_bytes: usize,
    /// Header fields.
    pub headers: usize,
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Time for the whole head to arrive; also how long an idle connection is kept.
    pub head_time: Duration,
    /// Time for the whole body to arrive; also how long a client that was refused may take to end its side.
    pub body_time: Duration,
    /// Time that a write may wait for the client to make room; when the server stops, the time for all that is left
    /// to write from then on, or from the first wait after it.
    pub write_time: Duration,
    /// Open connections; more are closed at once.
    pub connections: usize,
    /// Connections that may wait to be accepted.
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

type Handler = Box<dyn Fn(Request) -> Pin<Box<dyn Future<Output = Response>>>>;

pub(super) struct Route {
    pub(super) handler: Handler,
    pub(super) span: SpanSite,
}

/// A server that is being described. Without [`Server::serve`] nothing listens.
pub struct Server {
    addr: SocketAddr,
    routes: HashMap<String, Route>,
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
        Ok(Server { addr, routes: HashMap::new(), limits: Limits::default() })
    }

    /// Answers `path` with `handler`, which returns a response or a future of one. A stall inside is blamed on
    /// the line of this call.
    #[track_caller]
    pub fn route<R: IntoReply + 'static>(
        mut self,
        path: &str,
        handler: impl Fn(Request) -> R + 'static,
    ) -> Server {
        let span = SpanSite::new(path);
        let handler: Handler = Box::new(move |request| handler(request).into_reply());
        self.routes.insert(path.to_owned(), Route { handler, span });
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
            connections: RefCell::default(),
        });
        let accepting = shared.clone();
        listener.on_connection(move |lp, connection| match connection {
            Ok(stream) => accepting.accept(lp, stream),
            Err(_) => bump(&accepting.stats.accept_errors),
        });
        Ok(ServerHandle { listener, local_addr, shared })
    }
}

#[derive(Default)]
pub(super) struct Stats {
    pub(super) accepted: Cell<u64>,
    pub(super) turned_away: Cell<u64>,
    pub(super) accept_errors: Cell<u64>,
    pub(super) requests: Cell<u64>,
    pub(super) panics: Cell<u64>,
    pub(super) failed_connections: Cell<u64>,
    pub(super) head_timeouts: Cell<u64>,
    pub(super) write_timeouts: Cell<u64>,
    pub(super) too_large: Cell<u64>,
    pub(super) too_slow: Cell<u64>,
}

pub(super) fn bump(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

/// Counters of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections taken.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
    /// Connections closed at once because too many were open.
    pub turned_away: u64,
    /// Errors of accept that were not about a single client.
    pub accept_errors: u64,
    /// Requests that reached a route or a 404.
    pub requests: u64,
    /// Routes that panicked: answered with 500, or dropped with their connection.
    pub panics: u64,
    /// Connections that ended in an error: garbage, a reset, an end in the middle of a request.
    pub failed_connections: u64,
    /// Connections closed because no whole head came in time; idle ones are among them.
    pub head_timeouts: u64,
    /// Connections closed because the client did not take its answer in time.
    pub write_timeouts: u64,
    /// Bodies over the limit.
    pub too_large: u64,
    /// Bodies that came too slowly.
    pub too_slow: u64,
}

pub(super) struct Shared {
    pub(super) routes: HashMap<String, Route>,
    pub(super) limits: Limits,
    pub(super) stats: Stats,
    open: Cell<usize>,
    pub(super) stopping: Cell<bool>,
    /// The wakers of open connections, to tell them that the server stops.
    connections: RefCell<Slab<Option<Waker>>>,
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
        let guard = Open { shared: self.clone(), slot };
        drop(lp.spawn(connection::serve(stream, guard)));
    }
}

/// One open connection; dropping it counts it as closed.
pub(super) struct Open {
    pub(super) shared: Rc<Shared>,
    slot: usize,
}

impl Open {
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
        // The waker may be anybody's, so it is dropped without the borrow.
        let waker = self.shared.connections.borrow_mut().try_remove(self.slot);
        drop(waker);
    }
}

/// A server that listens. Dropping the handle lets it serve on.
#[derive(Clone)]
pub struct ServerHandle {
    listener: TcpListener,
    local_addr: SocketAddr,
    shared: Rc<Shared>,
}

impl ServerHandle {
    /// Where it listens, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening and lets open connections finish the request that they are in, for at most
    /// [`Limits::write_time`] once their clients do not take the answer.
    pub fn stop(&self) {
        self.listener.close();
        self.shared.stopping.set(true);
        let wakers: Vec<Waker> =
            self.shared.connections.borrow().iter().filter_map(|(_, waker)| waker.clone()).collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// The counters now.
    pub fn stats(&self) -> ServerStats {
        let stats = &self.shared.stats;
        ServerStats {
            accepted: stats.accepted.get(),
            open: self.shared.open.get(),
            turned_away: stats.turned_away.get(),
            accept_errors: stats.accept_errors.get(),
            requests: stats.requests.get(),
            panics: stats.panics.get(),
            failed_connections: stats.failed_connections.get(),
            head_timeouts: stats.head_timeouts.get(),
            write_timeouts: stats.write_timeouts.get(),
            too_large: stats.too_large.get(),
            too_slow: stats.too_slow.get(),
        }
    }
}
