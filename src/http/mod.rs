//! A small HTTP/1.1 server on the loop: routes, limits, and the blame for a route that holds the loop.
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
mod connection;
mod write_limit;
mod message;
mod hyper_rt;

pub use hyper_rt::{HyperIo, HyperSleep, LoopExecutor, LoopTimer};
pub use message::{IntoReply, Request, Response, StatusCode, json, text, with_status};
pub use server::{HttpError, Limits, Server, ServerHandle, ServerStats};
