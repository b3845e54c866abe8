//! The heap of timers: a 4-ary min-heap of small entries that knows where each timer stands.
//!
//! # Model
//! Entries are ordered by deadline, then by start number, so equal deadlines leave in start order. A timer
//! is known by its slot in the table of handles; `positions[slot]` is its place in the heap, so stopping one
//! needs no search. Four children to a node make the heap half as deep as a binary one, and siblings share
//! cache lines; libuv's pointer heap misses the cache all the way down instead.
//!
//! # Invariants
//! - T1: entries leave in order of (deadline, start number).
//! - T2: a slot is in the heap at most once, and its position is right after every change.
//!
//! # Source
//! The order rules are those of libuv's `timer.c`; d-ary heaps: Johnson 1975.

/// Not in the heap.
const ABSENT: u32 = u32::MAX;
const CHILDREN: usize = 4;

/// When a timer is due, and which start it was: the order of the heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) deadline_ns: u64,
    pub(crate) start_id: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    due: Due,
    slot: u32,
}

/// A min-heap of timer slots by [`Due`].
#[derive(Default)]
pub(crate) struct TimerHeap {
    entries: Vec<Entry>,
    positions: Vec<u32>,
}

impl TimerHeap {
    /// The earliest deadline.
    pub(crate) fn next_deadline_ns(&self) -> Option<u64> {
        self.entries.first().map(|entry| entry.due.deadline_ns)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a slot that is not in the heap.
    pub(crate) fn insert(&mut self, slot: u32, due: Due) {
        let index = slot as usize;
        if index >= self.positions.len() {
            self.positions.resize(index + 1, ABSENT);
        }
        debug_assert_eq!(self.positions[index], ABSENT, "timer slot {slot} is in the heap already");
        self.entries.push(Entry { due, slot });
        self.sift_up(self.entries.len() - 1);
    }

    /// Takes a slot out, if it is in.
    pub(crate) fn remove(&mut self, slot: u32) -> bool {
        let at = match self.positions.get(slot as usize) {
            Some(&at) if at != ABSENT => at as usize,
            _ => return false,
        };
        self.remove_at(at);
        true
    }

    /// Takes out the earliest entry if it is due at `now_ns`.
    pub(crate) fn pop_due(&mut self, now_ns: u64) -> Option<(u32, Due)> {
        let first = *self.entries.first().filter(|entry| entry.due.deadline_ns <= now_ns)?;
        self.remove_at(0);
        Some((first.slot, first.due))
    }

    fn remove_at(&mut self, at: usize) {
        let removed = self.entries.swap_remove(at);
        self.positions[removed.slot as usize] = ABSENT;
        if at < self.entries.len() {
            // The entry that filled the hole may belong above or below it.
            if at > 0 && self.entries[at].due < self.entries[(at - 1) / CHILDREN].due {
                self.sift_up(at);
            } else {
                self.sift_down(at);
            }
        }
    }

    fn sift_up(&mut self, mut at: usize) {
        let entry = self.entries[at];
        while at > 0 {
            let parent = (at - 1) / CHILDREN;
            if self.entries[parent].due <= entry.due {
                break;
            }
            self.place(at, self.entries[parent]);
            at = parent;
        }
        self.place(at, entry);
    }

    fn sift_down(&mut self, mut at: usize) {
        let entry = self.entries[at];
        loop {
            let first = at * CHILDREN + 1;
            let last = (first + CHILDREN).min(self.entries.len());
            let Some(least) = (first..last).min_by_key(|&child| self.entries[child].due) else { break };
            if entry.due <= self.entries[least].due {
                break;
            }
            self.place(at, self.entries[least]);
            at = least;
        }
        self.place(at, entry);
    }

    fn place(&mut self, at: usize, entry: Entry) {
        self.entries[at] = entry;
        self.positions[entry.slot as usize] = at as u32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Insert { slot: u32, deadline_ns: u64 },
        Remove { slot: u32 },
        PopDue { now_ns: u64 },
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            3 => (0..40u32, 0..50u64).prop_map(|(slot, deadline_ns)| Step::Insert { slot, deadline_ns }),
            1 => (0..40u32).prop_map(|slot| Step::Remove { slot }),
            1 => (0..60u64).prop_map(|now_ns| Step::PopDue { now_ns }),
        ]
    }

    proptest! {
        #[test]
        fn t1_the_heap_agrees_with_a_sorted_list(steps in proptest::collection::vec(step(), 0..400)) {
            let mut heap = TimerHeap::default();
            let mut model: Vec<(Due, u32)> = Vec::new();
            for (start_id, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Insert { slot, deadline_ns } => {
                        let due = Due { deadline_ns, start_id: start_id as u64 };
                        let was_in = model.iter().any(|(_, known)| *known == slot);
                        prop_assert_eq!(heap.remove(slot), was_in);
                        model.retain(|(_, known)| *known != slot);
                        heap.insert(slot, due);
                        model.push((due, slot));
                        model.sort();
                    }
                    Step::Remove { slot } => {
                        let was_in = model.iter().any(|(_, known)| *known == slot);
                        prop_assert_eq!(heap.remove(slot), was_in);
                        model.retain(|(_, known)| *known != slot);
                    }
                    Step::PopDue { now_ns } => {
                        let expected = model.first().copied().filter(|(due, _)| due.deadline_ns <= now_ns);
                        prop_assert_eq!(heap.pop_due(now_ns), expected.map(|(due, slot)| (slot, due)));
                        if expected.is_some() {
                            model.remove(0);
                        }
                    }
                }
                prop_assert!(heap.positions_are_right());
                prop_assert_eq!(heap.next_deadline_ns(), model.first().map(|(due, _)| due.deadline_ns));
            }
            while let Some((slot, due)) = heap.pop_due(u64::MAX) {
                prop_assert_eq!((due, slot), model.remove(0));
            }
            prop_assert!(model.is_empty());
        }
    }

    impl TimerHeap {
        /// T2: every entry stands where its position says, and no position is left over.
        fn positions_are_right(&self) -> bool {
            let placed = self.entries.iter().enumerate();
            let found =
                placed.filter(|(at, entry)| self.positions[entry.slot as usize] == *at as u32).count();
            found == self.entries.len() && found == self.positions.iter().filter(|&&at| at != ABSENT).count()
        }
    }

    #[test]
    fn t2_positions_follow_every_change() {
        let mut heap = TimerHeap::default();
        for slot in 0..50_u32 {
            heap.insert(slot, Due { deadline_ns: u64::from(slot * 37 % 50), start_id: u64::from(slot) });
            assert!(heap.positions_are_right());
        }
        for slot in (0..50).step_by(3) {
            assert!(heap.remove(slot));
            assert!(!heap.remove(slot));
            assert!(heap.positions_are_right());
        }
        while heap.pop_due(u64::MAX).is_some() {
            assert!(heap.positions_are_right());
        }
        heap.insert(7, Due { deadline_ns: 1, start_id: 51 });
        heap.positions[7] = 1;
        assert!(!heap.positions_are_right(), "the check must see a wrong position");
    }

    #[test]
    fn t1_equal_deadlines_leave_in_start_order() {
        let mut heap = TimerHeap::default();
        for (slot, start_id) in [(7, 0), (3, 1), (5, 2)] {
            heap.insert(slot, Due { deadline_ns: 10, start_id });
        }
        let order: Vec<u32> = std::iter::from_fn(|| heap.pop_due(10)).map(|(slot, _)| slot).collect();
        assert_eq!(order, [7, 3, 5]);
    }
}
