//! A socket behind an instance: its descriptor, its timeout, and the one way in which every call waits.

use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use super::super::support::host;
use super::super::wait::wait;
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

/// How long a call may wait.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Patience {
    Forever,
    AtMost(Duration),
    /// A non-blocking socket.
    None,
}

/// See the file's header.
pub(in super::super) struct SocketHost {
    /// None after `close`. Calls under way keep the descriptor until they return.
    socket: Mutex<Option<Arc<Socket>>>,
    patience: Mutex<Patience>,
}

impl HostObject for SocketHost {}

impl SocketHost {
    pub(super) fn new(socket: Socket) -> io::Result<SocketHost> {
        socket.set_nonblocking(true)?;
        let socket = Mutex::new(Some(Arc::new(socket)));
        Ok(SocketHost { socket, patience: Mutex::new(Patience::Forever) })
    }

    /// The socket, or `Bad file descriptor` when it was closed.
    pub(in super::super) fn open(&self) -> io::Result<Arc<Socket>> {
        self.socket.lock().clone().ok_or_else(|| io::Error::from(rustix::io::Errno::BADF))
    }

    pub(super) fn close(&self) -> Option<Arc<Socket>> {
        self.socket.lock().take()
    }

    /// The number of the descriptor, -1 when it was closed.
    pub(in super::super) fn number(&self) -> i32 {
        self.socket.lock().as_ref().map_or(-1, |socket| socket.as_raw_fd())
    }

    pub(super) fn patience(&self) -> Patience {
        *self.patience.lock()
    }

    pub(super) fn set_patience(&self, patience: Patience) {
        *self.patience.lock() = patience;
    }
}

pub(super) fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<SocketHost>, Unwind> {
    host(m, receiver, "socket")
}

/// Waits until a descriptor is ready for one thing, or for so long; interruptions count as not ready.
fn poll_one_way(fd: BorrowedFd<'_>, way: PollFlags, slice: Duration) {
    let timeout = Timespec { tv_sec: slice.as_secs() as i64, tv_nsec: i64::from(slice.subsec_nanos()) as _ };
    // Whoever polls tries again afterwards, so that an error of poll itself shows there.
    let _ = poll(&mut [PollFd::from_borrowed_fd(fd, way)], Some(&timeout));
}

/// Calls `op` until it does not say that it would block, as the socket's timeout allows.
pub(super) fn call<R, H: Heap>(
    m: &mut Machine<H>,
    socket: &SocketHost,
    way: PollFlags,
    mut op: impl FnMut(&Socket) -> io::Result<R>,
) -> Result<R, Unwind> {
    let mut attempt = || loop {
        match socket.open().and_then(|open| op(&open)) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    };
    let patience = socket.patience();
    if patience == Patience::None {
        let keeps = m.shared.settings.ablations.nonblocking_keeps;
        let result = if keeps { attempt() } else { m.allow_threads(attempt) };
        return result.map_err(|error| m.os_error(&error));
    }
    let deadline = match patience {
        Patience::AtMost(time) => m.shared.settings.clock.now().checked_add(time),
        _ => None,
    };
    let done = wait(m, deadline, |slice| {
        let first = attempt();
        if !would_block(&first) {
            return Some(first);
        }
        if let Ok(open) = socket.open() {
            poll_one_way(open.as_fd(), way, slice);
        }
        Some(attempt()).filter(|second| !would_block(second))
    })?;
    match done {
        Some(result) => result.map_err(|error| m.os_error(&error)),
        None => Err(m.raise(types::TIMEOUT_ERROR, "timed out")),
    }
}

fn would_block<R>(result: &io::Result<R>) -> bool {
    result.as_ref().is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}
