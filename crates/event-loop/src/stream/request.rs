//! Requests of a stream: how connect, write and shutdown end, each exactly once and never inside the call.
//!
//! A request keeps the loop alive until its callback has run, whatever the handle's reference says. Its callback
//! comes in the pending phase. A close cancels what is in flight: connect, then writes, then shutdown, each told
//! so in the closing phase, before the close callback. A request made on a closed stream fails the same way as
//! others: later, in the pending phase.

use std::collections::VecDeque;
use std::io;
use std::net::Shutdown;
use std::panic::Location;

use super::CAP;
use super::state::with_stream;
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{Carried, Lent};
use crate::handle::{HandleId, Kind};
use crate::phase::Callee;

pub(crate) type RequestCallback = Box<dyn FnOnce(&LoopHandle, io::Result<()>)>;

/// A write in the queue of its stream.
pub(super) struct Write {
    pub(super) data: Vec<u8>,
    pub(super) written: usize,
    /// They go with the first byte, and are closed then, or when the write fails.
    pub(super) descriptors: Vec<Carried>,
    pub(super) request: Request,
}

/// Whom to tell.
pub(crate) struct Request {
    pub(crate) callback: RequestCallback,
    pub(crate) location: &'static Location<'static>,
}

/// A request that is over and has to be told.
pub(crate) struct Finished {
    pub(crate) callee: Callee,
    pub(crate) request: Request,
    pub(crate) result: io::Result<()>,
}

/// What waits for the pending phase.
pub(crate) enum Deferred {
    /// The stream has finished requests, or a shutdown whose turn may have come.
    Stream(HandleId),
    /// The datagram socket has finished sends.
    Datagrams(HandleId),
    /// A request that found its handle closing or gone; the slot is for the phase trace.
    Orphan { slot: u32, finished: Finished },
}

/// The descriptors of a write, for the driver. It allocates only when there are any.
fn lend(carried: &[Carried]) -> Vec<Lent<'_>> {
    #[cfg(unix)]
    let lent = carried.iter().map(std::os::fd::AsFd::as_fd);
    #[cfg(not(unix))]
    let lent = carried.iter().map(|never| match *never {});
    lent.collect()
}

impl LoopHandle {
    /// Writes that were queued before a connect failed fail too.
    pub(super) fn fail_writes(&self, id: HandleId, kind: io::ErrorKind) {
        let writes = with_stream(self, id, |state| std::mem::take(&mut state.writes)).unwrap_or_default();
        for write in writes {
            self.finish_request(id, Callee::Write, write.request, Err(kind.into()));
        }
    }

    /// Writes as much of the queue as the system takes, at most 32 requests' worth.
    pub(super) fn flush_writes(&self, id: HandleId) {
        for _ in 0..CAP {
            // The data leaves the state for the call, which needs no borrow of the table then.
            let front =
                with_stream(self, id, |state| if state.writable { state.writes.pop_front() } else { None });
            let Some(Some(mut write)) = front else { return };
            let rest = [io::IoSlice::new(&write.data[write.written..])];
            let result = self.write_now(id, &rest, &lend(&write.descriptors));
            match result {
                Ok(bytes) => {
                    write.written += bytes;
                    if bytes > 0 {
                        write.descriptors = Vec::new();
                    }
                    if write.written < write.data.len() {
                        with_stream(self, id, |state| state.writes.push_front(write));
                        continue;
                    }
                    self.finish_request(id, Callee::Write, write.request, Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_stream(self, id, |state| state.writes.push_front(write));
                    return;
                }
                Err(error) => self.finish_request(id, Callee::Write, write.request, Err(error)),
            }
        }
        if with_stream(self, id, |state| state.writable && !state.writes.is_empty()) == Some(true) {
            self.keep_ready(id);
        }
    }

    /// Queues the callback of a request for the pending phase.
    pub(super) fn finish_request(
        &self,
        id: HandleId,
        callee: Callee,
        request: Request,
        result: io::Result<()>,
    ) {
        let mut finished = Some(Finished { callee, request, result });
        with_stream(self, id, |state| state.finished.extend(finished.take()));
        match finished {
            None => self.queue_pending(id),
            Some(finished) => self.finish_orphan(id, finished),
        }
    }

    /// A request on a handle that is closing or gone is told later, as others are; after the loop never.
    pub(crate) fn finish_orphan(&self, id: HandleId, finished: Finished) {
        if self.core.closed.get() {
            self.core.count_request(false);
            self.dispose(finished.request.location, finished.request.callback);
        } else {
            let orphan = Deferred::Orphan { slot: id.slot, finished };
            self.core.pending.borrow_mut().push_back(orphan);
        }
    }

    pub(super) fn queue_pending(&self, id: HandleId) {
        if with_stream(self, id, |state| std::mem::replace(&mut state.pending, true)) == Some(false) {
            self.core.pending.borrow_mut().push_back(Deferred::Stream(id));
        }
    }

    /// One turn of the pending phase.
    pub(crate) fn run_deferred(&self, deferred: Deferred) {
        match deferred {
            Deferred::Stream(id) => self.stream_pending(id),
            Deferred::Datagrams(id) => self.udp_pending(id),
            Deferred::Orphan { slot, finished } => self.tell(slot, finished),
        }
    }

    pub(crate) fn tell(&self, slot: u32, finished: Finished) {
        let Finished { callee, request, result } = finished;
        self.core.count_request(false);
        self.call(Site::new(callee, slot, request.location), || (request.callback)(self, result));
    }

    /// The callbacks of finished requests, then a shutdown that waited for them.
    fn stream_pending(&self, id: HandleId) {
        let round = with_stream(self, id, |state| {
            state.pending = false;
            state.finished.len()
        });
        for _ in 0..round.unwrap_or(0) {
            if self.core.must_end() {
                self.queue_pending(id);
                return;
            }
            let next = with_stream(self, id, |state| state.finished.pop_front()).flatten();
            let Some(finished) = next else { break };
            self.tell(id.slot, finished);
        }
        let ready = with_stream(self, id, |state| {
            let idle = state.writes.is_empty() && state.finished.is_empty() && !state.connecting;
            if idle { state.shutdown.take().map(|request| (request, state.socket)) } else { None }
        });
        if let Some(Some((request, socket))) = ready {
            let result = self.core.driver.borrow_mut().shutdown(socket, Shutdown::Write);
            with_stream(self, id, |state| state.shut = true);
            self.tell(id.slot, Finished { callee: Callee::Shutdown, request, result });
        }
    }

    /// In the closing phase, before the close callback: connect, writes, shutdown hear that it is over. The
    /// answer is `false` when the run must end before all have heard.
    pub(crate) fn stream_cancel_requests(&self, id: HandleId) -> bool {
        self.core.handles.with(id, |handle| {
            if let Kind::Stream(stream) = &mut handle.kind {
                stream.cancel_all();
            }
        });
        loop {
            let next = self.core.handles.with(id, |handle| match &mut handle.kind {
                Kind::Stream(stream) if !stream.finished.is_empty() => {
                    // Looked at first: a request that is taken out is told.
                    if self.core.must_end() { Some(None) } else { Some(stream.finished.pop_front()) }
                }
                _ => None,
            });
            match next.flatten() {
                None => return true,
                Some(None) => return false,
                Some(Some(finished)) => self.tell(id.slot, finished),
            }
        }
    }
}

impl super::StreamState {
    /// Ends all requests in flight as cancelled, in libuv's order.
    fn cancel_all(&mut self) {
        let cancelled = |callee: Callee| {
            let message = "cancelled: the stream was closed";
            move |request| Finished {
                callee,
                request,
                result: Err(io::Error::new(io::ErrorKind::ConnectionAborted, message)),
            }
        };
        let connect = self.connect.take().map(cancelled(Callee::Connect));
        let finished = std::mem::take(&mut self.finished);
        let writes = std::mem::take(&mut self.writes);
        let writes = writes.into_iter().map(|write| write.request).map(cancelled(Callee::Write));
        let shutdown = self.shutdown.take().map(cancelled(Callee::Shutdown));
        self.finished =
            connect.into_iter().chain(finished).chain(writes).chain(shutdown).collect::<VecDeque<_>>();
    }
}
