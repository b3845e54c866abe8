//! A raised hand: something rare was left for threads that are busy with something frequent.
//!
//! # Model
//! Threads look at one flag between two jobs, which costs a load of a line that hardly ever changes. The flag
//! carries nothing; what it points to lies under a lock of its own, and any number of hands raised before the look
//! are answered by one look.
//!
//! ```text
//! leaves something                      looks between two jobs
//! lock; leave it; unlock                raised? no: go on
//! raise: raised = true   (Release)      lower: raised = false    (AcqRel swap)
//!                                       lock; take everything; unlock
//! ```
//!
//! The race: something is left while another thread looks. The one who looks lowers the flag before it takes the
//! lock; had it done so afterwards, it would wipe out a hand that was raised in between, and what was left then
//! would lie there until the next time.
//!
//! # Invariants
//! - A1: what was left before `raise` is taken by whoever lowers the flag, or the flag is up.

use std::sync::atomic::Ordering::{AcqRel, Relaxed, Release};

use crate::shim::AtomicBool;

/// A flag that says "look at the rare things"; see the file's header.
pub struct Attention(AtomicBool);

impl Default for Attention {
    fn default() -> Attention {
        Attention(AtomicBool::new(false))
    }
}

impl Attention {
    /// Asks for a look, after what is to be seen was left in its place.
    pub fn raise(&self) {
        self.0.store(true, Release); // Partner: the swap in `lower`.
    }

    /// Whether a look is asked for.
    #[inline]
    pub fn is_raised(&self) -> bool {
        self.0.load(Relaxed) // A hint: the swap in `lower` does the ordering.
    }

    /// Lowers the flag, before the look that answers it; `false` when it was down, which costs a load only.
    #[inline]
    pub fn lower(&self) -> bool {
        self.is_raised() && self.0.swap(false, AcqRel) // Partner: the store in `raise`.
    }
}
