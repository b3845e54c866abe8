//! Wrong: started and cancelled are two words, and both can be set.

use grader::cancel_before_start::{Job, Outcome};
use grader::sync::AtomicBool;

struct State {
    is_started: AtomicBool,
    is_cancelled: AtomicBool,
    is_done: AtomicBool,
}

impl Job for State {
    fn new() -> Self {
        let flag = || AtomicBool::new(false);
        State { is_started: flag(), is_cancelled: flag(), is_done: flag() }
    }

    fn start(&self) -> bool {
        !self.is_cancelled.load() && !self.is_started.swap(true)
    }

    fn finish(&self) {
        self.is_done.store(true);
    }

    fn cancel(&self) -> bool {
        !self.is_started.load() && !self.is_cancelled.swap(true)
    }

    fn outcome(&self) -> Option<Outcome> {
        if self.is_done.load() {
            return Some(Outcome::Done);
        }
        self.is_cancelled.load().then_some(Outcome::Cancelled)
    }
}

fn main() {
    grader::cancel_before_start::grade::<State>();
}
