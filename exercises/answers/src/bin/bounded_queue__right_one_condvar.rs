//! Right in another way: one condition variable for everything, and everybody is woken.

use std::collections::VecDeque;

use grader::bounded_queue::BoundedQueue;
use grader::sync::{Condvar, Mutex, MutexGuard};

struct Queue {
    /// What is inside, and how many more may come in; none once it is closed.
    state: Mutex<(VecDeque<u64>, Option<usize>)>,
    changed: Condvar,
}

impl Queue {
    fn wait_while(
        &self,
        must_wait: impl Fn(&(VecDeque<u64>, Option<usize>)) -> bool,
    ) -> MutexGuard<'_, (VecDeque<u64>, Option<usize>)> {
        let mut state = self.state.lock();
        while must_wait(&state) {
            state = self.changed.wait(state);
        }
        state
    }
}

impl BoundedQueue for Queue {
    fn new(capacity: usize) -> Self {
        Queue { state: Mutex::new((VecDeque::new(), Some(capacity))), changed: Condvar::new() }
    }

    fn push(&self, item: u64) -> Result<(), u64> {
        let mut state = self.wait_while(|(_, room)| *room == Some(0));
        let room = state.1.as_mut().ok_or(item)?;
        *room -= 1;
        state.0.push_back(item);
        self.changed.notify_all();
        Ok(())
    }

    fn pop(&self) -> Option<u64> {
        let mut state = self.wait_while(|(items, room)| items.is_empty() && room.is_some());
        let item = state.0.pop_front();
        if let (Some(_), Some(room)) = (item, state.1.as_mut()) {
            *room += 1;
        }
        self.changed.notify_all();
        item
    }

    fn close(&self) {
        self.state.lock().1 = None;
        self.changed.notify_all();
    }
}

fn main() {
    grader::bounded_queue::grade::<Queue>();
}
