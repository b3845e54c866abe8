//! Unix sockets and pipes: streams between processes of one machine.

use std::io;
use std::os::fd::OwnedFd;
use std::panic::Location;
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, fcntl_getfl};
use rustix::io::{FdFlags, fcntl_setfd};

use super::listener::listener_methods;
use super::methods::stream_methods;
use super::state::with_stream;
use crate::core::LoopHandle;
use crate::driver::{Driver, SocketKind};
use crate::handle::HandleId;

/// What the table of handles calls them.
const STREAM: &str = "Unix stream";
const LISTENER: &str = "Unix listener";
const PIPE: &str = "pipe";

/// A stream of a Unix socket. Dropping the value does not close it: `close` does. For futures see
/// [`crate::OwnedUnixStream`], which closes when dropped. Unix only.
#[derive(Clone)]
pub struct UnixStream {
    pub(super) lp: LoopHandle,
    pub(super) id: HandleId,
}

impl UnixStream {
    /// Connects to the listener at `path`; `callback` learns of success or failure later, in any case.
    ///
    /// # Errors
    /// Only when no socket can be made; that nobody listens there is told to the callback.
    #[track_caller]
    pub fn connect(
        lp: &LoopHandle,
        path: impl AsRef<Path>,
        callback: impl FnOnce(&LoopHandle, io::Result<()>) + 'static,
    ) -> io::Result<UnixStream> {
        let open = &mut |driver: &mut Driver, token| driver.connect_at(path.as_ref(), token);
        let id = lp.stream_connect(STREAM, Location::caller(), open, Box::new(callback))?;
        Ok(UnixStream { lp: lp.clone(), id })
    }

    /// Two streams that are connected with each other, both on this loop.
    ///
    /// # Errors
    /// The system's: no descriptor left.
    #[track_caller]
    pub fn pair(lp: &LoopHandle) -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = std::os::unix::net::UnixStream::pair()?;
        let one = UnixStream::from_std(lp, one)?;
        let other = UnixStream::from_std(lp, other).inspect_err(|_| {
            one.close();
        })?;
        Ok((one, other))
    }

    /// Takes over a connected socket, which blocks no more from now on.
    ///
    /// # Errors
    /// `NotConnected` when it is not connected or when the loop is gone; the system's.
    #[track_caller]
    pub fn from_std(lp: &LoopHandle, socket: std::os::unix::net::UnixStream) -> io::Result<UnixStream> {
        UnixStream::from_fd(lp, socket.into())
    }

    /// Takes over a descriptor, for example one that a parent left. Programs that this one starts do not get it.
    ///
    /// # Errors
    /// `InvalidInput` when it is not a Unix socket of streams, or one that listens, which the message tells; otherwise as
    /// [`UnixStream::from_std`].
    #[track_caller]
    pub fn from_fd(lp: &LoopHandle, descriptor: OwnedFd) -> io::Result<UnixStream> {
        let id = lp.stream_adopt(STREAM, SocketKind::UnixStream, descriptor.into(), Location::caller())?;
        Ok(UnixStream { lp: lp.clone(), id })
    }
}

stream_methods!(UnixStream);

/// A listener at a path of the file system. Active while somebody waits for its connections. Dropping the value does not
/// close it, and closing it leaves the path behind, as the system does. Unix only.
#[derive(Clone)]
pub struct UnixListener {
    lp: LoopHandle,
    id: HandleId,
}

impl UnixListener {
    /// Binds to `path` and listens; `backlog` is how many connections may wait to be accepted.
    ///
    /// # Errors
    /// The system's: something is at that path (also what a listener of yesterday left: remove it first), no such folder,
    /// the path is too long, not permitted, or no descriptor is left.
    #[track_caller]
    pub fn bind(lp: &LoopHandle, path: impl Into<PathBuf>, backlog: u32) -> io::Result<UnixListener> {
        let path = path.into();
        let open = &mut |driver: &mut Driver, token| driver.listen_at(&path, backlog, token);
        let id = lp.listener_open((LISTENER, STREAM), Location::caller(), open)?;
        Ok(UnixListener { lp: lp.clone(), id })
    }

    /// Takes over a socket that listens. It blocks no more from now on, and neither do its duplicates.
    ///
    /// # Errors
    /// The system's, or `NotConnected` when the loop is gone.
    #[track_caller]
    pub fn from_std(lp: &LoopHandle, socket: std::os::unix::net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::from_fd(lp, socket.into())
    }

    /// As [`crate::TcpListener::from_fd`].
    ///
    /// # Errors
    /// `InvalidInput` when it is not a Unix socket of streams that listens, which the message tells (macOS cannot tell
    /// whether it listens: there the first accept fails); otherwise as [`UnixListener::from_std`].
    #[track_caller]
    pub fn from_fd(lp: &LoopHandle, descriptor: OwnedFd) -> io::Result<UnixListener> {
        let (names, kind) = ((LISTENER, STREAM), SocketKind::UnixListener);
        let id = lp.listener_adopt(names, kind, descriptor.into(), Location::caller())?;
        Ok(UnixListener { lp: lp.clone(), id })
    }
}

listener_methods!(UnixListener, UnixStream);

/// An end of a pipe: one direction, as the standard streams of a child. Dropping the value does not close it: `close` does,
/// and on a writing end `shutdown`. For futures see [`crate::OwnedPipe`]. Unix only.
#[derive(Clone)]
pub struct Pipe {
    lp: LoopHandle,
    id: HandleId,
}

impl Pipe {
    /// Takes over an end of a pipe, or another descriptor that the system can watch; it blocks no more from now on, and neither
    /// do its duplicates, also those of other processes. Such are `ChildStdin` and `ChildStdout` of the standard library, and
    /// on Linux terminals. Programs that this one starts do not get it.
    ///
    /// # Errors
    /// The system's: on Linux `PermissionDenied` for a file and for `/dev/null`, which are always ready and cannot be watched.
    /// `NotConnected` when the loop is gone.
    #[track_caller]
    pub fn new(lp: &LoopHandle, end: impl Into<OwnedFd>) -> io::Result<Pipe> {
        let end = end.into();
        fcntl_setfd(&end, FdFlags::CLOEXEC)?;
        let only_writes = fcntl_getfl(&end)? & OFlags::RWMODE == OFlags::WRONLY;
        let mut end = Some(end);
        let id = lp.stream_opened(PIPE, Location::caller(), &mut |driver, token| {
            driver.adopt(end.take().ok_or(io::ErrorKind::InvalidInput)?, token)
        })?;
        with_stream(lp, id, |state| state.can_read = !only_writes);
        Ok(Pipe { lp: lp.clone(), id })
    }
}

stream_methods!(Pipe);
