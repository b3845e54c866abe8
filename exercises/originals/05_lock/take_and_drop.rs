//! A global lock: take it, be asked for it, and hand it over so that the one who asked really gets it.
//!
//! Threads of an interpreter that compute never wait for anything, so a lock that is only given back would never be given
//! back. CPython's answer since 3.2: who waits lets an interval pass and then asks; the holder looks at its check sites
//! whether it was asked, and hands over. Write that lock:
//!
//! - `take` waits until nobody has the lock. Each time that an interval passes and the lock did not change hands meanwhile, it
//!   asks. Who takes the lock was not asked yet.
//! - `release` gives it back. `is_asked` is what the holder looks at.
//! - `hand_over` is called only after `is_asked` said `true`, so somebody waits: it gives the lock back, waits until somebody else has taken it (the forced switch), and takes it again.
//!
//! The grader's threads compute, hand over, and give the lock up around calls that wait, under many schedules. Time is counted
//! in turns: `Condvar::wait_timeout(guard, INTERVAL)` returns the guard and whether the interval passed.
//!
//! `grader::sync` has `Mutex`, `Condvar` and `AtomicBool`. Chapter: the global lock and its policies. The lock of this project
//! is `crates/sync-protocols/src/gil/mod.rs`; CPython's is `Python/ceval_gil.c`.

use grader::sync::{Condvar, Mutex};
use grader::take_and_drop::GlobalLock;

struct Gil {
    is_held: Mutex<bool>,
    /// Nobody has the lock any more.
    given: Condvar,
    // TODO: how does the holder know that it was asked, and how does it know that somebody else has taken the lock?
}

impl GlobalLock for Gil {
    fn new() -> Self {
        Gil { is_held: Mutex::new(false), given: Condvar::new() }
    }

    fn take(&self) {
        let mut is_held = self.is_held.lock();
        while *is_held {
            // TODO: wait for an interval at most, and then ask.
            is_held = self.given.wait(is_held);
        }
        *is_held = true;
    }

    fn release(&self) {
        *self.is_held.lock() = false;
        self.given.notify_one();
    }

    fn is_asked(&self) -> bool {
        // TODO
        false
    }

    fn hand_over(&self) {
        self.release();
        // TODO: who says that the one who asked is quicker?
        self.take();
    }
}

// Below: the grader. Do not edit.
fn main() {
    grader::take_and_drop::grade::<Gil>();
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
