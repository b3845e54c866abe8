//! Wrong: when the last entry is taken, nothing fills its place, and the look at it panics.

use std::collections::HashMap;

use grader::timer_heap::{Deadline, TimerId, Timers};

#[derive(Default)]
struct TimerHeap {
    /// A parent is due before its children, which stand at `2 * at + 1` and `2 * at + 2`.
    entries: Vec<Entry>,
    /// Where each timer stands in `entries`.
    places: HashMap<TimerId, usize>,
    starts: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    deadline: Deadline,
    /// The number of the start makes equal deadlines leave in start order.
    start: u64,
    id: TimerId,
}

impl Entry {
    fn before(&self, other: &Entry) -> bool {
        (self.deadline, self.start) < (other.deadline, other.start)
    }
}

impl Timers for TimerHeap {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.cancel(id);
        self.starts += 1;
        self.places.insert(id, self.entries.len());
        self.entries.push(Entry { deadline, start: self.starts, id });
        self.up(self.entries.len() - 1);
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        let Some(at) = self.places.get(&id).copied() else { return false };
        self.take(at);
        true
    }

    fn next_deadline(&self) -> Option<Deadline> {
        self.entries.first().map(|entry| entry.deadline)
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        let first = self.entries.first().filter(|entry| entry.deadline <= now)?.id;
        self.take(0);
        Some(first)
    }
}

impl TimerHeap {
    fn take(&mut self, at: usize) {
        let gone = self.entries.swap_remove(at);
        self.places.remove(&gone.id);
        self.places.insert(self.entries[at].id, at);
        // What filled the hole comes from elsewhere: it may belong above as well as below.
        self.up(at);
        self.down(at);
    }

    fn up(&mut self, mut at: usize) {
        while at > 0 && self.entries[at].before(&self.entries[(at - 1) / 2]) {
            self.swap(at, (at - 1) / 2);
            at = (at - 1) / 2;
        }
    }

    fn down(&mut self, mut at: usize) {
        loop {
            let mut least = at;
            for child in [2 * at + 1, 2 * at + 2] {
                if child < self.entries.len() && self.entries[child].before(&self.entries[least]) {
                    least = child;
                }
            }
            if least == at {
                return;
            }
            self.swap(at, least);
            at = least;
        }
    }

    fn swap(&mut self, one: usize, other: usize) {
        self.entries.swap(one, other);
        self.places.insert(self.entries[one].id, one);
        self.places.insert(self.entries[other].id, other);
    }
}

fn main() {
    grader::timer_heap::grade::<TimerHeap>();
}
