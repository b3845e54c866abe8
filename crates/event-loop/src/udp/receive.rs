//! Receiving: for a callback, as far as a phase allows, and for a task, one datagram at a time.
//!
//! `WouldBlock` clears the readable bit, here and nowhere else (U1): what is left in a socket's queue cannot be
//! told from the length of a datagram. An error keeps the bit too: while it lasts, each pass tells the callback once
//! and polls without sleeping, until the callback stops receiving or closes (libuv, level-triggered, does alike).

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

use super::CAP;
use super::state::{closed, with_udp};
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{ReceivedDatagram, SocketId};
use crate::handle::HandleId;
use crate::phase::Callee;

/// Room for the largest datagram, so none is cut off; libuv's number.
const DATAGRAM_SIZE: usize = 64 * 1024;

/// What receiving found.
#[derive(Debug)]
pub enum UdpEvent<'a> {
    /// One datagram, possibly an empty one.
    Datagram {
        /// Its bytes, valid during the callback.
        data: &'a [u8],
        /// Who sent it.
        from: SocketAddr,
        /// Its rest is lost; always `false` where the system does not tell.
        truncated: bool,
    },
    /// Nothing more is there for now (libuv: zero bytes and no address). It may come without a datagram before it.
    Drained,
    /// Receiving failed, for example because a datagram to the peer found nobody there; it goes on.
    Failed(io::Error),
}

pub(super) type ReceiveCallback = Box<dyn FnMut(&LoopHandle, UdpEvent<'_>)>;

impl LoopHandle {
    pub(super) fn udp_recv_start(
        &self,
        id: HandleId,
        callback: ReceiveCallback,
        location: &'static Location<'static>,
    ) -> io::Result<()> {
        self.udp_socket(id, false)?;
        let mut callback = Some(callback);
        let started = with_udp(self, id, |state| {
            if state.receiving {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            state.receiving = true;
            let old = std::mem::replace(&mut state.callback, callback.take());
            Ok((state.readable, old))
        });
        let (readable, old) = started.unwrap_or_else(|| Err(closed()))?;
        self.core.handles.with(id, |handle| handle.location = location);
        self.set_active(id, true);
        if readable {
            self.keep_ready(id);
        }
        self.dispose(location, old);
        Ok(())
    }

    /// Receives for the callback until nothing is left, it was stopped, an error came, or the cap is hit (U1).
    pub(super) fn receive(&self, id: HandleId) {
        for _ in 0..CAP {
            if self.core.must_end() {
                break;
            }
            let wanted =
                with_udp(
                    self,
                    id,
                    |state| if state.receiving && state.readable { state.socket } else { None },
                );
            let Some(Some(socket)) = wanted else { return };
            let mut buffer = self.core.read_buffer.take();
            buffer.resize(DATAGRAM_SIZE, 0);
            let event = match self.receive_one(id, socket, &mut buffer) {
                Ok(ReceivedDatagram { bytes, from, truncated }) => {
                    UdpEvent::Datagram { data: &buffer[..bytes], from, truncated }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => UdpEvent::Drained,
                Err(error) => UdpEvent::Failed(error),
            };
            // Who failed now may fail for a while; then others get their turn first (libuv).
            let failed = matches!(event, UdpEvent::Failed(_));
            self.call_receiver(id, event);
            self.core.read_buffer.set(buffer);
            if failed {
                break;
            }
        }
        if with_udp(self, id, |state| state.receiving && state.readable) == Some(true) {
            self.keep_ready(id);
        }
    }

    /// The next datagram; `WouldBlock` when none waits.
    fn receive_one(&self, id: HandleId, socket: SocketId, buffer: &mut [u8]) -> io::Result<ReceivedDatagram> {
        loop {
            let result = self.core.driver.borrow_mut().recv_from(socket, buffer);
            match &result {
                Ok(received) => self.core.metrics.count_read(received.bytes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_udp(self, id, |state| state.readable = false);
                }
                _ => {}
            }
            return result;
        }
    }

    fn call_receiver(&self, id: HandleId, event: UdpEvent<'_>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let taken = with_udp(self, id, |state| state.callback.take()).flatten();
        let (Some(location), Some(mut callback)) = (location, taken) else { return };
        self.call(Site::new(Callee::Receive, id.slot, location), || callback(self, event));
        let mut callback = Some(callback);
        with_udp(self, id, |state| {
            if state.callback.is_none() {
                state.callback = callback.take();
            }
        });
        self.dispose(location, callback);
    }

    pub(super) fn udp_poll_recv(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<ReceivedDatagram>> {
        let socket = self.udp_socket(id, false)?;
        let readable = with_udp(self, id, |state| state.readable).ok_or_else(closed)?;
        if readable {
            if self.had_its_turn(id, cx) {
                return Poll::Pending;
            }
            match self.receive_one(id, socket, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
        let waker = cx.waker().clone();
        let old = with_udp(self, id, |state| {
            state.in_a_row = 0;
            state.read_waker.replace(waker)
        });
        drop(old);
        Poll::Pending
    }

    /// Whether the task has moved so many datagrams in a row that others come first (U3); it is woken for the next
    /// pass.
    pub(super) fn had_its_turn(&self, id: HandleId, cx: &mut Context<'_>) -> bool {
        let over = with_udp(self, id, |state| {
            state.in_a_row += 1;
            let over = state.in_a_row > CAP;
            if over {
                state.in_a_row = 0;
            }
            over
        });
        if over == Some(true) {
            cx.waker().wake_by_ref();
        }
        over == Some(true)
    }
}
