//! HTTP hello on our loop with more or less instrumentation, and on tokio and Node, under the same client.
//!
//! # Model
//! ```text
//! client process: 64 connections, each sends its next request when the last is answered
//!        |  GET /hello                    |  GET /stats, before and after the measured time
//!        v                                v
//! server thread of this process: one loop, one setting; Node: a process
//! ```
//! `/stats` answers what the server's thread (Node: its process) has used of the CPU so far and what its loop has counted,
//! so that CPU time per request is that of the server alone, whatever the client costs. All servers stay up; their rounds take turns.

pub mod servers;
pub mod client;
pub mod rounds;
pub mod counters;
pub mod on_node;
pub(crate) mod on_tokio;
