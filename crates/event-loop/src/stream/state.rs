//! A stream: reading by callback or future, a write queue, connect, shutdown, close, whatever it is made of.
//!
//! This file is what the user's calls do, which `methods` gives to each type of stream; `polled` is what futures call,
//! `serve` what happens when the socket is ready, `request` how connect, write and shutdown end.

use std::collections::VecDeque;
use std::io;
use std::panic::Location;
use std::task::Waker;

use socket2::Socket;

use super::request::{Finished, Request, RequestCallback, Write};
use crate::core::LoopHandle;
use crate::driver::{Carried, Driver, Lent, SocketId, SocketKind};
use crate::handle::{HandleId, Kind};
use crate::phase::Callee;

/// What reading found.
#[derive(Debug)]
pub enum ReadEvent<'a> {
    /// Bytes, valid during the callback.
    Data(&'a [u8]),
    /// The peer has ended its direction; reading has stopped, the stream stays open.
    End,
    /// The connection broke; reading has stopped, the stream stays open until it is closed.
    Failed(io::Error),
}

/// Called with the descriptors that came with the bytes; there are none unless they were asked for.
pub(super) type ReadCallback = Box<dyn FnMut(&LoopHandle, ReadEvent<'_>, Vec<Carried>)>;

/// The part of a handle that only streams have.
pub(crate) struct StreamState {
    /// What it is, in words.
    pub(crate) name: &'static str,
    pub(crate) socket: SocketId,
    pub(super) open: bool,
    /// Not a writing end of a pipe.
    pub(super) can_read: bool,
    pub(super) connecting: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
    /// Urgent data has come. A read stops where it stood, so a short one does not say that nothing is behind it.
    pub(crate) urgent: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    pub(super) reading: bool,
    /// The read callback wants the descriptors that come with the bytes.
    pub(super) takes_descriptors: bool,
    pub(super) read_callback: Option<ReadCallback>,
    pub(super) read_waker: Option<Waker>,
    pub(super) write_waker: Option<Waker>,
    /// How often tasks have read and written since they last waited (I2).
    pub(super) reads_in_a_row: u8,
    pub(super) writes_in_a_row: u8,
    pub(super) connect: Option<Request>,
    pub(super) writes: VecDeque<Write>,
    pub(super) shutdown: Option<Request>,
    pub(super) shut: bool,
    /// Requests whose callback is due in the pending phase.
    pub(super) finished: VecDeque<Finished>,
    /// On the loop's pending queue.
    pub(super) pending: bool,
}

/// What a stream leaves behind when it begins to close.
pub(crate) struct StreamRemains {
    socket: SocketId,
    read_callback: Option<ReadCallback>,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
}

impl StreamState {
    /// Connected, and nothing is queued: who writes now comes next.
    pub(super) fn is_free(&self) -> bool {
        !self.connecting && self.writes.is_empty()
    }

    /// The first step of closing; requests in flight are cancelled in the second.
    pub(crate) fn stop_for_good(&mut self) -> StreamRemains {
        self.reading = false;
        self.open = false;
        StreamRemains {
            socket: self.socket,
            read_callback: self.read_callback.take(),
            read_waker: self.read_waker.take(),
            write_waker: self.write_waker.take(),
        }
    }
}

impl LoopHandle {
    pub(crate) fn stream_closed(&self, location: &'static Location<'static>, remains: StreamRemains) {
        let StreamRemains { socket, read_callback, read_waker, write_waker } = remains;
        self.core.driver.borrow_mut().close(socket);
        for waker in read_waker.into_iter().chain(write_waker) {
            self.wake(location, waker);
        }
        self.dispose(location, read_callback);
    }
}

/// What opens the socket of a stream that connects.
type Opener<'a> = &'a mut dyn FnMut(&mut Driver, u64) -> io::Result<SocketId>;

impl LoopHandle {
    /// The handle of a stream whose socket the driver has accepted; it is registered here.
    pub(crate) fn stream_accepted(&self, name: &'static str, socket: SocketId) -> io::Result<HandleId> {
        let id = self.stream_insert(name, socket, false, Location::caller());
        let registered = self.core.driver.borrow_mut().register(socket, id.token());
        if let Err(error) = registered {
            self.core.driver.borrow_mut().close(socket);
            drop(self.core.handles.remove(id));
            return Err(error);
        }
        Ok(id)
    }

    /// The handle of a stream whose socket `open` makes and registers.
    pub(crate) fn stream_opened(
        &self,
        name: &'static str,
        location: &'static Location<'static>,
        open: Opener<'_>,
    ) -> io::Result<HandleId> {
        self.refuse_if_closed()?;
        let id = self.stream_insert(name, SocketId(usize::MAX), false, location);
        let opened = open(&mut self.core.driver.borrow_mut(), id.token());
        match opened {
            Ok(socket) => {
                with_stream(self, id, |state| state.socket = socket);
                Ok(id)
            }
            Err(error) => {
                drop(self.core.handles.remove(id));
                Err(error)
            }
        }
    }

    /// The handle of a stream whose socket somebody else has opened.
    pub(crate) fn stream_adopt(
        &self,
        name: &'static str,
        kind: SocketKind,
        socket: Socket,
        location: &'static Location<'static>,
    ) -> io::Result<HandleId> {
        let mut socket = Some(socket);
        self.stream_opened(name, location, &mut |driver, token| {
            let socket = socket.take().ok_or(io::ErrorKind::InvalidInput)?;
            driver.adopt_socket(socket, kind, token)
        })
    }

    /// Asks the driver something about the socket of a stream.
    pub(crate) fn stream_ask<T>(
        &self,
        id: HandleId,
        ask: impl FnOnce(&mut Driver, SocketId) -> io::Result<T>,
    ) -> io::Result<T> {
        let socket = with_stream(self, id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        ask(&mut self.core.driver.borrow_mut(), socket)
    }

    /// The handle of a stream that `open` begins to connect; `callback` learns of success or failure later, in any case.
    pub(crate) fn stream_connect(
        &self,
        name: &'static str,
        location: &'static Location<'static>,
        open: Opener<'_>,
        callback: RequestCallback,
    ) -> io::Result<HandleId> {
        self.refuse_if_closed()?;
        let id = self.stream_insert(name, SocketId(usize::MAX), true, location);
        let opened = open(&mut self.core.driver.borrow_mut(), id.token());
        let request = Request { callback, location };
        match opened {
            Ok(socket) => {
                with_stream(self, id, |state| {
                    state.socket = socket;
                    state.connect = Some(request);
                });
                self.core.count_request(true);
            }
            Err(error) if is_delayed(&error) => {
                with_stream(self, id, |state| state.open = false);
                self.core.count_request(true);
                self.finish_request(id, Callee::Connect, request, Err(error));
            }
            Err(error) => {
                drop(self.core.handles.remove(id));
                return Err(error);
            }
        }
        Ok(id)
    }

    fn refuse_if_closed(&self) -> io::Result<()> {
        match self.core.closed.get() {
            true => Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed")),
            false => Ok(()),
        }
    }

    fn stream_insert(
        &self,
        name: &'static str,
        socket: SocketId,
        connecting: bool,
        location: &'static Location<'static>,
    ) -> HandleId {
        let state = StreamState {
            name,
            socket,
            open: true,
            can_read: true,
            connecting,
            readable: false,
            // A fresh connection has room; a wrong guess costs one write that says WouldBlock.
            writable: !connecting,
            read_closed: false,
            urgent: false,
            queued: false,
            reading: false,
            takes_descriptors: false,
            read_callback: None,
            read_waker: None,
            write_waker: None,
            reads_in_a_row: 0,
            writes_in_a_row: 0,
            connect: None,
            writes: VecDeque::new(),
            shutdown: None,
            shut: false,
            finished: VecDeque::new(),
            pending: false,
        };
        self.core.handles.insert(Kind::Stream(Box::new(state)), location)
    }

    pub(crate) fn stream_read_start(
        &self,
        id: HandleId,
        callback: ReadCallback,
        takes_descriptors: bool,
        location: &'static Location<'static>,
    ) -> io::Result<()> {
        let mut callback = Some(callback);
        let started = with_stream(self, id, |state| {
            match (state.connecting || !state.open || !state.can_read, state.reading) {
                (true, _) => Err(io::ErrorKind::NotConnected),
                (_, true) => Err(io::ErrorKind::AlreadyExists),
                (false, false) => {
                    state.reading = true;
                    state.takes_descriptors = takes_descriptors;
                    let old = std::mem::replace(&mut state.read_callback, callback.take());
                    Ok((state.readable, old))
                }
            }
        });
        let (readable, old) = started.unwrap_or(Err(io::ErrorKind::NotConnected))?;
        self.core.handles.with(id, |handle| handle.location = location);
        self.set_active(id, true);
        if readable {
            self.keep_ready(id);
        }
        self.dispose(location, old);
        Ok(())
    }

    pub(crate) fn stream_read_stop(&self, id: HandleId) {
        with_stream(self, id, |state| state.reading = false);
        self.set_active(id, false);
    }

    pub(crate) fn stream_write(
        &self,
        id: HandleId,
        data: Vec<u8>,
        descriptors: Vec<Carried>,
        callback: RequestCallback,
        location: &'static Location<'static>,
    ) {
        self.core.count_request(true);
        let request = Request { callback, location };
        let write = Write { data, written: 0, descriptors, request };
        let mut write = Some(write);
        let accepted = with_stream(self, id, |state| {
            if state.open && !state.shut && state.shutdown.is_none() {
                state.writes.extend(write.take());
                return !state.connecting && state.writable && state.writes.len() == 1;
            }
            false
        });
        match write {
            // Nothing of the user's runs inside this call; what the system takes now is told later.
            None if accepted == Some(true) => self.flush_writes(id),
            None => {}
            Some(Write { request, .. }) => {
                let error = Err(io::ErrorKind::BrokenPipe.into());
                self.finish_request(id, Callee::Write, request, error);
            }
        }
    }

    pub(crate) fn stream_try_write(&self, id: HandleId, data: &[u8], lent: &[Lent<'_>]) -> io::Result<usize> {
        let free = with_stream(self, id, |state| {
            let ended = state.shut || state.shutdown.is_some();
            (state.open, ended, state.is_free())
        });
        match free {
            Some((true, true, _)) => Err(io::ErrorKind::BrokenPipe.into()),
            Some((true, false, true)) => self.write_now(id, &[io::IoSlice::new(data)], lent),
            Some((true, false, false)) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(crate) fn stream_write_queue_size(&self, id: HandleId) -> usize {
        let size = with_stream(self, id, |state| {
            state.writes.iter().map(|write| write.data.len() - write.written).sum()
        });
        size.unwrap_or(0)
    }

    pub(crate) fn stream_shutdown(
        &self,
        id: HandleId,
        callback: RequestCallback,
        location: &'static Location<'static>,
    ) {
        self.core.count_request(true);
        let mut request = Some(Request { callback, location });
        let queue = with_stream(self, id, |state| {
            let possible = state.open && !state.shut && state.shutdown.is_none();
            if possible {
                state.shutdown = request.take();
            }
            possible && !state.connecting && state.writes.is_empty()
        });
        match request {
            None if queue == Some(true) => self.queue_pending(id),
            None => {}
            Some(request) => {
                let error = Err(io::ErrorKind::NotConnected.into());
                self.finish_request(id, Callee::Shutdown, request, error);
            }
        }
    }
}

/// Runs `access` on the stream unless it is closing or gone; then what it owns is dropped without a borrow.
pub(super) fn with_stream<R>(
    lp: &LoopHandle,
    id: HandleId,
    access: impl FnOnce(&mut StreamState) -> R,
) -> Option<R> {
    let mut access = Some(access);
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Stream(stream) if !handle.closing => access.take().map(|access| access(stream)),
        _ => None,
    });
    found.flatten()
}

/// Errors of connect that belong to the callback, not to the call (libuv delays ECONNREFUSED alike).
fn is_delayed(error: &io::Error) -> bool {
    !is_out_of_resources(error)
}

fn is_out_of_resources(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(12 | 23 | 24 | 105)) || error.kind() == io::ErrorKind::OutOfMemory
}
