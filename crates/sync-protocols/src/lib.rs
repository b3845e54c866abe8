//! Every hand-made protocol between threads, small enough for loom, without I/O.

mod inbox;

pub use inbox::{Closed, Inbox};
