//! The waker of a local task: a key, a mark, and the way to the loop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Wake;

use crate::core::LoopHandle;
use crate::remote::{Item, Shared};

/// Which task: its slot, and the number that tells it from earlier users of the slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskKey {
    pub(crate) slot: u32,
    pub(crate) number: u32,
}

/// What every clone of a task's waker shares.
///
/// | `queued` | meaning |
/// |---|---|
/// | false | in no queue; a wake-up must queue the key |
/// | true | the key is in the ready queue or on its way there; further wake-ups are one with it |
pub(crate) struct TaskWaker {
    key: TaskKey,
    loop_id: u64,
    queued: AtomicBool,
    shared: Arc<Shared>,
}

impl TaskWaker {
    pub(super) fn new(key: TaskKey, loop_id: u64, shared: Arc<Shared>) -> TaskWaker {
        TaskWaker { key, loop_id, queued: AtomicBool::new(false), shared }
    }

    pub(super) fn mark_queued(&self) {
        self.queued.store(true, Ordering::SeqCst);
    }

    pub(super) fn unmark_queued(&self) {
        self.queued.store(false, Ordering::SeqCst);
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::SeqCst) {
            return;
        }
        match LoopHandle::current().filter(|lp| lp.core.id == self.loop_id) {
            Some(lp) => lp.wake_task(self.key),
            // On a loop that is gone there is nothing left to wake.
            None => drop(self.shared.send(Item::WakeTask(self.key))),
        }
    }
}
