//! Local tasks: futures that the loop polls in a phase of its own, and need not be Send.
//!
//! # Model
//! A waker holds only the task's key. Waking on the loop's thread, while it runs, appends the key to the ready
//! queue; from elsewhere the key goes through the inbox. The tasks phase polls what was ready when it began;
//! what is woken meanwhile waits for the next pass, whose poll does not sleep. So a task that yields again and
//! again lets sockets and timers in each time.
//!
//! A task that has not finished keeps the loop alive, unless its handle says otherwise.
//!
//! # Invariants
//! - K1: a task is polled at most once in a pass, and not after it finished or was cancelled.
//! - K2: a wake-up that comes while the task is polled leads to another poll.
//!
//! # Threads
//! Futures live and die on the loop's thread. Wakers may be woken and dropped anywhere, also after the loop.

mod join;
mod limits;
mod combine;
mod channel;
mod set;
mod shutdown;
mod sleep;
mod waker;

pub use channel::{Receiver, Sender, channel};
pub use combine::{Either, join, join_all, select, select_all};
pub use join::{JoinError, JoinHandle, OneshotReceiver, OneshotSender, oneshot};
pub use limits::{Interval, TimedOut, interval, timeout};
pub use set::{Drained, TaskSet};
pub use shutdown::Shutdown;
pub use sleep::{Sleep, YieldNow, sleep, sleep_until, yield_now};

pub(crate) use waker::TaskKey;

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use slab::Slab;

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::phase::Callee;
use crate::shrink::shrink_when_sparse;
use waker::TaskWaker;

type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

struct Task {
    number: u32,
    /// Taken out while it is polled.
    future: Option<LocalFuture>,
    waker: Waker,
    state: Arc<TaskWaker>,
    referenced: bool,
    location: &'static Location<'static>,
}

/// The tasks of a loop and the queue of those that were woken.
#[derive(Default)]
pub(crate) struct Tasks {
    slots: RefCell<Slab<Task>>,
    ready: RefCell<VecDeque<TaskKey>>,
    referenced: Cell<usize>,
    next_number: Cell<u32>,
}

impl Tasks {
    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(crate) fn keep_alive(&self) -> bool {
        self.referenced.get() > 0
    }

    pub(crate) fn any_ready(&self) -> bool {
        !self.ready.borrow().is_empty()
    }

    fn count(&self, more: bool) {
        let count = self.referenced.get();
        self.referenced.set(if more { count + 1 } else { count - 1 });
    }

    fn remove(&self, key: TaskKey) -> Option<Task> {
        let mut slots = self.slots.borrow_mut();
        slots.get(key.slot as usize).filter(|task| task.number == key.number)?;
        let task = slots.remove(key.slot as usize);
        shrink_when_sparse(&mut slots);
        if task.referenced {
            self.count(false);
        }
        Some(task)
    }

    fn with<R>(&self, key: TaskKey, access: impl FnOnce(&mut Task) -> R) -> Option<R> {
        let mut slots = self.slots.borrow_mut();
        slots.get_mut(key.slot as usize).filter(|task| task.number == key.number).map(access)
    }
}

thread_local! {
    /// The loops that run on this thread, innermost last.
    static RUNNING: RefCell<Vec<LoopHandle>> = const { RefCell::new(Vec::new()) };
}

/// While this lives, the loop is the current one of its thread.
pub(crate) struct Running;

pub(crate) fn enter_loop(lp: &LoopHandle) -> Running {
    RUNNING.with(|running| running.borrow_mut().push(lp.clone()));
    Running
}

impl Drop for Running {
    fn drop(&mut self) {
        let left = RUNNING.with(|running| running.borrow_mut().pop());
        drop(left);
    }
}

impl LoopHandle {
    /// The loop that runs on this thread now, if one does.
    pub fn current() -> Option<LoopHandle> {
        RUNNING.try_with(|running| running.borrow().last().cloned()).ok().flatten()
    }

    /// Starts a task. Dropping the handle lets it run on by itself.
    #[track_caller]
    pub fn spawn<T: 'static>(&self, future: impl Future<Output = T> + 'static) -> JoinHandle<T> {
        let location = Location::caller();
        let (future, state) = join::joined(future);
        let number = self.core.tasks.next_number.get().wrapping_add(1);
        self.core.tasks.next_number.set(number);
        if self.core.closed.get() {
            self.dispose(location, future);
            return JoinHandle::new(self.clone(), TaskKey { slot: u32::MAX, number }, state);
        }
        let key = {
            let mut slots = self.core.tasks.slots.borrow_mut();
            let entry = slots.vacant_entry();
            let key = TaskKey { slot: entry.key() as u32, number };
            let waker_state = Arc::new(TaskWaker::new(key, self.core.id, self.core.remotes.shared()));
            let waker = Waker::from(waker_state.clone());
            let future: LocalFuture = Box::pin(future);
            entry.insert(Task {
                number,
                future: Some(future),
                waker,
                state: waker_state,
                referenced: true,
                location,
            });
            key
        };
        self.core.tasks.count(true);
        // Its waker was made with the queued mark up.
        self.wake_task(key);
        JoinHandle::new(self.clone(), key, state)
    }

    /// Appends a task to the ready queue; the caller owns its queued mark.
    pub(crate) fn wake_task(&self, key: TaskKey) {
        self.core.tasks.ready.borrow_mut().push_back(key);
    }

    /// In the child of a fork: every task is polled once, for wake-ups on their way were lost.
    #[cfg(unix)]
    pub(crate) fn wake_all_tasks(&self) {
        let slots = self.core.tasks.slots.borrow();
        let mut ready = self.core.tasks.ready.borrow_mut();
        ready.clear();
        for (slot, task) in &*slots {
            task.state.raise();
            ready.push_back(TaskKey { slot: slot as u32, number: task.number });
        }
    }

    /// The tasks phase: one snapshot of the ready queue.
    pub(crate) fn run_tasks(&self) {
        let round = self.core.tasks.ready.borrow().len();
        for _ in 0..round {
            if self.core.must_end() {
                return;
            }
            let Some(key) = self.core.tasks.ready.borrow_mut().pop_front() else { return };
            self.poll_task(key);
        }
    }

    fn poll_task(&self, key: TaskKey) {
        let taken = self.core.tasks.with(key, |task| {
            // Lowered before the poll: a wake-up during it queues the task again (K2).
            task.state.lower();
            task.future.take().map(|future| (future, task.waker.clone(), task.location))
        });
        let Some(Some((mut future, waker, location))) = taken else { return };
        let site = Site::new(Callee::Task, key.slot, location);
        let polled = self.call(site, || future.as_mut().poll(&mut Context::from_waker(&waker)));
        let mut future = Some(future);
        if let Some(Poll::Pending) = polled {
            self.core.tasks.with(key, |task| task.future = future.take());
        } else {
            let task = self.core.tasks.remove(key);
            self.dispose(location, task);
        }
        // Still here: it finished, panicked, or was cancelled by its own poll.
        self.dispose(location, future);
    }

    pub(crate) fn cancel_task(&self, key: TaskKey) {
        let task = self.core.tasks.remove(key);
        if let Some(task) = task {
            self.dispose(task.location, task);
        }
    }

    pub(crate) fn task_exists(&self, key: TaskKey) -> bool {
        self.core.tasks.with(key, |_| ()).is_some()
    }

    pub(crate) fn set_task_ref(&self, key: TaskKey, referenced: bool) {
        let changed = self
            .core
            .tasks
            .with(key, |task| std::mem::replace(&mut task.referenced, referenced) != referenced);
        if changed == Some(true) {
            self.core.tasks.count(referenced);
        }
    }

    pub(crate) fn cancel_all_tasks(&self) {
        let keys: Vec<TaskKey> = {
            let slots = self.core.tasks.slots.borrow();
            slots.iter().map(|(slot, task)| TaskKey { slot: slot as u32, number: task.number }).collect()
        };
        for key in keys {
            self.cancel_task(key);
        }
        self.core.tasks.ready.borrow_mut().clear();
    }
}
