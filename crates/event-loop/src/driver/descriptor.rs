//! A stream of which only the descriptor is known: a Unix socket, or an end of a pipe.

use std::fs::File;
use std::io::{self, Read, Write};
use std::mem::MaybeUninit;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use socket2::SockRef;

/// How many descriptors Linux lets go with one message (SCM_MAX_FD); a buffer for as many never cuts a message short.
pub(crate) const MAX_DESCRIPTORS: usize = 253;

#[cfg(not(target_vendor = "apple"))]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
/// The system has no such flag.
#[cfg(target_vendor = "apple")]
const CLOSED_ON_EXEC: RecvFlags = RecvFlags::empty();

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

    /// Whether it was closed to end its direction.
    pub(super) fn is_closed(&self) -> bool {
        self.file.is_none()
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file()?.read(buffer)
    }

    pub(super) fn write_vectored(&self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.file()?.write_vectored(buffers)
    }

    /// Reads from a Unix socket, and appends the descriptors that came with the bytes to `carried`.
    pub(super) fn receive(&self, buffer: &mut [u8], carried: &mut Vec<OwnedFd>) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffers = [io::IoSliceMut::new(buffer)];
        let received = recvmsg(self.file()?, &mut buffers, &mut control, CLOSED_ON_EXEC)?;
        // Dropping the buffer closes what is not taken out of it.
        if received.flags.contains(ReturnFlags::CTRUNC) {
            let message = format!(
                "descriptors were lost that came with {} bytes: this process may not have more (see ulimit -n)",
                received.bytes
            );
            return Err(io::Error::other(message));
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                for descriptor in descriptors {
                    // Until then a program that another thread starts now would get it too.
                    #[cfg(target_vendor = "apple")]
                    rustix::io::fcntl_setfd(&descriptor, rustix::io::FdFlags::CLOEXEC)?;
                    carried.push(descriptor);
                }
            }
        }
        Ok(received.bytes)
    }

    /// Writes to a Unix socket; the peer gets duplicates of the descriptors with the first byte.
    pub(super) fn send(&self, buffers: &[io::IoSlice<'_>], lent: &[BorrowedFd<'_>]) -> io::Result<usize> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_DESCRIPTORS))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(lent)) {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        Ok(sendmsg(self.file()?, buffers, &mut control, SendFlags::empty())?)
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
