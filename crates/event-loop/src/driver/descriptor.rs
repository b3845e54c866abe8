//! A stream of which only the descriptor is known: a Unix socket, or an end of a pipe.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use socket2::SockRef;

/// A descriptor that can be read, written, or both. It never blocks.
pub(super) struct Descriptor {
    /// `None` once the end of a pipe was closed to end its direction.
    file: Option<File>,
    interest: Interest,
}

impl Descriptor {
    /// Takes over `descriptor` and keeps it from blocking.
    pub(super) fn new(descriptor: OwnedFd) -> io::Result<Descriptor> {
        let flags = fcntl_getfl(&descriptor)?;
        fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?;
        // An end of a pipe has one direction, and some systems refuse to watch the other.
        let interest = match flags & OFlags::RWMODE {
            OFlags::RDONLY => Interest::READABLE,
            OFlags::WRONLY => Interest::WRITABLE,
            _ => Interest::READABLE | Interest::WRITABLE,
        };
        Ok(Descriptor { file: Some(File::from(descriptor)), interest })
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let file = self.file.as_ref().ok_or_else(super::os::unknown)?;
        registry.register(&mut SourceFd(&file.as_raw_fd()), token, self.interest)
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(buffer)
    }

    pub(super) fn write_vectored(&self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.file()?.write_vectored(buffers)
    }

    /// Ends a direction of a socket. The end of a pipe has only one, which ends with the descriptor.
    pub(super) fn shutdown(&mut self, how: Shutdown) -> io::Result<()> {
        let ended = SockRef::from(&self.file()?).shutdown(how);
        match ended {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOTSOCK.raw_os_error()) => {
                self.file = None;
                Ok(())
            }
            result => result,
        }
    }

    /// The outcome of a connect, as [`super::Driver::finish_connect`] tells it.
    pub(super) fn finish_connect(&self) -> io::Result<()> {
        let file = self.file()?;
        let socket = SockRef::from(&file);
        match socket.take_error()? {
            Some(error) => Err(error),
            None => socket.peer_addr().map(drop),
        }
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(super::os::unknown)
    }
}
