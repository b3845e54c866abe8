//! A datagram socket, as the user calls it: bind, receive, send, close.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::panic::Location;

use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind, handle_methods};
use crate::stream::{Finished, Request};

/// One datagram and its sender, or what went wrong. The bytes are valid during the callback.
pub(super) type Received<'a> = io::Result<(&'a [u8], SocketAddr)>;

pub(super) type ReceiveCallback = Box<dyn FnMut(&LoopHandle, Received<'_>)>;

/// A datagram in the queue of its socket.
pub(super) struct Send {
    pub(super) data: Vec<u8>,
    pub(super) addr: SocketAddr,
    pub(super) request: Request,
}

/// The part of a handle that only datagram sockets have.
pub(crate) struct UdpState {
    pub(super) socket: SocketId,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    pub(super) receiving: bool,
    pub(super) callback: Option<ReceiveCallback>,
    pub(super) sends: VecDeque<Send>,
    /// Sends whose callback is due in the pending phase.
    pub(super) finished: VecDeque<Finished>,
    /// On the loop's pending queue.
    pub(super) pending: bool,
}

/// What a datagram socket leaves behind when it begins to close.
pub(crate) struct UdpRemains {
    socket: SocketId,
    callback: Option<ReceiveCallback>,
}

impl UdpState {
    /// The first step of closing; queued sends are cancelled in the second.
    pub(crate) fn stop_for_good(&mut self) -> UdpRemains {
        self.receiving = false;
        UdpRemains { socket: self.socket, callback: self.callback.take() }
    }
}

impl LoopHandle {
    pub(crate) fn udp_closed(&self, location: &'static Location<'static>, remains: UdpRemains) {
        let UdpRemains { socket, callback } = remains;
        self.core.driver.borrow_mut().close(socket);
        self.dispose(location, callback);
    }
}

/// A UDP socket. Active while it receives. Dropping the value does not close it: `close` does.
///
/// ```
/// use event_loop::{EventLoop, RunMode, UdpSocket};
///
/// let event_loop = EventLoop::new()?;
/// let socket = UdpSocket::bind(&event_loop.handle(), "127.0.0.1:0".parse()?)?;
/// let itself = socket.clone();
/// socket.recv_start(move |_, received| {
///     let (data, from) = received.expect("a datagram");
///     println!("{} bytes from {from}", data.len());
///     itself.close();
/// })?;
/// socket.send_to(b"to myself".to_vec(), socket.local_addr()?, |_, result| result.expect("sent"));
/// event_loop.run(RunMode::Default)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct UdpSocket {
    lp: LoopHandle,
    id: HandleId,
}

impl UdpSocket {
    /// Binds to `addr`; port 0 lets the system choose.
    ///
    /// # Errors
    /// The system's: the port is taken, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(lp: &LoopHandle, addr: SocketAddr) -> io::Result<UdpSocket> {
        if lp.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        let state = UdpState {
            socket: SocketId(usize::MAX),
            readable: false,
            // A fresh socket has room; a wrong guess costs one send that says WouldBlock.
            writable: true,
            queued: false,
            receiving: false,
            callback: None,
            sends: VecDeque::new(),
            finished: VecDeque::new(),
            pending: false,
        };
        let id = lp.core.handles.insert(Kind::Udp(Box::new(state)), Location::caller());
        let opened = lp.core.driver.borrow_mut().bind_udp(addr, id.token());
        match opened {
            Ok(socket) => {
                with_udp(lp, id, |state| state.socket = socket);
                Ok(UdpSocket { lp: lp.clone(), id })
            }
            Err(error) => {
                drop(lp.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// The address that it is bound to, with the port that the system chose for port 0.
    ///
    /// # Errors
    /// When the socket is closed.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let socket = with_udp(&self.lp, self.id, |state| state.socket).ok_or_else(closed)?;
        self.lp.core.driver.borrow_mut().local_addr(socket)
    }

    /// Calls back with every datagram from the next poll on, also with an empty one. An error is told and does
    /// not stop the receiving. Active from now until [`UdpSocket::recv_stop`] or close.
    ///
    /// # Errors
    /// `NotConnected` when the socket is closed, `AlreadyExists` when it receives already.
    #[track_caller]
    pub fn recv_start(
        &self,
        callback: impl FnMut(&LoopHandle, io::Result<(&[u8], SocketAddr)>) + 'static,
    ) -> io::Result<()> {
        let location = Location::caller();
        let mut callback: Option<ReceiveCallback> = Some(Box::new(callback));
        let started = with_udp(&self.lp, self.id, |state| {
            if state.receiving {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.receiving = true;
            let old = std::mem::replace(&mut state.callback, callback.take());
            Ok((state.readable, old))
        });
        let (readable, old) = started.unwrap_or_else(|| Err(closed()))?;
        self.lp.core.handles.with(self.id, |handle| handle.location = location);
        self.lp.set_active(self.id, true);
        if readable {
            self.lp.keep_ready(self.id);
        }
        self.lp.dispose(location, old);
        Ok(())
    }

    /// Stops receiving; datagrams wait with the system, as many as it keeps, until receiving starts again.
    pub fn recv_stop(&self) {
        with_udp(&self.lp, self.id, |state| state.receiving = false);
        self.lp.set_active(self.id, false);
    }

    /// Sends one datagram behind earlier ones; `callback` comes later, when the system has taken it or refused.
    /// A refusal concerns this datagram only. After close it fails with `NotConnected`; a close that finds it
    /// still queued fails it with `ConnectionAborted`.
    #[track_caller]
    pub fn send_to(
        &self,
        data: Vec<u8>,
        addr: SocketAddr,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) {
        let location = Location::caller();
        self.lp.core.count_request(true);
        let request = Request { callback: Box::new(callback), location };
        let mut send = Some(Send { data, addr, request });
        let first = with_udp(&self.lp, self.id, |state| {
            state.sends.extend(send.take());
            state.writable && state.sends.len() == 1
        });
        match send {
            // Nothing of the user's runs inside this call; what the system takes now is told later.
            None if first == Some(true) => self.lp.flush_sends(self.id),
            None => {}
            Some(Send { request, .. }) => self.lp.finish_send(self.id, request, Err(closed())),
        }
    }

    /// Datagrams that wait for the system to take them.
    pub fn send_queue_len(&self) -> usize {
        with_udp(&self.lp, self.id, |state| state.sends.len()).unwrap_or(0)
    }
}

handle_methods!(UdpSocket);

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket is closed")
}

/// Runs `access` on the socket unless it is closing or gone.
pub(super) fn with_udp<R>(
    lp: &LoopHandle,
    id: HandleId,
    access: impl FnOnce(&mut UdpState) -> R,
) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Udp(socket) if !handle.closing => access.take().map(|access| access(socket)),
        _ => None,
    });
    found.flatten()
}
