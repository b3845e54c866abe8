//! Connections: opened when none is idle, kept for the next request to the same server, closed after a while.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use event_loop::{JoinHandle, LoopHandle, OwnedTcpStream, sleep_until, timeout, yield_now};
use hyper::body::{Body, Bytes, Frame, SizeHint};
use hyper::client::conn::http1;

use super::address::Address;
use super::{ClientError, ClientLimits, ClientStats};
use crate::http::body::Content;
use crate::http::hyper_rt::{HYPERS_HEADERS, HyperIo};
use crate::http::stream::BodyFailed;

/// The body of a request as hyper wants it.
pub(super) struct SendBody(pub(super) Content);

impl Body for SendBody {
    type Data = Bytes;
    type Error = BodyFailed;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyFailed>>> {
        match &mut self.0 {
            Content::Whole(body) => {
                let body = std::mem::take(body);
                Poll::Ready((!body.is_empty()).then(|| Ok(Frame::data(body))))
            }
            Content::Stream(stream) => stream.poll_frame(None, cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_at_end()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// A connection to a server. Dropping it closes it.
pub(super) struct Connection {
    pub(super) sender: http1::SendRequest<SendBody>,
    /// hyper's half.
    task: JoinHandle<Result<(), hyper::Error>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.cancel();
    }
}

struct Idle {
    connection: Connection,
    until: Instant,
}

/// The idle connections of a client.
pub(super) struct Pool {
    pub(super) limits: ClientLimits,
    /// By host and port, those that were used last at the end.
    idle: RefCell<HashMap<String, Vec<Idle>>>,
    /// A task closes those whose time is over.
    sweeping: Cell<bool>,
    opened: Cell<u64>,
    reused: Cell<u64>,
    pub(super) retried: Cell<u64>,
}

impl Pool {
    pub(super) fn new(limits: ClientLimits) -> Pool {
        let counter = || Cell::new(0);
        let (opened, reused, retried) = (counter(), counter(), counter());
        Pool { limits, idle: RefCell::default(), sweeping: Cell::new(false), opened, reused, retried }
    }

    pub(super) fn stats(&self) -> ClientStats {
        ClientStats {
            opened: self.opened.get(),
            reused: self.reused.get(),
            retried: self.retried.get(),
            idle: self.idle.borrow().values().map(Vec::len).sum(),
        }
    }

    /// An idle connection to this server that is still good, or a new one; whether it was idle.
    pub(super) async fn connection(&self, address: &Address) -> Result<(Connection, bool), ClientError> {
        while let Some(mut connection) = self.take(&address.authority) {
            if is_free(&mut connection).await {
                self.reused.set(self.reused.get() + 1);
                return Ok((connection, true));
            }
        }
        let stream = connect(address, self.limits.connect_time).await?;
        self.opened.set(self.opened.get() + 1);
        let mut builder = http1::Builder::new();
        builder.max_buf_size(self.limits.head_bytes.max(8 * 1024));
        if self.limits.headers != HYPERS_HEADERS {
            builder.max_headers(self.limits.headers);
        }
        let shaken = builder.handshake(HyperIo(stream)).await;
        let (sender, connection) =
            shaken.map_err(|error| ClientError::of(&address.authority, &error, &self.limits, false))?;
        let task = current_loop().map_err(|cause| refused(address, cause))?.spawn(connection);
        // Who waits for an answer keeps the loop alive; an idle connection does not.
        task.set_ref(false);
        Ok((Connection { sender, task }, false))
    }

    fn take(&self, server: &str) -> Option<Connection> {
        self.idle.borrow_mut().get_mut(server)?.pop().map(|idle| idle.connection)
    }

    /// Keeps a connection whose answer was read to its end.
    pub(super) fn put(self: &Rc<Self>, server: &str, connection: Connection) {
        let Some(lp) = LoopHandle::current() else { return };
        if connection.sender.is_closed()
            || self.limits.idle_per_host == 0
            || self.limits.idle_connections == 0
        {
            return;
        }
        let until = lp.now() + self.limits.idle_time;
        // Closed without the borrow.
        let _surplus = {
            let mut idle = self.idle.borrow_mut();
            let here = idle.entry(server.to_owned()).or_default();
            let mut surplus = (here.len() >= self.limits.idle_per_host).then(|| here.remove(0));
            here.push(Idle { connection, until });
            if idle.values().map(Vec::len).sum::<usize>() > self.limits.idle_connections {
                let lists = idle.values_mut().filter(|list| !list.is_empty());
                surplus = lists.min_by_key(|list| list[0].until).map(|list| list.remove(0));
            }
            surplus
        };
        if !self.sweeping.replace(true) {
            let sweeper = lp.spawn(sweep(Sweeping(Rc::downgrade(self))));
            sweeper.set_ref(false);
        }
    }

    /// Closes what is over; when the next one will be.
    fn close_old(&self, now: Instant) -> Option<Instant> {
        let mut old = Vec::new();
        let mut idle = self.idle.borrow_mut();
        idle.retain(|_, list| {
            let over = list.partition_point(|idle| idle.until <= now);
            old.extend(list.drain(..over));
            !list.is_empty()
        });
        let next = idle.values().map(|list| list[0].until).min();
        drop(idle);
        next
    }
}

/// Closes idle connections when their time is over, until there is none.
async fn sweep(sweeping: Sweeping) {
    while let Some(pool) = sweeping.0.upgrade() {
        let now = current_loop().map(|lp| lp.now());
        let next = now.ok().and_then(|now| pool.close_old(now));
        drop(pool);
        let Some(next) = next else { return };
        sleep_until(next).await;
    }
}

/// While a sweeper runs; also one whose loop is gone has ended.
struct Sweeping(Weak<Pool>);

impl Drop for Sweeping {
    fn drop(&mut self) {
        if let Some(pool) = self.0.upgrade() {
            pool.sweeping.set(false);
        }
    }
}

/// Whether the server has not ended it meanwhile. hyper's half has one turn to become ready: one that still sends the body of
/// a request that was answered early may never be.
async fn is_free(connection: &mut Connection) -> bool {
    for _ in 0..2 {
        match poll_fn(|cx| Poll::Ready(connection.sender.poll_ready(cx))).await {
            Poll::Ready(outcome) => return outcome.is_ok(),
            Poll::Pending => yield_now().await,
        }
    }
    false
}

fn current_loop() -> io::Result<LoopHandle> {
    LoopHandle::current().ok_or_else(|| io::Error::other("no loop runs on this thread"))
}

fn refused(address: &Address, cause: io::Error) -> ClientError {
    ClientError::Connect { server: address.authority.clone(), cause }
}

/// Tries the addresses of the server in order. Each has its share of the time that is left, so that one that swallows packets
/// does not take the time of the others.
async fn connect(address: &Address, limit: Duration) -> Result<OwnedTcpStream, ClientError> {
    let late = || ClientError::ConnectTimeout { server: address.authority.clone(), limit };
    let lp = current_loop().map_err(|cause| refused(address, cause))?;
    lp.update_time();
    let deadline = lp.now() + limit;
    let found = match address.host.parse::<IpAddr>() {
        Ok(ip) => vec![SocketAddr::new(ip, address.port)],
        Err(_) => {
            let lookup = crate::dns::lookup(&address.host, address.port);
            timeout(limit, lookup).await.map_err(|_| late())??
        }
    };
    let mut last = refused(address, io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for (tried, addr) in found.iter().enumerate() {
        let left = deadline.saturating_duration_since(lp.now());
        let share = left / (found.len() - tried) as u32;
        match timeout(share, OwnedTcpStream::connect(*addr)).await {
            Ok(Ok(stream)) => {
                // It fails only when the server is gone already, which the first read will tell.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(cause)) => last = refused(address, cause),
            Err(_) => last = late(),
        }
    }
    Err(last)
}
