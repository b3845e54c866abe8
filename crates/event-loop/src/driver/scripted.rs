//! A world written by a test: a manual clock, an agenda of happenings, and peers that never existed.
//!
//! # Model
//! Poll advances the clock to the next happening or to the end of the timeout, whichever comes first, and
//! reports the edges. It is as strict as the contract of the seam allows (D1): a direction that was reported
//! stays silent, whatever arrives, until a read or write has said `WouldBlock`. A loop that forgets a byte in
//! the real world now and then forgets it here every time.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::OwnedFd;
#[cfg(unix)]
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::{Clock, ManualClock};
use slab::Slab;

mod datagrams;
mod numbered;
mod wake_flag;

pub(crate) use wake_flag::WakeFlag;

use super::{
    Carried, EVENTS_PER_POLL, Lent, ListenOptions, LoopWaker, Moved, Readiness, SocketId, SocketKind,
    StreamOption, WAKE,
};

/// The name that a script gives to the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Peer(pub u32);

/// A call of the driver in which a script can inject an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Waiting for readiness.
    Poll,
    /// Opening a listener.
    Listen,
    /// Starting a connection.
    Connect,
    /// Taking a waiting connection.
    Accept,
    /// Dropping a waiting connection by means of the spare descriptor.
    Shed,
    /// Reading from a stream.
    Read,
    /// Writing to a stream.
    Write,
    /// Ending one direction of a stream.
    Shutdown,
    /// Adding a socket to the poll set.
    Register,
    /// Opening a datagram socket.
    BindUdp,
    /// Choosing the peer of a datagram socket, or letting go of it.
    ConnectUdp,
    /// Changing a setting of a datagram socket.
    SetUdp,
    /// Taking a waiting datagram.
    RecvFrom,
    /// Sending a datagram.
    SendTo,
    /// Asking how a connect ended.
    FinishConnect,
    /// Taking over a descriptor, or making another one of a socket.
    Adopt,
    /// Asking for the address of a socket or of its peer.
    Address,
    /// Setting an option of a stream.
    SetOption,
}

/// The agenda of a scripted world; clones share it, so a test can go on writing while the loop runs.
#[derive(Clone)]
pub struct Script(Rc<RefCell<World>>);

pub(super) struct World {
    clock: Clock,
    hands: ManualClock,
    start: Instant,
    agenda: BTreeMap<(Duration, u64), Happening>,
    next_entry: u64,
    listeners: Slab<SocketSlot>,
    peers: HashMap<Peer, PeerState>,
    outgoing: VecDeque<(Peer, bool)>,
    adopted: VecDeque<Peer>,
    edges: VecDeque<Readiness>,
    datagrams: datagrams::Datagrams,
    faults: HashMap<Call, VecDeque<io::Error>>,
    numbered: numbered::Numbered,
    polls: Vec<Option<Duration>>,
}

enum SocketSlot {
    Listener { port: u16, token: u64, waiting: VecDeque<Peer>, armed: bool },
    Stream(Peer),
    Datagrams(datagrams::Slot),
}

#[derive(Default)]
struct PeerState {
    token: Option<u64>,
    incoming: VecDeque<u8>,
    fin: bool,
    reset: bool,
    refused: bool,
    connected: bool,
    window: usize,
    written: Vec<u8>,
    /// How many descriptors the loop has sent along.
    descriptors: usize,
    shut: bool,
    /// Our close is a reset.
    reset_on_close: bool,
    was_reset: bool,
    read_armed: bool,
    write_armed: bool,
}

enum Happening {
    Connect { port: u16, peer: Peer },
    Data(Peer, Vec<u8>),
    Fin(Peer),
    Reset(Peer),
    Drain(Peer, usize),
    Established(Peer, bool),
    Datagram { port: u16, from: SocketAddr, data: Vec<u8> },
    DatagramRoom { port: u16, count: usize },
    Do(Box<dyn FnOnce()>),
}

impl Default for Script {
    fn default() -> Self {
        Script::new()
    }
}

impl Script {
    /// An empty world at time zero.
    pub fn new() -> Script {
        let (clock, hands) = Clock::manual();
        let start = clock.now();
        Script(Rc::new(RefCell::new(World {
            clock,
            hands,
            start,
            agenda: BTreeMap::new(),
            next_entry: 0,
            listeners: Slab::new(),
            peers: HashMap::new(),
            outgoing: VecDeque::new(),
            adopted: VecDeque::new(),
            edges: VecDeque::new(),
            datagrams: datagrams::Datagrams::default(),
            faults: HashMap::new(),
            numbered: numbered::Numbered::default(),
            polls: Vec::new(),
        })))
    }

    /// The clock of this world.
    pub fn clock(&self) -> Clock {
        self.0.borrow().clock.clone()
    }

    /// The hands of its clock: a callback that "computes" for 10 ms advances it by 10 ms.
    pub fn hands(&self) -> ManualClock {
        self.0.borrow().hands.clone()
    }

    /// At `at` (since the start) a peer connects to the listener on `port`.
    pub fn connects(&self, at: Duration, peer: Peer, port: u16) -> &Self {
        self.plan(at, Happening::Connect { port, peer })
    }

    /// At `at` these bytes arrive from the peer.
    pub fn sends(&self, at: Duration, peer: Peer, bytes: &[u8]) -> &Self {
        self.plan(at, Happening::Data(peer, bytes.to_vec()))
    }

    /// At `at` the peer ends its direction.
    pub fn finishes(&self, at: Duration, peer: Peer) -> &Self {
        self.plan(at, Happening::Fin(peer))
    }

    /// At `at` the peer resets the connection.
    pub fn resets(&self, at: Duration, peer: Peer) -> &Self {
        self.plan(at, Happening::Reset(peer))
    }

    /// At `at` the peer makes room for `bytes` more bytes of ours; a new peer has room for 64 KiB.
    pub fn takes(&self, at: Duration, peer: Peer, bytes: usize) -> &Self {
        self.plan(at, Happening::Drain(peer, bytes))
    }

    /// The next outgoing connection reaches `peer` at `at`, or is refused then.
    pub fn answers_connect(&self, at: Duration, peer: Peer, accepts: bool) -> &Self {
        self.0.borrow_mut().outgoing.push_back((peer, accepts));
        self.plan(at, Happening::Established(peer, accepts))
    }

    /// The next descriptor of a stream that the loop takes over leads to `peer`; others are refused as `Unsupported`.
    pub fn adopts(&self, peer: Peer) -> &Self {
        let mut world = self.0.borrow_mut();
        world.peer(peer).connected = true;
        world.adopted.push_back(peer);
        drop(world);
        self
    }

    /// At `at` something else happens (outside the loop's thread of control, so to speak).
    pub fn happens(&self, at: Duration, what: impl FnOnce() + 'static) -> &Self {
        self.plan(at, Happening::Do(Box::new(what)))
    }

    /// The next call of this kind fails with `error`; several wait in line.
    pub fn fails(&self, call: Call, error: io::Error) -> &Self {
        self.0.borrow_mut().faults.entry(call).or_default().push_back(error);
        self
    }

    /// Limits the room for our bytes at this peer from the start.
    pub fn window(&self, peer: Peer, bytes: usize) -> &Self {
        self.0.borrow_mut().peer(peer).window = bytes;
        self
    }

    /// What the loop has written to the peer so far.
    pub fn received_by(&self, peer: Peer) -> Vec<u8> {
        self.0.borrow_mut().peer(peer).written.clone()
    }

    /// How many descriptors the loop has sent to the peer so far.
    pub fn descriptors_sent_to(&self, peer: Peer) -> usize {
        self.0.borrow_mut().peer(peer).descriptors
    }

    /// Whether the loop has ended its direction towards the peer.
    pub fn ended_towards(&self, peer: Peer) -> bool {
        self.0.borrow_mut().peer(peer).shut
    }

    /// Whether the loop has closed the connection to the peer by a reset.
    pub fn was_reset(&self, peer: Peer) -> bool {
        self.0.borrow_mut().peer(peer).was_reset
    }

    /// The timeouts of all polls so far; `None` is "for ever".
    pub fn polls(&self) -> Vec<Option<Duration>> {
        self.0.borrow().polls.clone()
    }

    fn plan(&self, at: Duration, what: Happening) -> &Self {
        let mut world = self.0.borrow_mut();
        let entry = world.next_entry;
        world.next_entry += 1;
        world.agenda.insert((at, entry), what);
        drop(world);
        self
    }
}

/// The driver over a [`Script`].
pub(crate) struct ScriptedDriver {
    world: Rc<RefCell<World>>,
    wake: Arc<WakeFlag>,
}

impl ScriptedDriver {
    pub(crate) fn new(script: &Script) -> ScriptedDriver {
        ScriptedDriver { world: script.0.clone(), wake: Arc::default() }
    }

    pub(super) fn waker(&self) -> LoopWaker {
        LoopWaker::Flag(self.wake.clone())
    }

    pub(super) fn now(&self) -> Instant {
        self.world.borrow().hands.now()
    }

    /// Moves time on until something happens or the timeout is over. With nothing on the agenda and no
    /// timeout the loop would sleep for ever: that is an error of the test, and said so.
    pub(super) fn poll(&mut self, timeout: Option<Duration>, into: &mut Vec<Readiness>) -> io::Result<()> {
        let deadline = {
            let mut world = self.world.borrow_mut();
            world.polls.push(timeout);
            world.fault(Call::Poll)?;
            timeout.map(|wait| world.elapsed() + wait)
        };
        loop {
            self.happen_until_now();
            let mut world = self.world.borrow_mut();
            if self.wake.lower() {
                into.push(Readiness::new(WAKE, true, false));
            }
            let room = EVENTS_PER_POLL - into.len().min(EVENTS_PER_POLL);
            let count = room.min(world.edges.len());
            into.extend(world.edges.drain(..count));
            if !into.is_empty() {
                return Ok(());
            }
            let next = world.agenda.keys().next().map(|(at, _)| *at);
            let until = match (next, deadline) {
                (Some(next), Some(deadline)) => next.min(deadline),
                (Some(next), None) => next,
                (None, Some(deadline)) => deadline,
                (None, None) => {
                    return Err(io::Error::other("the script is over and the loop would sleep for ever"));
                }
            };
            let step = until.saturating_sub(world.elapsed());
            world.hands.advance(step);
            if next != Some(until) {
                return Ok(());
            }
        }
    }

    fn happen_until_now(&mut self) {
        loop {
            let due = {
                let mut world = self.world.borrow_mut();
                let now = world.elapsed();
                let key = world.agenda.keys().next().copied().filter(|(at, _)| *at <= now);
                key.and_then(|key| world.agenda.remove(&key))
            };
            match due {
                None => return,
                // Outside code runs without a borrow of the world, so that it may write on.
                Some(Happening::Do(what)) => what(),
                Some(happening) => self.world.borrow_mut().happen(happening),
            }
        }
    }

    pub(super) fn listen(
        &mut self,
        addr: SocketAddr,
        _options: &ListenOptions,
        token: u64,
    ) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Listen)?;
        let slot = SocketSlot::Listener { port: addr.port(), token, waiting: VecDeque::new(), armed: true };
        Ok(SocketId(world.listeners.insert(slot)))
    }

    pub(super) fn connect(
        &mut self,
        _addr: SocketAddr,
        _from: Option<SocketAddr>,
        token: u64,
    ) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Connect)?;
        let Some((peer, _)) = world.outgoing.pop_front() else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        world.peer(peer).token = Some(token);
        // The answer may have been there before the question.
        world.edge(peer);
        Ok(SocketId(world.listeners.insert(SocketSlot::Stream(peer))))
    }

    /// A script has peers and no descriptors: it says where the next one leads.
    #[cfg(unix)]
    pub(super) fn adopt(&mut self, _descriptor: OwnedFd, token: u64) -> io::Result<SocketId> {
        self.adopt_peer(token)
    }

    pub(super) fn adopt_socket(
        &mut self,
        _socket: socket2::Socket,
        kind: SocketKind,
        token: u64,
    ) -> io::Result<SocketId> {
        if kind.listens() { Err(io::ErrorKind::Unsupported.into()) } else { self.adopt_peer(token) }
    }

    fn adopt_peer(&mut self, token: u64) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Adopt)?;
        let peer = world.adopted.pop_front().ok_or(io::ErrorKind::Unsupported)?;
        world.peer(peer).token = Some(token);
        world.edge(peer);
        Ok(SocketId(world.listeners.insert(SocketSlot::Stream(peer))))
    }

    /// A script has no descriptors to give.
    #[cfg(unix)]
    pub(super) fn duplicate(&mut self, _socket: SocketId) -> io::Result<OwnedFd> {
        self.world.borrow_mut().fault(Call::Adopt)?;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// A script has ports and no paths.
    #[cfg(unix)]
    pub(super) fn listen_at(&mut self, _path: &Path, _backlog: u32, _token: u64) -> io::Result<SocketId> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// As [`ScriptedDriver::connect`]: who answers is written in the script.
    #[cfg(unix)]
    pub(super) fn connect_at(&mut self, _path: &Path, token: u64) -> io::Result<SocketId> {
        self.connect(SocketAddr::from(([127, 0, 0, 1], 0)), None, token)
    }

    pub(super) fn accept(&mut self, listener: SocketId) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::Accept, listener)?;
        let peer = world.next_waiting(listener)?;
        Ok(SocketId(world.listeners.insert(SocketSlot::Stream(peer))))
    }

    pub(super) fn shed(&mut self, listener: SocketId) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::Shed, listener)?;
        world.next_waiting(listener).map(drop)
    }

    pub(super) fn register(&mut self, socket: SocketId, token: u64) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Register)?;
        let peer = world.stream(socket)?;
        world.peer(peer).token = Some(token);
        world.edge(peer);
        Ok(())
    }

    /// No descriptors come: a script has none.
    pub(super) fn read(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
        _carried: Option<&mut Vec<Carried>>,
    ) -> io::Result<Moved> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::Read, socket)?;
        let peer = world.stream(socket)?;
        let state = world.peer(peer);
        if state.reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let n = buffer.len().min(state.incoming.len());
        if n == 0 && !state.fin {
            state.read_armed = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        for (slot, byte) in buffer.iter_mut().zip(state.incoming.drain(..n)) {
            *slot = byte;
        }
        Ok(Moved { bytes: n, exhausted: false })
    }

    pub(super) fn write(
        &mut self,
        socket: SocketId,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> io::Result<Moved> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::Write, socket)?;
        let peer = world.stream(socket)?;
        let state = world.peer(peer);
        if state.reset || state.shut {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut written = 0;
        for buffer in buffers {
            let n = buffer.len().min(state.window);
            state.written.extend_from_slice(&buffer[..n]);
            state.window -= n;
            written += n;
        }
        let wanted: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        if written == 0 && wanted > 0 {
            state.write_armed = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.descriptors += lent.len();
        Ok(Moved { bytes: written, exhausted: false })
    }

    pub(super) fn shutdown(&mut self, socket: SocketId, _how: Shutdown) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Shutdown)?;
        let peer = world.stream(socket)?;
        world.peer(peer).shut = true;
        Ok(())
    }

    pub(super) fn finish_connect(&mut self, socket: SocketId) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::FinishConnect, socket)?;
        let peer = world.stream(socket)?;
        let state = world.peer(peer);
        match (state.refused, state.connected) {
            (true, _) => Err(io::ErrorKind::ConnectionRefused.into()),
            (false, true) => Ok(()),
            (false, false) => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    pub(super) fn local_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::Address)?;
        let port = match world.listeners.get(socket.0) {
            Some(SocketSlot::Listener { port, .. }) => *port,
            Some(SocketSlot::Stream(peer)) => peer.0 as u16,
            Some(SocketSlot::Datagrams(slot)) => slot.port,
            None => return Err(closed()),
        };
        Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    pub(super) fn peer_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        if let Some(SocketSlot::Datagrams(slot)) = self.world.borrow().listeners.get(socket.0) {
            return slot.peer.ok_or_else(|| io::ErrorKind::NotConnected.into());
        }
        self.world.borrow().stream(socket)?;
        self.local_addr(socket)
    }

    pub(super) fn set_option(&mut self, socket: SocketId, option: StreamOption) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::SetOption)?;
        let peer = world.stream(socket)?;
        world.peer(peer).reset_on_close |= matches!(option, StreamOption::ResetOnClose);
        Ok(())
    }

    pub(super) fn close(&mut self, socket: SocketId) {
        let mut world = self.world.borrow_mut();
        if let Some(SocketSlot::Stream(peer)) = world.listeners.try_remove(socket.0) {
            let state = world.peer(peer);
            state.token = None;
            state.was_reset = state.reset_on_close;
        }
    }
}

impl World {
    fn elapsed(&self) -> Duration {
        self.hands.now() - self.start
    }

    fn peer(&mut self, peer: Peer) -> &mut PeerState {
        self.peers.entry(peer).or_insert_with(|| PeerState {
            window: 64 * 1024,
            read_armed: true,
            write_armed: true,
            ..PeerState::default()
        })
    }

    fn stream(&self, socket: SocketId) -> io::Result<Peer> {
        match self.listeners.get(socket.0) {
            Some(SocketSlot::Stream(peer)) => Ok(*peer),
            _ => Err(closed()),
        }
    }

    fn next_waiting(&mut self, listener: SocketId) -> io::Result<Peer> {
        match self.listeners.get_mut(listener.0) {
            Some(SocketSlot::Listener { waiting, armed, .. }) => waiting.pop_front().ok_or_else(|| {
                *armed = true;
                io::ErrorKind::WouldBlock.into()
            }),
            _ => Err(closed()),
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Connect { port: to, peer } => {
                self.peer(peer).connected = true;
                for (_, slot) in &mut self.listeners {
                    if let SocketSlot::Listener { port, token, waiting, armed } = slot
                        && *port == to
                    {
                        waiting.push_back(peer);
                        if std::mem::take(armed) {
                            self.edges.push_back(Readiness::new(*token, true, false));
                        }
                    }
                }
            }
            Happening::Data(peer, bytes) => {
                self.peer(peer).incoming.extend(bytes);
                self.edge(peer);
            }
            Happening::Fin(peer) => {
                self.peer(peer).fin = true;
                self.edge(peer);
            }
            Happening::Reset(peer) => {
                self.peer(peer).reset = true;
                self.edge(peer);
            }
            Happening::Drain(peer, bytes) => {
                self.peer(peer).window += bytes;
                self.edge(peer);
            }
            Happening::Established(peer, accepts) => {
                let state = self.peer(peer);
                state.connected = accepts;
                state.refused = !accepts;
                self.edge(peer);
            }
            Happening::Datagram { port, from, data } => self.datagram_arrives(port, from, data),
            Happening::DatagramRoom { port, count } => self.datagram_room(port, count),
            Happening::Do(_) => unreachable!("outside code is run by the caller, without a borrow"),
        }
    }

    /// Reports what is new at the peer, once for each direction until it was exhausted again.
    fn edge(&mut self, peer: Peer) {
        let state = self.peer(peer);
        let Some(token) = state.token else { return };
        let failed = state.reset || state.refused;
        let has_input = !state.incoming.is_empty() || state.fin || failed;
        let has_room = (state.window > 0 && state.connected) || failed;
        let readable = has_input && std::mem::take(&mut state.read_armed);
        let writable = has_room && std::mem::take(&mut state.write_armed);
        if readable || writable {
            self.edges.push_back(Readiness::new(token, readable, writable));
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket is closed")
}
