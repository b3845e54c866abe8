//! HTTP/1.1 on the loop: a server with routes, limits and streams, the blame for a route that holds the loop, and a client.
//!
//! ```no_run
//! use runtime_lab::{RunMode, Runtime, http};
//!
//! let runtime = Runtime::new()?;
//! let server = http::Server::on("127.0.0.1:8080")?
//!     .route("/ping", |_request| http::text("pong"))
//!     .route("/later", |_request| async { http::text("also a future") })
//!     .serve(&runtime.handle())?;
//! println!("listening on http://{}", server.local_addr());
//! runtime.run(RunMode::Default)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The framing is hyper's; sockets, timers and tasks are the loop's.

mod server;
mod handle;
mod routes;
mod connection;
mod answer;
mod write_limit;
mod message;
mod upload;
mod body;
mod stream;
mod events;
mod file;
mod stats;
mod client;
mod hyper_rt;

pub use body::{BodyFailure, BodySender, ClientGone, TrySendError};
pub use client::{Client, ClientError, ClientLimits, ClientRequest, ClientResponse, ClientStats};
pub use events::{Event, EventSender, events, events_with_ping};
pub use file::file;
pub use handle::{ServerHandle, Stopped};
pub use hyper::Method;
pub use hyper_rt::{HyperIo, HyperSleep, LoopExecutor, LoopTimer};
pub use message::{IntoReply, Reply, Request, Response, StatusCode, json, stream, text, with_status};
pub use server::{HttpError, Limits, Server};
pub use stats::ServerStats;
pub use upload::{BodyError, RequestBody};
