//! A connection: reading by callback or future, a write queue, connect, shutdown, close.
//!
//! Write, connect and shutdown are requests: each keeps the loop alive until its callback has run, whatever
//! the handle's reference says, and its callback never comes from inside the call. A close cancels what is in
//! flight: connect, then writes, then shutdown, each told so before the close callback.

use std::collections::VecDeque;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::panic::Location;
use std::task::{Context, Poll, Waker};

use super::CAP;
use crate::blame::Site;
use crate::core::LoopHandle;
use crate::driver::{Moved, SocketId};
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

type ReadCallback = Box<dyn FnMut(&LoopHandle, ReadEvent<'_>)>;
type RequestCallback = Box<dyn FnOnce(&LoopHandle, io::Result<()>)>;

/// How large one read may be; libuv suggests the same.
const READ_SIZE: usize = 64 * 1024;

struct Write {
    data: Vec<u8>,
    written: usize,
    callback: RequestCallback,
    location: &'static Location<'static>,
}

struct Request {
    callback: RequestCallback,
    location: &'static Location<'static>,
}

struct Finished {
    callee: Callee,
    request: Request,
    result: io::Result<()>,
}

/// The part of a handle that only streams have.
pub(crate) struct StreamState {
    socket: SocketId,
    open: bool,
    connecting: bool,
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    pub(crate) read_closed: bool,
    /// On the queue of handles that kept their readiness.
    pub(crate) queued: bool,
    reading: bool,
    read_callback: Option<ReadCallback>,
    read_waker: Option<Waker>,
    write_waker: Option<Waker>,
    connect: Option<Request>,
    writes: VecDeque<Write>,
    shutdown: Option<Request>,
    shut: bool,
    /// Requests whose callback is due in the pending phase.
    finished: VecDeque<Finished>,
    /// On the loop's pending queue.
    pending: bool,
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
        let write = Write { data, written: 0, callback: Box::new(callback), location };
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
            Some(Write { callback, location, .. }) => {
                let request = Request { callback, location };
                self.lp.finish_request(
                    self.id,
                    Callee::Write,
                    request,
                    Err(io::ErrorKind::BrokenPipe.into()),
                );
            }
        }
    }

    /// Writes what the system takes at once, without queueing.
    ///
    /// # Errors
    /// `WouldBlock` when connecting or when writes are queued; `NotConnected` when closed.
    pub fn try_write(&self, data: &[u8]) -> io::Result<usize> {
        let free = with_stream(&self.lp, self.id, |state| {
            (state.open, !state.connecting && state.writes.is_empty() && !state.shut)
        });
        match free {
            Some((true, true)) => self.lp.write_now(self.id, &[io::IoSlice::new(data)]),
            Some((true, false)) => Err(io::ErrorKind::WouldBlock.into()),
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

fn with_stream<R>(lp: &LoopHandle, id: HandleId, access: impl FnOnce(&mut StreamState) -> R) -> Option<R> {
    let found = lp.core.handles.with(id, |handle| match &mut handle.kind {
        Kind::Stream(stream) if !handle.closing => Some(access(stream)),
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

impl LoopHandle {
    fn read_now(&self, id: HandleId, buffer: &mut [u8]) -> io::Result<usize> {
        let socket = with_stream(self, id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            let result = self.core.driver.borrow_mut().read(socket, buffer);
            match result {
                Ok(Moved { bytes, exhausted }) => {
                    if exhausted {
                        with_stream(self, id, |state| state.readable = state.read_closed);
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

    fn write_now(&self, id: HandleId, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        let socket = with_stream(self, id, |state| state.socket).ok_or(io::ErrorKind::NotConnected)?;
        loop {
            let result = self.core.driver.borrow_mut().write(socket, buffers);
            match result {
                Ok(Moved { bytes, exhausted }) => {
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
            read.into_iter().chain(write).for_each(Waker::wake);
        }
        if with_stream(self, id, |state| state.writable && !state.writes.is_empty()) == Some(true) {
            self.flush_writes(id);
        }
        self.read_for_callback(id);
    }

    fn finish_connect(&self, id: HandleId) {
        let Some(socket) = with_stream(self, id, |state| state.socket) else { return };
        let result = self.core.driver.borrow_mut().finish_connect(socket);
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            with_stream(self, id, |state| state.writable = false);
            return;
        }
        let failed = result.is_err();
        let request = with_stream(self, id, |state| {
            state.connecting = false;
            state.open = !failed;
            state.connect.take()
        });
        if failed {
            self.fail_writes(id);
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

    /// Writes that were queued before a connect failed fail too.
    fn fail_writes(&self, id: HandleId) {
        let writes = with_stream(self, id, |state| std::mem::take(&mut state.writes)).unwrap_or_default();
        for write in writes {
            let request = Request { callback: write.callback, location: write.location };
            self.finish_request(id, Callee::Write, request, Err(io::ErrorKind::ConnectionRefused.into()));
        }
    }

    /// Writes as much of the queue as the system takes, at most 32 requests' worth.
    fn flush_writes(&self, id: HandleId) {
        for _ in 0..CAP {
            // The data leaves the state for the call, which needs no borrow of the table then.
            let front =
                with_stream(self, id, |state| if state.writable { state.writes.pop_front() } else { None });
            let Some(Some(mut write)) = front else { return };
            let result = self.write_now(id, &[io::IoSlice::new(&write.data[write.written..])]);
            match result {
                Ok(bytes) => {
                    write.written += bytes;
                    if write.written < write.data.len() {
                        with_stream(self, id, |state| state.writes.push_front(write));
                        continue;
                    }
                    let request = Request { callback: write.callback, location: write.location };
                    self.finish_request(id, Callee::Write, request, Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    with_stream(self, id, |state| state.writes.push_front(write));
                    return;
                }
                Err(error) => {
                    let request = Request { callback: write.callback, location: write.location };
                    self.finish_request(id, Callee::Write, request, Err(error));
                }
            }
        }
        if with_stream(self, id, |state| state.writable && !state.writes.is_empty()) == Some(true) {
            self.keep_ready(id);
        }
    }

    /// Reads for the callback until nothing is left, reading was stopped, or the cap is hit.
    fn read_for_callback(&self, id: HandleId) {
        for _ in 0..CAP {
            let wanted = with_stream(self, id, |state| {
                state.open && state.reading && state.readable && state.read_callback.is_some()
            });
            if wanted != Some(true) || self.core.must_end() {
                return;
            }
            let mut buffer = self.core.read_buffer.take();
            buffer.resize(READ_SIZE, 0);
            match self.read_now(id, &mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) => self.end_reading(id, ReadEvent::End),
                Ok(bytes) => self.call_reader(id, ReadEvent::Data(&buffer[..bytes])),
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
        self.call_reader(id, event);
    }

    fn call_reader(&self, id: HandleId, event: ReadEvent<'_>) {
        let location = self.core.handles.with(id, |handle| handle.location);
        let taken = with_stream(self, id, |state| state.read_callback.take()).flatten();
        let (Some(location), Some(mut callback)) = (location, taken) else { return };
        self.call(Site::new(Callee::Read, id.slot, location), || callback(self, event));
        let mut callback = Some(callback);
        with_stream(self, id, |state| {
            if state.read_callback.is_none() {
                state.read_callback = callback.take();
            }
        });
        self.dispose(location, callback);
    }

    /// Queues the callback of a request for the pending phase.
    fn finish_request(&self, id: HandleId, callee: Callee, request: Request, result: io::Result<()>) {
        let mut finished = Some(Finished { callee, request, result });
        self.core.handles.with(id, |handle| {
            if let Kind::Stream(stream) = &mut handle.kind {
                stream.finished.extend(finished.take());
            }
        });
        match finished {
            None => self.queue_pending(id),
            // The handle is gone already: the callback is dropped, the request is over.
            Some(finished) => {
                self.core.count_request(false);
                self.dispose(finished.request.location, finished.request.callback);
            }
        }
    }

    fn queue_pending(&self, id: HandleId) {
        let queue = self.core.handles.with(id, |handle| match &mut handle.kind {
            Kind::Stream(stream) => !std::mem::replace(&mut stream.pending, true),
            _ => false,
        });
        if queue == Some(true) {
            self.core.pending.borrow_mut().push_back(id);
        }
    }

    /// The stream's turn in the pending phase: callbacks of finished requests, then a shutdown that waited.
    pub(crate) fn stream_pending(&self, id: HandleId) {
        let round = with_stream(self, id, |state| {
            state.pending = false;
            state.finished.len()
        });
        let round = round.unwrap_or(0);
        for _ in 0..round {
            let next = with_stream(self, id, |state| state.finished.pop_front()).flatten();
            let Some(finished) = next else { break };
            self.core.count_request(false);
            let Finished { callee, request, result } = finished;
            self.call(Site::new(callee, id.slot, request.location), || (request.callback)(self, result));
        }
        let ready = with_stream(self, id, |state| {
            let idle = state.writes.is_empty() && state.finished.is_empty() && !state.connecting;
            if idle { state.shutdown.take().map(|request| (request, state.socket)) } else { None }
        });
        if let Some(Some((request, socket))) = ready {
            let result = self.core.driver.borrow_mut().shutdown(socket, Shutdown::Write);
            with_stream(self, id, |state| state.shut = true);
            self.core.count_request(false);
            let site = Site::new(Callee::Shutdown, id.slot, request.location);
            self.call(site, || (request.callback)(self, result));
        }
    }

    /// Closes the socket at once; what is in flight is cancelled in the closing phase.
    pub(crate) fn stream_stop(&self, id: HandleId) {
        self.set_active(id, false);
        let parts = with_stream(self, id, |state| {
            state.reading = false;
            state.open = false;
            let callback = state.read_callback.take();
            (state.socket, callback, state.read_waker.take(), state.write_waker.take())
        });
        let Some((socket, callback, read_waker, write_waker)) = parts else { return };
        self.core.driver.borrow_mut().close(socket);
        read_waker.into_iter().chain(write_waker).for_each(Waker::wake);
        self.dispose(Location::caller(), callback);
    }

    /// In the closing phase, before the close callback: connect, writes, shutdown hear that it is over.
    pub(crate) fn stream_cancel_requests(&self, id: HandleId) {
        let taken = self.core.handles.with(id, |handle| match &mut handle.kind {
            Kind::Stream(stream) => {
                let finished = std::mem::take(&mut stream.finished);
                let writes = std::mem::take(&mut stream.writes);
                Some((finished, stream.connect.take(), writes, stream.shutdown.take()))
            }
            _ => None,
        });
        let Some(Some((finished, connect, writes, shutdown))) = taken else { return };
        let cancelled =
            || Err(io::Error::new(io::ErrorKind::ConnectionAborted, "cancelled: the stream was closed"));
        let connect =
            connect.map(|request| Finished { callee: Callee::Connect, request, result: cancelled() });
        let writes = writes.into_iter().map(|write| {
            let request = Request { callback: write.callback, location: write.location };
            Finished { callee: Callee::Write, request, result: cancelled() }
        });
        let shutdown =
            shutdown.map(|request| Finished { callee: Callee::Shutdown, request, result: cancelled() });
        for Finished { callee, request, result } in
            connect.into_iter().chain(finished).chain(writes).chain(shutdown)
        {
            self.core.count_request(false);
            if self.core.closed.get() {
                self.dispose(request.location, request.callback);
            } else {
                self.call(Site::new(callee, id.slot, request.location), || (request.callback)(self, result));
            }
        }
    }
}
