//! A bounded channel into a loop, from other threads and from tasks.
//!
//! # Model
//! Senders go to any thread, the receiver is awaited by one task. [`Channel`] has the protocol, and the models of its races;
//! here are its futures. A place that becomes free belongs to the sender that has waited longest, and a burst is one wake-up.
//!
//! The channel itself keeps no loop alive. A task that waits for it does, as every task, until its handle says otherwise.
//!
//! # Invariants
//! - CH1: a send that is dropped before it is ready has sent nothing, and its place goes to the next.
//! - CH2: after a turn of values a receiver lets the rest of the loop in, however many more there are.
//! - CH3: a receiver that does not wait any more leaves no waker, which would hold its loop's descriptors while a sender lives.
//!
//! # Threads
//! Both ends may be moved, used and dropped on any thread, also when a loop is gone.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{SendError, TryRecvError, TrySendError};
use std::task::{Context, Poll};

use sync_protocols::Channel;

use super::JoinHandle;
use crate::core::LoopHandle;

/// How many values a receiver gives without a wait before it lets others have their turn.
const TURN: usize = 128;

/// A channel in which at most `capacity` values wait.
///
/// ```
/// use event_loop::{EventLoop, RunMode, channel};
///
/// let event_loop = EventLoop::new()?;
/// let (sender, mut receiver) = channel(16);
/// let thread = std::thread::spawn(move || {
///     for n in 0..100 {
///         sender.send_blocking(n).expect("the receiver is there");
///     }
/// });
/// let sum = event_loop.handle().spawn(async move {
///     let mut sum = 0;
///     while let Some(n) = receiver.recv().await {
///         sum += n;
///     }
///     sum
/// });
/// event_loop.run(RunMode::Default)?;
/// assert_eq!(sum.try_take(), Some(Ok(4_950)));
/// # thread.join().unwrap();
/// # Ok::<(), event_loop::LoopError>(())
/// ```
///
/// # Panics
/// When `capacity` is 0: nothing could ever be sent.
#[track_caller]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    assert!(capacity > 0, "a channel needs a capacity");
    let channel = Arc::new(Channel::new(capacity));
    (Sender { channel: channel.clone() }, Receiver { channel, given: 0 })
}

/// The sending end, for any thread; clones are senders of their own. When the last one is dropped the channel ends.
pub struct Sender<T> {
    channel: Arc<Channel<T>>,
}

impl<T> Sender<T> {
    /// Sends if a place is free that nobody has waited for.
    ///
    /// # Errors
    /// `Full`, or `Disconnected` when the receiver is gone or closed, each with the value.
    pub fn try_send(&self, value: T) -> Result<(), TrySendError<T>> {
        self.channel.try_send(value)
    }

    /// Sends, and waits for a place where there is none: for tasks. What one task sends through one sender arrives in that
    /// order.
    ///
    /// # Errors
    /// [`SendError`] with the value, when the receiver is gone or closed, before or meanwhile.
    pub async fn send(&self, value: T) -> Result<(), SendError<T>> {
        SendFuture { channel: &self.channel, value: Some(value), ticket: None }.await
    }

    /// Sends, and puts the thread to sleep while there is no place: for threads that run no loop.
    ///
    /// # Errors
    /// [`SendError`] with the value, when the receiver is gone or closed, before or meanwhile.
    ///
    /// # Panics
    /// On a thread where a loop runs, which might wait for itself for ever: use [`Sender::send`] there.
    #[track_caller]
    pub fn send_blocking(&self, value: T) -> Result<(), SendError<T>> {
        assert!(
            LoopHandle::current().is_none(),
            "a loop runs on this thread and must not block: use `send` in a task, or `try_send`"
        );
        self.channel.send_blocking(value)
    }

    /// Whether the receiver is gone or closed, so that nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.channel.is_closed()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Sender<T> {
        self.channel.add_sender();
        Sender { channel: self.channel.clone() }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.channel.remove_sender();
    }
}

/// A value that waits for its place.
struct SendFuture<'a, T> {
    channel: &'a Channel<T>,
    value: Option<T>,
    ticket: Option<u64>,
}

/// The value is only moved, never pinned.
impl<T> Unpin for SendFuture<'_, T> {}

impl<T> Future for SendFuture<'_, T> {
    type Output = Result<(), SendError<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let value = this.value.take().expect("a send is not polled after it was ready");
        match this.channel.send(value, &mut this.ticket, cx.waker()) {
            Ok(()) => Poll::Ready(Ok(())),
            Err(TrySendError::Disconnected(value)) => Poll::Ready(Err(SendError(value))),
            Err(TrySendError::Full(value)) => {
                this.value = Some(value);
                Poll::Pending
            }
        }
    }
}

impl<T> Drop for SendFuture<'_, T> {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.channel.give_up(ticket);
        }
    }
}

/// The receiving end. When it is dropped, senders get their values back, and what waits is dropped.
pub struct Receiver<T> {
    channel: Arc<Channel<T>>,
    /// How many values it gave since it last had to wait.
    given: usize,
}

impl<T> Receiver<T> {
    /// The next value; `None` when all senders are gone, or the channel was closed, and nothing is left. Dropped before it is
    /// ready, it has taken nothing. In a flood of values it lets the rest of the loop in after every 128.
    pub async fn recv(&mut self) -> Option<T> {
        let mut waiting = Waiting { receiver: self, has_waker: false };
        poll_fn(|cx| waiting.poll(cx)).await
    }

    fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.given == TURN {
            self.given = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        match self.channel.receive(cx.waker()) {
            Ok(value) => {
                self.given += 1;
                Poll::Ready(Some(value))
            }
            Err(TryRecvError::Disconnected) => Poll::Ready(None),
            Err(TryRecvError::Empty) => {
                self.given = 0;
                Poll::Pending
            }
        }
    }

    /// The next value if there is one now.
    ///
    /// # Errors
    /// `Empty` for now, or `Disconnected`: empty for good.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        self.channel.try_receive()
    }

    /// Refuses further values; what was sent before can still be received.
    pub fn close(&mut self) {
        self.channel.close();
    }

    /// How many values wait.
    pub fn len(&self) -> usize {
        self.channel.len()
    }

    /// Whether no value waits.
    pub fn is_empty(&self) -> bool {
        self.channel.is_empty()
    }

    /// Calls back with each value, on the thread of `lp`, until all senders are gone. It is a task: it keeps the loop alive, the
    /// handle cancels it, a panic of the callback ends it, and ticks and microtasks run when its turn of values is over.
    #[track_caller]
    pub fn on_value(
        mut self,
        lp: &LoopHandle,
        mut callback: impl FnMut(&LoopHandle, T) + 'static,
    ) -> JoinHandle<()>
    where
        T: 'static,
    {
        let own = lp.clone();
        lp.spawn(async move {
            while let Some(value) = self.recv().await {
                callback(&own, value);
            }
        })
    }
}

/// A wait for a value, which takes its waker back when it is given up.
struct Waiting<'a, T> {
    receiver: &'a mut Receiver<T>,
    has_waker: bool,
}

impl<T> Waiting<'_, T> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let polled = self.receiver.poll_recv(cx);
        self.has_waker = polled.is_pending();
        polled
    }
}

impl<T> Drop for Waiting<'_, T> {
    fn drop(&mut self) {
        if self.has_waker {
            self.receiver.channel.stop_waiting();
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.channel.close();
        drop(self.channel.clear());
    }
}
