//! Right in another way: it hands over with its own release, and looks now and then whether the lock was taken.

use grader::sync::{AtomicBool, Condvar, Mutex};
use grader::take_and_drop::{GlobalLock, INTERVAL};

struct Gil {
    state: Mutex<State>,
    is_asked: AtomicBool,
    /// Nobody has the lock any more.
    given: Condvar,
    /// Somebody has taken it.
    taken: Condvar,
}

struct State {
    is_held: bool,
    /// How often it was taken.
    turns: u64,
}

impl GlobalLock for Gil {
    fn new() -> Self {
        let state = State { is_held: false, turns: 0 };
        Gil {
            state: Mutex::new(state),
            is_asked: AtomicBool::new(false),
            given: Condvar::new(),
            taken: Condvar::new(),
        }
    }

    fn take(&self) {
        let mut state = self.state.lock();
        while state.is_held {
            let turns = state.turns;
            let (guard, has_passed) = self.given.wait_timeout(state, INTERVAL);
            state = guard;
            if has_passed && state.is_held && state.turns == turns {
                self.is_asked.store(true);
            }
        }
        state.is_held = true;
        state.turns += 1;
        self.is_asked.store(false);
        self.taken.notify_all();
    }

    fn release(&self) {
        self.state.lock().is_held = false;
        self.given.notify_one();
    }

    fn is_asked(&self) -> bool {
        self.is_asked.load()
    }

    fn hand_over(&self) {
        let turns = self.state.lock().turns;
        self.release();
        let mut state = self.state.lock();
        while state.turns == turns {
            (state, _) = self.taken.wait_timeout(state, INTERVAL);
        }
        drop(state);
        self.take();
    }
}

fn main() {
    grader::take_and_drop::grade::<Gil>();
}
