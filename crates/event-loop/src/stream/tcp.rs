//! TCP: a stream and a listener by address, and what only TCP has: resets, keep-alive, options of the port.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::OwnedFd;
use std::panic::Location;

use socket2::Socket;

use super::listener::listener_methods;
use super::methods::stream_methods;
use super::state::with_stream;
use crate::core::{CloseCallback, LoopHandle};
use crate::driver::{Driver, KeepAlive, ListenOptions, SocketId, SocketKind, StreamOption};
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
        let open = &mut |driver: &mut Driver, token| driver.connect(addr, None, token);
        let id = lp.stream_connect(STREAM, Location::caller(), open, Box::new(callback))?;
        Ok(TcpStream { lp: lp.clone(), id })
    }

    /// As [`TcpStream::connect`], from the address `from` of this machine; its port may be 0.
    ///
    /// # Errors
    /// As [`TcpStream::connect`]: also that `from` is taken, or not of this machine, is told to the callback.
    #[track_caller]
    pub fn connect_from(
        lp: &LoopHandle,
        from: SocketAddr,
        addr: SocketAddr,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) -> io::Result<TcpStream> {
        let open = &mut |driver: &mut Driver, token| driver.connect(addr, Some(from), token);
        let id = lp.stream_connect(STREAM, Location::caller(), open, Box::new(callback))?;
        Ok(TcpStream { lp: lp.clone(), id })
    }

    /// Takes over a connected socket, which blocks no more from now on, and neither do its duplicates.
    ///
    /// # Errors
    /// `NotConnected` when it is not connected, for example because the peer has reset it, or when the loop is gone; the
    /// system's.
    #[track_caller]
    pub fn from_std(lp: &LoopHandle, socket: std::net::TcpStream) -> io::Result<TcpStream> {
        TcpStream::adopt(lp, socket.into(), Location::caller())
    }

    /// Takes over a descriptor, for example one that a parent left or that came over a Unix socket. Programs that this one
    /// starts do not get it. Unix only.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a TCP socket, or one that listens, which the message tells; otherwise as [`TcpStream::from_std`].
    #[cfg(unix)]
    #[track_caller]
    pub fn from_fd(lp: &LoopHandle, descriptor: OwnedFd) -> io::Result<TcpStream> {
        TcpStream::adopt(lp, descriptor.into(), Location::caller())
    }

    fn adopt(lp: &LoopHandle, socket: Socket, location: &'static Location<'static>) -> io::Result<TcpStream> {
        let id = lp.stream_adopt(STREAM, SocketKind::TcpStream, socket, location)?;
        Ok(TcpStream { lp: lp.clone(), id })
    }

    /// Closes the connection by a reset: what is not sent yet is dropped, and the peer's next call fails with
    /// `ConnectionReset`. Queued writes hear that they are cancelled, as with `close`. A socket that another process, or a
    /// duplicate, holds too is reset when the last of them is closed.
    ///
    /// # Errors
    /// The stream stays as it was: `InvalidInput` when a `shutdown` waits for its turn, because it would be lost;
    /// `NotConnected` when the stream is closing or never had a socket; the system's.
    pub fn close_reset(&self) -> io::Result<()> {
        self.reset(None)
    }

    /// As [`TcpStream::close_reset`]; calls back from a fresh stack, in the closing phase, after the writes.
    ///
    /// # Errors
    /// As [`TcpStream::close_reset`]; then `callback` is dropped.
    pub fn close_reset_then(&self, callback: impl FnOnce(&LoopHandle) + 'static) -> io::Result<()> {
        self.reset(Some(Box::new(callback)))
    }

    fn reset(&self, on_close: Option<CloseCallback>) -> io::Result<()> {
        if with_stream(&self.lp, self.id, |state| state.shutdown.is_some()) == Some(true) {
            let message = "a shutdown waits for the writes before it, and a reset would lose them; use close";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.set_option(StreamOption::ResetOnClose)?;
        self.lp.begin_close(self.id, on_close);
        Ok(())
    }

    /// Whether small writes are sent at once (TCP_NODELAY).
    ///
    /// # Errors
    /// The system's, or `NotConnected` when closed.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.set_option(StreamOption::NoDelay(on))
    }

    /// Whether the system checks, while nothing is sent, that the peer is still there; off at first. A peer that does not
    /// answer is told to the reader as `TimedOut`.
    ///
    /// # Errors
    /// `InvalidInput` when a time or the number of probes is zero or too large, the system's, or `NotConnected` when closed.
    pub fn set_keepalive(&self, keep: Option<KeepAlive>) -> io::Result<()> {
        self.set_option(StreamOption::KeepAlive(keep))
    }

    fn set_option(&self, option: StreamOption) -> io::Result<()> {
        self.ask(|driver, socket| driver.set_option(socket, option))
    }

    /// The address of our end.
    ///
    /// # Errors
    /// The system's, or `NotConnected` when closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.ask(Driver::local_addr)
    }

    /// The address of the peer's end.
    ///
    /// # Errors
    /// The system's, or `NotConnected` when closed or not connected yet.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.ask(Driver::peer_addr)
    }

    fn ask<T>(&self, ask: impl FnOnce(&mut Driver, SocketId) -> io::Result<T>) -> io::Result<T> {
        self.lp.stream_ask(self.id, ask)
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
        TcpListener::bind_with(lp, addr, ListenOptions::new().backlog(backlog))
    }

    /// Binds to `addr` and listens as `options` say.
    ///
    /// # Errors
    /// As [`TcpListener::bind`]; `InvalidInput` or `Unsupported` when an option does not fit the address or the system.
    #[track_caller]
    pub fn bind_with(lp: &LoopHandle, addr: SocketAddr, options: ListenOptions) -> io::Result<TcpListener> {
        let open = &mut |driver: &mut Driver, token| driver.listen(addr, &options, token);
        let id = lp.listener_open((LISTENER, STREAM), Location::caller(), open)?;
        Ok(TcpListener { lp: lp.clone(), id })
    }

    /// Takes over a socket that listens. It blocks no more from now on, and neither do its duplicates.
    ///
    /// # Errors
    /// The system's, or `NotConnected` when the loop is gone.
    #[track_caller]
    pub fn from_std(lp: &LoopHandle, socket: std::net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::adopt(lp, socket.into(), Location::caller())
    }

    /// Takes over a descriptor that somebody else has bound and made listen: a parent, a service manager, another loop.
    /// Several processes may accept from one. Programs that this one starts do not get it. Unix only.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a TCP socket that listens, which the message tells (macOS cannot tell whether it
    /// listens: there the first accept fails); otherwise as [`TcpListener::from_std`].
    #[cfg(unix)]
    #[track_caller]
    pub fn from_fd(lp: &LoopHandle, descriptor: OwnedFd) -> io::Result<TcpListener> {
        TcpListener::adopt(lp, descriptor.into(), Location::caller())
    }

    fn adopt(
        lp: &LoopHandle,
        socket: Socket,
        location: &'static Location<'static>,
    ) -> io::Result<TcpListener> {
        let id = lp.listener_adopt((LISTENER, STREAM), SocketKind::TcpListener, socket, location)?;
        Ok(TcpListener { lp: lp.clone(), id })
    }

    /// The address that it listens on, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the listener is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.lp.listener_ask(self.id, Driver::local_addr)
    }
}

listener_methods!(TcpListener, TcpStream);
