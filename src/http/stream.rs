//! A body that is made while it is sent: its producer, its length, and who runs in between.
//!
//! # Model
//! The future of the producer lives inside the body and is polled with it, so it ends with its connection. A sender may leave
//! it, to other tasks or callbacks of the loop; the body ends when the future has ended and no sender is left.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_loop::{LoopHandle, Sleep, SpanSite, sleep};
use hyper::body::{Bytes, Frame};

use super::body::{BodyFailure, BodySender, Channel};

/// How much a stream hands over before others have a turn, when its producer always has something and its client always
/// takes it.
const TURN_BYTES: usize = 256 * 1024;

type Producer = Pin<Box<dyn Future<Output = Result<(), BodyFailure>>>>;

/// A body that cannot be sent to its end. hyper ends the connection, so the other side sees that it is not whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFailed {
    #[error("the producer of the body panicked")]
    Panicked,
    #[error("the body is longer than was said")]
    TooLong,
    #[error("the body is shorter than was said")]
    TooShort,
    #[error("the producer of the body failed: {0}")]
    Producer(String),
}

pub(super) type Polled = Poll<Option<Result<Frame<Bytes>, BodyFailed>>>;

/// Runs code of a user within its span; `None` when it panics.
pub(super) fn guarded<R>(span: Option<&SpanSite>, code: impl FnOnce() -> R) -> Option<R> {
    let code = || catch_unwind(AssertUnwindSafe(code)).ok();
    match (LoopHandle::current(), span) {
        (Some(lp), Some(span)) => lp.in_span(span, code),
        _ => code(),
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
    /// Why it cannot go on, until that was told.
    failed: Option<BodyFailed>,
    /// How much it may hand over before others have a turn.
    turn_bytes: usize,
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
            turn_bytes: TURN_BYTES,
            ends_with_server: false,
        }
    }

    /// Sends `text` whenever nothing was sent for `period`.
    pub(super) fn with_ping(mut self, text: &'static str, period: Duration) -> Stream {
        self.ping = Some(Ping { text, period, sleep: None });
        self
    }

    /// The next chunk for hyper; the producer runs within `span`. `None` is the end.
    pub(super) fn poll_frame(&mut self, span: Option<&SpanSite>, cx: &mut Context<'_>) -> Polled {
        if let Some(failed) = self.failed.take() {
            return Poll::Ready(Some(Err(failed)));
        }
        if self.turn_bytes == 0 {
            self.turn_bytes = TURN_BYTES;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(polled) = guarded(span, || self.poll_chunk(cx)) else {
            return self.fail(BodyFailed::Panicked, cx);
        };
        match polled {
            Poll::Pending => {
                self.turn_bytes = TURN_BYTES;
                Poll::Pending
            }
            Poll::Ready(Some(Ok(chunk))) => {
                self.turn_bytes = self.turn_bytes.saturating_sub(chunk.len());
                if let Some(left) = &mut self.left {
                    let Some(less) = left.checked_sub(chunk.len() as u64) else {
                        return self.fail(BodyFailed::TooLong, cx);
                    };
                    *left = less;
                }
                Poll::Ready(Some(Ok(Frame::data(chunk))))
            }
            Poll::Ready(Some(Err(failure))) => self.fail(BodyFailed::Producer(failure.to_string()), cx),
            Poll::Ready(None) if self.left.is_some_and(|left| left > 0) => {
                self.fail(BodyFailed::TooShort, cx)
            }
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    /// Fails with the next poll: hyper throws away what it has not flushed, and flushes when a body has nothing.
    fn fail(&mut self, failed: BodyFailed, cx: &mut Context<'_>) -> Polled {
        self.failed = Some(failed);
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Polls the producer only when no chunk waits.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BodyFailure>>> {
        self.channel.take_with(cx.waker());
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
        if self.producer.is_none() && !self.channel.has_senders() {
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
