//! A client that does not read: how long a write may wait for it.
//!
//! # Model
//! The deadline is armed when a write finds no room, and goes when some bytes leave, so that a slow client that reads
//! is served. Once the server stops, the deadline counts from the stop, or from the first write without room after it,
//! and progress does not move it any more: else a client that reads a byte now and then holds the stop for hours. The time
//! in which nothing waits for the client, for example until a route has its answer, is not the client's and does not count.
//!
//! # Invariants
//! - W4: a write that finds no room for the whole write time ends its connection, and no other.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use event_loop::{OwnedTcpStream, Sleep, sleep};
use hyper::rt::{Read, ReadBufCursor, Timer, Write};

use super::hyper_rt::{HyperIo, LoopTimer};
use super::server::Shared;

/// A connection as hyper wants it, whose writes do not wait for ever.
pub(super) struct WriteLimited {
    io: HyperIo,
    shared: Rc<Shared>,
    /// While bytes wait for room.
    deadline: Option<Deadline>,
    /// What a stop has left of the write time.
    left: Duration,
    expired: bool,
}

struct Deadline {
    sleep: Sleep,
    /// When it will be over.
    at: Instant,
    /// Armed by a server that stops: progress does not move it.
    last: bool,
}

impl WriteLimited {
    pub(super) fn new(stream: OwnedTcpStream, shared: Rc<Shared>) -> WriteLimited {
        let left = shared.limits.write_time;
        WriteLimited { io: HyperIo(stream), shared, deadline: None, left, expired: false }
    }

    /// The connection itself.
    pub(super) fn stream(&self) -> &OwnedTcpStream {
        &self.io.0
    }

    /// Whether a write has waited for too long.
    pub(super) fn expired(&self) -> bool {
        self.expired
    }

    fn limit(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.deadline.take_if(|deadline| !deadline.last);
            return written;
        }
        let last = self.shared.stopping.get();
        self.deadline.take_if(|deadline| deadline.last != last);
        let patience = if last { self.left } else { self.shared.limits.write_time };
        let arm = || Deadline { at: later(LoopTimer.now(), patience), sleep: sleep(patience), last };
        let deadline = self.deadline.get_or_insert_with(arm);
        Pin::new(&mut deadline.sleep).poll(cx).map(|()| {
            self.expired = true;
            Err(io::Error::new(ErrorKind::TimedOut, "the client does not read"))
        })
    }
}

/// A time that the clock cannot express is as good as never.
fn later(now: Instant, patience: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(patience).unwrap_or(now + NEVER)
}

impl Read for WriteLimited {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, cursor)
    }
}

impl Write for WriteLimited {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, data);
        self.limit(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, data);
        self.limit(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// hyper flushes when it has handed over all that it had, so nothing waits any more.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some(deadline) = self.deadline.take()
            && deadline.last
        {
            self.left = deadline.at.saturating_duration_since(LoopTimer.now());
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
