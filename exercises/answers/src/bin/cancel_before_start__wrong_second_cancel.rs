//! Wrong: a second cancel says `true` again, though the first one took the job back.

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
        self.0.compare_exchange(WAITS, RUNS).is_ok()
    }

    fn finish(&self) {
        // Nobody else changes the state of a job that runs.
        self.0.store(DONE);
    }

    fn cancel(&self) -> bool {
        matches!(self.0.compare_exchange(WAITS, CANCELLED), Ok(_) | Err(CANCELLED))
    }

    fn outcome(&self) -> Option<Outcome> {
        match self.0.load() {
            DONE => Some(Outcome::Done),
            CANCELLED => Some(Outcome::Cancelled),
            _ => None,
        }
    }
}

fn main() {
    grader::cancel_before_start::grade::<State>();
}
