//! Wrong: the answers are right, but each call looks at all timers that wait.

use grader::timer_heap::{Deadline, TimerId, Timers};

#[derive(Default)]
struct Sorted {
    waiting: Vec<(Deadline, TimerId)>,
}

impl Timers for Sorted {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.cancel(id);
        let after = self.waiting.partition_point(|(known, _)| *known <= deadline);
        self.waiting.insert(after, (deadline, id));
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        let at = self.waiting.iter().position(|(_, known)| *known == id);
        at.map(|at| self.waiting.remove(at)).is_some()
    }

    fn next_deadline(&self) -> Option<Deadline> {
        self.waiting.first().map(|(deadline, _)| *deadline)
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        self.waiting.first().filter(|(deadline, _)| *deadline <= now)?;
        Some(self.waiting.remove(0).1)
    }
}

fn main() {
    grader::timer_heap::grade::<Sorted>();
}
