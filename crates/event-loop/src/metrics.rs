//! Counters of a loop that any thread may read without stopping it.
//!
//! # Threads
//! Only the loop's thread writes; every value is one atomic that is loaded, changed and stored relaxed, which
//! is exact with a single writer. A reader sees each counter at some recent moment, not all at the same one.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// How many powers of two of busy time are told apart: up to 2^39 ns, nine minutes.
const BUSY_BUCKETS: usize = 40;

/// Live counters; see [`LoopMetrics::snapshot`].
#[derive(Debug)]
pub struct LoopMetrics {
    origin: Instant,
    iterations: AtomicU64,
    events: AtomicU64,
    events_waiting: AtomicU64,
    callbacks: AtomicU64,
    panics: AtomicU64,
    accepted: AtomicU64,
    shed: AtomicU64,
    idle_ns: AtomicU64,
    /// When the sleep in poll began, plus one; 0 while not sleeping.
    asleep_since_ns: AtomicU64,
    longest_busy_ns: AtomicU64,
    /// busy[k] counts passes whose busy time was in [2^k, 2^(k+1)) nanoseconds.
    busy: [AtomicU64; BUSY_BUCKETS],
}

/// The counters at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricsSnapshot {
    /// Passes through the loop.
    pub iterations: u64,
    /// Events dispatched from poll; work from other threads counts one by one.
    pub events: u64,
    /// Of those, events that were there before poll had to wait; needs `count_waiting_events`.
    pub events_waiting: u64,
    /// Calls of user code.
    pub callbacks: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections dropped because no descriptor was left.
    pub shed: u64,
    /// Time spent asleep in poll.
    pub idle: Duration,
    /// The longest time that one pass kept the loop from polling.
    pub longest_busy: Duration,
    /// `busy_passes[k]` counts passes that were busy for [2^k, 2^(k+1)) nanoseconds.
    pub busy_passes: Vec<u64>,
}

impl MetricsSnapshot {
    /// The busy time that the share `quantile` (0 to 1) of all passes did not exceed, as the upper end of its
    /// power of two; zero when there was no pass.
    pub fn busy_quantile(&self, quantile: f64) -> Duration {
        let passes: u64 = self.busy_passes.iter().sum();
        let wanted = ((passes as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        for (power, count) in self.busy_passes.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(1 << (power + 1)).min(self.longest_busy);
            }
        }
        Duration::ZERO
    }
}

impl LoopMetrics {
    pub(crate) fn new(origin: Instant) -> LoopMetrics {
        LoopMetrics {
            origin,
            iterations: AtomicU64::new(0),
            events: AtomicU64::new(0),
            events_waiting: AtomicU64::new(0),
            callbacks: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            shed: AtomicU64::new(0),
            idle_ns: AtomicU64::new(0),
            asleep_since_ns: AtomicU64::new(0),
            longest_busy_ns: AtomicU64::new(0),
            busy: [const { AtomicU64::new(0) }; BUSY_BUCKETS],
        }
    }

    /// The counters now. `now` is read by the caller, from the clock that the loop uses, so that a sleep that
    /// is going on counts as idle.
    pub fn snapshot(&self, now: Instant) -> MetricsSnapshot {
        MetricsSnapshot {
            iterations: self.iterations.load(Relaxed),
            events: self.events.load(Relaxed),
            events_waiting: self.events_waiting.load(Relaxed),
            callbacks: self.callbacks.load(Relaxed),
            panics: self.panics.load(Relaxed),
            accepted: self.accepted.load(Relaxed),
            shed: self.shed.load(Relaxed),
            idle: self.idle_time(now),
            longest_busy: Duration::from_nanos(self.longest_busy_ns.load(Relaxed)),
            busy_passes: self.busy.iter().map(|bucket| bucket.load(Relaxed)).collect(),
        }
    }

    /// Time spent asleep in poll, the sleep that is going on at `now` included.
    pub fn idle_time(&self, now: Instant) -> Duration {
        let asleep_since = self.asleep_since_ns.load(Relaxed);
        let mut idle_ns = self.idle_ns.load(Relaxed);
        if asleep_since > 0 {
            let now_ns = now.saturating_duration_since(self.origin).as_nanos() as u64;
            idle_ns += now_ns.saturating_sub(asleep_since - 1);
        }
        Duration::from_nanos(idle_ns)
    }

    pub(crate) fn count_iteration(&self) {
        add(&self.iterations, 1);
    }

    pub(crate) fn count_events(&self, events: u64, waiting: u64) {
        add(&self.events, events);
        add(&self.events_waiting, waiting);
    }

    pub(crate) fn count_callback(&self) {
        add(&self.callbacks, 1);
    }

    pub(crate) fn count_panic(&self) {
        add(&self.panics, 1);
    }

    pub(crate) fn count_accepted(&self) {
        add(&self.accepted, 1);
    }

    pub(crate) fn count_shed(&self) {
        add(&self.shed, 1);
    }

    pub(crate) fn fall_asleep(&self, now_ns: u64) {
        self.asleep_since_ns.store(now_ns + 1, Relaxed);
    }

    pub(crate) fn wake_up(&self, now_ns: u64) {
        let since_ns = self.asleep_since_ns.load(Relaxed);
        if since_ns > 0 {
            self.asleep_since_ns.store(0, Relaxed);
            add(&self.idle_ns, now_ns.saturating_sub(since_ns - 1));
        }
    }

    pub(crate) fn busy(&self, busy_ns: u64) {
        let bucket = busy_ns.checked_ilog2().unwrap_or(0) as usize;
        add(&self.busy[bucket.min(BUSY_BUCKETS - 1)], 1);
        if busy_ns > self.longest_busy_ns.load(Relaxed) {
            self.longest_busy_ns.store(busy_ns, Relaxed);
        }
    }
}

/// Adds without a locked instruction: there is one writer.
fn add(counter: &AtomicU64, more: u64) {
    if more > 0 {
        counter.store(counter.load(Relaxed) + more, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_busy_time_are_upper_ends_of_powers_of_two() {
        let (clock, _hands) = clock::Clock::manual();
        let metrics = LoopMetrics::new(clock.now());
        assert_eq!(metrics.snapshot(clock.now()).busy_quantile(0.5), Duration::ZERO);
        for _ in 0..98 {
            metrics.busy(1_000);
        }
        metrics.busy(5_000_000);
        metrics.busy(200_000_000);
        let snapshot = metrics.snapshot(clock.now());
        assert_eq!(snapshot.busy_quantile(0.5), Duration::from_nanos(1 << 10));
        assert_eq!(snapshot.busy_quantile(0.99), Duration::from_nanos(1 << 23));
        assert_eq!(snapshot.busy_quantile(1.0), Duration::from_millis(200));
    }
}
