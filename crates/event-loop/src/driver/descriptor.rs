//! A stream of which only the descriptor is known: a Unix socket, or an end of a pipe.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use socket2::SockRef;

/// A descriptor that can be read, written, or both. It never blocks.
pub(super) struct Descriptor {
    /// `None` once the end of a pipe was closed to end its direction.
    file: Option<File>,
    interest: Interest,
    /// Only of a pipe a short read says that it is empty: a terminal ends a read with the line, and a socket with what
    /// else came beside the bytes.
    is_pipe: bool,
}

impl Descriptor {
    /// Takes over `descriptor` and keeps it from blocking.
    pub(super) fn new(descriptor: OwnedFd) -> io::Result<Descriptor> {
        let flags = fcntl_getfl(&descriptor)?;
        let is_pipe = FileType::from_raw_mode(fstat(&descriptor)?.st_mode) == FileType::Fifo;
        fcntl_setfl(&descriptor, flags | OFlags::NONBLOCK)?;
        // An end of a pipe has one direction, and some systems refuse to watch the other.
        let interest = match flags & OFlags::RWMODE {
            OFlags::RDONLY => Interest::READABLE,
            OFlags::WRONLY => Interest::WRITABLE,
            _ => Interest::READABLE | Interest::WRITABLE,
        };
        Ok(Descriptor { file: Some(File::from(descriptor)), interest, is_pipe })
    }

    /// The same, registered; a descriptor that cannot be is left as it was, for others may share it.
    pub(super) fn registered(
        descriptor: OwnedFd,
        registry: &Registry,
        token: Token,
    ) -> io::Result<Descriptor> {
        let flags = fcntl_getfl(&descriptor)?;
        let new = Descriptor::new(descriptor)?;
        new.register(registry, token).inspect_err(|_| {
            let _ = new.file().map(|file| fcntl_setfl(file, flags));
        })?;
        Ok(new)
    }

    pub(super) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.file()?.as_raw_fd()), token, self.interest)
    }

    /// Takes it out of the poll set: closing does not while a duplicate of it is open.
    pub(super) fn deregister(&self, registry: &Registry) {
        let _ = self.file().map(|file| registry.deregister(&mut SourceFd(&file.as_raw_fd())));
    }

    pub(super) fn duplicate(&self) -> io::Result<OwnedFd> {
        self.file()?.as_fd().try_clone_to_owned()
    }

    pub(super) fn is_pipe(&self) -> bool {
        self.is_pipe
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(buffer)
    }

    pub(super) fn write_vectored(&self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.file()?.write_vectored(buffers)
    }

    /// Ends a direction of a socket. The writing end of a pipe has only one, which ends with the descriptor; a reading end has
    /// none to end, and of what is both, as a terminal, nothing is ended.
    pub(super) fn shutdown(&mut self, how: Shutdown, registry: &Registry) -> io::Result<()> {
        let ended = SockRef::from(&self.file()?).shutdown(how);
        match ended {
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOTSOCK.raw_os_error()) => {
                if !self.interest.is_writable() {
                    return Err(io::ErrorKind::NotConnected.into());
                }
                if !self.interest.is_readable() {
                    self.deregister(registry);
                    self.file = None;
                }
                Ok(())
            }
            result => result,
        }
    }

    /// The outcome of a connect, as [`super::Driver::finish_connect`] tells it.
    pub(super) fn finish_connect(&self) -> io::Result<()> {
        // A connect to a path is done when it returns; a peer that has gone since is found by reading.
        SockRef::from(&self.file()?).take_error()?.map_or(Ok(()), Err)
    }

    fn file(&self) -> io::Result<&File> {
        self.file.as_ref().ok_or_else(super::os::unknown)
    }
}
