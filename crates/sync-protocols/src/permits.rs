//! Permits for a queue of limited length: take one before you push, give it back when the item leaves.
//!
//! # Model
//! A counting semaphore that can be closed.
//!
//! ```text
//! submitter                                   whoever removes an item
//! lock; while free == 0 and open: wait        lock; free += 1; unlock
//! free -= 1; unlock; push the item            notify one waiter, always
//! ```
//!
//! The race: two permits come back one after the other while two submitters wait. A notification that is sent
//! only "when free was 0" is sent once, and the second submitter sleeps beside a free permit. So each permit
//! brings its own notification.
//!
//! # Invariants
//! - Q1: never more than `limit` permits are out.
//! - Q2: while a permit is free, nobody who waits stays asleep.
//! - Q3: after `close` nobody waits, and no permit is given.

use crate::shim::{Condvar, Mutex};

/// A limited number of permits; see the file's header.
pub struct Permits {
    state: Mutex<State>,
    returned: Condvar,
}

/// Guarded by `Permits::state`.
struct State {
    free: usize,
    closed: bool,
}

/// Why no permit was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPermit {
    /// All are out.
    Full,
    /// There will be none any more.
    Closed,
}

impl Permits {
    /// `limit` permits, all free.
    pub fn new(limit: usize) -> Permits {
        Permits { state: Mutex::new(State { free: limit, closed: false }), returned: Condvar::new() }
    }

    /// Takes a permit if one is free.
    pub fn try_take(&self) -> Result<(), NoPermit> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(NoPermit::Closed);
        }
        if state.free == 0 {
            return Err(NoPermit::Full);
        }
        state.free -= 1;
        Ok(())
    }

    /// Takes a permit, waiting for one as long as it takes; [`NoPermit::Closed`] is the only error.
    pub fn take(&self) -> Result<(), NoPermit> {
        let mut state = self.state.lock();
        while state.free == 0 && !state.closed {
            state = self.returned.wait(state);
        }
        if state.closed {
            return Err(NoPermit::Closed);
        }
        state.free -= 1;
        Ok(())
    }

    /// Gives one permit back.
    pub fn give_back(&self) {
        self.state.lock().free += 1;
        self.returned.notify_one();
    }

    /// Ends all waiting with [`NoPermit::Closed`].
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.returned.notify_all();
    }

    /// How many are free now.
    pub fn free(&self) -> usize {
        self.state.lock().free
    }
}
