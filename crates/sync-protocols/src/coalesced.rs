//! A request that is made many times and delivered once: everything until the serving begins is one.
//!
//! # Model
//! Any thread may ask that something be served: an async handle called back, a task polled. What stands for the
//! request is one item in a queue that this file does not know, an [`Inbox`](crate::Inbox) for instance. A flag
//! says whether the item is on its way; only the asker that raises it delivers, the others travel with that item.
//!
//! ```text
//! asks                                      serves
//! leave what is to be seen                  take the item out of the queue
//! raise: was = swap(true)   (Release) --->  lower: swap(false)   (Acquire)
//! was it down? put the item into the queue  look at what was left
//! ```
//!
//! The races: somebody asks while the serving goes on. The one who serves lowers the flag before he looks; had he
//! done so afterwards, he would wipe out a request that was made in between, and what was left for it would lie
//! there until the next time. And of two who ask at once exactly one must deliver, so raising is one step.
//!
//! | flag  | meaning                                          | set by  | ordering | partner                     |
//! |-------|--------------------------------------------------|---------|----------|-----------------------------|
//! | false | no item is on its way; who asks must deliver one | `lower` | Acquire  | Release in every `raise` since the last `lower` |
//! | true  | the item is in the queue, or about to be         | `raise` | Release  | Acquire in the next `lower` |
//!
//! Lowering is a swap and not a store, because a store acquires nothing, not even a SeqCst one: an asker that
//! finds the flag up delivers nothing, so the lowering is the only place where what it left becomes visible. What
//! orders one item after the other is the queue's own lock.
//!
//! # Invariants
//! - C1: what was left before `raise` is seen by a serving that lowers the flag after it.
//! - C2: at most one item is on its way between the delivery and the lowering.

use std::sync::atomic::Ordering::{Acquire, Release};

use crate::shim::AtomicBool;

/// Whether a request is on its way; see the file's header for the protocol.
pub struct Coalesced(AtomicBool);

impl Default for Coalesced {
    /// Nothing is on its way.
    fn default() -> Coalesced {
        Coalesced(AtomicBool::new(false))
    }
}

impl Coalesced {
    /// Starts with the flag up: for what its maker delivers for the first time, or what is never served.
    pub fn raised() -> Coalesced {
        Coalesced(AtomicBool::new(true))
    }

    /// Asks for a serving; `true` means that the caller must deliver the item now.
    #[must_use = "the item must be delivered, or nobody is ever served again"]
    pub fn raise(&self) -> bool {
        !self.0.swap(true, Release) // Partner: the swap in `lower`.
    }

    /// To be called when the item was taken, before the serving looks at anything: who asks from now on delivers
    /// again.
    pub fn lower(&self) {
        self.0.swap(false, Acquire); // Partner: the swaps in `raise`.
    }
}
