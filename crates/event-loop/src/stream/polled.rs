//! What futures ask of a stream: read, write and end it now, or be woken when that is worth another try.
//!
//! A write that finds the system full is pending until there is room, so a task never has more under way than what it has in its
//! hands: nothing is queued here.

use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};

use super::state::with_stream;
use crate::core::LoopHandle;
use crate::driver::{Carried, Lent};
use crate::handle::HandleId;

impl LoopHandle {
    pub(crate) fn stream_poll_read(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        carried: Option<&mut Vec<Carried>>,
    ) -> Poll<io::Result<usize>> {
        let readable = with_stream(self, id, |state| state.open.then_some(state.readable));
        match readable.flatten() {
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(true) => match self.read_now(id, buffer, carried) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Some(false) => {}
        }
        let waker = cx.waker().clone();
        drop(with_stream(self, id, |state| state.read_waker.replace(waker)));
        Poll::Pending
    }

    pub(crate) fn stream_poll_write(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> Poll<io::Result<usize>> {
        let writable =
            with_stream(self, id, |state| state.open.then_some(state.writable && !state.connecting));
        match writable.flatten() {
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some(true) => match self.write_now(id, buffers, lent) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Some(false) => {}
        }
        let waker = cx.waker().clone();
        drop(with_stream(self, id, |state| state.write_waker.replace(waker)));
        Poll::Pending
    }

    pub(crate) fn stream_poll_shutdown(&self, id: HandleId) -> Poll<io::Result<()>> {
        let socket = with_stream(self, id, |state| {
            (state.open && !std::mem::replace(&mut state.shut, true)).then_some(state.socket)
        });
        let Some(Some(socket)) = socket else { return Poll::Ready(Ok(())) };
        match self.core.driver.borrow_mut().shutdown(socket, Shutdown::Write) {
            // The peer was faster: there is nothing left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}
