//! Right, another way: a balanced tree of (deadline, start number), and a map from ids to keys.

use std::collections::{BTreeMap, HashMap};

use grader::timer_heap::{Deadline, TimerId, Timers};

type Key = (Deadline, u64);

#[derive(Default)]
struct TimerTree {
    order: BTreeMap<Key, TimerId>,
    keys: HashMap<TimerId, Key>,
    starts: u64,
}

impl Timers for TimerTree {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.starts += 1;
        let key = (deadline, self.starts);
        if let Some(old) = self.keys.insert(id, key) {
            self.order.remove(&old);
        }
        self.order.insert(key, id);
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        self.keys.remove(&id).and_then(|key| self.order.remove(&key)).is_some()
    }

    fn next_deadline(&self) -> Option<Deadline> {
        self.order.keys().next().map(|(deadline, _)| *deadline)
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        let entry = self.order.first_entry().filter(|entry| entry.key().0 <= now)?;
        let id = entry.remove();
        self.keys.remove(&id);
        Some(id)
    }
}

fn main() {
    grader::timer_heap::grade::<TimerTree>();
}
