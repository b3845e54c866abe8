//! Wrong: `take` asks for the lock while it has it.

use grader::coalesced_wake::Inbox;
use grader::sync::{AtomicBool, Mutex};

struct Box {
    items: Mutex<Vec<u64>>,
    /// Somebody has woken the loop or is about to, since it last began to take.
    is_woken: AtomicBool,
}

impl Inbox for Box {
    fn new() -> Self {
        Box { items: Mutex::new(Vec::new()), is_woken: AtomicBool::new(false) }
    }

    fn push(&self, item: u64) -> bool {
        // First the item, then the flag: who raises the flag promises that the item is there.
        self.items.lock().push(item);
        !self.is_woken.swap(true)
    }

    fn take(&self) -> Vec<u64> {
        // First the flag, then the items: what comes in between finds the flag lowered and wakes again.
        self.is_woken.store(false);
        let items = self.items.lock();
        let taken = items.clone();
        self.items.lock().clear();
        taken
    }
}

fn main() {
    grader::coalesced_wake::grade::<Box>();
}
