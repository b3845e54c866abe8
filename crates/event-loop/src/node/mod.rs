//! Node's layer: setTimeout, setInterval, setImmediate, process.nextTick and microtasks, in Node's order.
//!
//! # Source
//! Behaviour of Node 20, compared puzzle by puzzle in the tests package.

mod ticks;
mod timeouts;
mod immediates;

pub use immediates::ImmediateId;
pub use timeouts::TimeoutId;

pub(crate) use immediates::Immediates;
pub(crate) use ticks::Ticks;
pub(crate) use timeouts::Timeouts;
