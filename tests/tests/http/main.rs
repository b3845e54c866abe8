//! The HTTP server over real sockets: what clients get, what hostile ones cannot do, how it stops, whom it blames.
//!
//! # Threads
//! The server runs on a thread of its own; clients are blocking sockets on the test's thread. Nothing sleeps: a
//! client waits for bytes or for the end of the stream.

mod support;
mod protocol;
mod pipelining;
mod routes;
mod streams;
mod events;
mod uploads;
mod files;
mod limits;
mod panics;
mod stop;
mod stop_within;
mod unread;
mod framing;
mod hostile;
mod hostile_paths;
mod books;
mod faults;
mod client;
mod client_connections;
mod client_failures;
mod peers;
mod descriptors;
mod blame;
mod hyper_rt;
