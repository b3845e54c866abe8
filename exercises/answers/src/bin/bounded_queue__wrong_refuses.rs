//! Wrong: a push into a full queue gives the item back instead of waiting.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::{Condvar, Mutex};

struct Queue {
    state: Mutex<State>,
    capacity: usize,
    /// There may be room: somebody popped, or the queue was closed.
    has_room: Condvar,
    /// There may be an item: somebody pushed, or the queue was closed.
    has_item: Condvar,
}

struct State {
    items: VecDeque<u64>,
    is_closed: bool,
}

impl BoundedQueue for Queue {
    fn new(capacity: usize) -> Self {
        let state = State { items: VecDeque::new(), is_closed: false };
        Queue { state: Mutex::new(state), capacity, has_room: Condvar::new(), has_item: Condvar::new() }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        let mut state = self.state.lock();
        if state.items.len() == self.capacity || state.is_closed {
            return Err(item);
        }
        state.items.push_back(item);
        self.has_item.notify_one();
        Ok(())
    }

    fn pop(&self) -> Option<u64> {
        let mut state = self.state.lock();
        while state.items.is_empty() && !state.is_closed {
            state = self.has_item.wait(state);
        }
        let item = state.items.pop_front();
        self.has_room.notify_one();
        item
    }

    fn close(&self) {
        self.state.lock().is_closed = true;
        self.has_room.notify_all();
        self.has_item.notify_all();
    }
}

fn main() {
    grader::bounded_queue::grade::<Queue>();
}
