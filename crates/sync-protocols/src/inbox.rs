//! The inbox of a loop: many senders, one receiver, one wake-up for each burst.

use parking_lot::Mutex;

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
    pub fn take_all(&self, into: &mut Vec<T>) {
        into.append(&mut self.state.lock().items);
    }

    /// Refuses further items and returns what was still there.
    pub fn close(&self) -> Vec<T> {
        let mut state = self.state.lock();
        state.closed = true;
        std::mem::take(&mut state.items)
    }
}
