//! TCP: a stream and a listener by address.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use super::methods::stream_methods;
use super::state::with_stream;
use crate::core::LoopHandle;
use crate::handle::HandleId;

/// What the table of handles calls a stream.
pub(super) const STREAM: &str = "TCP stream";
const LISTENER: &str = "TCP listener";

/// A TCP stream. Dropping the value does not close it: `close` does. For futures see
/// [`crate::OwnedTcpStream`], which closes when dropped.
#[derive(Clone)]
pub struct TcpStream {
    lp: LoopHandle,
    id: HandleId,
}

impl TcpStream {
    /// Connects to `addr`; `callback` learns of success or failure later, in any case.
    ///
    /// # Errors
    /// Only when no socket can be made; a refused connection is told to the callback.
    #[track_caller]
    pub fn connect(
        lp: &LoopHandle,
        addr: SocketAddr,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) -> io::Result<TcpStream> {
        let open = &mut |driver: &mut crate::driver::Driver, token| driver.connect(addr, token);
        let id = lp.stream_connect(STREAM, Location::caller(), open, Box::new(callback))?;
        Ok(TcpStream { lp: lp.clone(), id })
    }

    /// Whether small writes are sent at once (TCP_NODELAY).
    ///
    /// # Errors
    /// The system's, or `NotConnected` when closed.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        let socket =
            with_stream(&self.lp, self.id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        self.lp.core.driver.borrow_mut().set_nodelay(socket, on)
    }
}

stream_methods!(TcpStream);

/// A TCP listener. Active while somebody waits for its connections. Dropping the value does not close it.
#[derive(Clone)]
pub struct TcpListener {
    lp: LoopHandle,
    id: HandleId,
}

impl TcpListener {
    /// Binds to `addr` and listens; `backlog` is how many connections may wait to be accepted.
    ///
    /// # Errors
    /// The system's: the port is taken, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(lp: &LoopHandle, addr: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
        let open = &mut |driver: &mut crate::driver::Driver, token| driver.listen(addr, backlog, token);
        let id = lp.listener_open((LISTENER, STREAM), Location::caller(), open)?;
        Ok(TcpListener { lp: lp.clone(), id })
    }

    /// The address that it listens on, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = self.lp.listener_socket(self.id)?;
        self.lp.core.driver.borrow_mut().local_addr(socket)
    }
}

super::listener::listener_methods!(TcpListener, TcpStream);
