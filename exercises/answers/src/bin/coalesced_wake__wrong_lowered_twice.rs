//! Wrong: it lowers the flag before and after it takes the items; two wake the loop for the same burst.

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
        self.is_woken.store(false);
        let items = std::mem::take(&mut *self.items.lock());
        self.is_woken.store(false);
        items
    }
}

fn main() {
    grader::coalesced_wake::grade::<Box>();
}
