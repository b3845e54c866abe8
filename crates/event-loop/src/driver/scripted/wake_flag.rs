//! The wake-up from other threads where there is no poll to interrupt: a flag that is raised and waited for.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// The wake-up of a world without an operating system.
#[derive(Default)]
pub(crate) struct WakeFlag {
    raised: Mutex<bool>,
    changed: Condvar,
}

impl WakeFlag {
    pub(crate) fn raise(&self) {
        *self.lock() = true;
        self.changed.notify_all();
    }

    pub(super) fn lower(&self) -> bool {
        std::mem::take(&mut *self.lock())
    }

    /// Waits until it is raised, and lowers it; `false` when nobody did within `patience`.
    pub(crate) fn wait_and_lower(&self, patience: Duration) -> bool {
        let raised = self.lock();
        let (mut raised, _) = self
            .changed
            .wait_timeout_while(raised, patience, |raised| !*raised)
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::take(&mut *raised)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, bool> {
        self.raised.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
