//! The waker of a local task: a key, a mark, and the way to the loop.

use std::sync::Arc;
use std::task::Wake;

use sync_protocols::Coalesced;

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
/// While `queued` is up, the key is in the ready queue or on its way there, and further wake-ups are one with it
/// ([`Coalesced`]).
pub(crate) struct TaskWaker {
    key: TaskKey,
    loop_id: u64,
    queued: Coalesced,
    shared: Arc<Shared>,
}

impl TaskWaker {
    /// The waker of a new task, which starts as if woken: its maker queues the key.
    pub(super) fn new(key: TaskKey, loop_id: u64, shared: Arc<Shared>) -> TaskWaker {
        TaskWaker { key, loop_id, queued: Coalesced::raised(), shared }
    }

    /// The mark goes up, and the caller queues the key, whether or not it was on its way already.
    #[cfg(unix)]
    pub(super) fn raise(&self) {
        let _ = self.queued.raise();
    }

    /// The key left the queue and the poll is about to begin: a wake-up from now on queues it again.
    pub(super) fn lower(&self) {
        self.queued.lower();
    }
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.queued.raise() {
            return;
        }
        match LoopHandle::current().filter(|lp| lp.core.id == self.loop_id) {
            Some(lp) => lp.wake_task(self.key),
            // On a loop that is gone there is nothing left to wake.
            None => drop(self.shared.send(Item::WakeTask(self.key))),
        }
    }
}
