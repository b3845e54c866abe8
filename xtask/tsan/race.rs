//! Two threads write one number: with `--cfg guarded` under a lock, else as the data race that it looks like.
//!
//! The chore `tsan` compiles this file by itself, both ways, before it trusts the sanitizer: the race must be
//! reported, and the guarded program must not. It is a test, so that the control takes the same way through
//! the runner of tests, and meets the same suppressions, as what is checked afterwards.
#![allow(unsafe_code)] // Safe Rust has no data races, and the control needs one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

static mut NUMBER: u64 = 0;
static BUSY: AtomicBool = AtomicBool::new(false);

/// Adds one. Without `guarded`, two threads at once are a data race, on purpose.
fn add_one() {
    while cfg!(guarded) && BUSY.compare_exchange(false, true, Ordering::Acquire, Ordering::Relaxed).is_err() {
        std::hint::spin_loop();
    }
    let number = &raw mut NUMBER;
    // SAFETY: the pointer is valid for the whole program; with `guarded` the spin lock makes the access
    // exclusive, and without it the race is what the sanitizer has to find.
    unsafe { *number += 1 };
    if cfg!(guarded) {
        BUSY.store(false, Ordering::Release);
    }
}

#[test]
fn two_threads_add() {
    let adds = || (0..100_000).for_each(|_| add_one());
    thread::scope(|scope| {
        let other = thread::Builder::new().name("other".to_owned()).spawn_scoped(scope, adds);
        adds();
        other.expect("a thread can be started").join().expect("adding does not panic");
    });
}
