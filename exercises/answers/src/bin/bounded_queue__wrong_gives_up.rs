//! Wrong: it asks again and again, and `pop` gives up after thirty looks.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::{Mutex, thread};

struct State {
    items: VecDeque<u64>,
    is_closed: bool,
}

struct Queue {
    state: Mutex<State>,
    capacity: usize,
}

impl BoundedQueue for Queue {
    fn new(capacity: usize) -> Self {
        Queue { state: Mutex::new(State { items: VecDeque::new(), is_closed: false }), capacity }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        loop {
            let mut state = self.state.lock();
            if state.is_closed {
                return Err(item);
            }
            if state.items.len() < self.capacity {
                state.items.push_back(item);
                return Ok(());
            }
            drop(state);
            thread::yield_now();
        }
    }

    fn pop(&self) -> Option<u64> {
        for _ in 0..30 {
            let mut state = self.state.lock();
            if let Some(item) = state.items.pop_front() {
                return Some(item);
            }
            if state.is_closed {
                return None;
            }
            drop(state);
            thread::yield_now();
        }
        None
    }

    fn close(&self) {
        self.state.lock().is_closed = true;
    }
}

fn main() {
    grader::bounded_queue::grade::<Queue>();
}
