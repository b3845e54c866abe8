//! Datagram sockets for futures: one that closes when it is dropped.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;

use super::UdpSocket;
use crate::core::LoopHandle;
use crate::driver::ReceivedDatagram;

/// A UDP socket owned by a task; dropping it closes the socket. One task may receive while another one sends.
///
/// ```
/// use event_loop::{EventLoop, OwnedUdpSocket, RunMode};
///
/// let event_loop = EventLoop::new()?;
/// event_loop.handle().spawn(async {
///     let socket = OwnedUdpSocket::bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
///     let itself = socket.socket().local_addr().expect("bound");
///     socket.send_to(b"to myself", itself).await.expect("sent");
///     let mut buffer = [0; 64];
///     let received = socket.recv_from(&mut buffer).await.expect("a datagram");
///     assert_eq!((&buffer[..received.bytes], received.from), (&b"to myself"[..], itself));
/// });
/// event_loop.run(RunMode::Default)?;
/// # Ok::<(), event_loop::LoopError>(())
/// ```
#[derive(Debug)]
pub struct OwnedUdpSocket(UdpSocket);

impl OwnedUdpSocket {
    /// Takes over a socket.
    pub fn new(socket: UdpSocket) -> OwnedUdpSocket {
        OwnedUdpSocket(socket)
    }

    /// Binds to `addr` on the loop of the running task; port 0 lets the system choose.
    ///
    /// # Errors
    /// As [`UdpSocket::bind`], or that no loop runs here.
    #[track_caller]
    pub fn bind(addr: SocketAddr) -> io::Result<OwnedUdpSocket> {
        let lp = LoopHandle::current().ok_or_else(|| io::Error::other("bind needs a running loop"))?;
        UdpSocket::bind(&lp, addr).map(OwnedUdpSocket)
    }

    /// The socket itself: to connect it, to ask for its addresses, to change its settings.
    pub fn socket(&self) -> &UdpSocket {
        &self.0
    }

    /// Waits for a datagram and puts it into `buffer`; the rest of one that is longer is lost.
    ///
    /// # Errors
    /// The system's, or that the socket was closed.
    pub async fn recv_from(&self, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
        poll_fn(|cx| self.0.poll_recv_from(cx, buffer)).await
    }

    /// Waits for a datagram of the peer and puts it into `buffer`; the rest of one that is longer is lost.
    ///
    /// # Errors
    /// `NotConnected` without a peer or when the socket was closed; `ConnectionRefused` when a datagram of ours found
    /// nobody there; the system's.
    pub async fn recv(&self, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
        self.0.peer_addr()?;
        self.recv_from(buffer).await
    }

    /// Sends one datagram to `addr`, waiting for room.
    ///
    /// # Errors
    /// As the callback of [`UdpSocket::send_to`] is told.
    pub async fn send_to(&self, data: &[u8], addr: SocketAddr) -> io::Result<()> {
        poll_fn(|cx| self.0.poll_send_to(cx, data, addr)).await
    }

    /// Sends one datagram to the peer, waiting for room.
    ///
    /// # Errors
    /// As the callback of [`UdpSocket::send`] is told.
    pub async fn send(&self, data: &[u8]) -> io::Result<()> {
        poll_fn(|cx| self.0.poll_send(cx, data)).await
    }
}

impl Drop for OwnedUdpSocket {
    fn drop(&mut self) {
        self.0.close();
    }
}
