//! Right in another way: it lets go of the lock, counts the call, and only then notifies.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::{AtomicUsize, Condvar, Mutex};

struct State {
    items: VecDeque<u64>,
    is_closed: bool,
}

struct Queue {
    state: Mutex<State>,
    capacity: usize,
    has_room: Condvar,
    has_item: Condvar,
    calls: AtomicUsize,
}

impl BoundedQueue for Queue {
    fn new(capacity: usize) -> Self {
        Queue {
            state: Mutex::new(State { items: VecDeque::new(), is_closed: false }),
            capacity,
            has_room: Condvar::new(),
            has_item: Condvar::new(),
            calls: AtomicUsize::new(0),
        }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        let mut state = self.state.lock();
        while state.items.len() == self.capacity && !state.is_closed {
            state = self.has_room.wait(state);
        }
        if state.is_closed {
            return Err(item);
        }
        state.items.push_back(item);
        drop(state);
        self.calls.fetch_add(1);
        self.has_item.notify_one();
        Ok(())
    }

    fn pop(&self) -> Option<u64> {
        let mut state = self.state.lock();
        while state.items.is_empty() && !state.is_closed {
            state = self.has_item.wait(state);
        }
        let item = state.items.pop_front();
        drop(state);
        self.calls.fetch_add(1);
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
