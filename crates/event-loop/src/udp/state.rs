//! What the loop knows of a datagram socket, how it comes by a descriptor, and how it closes.

use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::panic::Location;
use std::task::Waker;

use super::receive::ReceiveCallback;
use super::send::{Send, Sent};
use crate::core::LoopHandle;
use crate::driver::{Driver, SocketId, UdpFlags};
use crate::handle::{HandleId, Kind};

/// The part of a handle that only datagram sockets have.
pub(crate) struct UdpState {
    /// `None` until it is bound.
    pub(crate) socket: Option<SocketId>,
    /// The only peer, while it is connected.
    pub(super) peer: Option<SocketAddr>,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    pub(super) receiving: bool,
    pub(super) callback: Option<ReceiveCallback>,
    pub(super) read_waker: Option<Waker>,
    pub(super) write_waker: Option<Waker>,
    /// How many datagrams a task has moved since it last waited (U3).
    pub(super) in_a_row: usize,
    pub(super) sends: VecDeque<Send>,
    /// Sends whose callback is due in the pending phase.
    pub(super) finished: VecDeque<Sent>,
    /// The bytes of all sends that have not called back.
    pub(super) queued_bytes: usize,
    /// On the loop's pending queue.
    pub(super) pending: bool,
}

/// What a datagram socket leaves behind when it begins to close.
pub(crate) struct UdpRemains {
    socket: Option<SocketId>,
    callback: Option<ReceiveCallback>,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
}

impl UdpState {
    fn new() -> UdpState {
        UdpState {
            socket: None,
            peer: None,
            readable: false,
            // A fresh socket has room; a wrong guess costs one send that says WouldBlock.
            writable: true,
            queued: false,
            receiving: false,
            callback: None,
            read_waker: None,
            write_waker: None,
            in_a_row: 0,
            sends: VecDeque::new(),
            finished: VecDeque::new(),
            queued_bytes: 0,
            pending: false,
        }
    }

    /// The first step of closing; queued sends are cancelled in the second.
    pub(crate) fn stop_for_good(&mut self) -> UdpRemains {
        self.receiving = false;
        UdpRemains {
            socket: self.socket.take(),
            callback: self.callback.take(),
            read_waker: self.read_waker.take(),
            write_waker: self.write_waker.take(),
        }
    }
}

impl LoopHandle {
    /// A handle without a descriptor.
    pub(super) fn udp_insert(&self, location: &'static Location<'static>) -> io::Result<HandleId> {
        if self.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        Ok(self.core.handles.insert(Kind::Udp(Box::new(UdpState::new())), location))
    }

    /// A handle whose descriptor comes from `open`; none is left when that fails.
    pub(super) fn udp_opened(
        &self,
        location: &'static Location<'static>,
        open: impl FnOnce(&mut Driver, u64) -> io::Result<SocketId>,
    ) -> io::Result<HandleId> {
        let id = self.udp_insert(location)?;
        let opened = open(&mut self.core.driver.borrow_mut(), id.token());
        match opened {
            Ok(socket) => {
                with_udp(self, id, |state| state.socket = Some(socket));
                Ok(id)
            }
            Err(error) => {
                drop(self.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// The descriptor; a socket that has none yet is bound to any port of any address first, of IPv6 if `is_v6`.
    pub(super) fn udp_socket(&self, id: HandleId, is_v6: bool) -> io::Result<SocketId> {
        if let Some(socket) = with_udp(self, id, |state| state.socket).ok_or_else(closed)? {
            return Ok(socket);
        }
        let any = match is_v6 {
            true => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
            false => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        };
        let socket = self.core.driver.borrow_mut().bind_udp(any, UdpFlags::default(), id.token())?;
        with_udp(self, id, |state| state.socket = Some(socket));
        Ok(socket)
    }

    pub(crate) fn udp_closed(&self, location: &'static Location<'static>, remains: UdpRemains) {
        let UdpRemains { socket, callback, read_waker, write_waker } = remains;
        if let Some(socket) = socket {
            self.core.driver.borrow_mut().close(socket);
        }
        for waker in read_waker.into_iter().chain(write_waker) {
            self.wake(location, waker);
        }
        self.dispose(location, callback);
    }

    /// An edge, or a turn on the queue. Receiving comes first, so that it and not a send hears what an earlier
    /// datagram met (libuv).
    pub(crate) fn udp_ready(&self, id: HandleId) {
        self.receive(id);
        self.flush_sends(id);
        let wakers = with_udp(self, id, |state| {
            let read = if state.readable { state.read_waker.take() } else { None };
            let may_send = state.writable && state.sends.is_empty();
            let write = if may_send { state.write_waker.take() } else { None };
            read.into_iter().chain(write)
        });
        let location = self.core.handles.with(id, |handle| handle.location);
        if let (Some(wakers), Some(location)) = (wakers, location) {
            for waker in wakers {
                self.wake(location, waker);
            }
        }
    }
}

pub(super) fn closed() -> io::Error {
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
