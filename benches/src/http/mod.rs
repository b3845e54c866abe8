//! HTTP hello on our loop with more or less instrumentation, and on tokio, under the same client.
//!
//! # Model
//! ```text
//! client process: 64 connections, each sends its next request when the last is answered
//!        |  GET /hello                    |  GET /stats, before and after the measured time
//!        v                                v
//! server thread of this process: one loop, one setting
//! ```
//! `/stats` answers what the server's thread has used of the CPU so far and what its loop has counted, so that CPU time
//! per request is that of the server alone, whatever the client costs. All servers stay up; their rounds take turns.

pub mod servers;
pub mod client;
pub mod rounds;
pub mod counters;
mod on_tokio;
