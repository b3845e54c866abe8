//! The inbox of a loop: many senders, one receiver, one wake-up for each burst.
//!
//! # Model
//! Senders append under a lock; the sender that finds the inbox empty is told to wake the receiver, the others
//! are not: their item travels with the same wake-up. So a burst of a thousand items costs one wake-up, and the
//! cost of a wake-up does not depend on how many senders exist.
//!
//! ```text
//! sender                                    receiver
//! lock; append; was it empty? ; unlock      sleep until woken (eventfd, condvar: the caller's)
//! if it was empty: wake the receiver        lock; take all; unlock
//!                                           run what was taken, then sleep again
//! ```
//!
//! The race: the receiver takes the items after the append and before the wake. Then the wake finds an empty inbox
//! and costs one needless pass; it is never the other way round. A sender that finds items there may skip the wake,
//! because the sender of the oldest of them has not been answered by a `take_all` yet, and its wake is made or is
//! about to be made after the lock that `take_all` needs.
//!
//! # Invariants
//! - I1: an item that was accepted is returned once, by `take_all` or by `close`, in the order of acceptance.
//! - I2: as long as items wait, a wake-up is due: the receiver that sleeps only after an empty `take_all` never
//!   sleeps on an item.
//! - I3: after `close` nothing is accepted; the item comes back to its sender.

use crate::shim::Mutex;

/// A queue that tells its sender when the receiver must be woken.
pub struct Inbox<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    items: Vec<T>,
    closed: bool,
}

/// The receiver is gone; the item comes back to its sender.
#[derive(Debug, PartialEq, Eq)]
pub struct Closed<T>(pub T);

impl<T> Default for Inbox<T> {
    fn default() -> Self {
        Inbox { state: Mutex::new(State { items: Vec::new(), closed: false }) }
    }
}

impl<T> Inbox<T> {
    /// Adds an item; `true` means that the caller must wake the receiver now.
    pub fn push(&self, item: T) -> Result<bool, Closed<T>> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Closed(item));
        }
        state.items.push(item);
        Ok(state.items.len() == 1)
    }

    /// Moves all items into `into`, oldest first; both vectors keep their memory.
    ///
    /// An empty `into` makes this a swap of two pointers under the lock.
    pub fn take_all(&self, into: &mut Vec<T>) {
        let mut state = self.state.lock();
        if into.is_empty() {
            std::mem::swap(&mut state.items, into);
        } else {
            into.append(&mut state.items);
        }
    }

    /// Refuses further items and returns what was still there.
    pub fn close(&self) -> Vec<T> {
        let mut state = self.state.lock();
        state.closed = true;
        std::mem::take(&mut state.items)
    }
}
