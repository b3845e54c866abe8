//! Right, another way: the heap of std. Stale entries stay inside and are dropped when they come to the top.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use grader::timer_heap::{Deadline, TimerId, Timers};

#[derive(Default)]
struct LazyHeap {
    heap: BinaryHeap<Reverse<(Deadline, u64, TimerId)>>,
    current: HashMap<TimerId, u64>,
    starts: u64,
}

impl LazyHeap {
    fn tidy(&mut self) {
        while let Some(Reverse((_, start, id))) = self.heap.peek()
            && self.current.get(id) != Some(start)
        {
            self.heap.pop();
        }
    }
}

impl Timers for LazyHeap {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.starts += 1;
        self.current.insert(id, self.starts);
        self.heap.push(Reverse((deadline, self.starts, id)));
        self.tidy();
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        let waited = self.current.remove(&id).is_some();
        self.tidy();
        waited
    }

    fn next_deadline(&self) -> Option<Deadline> {
        self.heap.peek().map(|Reverse((deadline, ..))| *deadline)
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        let Reverse((deadline, _, id)) = *self.heap.peek()?;
        if deadline > now {
            return None;
        }
        self.heap.pop();
        self.current.remove(&id);
        self.tidy();
        Some(id)
    }
}

fn main() {
    grader::timer_heap::grade::<LazyHeap>();
}
