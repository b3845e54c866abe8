//! Datagram sockets of the operating system.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use mio::{Interest, Token};
use socket2::{Domain, Protocol, SockRef, Socket, Type};

use super::{OsDriver, OsSocket, unknown};
use crate::driver::SocketId;
use crate::driver::datagrams::{Group, Interface, ReceivedDatagram, UdpFlags, UdpSetting};

impl OsDriver {
    pub(in crate::driver) fn bind_udp(
        &mut self,
        addr: SocketAddr,
        flags: UdpFlags,
        token: u64,
    ) -> io::Result<SocketId> {
        let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
        if flags.reuse_address {
            reuse_address(&socket)?;
        }
        if flags.reuse_port {
            reuse_port(&socket)?;
        }
        if flags.only_v6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&addr.into())?;
        self.insert_udp(socket, token)
    }

    pub(in crate::driver) fn adopt_udp(&mut self, socket: Socket, token: u64) -> io::Result<SocketId> {
        check(&socket)?;
        #[cfg(unix)]
        socket.set_cloexec(true)?;
        self.insert_udp(socket, token)
    }

    fn insert_udp(&mut self, socket: Socket, token: u64) -> io::Result<SocketId> {
        socket.set_nonblocking(true)?;
        let mut socket = UdpSocket::from_std(socket.into());
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(&mut socket, Token(token as usize), both)?;
        Ok(SocketId(self.sockets.insert(OsSocket::Datagrams(socket))))
    }

    pub(in crate::driver) fn connect_udp(
        &mut self,
        socket: SocketId,
        peer: Option<SocketAddr>,
    ) -> io::Result<()> {
        let socket = self.datagrams(socket)?;
        match peer {
            Some(peer) => socket.connect(peer),
            None => disconnect(socket),
        }
    }

    pub(in crate::driver) fn set_udp(&mut self, socket: SocketId, setting: UdpSetting) -> io::Result<()> {
        set(self.datagrams(socket)?, setting)
    }

    pub(in crate::driver) fn recv_from(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<ReceivedDatagram> {
        receive(self.datagrams(socket)?, buffer)
    }

    pub(in crate::driver) fn send_to(
        &mut self,
        socket: SocketId,
        data: &[u8],
        addr: Option<SocketAddr>,
    ) -> io::Result<()> {
        let socket = self.datagrams(socket)?;
        match addr {
            Some(addr) => socket.send_to(data, addr),
            None => socket.send(data),
        }
        .map(drop)
    }

    fn datagrams(&self, socket: SocketId) -> io::Result<&UdpSocket> {
        match self.sockets.get(socket.0) {
            Some(OsSocket::Datagrams(socket)) => Ok(socket),
            _ => Err(unknown()),
        }
    }
}

/// Refuses what is no datagram socket of IPv4 or IPv6.
fn check(socket: &Socket) -> io::Result<()> {
    let domain = socket.local_addr()?.domain();
    match socket.r#type()? == Type::DGRAM && (domain == Domain::IPV4 || domain == Domain::IPV6) {
        true => Ok(()),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "a UDP socket is needed")),
    }
}

/// Lets go of the peer. Linux then gives up a port that was not asked for by number, so it is bound again.
fn disconnect(socket: &UdpSocket) -> io::Result<()> {
    let port = socket.local_addr()?.port();
    dissolve(socket)?;
    let mut bound = socket.local_addr()?;
    if bound.port() != port {
        bound.set_port(port);
        SockRef::from(socket).bind(&bound.into())?;
    }
    Ok(())
}

fn set(socket: &UdpSocket, setting: UdpSetting) -> io::Result<()> {
    let is_v6 = socket.local_addr()?.is_ipv6();
    let socket = SockRef::from(socket);
    match setting {
        UdpSetting::Broadcast(on) => socket.set_broadcast(on),
        UdpSetting::Ttl(hops) if is_v6 => socket.set_unicast_hops_v6(hops),
        UdpSetting::Ttl(hops) => socket.set_ttl_v4(hops),
        UdpSetting::MulticastLoop(on) if is_v6 => socket.set_multicast_loop_v6(on),
        UdpSetting::MulticastLoop(on) => socket.set_multicast_loop_v4(on),
        UdpSetting::MulticastTtl(hops) if is_v6 => socket.set_multicast_hops_v6(hops),
        UdpSetting::MulticastTtl(hops) => socket.set_multicast_ttl_v4(hops),
        UdpSetting::MulticastInterface(Interface::V4(addr)) => socket.set_multicast_if_v4(&addr),
        UdpSetting::MulticastInterface(Interface::V6(index)) => socket.set_multicast_if_v6(index),
        UdpSetting::Join(Group::V4(group, interface)) => socket.join_multicast_v4(&group, &interface),
        UdpSetting::Join(Group::V6(group, interface)) => socket.join_multicast_v6(&group, interface),
        UdpSetting::Leave(Group::V4(group, interface)) => socket.leave_multicast_v4(&group, &interface),
        UdpSetting::Leave(Group::V6(group, interface)) => socket.leave_multicast_v6(&group, interface),
        UdpSetting::ReceiveBuffer(bytes) => socket.set_recv_buffer_size(bytes),
        UdpSetting::SendBuffer(bytes) => socket.set_send_buffer_size(bytes),
    }
}

/// With `recvmsg`, which alone tells that a datagram was cut off.
#[cfg(unix)]
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
    use rustix::net::{RecvAncillaryBuffer, RecvFlags, ReturnFlags, recvmsg};

    let message = socket.try_io(|| {
        let parts = &mut [io::IoSliceMut::new(buffer)];
        Ok(recvmsg(socket, parts, &mut RecvAncillaryBuffer::default(), RecvFlags::empty())?)
    })?;
    let from = match message.address {
        Some(address) => SocketAddr::try_from(address)?,
        None => socket.peer_addr()?,
    };
    Ok(ReceivedDatagram { bytes: message.bytes, from, truncated: message.flags.contains(ReturnFlags::TRUNC) })
}

#[cfg(not(unix))]
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
    let (bytes, from) = socket.recv_from(buffer)?;
    Ok(ReceivedDatagram { bytes, from, truncated: false })
}

#[cfg(unix)]
fn dissolve(socket: &UdpSocket) -> io::Result<()> {
    match rustix::net::connect_unspec(socket) {
        // BSD systems have let go when they say this (libuv).
        Err(rustix::io::Errno::AFNOSUPPORT) if !cfg!(target_os = "linux") => Ok(()),
        result => Ok(result?),
    }
}

#[cfg(not(unix))]
fn dissolve(socket: &UdpSocket) -> io::Result<()> {
    let nobody: std::net::IpAddr = match socket.local_addr()? {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    };
    socket.connect(SocketAddr::new(nobody, 0))
}

/// Several sockets on one address. BSD systems call that the reuse of a port.
fn reuse_address(socket: &Socket) -> io::Result<()> {
    #[cfg(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    ))]
    return socket.set_reuse_port(true);
    #[cfg(not(any(
        target_vendor = "apple",
        target_os = "freebsd",
        target_os = "netbsd",
        target_os = "openbsd"
    )))]
    socket.set_reuse_address(true)
}

/// Several sockets on one port that share its datagrams out; where the system does not share, it is refused (libuv).
fn reuse_port(socket: &Socket) -> io::Result<()> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return socket.set_reuse_port(true);
    #[cfg(target_os = "freebsd")]
    return socket.set_reuse_port_lb(true);
    #[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
    {
        let _ = socket;
        Err(io::ErrorKind::Unsupported.into())
    }
}
