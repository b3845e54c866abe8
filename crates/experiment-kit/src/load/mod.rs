//! The load client: another process that sends requests on a fixed schedule and reports every single answer.
//!
//! # Model
//! Open loop: the schedule is drawn before the first request and never waits for an answer. A request that
//! finds no idle connection gets a new one, so a server that stands still cannot delay the requests that would
//! have shown it (coordinated omission). Latency counts from the intended send time.
//!
//! ```text
//! kit (parent)                                 load client (child, RUNTIME_LAB_ROLE=load-client)
//! stdin:  one ActSpec per line          ──▶    runs the act
//!                                       ◀──    stdout: Message lines, about four a second
//! closes stdin, or dies                 ──▶    end of file: exits at once
//! ```
//!
//! # Invariants
//! - C1: the client never outlives the process that started it.
//! - C2: every scheduled request ends as exactly one sample or one failure.

mod schedule;
mod response;
mod connection;
mod pacer;
mod engine;
mod process;
pub mod client;

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::work::WorkDone;

pub use process::{LoadClient, Outcome, this_program};

/// The environment variable that tells a process which role it was started in.
pub const ROLE_VARIABLE: &str = "RUNTIME_LAB_ROLE";

/// Its value for a load client.
pub const ROLE: &str = "load-client";

/// What the client is asked to do in one act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActSpec {
    /// The server.
    pub addr: SocketAddr,
    /// The seed of the schedule; acts with one seed have one schedule.
    pub seed: u64,
    /// How long the schedule is.
    pub length_ms: f64,
    /// What to send; at least one stream.
    pub streams: Vec<StreamSpec>,
    /// Connections that are open, and have answered a first request, before the schedule begins.
    pub warm_connections: usize,
    /// Connections at most; a request that finds none free waits, and is counted.
    pub max_connections: usize,
    /// A request without an answer after this long has failed.
    pub timeout_ms: f64,
}

/// One kind of request within an act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamSpec {
    /// Path and query.
    pub path: String,
    /// How many moments to send at, spread over the length of the act.
    pub count: usize,
    /// How many requests are sent at each of those moments.
    pub at_once: usize,
}

impl StreamSpec {
    /// `count` requests for `path`, each at a moment of its own.
    pub fn new(path: impl Into<String>, count: usize) -> StreamSpec {
        StreamSpec { path: path.into(), count, at_once: 1 }
    }
}

/// What the client says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The schedule begins now: nanoseconds since the Unix epoch, to place samples on a timeline.
    Started {
        /// The begin.
        wall_ns: u64,
    },
    /// Answers since the last message; also the sign that the client is alive.
    Samples {
        /// Answered requests.
        samples: Vec<Sample>,
        /// The others.
        failures: Vec<Failure>,
    },
    /// The act is over: every request has ended.
    Finished(Totals),
    /// The act cannot go on.
    Error {
        /// Why.
        message: String,
    },
}

/// One answered request. All times in nanoseconds; the first three count from the begin of the act.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Index into `ActSpec::streams`.
    pub stream: usize,
    /// When the schedule wanted it sent.
    pub intended_ns: u64,
    /// When the client got to it: the difference is the client's own error.
    pub handed_ns: u64,
    /// When its last byte was written.
    pub sent_ns: u64,
    /// From the intended time to the last byte of the answer.
    pub latency_ns: u64,
    /// What the server says about the work, for the heavy routes.
    pub work: Option<WorkDone>,
}

/// One request that got no proper answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// Index into `ActSpec::streams`.
    pub stream: usize,
    /// When the schedule wanted it sent.
    pub intended_ns: u64,
    /// What happened.
    pub kind: FailureKind,
}

/// Why a request failed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The connection could not be opened: the text of the error.
    Connect(String),
    /// The server closed the connection before the answer was complete.
    Closed,
    /// No answer in time.
    TimedOut,
    /// A status other than 200.
    Status(u16),
    /// Something that is not HTTP/1.1, too long, or without a length.
    Malformed(String),
}

impl std::fmt::Display for FailureKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FailureKind::Connect(error) => write!(f, "cannot connect: {error}"),
            FailureKind::Closed => f.write_str("the server closed the connection before it answered"),
            FailureKind::TimedOut => f.write_str("no answer in time"),
            FailureKind::Status(status) => write!(f, "status {status}"),
            FailureKind::Malformed(what) => write!(f, "not a proper answer: {what}"),
        }
    }
}

/// What the client counted in one act.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Requests in the schedule.
    pub scheduled: usize,
    /// Connections that were open at the same time, at most.
    pub connections: usize,
    /// Requests that waited because `max_connections` were busy.
    pub waited_for_connection: usize,
}
