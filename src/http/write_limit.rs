//! A client that does not read: how long a write may wait for it.
//!
//! # Model
//! The deadline is armed when a write finds no room, and goes when some bytes leave, so that a slow client that reads
//! is served. Once the server stops, the deadline counts from the stop, or from the first write without room after it,
//! and progress does not move it any more: else a client that reads a byte now and then holds the stop for hours.
//!
//! # Invariants
//! - W4: a write that finds no room for the whole write time ends its connection, and no other.

use std::future::Future;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use event_loop::{OwnedTcpStream, Sleep, sleep};
use hyper::rt::{Read, ReadBufCursor, Write};

use super::hyper_rt::HyperIo;
use super::server::Shared;

/// A connection as hyper wants it, whose writes do not wait for ever.
pub(super) struct WriteLimited {
    io: HyperIo,
    shared: Rc<Shared>,
    /// While bytes wait for room.
    deadline: Option<Deadline>,
    expired: bool,
}

struct Deadline {
    sleep: Sleep,
    /// Armed by a server that stops: progress does not move it.
    last: bool,
}

impl WriteLimited {
    pub(super) fn new(stream: OwnedTcpStream, shared: Rc<Shared>) -> WriteLimited {
        WriteLimited { io: HyperIo(stream), shared, deadline: None, expired: false }
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
        let arm = || Deadline { sleep: sleep(self.shared.limits.write_time), last };
        let deadline = self.deadline.get_or_insert_with(arm);
        Pin::new(&mut deadline.sleep).poll(cx).map(|()| {
            self.expired = true;
            Err(io::Error::new(ErrorKind::TimedOut, "the client does not read"))
        })
    }
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
        self.deadline = None;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
