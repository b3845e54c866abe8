//! Right in another way: a lock around an ordinary enum.

use grader::cancel_before_start::{Job, Outcome};
use grader::sync::Mutex;

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Waiting,
    Running,
    Over(Outcome),
}

struct State(Mutex<Is>);

impl State {
    fn change(&self, from: Is, to: Is) -> bool {
        let mut is = self.0.lock();
        let may = *is == from;
        if may {
            *is = to;
        }
        may
    }
}

impl Job for State {
    fn new() -> Self {
        State(Mutex::new(Is::Waiting))
    }

    fn start(&self) -> bool {
        self.change(Is::Waiting, Is::Running)
    }

    fn finish(&self) {
        self.change(Is::Running, Is::Over(Outcome::Done));
    }

    fn cancel(&self) -> bool {
        self.change(Is::Waiting, Is::Over(Outcome::Cancelled))
    }

    fn outcome(&self) -> Option<Outcome> {
        match *self.0.lock() {
            Is::Over(outcome) => Some(outcome),
            _ => None,
        }
    }
}

fn main() {
    grader::cancel_before_start::grade::<State>();
}
