//! The books of a server: each connection and each request ends in exactly one column.
//!
//! # Invariants
//! - W8: accepted connections = open ones + those that ended, by reason; requests = those in work + answered + abandoned.

use std::cell::Cell;

use super::server::Shared;

#[derive(Default)]
pub(super) struct Stats {
    pub(super) accepted: Cell<u64>,
    pub(super) turned_away: Cell<u64>,
    pub(super) accept_errors: Cell<u64>,
    pub(super) requests: Cell<u64>,
    pub(super) answered: Cell<u64>,
    pub(super) abandoned: Cell<u64>,
    pub(super) panics: Cell<u64>,
    pub(super) finished: Cell<u64>,
    pub(super) failed_connections: Cell<u64>,
    pub(super) head_timeouts: Cell<u64>,
    pub(super) write_timeouts: Cell<u64>,
    pub(super) cut: Cell<u64>,
    pub(super) dropped: Cell<u64>,
    pub(super) too_large: Cell<u64>,
    pub(super) too_slow: Cell<u64>,
}

pub(super) fn bump(counter: &Cell<u64>) {
    counter.set(counter.get() + 1);
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Finished,
    Failed,
    HeadTimeout,
    WriteTimeout,
    Cut,
    Dropped,
}

impl Stats {
    pub(super) fn count_end(&self, end: End) {
        bump(match end {
            End::Finished => &self.finished,
            End::Failed => &self.failed_connections,
            End::HeadTimeout => &self.head_timeouts,
            End::WriteTimeout => &self.write_timeouts,
            End::Cut => &self.cut,
            End::Dropped => &self.dropped,
        });
    }
}

/// Counters of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections taken.
    pub accepted: u64,
    /// Connections open now.
    pub open: usize,
    /// Connections closed at once because too many were open; not among those taken.
    pub turned_away: u64,
    /// Errors of accept that were not about a single client.
    pub accept_errors: u64,
    /// Requests that reached a route, a 404 or a 405.
    pub requests: u64,
    /// Requests whose whole answer was handed to the connection.
    pub answered: u64,
    /// Requests whose connection ended before that; the connection is counted by the reason of its end.
    pub abandoned: u64,
    /// Routes that panicked: answered with 500, or dropped with their connection.
    pub panics: u64,
    /// Connections that ended in order: by the client between requests, by `Connection: close`, by a stop.
    pub finished: u64,
    /// Connections that ended in an error: garbage, a reset, an end in the middle of a request, a body that failed.
    pub failed_connections: u64,
    /// Connections closed because no whole head came in time; idle ones are among them.
    pub head_timeouts: u64,
    /// Connections closed because the client did not take its answer in time.
    pub write_timeouts: u64,
    /// Connections cut by the deadline of [`ServerHandle::stop_within`](super::ServerHandle::stop_within).
    pub cut: u64,
    /// Connections that were open when their loop ended.
    pub dropped: u64,
    /// Bodies over the limit.
    pub too_large: u64,
    /// Bodies that came too slowly.
    pub too_slow: u64,
}

impl ServerStats {
    /// Connections that ended, for whatever reason. `accepted` is this and `open`.
    pub fn ended(&self) -> u64 {
        self.finished
            + self.failed_connections
            + self.head_timeouts
            + self.write_timeouts
            + self.cut
            + self.dropped
    }

    /// Requests that are being answered now.
    pub fn in_work(&self) -> u64 {
        self.requests - self.answered - self.abandoned
    }
}

impl Shared {
    pub(super) fn snapshot(&self) -> ServerStats {
        let stats = &self.stats;
        ServerStats {
            accepted: stats.accepted.get(),
            open: self.open.get(),
            turned_away: stats.turned_away.get(),
            accept_errors: stats.accept_errors.get(),
            requests: stats.requests.get(),
            answered: stats.answered.get(),
            abandoned: stats.abandoned.get(),
            panics: stats.panics.get(),
            finished: stats.finished.get(),
            failed_connections: stats.failed_connections.get(),
            head_timeouts: stats.head_timeouts.get(),
            write_timeouts: stats.write_timeouts.get(),
            cut: stats.cut.get(),
            dropped: stats.dropped.get(),
            too_large: stats.too_large.get(),
            too_slow: stats.too_slow.get(),
        }
    }
}

/// One request on its way: dropped before it was answered it counts as abandoned.
pub(super) struct Counted {
    shared: std::rc::Rc<Shared>,
    answered: bool,
}

impl Counted {
    pub(super) fn new(shared: &std::rc::Rc<Shared>) -> Counted {
        bump(&shared.stats.requests);
        Counted { shared: shared.clone(), answered: false }
    }

    /// The whole answer is the connection's now.
    pub(super) fn answered(&mut self) {
        self.answered = true;
    }

    pub(super) fn shared(&self) -> &std::rc::Rc<Shared> {
        &self.shared
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        bump(match self.answered {
            true => &self.shared.stats.answered,
            false => &self.shared.stats.abandoned,
        });
    }
}
