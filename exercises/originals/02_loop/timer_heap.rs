//! A timer heap: the part of an event loop that knows what is due.
//!
//! Before each sleep the loop asks for the earliest deadline, and in the timers phase it takes out what is due. Write the
//! four methods of `Timers`:
//!
//! - `start` lets a timer wait until its deadline. Started again while it waits, only the new deadline counts.
//! - `cancel` takes a timer out, wherever it stands, and says whether it waited.
//! - `next_deadline` is the earliest deadline.
//! - `pop_due` takes out the earliest timer that is due at `now` (a deadline equal to `now` is due). Of equal deadlines
//!   the one that was started first comes first; one that was started anew comes last.
//!
//! The grader plays random calls against a sorted list, and then counts how often you compare deadlines and ids while
//! some thousand timers wait: a search through all of them is too slow.
//!
//! `Deadline` can be compared; `TimerId` can be compared and hashed. Anything in `std` is allowed. Chapter: the event
//! loop in five steps. The heap of this project is `crates/event-loop/src/timer_heap.rs`: look at it afterwards.

use grader::timer_heap::{Deadline, TimerId, Timers};

#[derive(Default)]
struct TimerHeap {
    // TODO: a plain list. What order would make `next_deadline` cheap? What tells you where a timer stands?
    waiting: Vec<(Deadline, TimerId)>,
}

impl Timers for TimerHeap {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        // TODO: what if it waits already?
        self.waiting.push((deadline, id));
    }

    fn cancel(&mut self, _id: TimerId) -> bool {
        // TODO
        false
    }

    fn next_deadline(&self) -> Option<Deadline> {
        // TODO
        None
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        // TODO: this one is due, but is it the earliest?
        let due = self.waiting.iter().position(|(deadline, _)| *deadline <= now)?;
        Some(self.waiting.remove(due).1)
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::timer_heap::grade::<TimerHeap>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
