//! Datagrams of a scripted world: what arrives at a port, what was sent from it, and how much room it has.
//!
//! As strict as streams (D1): a direction that was reported stays silent until a call has said `WouldBlock`.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::{Call, Happening, Readiness, Script, ScriptedDriver, SocketId, SocketSlot, World, closed};

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
    incoming: VecDeque<(SocketAddr, Vec<u8>)>,
    read_armed: bool,
    write_armed: bool,
}

impl Script {
    /// At `at` a datagram from `from` arrives at `port`; it is lost when no socket is bound there.
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
    pub(in crate::driver) fn bind_udp(&mut self, addr: SocketAddr, token: u64) -> io::Result<SocketId> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::BindUdp)?;
        let slot = Slot {
            port: addr.port(),
            token,
            incoming: VecDeque::new(),
            read_armed: true,
            write_armed: false,
        };
        Ok(SocketId(world.listeners.insert(SocketSlot::Datagrams(slot))))
    }

    pub(in crate::driver) fn recv_from(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::RecvFrom)?;
        let slot = world.datagram_slot(socket)?;
        let Some((from, data)) = slot.incoming.pop_front() else {
            slot.read_armed = true;
            return Err(io::ErrorKind::WouldBlock.into());
        };
        // What does not fit is cut off, as a system does it.
        let bytes = data.len().min(buffer.len());
        buffer[..bytes].copy_from_slice(&data[..bytes]);
        Ok((bytes, from))
    }

    pub(in crate::driver) fn send_to(
        &mut self,
        socket: SocketId,
        data: &[u8],
        addr: SocketAddr,
    ) -> io::Result<()> {
        let mut world = self.world.borrow_mut();
        world.fault(Call::SendTo)?;
        let port = world.datagram_slot(socket)?.port;
        match world.datagrams.rooms.get_mut(&port) {
            Some(0) => {
                world.datagram_slot(socket)?.write_armed = true;
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Some(room) => *room -= 1,
            None => {}
        }
        world.datagrams.sent.entry(port).or_default().push((addr, data.to_vec()));
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

    pub(super) fn datagram_arrives(&mut self, to: u16, from: SocketAddr, data: Vec<u8>) {
        for (_, socket) in &mut self.listeners {
            let SocketSlot::Datagrams(slot) = socket else { continue };
            if slot.port != to {
                continue;
            }
            slot.incoming.push_back((from, data));
            if std::mem::take(&mut slot.read_armed) {
                let token = slot.token;
                self.edges.push_back(Readiness {
                    token,
                    readable: true,
                    writable: false,
                    read_closed: false,
                });
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
                self.edges.push_back(Readiness {
                    token,
                    readable: false,
                    writable: true,
                    read_closed: false,
                });
            }
        }
    }
}
