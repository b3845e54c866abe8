//! Futures of time: sleep, and yielding to the rest of the loop.
//!
//! # Threads
//! A [`Sleep`] holds only ids, so it is Send and Sync, as hyper wants its timers. It must be polled on the
//! thread of its loop, while that runs; dropped elsewhere, it cancels through the loop's inbox.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use crate::core::LoopHandle;
use crate::handle::HandleId;
use crate::remote::{Item, Shared};
use crate::timer::{Action, nanos};

/// Ready when its time has come. Made by [`sleep`] and [`sleep_until`].
pub struct Sleep {
    when: When,
    timer: Option<Registered>,
}

enum When {
    /// Made outside a loop: counts from the first poll.
    After(Duration),
    At(Instant),
}

struct Registered {
    loop_id: u64,
    id: HandleId,
    /// When the timer fires: not after the deadline.
    armed_ns: u64,
    shared: std::sync::Arc<Shared>,
}

/// Waits for `duration` from now on (from the first poll when made outside of a running loop).
pub fn sleep(duration: Duration) -> Sleep {
    let when = match LoopHandle::current() {
        Some(lp) => When::At(later(fresh_now(&lp), duration)),
        None => When::After(duration),
    };
    Sleep { when, timer: None }
}

/// Waits until `deadline`, by the clock of the loop.
pub fn sleep_until(deadline: Instant) -> Sleep {
    Sleep { when: When::At(deadline), timer: None }
}

/// The time now, not the cached one: long work before a sleep must not shorten it.
pub(super) fn fresh_now(lp: &LoopHandle) -> Instant {
    lp.update_time();
    lp.now()
}

/// `now + duration`; a sum that the clock cannot express is as good as never.
pub(super) fn later(now: Instant, duration: Duration) -> Instant {
    const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);
    now.checked_add(duration).unwrap_or(now + NEVER)
}

impl Sleep {
    /// Moves the deadline. Moving it away, again and again, costs next to nothing: the timer stays armed as it was and,
    /// when it has fired too early, is armed anew.
    pub fn reset(&mut self, deadline: Instant) {
        self.when = When::At(deadline);
        let here = LoopHandle::current();
        let fires_in_time = |timer: &Registered| {
            let lp = here.as_ref().filter(|lp| lp.core.id == timer.loop_id);
            lp.is_some_and(|lp| timer.armed_ns <= nanos(deadline.saturating_duration_since(lp.core.origin)))
        };
        if !self.timer.as_ref().is_some_and(fires_in_time) {
            self.cancel();
        }
    }

    fn cancel(&mut self) {
        let Some(timer) = self.timer.take() else { return };
        match LoopHandle::current().filter(|lp| lp.core.id == timer.loop_id) {
            Some(lp) => lp.timer_free(timer.id),
            None => drop(timer.shared.send(Item::FreeTimer(timer.id))),
        }
    }
}

impl Future for Sleep {
    type Output = ();

    /// # Panics
    /// When it is polled outside of a running loop, or on another loop than before.
    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let lp =
            LoopHandle::current().expect("a sleep must be polled on the thread of its loop, while that runs");
        if let Some(timer) = &self.timer {
            assert_eq!(
                timer.loop_id, lp.core.id,
                "a sleep must be polled on the loop that it was started on"
            );
            if !lp.timer_is_over(timer.id) {
                lp.timer_set_waker(timer.id, cx.waker());
                return Poll::Pending;
            }
            self.cancel();
        }
        let deadline = match self.when {
            When::At(deadline) => deadline,
            When::After(duration) => later(fresh_now(&lp), duration),
        };
        if deadline <= lp.now() {
            return Poll::Ready(());
        }
        let id = lp.timer_new_internal(Location::caller());
        let armed_ns = nanos(deadline.saturating_duration_since(lp.core.origin));
        // It fails only when the loop is being dropped, and then nothing fires any more.
        let _ = lp.timer_arm(id, armed_ns, Duration::ZERO, Action::Wake(cx.waker().clone()), false);
        self.when = When::At(deadline);
        self.timer = Some(Registered { loop_id: lp.core.id, id, armed_ns, shared: lp.core.remotes.shared() });
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Lets everything else of the loop have a turn: sockets, timers, other tasks.
pub fn yield_now() -> YieldNow {
    YieldNow { yielded: false }
}

/// Ready in the next pass. Made by [`yield_now`].
pub struct YieldNow {
    yielded: bool,
}

impl Future for YieldNow {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
