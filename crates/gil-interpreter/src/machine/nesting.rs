//! How deep our own functions may call each other: values inside values, and loops of Python inside natives.
//!
//! # Model
//! A Python call needs no Rust stack. What does is counted in `nested`: an eval loop that a native starts, and each
//! level of a comparison, a hash or an iteration that goes into a value inside a value. Together with the frames
//! they end in Python's RecursionError, long before the stack of the thread would.

use std::sync::atomic::Ordering::Relaxed;

use super::{Machine, RECURSION_LIMIT, Unwind, breaker};
use crate::heap::Heap;
use crate::types;

impl<H: Heap> Machine<H> {
    /// One level deeper; `place` completes the message, as in " in comparison".
    pub(crate) fn deeper<R>(
        &mut self,
        place: &str,
        inside: impl FnOnce(&mut Machine<H>) -> Result<R, Unwind>,
    ) -> Result<R, Unwind> {
        if self.frames.len() + self.nested as usize >= RECURSION_LIMIT {
            let message = format!("maximum recursion depth exceeded{place}");
            return Err(self.raise(types::RECURSION_ERROR, message));
        }
        self.nested += 1;
        let result = inside(self);
        self.nested -= 1;
        result
    }

    /// For long loops of ours that keep the lock: goes on unless the program ends.
    pub(crate) fn unless_stopped(&self) -> Result<(), Unwind> {
        if self.word.load(Relaxed) & breaker::STOP != 0 { Err(Unwind::Stopped) } else { Ok(()) }
    }
}
