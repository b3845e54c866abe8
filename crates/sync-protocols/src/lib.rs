//! Every hand-made protocol between threads, small enough for loom, without I/O.

mod shim;
mod inbox;
mod ring;

pub use inbox::{Closed, Inbox};
pub use ring::RingIndexes;
