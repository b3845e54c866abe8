//! A datagram socket, as the user calls it: bind, connect, receive, send, close.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::task::{Context, Poll};

use socket2::Socket;

use super::UdpOptions;
use super::receive::UdpEvent;
use super::send::is_connected;
use super::state::{closed, with_udp};
use crate::core::LoopHandle;
use crate::driver::{Driver, ReceivedDatagram, SocketId};
use crate::handle::{HandleId, handle_methods};

/// A UDP socket. Active while it receives. Dropping the value does not close it: `close` does. For futures see
/// [`crate::OwnedUdpSocket`], which closes when dropped.
///
/// ```
/// use event_loop::{EventLoop, RunMode, UdpEvent, UdpSocket};
///
/// let event_loop = EventLoop::new()?;
/// let socket = UdpSocket::bind(&event_loop.handle(), "127.0.0.1:0".parse()?)?;
/// let itself = socket.clone();
/// socket.recv_start(move |_, event| {
///     if let UdpEvent::Datagram { data, from, .. } = event {
///         println!("{} bytes from {from}", data.len());
///         itself.close();
///     }
/// })?;
/// socket.send_to(b"to myself".to_vec(), socket.local_addr()?, |_, result| result.expect("sent"));
/// event_loop.run(RunMode::Default)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UdpSocket {
    pub(super) lp: LoopHandle,
    pub(super) id: HandleId,
}

impl UdpSocket {
    /// A socket that is not bound. Its first use binds it to a port that the system chooses, on all addresses of
    /// the family of the address that is used, or of IPv4 where none is.
    ///
    /// # Errors
    /// `NotConnected` when the loop is closed.
    #[track_caller]
    pub fn new(lp: &LoopHandle) -> io::Result<UdpSocket> {
        let id = lp.udp_insert(Location::caller())?;
        Ok(UdpSocket { lp: lp.clone(), id })
    }

    /// Binds to `addr`; port 0 lets the system choose.
    ///
    /// # Errors
    /// The system's: the port is taken, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(lp: &LoopHandle, addr: SocketAddr) -> io::Result<UdpSocket> {
        UdpSocket::options().bind(lp, addr)
    }

    /// The options to bind a socket with.
    pub fn options() -> UdpOptions {
        UdpOptions::default()
    }

    /// Takes over a socket with settings of its own, connected or not. It blocks no more from now on, and neither
    /// do its duplicates.
    ///
    /// # Errors
    /// The system's; `NotConnected` when the loop is closed.
    #[track_caller]
    pub fn from_std(lp: &LoopHandle, socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
        UdpSocket::adopt(lp, socket.into(), Location::caller())
    }

    /// Takes over a descriptor, for example one that a parent left. Programs that this one starts do not get it.
    /// Unix only.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a UDP socket; otherwise as [`UdpSocket::from_std`].
    #[cfg(unix)]
    #[track_caller]
    pub fn from_fd(lp: &LoopHandle, descriptor: OwnedFd) -> io::Result<UdpSocket> {
        UdpSocket::adopt(lp, descriptor.into(), Location::caller())
    }

    fn adopt(lp: &LoopHandle, socket: Socket, location: &'static Location<'static>) -> io::Result<UdpSocket> {
        let new = UdpSocket::opened(lp, location, |driver, token| driver.adopt_udp(socket, token))?;
        let socket = lp.udp_socket(new.id, false)?;
        let peer = lp.core.driver.borrow_mut().peer_addr(socket).ok();
        with_udp(lp, new.id, |state| state.peer = peer);
        Ok(new)
    }

    /// Another descriptor of the same socket, for example to send it to another process. Each datagram reaches one
    /// of them. Unix only.
    ///
    /// # Errors
    /// `AddrNotAvailable` when it is not bound yet, `NotConnected` when it is closed; the system's: no descriptor is
    /// left.
    #[cfg(unix)]
    pub fn duplicate(&self) -> io::Result<OwnedFd> {
        let socket = self.bound()?;
        self.lp.core.driver.borrow_mut().duplicate(socket)
    }

    pub(super) fn opened(
        lp: &LoopHandle,
        location: &'static Location<'static>,
        open: impl FnOnce(&mut Driver, u64) -> io::Result<SocketId>,
    ) -> io::Result<UdpSocket> {
        let id = lp.udp_opened(location, open)?;
        Ok(UdpSocket { lp: lp.clone(), id })
    }

    /// The address that it is bound to, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// `AddrNotAvailable` when it is not bound yet, `NotConnected` when it is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = self.bound()?;
        self.lp.core.driver.borrow_mut().local_addr(socket)
    }

    fn bound(&self) -> io::Result<SocketId> {
        let socket = with_udp(&self.lp, self.id, |state| state.socket).ok_or_else(closed)?;
        socket.ok_or_else(|| {
            let message = "the socket is not bound yet: bind or use it first";
            io::Error::new(io::ErrorKind::AddrNotAvailable, message)
        })
    }

    /// Chooses the only peer: `send` goes to it, and what others send is not received. That a datagram found nobody
    /// there is told as `ConnectionRefused` to the call that comes next, in most cases the one that receives.
    ///
    /// # Errors
    /// EISCONN when it is connected already; the system's, for example that there is no way there; `NotConnected`
    /// when it is closed.
    pub fn connect(&self, peer: SocketAddr) -> io::Result<()> {
        if with_udp(&self.lp, self.id, |state| state.peer).ok_or_else(closed)?.is_some() {
            return Err(is_connected());
        }
        let socket = self.lp.udp_socket(self.id, peer.is_ipv6())?;
        self.lp.core.driver.borrow_mut().connect_udp(socket, Some(peer))?;
        with_udp(&self.lp, self.id, |state| state.peer = Some(peer));
        Ok(())
    }

    /// Lets go of the peer; the port stays the same.
    ///
    /// # Errors
    /// `NotConnected` when there is none, or when the socket is closed; `AddrInUse` when somebody has the port by now on another
    /// address of this machine: the peer is gone then, and the next send gets another port; the system's.
    pub fn disconnect(&self) -> io::Result<()> {
        self.peer_addr()?;
        let socket = self.lp.udp_socket(self.id, false)?;
        let mut driver = self.lp.core.driver.borrow_mut();
        let result = driver.connect_udp(socket, None);
        // It may have let go and not have got its port back.
        let peer = if result.is_err() { driver.peer_addr(socket).ok() } else { None };
        drop(driver);
        with_udp(&self.lp, self.id, |state| state.peer = peer);
        result
    }

    /// The peer that it is connected to.
    ///
    /// # Errors
    /// `NotConnected` when there is none, or when the socket is closed.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        let peer = with_udp(&self.lp, self.id, |state| state.peer).ok_or_else(closed)?;
        peer.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// Calls back with what comes, from the next poll on. An error is told and does not stop the receiving. Active
    /// from now until [`UdpSocket::recv_stop`] or close.
    ///
    /// # Errors
    /// `NotConnected` when the socket is closed, `AlreadyExists` when it receives already; the system's when it had
    /// to be bound.
    #[track_caller]
    pub fn recv_start(&self, callback: impl FnMut(&LoopHandle, UdpEvent<'_>) + 'static) -> io::Result<()> {
        self.lp.udp_recv_start(self.id, Box::new(callback), Location::caller())
    }

    /// Stops receiving; datagrams wait with the system, as many as it keeps, until receiving starts again.
    pub fn recv_stop(&self) {
        with_udp(&self.lp, self.id, |state| state.receiving = false);
        self.lp.set_active(self.id, false);
    }

    /// Sends one datagram behind earlier ones; `callback` comes later, when the system has taken it or refused. A
    /// refusal concerns this datagram only: too large (EMSGSIZE), no way there. On a connected socket it fails with
    /// EISCONN, after close with `NotConnected`; a close that finds it still queued fails it with
    /// `ConnectionAborted`.
    #[track_caller]
    pub fn send_to(
        &self,
        data: Vec<u8>,
        addr: SocketAddr,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) {
        self.lp.udp_send(self.id, data, Some(addr), Box::new(callback), Location::caller());
    }

    /// Sends one datagram to the peer, as [`UdpSocket::send_to`] does; without a peer it fails with EDESTADDRREQ.
    #[track_caller]
    pub fn send(&self, data: Vec<u8>, callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static) {
        self.lp.udp_send(self.id, data, None, Box::new(callback), Location::caller());
    }

    /// Sends one datagram at once or not at all, without a callback.
    ///
    /// # Errors
    /// `WouldBlock` when the system has no room, or while earlier sends have not called back; otherwise as the
    /// callback of [`UdpSocket::send_to`] is told.
    pub fn try_send_to(&self, data: &[u8], addr: SocketAddr) -> io::Result<()> {
        self.lp.udp_try_send(self.id, data, Some(addr))
    }

    /// Sends one datagram to the peer at once or not at all, without a callback.
    ///
    /// # Errors
    /// As [`UdpSocket::try_send_to`]; EDESTADDRREQ without a peer.
    pub fn try_send(&self, data: &[u8]) -> io::Result<()> {
        self.lp.udp_try_send(self.id, data, None)
    }

    /// How many sends have not called back yet.
    pub fn send_queue_count(&self) -> usize {
        with_udp(&self.lp, self.id, |state| state.sends.len() + state.finished.len()).unwrap_or(0)
    }

    /// The bytes of the sends that have not called back yet.
    pub fn send_queue_size(&self) -> usize {
        with_udp(&self.lp, self.id, |state| state.queued_bytes).unwrap_or(0)
    }

    /// Receives one datagram into `buffer` for a future; the rest of one that is longer is lost. One receiving task
    /// at a time, and no receive callback beside it.
    pub fn poll_recv_from(
        &self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<ReceivedDatagram>> {
        self.lp.udp_poll_recv(self.id, cx, buffer)
    }

    /// Sends one datagram for a future, behind queued ones. One sending task at a time.
    pub fn poll_send_to(&self, cx: &mut Context<'_>, data: &[u8], addr: SocketAddr) -> Poll<io::Result<()>> {
        self.lp.udp_poll_send(self.id, cx, data, Some(addr))
    }

    /// Sends one datagram to the peer for a future, behind queued ones. One sending task at a time.
    pub fn poll_send(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<()>> {
        self.lp.udp_poll_send(self.id, cx, data, None)
    }
}

handle_methods!(UdpSocket);
