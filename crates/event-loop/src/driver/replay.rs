//! The log of a driver's answers, and the driver that gives them again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::scripted::WakeFlag;
use super::{LoopWaker, Moved, Readiness, SocketId};

/// Every answer that the world gave to a loop, in order; clones share one log.
///
/// Keep one with [`crate::LoopOptions::log`], hand it to [`crate::LoopOptions::replay`] to run the same
/// program against the same answers. Work from other threads is replayed by count, not by content: the
/// replay waits until as many items have come as the log says.
#[derive(Clone, Default)]
pub struct DriverLog(Rc<RefCell<VecDeque<Answer>>>);

impl DriverLog {
    /// An empty log.
    pub fn new() -> DriverLog {
        DriverLog::default()
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.0.borrow().len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn push(&self, answer: Answer) {
        self.0.borrow_mut().push_back(answer);
    }
}

/// One answer of the world.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Now(Instant),
    Poll(Logged<()>, Vec<Readiness>),
    Inbox(usize),
    Socket(Logged<usize>),
    Accept(Logged<(usize, SocketAddr)>),
    Read(Logged<(Vec<u8>, bool)>),
    Written(Logged<Moved>),
    Done(Logged<()>),
    Address(Logged<SocketAddr>),
}

/// A result that can be kept: of an error, its kind and its number.
pub(crate) type Logged<T> = Result<T, LoggedError>;

#[derive(Clone, Copy, Debug)]
pub(crate) struct LoggedError {
    kind: io::ErrorKind,
    number: Option<i32>,
}

/// What can be kept of `result`, its value reduced by `keep`.
pub(crate) fn logged<S, T>(result: &io::Result<S>, keep: impl FnOnce(&S) -> T) -> Logged<T> {
    match result {
        Ok(value) => Ok(keep(value)),
        Err(error) => Err(LoggedError { kind: error.kind(), number: error.raw_os_error() }),
    }
}

fn again<T>(logged: Logged<T>) -> io::Result<T> {
    logged.map_err(|error| match error.number {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind.into(),
    })
}

/// The driver that answers from a log.
pub(crate) struct Replay {
    log: DriverLog,
    last_now: Option<Instant>,
    given: usize,
    wake: Arc<WakeFlag>,
}

impl Replay {
    pub(crate) fn new(log: DriverLog) -> Replay {
        Replay { log, last_now: None, given: 0, wake: Arc::default() }
    }

    pub(super) fn waker(&self) -> LoopWaker {
        LoopWaker::Flag(self.wake.clone())
    }

    fn next(&mut self) -> Option<Answer> {
        self.given += 1;
        self.log.0.borrow_mut().pop_front()
    }

    fn diverged(&self, asked: &str, found: Option<&Answer>) -> io::Error {
        io::Error::other(format!(
            "the replay went another way at answer {}: the loop asked for {asked}, the log has {found:?}",
            self.given
        ))
    }

    pub(super) fn now(&mut self) -> Instant {
        let at_now = matches!(self.log.0.borrow().front(), Some(Answer::Now(_)));
        if at_now && let Some(Answer::Now(now)) = self.next() {
            self.last_now = Some(now);
        }
        self.last_now.unwrap_or_else(clock::process_start)
    }

    pub(super) fn poll(&mut self, _timeout: Option<Duration>, events: &mut Vec<Readiness>) -> io::Result<()> {
        match self.next() {
            Some(Answer::Poll(result, seen)) => {
                events.extend(seen);
                again(result)
            }
            other => Err(self.diverged("poll", other.as_ref())),
        }
    }

    pub(super) fn inbox_quota(&mut self) -> usize {
        match self.next() {
            Some(Answer::Inbox(taken)) => taken,
            _ => 0,
        }
    }

    fn socket(&mut self, asked: &str) -> io::Result<SocketId> {
        match self.next() {
            Some(Answer::Socket(result)) => again(result).map(SocketId),
            other => Err(self.diverged(asked, other.as_ref())),
        }
    }

    fn done(&mut self, asked: &str) -> io::Result<()> {
        match self.next() {
            Some(Answer::Done(result)) => again(result),
            other => Err(self.diverged(asked, other.as_ref())),
        }
    }

    pub(super) fn listen(&mut self, _addr: SocketAddr, _backlog: u32, _token: u64) -> io::Result<SocketId> {
        self.socket("listen")
    }

    pub(super) fn connect(&mut self, _addr: SocketAddr, _token: u64) -> io::Result<SocketId> {
        self.socket("connect")
    }

    pub(super) fn accept(&mut self, _listener: SocketId) -> io::Result<(SocketId, SocketAddr)> {
        match self.next() {
            Some(Answer::Accept(result)) => again(result).map(|(id, peer)| (SocketId(id), peer)),
            other => Err(self.diverged("accept", other.as_ref())),
        }
    }

    pub(super) fn shed(&mut self, _listener: SocketId) -> io::Result<()> {
        self.done("shed")
    }

    pub(super) fn register(&mut self, _socket: SocketId, _token: u64) -> io::Result<()> {
        self.done("register")
    }

    pub(super) fn read(&mut self, _socket: SocketId, buffer: &mut [u8]) -> io::Result<Moved> {
        match self.next() {
            Some(Answer::Read(result)) => {
                let (data, exhausted) = again(result)?;
                let bytes = data.len().min(buffer.len());
                buffer[..bytes].copy_from_slice(&data[..bytes]);
                Ok(Moved { bytes, exhausted })
            }
            other => Err(self.diverged("read", other.as_ref())),
        }
    }

    pub(super) fn write(&mut self, _socket: SocketId, _buffers: &[io::IoSlice<'_>]) -> io::Result<Moved> {
        match self.next() {
            Some(Answer::Written(result)) => again(result),
            other => Err(self.diverged("write", other.as_ref())),
        }
    }

    pub(super) fn shutdown(&mut self, _socket: SocketId, _how: Shutdown) -> io::Result<()> {
        self.done("shutdown")
    }

    pub(super) fn finish_connect(&mut self, _socket: SocketId) -> io::Result<()> {
        self.done("finish_connect")
    }

    pub(super) fn local_addr(&mut self, _socket: SocketId) -> io::Result<SocketAddr> {
        match self.next() {
            Some(Answer::Address(result)) => again(result),
            other => Err(self.diverged("local_addr", other.as_ref())),
        }
    }

    pub(super) fn set_nodelay(&mut self, _socket: SocketId, _on: bool) -> io::Result<()> {
        self.done("set_nodelay")
    }

    pub(super) fn close(&mut self, _socket: SocketId) {}
}
