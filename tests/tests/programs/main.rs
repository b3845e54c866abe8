//! The examples that run until they are told to end, as real processes with real peers on the loopback.
//!
//! # Threads
//! Nothing here sleeps, and every wait is bounded. A thread for each output of a program turns lines into messages.

#[cfg(unix)]
#[path = "../facade/built.rs"]
mod built;
#[cfg(unix)]
mod support;
#[cfg(unix)]
mod echo;
#[cfg(unix)]
mod forwarder;
#[cfg(unix)]
mod peers;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod static_files;
#[cfg(unix)]
mod traces;
#[cfg(unix)]
mod cron;
#[cfg(unix)]
mod closed_output;
#[path = "../../../examples/cron/schedule.rs"]
mod schedule;
mod cron_times;
