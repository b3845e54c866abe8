//! Every hand-made protocol between threads, small enough for loom, without I/O.
//!
//! # Model
//! Each file is one protocol: what each side does, in two columns, and which race that closes. What is here knows
//! neither jobs nor loops; the crates above own the data and ask this crate who may touch it, who wakes whom, and
//! who won.
//!
//! - [`Inbox`]: many senders, one receiver, one wake-up for each burst (the loop's way in).
//! - [`RingIndexes`]: one writer, one reader, no lock (the recorder's lanes).
//! - [`Sleepers`]: who sleeps and who is woken (the pool's threads).
//! - [`JobWord`]: run or cancelled, exactly one of them.
//! - [`Permits`]: a bounded queue's admission.
//! - [`Attention`]: a raised hand for rare things between frequent ones.
//! - [`Coalesced`]: a request that is made many times and delivered once (async handles, tasks).
//! - [`Channel`]: a bounded channel whose ends are threads or tasks (the loop's channel).
//! - [`Latch`]: opens once and tells everybody (a shutdown).
//! - [`gil`]: the interpreter's global locks, one that a waiter asks for and one that is given up by count.
//! - [`SeqCell`]: two words that are read together without a lock (the variables of the lock-free heap,
//!   a loop's idle time).
//!
//! # Threads
//! `RUSTFLAGS="--cfg loom" cargo test -p sync-protocols --release` runs every interleaving of small scenarios of
//! each protocol (`tests/loom_*.rs`), and shows that loom finds the race when the part that closes it is left out.

mod shim;
mod inbox;
mod ring;
mod sleepers;
mod job_word;
mod permits;
mod attention;
mod coalesced;
mod channel;
mod latch;
pub mod gil;
mod seq_cell;

pub use attention::Attention;
pub use channel::Channel;
pub use coalesced::Coalesced;
pub use inbox::{Closed, Inbox};
pub use job_word::{Cancel, JobState, JobWord};
pub use latch::Latch;
pub use permits::{NoPermit, Permits};
pub use ring::RingIndexes;
pub use seq_cell::SeqCell;
pub use sleepers::{Call, Seat, Sleepers};
