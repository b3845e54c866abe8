//! What futures ask of a stream: read, write and end it now, or be woken when that is worth another try.
//!
//! A write that finds the system full is pending until there is room, so a task never has more under way than what it has in its
//! hands: nothing is queued here. What callbacks have queued goes first: a task waits until that is with the system.

use std::io;
use std::net::Shutdown;
use std::task::{Context, Poll};

use super::had_its_turn;
use super::state::with_stream;
use crate::core::LoopHandle;
use crate::driver::{Carried, Lent};
use crate::handle::HandleId;

/// Not now, but in the next pass.
pub(super) fn after_others<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl LoopHandle {
    pub(crate) fn stream_poll_read(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
        carried: Option<&mut Vec<Carried>>,
    ) -> Poll<io::Result<usize>> {
        let turn = with_stream(self, id, |state| {
            let over = state.readable && had_its_turn(&mut state.reads_in_a_row);
            state.open.then_some((state.readable, over))
        });
        match turn.flatten() {
            None => return Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
            Some((_, true)) => return after_others(cx),
            Some((true, false)) => match self.read_now(id, buffer, carried) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Some((false, false)) => {}
        }
        let waker = cx.waker().clone();
        let old = with_stream(self, id, |state| {
            state.reads_in_a_row = 0;
            state.read_waker.replace(waker)
        });
        drop(old);
        Poll::Pending
    }

    pub(crate) fn stream_poll_write(
        &self,
        id: HandleId,
        cx: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
        lent: &[Lent<'_>],
    ) -> Poll<io::Result<usize>> {
        let turn = with_stream(self, id, |state| {
            if !state.open {
                return Err(io::ErrorKind::NotConnected);
            }
            // A shutdown that was asked for has had the last word.
            if state.shutdown.is_some() {
                return Err(io::ErrorKind::BrokenPipe);
            }
            let free = state.is_free() && state.writable;
            Ok((free, free && had_its_turn(&mut state.writes_in_a_row)))
        });
        match turn.unwrap_or(Err(io::ErrorKind::NotConnected)) {
            Err(kind) => return Poll::Ready(Err(kind.into())),
            Ok((_, true)) => return after_others(cx),
            Ok((true, false)) => match self.write_now(id, buffers, lent) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            },
            Ok((false, false)) => {}
        }
        self.wait_to_write(id, cx);
        Poll::Pending
    }

    /// The task is woken when the stream can be written, also when its queue moves on then: both come by the same edge.
    fn wait_to_write(&self, id: HandleId, cx: &mut Context<'_>) {
        let waker = cx.waker().clone();
        let old = with_stream(self, id, |state| {
            state.writes_in_a_row = 0;
            state.write_waker.replace(waker)
        });
        drop(old);
    }

    pub(crate) fn stream_poll_shutdown(&self, id: HandleId, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let socket = with_stream(self, id, |state| {
            if !state.open || state.shut || state.shutdown.is_some() {
                return Poll::Ready(None);
            }
            if !state.is_free() {
                return Poll::Pending;
            }
            state.shut = true;
            Poll::Ready(Some(state.socket))
        });
        let socket = match socket {
            Some(Poll::Ready(Some(socket))) => socket,
            Some(Poll::Ready(None)) | None => return Poll::Ready(Ok(())),
            Some(Poll::Pending) => {
                self.wait_to_write(id, cx);
                return Poll::Pending;
            }
        };
        match self.core.driver.borrow_mut().shutdown(socket, Shutdown::Write) {
            // The peer was faster: there is nothing left to end.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            result => Poll::Ready(result),
        }
    }
}
