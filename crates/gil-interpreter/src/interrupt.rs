//! A Ctrl-C for the main thread of a program, pressed from any thread.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::machine::breaker::{Breakers, SIGNAL};

/// A Ctrl-C that can be pressed from any thread; clones press the same.
#[derive(Clone, Default)]
pub struct Interrupt {
    inner: Arc<InterruptState>,
}

#[derive(Default)]
struct InterruptState {
    raised: AtomicBool,
    breakers: Mutex<Vec<Arc<Breakers>>>,
}

impl Interrupt {
    /// Raises KeyboardInterrupt in the main thread of the program, at its next check site or wait.
    pub fn raise(&self) {
        self.inner.raised.store(true, Relaxed);
        self.inner.breakers.lock().iter().for_each(|breakers| breakers.raise_all(SIGNAL));
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.inner.raised.load(Relaxed)
    }

    pub(crate) fn take(&self) -> bool {
        self.inner.raised.swap(false, Relaxed)
    }

    pub(crate) fn reaches(&self, breakers: &Arc<Breakers>) {
        self.inner.breakers.lock().push(Arc::clone(breakers));
        if self.is_raised() {
            breakers.raise_all(SIGNAL);
        }
    }
}
