//! The outcome of a task, and a one-value channel between tasks and callbacks of one loop.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::TaskKey;
use crate::core::LoopHandle;
use crate::error::panic_message;

/// Why a task has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JoinError {
    /// It was cancelled, or its loop is gone.
    #[error("the task was cancelled")]
    Cancelled,
    /// It panicked.
    #[error("the task panicked: {0}")]
    Panicked(String),
}

pub(super) struct JoinState<T> {
    result: RefCell<Option<Result<T, JoinError>>>,
    waiter: RefCell<Option<Waker>>,
    finished: Cell<bool>,
    /// Somebody holds the handle, so a panic has somebody to go to.
    watched: Cell<bool>,
}

impl<T> JoinState<T> {
    fn finish(&self, result: Result<T, JoinError>) {
        if !self.finished.replace(true) {
            *self.result.borrow_mut() = Some(result);
            let waiter = self.waiter.take();
            if let Some(waiter) = waiter {
                waiter.wake();
            }
        }
    }
}

/// Finishes the state as cancelled when the future is dropped before its end.
struct CancelOnDrop<T>(Rc<JoinState<T>>);

impl<T> Drop for CancelOnDrop<T> {
    fn drop(&mut self) {
        self.0.finish(Err(JoinError::Cancelled));
    }
}

/// The future of a task: the user's, with its outcome kept for the handle.
pub(super) fn joined<T: 'static>(
    future: impl Future<Output = T> + 'static,
) -> (impl Future<Output = ()> + 'static, Rc<JoinState<T>>) {
    let state = Rc::new(JoinState {
        result: RefCell::new(None),
        waiter: RefCell::new(None),
        finished: Cell::new(false),
        watched: Cell::new(true),
    });
    let guard = CancelOnDrop(state.clone());
    let wrapped = async move {
        let guard = guard;
        let mut future = pin!(future);
        let outcome = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Err(payload) if guard.0.watched.get() => {
                Poll::Ready(Err(JoinError::Panicked(panic_message(payload.as_ref()))))
            }
            Err(payload) => resume_unwind(payload),
        })
        .await;
        guard.0.finish(outcome);
    };
    (wrapped, state)
}

/// The handle of a task: a future of its outcome. Dropping it lets the task run on.
pub struct JoinHandle<T> {
    lp: LoopHandle,
    key: TaskKey,
    state: Rc<JoinState<T>>,
}

impl<T> JoinHandle<T> {
    pub(super) fn new(lp: LoopHandle, key: TaskKey, state: Rc<JoinState<T>>) -> JoinHandle<T> {
        JoinHandle { lp, key, state }
    }

    /// Drops the task's future now; joining it then gives [`JoinError::Cancelled`]. A task that cancels itself
    /// is dropped when its poll returns.
    pub fn cancel(&self) {
        self.lp.cancel_task(self.key);
    }

    /// Whether the task has ended, in whatever way.
    pub fn is_finished(&self) -> bool {
        self.state.finished.get() || !self.lp.task_exists(self.key)
    }

    /// Lets the task keep the loop alive (the default), or not.
    pub fn set_ref(&self, referenced: bool) {
        self.lp.set_task_ref(self.key, referenced);
    }

    /// The outcome if the task has ended; it can be taken once.
    pub fn try_take(&self) -> Option<Result<T, JoinError>> {
        self.state.result.borrow_mut().take()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Some(result) = self.try_take() {
            return Poll::Ready(result);
        }
        if self.is_finished() {
            return Poll::Ready(Err(JoinError::Cancelled));
        }
        let waker = cx.waker().clone();
        drop(self.state.waiter.replace(Some(waker)));
        Poll::Pending
    }
}

impl<T> Drop for JoinHandle<T> {
    fn drop(&mut self) {
        self.state.watched.set(false);
    }
}

struct OneshotState<T> {
    value: RefCell<Option<T>>,
    waiter: RefCell<Option<Waker>>,
    sender_gone: Cell<bool>,
}

/// A channel for one value between parts of one loop's thread.
pub fn oneshot<T>() -> (OneshotSender<T>, OneshotReceiver<T>) {
    let state = Rc::new(OneshotState {
        value: RefCell::new(None),
        waiter: RefCell::new(None),
        sender_gone: Cell::new(false),
    });
    (OneshotSender(state.clone()), OneshotReceiver(state))
}

/// Sends the one value.
pub struct OneshotSender<T>(Rc<OneshotState<T>>);

impl<T> OneshotSender<T> {
    /// Delivers the value.
    pub fn send(self, value: T) {
        *self.0.value.borrow_mut() = Some(value);
    }
}

impl<T> Drop for OneshotSender<T> {
    fn drop(&mut self) {
        self.0.sender_gone.set(true);
        let waiter = self.0.waiter.take();
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }
}

/// A future of the one value; `None` when the sender was dropped without sending.
pub struct OneshotReceiver<T>(Rc<OneshotState<T>>);

impl<T> Future for OneshotReceiver<T> {
    type Output = Option<T>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let value = self.0.value.borrow_mut().take();
        if value.is_some() || self.0.sender_gone.get() {
            return Poll::Ready(value);
        }
        let waker = cx.waker().clone();
        drop(self.0.waiter.replace(Some(waker)));
        Poll::Pending
    }
}
