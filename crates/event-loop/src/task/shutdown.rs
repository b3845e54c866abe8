//! The word that a service is to end, heard by all of its tasks.
//!
//! # Model
//! A latch that opens once ([`Latch`] has the protocol). Who hears it decides what ending means: an acceptor stops accepting, a
//! connection finishes the request it is at. A [`TaskSet`](super::TaskSet) then waits for them, with a deadline.
//!
//! # Threads
//! Clones are one and the same, and may be asked, begun and awaited on any thread; a job of a pool asks between two pieces of
//! its work.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;

use sync_protocols::Latch;

/// Says once that it is time to end.
///
/// A service that ends within its grace, whatever its connections do:
///
/// ```
/// use event_loop::{EventLoop, LoopHandle, RunMode, Shutdown, TaskSet, select, sleep};
/// use std::time::Duration;
///
/// async fn serve(shutdown: Shutdown) -> event_loop::Drained {
///     let lp = LoopHandle::current().expect("a task runs on its loop");
///     let mut connections = TaskSet::default();
///     for n in 0..3_u64 {
///         let shutdown = shutdown.clone();
///         connections.spawn(&lp, async move {
///             let mut requests = 0;
///             // The end is looked for between two requests, so that none is cut off in the middle.
///             while !shutdown.has_begun() {
///                 sleep(Duration::from_millis(n)).await; // One request; those of n = 0 take no time.
///                 requests += 1;
///                 event_loop::yield_now().await;
///             }
///             requests
///         });
///     }
///     connections.spawn(&lp, std::future::pending()); // And one that never ends.
///     shutdown.begun().await;
///     connections.drain(Duration::from_millis(20)).await
/// }
///
/// let event_loop = EventLoop::new()?;
/// let (lp, shutdown) = (event_loop.handle(), Shutdown::new());
/// let service = lp.spawn(serve(shutdown.clone()));
///
/// // On a real machine a signal says when. Unix only.
/// # #[cfg(unix)] {
/// let signal = event_loop::Signal::new(&lp);
/// let told = shutdown.clone();
/// signal.start(15, move |_, _| told.begin()).expect("15 is SIGTERM");
/// signal.set_ref(false);
/// # }
/// // Here it is the clock.
/// lp.set_timeout(Duration::from_millis(5), move |_| shutdown.begin());
///
/// event_loop.run(RunMode::Default)?;
/// let drained = service.try_take().expect("it has ended").expect("well");
/// assert_eq!((drained.finished, drained.cut), (3, 1));
/// # Ok::<(), event_loop::LoopError>(())
/// ```
#[derive(Clone, Default)]
pub struct Shutdown(Arc<Latch>);

impl Shutdown {
    /// One that has not begun.
    pub fn new() -> Shutdown {
        Shutdown::default()
    }

    /// Tells everybody; a second time changes nothing.
    pub fn begin(&self) {
        self.0.open();
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.is_open()
    }

    /// Waits until it begins; ready at once when it has. The future owns its share, and so fits into [`select`](super::select).
    pub fn begun(&self) -> impl Future<Output = ()> + Send + 'static {
        let waiting = Waiting { latch: self.0.clone(), ticket: None };
        async move {
            let mut waiting = waiting;
            poll_fn(|cx| {
                let Waiting { latch, ticket } = &mut waiting;
                if latch.wait(ticket, cx.waker()) { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }
}

impl std::fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Shutdown").field(&self.has_begun()).finish()
    }
}

/// Takes its waker back when it is dropped.
struct Waiting {
    latch: Arc<Latch>,
    ticket: Option<u64>,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.latch.leave(ticket);
        }
    }
}
