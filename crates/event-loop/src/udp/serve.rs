//! What a datagram socket does when it is ready, and how sends end.
//!
//! `WouldBlock` clears the readiness bits, here and nowhere else (U1): what is left in a socket's queue cannot be
//! told from the length of a datagram. An error keeps the bit too: while it lasts, each pass tells the callback once
//! and polls without sleeping, until the callback stops receiving or closes (libuv, level-triggered, does alike).

use std::io;
use std::net::SocketAddr;

use super::CAP;
use super::socket::{Received, Send, with_udp};
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind};
use crate::phase::Callee;
use crate::stream::{Deferred, Finished, Request};

/// Room for the largest datagram, so none is cut off; libuv's number.
const DATAGRAM_SIZE: usize = 64 * 1024;

impl LoopHandle {
    /// An edge, or a turn on the queue.
    pub(crate) fn udp_ready(&self, id: HandleId) {
        self.flush_sends(id);
        self.receive(id);
    }

    /// Receives for the callback until nothing is left, it was stopped, an error came, or the cap is hit (U1).
    fn receive(&self, id: HandleId) {
        for _ in 0..CAP {
            if self.core.must_end() {
                break;
            }
            let wanted =
                with_udp(self, id, |state| (state.receiving && state.readable).then_some(state.socket));
            let Some(Some(socket)) = wanted else { return };
            let mut buffer = self.core.read_buffer.take();
            buffer.resize(DATAGRAM_SIZE, 0);
            let received = self.receive_one(id, socket, &mut buffer);
            // Who failed now may fail for a while; then others get their turn first (libuv).
            let failed = matches!(&received, Some(Err(_)));
            if let Some(received) = received {
                self.call_receiver(id, received.map(|(bytes, from)| (&buffer[..bytes], from)));
            }
            self.core.read_buffer.set(buffer);
            if failed {
                break;
            }
        }
        if with_udp(self, id, |state| state.receiving && state.readable) == Some(true) {
            self.keep_ready(id);
        }
    }

    /// The next datagram; `None` when none waits.
    fn receive_one(
        &self,
        id: HandleId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> Option<io::Result<(usize, SocketAddr)>> {
        loop {
            let result = self.core.driver.borrow_mut().recv_from(socket, buffer);
            match result {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_udp(self, id, |state| state.readable = false);
                    return None;
                }
                result => return Some(result),
            }
        }
    }

    fn call_receiver(&self, id: HandleId, received: Received<'_>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let taken = with_udp(self, id, |state| state.callback.take()).flatten();
        let (Some(location), Some(mut callback)) = (location, taken) else { return };
        self.call(Site::new(Callee::Receive, id.slot, location), || callback(self, received));
        let mut callback = Some(callback);
        with_udp(self, id, |state| {
            if state.callback.is_none() {
                state.callback = callback.take();
            }
        });
        self.dispose(location, callback);
    }

    /// Sends what is queued as far as the system takes it, at most 32 datagrams.
    pub(super) fn flush_sends(&self, id: HandleId) {
        for _ in 0..CAP {
            let front = with_udp(self, id, |state| {
                let send = if state.writable { state.sends.pop_front() } else { None };
                send.map(|send| (state.socket, send))
            });
            let Some(Some((socket, send))) = front else { return };
            match self.send_now(socket, &send) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_udp(self, id, |state| {
                        state.writable = false;
                        state.sends.push_front(send);
                    });
                    return;
                }
                result => self.finish_send(id, send.request, result),
            }
        }
        if with_udp(self, id, |state| state.writable && !state.sends.is_empty()) == Some(true) {
            self.keep_ready(id);
        }
    }

    fn send_now(&self, socket: SocketId, send: &Send) -> io::Result<()> {
        loop {
            let result = self.core.driver.borrow_mut().send_to(socket, &send.data, send.addr);
            if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::Interrupted) {
                return result;
            }
        }
    }

    /// Queues the callback of a send for the pending phase (U2).
    pub(super) fn finish_send(&self, id: HandleId, request: Request, result: io::Result<()>) {
        let mut finished = Some(Finished { callee: Callee::Send, request, result });
        let queued = with_udp(self, id, |state| {
            state.finished.extend(finished.take());
            std::mem::replace(&mut state.pending, true)
        });
        if let Some(finished) = finished {
            self.finish_orphan(id, finished);
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
            let next = with_udp(self, id, |state| state.finished.pop_front()).flatten();
            let Some(finished) = next else { return };
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
                let cancelled = state.sends.drain(..).map(|send| Finished {
                    callee: Callee::Send,
                    request: send.request,
                    result: Err(cancelled()),
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
                Some(Some(finished)) => self.tell(id.slot, finished),
            }
        }
    }
}

fn cancelled() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, "cancelled: the socket was closed")
}
