//! Wrong: it looks, and then it sets, and in between somebody else does.

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
        let may = self.0.load() == WAITS;
        if may {
            self.0.store(RUNS);
        }
        may
    }

    fn finish(&self) {
        // Nobody else changes the state of a job that runs.
        self.0.store(DONE);
    }

    fn cancel(&self) -> bool {
        let may = self.0.load() == WAITS;
        if may {
            self.0.store(CANCELLED);
        }
        may
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
