//! A latch that opens once and tells everybody who waits for it.
//!
//! # Model
//! ```text
//! opens                                     waits
//! lock; open = true; take all wakers        lock; open? done
//! unlock; wake them                         otherwise leave a waker; unlock; sleep
//! ```
//!
//! The race: the latch opens between the look and the sleep. Looking and leaving a waker are one step under the lock,
//! so the opener finds the waker. Wakers are other people's code and are woken and dropped when the lock is free.
//!
//! # Invariants
//! - O1: nobody sleeps beside an open latch.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::shim::Mutex;

/// Shut until it opens, and open from then on; see the file's header.
pub struct Latch(Mutex<State>);

struct State {
    open: bool,
    next_ticket: u64,
    waiting: BTreeMap<u64, Waker>,
}

impl Default for Latch {
    /// A latch that is shut.
    fn default() -> Latch {
        Latch(Mutex::new(State { open: false, next_ticket: 0, waiting: BTreeMap::new() }))
    }
}

impl Latch {
    /// Opens it; a second time changes nothing.
    pub fn open(&self) {
        let mut state = self.0.lock();
        state.open = true;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_values().for_each(Waker::wake);
    }

    /// Whether it is open.
    pub fn is_open(&self) -> bool {
        self.0.lock().open
    }

    /// Whether it is open; if not, the waker is left for when it is. `ticket` is the caller's from one call to the next,
    /// and who does not come again must [`leave`](Latch::leave) with it.
    pub fn wait(&self, ticket: &mut Option<u64>, waker: &Waker) -> bool {
        if self.is_open() {
            return true;
        }
        let waker = waker.clone();
        let mut state = self.0.lock();
        if state.open {
            return true;
        }
        let number = *ticket.get_or_insert(state.next_ticket);
        state.next_ticket = state.next_ticket.max(number + 1);
        let old = state.waiting.insert(number, waker);
        drop(state);
        drop(old);
        false
    }

    /// Takes back the waker that was left under this ticket.
    pub fn leave(&self, ticket: u64) {
        let own = self.0.lock().waiting.remove(&ticket);
        drop(own);
    }
}
