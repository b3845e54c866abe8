//! Datagrams of a scripted world: what arrives at a port, what was sent from it, and how much room it has.
//!
//! As strict as streams (D1): a direction that was reported stays silent until a call has said `WouldBlock`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Call, Happening, Readiness, Script, ScriptedDriver, SocketId, SocketSlot, World, closed};
use crate::driver::{ReceivedDatagram, UdpFlags, UdpSetting};

/// The first port that a script gives to who asks for any.
const FIRST_FREE_PORT: u16 = 49_152;

/// What outlives the sockets: the room that tests have set, and what the loop has sent; by port.
#[derive(Default)]
pub(super) struct Datagrams {
    rooms: HashMap<u16, usize>,
    sent: HashMap<u16, Vec<(SocketAddr, Vec<u8>)>>,
}

/// One datagram socket.
pub(super) struct Slot {
    pub(super) port: u16,
    token: u64,
    pub(super) peer: Option<SocketAddr>,
    incoming: VecDeque<(SocketAddr, Vec<u8>)>,
    read_armed: bool,
    write_armed: bool,
}

impl Script {
    /// At `at` a datagram from `from` arrives at `port`; it is lost when no socket is bound there, or only
    /// one that is connected to somebody else.
    pub fn datagram(&self, at: Duration, port: u16, from: SocketAddr, data: &[u8]) -> &Self {
        self.plan(at, Happening::Datagram { port, from, data: data.to_vec() })
    }

    /// How many datagrams may be sent from `port` until there is room again; without a limit by default.
    pub fn datagram_window(&self, port: u16, count: usize) -> &Self {
        self.0.borrow_mut().datagrams.rooms.insert(port, count);
        self
    }

    /// At `at` there is room for `count` more datagrams from `port`.
    pub fn takes_datagrams(&self, at: Duration, port: u16, count: usize) -> &Self {
        self.plan(at, Happening::DatagramRoom { port, count })
    }

    /// The datagrams that the loop has sent from `port` so far, each with its destination.
    pub fn datagrams_from(&self, port: u16) -> Vec<(SocketAddr, Vec<u8>)> {
        self.0.borrow().datagrams.sent.get(&port).cloned().unwrap_or_default()
    }
}

impl ScriptedDriver {
    /// Port 0 lets the script choose: one that no other socket of it has.
    pub(in crate::driver) fn bind_udp(
        &mut self,
        addr: SocketAddr,
        _flags: UdpFlags,
        token: u64,
    ) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::BindUdp)?;
        let port = match addr.port() {
            0 => {
                FIRST_FREE_PORT
                    + (world.listeners.vacant_key() % usize::from(u16::MAX - FIRST_FREE_PORT)) as u16
            }
            port => port,
        };
        let slot =
            Slot { port, token, peer: None, incoming: VecDeque::new(), read_armed: true, write_armed: false };
        Ok(SocketId(world.listeners.insert(SocketSlot::Datagrams(slot))))
    }

    /// A script has ports and no sockets of others.
    pub(in crate::driver) fn adopt_udp(
        &mut self,
        _socket: socket2::Socket,
        _token: u64,
    ) -> io::Result<SocketId> {
        self.world.borrow_mut().fault(Call::Adopt)?;
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(in crate::driver) fn connect_udp(
        &mut self,
        socket: SocketId,
        peer: Option<SocketAddr>,
    ) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::ConnectUdp)?;
        world.datagram_slot(socket)?.peer = peer;
        Ok(())
    }

    pub(in crate::driver) fn set_udp(&mut self, socket: SocketId, _setting: UdpSetting) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::SetUdp)?;
        world.datagram_slot(socket).map(drop)
    }

    pub(in crate::driver) fn recv_from(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<ReceivedDatagram> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::RecvFrom, socket)?;
        let slot = world.datagram_slot(socket)?;
        let Some((from, data)) = slot.incoming.pop_front() else {
            slot.read_armed = true;
            return Err(io::ErrorKind::WouldBlock.into());
        };
        // What does not fit is cut off, as a system does it.
        let bytes = data.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&data[..bytes]);
        Ok(ReceivedDatagram { bytes, from, truncated: bytes < data.len() })
    }

    pub(in crate::driver) fn send_to(
        &mut self,
        socket: SocketId,
        data: &[u8],
        addr: Option<SocketAddr>,
    ) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault_of(Call::SendTo, socket)?;
        let slot = world.datagram_slot(socket)?;
        let (port, to) = (slot.port, addr.or(slot.peer).ok_or(io::ErrorKind::NotConnected)?);
        match world.datagrams.rooms.get_mut(&port) {
            Some(0) => {
                world.datagram_slot(socket)?.write_armed = true;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Some(room) => *room -= 1,
            None => {}
        }
        world.datagrams.sent.entry(port).or_default().push((to, data.to_vec()));
        Ok(())
    }
}

impl World {
    fn datagram_slot(&mut self, socket: SocketId) -> io::Result<&mut Slot> {
        match self.listeners.get_mut(socket.0) {
            Some(SocketSlot::Datagrams(slot)) => Ok(slot),
            _ => Err(closed()),
        }
    }

    /// A direction said `WouldBlock`: it is armed, and what is there by now makes an edge.
    pub(super) fn arm_datagrams(&mut self, socket: SocketId, writes: bool) {
        let Some(SocketSlot::Datagrams(slot)) = self.listeners.get_mut(socket.0) else { return };
        let has_room = self.datagrams.rooms.get(&slot.port) != Some(&0);
        let (readable, writable) = (!writes && !slot.incoming.is_empty(), writes && has_room);
        slot.read_armed |= !writes && !readable;
        slot.write_armed |= writes && !writable;
        if readable || writable {
            self.edges.push_back(Readiness::new(slot.token, readable, writable));
        }
    }

    pub(super) fn datagram_arrives(&mut self, to: u16, from: SocketAddr, data: Vec<u8>) {
        for (_, socket) in &mut self.listeners {
            let SocketSlot::Datagrams(slot) = socket else { continue };
            if slot.port != to || slot.peer.is_some_and(|peer| peer != from) {
                continue;
            }
            slot.incoming.push_back((from, data));
            if std::mem::take(&mut slot.read_armed) {
                let token = slot.token;
                self.edges.push_back(Readiness::new(token, true, false));
            }
            return;
        }
    }

    pub(super) fn datagram_room(&mut self, of: u16, count: usize) {
        *self.datagrams.rooms.entry(of).or_default() += count;
        for (_, socket) in &mut self.listeners {
            if let SocketSlot::Datagrams(slot) = socket
                && slot.port == of
                && std::mem::take(&mut slot.write_armed)
            {
                let token = slot.token;
                self.edges.push_back(Readiness::new(token, false, true));
            }
        }
    }
}
