//! Cancel before start: a job in the pool's queue can be taken back, one that runs cannot.
//!
//! The thread that cancels and the pool thread that begins meet at one word: the state of the job. Write it:
//!
//! - `start` is asked by a pool thread before it runs the job; `finish` is called when it has run.
//! - `cancel` takes the job back, if it has not begun: `true` for the one call that did, `false` for a second one.
//! - `outcome` says how it ended, once it has.
//!
//! Each job either runs or is cancelled, exactly one of both and exactly once, whoever comes first. Two pool threads may ask
//! for the same job, and two threads may cancel it. The grader tries all of that under many schedules.
//!
//! `grader::sync` has `AtomicU8` with `load`, `store`, `swap` and `compare_exchange` (without orderings: all are
//! sequentially consistent), and `Mutex`. Chapter: the pool and its size. The state word of this project is
//! `crates/sync-protocols/src/job_word.rs`.

use grader::cancel_before_start::{Job, Outcome};
use grader::sync::AtomicU8;

const WAITS: u8 = 0;
const RUNS: u8 = 1;
const DONE: u8 = 2;
const CANCELLED: u8 = 3;

struct State(AtomicU8);

impl Job for State {
    fn new() -> Self {
        State(AtomicU8::new(WAITS))
    }

    fn start(&self) -> bool {
        // TODO: between the load and the store, somebody else may do the same, or cancel.
        if self.0.load() == WAITS {
            self.0.store(RUNS);
            return true;
        }
        false
    }

    fn finish(&self) {
        self.0.store(DONE);
    }

    fn cancel(&self) -> bool {
        // TODO: a job that runs, has run, or was cancelled before cannot be cancelled.
        self.0.store(CANCELLED);
        true
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.0.load() {
            DONE => Some(Outcome::Done),
            CANCELLED => Some(Outcome::Cancelled),
            _ => None,
        }
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::cancel_before_start::grade::<State>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
