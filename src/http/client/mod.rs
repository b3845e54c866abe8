//! An HTTP/1.1 client on the loop: futures, with time-outs and limits, over connections that are kept for the next request.
//!
//! # Model
//! ```text
//! ClientRequest --send--> an idle connection, or a new one --head--> ClientResponse --whole body read--> idle again
//! ```
//! hyper runs each connection in a task of its own, which does not keep the loop alive; whoever awaits an answer does. It
//! speaks `http://` only and follows no redirects: an answer is what the server said, whatever its status.
//!
//! # Invariants
//! - H1: a request is sent again only when it is idempotent and nothing of it was sent: the connection had been closed while it
//!   was idle.
//! - H2: a connection is used again only when the answer on it was read to its end.
//! - H3: no more connections are idle than the limits say, for one host and in all, and none for longer than the idle time.

mod address;
mod error;
mod pool;
mod request;
mod response;

use std::rc::Rc;
use std::time::Duration;

use hyper::Method;

pub use error::ClientError;
pub use request::ClientRequest;
pub use response::ClientResponse;

use pool::Pool;

/// What a client waits for and accepts.
#[derive(Clone, Debug)]
pub struct ClientLimits {
    /// Time to look up the name and to connect to one of its addresses. 10 s by default.
    pub connect_time: Duration,
    /// Time for a whole request, connecting included: until its body was read by [`ClientResponse::bytes`]. Who reads chunk by
    /// chunk has it for the head, and again for each chunk. 30 s by default.
    pub request_time: Duration,
    /// Bytes of the status line and the header fields; hyper needs at least 8 KiB. 64 KiB by default.
    pub head_bytes: usize,
    /// Header fields of an answer. 100 by default.
    pub headers: usize,
    /// Bytes of a body that is read whole; who reads chunk by chunk decides for himself. 16 MiB by default.
    pub body_bytes: usize,
    /// How long a connection is kept for the next request. 4 s by default: many servers end theirs after 5 s.
    pub idle_time: Duration,
    /// Idle connections to one host and port; the oldest is closed. 8 by default.
    pub idle_per_host: usize,
    /// Idle connections in all; the oldest is closed. 64 by default.
    pub idle_connections: usize,
}

impl Default for ClientLimits {
    fn default() -> Self {
        ClientLimits {
            connect_time: Duration::from_secs(10),
            request_time: Duration::from_secs(30),
            head_bytes: 64 * 1024,
            headers: 100,
            body_bytes: 16 * 1024 * 1024,
            idle_time: Duration::from_secs(4),
            idle_per_host: 8,
            idle_connections: 64,
        }
    }
}

/// Counters of a client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientStats {
    /// Connections opened.
    pub opened: u64,
    /// Requests sent on a connection that was idle.
    pub reused: u64,
    /// Requests sent again, because their connection had been closed while it was idle.
    pub retried: u64,
    /// Connections that are idle now.
    pub idle: usize,
}

/// Asks servers. Clones share their connections; dropping the last one closes those that are idle.
///
/// ```no_run
/// use runtime_lab::{Runtime, http};
///
/// let runtime = Runtime::new()?;
/// let answer = runtime.block_on(async {
///     let client = http::Client::new();
///     let answer = client.get("http://127.0.0.1:8080/hello").send().await?;
///     println!("{}", answer.status());
///     answer.text().await
/// })?;
/// println!("{}", answer?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pool: Rc<Pool>,
}

impl Client {
    /// A client with the default limits.
    pub fn new() -> Client {
        Client::with_limits(ClientLimits::default())
    }

    /// A client with these limits.
    pub fn with_limits(limits: ClientLimits) -> Client {
        Client { pool: Rc::new(Pool::new(limits)) }
    }

    /// A request for what is at `url`.
    pub fn get(&self, url: &str) -> ClientRequest {
        self.request(Method::GET, url)
    }

    /// A request that hands something to `url`.
    pub fn post(&self, url: &str) -> ClientRequest {
        self.request(Method::POST, url)
    }

    /// A request with any method but CONNECT. What is wrong with the address is told when it is sent.
    pub fn request(&self, method: Method, url: &str) -> ClientRequest {
        ClientRequest::new(self.pool.clone(), method, url)
    }

    /// The counters now.
    pub fn stats(&self) -> ClientStats {
        self.pool.stats()
    }
}

impl Default for Client {
    fn default() -> Self {
        Client::new()
    }
}
