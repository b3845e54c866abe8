//! Bodies that are sent while they are made: a producer hands over chunks, the connection takes them as its client reads.
//!
//! # Model
//! ```text
//! producer --send--> queue of at most ROOM_BYTES --poll_frame--> hyper's buffer --> socket
//! ```
//! The future of the producer lives inside the body and is polled with it, so it ends with its connection. A sender may leave
//! it, to other tasks or callbacks of the loop; the body ends when the future has ended and no sender is left.
//!
//! # Invariants
//! - W5: at most `ROOM_BYTES` and one chunk wait in a stream; whoever has more waits until the client takes some.
//! - W6: when the client is gone, the future of the producer is dropped, its senders fail, and `BodySender::gone` ends.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use event_loop::{Sleep, sleep};
use hyper::body::Bytes;

/// What may wait in a stream for its client.
const ROOM_BYTES: usize = 64 * 1024;

/// What an error of a producer is: any error. It cuts the connection, so that the client sees that the body is not whole.
pub type BodyFailure = Box<dyn std::error::Error>;

type Producer = Pin<Box<dyn Future<Output = Result<(), BodyFailure>>>>;

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
    fn close(&self) {
        self.gone.set(true);
        drop(self.queue.take());
        self.waiting_bytes.set(0);
        self.wake_waiting();
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
    fn new(channel: &Rc<Channel>) -> BodySender {
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

/// What goes out when nothing else did for a while, so that somebody on the way does not take the stream for dead.
struct Ping {
    text: &'static str,
    period: Duration,
    /// Armed while nothing is sent.
    sleep: Option<Sleep>,
}

/// A body that is made while it is sent.
pub(super) struct Stream {
    channel: Rc<Channel>,
    /// Until it has ended.
    producer: Option<Producer>,
    /// Bytes that are still to come, when the length was announced.
    pub(super) left: Option<u64>,
    ping: Option<Ping>,
    /// Why it cannot go on.
    pub(super) failed: Option<String>,
    /// A server that stops ends it between two chunks.
    pub(super) ends_with_server: bool,
}

impl Stream {
    pub(super) fn new<F>(producer: impl FnOnce(BodySender) -> F) -> Stream
    where
        F: Future<Output = Result<(), BodyFailure>> + 'static,
    {
        let channel = Rc::<Channel>::default();
        let producer: Producer = Box::pin(producer(BodySender::new(&channel)));
        Stream {
            channel,
            producer: Some(producer),
            left: None,
            ping: None,
            failed: None,
            ends_with_server: false,
        }
    }

    /// Sends `text` whenever nothing was sent for `period`.
    pub(super) fn with_ping(mut self, text: &'static str, period: Duration) -> Stream {
        self.ping = Some(Ping { text, period, sleep: None });
        self
    }

    /// The next chunk; polls the producer only when none waits. `None` is the end.
    pub(super) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>> {
        let waker = cx.waker().clone();
        drop(self.channel.body.replace(Some(waker)));
        if let Some(chunk) = self.take_chunk() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if let Some(Poll::Ready(ended)) = self.producer.as_mut().map(|producer| producer.as_mut().poll(cx)) {
            self.producer = None;
            if let Err(failure) = ended {
                return Poll::Ready(Some(Err(failure)));
            }
        }
        if let Some(chunk) = self.take_chunk() {
            return Poll::Ready(Some(Ok(chunk)));
        }
        if self.producer.is_none() && self.channel.senders.get() == 0 {
            return Poll::Ready(None);
        }
        let Some(ping) = &mut self.ping else { return Poll::Pending };
        let nap = ping.sleep.get_or_insert_with(|| sleep(ping.period));
        match Pin::new(nap).poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => {
                ping.sleep = None;
                Poll::Ready(Some(Ok(Bytes::from_static(ping.text.as_bytes()))))
            }
        }
    }

    /// A chunk that waits.
    pub(super) fn take_chunk(&mut self) -> Option<Bytes> {
        let chunk = self.channel.pop()?;
        if let Some(ping) = &mut self.ping {
            ping.sleep = None;
        }
        Some(chunk)
    }

    /// Drops the producer, whose destructors are the user's.
    pub(super) fn drop_producer(&mut self) {
        self.channel.close();
        self.producer = None;
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.channel.close();
    }
}

/// What a response or a request to send has as its body.
pub(super) enum Content {
    Whole(Bytes),
    Stream(Box<Stream>),
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Whole(body) => body.fmt(out),
            Content::Stream(_) => out.write_str("stream"),
        }
    }
}
