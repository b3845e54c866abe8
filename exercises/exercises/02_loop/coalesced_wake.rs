//! A coalesced wake-up: many threads have news for the loop, and one wake-up is enough.
//!
//! To wake a sleeping loop costs a call of the system, so of a burst of pushes only the first one should. But if the loop
//! goes to sleep while something is in its inbox, nobody ever comes to wake it: the wake-up is lost. Write the inbox:
//!
//! - `push` puts an item in and says whether the caller must wake the loop: the first since the loop last began to take.
//! - `take` gives the loop everything. The loop calls it once for each time that it was woken, and then sleeps again.
//!
//! The grader's loop sleeps until it is woken. It finds wake-ups that are lost (then it says what is left in the inbox) and
//! those that were one too many.
//!
//! `grader::sync` has `Mutex` (`lock` returns the guard itself) and `AtomicBool` with `load`, `store` and `swap`. Chapter:
//! the event loop in five steps. The inbox of this project is `crates/sync-protocols/src/inbox.rs`.

use grader::coalesced_wake::Inbox;
use grader::sync::Mutex;

struct Box {
    items: Mutex<Vec<u64>>,
    // TODO: what tells a push that the loop was woken already?
}

impl Inbox for Box {
    fn new() -> Self {
        Box { items: Mutex::new(Vec::new()) }
    }

    fn push(&self, item: u64) -> bool {
        self.items.lock().push(item);
        // TODO: every push wakes the loop.
        true
    }

    fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.items.lock())
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::coalesced_wake::grade::<Box>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
