//! A poll set of the child's own after a fork: the one of the parent is shared, and stays as the parent left it.

use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

use super::super::{SocketId, WAKE};
use super::{OsDriver, OsSocket, STREAM_INTEREST};

/// Whether a child inherits the descriptor of the poll set. That of kqueue it does not: there the number may be
/// somebody else's by now, and must not be closed.
const POLL_IS_INHERITED: bool = cfg!(any(target_os = "linux", target_os = "android"));

impl OsDriver {
    /// A new poll set and wake-up, and these sockets registered there, each with its token. On an error all is as it was.
    ///
    /// Nothing is taken out of the old poll set: that would be the parent's loss, whose sockets they are, too.
    pub(in crate::driver) fn after_fork(&mut self, sockets: &[(SocketId, u64)]) -> io::Result<()> {
        let poll = mio::Poll::new()?;
        let waker = Arc::new(mio::Waker::new(poll.registry(), Token(WAKE as usize))?);
        for &(socket, token) in sockets {
            if let Some(socket) = self.sockets.get(socket.0) {
                socket.register_anew(poll.registry(), Token(token as usize))?;
            }
        }
        let old = mem::replace(&mut self.poll, poll);
        let old_waker = mem::replace(&mut self.waker, waker);
        if !POLL_IS_INHERITED {
            mem::forget((old, old_waker));
        }
        Ok(())
    }
}

impl OsSocket {
    /// By its descriptor: mio holds a socket of its own for registered with the parent's poll set for good.
    fn register_anew(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let (descriptor, interest) = match self {
            OsSocket::Listener(listener) => (listener.as_raw_fd(), Interest::READABLE),
            OsSocket::UnixListener(listener) => (listener.as_raw_fd(), Interest::READABLE),
            OsSocket::Stream(stream) => (stream.as_raw_fd(), STREAM_INTEREST),
            OsSocket::Datagrams(socket) => (socket.as_raw_fd(), both),
            OsSocket::Descriptor(descriptor) if descriptor.is_closed() => return Ok(()),
            OsSocket::Descriptor(descriptor) => return descriptor.register(registry, token),
        };
        registry.register(&mut SourceFd(&descriptor), token, interest)
    }
}
