//! Wrong: an entry of a timer that waits no more is looked at again and again, and never taken out.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use grader::timer_heap::{Deadline, TimerId, Timers};

#[derive(Default)]
struct LazyHeap {
    heap: BinaryHeap<Reverse<(Deadline, u64, TimerId)>>,
    current: HashMap<TimerId, u64>,
    starts: u64,
}

impl Timers for LazyHeap {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.starts += 1;
        self.current.insert(id, self.starts);
        self.heap.push(Reverse((deadline, self.starts, id)));
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        self.current.remove(&id).is_some()
    }

    fn next_deadline(&self) -> Option<Deadline> {
        let waiting = self.heap.iter().filter(|Reverse((_, start, id))| self.current.get(id) == Some(start));
        waiting.map(|Reverse((deadline, ..))| *deadline).min()
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        loop {
            let Reverse((deadline, start, id)) = *self.heap.peek()?;
            if deadline > now {
                return None;
            }
            if self.current.get(&id) != Some(&start) {
                continue;
            }
            self.heap.pop();
            self.current.remove(&id);
            return Some(id);
        }
    }
}

fn main() {
    grader::timer_heap::grade::<LazyHeap>();
}
