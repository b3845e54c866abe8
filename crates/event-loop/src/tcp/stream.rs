//! A connection: reading by callback or future, a write queue, connect, shutdown, close.
//!
//! This file is what the user calls; `serve` is what happens when the socket is ready, `request` how connect,
//! write and shutdown end.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::task::{Context, Poll, Waker};

use super::request::{Finished, Request, Write};
use crate::core::LoopHandle;
use crate::driver::SocketId;
use crate::handle::{HandleId, Kind, handle_methods};
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

pub(super) type ReadCallback = Box<dyn FnMut(&LoopHandle, ReadEvent<'_>)>;

/// The part of a handle that only streams have.
pub(crate) struct StreamState {
    pub(super) socket: SocketId,
    pub(super) open: bool,
    pub(super) connecting: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    pub(super) reading: bool,
    pub(super) read_callback: Option<ReadCallback>,
    pub(super) read_waker: Option<Waker>,
    pub(super) write_waker: Option<Waker>,
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

/// A TCP stream. Dropping the value does not close it: `close` does. For futures see
/// [`crate::OwnedTcpStream`], which closes when dropped.
#[derive(Clone)]
pub struct TcpStream {
    pub(super) lp: LoopHandle,
    pub(super) id: HandleId,
}

impl TcpStream {
    /// Takes over a socket that the driver has accepted or connects.
    pub(crate) fn adopt(lp: &LoopHandle, socket: SocketId, connected: bool) -> io::Result<TcpStream> {
        let stream = TcpStream::make(lp, socket, !connected, Location::caller());
        let registered = lp.core.driver.borrow_mut().register(socket, stream.id.token());
        if let Err(error) = registered {
            lp.core.driver.borrow_mut().close(socket);
            drop(lp.core.handles.remove(stream.id));
            return Err(error);
        }
        Ok(stream)
    }

    fn make(
        lp: &LoopHandle,
        socket: SocketId,
        connecting: bool,
        location: &'static Location<'static>,
    ) -> TcpStream {
        let state = StreamState {
            socket,
            open: true,
            connecting,
            readable: false,
            // A fresh connection has room; a wrong guess costs one write that says WouldBlock.
            writable: !connecting,
            read_closed: false,
            queued: false,
            reading: false,
            read_callback: None,
            read_waker: None,
            write_waker: None,
            connect: None,
            writes: VecDeque::new(),
            shutdown: None,
            shut: false,
            finished: VecDeque::new(),
            pending: false,
        };
        let id = lp.core.handles.insert(Kind::Stream(Box::new(state)), location);
        TcpStream { lp: lp.clone(), id }
    }

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
        if lp.core.closed.get() {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the loop is closed"));
        }
        let location = Location::caller();
        let stream = TcpStream::make(lp, SocketId(usize::MAX), true, location);
        let opened = lp.core.driver.borrow_mut().connect(addr, stream.id.token());
        let request = Request { callback: Box::new(callback), location };
        match opened {
            Ok(socket) => {
                with_stream(lp, stream.id, |state| {
                    state.socket = socket;
                    state.connect = Some(request);
                });
                lp.core.count_request(true);
            }
            Err(error) if is_delayed(&error) => {
                with_stream(lp, stream.id, |state| state.open = false);
                lp.core.count_request(true);
                lp.finish_request(stream.id, Callee::Connect, request, Err(error));
            }
            Err(error) => {
                drop(lp.core.handles.remove(stream.id));
                return Err(error);
            }
        }
        Ok(stream)
    }

    /// Reads and calls back with what comes, from the next pass on. Active from now until the end, an error,
    /// [`TcpStream::read_stop`] or close.
    ///
    /// # Errors
    /// `NotConnected` when the stream is closing or not connected yet, `AlreadyExists` when it reads already.
    #[track_caller]
    pub fn read_start(&self, callback: impl FnMut(&LoopHandle, ReadEvent<'_>) + 'static) -> io::Result<()> {
        let location = Location::caller();
        let mut callback: Option<ReadCallback> = Some(Box::new(callback));
        let started =
            with_stream(&self.lp, self.id, |state| match (state.connecting || !state.open, state.reading) {
                (true, _) => Err(io::ErrorKind::NotConnected),
                (_, true) => Err(io::ErrorKind::AlreadyExists),
                (false, false) => {
                    state.reading = true;
                    let old = std::mem::replace(&mut state.read_callback, callback.take());
                    Ok((state.readable, old))
                }
            });
        let (readable, old) = started.unwrap_or(Err(io::ErrorKind::NotConnected))?;
        self.lp.core.handles.with(self.id, |handle| handle.location = location);
        self.lp.set_active(self.id, true);
        if readable {
            self.lp.keep_ready(self.id);
        }
        self.lp.dispose(location, old);
        Ok(())
    }

    /// Stops reading; what arrives waits until reading starts again.
    pub fn read_stop(&self) {
        with_stream(&self.lp, self.id, |state| state.reading = false);
        self.lp.set_active(self.id, false);
    }

    /// Queues `data` behind earlier writes; `callback` comes later, when all of it is with the system.
    #[track_caller]
    pub fn write(&self, data: Vec<u8>, callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static) {
        let location = Location::caller();
        self.lp.core.count_request(true);
        let request = Request { callback: Box::new(callback), location };
        let write = Write { data, written: 0, request };
        let mut write = Some(write);
        let accepted = with_stream(&self.lp, self.id, |state| {
            if state.open && !state.shut && state.shutdown.is_none() {
                state.writes.extend(write.take());
                return !state.connecting && state.writable && state.writes.len() == 1;
            }
            false
        });
        match write {
            // Nothing of the user's runs inside this call; what the system takes now is told later.
            None if accepted == Some(true) => self.lp.flush_writes(self.id),
            None => {}
            Some(Write { request, .. }) => {
                let error = Err(io::ErrorKind::BrokenPipe.into());
                self.lp.finish_request(self.id, Callee::Write, request, error);
            }
        }
    }

    /// Writes what the system takes at once, without queueing.
    ///
    /// # Errors
    /// `WouldBlock` when connecting or when writes are queued; `BrokenPipe` after [`TcpStream::shutdown`];
    /// `NotConnected` when closed.
    pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
        let free = with_stream(&self.lp, self.id, |state| {
            let ended = state.shut || state.shutdown.is_some();
            (state.open, ended, !state.connecting && state.writes.is_empty())
        });
        match free {
            Some((true, true, _)) => Err(io::ErrorKind::BrokenPipe.into()),
            Some((true, false, true)) => self.lp.write_now(self.id, &[io::IoSlice::new(data)]),
            Some((true, false, false)) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Bytes that wait in the write queue.
    pub fn write_queue_size(&self) -> usize {
        let size = with_stream(&self.lp, self.id, |state| {
            state.writes.iter().map(|write| write.data.len() - write.written).sum()
        });
        size.unwrap_or(0)
    }

    /// Ends our direction after the queued writes; `callback` comes later. A second one fails.
    #[track_caller]
    pub fn shutdown(&self, callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static) {
        let location = Location::caller();
        self.lp.core.count_request(true);
        let mut request = Some(Request { callback: Box::new(callback), location });
        let queue = with_stream(&self.lp, self.id, |state| {
            let possible = state.open && !state.shut && state.shutdown.is_none();
            if possible {
                state.shutdown = request.take();
            }
            possible && !state.connecting && state.writes.is_empty()
        });
        match request {
            None if queue == Some(true) => self.lp.queue_pending(self.id),
            None => {}
            Some(request) => {
                let error = Err(io::ErrorKind::NotConnected.into());
                self.lp.finish_request(self.id, Callee::Shutdown, request, error);
            }
        }
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

    /// Reads into `buffer` for a future. Zero bytes are the end. One reading task at a time.
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let readable = with_stream(&self.lp, self.id, |state| state.open.then_some(state.readable));
        match readable.flatten() {
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(true) => match self.lp.read_now(self.id, buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Some(false) => {}
        }
        let waker = cx.waker().clone();
        drop(with_stream(&self.lp, self.id, |state| state.read_waker.replace(waker)));
        Poll::Pending
    }

    /// Writes from `buffers` for a future. One writing task at a time, and no queued writes beside it.
    pub fn poll_write(&self, cx: &mut Context<'_>, buffers: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let writable =
            with_stream(&self.lp, self.id, |state| state.open.then_some(state.writable && !state.connecting));
        match writable.flatten() {
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(true) => match self.lp.write_now(self.id, buffers) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Some(false) => {}
        }
        let waker = cx.waker().clone();
        drop(with_stream(&self.lp, self.id, |state| state.write_waker.replace(waker)));
        Poll::Pending
    }

    /// Ends our direction for a future; it does not wait.
    pub fn poll_shutdown(&self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = with_stream(&self.lp, self.id, |state| {
            (state.open && !std::mem::replace(&mut state.shut, true)).then_some(state.socket)
        });
        let Some(Some(socket)) = socket else { return Poll::Ready(Ok(())) };
        match self.lp.core.driver.borrow_mut().shutdown(socket, Shutdown::Write) {
            // The peer was faster: there is nothing left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}

handle_methods!(TcpStream);

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
