//! What a stream does when its socket is ready: finish connecting, wake tasks, write, read.
//!
//! `WouldBlock` and exhausted moves clear the readiness bits here and nowhere else (I1).

use std::io;

use super::CAP;
use super::state::{ReadEvent, with_stream};
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{Carried, Lent, Moved};
use crate::handle::HandleId;
use crate::phase::Callee;

/// How large one read may be; libuv suggests the same.
const READ_SIZE: usize = 64 * 1024;

impl LoopHandle {
    pub(super) fn read_now(
        &self,
        id: HandleId,
        buffer: &mut [u8],
        mut carried: Option<&mut Vec<Carried>>,
    ) -> io::Result<usize> {
        let socket = with_stream(self, id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            let result = self.core.driver.borrow_mut().read_with(socket, buffer, carried.as_deref_mut());
            match result {
                Ok(Moved { bytes, exhausted }) => {
                    self.core.metrics.count_read(bytes);
                    if exhausted {
                        with_stream(self, id, |state| state.readable = state.read_closed || state.urgent);
                    }
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock {
                        with_stream(self, id, |state| state.readable = false);
                    }
                    return Err(error);
                }
            }
        }
    }

    pub(super) fn write_now(
        &self,
        id: HandleId,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> io::Result<usize> {
        let socket = with_stream(self, id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            let result = self.core.driver.borrow_mut().write(socket, buffers, lent);
            match result {
                Ok(Moved { bytes, exhausted }) => {
                    self.core.metrics.count_written(bytes);
                    if exhausted {
                        with_stream(self, id, |state| state.writable = false);
                    }
                    return Ok(bytes);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if error.kind() == io::ErrorKind::WouldBlock {
                        with_stream(self, id, |state| state.writable = false);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// An edge, or a turn on the queue.
    pub(crate) fn stream_ready(&self, id: HandleId) {
        if with_stream(self, id, |state| state.connecting && state.writable) == Some(true) {
            self.finish_connect(id);
        }
        let wakers = with_stream(self, id, |state| {
            let read = if state.readable { state.read_waker.take() } else { None };
            let write = if state.writable { state.write_waker.take() } else { None };
            (read, write)
        });
        if let Some((read, write)) = wakers {
            let location = self.core.handles.with(id, |handle| handle.location);
            for waker in read.into_iter().chain(write) {
                self.wake(location.unwrap_or_else(std::panic::Location::caller), waker);
            }
        }
        // Reading comes first, as in libuv: the system tells of a reset once, and a reader that found only an end behind it
        // would take what it has for the whole.
        self.read_for_callback(id);
        if with_stream(self, id, |state| state.writable && !state.writes.is_empty()) == Some(true) {
            self.flush_writes(id);
        }
    }

    fn finish_connect(&self, id: HandleId) {
        let Some(socket) = with_stream(self, id, |state| state.socket) else { return };
        let result = self.core.driver.borrow_mut().finish_connect(socket);
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            with_stream(self, id, |state| state.writable = false);
            return;
        }
        let failure = result.as_ref().err().map(io::Error::kind);
        let request = with_stream(self, id, |state| {
            state.connecting = false;
            state.open = failure.is_none();
            state.connect.take()
        });
        if let Some(kind) = failure {
            self.fail_writes(id, kind);
        }
        if let Some(Some(request)) = request {
            self.core.count_request(false);
            let site = Site::new(Callee::Connect, id.slot, request.location);
            self.call(site, || (request.callback)(self, result));
        }
        let shutdown_waits =
            with_stream(self, id, |state| state.shutdown.is_some() && state.writes.is_empty());
        if shutdown_waits == Some(true) {
            self.queue_pending(id);
        }
    }

    /// Reads for the callback until nothing is left, reading was stopped, or the cap is hit.
    fn read_for_callback(&self, id: HandleId) {
        for _ in 0..CAP {
            let wanted = with_stream(self, id, |state| {
                let wanted = state.open && state.reading && state.readable && state.read_callback.is_some();
                wanted.then_some(state.takes_descriptors)
            });
            // What an ended run leaves keeps its turn: its edge does not come again.
            let Some(Some(takes_descriptors)) = wanted else { break };
            if self.core.must_end() {
                break;
            }
            let mut buffer = self.core.read_buffer.take();
            buffer.resize(READ_SIZE, 0);
            let mut carried = Vec::new();
            match self.read_now(id, &mut buffer, takes_descriptors.then_some(&mut carried)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => self.end_reading(id, ReadEvent::End),
                Ok(bytes) => self.call_reader(id, ReadEvent::Data(&buffer[..bytes]), carried),
                Err(error) => self.end_reading(id, ReadEvent::Failed(error)),
            }
            self.core.read_buffer.set(buffer);
        }
        let left = with_stream(self, id, |state| state.open && state.reading && state.readable);
        if left == Some(true) {
            self.keep_ready(id);
        }
    }

    fn end_reading(&self, id: HandleId, event: ReadEvent<'_>) {
        with_stream(self, id, |state| state.reading = false);
        self.set_active(id, false);
        self.call_reader(id, event, Vec::new());
    }

    fn call_reader(&self, id: HandleId, event: ReadEvent<'_>, carried: Vec<Carried>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let taken = with_stream(self, id, |state| state.read_callback.take()).flatten();
        let (Some(location), Some(mut callback)) = (location, taken) else { return };
        self.call(Site::new(Callee::Read, id.slot, location), || callback(self, event, carried));
        let mut callback = Some(callback);
        with_stream(self, id, |state| {
            if state.read_callback.is_none() {
                state.read_callback = callback.take();
            }
        });
        self.dispose(location, callback);
    }
}
