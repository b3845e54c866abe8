//! Sending: requests that wait in line and call back, and sends that happen at once or not at all.
//!
//! `WouldBlock` clears the writable bit, here and nowhere else. When the system is out of buffers (ENOBUFS) it
//! makes no edge afterwards: the bit stays, and the next pass tries again without sleeping, as libuv's does.

use std::io;
use std::net::SocketAddr;
use std::panic::Location;
use std::task::{Context, Poll};

use super::CAP;
use super::state::{closed, with_udp};
use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind};
use crate::phase::Callee;
use crate::stream::{Deferred, Finished, Request, RequestCallback};

/// A datagram in the queue of its socket.
pub(super) struct Send {
    data: Vec<u8>,
    /// `None` is the peer.
    to: Option<SocketAddr>,
    /// Why it cannot be sent; told in its turn.
    refused: Option<io::Error>,
    request: Request,
}

/// A send that is over and has to be told.
pub(super) struct Sent {
    bytes: usize,
    finished: Finished,
}

impl LoopHandle {
    pub(super) fn udp_send(
        &self,
        id: HandleId,
        data: Vec<u8>,
        to: Option<SocketAddr>,
        callback: RequestCallback,
        location: &'static Location<'static>,
    ) {
        self.core.count_request(true);
        let request = Request { callback, location };
        let refused = self.destined(id, to).err();
        let mut send = Some(Send { data, to, refused, request });
        let first = with_udp(self, id, |state| {
            state.queued_bytes += send.as_ref().map_or(0, |send| send.data.len());
            state.sends.extend(send.take());
            state.sends.len() == 1
        });
        match send {
            // Nothing of the user's runs inside this call; what the system takes now is told later.
            None if first == Some(true) => self.flush_sends(id),
            None => {}
            Some(send) => self.finish_send(id, send, Err(closed())),
        }
    }

    pub(super) fn udp_try_send(&self, id: HandleId, data: &[u8], to: Option<SocketAddr>) -> io::Result<()> {
        let socket = self.destined(id, to)?;
        let waits = with_udp(self, id, |state| !state.sends.is_empty() || !state.finished.is_empty());
        match waits {
            Some(true) => Err(io::ErrorKind::WouldBlock.into()),
            _ => self.send_now(id, socket, data, to),
        }
    }

    pub(super) fn udp_poll_send(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> Poll<io::Result<()>> {
        let socket = self.destined(id, to)?;
        let free = with_udp(self, id, |state| state.writable && state.sends.is_empty());
        if free.ok_or_else(closed)? {
            if self.had_its_turn(id, cx) {
                return Poll::Pending;
            }
            match self.send_now(id, socket, data, to) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
        let waker = cx.waker().clone();
        let waiting = with_udp(self, id, |state| {
            state.in_a_row = 0;
            (state.write_waker.replace(waker), state.writable)
        });
        if waiting.is_some_and(|(_, writable)| writable) {
            self.keep_ready(id);
        }
        Poll::Pending
    }

    /// Whether a datagram may go `to` there, and the descriptor to send it with. The system is not asked: some let a
    /// connected socket send elsewhere.
    fn destined(&self, id: HandleId, to: Option<SocketAddr>) -> io::Result<SocketId> {
        match (with_udp(self, id, |state| state.peer).ok_or_else(closed)?, to) {
            (Some(_), Some(_)) => Err(is_connected()),
            (None, None) => Err(no_destination()),
            (peer, to) => self.udp_socket(id, to.or(peer).is_some_and(|addr| addr.is_ipv6())),
        }
    }

    /// Sends what is queued as far as the system takes it, at most 32 datagrams.
    pub(super) fn flush_sends(&self, id: HandleId) {
        for _ in 0..CAP {
            let front = with_udp(self, id, |state| {
                let may_go = state.writable || state.sends.front().is_some_and(|send| send.refused.is_some());
                let send = if may_go { state.sends.pop_front() } else { None };
                send.map(|send| (state.socket, send))
            });
            let Some(Some((socket, mut send))) = front else { return };
            let result = match (send.refused.take(), socket) {
                (Some(error), _) => Err(error),
                (None, None) => Err(closed()),
                (None, Some(socket)) => self.send_now(id, socket, &send.data, send.to),
            };
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_udp(self, id, |state| state.sends.push_front(send));
                    break;
                }
                result => self.finish_send(id, send, result),
            }
        }
        if with_udp(self, id, |state| state.writable && !state.sends.is_empty()) == Some(true) {
            self.keep_ready(id);
        }
    }

    fn send_now(
        &self,
        id: HandleId,
        socket: SocketId,
        data: &[u8],
        to: Option<SocketAddr>,
    ) -> io::Result<()> {
        loop {
            let result = self.core.driver.borrow_mut().send_to(socket, data, to);
            match &result {
                Ok(()) => self.core.metrics.count_written(data.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_udp(self, id, |state| state.writable = false);
                }
                Err(error) if is_out_of_buffers(error) => return Err(io::ErrorKind::WouldBlock.into()),
                _ => {}
            }
            return result;
        }
    }

    /// Queues the callback of a send for the pending phase (U2).
    fn finish_send(&self, id: HandleId, send: Send, result: io::Result<()>) {
        let Send { data, request, .. } = send;
        let finished = Finished { callee: Callee::Send, request, result };
        let mut sent = Some(Sent { bytes: data.len(), finished });
        let queued = with_udp(self, id, |state| {
            state.finished.extend(sent.take());
            std::mem::replace(&mut state.pending, true)
        });
        if let Some(sent) = sent {
            self.finish_orphan(id, sent.finished);
        } else if queued == Some(false) {
            self.core.pending.borrow_mut().push_back(Deferred::Datagrams(id));
        }
    }

    /// One turn of the pending phase: the sends that were over when it began.
    pub(crate) fn udp_pending(&self, id: HandleId) {
        let round = with_udp(self, id, |state| {
            state.pending = false;
            state.finished.len()
        });
        for _ in 0..round.unwrap_or(0) {
            if self.core.must_end() {
                break;
            }
            let next = with_udp(self, id, |state| {
                let sent = state.finished.pop_front()?;
                state.queued_bytes -= sent.bytes;
                Some(sent.finished)
            });
            let Some(Some(finished)) = next else { return };
            self.tell(id.slot, finished);
        }
        // What a callback has sent is queued by itself; what an ended run left behind is not.
        let left = with_udp(self, id, |state| {
            !state.finished.is_empty() && !std::mem::replace(&mut state.pending, true)
        });
        if left == Some(true) {
            self.core.pending.borrow_mut().push_back(Deferred::Datagrams(id));
        }
    }

    /// In the closing phase, before the close callback: sends hear how they ended, queued ones that they are
    /// cancelled. The answer is `false` when the run must end before all have heard.
    pub(crate) fn udp_cancel_sends(&self, id: HandleId) -> bool {
        loop {
            let next = self.core.handles.with(id, |handle| {
                let Kind::Udp(state) = &mut handle.kind else { return None };
                let cancelled = state.sends.drain(..).map(|send| Sent {
                    bytes: send.data.len(),
                    finished: Finished {
                        callee: Callee::Send,
                        request: send.request,
                        result: Err(send.refused.unwrap_or_else(cancelled)),
                    },
                });
                state.finished.extend(cancelled);
                if state.finished.is_empty() {
                    return None;
                }
                // Looked at first: a send that is taken out is told.
                Some(if self.core.must_end() { None } else { state.finished.pop_front() })
            });
            match next.flatten() {
                None => return true,
                Some(None) => return false,
                Some(Some(sent)) => self.tell(id.slot, sent.finished),
            }
        }
    }
}

fn cancelled() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cancelled: the socket was closed")
}

/// An address was given to a socket that has a peer, or it is to have a second one.
#[cfg(unix)]
pub(super) fn is_connected() -> io::Error {
    rustix::io::Errno::ISCONN.into()
}

#[cfg(not(unix))]
pub(super) fn is_connected() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the socket is connected")
}

#[cfg(unix)]
fn no_destination() -> io::Error {
    rustix::io::Errno::DESTADDRREQ.into()
}

#[cfg(not(unix))]
fn no_destination() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "the socket is not connected: an address is needed")
}

#[cfg(unix)]
fn is_out_of_buffers(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error())
}

#[cfg(not(unix))]
fn is_out_of_buffers(_error: &io::Error) -> bool {
    false
}
