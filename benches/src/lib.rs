//! What the benches share: contenders, workloads, the window of jobs in flight, tables, and the HTTP servers.
//!
//! # Layout
//! `benches/pool_size.rs` and `benches/pool_latency.rs` put the same [`workload`] through the same [`contender`]s, one
//! for throughput, the other for waits; [`reading`] says what the second found. `benches/pool_ratio.rs` takes the shortest
//! jobs and lets pools take turns, each in a process of its own ([`child`]). `benches/http_hello.rs` compares the servers
//! of [`http`], `benches/connections.rs` holds ten thousand [`connections`] open. `benches/python_speed.rs` ([`speed`]) and `benches/gil_shapes.rs` ([`shapes`]) run Python programs on our
//! interpreter and on the CPythons that are found ([`python`]). [`options`] is the command line of those that criterion does not run.

pub mod contender;
pub mod window;
pub mod workload;
pub mod work;
pub mod latency;
pub mod reading;
pub mod http;
pub mod connections;
pub mod child;
pub mod ratio;
pub mod python;
pub mod speed;
pub mod shapes;
pub mod options;
pub mod table;
