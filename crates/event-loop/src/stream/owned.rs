//! Streams and listeners for futures: a stream that closes when it is dropped.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use super::{TcpListener, TcpStream};
use crate::core::LoopHandle;
use crate::driver::KeepAlive;

/// The methods that every stream owned by a task has.
macro_rules! owned_stream {
    ($(#[$doc:meta])* $owned:ident, $stream:ident) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $owned($stream);

        impl $owned {
            /// Takes over a stream.
            pub fn new(stream: $stream) -> $owned {
                $owned(stream)
            }

            /// The stream, for its options and addresses. Writes that are queued on it go out before what the task writes next.
            pub fn get_ref(&self) -> &$stream {
                &self.0
            }

            /// Reads into `buffer`; zero bytes are the end.
            ///
            /// # Errors
            /// The system's, for example a reset.
            pub async fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                poll_fn(|cx| self.0.poll_read(cx, buffer)).await
            }

            /// Writes all of `data`.
            ///
            /// # Errors
            /// The system's, for example a reset.
            pub async fn write_all(&mut self, mut data: &[u8]) -> io::Result<()> {
                while !data.is_empty() {
                    let written = poll_fn(|cx| self.0.poll_write(cx, &[io::IoSlice::new(data)])).await?;
                    if written == 0 {
                        return Err(io::ErrorKind::WriteZero.into());
                    }
                    data = &data[written..];
                }
                Ok(())
            }

            /// Ends our direction.
            ///
            /// # Errors
            /// The system's.
            pub async fn shutdown(&mut self) -> io::Result<()> {
                poll_fn(|cx| self.0.poll_shutdown(cx)).await
            }

            /// As the stream's own `poll_read`.
            pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                self.0.poll_read(cx, buffer)
            }

            /// As the stream's own `poll_write`.
            pub fn poll_write(
                &self,
                cx: &mut Context<'_>,
                buffers: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.0.poll_write(cx, buffers)
            }

            /// As the stream's own `poll_shutdown`.
            pub fn poll_shutdown(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.0.poll_shutdown(cx)
            }
        }

        impl Drop for $owned {
            fn drop(&mut self) {
                self.0.close();
            }
        }
    };
}

owned_stream! {
    /// A TCP stream owned by one task; dropping it closes the connection.
    OwnedTcpStream, TcpStream
}

/// Connects by `connect`, which is given what to do with the outcome, and waits for it.
async fn connected<S>(
    connect: impl FnOnce(&LoopHandle, Box<dyn FnOnce(&LoopHandle, io::Result<()>)>) -> io::Result<S>,
) -> io::Result<S> {
    let lp = LoopHandle::current().ok_or_else(|| io::Error::other("connect needs a running loop"))?;
    let (done, result) = crate::task::oneshot();
    let stream = connect(&lp, Box::new(move |_, outcome| done.send(outcome)))?;
    match result.await {
        Some(outcome) => outcome.map(|()| stream),
        None => Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the loop is closed")),
    }
}

impl OwnedTcpStream {
    /// Connects to `addr` on the loop of the running task.
    ///
    /// # Errors
    /// The system's: refused, unreachable, no descriptor left.
    pub async fn connect(addr: SocketAddr) -> io::Result<OwnedTcpStream> {
        connected(|lp, done| TcpStream::connect(lp, addr, done).map(OwnedTcpStream)).await
    }

    /// See [`TcpStream::set_nodelay`].
    ///
    /// # Errors
    /// The system's.
    pub fn set_nodelay(&self, on: bool) -> io::Result<()> {
        self.0.set_nodelay(on)
    }

    /// See [`TcpStream::set_keepalive`].
    ///
    /// # Errors
    /// As there.
    pub fn set_keepalive(&self, keep: Option<KeepAlive>) -> io::Result<()> {
        self.0.set_keepalive(keep)
    }

    /// Closes the connection by a reset, see [`TcpStream::close_reset`].
    ///
    /// # Errors
    /// As there; then the connection is closed without one.
    pub fn close_reset(self) -> io::Result<()> {
        self.0.close_reset()
    }
}

/// The next connection of a listener.
pub type Accepted = io::Result<OwnedTcpStream>;

impl TcpListener {
    /// Waits for the next connection, for a future. One task at a time.
    ///
    /// # Errors
    /// The system's, or that the listener was closed.
    pub async fn accept(&self) -> Accepted {
        let _accepting = self.accepting();
        poll_fn(|cx| self.poll_accept(cx)).await.map(OwnedTcpStream)
    }
}

#[cfg(unix)]
mod unix {
    use std::os::fd::{BorrowedFd, OwnedFd};
    use std::path::Path;

    use super::*;
    use crate::stream::{Pipe, UnixListener, UnixStream};

    owned_stream! {
        /// A stream of a Unix socket owned by one task; dropping it closes the connection.
        OwnedUnixStream, UnixStream
    }
    owned_stream! {
        /// An end of a pipe owned by one task; dropping it closes the end.
        OwnedPipe, Pipe
    }

    impl OwnedUnixStream {
        /// Connects to the listener at `path` on the loop of the running task.
        ///
        /// # Errors
        /// The system's: nobody listens there, not permitted, the backlog is full, no descriptor left.
        pub async fn connect(path: impl AsRef<Path>) -> io::Result<OwnedUnixStream> {
            connected(|lp, done| UnixStream::connect(lp, path, done).map(OwnedUnixStream)).await
        }

        /// Reads into `buffer`, and the descriptors that came with the bytes; zero bytes are the end. See
        /// [`UnixStream::read_start_with_descriptors`].
        ///
        /// # Errors
        /// The system's; that descriptors were lost.
        pub async fn read_with_descriptors(
            &mut self,
            buffer: &mut [u8],
        ) -> io::Result<(usize, Vec<OwnedFd>)> {
            let mut carried = Vec::new();
            let read = poll_fn(|cx| self.0.poll_read_with_descriptors(cx, buffer, &mut carried)).await?;
            Ok((read, carried))
        }

        /// Writes all of `data`; the peer gets duplicates of the descriptors with the first byte.
        ///
        /// # Errors
        /// As [`UnixStream::try_write_with_descriptors`], except that it waits for room.
        pub async fn write_all_with_descriptors(
            &mut self,
            data: &[u8],
            descriptors: &[BorrowedFd<'_>],
        ) -> io::Result<()> {
            let written = poll_fn(|cx| self.0.poll_write_with_descriptors(cx, data, descriptors)).await?;
            self.write_all(&data[written..]).await
        }
    }

    impl UnixListener {
        /// Waits for the next connection, for a future. One task at a time.
        ///
        /// # Errors
        /// The system's, or that the listener was closed.
        pub async fn accept(&self) -> io::Result<OwnedUnixStream> {
            let _accepting = self.accepting();
            poll_fn(|cx| self.poll_accept(cx)).await.map(OwnedUnixStream)
        }
    }
}

#[cfg(unix)]
pub use unix::{OwnedPipe, OwnedUnixStream};
