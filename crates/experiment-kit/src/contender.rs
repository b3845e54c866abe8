//! The seam between what is measured and the kit: a server that can be started, asked for and stopped.
//!
//! # Model
//! A contender serves four routes over HTTP/1.1 with keep-alive: `GET /ping` answers `pong` at once;
//! `GET /block?ms=N`, `/offload?ms=N` and `/chunked?ms=N` do the same [`Work`] on the loop's thread, in the
//! pool, and on the loop's thread in pieces, and answer with [`crate::WorkDone::to_json`]. While it stands still the
//! client opens connection after connection: it must take up to 512 of them.
//!
//! # Threads
//! The server runs on its own thread(s) in the process of the kit; the client that measures it is another
//! process. `start` returns when the port accepts connections; `stop` returns when every thread is joined.

use std::net::SocketAddr;
use std::time::Duration;

use clock::Clock;
use runtime_trace::Recorder;

use crate::work::Work;

/// One runtime that can take part: its name on the screen and how its server is started.
#[derive(Clone, Copy)]
pub struct Contender {
    /// The name for `--runtime` and for the result.
    pub name: &'static str,
    /// Starts the server and returns when it listens.
    pub start: fn(&ServerSpec) -> anyhow::Result<RunningServer>,
}

/// What a server is asked to be.
#[derive(Clone)]
pub struct ServerSpec {
    /// Where to listen; port 0 lets the system choose.
    pub addr: SocketAddr,
    /// Threads of the pool that `/offload` uses.
    pub pool_threads: usize,
    /// How long one piece of `/chunked` holds the loop.
    pub chunk: Duration,
    /// A callback that holds the loop longer than this is a stall.
    pub stall_threshold: Duration,
    /// The calibrated work of the three heavy routes.
    pub work: Work,
    /// The clock to measure `WorkDone::took` with.
    pub clock: Clock,
    /// Where the loop and the pool record what they do.
    pub recorder: Recorder,
}

/// A server that listens, and the way to end it.
pub struct RunningServer {
    /// The address that it really listens on.
    pub addr: SocketAddr,
    /// Asks the server to stop, joins its threads and returns what it observed about itself.
    pub stop: Box<dyn FnOnce() -> anyhow::Result<ServerStats> + Send>,
}

/// What a server observed about itself; everything is optional, so a runtime without such reports says nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerStats {
    /// Who held the loop too long, one entry for each place in the source.
    pub stalls: Vec<StallReport>,
    /// How long the loop's passes were busy, which is how long due work may have to wait.
    pub lag: Option<LagStats>,
    /// The part of the time in which the loop was busy, 0 to 1.
    pub utilisation: Option<f64>,
}

/// One place in the source that held the loop longer than the threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct StallReport {
    /// `file:line` of the route, callback or task.
    pub location: String,
    /// Its name, for example `GET /block`.
    pub name: String,
    /// How often it held the loop too long.
    pub count: u64,
    /// The longest time that it held the loop.
    pub held_max: Duration,
    /// All such times together.
    pub held_total: Duration,
}

/// Quantiles of the busy time of one pass of the loop: what is due meanwhile waits that long at most. They may be upper
/// bounds, because a loop that counts in classes (powers of two) knows only the upper end of a class.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LagStats {
    /// The median.
    pub p50: Duration,
    /// 99 of 100 took at most this long.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
    /// How many passes there were.
    pub count: u64,
}
