//! The log of a driver's answers, and the driver that gives them again.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::scripted::WakeFlag;
use super::{
    Carried, Lent, ListenOptions, LoopWaker, Moved, Readiness, ReceivedDatagram, SocketId, SocketKind,
    StreamOption, UdpFlags, UdpSetting,
};

/// How long a replay waits for work that another thread sent in the logged run.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every answer that the world gave to a loop, in order; clones share one log.
///
/// Keep one with [`crate::LoopOptions::log`], hand it to [`crate::LoopOptions::replay`] to run the same
/// program against the same answers. Work from other threads is replayed by count, not by content: the
/// replay waits until as many items have come as the log says. A program that goes another way than the log
/// is told so: `run` ends with an error.
#[derive(Clone)]
pub struct DriverLog {
    answers: Rc<RefCell<Vec<Answer>>>,
    patience: Duration,
}

impl Default for DriverLog {
    fn default() -> Self {
        DriverLog { answers: Rc::default(), patience: PATIENCE }
    }
}

impl DriverLog {
    /// An empty log.
    pub fn new() -> DriverLog {
        DriverLog::default()
    }

    /// How many answers it holds.
    pub fn len(&self) -> usize {
        self.answers.borrow().len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many of the answers are readings of the clock by the loop.
    pub fn clock_reads(&self) -> usize {
        self.answers.borrow().iter().filter(|answer| matches!(answer, Answer::Now(_))).count()
    }

    /// How long a replay of this log waits for work from other threads before it says that the run went
    /// another way; 10 s by default.
    pub fn patience(mut self, patience: Duration) -> DriverLog {
        self.patience = patience;
        self
    }

    pub(super) fn push(&self, answer: Answer) {
        self.answers.borrow_mut().push(answer);
    }
}

/// What a replay must take from the inbox: so many items, waited for so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) items: usize,
    pub(crate) patience: Duration,
}

/// One answer of the world.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Now(Instant),
    Poll(Logged<()>, Vec<Readiness>),
    Inbox(usize),
    Socket(Logged<usize>),
    Read(Logged<ReadBytes>),
    Datagram(Logged<(Vec<u8>, ReceivedDatagram)>),
    Written(Logged<Moved>),
    Done(Logged<()>),
    Address(Logged<SocketAddr>),
}

/// What a read gave.
#[derive(Clone, Debug)]
pub(crate) struct ReadBytes {
    pub(crate) data: Vec<u8>,
    pub(crate) exhausted: bool,
    /// How many descriptors came with the bytes; a replay has stand-ins for them.
    pub(crate) descriptors: usize,
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

/// A descriptor in the place of one that the logged run had.
#[cfg(unix)]
fn stand_in() -> io::Result<OwnedFd> {
    std::fs::File::open("/dev/null").map(OwnedFd::from)
}

/// The driver that answers from a log.
pub(crate) struct Replay {
    answers: VecDeque<Answer>,
    patience: Duration,
    last_now: Option<Instant>,
    given: usize,
    /// What the replay should have taken from the inbox, until it did.
    expected_items: usize,
    /// Where the run went another way at a call that has no error to return; the next poll says so.
    diverged: Option<String>,
    wake: Arc<WakeFlag>,
}

impl Replay {
    /// A replay of what the log holds now; the log itself is left as it is.
    pub(crate) fn new(log: &DriverLog) -> Replay {
        Replay {
            answers: log.answers.borrow().iter().cloned().collect(),
            patience: log.patience,
            last_now: None,
            given: 0,
            expected_items: 0,
            diverged: None,
            wake: Arc::default(),
        }
    }

    pub(super) fn waker(&self) -> LoopWaker {
        LoopWaker::Flag(self.wake.clone())
    }

    fn next(&mut self) -> Option<Answer> {
        self.given += 1;
        self.answers.pop_front()
    }

    fn diverged(&mut self, asked: &str, found: Option<&Answer>) -> io::Error {
        let found = found.map_or_else(|| "nothing more".to_owned(), |answer| format!("{answer:?}"));
        let message = format!(
            "the replay went another way at answer {}: the loop asked for {asked}, the log has {found}",
            self.given
        );
        io::Error::other(self.diverged.get_or_insert(message).clone())
    }

    pub(super) fn now(&mut self) -> Instant {
        if let Some(Answer::Now(now)) = self.answers.front() {
            self.last_now = Some(*now);
            self.next();
        } else {
            let found = self.answers.front().cloned();
            self.diverged("now", found.as_ref());
        }
        self.last_now.unwrap_or_else(clock::process_start)
    }

    pub(super) fn poll(&mut self, _timeout: Option<Duration>, events: &mut Vec<Readiness>) -> io::Result<()> {
        if let Some(message) = &self.diverged {
            return Err(io::Error::other(message.clone()));
        }
        match self.next() {
            Some(Answer::Poll(result, seen)) => {
                events.extend(seen);
                again(result)
            }
            other => Err(self.diverged("poll", other.as_ref())),
        }
    }

    pub(super) fn inbox_quota(&mut self) -> Quota {
        self.expected_items = match self.next() {
            Some(Answer::Inbox(taken)) => taken,
            other => {
                self.diverged("the inbox", other.as_ref());
                0
            }
        };
        Quota { items: self.expected_items, patience: self.patience }
    }

    pub(super) fn check_inbox(&mut self, taken: usize) {
        if taken != self.expected_items {
            let logged = Answer::Inbox(self.expected_items);
            self.diverged(&format!("the inbox, where {taken} items came in time"), Some(&logged));
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

    pub(super) fn listen(
        &mut self,
        _addr: SocketAddr,
        _options: &ListenOptions,
        _token: u64,
    ) -> io::Result<SocketId> {
        self.socket("listen")
    }

    pub(super) fn connect(
        &mut self,
        _addr: SocketAddr,
        _from: Option<SocketAddr>,
        _token: u64,
    ) -> io::Result<SocketId> {
        self.socket("connect")
    }

    pub(super) fn accept(&mut self, _listener: SocketId) -> io::Result<SocketId> {
        self.socket("accept")
    }

    #[cfg(unix)]
    pub(super) fn adopt(&mut self, _descriptor: OwnedFd, _token: u64) -> io::Result<SocketId> {
        self.socket("adopt")
    }

    pub(super) fn adopt_socket(
        &mut self,
        _socket: socket2::Socket,
        _kind: SocketKind,
        _token: u64,
    ) -> io::Result<SocketId> {
        self.socket("adopt_socket")
    }

    /// A stand-in: what is done with it through the driver is in the log too.
    #[cfg(unix)]
    pub(super) fn duplicate(&mut self, _socket: SocketId) -> io::Result<OwnedFd> {
        self.done("duplicate")?;
        stand_in()
    }

    #[cfg(unix)]
    pub(super) fn listen_at(&mut self, _path: &Path, _backlog: u32, _token: u64) -> io::Result<SocketId> {
        self.socket("listen_at")
    }

    #[cfg(unix)]
    pub(super) fn connect_at(&mut self, _path: &Path, _token: u64) -> io::Result<SocketId> {
        self.socket("connect_at")
    }

    pub(super) fn shed(&mut self, _listener: SocketId) -> io::Result<()> {
        self.done("shed")
    }

    pub(super) fn register(&mut self, _socket: SocketId, _token: u64) -> io::Result<()> {
        self.done("register")
    }

    pub(super) fn read(
        &mut self,
        _socket: SocketId,
        buffer: &mut [u8],
        carried: Option<&mut Vec<Carried>>,
    ) -> io::Result<Moved> {
        match self.next() {
            Some(Answer::Read(result)) => {
                let read = again(result)?;
                let Some(room) = buffer.get_mut(..read.data.len()) else {
                    let found = Answer::Read(Ok(read));
                    return Err(self.diverged("read into a smaller buffer", Some(&found)));
                };
                room.copy_from_slice(&read.data);
                #[cfg(unix)]
                if let Some(carried) = carried {
                    for _ in 0..read.descriptors {
                        carried.push(stand_in()?);
                    }
                }
                #[cfg(not(unix))]
                let _ = carried;
                Ok(Moved { bytes: read.data.len(), exhausted: read.exhausted })
            }
            other => Err(self.diverged("read", other.as_ref())),
        }
    }

    pub(super) fn write(
        &mut self,
        _socket: SocketId,
        buffers: &[io::IoSlice<'_>],
        _lent: &[Lent<'_>],
    ) -> io::Result<Moved> {
        let wanted: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        match self.next() {
            Some(Answer::Written(result)) if result.is_err() => again(result),
            Some(Answer::Written(Ok(moved))) if moved.bytes <= wanted => Ok(moved),
            other => Err(self.diverged("write", other.as_ref())),
        }
    }

    pub(super) fn shutdown(&mut self, _socket: SocketId, _how: Shutdown) -> io::Result<()> {
        self.done("shutdown")
    }

    pub(super) fn bind_udp(
        &mut self,
        _addr: SocketAddr,
        _flags: UdpFlags,
        _token: u64,
    ) -> io::Result<SocketId> {
        self.socket("bind_udp")
    }

    pub(super) fn adopt_udp(&mut self, _socket: socket2::Socket, _token: u64) -> io::Result<SocketId> {
        self.socket("adopt_udp")
    }

    pub(super) fn connect_udp(&mut self, _socket: SocketId, _peer: Option<SocketAddr>) -> io::Result<()> {
        self.done("connect_udp")
    }

    pub(super) fn set_udp(&mut self, _socket: SocketId, _setting: UdpSetting) -> io::Result<()> {
        self.done("set_udp")
    }

    pub(super) fn recv_from(&mut self, _socket: SocketId, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
        match self.next() {
            Some(Answer::Datagram(result)) => {
                let (data, received) = again(result)?;
                let Some(room) = buffer.get_mut(..data.len()) else {
                    let found = Answer::Datagram(Ok((data, received)));
                    return Err(self.diverged("recv_from into a smaller buffer", Some(&found)));
                };
                room.copy_from_slice(&data);
                Ok(received)
            }
            other => Err(self.diverged("recv_from", other.as_ref())),
        }
    }

    pub(super) fn send_to(
        &mut self,
        _socket: SocketId,
        _data: &[u8],
        _addr: Option<SocketAddr>,
    ) -> io::Result<()> {
        self.done("send_to")
    }

    pub(super) fn finish_connect(&mut self, _socket: SocketId) -> io::Result<()> {
        self.done("finish_connect")
    }

    fn address(&mut self, asked: &str) -> io::Result<SocketAddr> {
        match self.next() {
            Some(Answer::Address(result)) => again(result),
            other => Err(self.diverged(asked, other.as_ref())),
        }
    }

    pub(super) fn local_addr(&mut self, _socket: SocketId) -> io::Result<SocketAddr> {
        self.address("local_addr")
    }

    pub(super) fn peer_addr(&mut self, _socket: SocketId) -> io::Result<SocketAddr> {
        self.address("peer_addr")
    }

    pub(super) fn set_option(&mut self, _socket: SocketId, _option: StreamOption) -> io::Result<()> {
        self.done("set_option")
    }

    pub(super) fn close(&mut self, _socket: SocketId) {}
}
