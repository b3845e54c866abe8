//! The facade through its public interface: a loop and a pool joined, and the requests that cross between them.
//!
//! # Threads
//! Nothing here sleeps. [`support::Busy`] holds pool threads at a channel for as long as a test needs them held.

mod support;
mod join;
mod cancel;
mod drops;
mod shared_pool;
mod futures;
mod kinds;
mod files;
mod names;
mod crypto;
mod counts;
mod built;
mod examples;
mod loop_steps;
