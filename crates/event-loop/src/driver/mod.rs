//! The driver seam: everything that the loop asks of the world outside goes through here.
//!
//! # Model
//! A [`Driver`] is the operating system through mio, a script written by a test, or the replay of a log.
//! Handles never touch mio and hold only a [`SocketId`]. Every answer of the world can be logged, and a log
//! replays a run to the same phase trace.
//!
//! A driver answers: `now`, `poll`, `inbox` (how many items from other threads to take), `listen`, `connect`,
//! `listen_at`, `connect_at`, `adopt`, `adopt_socket`, `duplicate`, `finish_connect`, `accept`, `shed`, `register`, `read`,
//! `write`, `shutdown`, `bind_udp`, `adopt_udp`, `connect_udp`, `set_udp`, `recv_from`, `send_to`, `local_addr`,
//! `peer_addr`, `set_option`, `close`.
//!
//! # Invariants
//! - D1: readiness is edge-triggered: after an edge, a socket is silent until its owner has seen `WouldBlock`.
//! - D2: a log replays to the same answers in the same order, and says so when the run asks for something else.

mod datagrams;
#[cfg(unix)]
mod descriptor;
mod options;
mod os;
mod replay;
mod scripted;

pub use datagrams::ReceivedDatagram;
pub use options::{KeepAlive, ListenOptions};
pub use replay::DriverLog;
pub use scripted::{Call, Peer, Script};

pub(crate) use datagrams::{Group, Interface, UdpFlags, UdpSetting};
#[cfg(unix)]
pub(crate) use descriptor::MAX_DESCRIPTORS;
pub(crate) use options::{SocketKind, StreamOption};
pub(crate) use os::OsDriver;
pub(crate) use replay::{Answer, Quota, ReadBytes, Replay, logged};
pub(crate) use scripted::ScriptedDriver;

use std::io;
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::{BorrowedFd, OwnedFd};
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The driver's name of a socket; it means nothing to other drivers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SocketId(pub(crate) usize);

/// A descriptor that came with bytes; there is none on systems without Unix sockets.
#[cfg(unix)]
pub(crate) type Carried = OwnedFd;
#[cfg(not(unix))]
pub(crate) type Carried = std::convert::Infallible;

/// A descriptor that goes with bytes: the peer gets a duplicate.
#[cfg(unix)]
pub(crate) type Lent<'a> = BorrowedFd<'a>;
#[cfg(not(unix))]
pub(crate) type Lent<'a> = std::marker::PhantomData<&'a ()>;

/// What one poll said of one registered socket, or of the wake-up (token [`WAKE`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness {
    pub(crate) token: u64,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer has ended its direction: reading finds the end, so the readable bit stays.
    pub(crate) read_closed: bool,
    /// Urgent data of TCP has come.
    pub(crate) urgent: bool,
}

impl Readiness {
    /// Of a peer that has more to say, and says nothing urgent.
    pub(crate) fn new(token: u64, readable: bool, writable: bool) -> Readiness {
        Readiness { token, readable, writable, read_closed: false, urgent: false }
    }
}

/// How far a read or write came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Bytes moved.
    pub(crate) bytes: usize,
    /// The system has no more now, and will say so when it has: no need to ask until `WouldBlock`.
    pub(crate) exhausted: bool,
}

/// The token of the wake-up from other threads.
pub(crate) const WAKE: u64 = u64::MAX;

/// How many events one poll call fetches; libuv's number.
pub(crate) const EVENTS_PER_POLL: usize = 1024;

/// The three worlds that a loop can live in.
pub(crate) enum Kind {
    Os(Box<OsDriver>),
    Scripted(ScriptedDriver),
    Replay(Replay),
}

/// A world, and the log of its answers when one is kept.
pub(crate) struct Driver {
    kind: Kind,
    log: Option<DriverLog>,
}

/// Wakes a loop that sleeps in poll, from any thread.
#[derive(Clone)]
pub(crate) enum LoopWaker {
    Os(Arc<mio::Waker>),
    Flag(Arc<scripted::WakeFlag>),
}

impl LoopWaker {
    /// Wakes the loop. A refused wake-up is not an error: it means that one is on its way already.
    pub(crate) fn wake(&self) {
        match self {
            LoopWaker::Os(waker) => {
                let _ = waker.wake();
            }
            LoopWaker::Flag(flag) => flag.raise(),
        }
    }

    /// Waits for a wake-up in a world without poll; `false` when none came within `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        match self {
            LoopWaker::Os(_) => false,
            LoopWaker::Flag(flag) => flag.wait_and_lower(patience),
        }
    }
}

macro_rules! each_world {
    ($self:expr, $driver:ident => $body:expr) => {
        match &mut $self.kind {
            Kind::Os($driver) => $body,
            Kind::Scripted($driver) => $body,
            Kind::Replay($driver) => $body,
        }
    };
}

use each_world;

impl Driver {
    pub(crate) fn new(kind: Kind, log: Option<DriverLog>) -> Driver {
        Driver { kind, log }
    }

    pub(crate) fn waker(&self) -> LoopWaker {
        match &self.kind {
            Kind::Os(os) => os.waker(),
            Kind::Scripted(scripted) => scripted.waker(),
            Kind::Replay(replay) => replay.waker(),
        }
    }

    pub(crate) fn now(&mut self) -> Instant {
        let now = each_world!(self, world => world.now());
        self.note(|| Answer::Now(now));
        now
    }

    /// Waits for readiness, at most `timeout` (for ever when `None`), and appends what it saw to `events`.
    pub(crate) fn poll(&mut self, timeout: Option<Duration>, events: &mut Vec<Readiness>) -> io::Result<()> {
        let before = events.len();
        let result = each_world!(self, world => world.poll(timeout, events));
        self.note(|| Answer::Poll(logged(&result, |_| ()), events[before..].to_vec()));
        result
    }

    /// Whether the answers are those of an earlier run.
    #[cfg(unix)]
    pub(crate) fn is_replay(&self) -> bool {
        matches!(self.kind, Kind::Replay(_))
    }

    /// How many items of the inbox belong to this wake-up: all that are there, or as many as the log says.
    pub(crate) fn inbox_quota(&mut self) -> Option<Quota> {
        match &mut self.kind {
            Kind::Replay(replay) => Some(replay.inbox_quota()),
            _ => None,
        }
    }

    pub(crate) fn note_inbox(&mut self, taken: usize) {
        if let Kind::Replay(replay) = &mut self.kind {
            replay.check_inbox(taken);
        }
        self.note(|| Answer::Inbox(taken));
    }

    pub(crate) fn listen(
        &mut self,
        addr: SocketAddr,
        options: &ListenOptions,
        token: u64,
    ) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.listen(addr, options, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Begins to connect; `from` is the address of this machine to connect from.
    pub(crate) fn connect(
        &mut self,
        addr: SocketAddr,
        from: Option<SocketAddr>,
        token: u64,
    ) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.connect(addr, from, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Takes one waiting connection; it is not registered until [`Driver::register`].
    pub(crate) fn accept(&mut self, listener: SocketId) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.accept(listener));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Takes over a socket or an end of a pipe that somebody else has opened; it is registered. Unix only.
    #[cfg(unix)]
    pub(crate) fn adopt(&mut self, descriptor: OwnedFd, token: u64) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.adopt(descriptor, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Takes over a socket that somebody else has opened, once it has proved to be what it should be; it is registered.
    pub(crate) fn adopt_socket(
        &mut self,
        socket: socket2::Socket,
        kind: SocketKind,
        token: u64,
    ) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.adopt_socket(socket, kind, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Another descriptor of the same socket or pipe. Unix only.
    #[cfg(unix)]
    pub(crate) fn duplicate(&mut self, socket: SocketId) -> io::Result<OwnedFd> {
        let result = each_world!(self, world => world.duplicate(socket));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    /// Listens on a path of the file system. Unix only.
    #[cfg(unix)]
    pub(crate) fn listen_at(&mut self, path: &Path, backlog: u32, token: u64) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.listen_at(path, backlog, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Connects to a path of the file system. Unix only.
    #[cfg(unix)]
    pub(crate) fn connect_at(&mut self, path: &Path, token: u64) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.connect_at(path, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Drops one waiting connection even when no descriptor is left; `WouldBlock` when none waits.
    pub(crate) fn shed(&mut self, listener: SocketId) -> io::Result<()> {
        let result = each_world!(self, world => world.shed(listener));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    pub(crate) fn register(&mut self, socket: SocketId, token: u64) -> io::Result<()> {
        let result = each_world!(self, world => world.register(socket, token));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    #[cfg(unix)]
    pub(crate) fn read(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<Moved> {
        self.read_with(socket, buffer, None)
    }

    /// Reads bytes, and appends the descriptors that came with them to `carried`; without that they are closed.
    pub(crate) fn read_with(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
        mut carried: Option<&mut Vec<Carried>>,
    ) -> io::Result<Moved> {
        let count = |carried: &Option<&mut Vec<Carried>>| carried.as_ref().map_or(0, |all| all.len());
        let before = count(&carried);
        let result = each_world!(self, world => world.read(socket, buffer, carried.as_deref_mut()));
        self.note(|| {
            let kept = |moved: &Moved| ReadBytes {
                data: buffer[..moved.bytes].to_vec(),
                exhausted: moved.exhausted,
                descriptors: count(&carried) - before,
            };
            Answer::Read(logged(&result, kept))
        });
        result
    }

    /// Writes bytes; the descriptors go with the first of them.
    pub(crate) fn write(
        &mut self,
        socket: SocketId,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> io::Result<Moved> {
        let result = each_world!(self, world => world.write(socket, buffers, lent));
        self.note(|| Answer::Written(logged(&result, |moved| *moved)));
        result
    }

    pub(crate) fn shutdown(&mut self, socket: SocketId, how: Shutdown) -> io::Result<()> {
        let result = each_world!(self, world => world.shutdown(socket, how));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    /// The outcome of a connect: `Ok` when it stands, the system's error otherwise.
    pub(crate) fn finish_connect(&mut self, socket: SocketId) -> io::Result<()> {
        let result = each_world!(self, world => world.finish_connect(socket));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    pub(crate) fn local_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        let result = each_world!(self, world => world.local_addr(socket));
        self.note(|| Answer::Address(logged(&result, |addr| *addr)));
        result
    }

    pub(crate) fn peer_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        let result = each_world!(self, world => world.peer_addr(socket));
        self.note(|| Answer::Address(logged(&result, |addr| *addr)));
        result
    }

    pub(crate) fn set_option(&mut self, socket: SocketId, option: StreamOption) -> io::Result<()> {
        let result = each_world!(self, world => world.set_option(socket, option));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    /// In the child of a fork: a poll set of its own for these sockets, each with its token. A world that is not the
    /// operating system's shares nothing with the parent. Unix only.
    #[cfg(unix)]
    pub(crate) fn after_fork(&mut self, sockets: &[(SocketId, u64)]) -> io::Result<()> {
        match &mut self.kind {
            Kind::Os(os) => os.after_fork(sockets),
            Kind::Scripted(_) | Kind::Replay(_) => Ok(()),
        }
    }

    /// Closes the socket at once; its later events are stale.
    pub(crate) fn close(&mut self, socket: SocketId) {
        each_world!(self, world => world.close(socket));
    }

    fn note(&self, answer: impl FnOnce() -> Answer) {
        if let Some(log) = &self.log {
            log.push(answer());
        }
    }
}
