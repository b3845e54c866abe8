//! The handle of a server that listens: where, how it stops, what it has counted.
//!
//! # Invariants
//! - W9: after the deadline of `stop_within` no connection is open, and each one that was ended by it counts as cut.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use event_loop::{LoopHandle, OneshotReceiver, TcpListener, oneshot, timeout};

use super::server::Shared;
use super::stats::ServerStats;

/// A server that listens. Dropping the handle lets it serve on.
#[derive(Clone)]
pub struct ServerHandle {
    pub(super) lp: LoopHandle,
    pub(super) listener: TcpListener,
    pub(super) local_addr: SocketAddr,
    pub(super) shared: Rc<Shared>,
}

impl ServerHandle {
    /// Where it listens, with the port that the system chose for port 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Stops listening and lets open connections finish the request that they are in, for at most
    /// [`Limits::write_time`](super::Limits::write_time) once their clients do not take the answer. A route that never answers
    /// holds such a stop for ever; see [`ServerHandle::stop_within`]. Streams of events end now.
    pub fn stop(&self) {
        self.listener.close();
        self.shared.stopping.set(true);
        self.shared.wake_connections();
    }

    /// Stops as [`ServerHandle::stop`], and after `limit` closes the connections that are still open, whatever they do. The
    /// future, or the callback of [`Stopped::then`], has the counters at the end; [`ServerStats::cut`] says how many were cut.
    /// The stop goes on when the future is dropped.
    #[track_caller]
    pub fn stop_within(&self, limit: Duration) -> Stopped {
        self.stop();
        let (done, result) = oneshot();
        let shared = self.shared.clone();
        drop(self.lp.spawn(async move {
            if timeout(limit, all_gone(&shared)).await.is_err() {
                shared.cutting.set(true);
                shared.wake_connections();
                all_gone(&shared).await;
            }
            done.send(());
        }));
        Stopped { lp: self.lp.clone(), shared: self.shared.clone(), result }
    }

    /// The counters now.
    pub fn stats(&self) -> ServerStats {
        self.shared.snapshot()
    }
}

async fn all_gone(shared: &Shared) {
    poll_fn(|cx| match shared.open.get() {
        0 => Poll::Ready(()),
        _ => {
            shared.waiting.borrow_mut().push(cx.waker().clone());
            Poll::Pending
        }
    })
    .await
}

/// A server that stops: a future of its counters when no connection is open any more.
#[must_use = "the server stops in any case; await this, or give it a callback, to learn when it has"]
pub struct Stopped {
    lp: LoopHandle,
    shared: Rc<Shared>,
    result: OneshotReceiver<()>,
}

impl Stopped {
    /// Calls `after` on the loop when no connection is open any more, never from inside this call.
    #[track_caller]
    pub fn then(self, after: impl FnOnce(&LoopHandle, ServerStats) + 'static) {
        let lp = self.lp.clone();
        drop(self.lp.clone().spawn(async move {
            let stats = self.await;
            after(&lp, stats);
        }));
    }
}

impl Future for Stopped {
    type Output = ServerStats;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<ServerStats> {
        Pin::new(&mut self.result).poll(cx).map(|_| self.shared.snapshot())
    }
}
