//! What can be changed of a datagram socket while it is open: broadcast, hops, multicast, buffers.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::UdpSocket;
use crate::driver::{Group, Interface, UdpSetting};

/// Settings. A socket that is not bound yet is bound first, as by a send: to IPv6 if the setting names it. Each
/// fails with the system's error, or with `NotConnected` when the socket is closed.
impl UdpSocket {
    /// Whether it may send to broadcast addresses.
    ///
    /// # Errors
    /// The system's.
    pub fn set_broadcast(&self, on: bool) -> io::Result<()> {
        self.set(UdpSetting::Broadcast(on))
    }

    /// How many routers may pass on what it sends to one receiver, 1 to 255.
    ///
    /// # Errors
    /// The system's, for example that the number is out of range.
    pub fn set_ttl(&self, hops: u32) -> io::Result<()> {
        self.set(UdpSetting::Ttl(hops))
    }

    /// How many routers may pass on what it sends to a group; 1 by default, which none does.
    ///
    /// # Errors
    /// The system's, for example that the number is out of range.
    pub fn set_multicast_ttl(&self, hops: u32) -> io::Result<()> {
        self.set(UdpSetting::MulticastTtl(hops))
    }

    /// Whether this machine gets what it sends to a group; it does by default.
    ///
    /// # Errors
    /// The system's.
    pub fn set_multicast_loop(&self, on: bool) -> io::Result<()> {
        self.set(UdpSetting::MulticastLoop(on))
    }

    /// The interface that carries what is sent to a group, named by an address of it.
    ///
    /// # Errors
    /// The system's, for example that no interface has this address.
    pub fn set_multicast_interface_v4(&self, interface: Ipv4Addr) -> io::Result<()> {
        self.set(UdpSetting::MulticastInterface(Interface::V4(interface)))
    }

    /// The interface that carries what is sent to a group, by its number; 0 lets the system choose.
    ///
    /// # Errors
    /// The system's, for example that there is no such interface.
    pub fn set_multicast_interface_v6(&self, interface: u32) -> io::Result<()> {
        self.set(UdpSetting::MulticastInterface(Interface::V6(interface)))
    }

    /// Receives what is sent to `group` over an interface, named by an address of it; `0.0.0.0` lets the system
    /// choose.
    ///
    /// # Errors
    /// The system's: not a group, no such interface, a member already.
    pub fn join_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.set(UdpSetting::Join(Group::V4(group, interface)))
    }

    /// Leaves what [`UdpSocket::join_multicast_v4`] has joined.
    ///
    /// # Errors
    /// The system's, for example that it is no member.
    pub fn leave_multicast_v4(&self, group: Ipv4Addr, interface: Ipv4Addr) -> io::Result<()> {
        self.set(UdpSetting::Leave(Group::V4(group, interface)))
    }

    /// Receives what is sent to `group` over an interface, by its number; 0 lets the system choose.
    ///
    /// # Errors
    /// The system's: not a group, no such interface, a member already.
    pub fn join_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.set(UdpSetting::Join(Group::V6(group, interface)))
    }

    /// Leaves what [`UdpSocket::join_multicast_v6`] has joined.
    ///
    /// # Errors
    /// The system's, for example that it is no member.
    pub fn leave_multicast_v6(&self, group: Ipv6Addr, interface: u32) -> io::Result<()> {
        self.set(UdpSetting::Leave(Group::V6(group, interface)))
    }

    /// How many bytes the system keeps of what nobody has received yet (SO_RCVBUF); it may choose another number.
    ///
    /// # Errors
    /// The system's.
    pub fn set_recv_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.set(UdpSetting::ReceiveBuffer(bytes))
    }

    /// How many bytes the system keeps of what is not sent yet (SO_SNDBUF); it may choose another number.
    ///
    /// # Errors
    /// The system's.
    pub fn set_send_buffer_size(&self, bytes: usize) -> io::Result<()> {
        self.set(UdpSetting::SendBuffer(bytes))
    }

    fn set(&self, setting: UdpSetting) -> io::Result<()> {
        let is_v6 = matches!(
            setting,
            UdpSetting::MulticastInterface(Interface::V6(_))
                | UdpSetting::Join(Group::V6(..))
                | UdpSetting::Leave(Group::V6(..))
        );
        let socket = self.lp.udp_socket(self.id, is_v6)?;
        self.lp.core.driver.borrow_mut().set_udp(socket, setting)
    }
}
