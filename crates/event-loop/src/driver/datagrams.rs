//! Datagram sockets at the seam: the words in which the loop asks, and the calls of [`Driver`] that carry them.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::Socket;

use super::{Answer, Driver, Kind, SocketId, each_world, logged};

/// One datagram that was put into a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceivedDatagram {
    /// How many bytes of the buffer it fills.
    pub bytes: usize,
    /// Who sent it.
    pub from: SocketAddr,
    /// It was longer than the buffer, and its rest is lost. Always `false` where the system does not tell.
    pub truncated: bool,
}

/// What must be said of a socket before it is bound.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UdpFlags {
    pub(crate) reuse_address: bool,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: bool,
}

/// What can be changed of a bound socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum UdpSetting {
    Broadcast(bool),
    Ttl(u32),
    MulticastLoop(bool),
    MulticastTtl(u32),
    MulticastInterface(Interface),
    Join(Group),
    Leave(Group),
    ReceiveBuffer(usize),
    SendBuffer(usize),
}

/// A multicast group on one interface.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Group {
    V4(Ipv4Addr, Ipv4Addr),
    V6(Ipv6Addr, u32),
}

/// An interface: IPv4 names it by one of its addresses, IPv6 by its number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Interface {
    V4(Ipv4Addr),
    V6(u32),
}

impl Driver {
    /// Opens a datagram socket on `addr`, registered for both directions.
    pub(crate) fn bind_udp(&mut self, addr: SocketAddr, flags: UdpFlags, token: u64) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.bind_udp(addr, flags, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Takes over a datagram socket that somebody else has opened; it is registered.
    pub(crate) fn adopt_udp(&mut self, socket: Socket, token: u64) -> io::Result<SocketId> {
        let result = each_world!(self, world => world.adopt_udp(socket, token));
        self.note(|| Answer::Socket(logged(&result, |id| id.0)));
        result
    }

    /// Chooses the only peer, or lets go of it.
    pub(crate) fn connect_udp(&mut self, socket: SocketId, peer: Option<SocketAddr>) -> io::Result<()> {
        let result = each_world!(self, world => world.connect_udp(socket, peer));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    pub(crate) fn set_udp(&mut self, socket: SocketId, setting: UdpSetting) -> io::Result<()> {
        let result = each_world!(self, world => world.set_udp(socket, setting));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }

    /// Takes one waiting datagram.
    pub(crate) fn recv_from(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
        let result = each_world!(self, world => world.recv_from(socket, buffer));
        self.note(|| {
            Answer::Datagram(logged(&result, |received| (buffer[..received.bytes].to_vec(), *received)))
        });
        result
    }

    /// Sends one datagram, whole or not at all; `None` is the peer of a connected socket.
    pub(crate) fn send_to(
        &mut self,
        socket: SocketId,
        data: &[u8],
        addr: Option<SocketAddr>,
    ) -> io::Result<()> {
        let result = each_world!(self, world => world.send_to(socket, data, addr));
        self.note(|| Answer::Done(logged(&result, |_| ())));
        result
    }
}
