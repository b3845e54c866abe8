//! The operating system through mio: edge-triggered, registered once for both directions.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
#[cfg(unix)]
use std::os::fd::{AsFd, OwnedFd};
#[cfg(unix)]
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Token};
use slab::Slab;
use socket2::Socket;
#[cfg(unix)]
use socket2::{Domain, SockAddr, Type};

mod datagrams;
mod sockets;

#[cfg(unix)]
use super::descriptor::Descriptor;
use super::{
    Carried, EVENTS_PER_POLL, Lent, ListenOptions, LoopWaker, Moved, Readiness, SocketId, SocketKind,
    StreamOption, WAKE,
};
use crate::shrink::shrink_when_sparse;

#[cfg(unix)]
mod fork;

/// With epoll and kqueue a short write has exhausted the socket, and room from then on makes a new edge; asking again
/// until `WouldBlock` would cost a system call for each message. (Other selectors that mio emulates re-arm only on
/// `WouldBlock`.)
const SHORT_WRITE_MEANS_EXHAUSTED: bool = cfg!(any(target_os = "linux", target_os = "macos"));

/// So has a short read of TCP, unless it stopped where urgent data stood: only epoll tells of that. A pipe may hold
/// packets, a terminal lines, and a Unix socket what came beside the bytes, each of which ends a read.
const SHORT_READ_MEANS_EXHAUSTED: bool = cfg!(target_os = "linux");

/// What a stream of TCP is watched for.
#[cfg(target_os = "linux")]
const STREAM_INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE).add(Interest::PRIORITY);
#[cfg(not(target_os = "linux"))]
const STREAM_INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);

/// A loop's token is a handle's slot and generation, 32 bits each, and mio's is a `usize`: a narrower one would cut
/// off the generation, and a late event would reach the next user of the slot.
const _: () = assert!(usize::BITS >= 64, "the loop needs a target with 64-bit pointers");

/// The real world. One socket is registered once, for reading and writing, so that changing interest
/// costs no system call; readiness that nobody wants now is remembered by the handle.
pub(crate) struct OsDriver {
    poll: mio::Poll,
    events: mio::Events,
    waker: Arc<mio::Waker>,
    sockets: Slab<OsSocket>,
    clock: Clock,
    /// A descriptor kept in reserve: given up to accept and drop a connection when none is left.
    spare: Option<File>,
}

enum OsSocket {
    Listener(TcpListener),
    Stream(TcpStream),
    Datagrams(mio::net::UdpSocket),
    #[cfg(unix)]
    UnixListener(mio::net::UnixListener),
    #[cfg(unix)]
    Descriptor(Descriptor),
}

impl OsDriver {
    pub(crate) fn new(clock: Clock) -> io::Result<OsDriver> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), Token(WAKE as usize))?);
        Ok(OsDriver {
            poll,
            events: mio::Events::with_capacity(EVENTS_PER_POLL),
            waker,
            sockets: Slab::new(),
            clock,
            spare: spare_descriptor(),
        })
    }

    pub(super) fn waker(&self) -> LoopWaker {
        LoopWaker::Os(self.waker.clone())
    }

    pub(super) fn now(&self) -> Instant {
        self.clock.now()
    }

    pub(super) fn poll(&mut self, timeout: Option<Duration>, into: &mut Vec<Readiness>) -> io::Result<()> {
        self.poll.poll(&mut self.events, timeout)?;
        for event in &self.events {
            let failed = event.is_error();
            into.push(Readiness {
                token: event.token().0 as u64,
                readable: event.is_readable() || event.is_read_closed() || failed,
                writable: event.is_writable() || event.is_write_closed() || failed,
                read_closed: event.is_read_closed() || failed,
                urgent: event.is_priority(),
            });
        }
        Ok(())
    }

    pub(super) fn listen(
        &mut self,
        addr: SocketAddr,
        options: &ListenOptions,
        token: u64,
    ) -> io::Result<SocketId> {
        let socket = sockets::listening(addr, options)?;
        let mut listener = TcpListener::from_std(socket.into());
        self.poll.registry().register(&mut listener, Token(token as usize), Interest::READABLE)?;
        Ok(SocketId(self.sockets.insert(OsSocket::Listener(listener))))
    }

    pub(super) fn connect(
        &mut self,
        addr: SocketAddr,
        from: Option<SocketAddr>,
        token: u64,
    ) -> io::Result<SocketId> {
        self.insert_registered(OsSocket::Stream(sockets::connecting(addr, from)?), token)
    }

    fn insert_registered(&mut self, socket: OsSocket, token: u64) -> io::Result<SocketId> {
        let id = SocketId(self.sockets.insert(socket));
        self.register(id, token).inspect_err(|_| {
            self.sockets.remove(id.0);
        })?;
        Ok(id)
    }

    pub(super) fn adopt_socket(
        &mut self,
        socket: Socket,
        kind: SocketKind,
        token: u64,
    ) -> io::Result<SocketId> {
        sockets::check(&socket, kind)?;
        socket.set_nonblocking(true)?;
        #[cfg(unix)]
        socket.set_cloexec(true)?;
        let socket = match kind {
            SocketKind::TcpStream => OsSocket::Stream(TcpStream::from_std(socket.into())),
            SocketKind::TcpListener => OsSocket::Listener(TcpListener::from_std(socket.into())),
            #[cfg(unix)]
            SocketKind::UnixStream => OsSocket::Descriptor(Descriptor::new(socket.into())?),
            #[cfg(unix)]
            SocketKind::UnixListener => {
                OsSocket::UnixListener(mio::net::UnixListener::from_std(socket.into()))
            }
        };
        self.insert_registered(socket, token)
    }

    #[cfg(unix)]
    pub(super) fn duplicate(&mut self, socket: SocketId) -> io::Result<OwnedFd> {
        match self.sockets.get(socket.0) {
            Some(OsSocket::Listener(listener)) => listener.as_fd().try_clone_to_owned(),
            Some(OsSocket::Stream(stream)) => stream.as_fd().try_clone_to_owned(),
            Some(OsSocket::Datagrams(datagrams)) => datagrams.as_fd().try_clone_to_owned(),
            Some(OsSocket::UnixListener(listener)) => listener.as_fd().try_clone_to_owned(),
            Some(OsSocket::Descriptor(descriptor)) => descriptor.duplicate(),
            None => Err(unknown()),
        }
    }

    #[cfg(unix)]
    pub(super) fn adopt(&mut self, descriptor: OwnedFd, token: u64) -> io::Result<SocketId> {
        let descriptor = Descriptor::registered(descriptor, self.poll.registry(), Token(token as usize))?;
        Ok(SocketId(self.sockets.insert(OsSocket::Descriptor(descriptor))))
    }

    #[cfg(unix)]
    pub(super) fn listen_at(&mut self, path: &Path, backlog: u32, token: u64) -> io::Result<SocketId> {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        socket.set_nonblocking(true)?;
        let mut listener = mio::net::UnixListener::from_std(socket.into());
        self.poll.registry().register(&mut listener, Token(token as usize), Interest::READABLE)?;
        Ok(SocketId(self.sockets.insert(OsSocket::UnixListener(listener))))
    }

    #[cfg(unix)]
    pub(super) fn connect_at(&mut self, path: &Path, token: u64) -> io::Result<SocketId> {
        self.adopt(mio::net::UnixStream::connect(path)?.into(), token)
    }

    pub(super) fn accept(&mut self, listener: SocketId) -> io::Result<SocketId> {
        let accepted = self.accept_one(listener)?;
        Ok(SocketId(self.sockets.insert(accepted)))
    }

    pub(super) fn shed(&mut self, listener: SocketId) -> io::Result<()> {
        drop(self.spare.take());
        let result = self.accept_one(listener).map(drop);
        self.spare = spare_descriptor();
        result
    }

    fn accept_one(&mut self, listener: SocketId) -> io::Result<OsSocket> {
        match self.sockets.get(listener.0) {
            Some(OsSocket::Listener(listener)) => {
                listener.accept().map(|(stream, _)| OsSocket::Stream(stream))
            }
            #[cfg(unix)]
            Some(OsSocket::UnixListener(listener)) => {
                let (stream, _) = listener.accept()?;
                Ok(OsSocket::Descriptor(Descriptor::new(stream.into())?))
            }
            _ => Err(unknown()),
        }
    }

    pub(super) fn register(&mut self, socket: SocketId, token: u64) -> io::Result<()> {
        let token = Token(token as usize);
        match self.sockets.get_mut(socket.0) {
            Some(OsSocket::Listener(listener)) => {
                self.poll.registry().register(listener, token, Interest::READABLE)
            }
            #[cfg(unix)]
            Some(OsSocket::UnixListener(listener)) => {
                self.poll.registry().register(listener, token, Interest::READABLE)
            }
            Some(OsSocket::Stream(stream)) => self.poll.registry().register(stream, token, STREAM_INTEREST),
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) => descriptor.register(self.poll.registry(), token),
            _ => Err(unknown()),
        }
    }

    pub(super) fn read(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
        carried: Option<&mut Vec<Carried>>,
    ) -> io::Result<Moved> {
        let (bytes, tells_by_short) = match self.sockets.get_mut(socket.0) {
            Some(OsSocket::Stream(stream)) => (stream.read(buffer)?, SHORT_READ_MEANS_EXHAUSTED),
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) => {
                let bytes = match carried {
                    Some(carried) => descriptor.receive(buffer, carried)?,
                    None => descriptor.read(buffer)?,
                };
                (bytes, false)
            }
            _ => return Err(unknown()),
        };
        Ok(Moved { bytes, exhausted: tells_by_short && bytes > 0 && bytes < buffer.len() })
    }

    pub(super) fn write(
        &mut self,
        socket: SocketId,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> io::Result<Moved> {
        let wanted: usize = buffers.iter().map(|buffer| buffer.len()).sum();
        let bytes = match self.sockets.get_mut(socket.0) {
            // One buffer is sent without the detour that gathering takes in the system.
            Some(OsSocket::Stream(stream)) if lent.is_empty() => match buffers {
                [buffer] => stream.write(buffer)?,
                _ => stream.write_vectored(buffers)?,
            },
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) if !lent.is_empty() => descriptor.send(buffers, lent)?,
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) => descriptor.write_vectored(buffers)?,
            _ => return Err(unknown()),
        };
        Ok(Moved { bytes, exhausted: SHORT_WRITE_MEANS_EXHAUSTED && bytes > 0 && bytes < wanted })
    }

    pub(super) fn shutdown(&mut self, socket: SocketId, how: Shutdown) -> io::Result<()> {
        match self.sockets.get_mut(socket.0) {
            Some(OsSocket::Stream(stream)) => stream.shutdown(how),
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) => descriptor.shutdown(how, self.poll.registry()),
            _ => Err(unknown()),
        }
    }

    pub(super) fn finish_connect(&mut self, socket: SocketId) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(OsSocket::Descriptor(descriptor)) = self.sockets.get(socket.0) {
            return descriptor.finish_connect();
        }
        let stream = self.stream(socket)?;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(()),
            // Not there yet: the edge came early (mio allows that), another one will follow.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => {
                Err(io::ErrorKind::WouldBlock.into())
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn local_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        match self.sockets.get(socket.0) {
            Some(OsSocket::Listener(listener)) => listener.local_addr(),
            Some(OsSocket::Stream(stream)) => stream.local_addr(),
            Some(OsSocket::Datagrams(socket)) => socket.local_addr(),
            #[cfg(unix)]
            Some(OsSocket::UnixListener(_) | OsSocket::Descriptor(_)) => {
                Err(io::ErrorKind::Unsupported.into())
            }
            None => Err(unknown()),
        }
    }

    pub(super) fn peer_addr(&mut self, socket: SocketId) -> io::Result<SocketAddr> {
        match self.sockets.get(socket.0) {
            Some(OsSocket::Datagrams(socket)) => socket.peer_addr(),
            _ => self.stream(socket)?.peer_addr(),
        }
    }

    pub(super) fn set_option(&mut self, socket: SocketId, option: StreamOption) -> io::Result<()> {
        sockets::set_option(self.stream(socket)?, option)
    }

    pub(super) fn close(&mut self, socket: SocketId) {
        let mut closed = self.sockets.try_remove(socket.0);
        shrink_when_sparse(&mut self.sockets);
        let registry = self.poll.registry();
        // Closing does not take a socket out of the poll set while somebody else has it open: who has a duplicate, a
        // process that was forked, a child that has not come to its exec.
        // A refusal means that it is not in the set: what was to be done is done.
        let _ = match &mut closed {
            Some(OsSocket::Listener(listener)) => sockets::deregister(registry, listener),
            Some(OsSocket::Stream(stream)) => sockets::deregister(registry, stream),
            Some(OsSocket::Datagrams(datagrams)) => sockets::deregister(registry, datagrams),
            #[cfg(unix)]
            Some(OsSocket::UnixListener(listener)) => sockets::deregister(registry, listener),
            #[cfg(unix)]
            Some(OsSocket::Descriptor(descriptor)) => {
                descriptor.deregister(registry);
                Ok(())
            }
            None => Ok(()),
        };
    }

    fn stream(&mut self, socket: SocketId) -> io::Result<&mut TcpStream> {
        match self.sockets.get_mut(socket.0) {
            Some(OsSocket::Stream(stream)) => Ok(stream),
            _ => Err(unknown()),
        }
    }
}

/// The socket was closed before this call; libuv says EBADF.
pub(super) fn unknown() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket is closed")
}

fn spare_descriptor() -> Option<File> {
    if cfg!(unix) { File::open("/dev/null").ok() } else { None }
}
