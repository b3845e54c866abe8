//! Descriptors that travel with bytes over a Unix socket: files, connections, listeners, for a process that goes on with them.
//!
//! # Model
//! A message is some bytes and up to 253 descriptors, which go with its first byte. The receiver gets descriptors of its
//! own, closed when it starts another program, together with the read that holds that byte. Bytes that were sent before
//! may stand in front of it in the same read, so a protocol says in its bytes which of them have descriptors.
//!
//! # Invariants
//! - F1: a descriptor that nobody takes is closed: after plain reads, in a callback that ignores it, after lost ones, with
//!   a write that is cancelled or fails.
//! - F2: descriptors keep their place among the bytes, whether a write went out at once or waited in the queue.
//!
//! # Source
//! unix(7), SCM_RIGHTS; libuv 1.52 `uv_write2`, `uv_try_write2`, which send one handle with a message.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::panic::Location;
use std::task::{Context, Poll};

use super::UnixStream;
use super::request::Request;
use super::state::ReadEvent;
use crate::core::LoopHandle;
use crate::driver::MAX_DESCRIPTORS;
use crate::phase::Callee;

impl UnixStream {
    /// How many descriptors may go with one message.
    pub const MAX_DESCRIPTORS: usize = MAX_DESCRIPTORS;

    /// Queues `data` behind earlier writes, and `descriptors` with its first byte; `callback` comes later, when all of it is
    /// with the system. Our descriptors are closed as soon as they are sent, or when the write fails.
    ///
    /// A write without bytes, or with more than [`UnixStream::MAX_DESCRIPTORS`], fails with `InvalidInput`; otherwise it
    /// fails as `write` does. Linux refuses descriptors that would wait in sockets in too great a number (ETOOMANYREFS).
    ///
    /// ```
    /// use event_loop::{EventLoop, ReadEvent, RunMode, UnixStream};
    ///
    /// let event_loop = EventLoop::new()?;
    /// let (one, other) = UnixStream::pair(&event_loop.handle())?;
    /// let file = std::fs::File::open("/dev/null")?;
    /// one.write_with_descriptors(b"a file".to_vec(), vec![file.into()], |_, sent| sent.expect("sent"));
    /// let itself = other.clone();
    /// other.read_start_with_descriptors(move |_, event, descriptors| {
    ///     assert!(matches!(event, ReadEvent::Data(b"a file")) && descriptors.len() == 1);
    ///     itself.close();
    /// })?;
    /// event_loop.run(RunMode::Default)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn write_with_descriptors(
        &self,
        data: Vec<u8>,
        descriptors: Vec<OwnedFd>,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) {
        let (callback, location) = (Box::new(callback), Location::caller());
        match check(&data, descriptors.len()) {
            Ok(()) => self.lp.stream_write(self.id, data, descriptors, callback, location),
            Err(error) => {
                self.lp.core.count_request(true);
                let request = Request { callback, location };
                self.lp.finish_request(self.id, Callee::Write, request, Err(error));
            }
        }
    }

    /// Writes what the system takes at once, without queueing; with the first byte all descriptors are sent.
    ///
    /// # Errors
    /// As `try_write`; `InvalidInput` for a write without bytes or with more than [`UnixStream::MAX_DESCRIPTORS`].
    pub fn try_write_with_descriptors(
        &self,
        data: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<usize> {
        check(data, descriptors.len())?;
        self.lp.stream_try_write(self.id, data, descriptors)
    }

    /// As [`UnixStream::try_write_with_descriptors`] for a future, which waits for room. One writing task at a time.
    pub fn poll_write_with_descriptors(
        &self,
        cx: &mut Context<'_>,
        data: &[u8],
        descriptors: &[BorrowedFd<'_>],
    ) -> Poll<io::Result<usize>> {
        check(data, descriptors.len())?;
        self.lp.stream_poll_write(self.id, cx, &[io::IoSlice::new(data)], descriptors)
    }

    /// As `read_start`; `callback` also gets the descriptors that came with the bytes, in their order, and none with most.
    /// Those that it does not keep are closed.
    ///
    /// When this process may not have as many descriptors as came, the reading fails: what came of them is closed, and the
    /// bytes that they came with are lost too.
    ///
    /// # Errors
    /// As `read_start`.
    #[track_caller]
    pub fn read_start_with_descriptors(
        &self,
        callback: impl FnMut(&LoopHandle, ReadEvent<'_>, Vec<OwnedFd>) + 'static,
    ) -> io::Result<()> {
        self.lp.stream_read_start(self.id, Box::new(callback), true, Location::caller())
    }

    /// As `poll_read`; appends the descriptors that came with the bytes to `descriptors`.
    pub fn poll_read_with_descriptors(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> Poll<io::Result<usize>> {
        self.lp.stream_poll_read(self.id, cx, buffer, Some(descriptors))
    }
}

fn check(data: &[u8], descriptors: usize) -> io::Result<()> {
    let message = if data.is_empty() {
        "descriptors travel with bytes; send at least one".to_owned()
    } else if descriptors > MAX_DESCRIPTORS {
        format!("{descriptors} descriptors in one message, at most {MAX_DESCRIPTORS}; use several")
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}
