//! The methods that the types of streams share, as [`handle_methods`](crate::handle) has those of all handles.

/// The methods that every stream has, whatever it is made of.
macro_rules! stream_methods {
    ($type:ident) => {
        impl $type {
            /// Reads and calls back with what comes, from the next pass on. Active from now until the end, an error,
            /// `read_stop` or close.
            ///
            /// # Errors
            /// `NotConnected` when the stream is closing, not connected yet, or a writing end; `AlreadyExists` when it reads
            /// already.
            #[track_caller]
            pub fn read_start(
                &self,
                callback: impl FnMut(&$crate::LoopHandle, $crate::ReadEvent<'_>) + 'static,
            ) -> std::io::Result<()> {
                let mut callback = callback;
                let on_read =
                    move |lp: &$crate::LoopHandle, event: $crate::ReadEvent<'_>, _| callback(lp, event);
                self.lp.stream_read_start(self.id, Box::new(on_read), false, std::panic::Location::caller())
            }

            /// Stops reading; what arrives waits until reading starts again.
            pub fn read_stop(&self) {
                self.lp.stream_read_stop(self.id);
            }

            /// Queues `data` behind earlier writes; `callback` comes later, when all of it is with the system.
            #[track_caller]
            pub fn write(
                &self,
                data: Vec<u8>,
                callback: impl FnOnce(&$crate::LoopHandle, std::io::Result<()>) + 'static,
            ) {
                let location = std::panic::Location::caller();
                self.lp.stream_write(self.id, data, Vec::new(), Box::new(callback), location);
            }

            /// Writes what the system takes at once, without queueing.
            ///
            /// # Errors
            /// `WouldBlock` when connecting or when writes are queued; `BrokenPipe` after `shutdown`; `NotConnected`
            /// when closed.
            pub fn try_write(&self, data: &[u8]) -> std::io::Result<usize> {
                self.lp.stream_try_write(self.id, data, &[])
            }

            /// Bytes that wait in the write queue.
            pub fn write_queue_size(&self) -> usize {
                self.lp.stream_write_queue_size(self.id)
            }

            /// Ends our direction after the queued writes; `callback` comes later. A second one fails.
            #[track_caller]
            pub fn shutdown(
                &self,
                callback: impl FnOnce(&$crate::LoopHandle, std::io::Result<()>) + 'static,
            ) {
                self.lp.stream_shutdown(self.id, Box::new(callback), std::panic::Location::caller());
            }

            /// Another descriptor of the same socket or pipe, for example to send it to another process. It does not block.
            /// The peer sees the end only when both are closed, or after `shutdown`. Unix only.
            ///
            /// # Errors
            /// `NotConnected` when the stream is closed; the system's: no descriptor is left.
            #[cfg(unix)]
            pub fn duplicate(&self) -> std::io::Result<std::os::fd::OwnedFd> {
                self.lp.stream_ask(self.id, $crate::driver::Driver::duplicate)
            }

            /// Reads into `buffer` for a future. Zero bytes are the end. One reading task at a time; after 32 reads without a
            /// wait it is pending for one pass, so that others get their turn.
            pub fn poll_read(
                &self,
                cx: &mut std::task::Context<'_>,
                buffer: &mut [u8],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.lp.stream_poll_read(self.id, cx, buffer, None)
            }

            /// Writes from `buffers` for a future, behind the queued writes. One writing task at a time; after 32 writes without
            /// a wait it is pending for one pass, so that others get their turn.
            pub fn poll_write(
                &self,
                cx: &mut std::task::Context<'_>,
                buffers: &[std::io::IoSlice<'_>],
            ) -> std::task::Poll<std::io::Result<usize>> {
                self.lp.stream_poll_write(self.id, cx, buffers, &[])
            }

            /// Ends our direction for a future, behind the queued writes.
            pub fn poll_shutdown(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<()>> {
                self.lp.stream_poll_shutdown(self.id, cx)
            }
        }

        $crate::handle::handle_methods!($type);
    };
}
pub(crate) use stream_methods;
