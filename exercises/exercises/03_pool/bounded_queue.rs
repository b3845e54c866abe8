//! A bounded queue: the place between those who have work and those who do it, with a limit.
//!
//! Without a limit, a queue in front of a busy pool grows until the memory is gone. With one, `push` waits until there is room.
//! Write the five methods of `Queue`:
//!
//! - `push` waits while the queue is full, and `pop` waits while it is empty. Waiting costs no processor time.
//! - `close` ends it: nobody waits any more. A `push` gets its item back as an error; a `pop` gets what is still inside, and
//!   then `None`.
//!
//! The grader lets several threads push and pop under many schedules. It finds items that are lost or come twice, a queue
//! that holds more than it may, and threads that wait for ever; for those it says where each one waits.
//!
//! `grader::sync` has `Mutex` and `Condvar` as in `std::sync`, but `lock` and `wait` return the guard itself. As in `std`, a
//! `wait` may return though nobody notified. Chapter: the pool and its size. The queue of this project is in
//! `crates/blocking-pool`.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::Mutex;

struct Queue {
    // TODO: a queue that never waits. What else do threads share, and on what do they wait?
    items: Mutex<VecDeque<u64>>,
}

impl BoundedQueue for Queue {
    fn new(_capacity: usize) -> Self {
        Queue { items: Mutex::new(VecDeque::new()) }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        // TODO: wait while the queue is full; give the item back once it is closed.
        self.items.lock().push_back(item);
        Ok(())
    }

    fn pop(&self) -> Option<u64> {
        // TODO: wait while the queue is empty.
        self.items.lock().pop_front()
    }

    fn close(&self) {
        // TODO
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::bounded_queue::grade::<Queue>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
