//! Time-outs of futures, and ticks at a fixed rate.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use super::sleep::{Sleep, fresh_now, later, sleep, sleep_until};
use crate::core::LoopHandle;

/// The time was up before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the time was up")]
pub struct TimedOut;

/// Waits for `future`, but not longer than `limit` from now on (from the first poll when made outside of a running loop). The
/// future is asked first, so one that is ready in the last moment counts; when the time is up it is dropped.
///
/// # Errors
/// [`TimedOut`].
pub fn timeout<F: IntoFuture>(
    limit: Duration,
    future: F,
) -> impl Future<Output = Result<F::Output, TimedOut>> {
    let nap = sleep(limit);
    async move {
        // Not before the first poll: what becomes a future here may need the loop for it, as a request does.
        let (mut nap, mut future) = (pin!(nap), pin!(future.into_future()));
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => nap.as_mut().poll(cx).map(|()| Err(TimedOut)),
        })
        .await
    }
}

/// Ticks at a fixed rate, the first one a period from now. Made by [`interval`].
pub struct Interval {
    period: Duration,
    /// When the next tick is due; `None` until the first wait, when it was made outside of a loop.
    due: Option<Instant>,
    nap: Option<Sleep>,
}

/// Ticks every `period` from now on (from the first wait when made outside of a running loop).
///
/// # Panics
/// When `period` is zero: that would be [`yield_now`](super::yield_now) again and again.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    assert!(!period.is_zero(), "an interval needs a period");
    Interval { period, due: LoopHandle::current().map(|lp| later(fresh_now(&lp), period)), nap: None }
}

impl Interval {
    /// Waits for the next tick; how many periods are over since the one before. That is 1, and more when the task or the loop
    /// had no time in between: missed ticks are not made up for, and the schedule stays.
    ///
    /// # Panics
    /// When it is awaited outside of a running loop.
    pub async fn tick(&mut self) -> u32 {
        let lp = LoopHandle::current()
            .expect("an interval must be awaited on the thread of a loop, while that runs");
        let due = self.due.unwrap_or_else(|| later(fresh_now(&lp), self.period));
        self.due = Some(due);
        self.nap.get_or_insert_with(|| sleep_until(due)).await;
        self.nap = None;
        let late = lp.now().saturating_duration_since(due);
        let periods = u32::try_from(late.as_nanos() / self.period.as_nanos() + 1).unwrap_or(u32::MAX);
        self.due = Some(later(due, self.period.saturating_mul(periods)));
        periods
    }
}
