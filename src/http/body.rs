//! The queue of a body that is sent while it is made: senders put chunks in, the connection takes them as its client reads.
//!
//! # Model
//! ```text
//! producer --send--> queue of at most ROOM_BYTES --poll_frame--> hyper's buffer --> socket
//! ```
//!
//! # Invariants
//! - W5: at most `ROOM_BYTES` and one chunk wait in a stream; whoever has more waits until the client takes some.
//! - W6: when the client is gone, the future of the producer is dropped, its senders fail, and `BodySender::gone` ends.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use hyper::body::{Bytes, SizeHint};

use super::stream::Stream;

/// What may wait in a stream for its client.
const ROOM_BYTES: usize = 64 * 1024;

/// What an error of a producer is: any error. It cuts the connection, so that the client sees that the body is not whole.
pub type BodyFailure = Box<dyn std::error::Error>;

/// The client of a stream is gone, or the body has ended: nobody takes what is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone, or the stream has ended")]
pub struct ClientGone;

/// Why a chunk was not taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrySendError {
    /// As much as may wait waits already: the client reads slowly.
    #[error("the client reads slowly, and no more may wait for it")]
    Full,
    /// See [`ClientGone`].
    #[error(transparent)]
    Gone(#[from] ClientGone),
}

/// What a body and its senders share.
#[derive(Default)]
pub(super) struct Channel {
    queue: RefCell<VecDeque<Bytes>>,
    waiting_bytes: Cell<usize>,
    senders: Cell<usize>,
    gone: Cell<bool>,
    body: RefCell<Option<Waker>>,
    /// Senders that wait for room, or for the end.
    waiting: RefCell<Vec<Waker>>,
}

impl Channel {
    fn push(&self, chunk: Bytes) -> Result<(), TrySendError> {
        if self.gone.get() {
            return Err(ClientGone.into());
        }
        if self.waiting_bytes.get() >= ROOM_BYTES {
            return Err(TrySendError::Full);
        }
        if !chunk.is_empty() {
            self.waiting_bytes.set(self.waiting_bytes.get() + chunk.len());
            self.queue.borrow_mut().push_back(chunk);
            self.wake_body();
        }
        Ok(())
    }

    pub(super) fn pop(&self) -> Option<Bytes> {
        let chunk = self.queue.borrow_mut().pop_front()?;
        self.waiting_bytes.set(self.waiting_bytes.get() - chunk.len());
        self.wake_waiting();
        Some(chunk)
    }

    /// Nobody takes anything any more.
    pub(super) fn close(&self) {
        self.gone.set(true);
        drop(self.queue.take());
        self.waiting_bytes.set(0);
        self.wake_waiting();
    }

    /// Wakes `waker` when there is something to take, or the last sender has gone.
    pub(super) fn take_with(&self, waker: &Waker) {
        let waker = waker.clone();
        drop(self.body.replace(Some(waker)));
    }

    pub(super) fn has_senders(&self) -> bool {
        self.senders.get() > 0
    }

    fn wake_body(&self) {
        // A waker may be anybody's, so it is used without the borrow.
        let waker = self.body.borrow_mut().take();
        waker.into_iter().for_each(Waker::wake);
    }

    fn wake_waiting(&self) {
        let waiting = self.waiting.take();
        waiting.into_iter().for_each(Waker::wake);
    }

    fn wait(&self, cx: &mut Context<'_>) {
        let known = self.waiting.borrow().iter().any(|waker| waker.will_wake(cx.waker()));
        if !known {
            let waker = cx.waker().clone();
            self.waiting.borrow_mut().push(waker);
        }
    }
}

/// Sends the chunks of a body, from any task or callback of the loop. The body ends when its producer has ended and every
/// sender was dropped.
pub struct BodySender(Rc<Channel>);

impl BodySender {
    pub(super) fn new(channel: &Rc<Channel>) -> BodySender {
        channel.senders.set(channel.senders.get() + 1);
        BodySender(channel.clone())
    }

    /// Hands over a chunk, when less than 64 KiB wait for the client; until then it waits.
    ///
    /// # Errors
    /// [`ClientGone`], also while it waits.
    pub async fn send(&self, chunk: impl Into<Bytes>) -> Result<(), ClientGone> {
        let chunk = chunk.into();
        poll_fn(|cx| match self.0.push(chunk.clone()) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(TrySendError::Gone(gone)) => Poll::Ready(Err(gone)),
            Err(TrySendError::Full) => {
                self.0.wait(cx);
                Poll::Pending
            }
        })
        .await
    }

    /// Hands over a chunk now or not at all: for a sender to many clients, which does not wait for the slow ones.
    ///
    /// # Errors
    /// See [`TrySendError`].
    pub fn try_send(&self, chunk: impl Into<Bytes>) -> Result<(), TrySendError> {
        self.0.push(chunk.into())
    }

    /// Whether the client is gone, or the stream has ended.
    pub fn is_gone(&self) -> bool {
        self.0.gone.get()
    }

    /// Waits until the client is gone, or the stream has ended.
    pub async fn gone(&self) {
        poll_fn(|cx| match self.0.gone.get() {
            true => Poll::Ready(()),
            false => {
                self.0.wait(cx);
                Poll::Pending
            }
        })
        .await
    }
}

impl Clone for BodySender {
    fn clone(&self) -> Self {
        BodySender::new(&self.0)
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        if self.0.senders.get() == 0 {
            self.0.wake_body();
        }
    }
}

/// What a response or a request to send has as its body.
pub(super) enum Content {
    Whole(Bytes),
    Stream(Box<Stream>),
}

impl Content {
    pub(super) fn is_at_end(&self) -> bool {
        match self {
            Content::Whole(body) => body.is_empty(),
            Content::Stream(stream) => stream.left == Some(0),
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Content::Whole(body) => SizeHint::with_exact(body.len() as u64),
            Content::Stream(stream) => stream.left.map(SizeHint::with_exact).unwrap_or_default(),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Whole(body) => body.fmt(out),
            Content::Stream(_) => out.write_str("stream"),
        }
    }
}
