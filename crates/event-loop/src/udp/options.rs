//! What must be said of a datagram socket before it is bound.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use super::UdpSocket;
use crate::core::LoopHandle;
use crate::driver::UdpFlags;

/// How a datagram socket is bound; [`UdpSocket::options`] starts with the defaults, under which a port belongs to one
/// socket.
#[derive(Clone, Copy, Debug, Default)]
pub struct UdpOptions(UdpFlags);

impl UdpOptions {
    /// Whether others who say so too may bind to the same address (libuv's `UV_UDP_REUSEADDR`): all of them get
    /// what is sent to a multicast group, and one of them gets the rest, on Linux the one that was bound last.
    pub fn reuse_address(mut self, on: bool) -> UdpOptions {
        self.0.reuse_address = on;
        self
    }

    /// Whether others who say so too may bind to the same port and share its datagrams out, always the same socket
    /// for the same sender (libuv's `UV_UDP_REUSEPORT`). Only on Linux and FreeBSD: elsewhere the bind fails with
    /// `Unsupported`.
    pub fn reuse_port(mut self, on: bool) -> UdpOptions {
        self.0.reuse_port = on;
        self
    }

    /// Whether a socket of IPv6 keeps away from IPv4 (libuv's `UV_UDP_IPV6ONLY`); without it the system decides. A
    /// bind to an address of IPv4 fails then.
    pub fn only_v6(mut self, on: bool) -> UdpOptions {
        self.0.only_v6 = on;
        self
    }

    /// Binds a socket to `addr`; port 0 lets the system choose.
    ///
    /// # Errors
    /// The system's: the port is taken, an option is not supported, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(self, lp: &LoopHandle, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::opened(lp, Location::caller(), |driver, token| driver.bind_udp(addr, self.0, token))
    }
}
