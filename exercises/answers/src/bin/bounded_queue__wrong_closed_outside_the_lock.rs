//! Wrong: closing is not under the lock, so it may come between a look and the sleep after it, and wake nobody.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::{AtomicBool, Condvar, Mutex};

struct Queue {
    items: Mutex<VecDeque<u64>>,
    is_closed: AtomicBool,
    capacity: usize,
    /// There may be room: somebody popped, or the queue was closed.
    has_room: Condvar,
    /// There may be an item: somebody pushed, or the queue was closed.
    has_item: Condvar,
}

impl BoundedQueue for Queue {
    fn new(capacity: usize) -> Self {
        Queue {
            items: Mutex::new(VecDeque::new()),
            is_closed: AtomicBool::new(false),
            capacity,
            has_room: Condvar::new(),
            has_item: Condvar::new(),
        }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        let mut items = self.items.lock();
        while items.len() == self.capacity && !self.is_closed.load() {
            items = self.has_room.wait(items);
        }
        if self.is_closed.load() {
            return Err(item);
        }
        items.push_back(item);
        self.has_item.notify_one();
        Ok(())
    }

    fn pop(&self) -> Option<u64> {
        let mut items = self.items.lock();
        while items.is_empty() && !self.is_closed.load() {
            items = self.has_item.wait(items);
        }
        let item = items.pop_front();
        self.has_room.notify_one();
        item
    }

    fn close(&self) {
        self.is_closed.store(true);
        self.has_room.notify_all();
        self.has_item.notify_all();
    }
}

fn main() {
    grader::bounded_queue::grade::<Queue>();
}
