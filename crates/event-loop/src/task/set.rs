//! A set of tasks that end together.
//!
//! # Model
//! Each task of a set carries a note that says which one it is. The note is left when the task's future is dropped, so for
//! every end: finished, panicked, cancelled. Whoever waits for the set takes notes, and asks nobody who left none.
//!
//! # Invariants
//! - TS1: no task of a set outlives it: those that are left are cancelled when it is dropped.
//! - TS2: each task is told once, in the order of their ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};
use std::time::Duration;

use slab::Slab;

use super::{Either, JoinError, JoinHandle, select, sleep};
use crate::core::LoopHandle;

/// Tasks that are waited for one by one, and cancelled together.
///
/// ```
/// use event_loop::{EventLoop, LoopHandle, RunMode, TaskSet, sleep};
/// use std::time::Duration;
///
/// let event_loop = EventLoop::new()?;
/// let lp = event_loop.handle();
/// let sorted = lp.spawn(async move {
///     let (lp, mut set) = (LoopHandle::current().unwrap(), TaskSet::default());
///     for n in [30, 10, 20] {
///         set.spawn(&lp, async move {
///             sleep(Duration::from_millis(n)).await;
///             n
///         });
///     }
///     let mut sorted = Vec::new();
///     while let Some(n) = set.join_next().await {
///         sorted.push(n.unwrap());
///     }
///     sorted
/// });
/// event_loop.run(RunMode::Default)?;
/// assert_eq!(sorted.try_take(), Some(Ok(vec![10, 20, 30])));
/// # Ok::<(), event_loop::LoopError>(())
/// ```
pub struct TaskSet<T> {
    tasks: Slab<JoinHandle<T>>,
    ended: Rc<Ended>,
}

/// The places of tasks that have ended and were not told yet.
#[derive(Default)]
struct Ended {
    places: RefCell<VecDeque<usize>>,
    waiter: RefCell<Option<Waker>>,
}

/// Leaves the place of its task when it is dropped.
struct Note {
    place: usize,
    ended: Rc<Ended>,
}

impl Drop for Note {
    fn drop(&mut self) {
        self.ended.places.borrow_mut().push_back(self.place);
        let waiter = self.ended.waiter.take();
        waiter.into_iter().for_each(Waker::wake);
    }
}

/// How the tasks of a set ended; see [`TaskSet::drain`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Tasks that came to their end.
    pub finished: usize,
    /// Tasks that panicked.
    pub panicked: usize,
    /// Tasks that were cancelled by somebody else.
    pub cancelled: usize,
    /// Tasks that were cancelled because the time was up.
    pub cut: usize,
}

impl<T> Default for TaskSet<T> {
    /// An empty set.
    fn default() -> TaskSet<T> {
        TaskSet { tasks: Slab::new(), ended: Rc::default() }
    }
}

impl<T: 'static> TaskSet<T> {
    /// Starts a task of the set.
    #[track_caller]
    pub fn spawn(&mut self, lp: &LoopHandle, future: impl Future<Output = T> + 'static) {
        let entry = self.tasks.vacant_entry();
        let note = Note { place: entry.key(), ended: self.ended.clone() };
        entry.insert(lp.spawn(async move {
            let _note = note;
            future.await
        }));
    }
}

impl<T> TaskSet<T> {
    /// The outcome of the next task that ends, or has ended; `None` when the set is empty. Dropped before it is ready, it has
    /// taken nothing.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| {
            if let Some(outcome) = self.try_join_next() {
                return Poll::Ready(Some(outcome));
            }
            if self.tasks.is_empty() {
                return Poll::Ready(None);
            }
            let waker = cx.waker().clone();
            drop(self.ended.waiter.replace(Some(waker)));
            Poll::Pending
        })
        .await
    }

    /// The outcome of a task that has ended, if there is one. A set that runs for long must be asked now and then: an outcome is
    /// kept until it is taken.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        let place = self.ended.places.borrow_mut().pop_front()?;
        let task = self.tasks.remove(place);
        Some(task.try_take().unwrap_or(Err(JoinError::Cancelled)))
    }

    /// Waits until all tasks have ended, but not longer than `grace` from now on; then cancels those that are left. The set is
    /// empty afterwards.
    pub async fn drain(&mut self, grace: Duration) -> Drained {
        let mut drained = Drained::default();
        let mut nap = sleep(grace);
        // The tasks are asked first: who has ended by then is not cut.
        while let Either::First(Some(outcome)) = select(self.join_next(), &mut nap).await {
            match outcome {
                Ok(_) => drained.finished += 1,
                Err(JoinError::Panicked(_)) => drained.panicked += 1,
                Err(JoinError::Cancelled) => drained.cancelled += 1,
            }
        }
        drained.cut = self.tasks.len();
        drop(std::mem::take(self));
        drained
    }

    /// Cancels all tasks; their outcomes can still be taken. A task of the set that does this itself ends with its poll.
    pub fn cancel_all(&self) {
        for (_, task) in &self.tasks {
            task.cancel();
        }
    }

    /// How many tasks have not been taken: those that run, and those that have ended.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether every task was taken.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl<T> Drop for TaskSet<T> {
    fn drop(&mut self) {
        self.cancel_all();
    }
}
