//! Counters of a loop that any thread may read without stopping it.
//!
//! # Model
//! | what | written |
//! |---|---|
//! | counters, busy time | when it happens |
//! | idle time | when the loop falls asleep and when it wakes; a reader adds the sleep that is going on |
//! | gauges: what there is now | each time the loop goes to poll, and when a run ends |
//!
//! Nothing is counted for the sake of counting: the loop knows the numbers anyhow, and a pass stores some words more.
//! A gauge that is read while a callback runs shows what there was before the pass; of a loop that sleeps it is exact.
//!
//! # Threads
//! Only the loop's thread writes, and every thread may read, without a lock and without a call of the system. Every counter
//! is one atomic that is loaded, changed and stored relaxed, which is exact with a single writer. A reader sees each at some
//! recent moment, not all at the same one. The two words of idle time belong together ([`SeqCell`]): the end of a sleep with
//! the beginning of the one before would count it twice.
//!
//! # Source
//! libuv 1.52 `uv_metrics_info`, `uv_metrics_idle_time`, which takes a lock for the latter; gauges and bytes are ours.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use sync_protocols::SeqCell;

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
    bytes_read: AtomicU64,
    bytes_written: AtomicU64,
    /// Nanoseconds of the sleeps that are over, and when the one that goes on began, plus one; 0 while not sleeping.
    idle_and_asleep_since_ns: SeqCell,
    active_handles: AtomicU64,
    active_requests: AtomicU64,
    tasks: AtomicU64,
    timers: AtomicU64,
    streams: AtomicU64,
    longest_busy_ns: AtomicU64,
    /// busy[k] counts passes whose busy time was in [2^k, 2^(k+1)) nanoseconds.
    busy: [AtomicU64; BUSY_BUCKETS],
}

/// What there is of each now; see [`LoopMetrics::publish`].
pub(crate) struct Gauges {
    pub(crate) active_handles: usize,
    pub(crate) active_requests: usize,
    pub(crate) tasks: usize,
    pub(crate) timers: usize,
    pub(crate) streams: usize,
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
    /// Bytes read from streams and datagrams.
    pub bytes_read: u64,
    /// Bytes that the system took for streams and datagrams.
    pub bytes_written: u64,
    /// Time spent asleep in poll, the sleep that is going on included.
    pub idle: Duration,
    /// Gauge: handles that keep the loop alive.
    pub active_handles: u64,
    /// Gauge: requests in flight.
    pub active_requests: u64,
    /// Gauge: tasks that have not ended.
    pub tasks: u64,
    /// Gauge: timers that are armed. A sleep of a task is one, and so is each list of Node's time-outs.
    pub timers: u64,
    /// Gauge: streams that are open, or begin or end to be: connections and pipes, no listeners.
    pub streams: u64,
    /// The longest time that one pass kept the loop from polling.
    pub longest_busy: Duration,
    /// `busy_passes[k]` counts passes that were busy for [2^k, 2^(k+1)) nanoseconds.
    pub busy_passes: Vec<u64>,
}

impl MetricsSnapshot {
    /// The busy time that the share `quantile` (0 to 1) of all passes did not exceed, as the upper end of its
    /// power of two; zero when there was no pass. What is outside of 0 to 1 counts as the nearer end.
    pub fn busy_quantile(&self, quantile: f64) -> Duration {
        let passes: u64 = self.busy_passes.iter().sum();
        let wanted = ((passes as f64 * quantile).ceil() as u64).min(passes).max(1);
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
            bytes_read: AtomicU64::new(0),
            bytes_written: AtomicU64::new(0),
            idle_and_asleep_since_ns: SeqCell::new(0, 0),
            active_handles: AtomicU64::new(0),
            active_requests: AtomicU64::new(0),
            tasks: AtomicU64::new(0),
            timers: AtomicU64::new(0),
            streams: AtomicU64::new(0),
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
            bytes_read: self.bytes_read.load(Relaxed),
            bytes_written: self.bytes_written.load(Relaxed),
            idle: self.idle_time(now),
            active_handles: self.active_handles.load(Relaxed),
            active_requests: self.active_requests.load(Relaxed),
            tasks: self.tasks.load(Relaxed),
            timers: self.timers.load(Relaxed),
            streams: self.streams.load(Relaxed),
            longest_busy: Duration::from_nanos(self.longest_busy_ns.load(Relaxed)),
            busy_passes: self.busy.iter().map(|bucket| bucket.load(Relaxed)).collect(),
        }
    }

    /// Time spent asleep in poll, the sleep that is going on at `now` included.
    pub fn idle_time(&self, now: Instant) -> Duration {
        let (mut idle_ns, asleep_since) = self.idle_and_asleep_since_ns.load();
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

    pub(crate) fn count_read(&self, bytes: usize) {
        add(&self.bytes_read, bytes as u64);
    }

    pub(crate) fn count_written(&self, bytes: usize) {
        add(&self.bytes_written, bytes as u64);
    }

    pub(crate) fn publish(&self, gauges: &Gauges) {
        self.active_handles.store(gauges.active_handles as u64, Relaxed);
        self.active_requests.store(gauges.active_requests as u64, Relaxed);
        self.tasks.store(gauges.tasks as u64, Relaxed);
        self.timers.store(gauges.timers as u64, Relaxed);
        self.streams.store(gauges.streams as u64, Relaxed);
    }

    pub(crate) fn fall_asleep(&self, now_ns: u64) {
        let (idle_ns, _) = self.idle_and_asleep_since_ns.load();
        self.idle_and_asleep_since_ns.store(idle_ns, now_ns + 1);
    }

    pub(crate) fn wake_up(&self, now_ns: u64) {
        let (idle_ns, since_ns) = self.idle_and_asleep_since_ns.load();
        if since_ns > 0 {
            self.idle_and_asleep_since_ns.store(idle_ns + now_ns.saturating_sub(since_ns - 1), 0);
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
        for all in [1.0, 1.5] {
            assert_eq!(snapshot.busy_quantile(all), Duration::from_millis(200));
        }
    }

    /// A loop that does nothing but sleep was idle for as long as it lives, whenever it is looked at. Were the end of a sleep read
    /// together with the beginning of the one before, that sleep would count twice.
    #[test]
    fn a_sleep_that_ends_while_somebody_looks_is_not_counted_twice() {
        const SLEEPS: u64 = 100_000;
        let (clock, _hands) = clock::Clock::manual();
        let metrics = LoopMetrics::new(clock.now());
        let late = clock.now() + Duration::from_secs(1);
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                for slept in 0..SLEEPS {
                    metrics.fall_asleep(slept * 1_000);
                    metrics.wake_up((slept + 1) * 1_000);
                }
            });
            while !sleeper.is_finished() {
                assert!(metrics.idle_time(late) <= Duration::from_secs(1));
            }
        });
        assert_eq!(metrics.idle_time(late), Duration::from_nanos(SLEEPS * 1_000));
    }
}
