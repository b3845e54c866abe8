//! The only reader of operating-system time: everything else in the project takes a [`Clock`].
//!
//! # Model
//! A clock yields [`std::time::Instant`], so that the rest of the code uses ordinary `Duration`
//! arithmetic. The real clock reads the monotonic clock of the system. The manual clock stands still
//! until its [`ManualClock`] moves it, which makes every test that depends on time repeatable.
//!
//! # Invariants
//! - C1: a clock never goes back: two readings in a row, from any threads that synchronise, are ordered.
//!
//! # Source
//! `clippy.toml` refuses `Instant::now` and `SystemTime::now` outside this file.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use rustix::time::ClockId;

/// A source of monotonic time; clones read the same source.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    Real,
    Manual(ManualClock),
}

impl Clock {
    /// The monotonic clock of the operating system.
    pub fn real() -> Clock {
        Clock(Source::Real)
    }

    /// A clock that stands still until `ManualClock` moves it.
    pub fn manual() -> (Clock, ManualClock) {
        let hands = ManualClock { base: process_start(), offset_ns: Arc::new(AtomicU64::new(0)) };
        (Clock(Source::Manual(hands.clone())), hands)
    }

    /// The time now.
    #[inline]
    pub fn now(&self) -> Instant {
        match &self.0 {
            Source::Real => os_now(),
            Source::Manual(hands) => hands.now(),
        }
    }

    /// Whether this clock moves only by hand.
    pub fn is_manual(&self) -> bool {
        matches!(self.0, Source::Manual(_))
    }
}

/// The hands of a manual clock: moving them moves every clone of the [`Clock`] it came with.
#[derive(Clone, Debug)]
pub struct ManualClock {
    base: Instant,
    offset_ns: Arc<AtomicU64>,
}

impl ManualClock {
    /// Moves the clock forward; there is no way back (C1).
    ///
    /// # Panics
    /// When the clock would pass 584 years, which no test means.
    pub fn advance(&self, by: Duration) {
        let by_ns =
            u64::try_from(by.as_nanos()).expect("a manual clock cannot advance by more than 584 years");
        self.offset_ns.fetch_add(by_ns, Ordering::SeqCst);
    }

    /// The time that the clones of this clock read now.
    pub fn now(&self) -> Instant {
        self.base + Duration::from_nanos(self.offset_ns.load(Ordering::SeqCst))
    }
}

/// The first moment at which this process asked for the time; the zero of recorded timestamps.
pub fn process_start() -> Instant {
    anchors().0
}

/// The wall-clock time that belongs to [`process_start`], for merging recordings of several processes.
pub fn process_start_wall() -> SystemTime {
    anchors().1
}

/// Nanoseconds from [`process_start`] to `at`; 0 for an earlier instant.
#[inline]
pub fn since_start_ns(at: Instant) -> u64 {
    at.saturating_duration_since(process_start()).as_nanos() as u64
}

/// The wall-clock time now, for `started_at` in results; never for measuring.
#[allow(clippy::disallowed_methods)] // This crate is the one place that reads the OS clocks.
pub fn wall_now() -> SystemTime {
    SystemTime::now()
}

/// The reading of the system's monotonic clock that belongs to `at`: comparable between processes.
pub fn monotonic(at: Instant) -> Duration {
    static ZERO: OnceLock<(Instant, Duration)> = OnceLock::new();
    let (then, reading) = *ZERO.get_or_init(|| (os_now(), os_reading(ClockId::Monotonic)));
    match at.checked_duration_since(then) {
        Some(later) => reading + later,
        None => reading.saturating_sub(then - at),
    }
}

/// Processor time that all threads of this process have used.
pub fn process_cpu_time() -> Duration {
    os_reading(ClockId::ProcessCPUTime)
}

/// Processor time that the calling thread has used.
pub fn thread_cpu_time() -> Duration {
    os_reading(ClockId::ThreadCPUTime)
}

fn os_reading(clock: ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[allow(clippy::disallowed_methods)] // This crate is the one place that reads the OS clocks.
#[inline]
fn os_now() -> Instant {
    Instant::now()
}

fn anchors() -> (Instant, SystemTime) {
    static ANCHORS: OnceLock<(Instant, SystemTime)> = OnceLock::new();
    *ANCHORS.get_or_init(|| (os_now(), wall_now()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_a_real_clock_never_goes_back() {
        let clock = Clock::real();
        let mut before = clock.now();
        for _ in 0..10_000 {
            let now = clock.now();
            assert!(now >= before);
            before = now;
        }
    }

    #[test]
    fn a_manual_clock_stands_still_until_moved() {
        let (clock, hands) = Clock::manual();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        hands.advance(Duration::from_millis(3));
        assert_eq!(clock.now() - start, Duration::from_millis(3));
        assert_eq!(clock.clone().now(), clock.now());
    }

    #[test]
    fn the_monotonic_reading_moves_with_the_instant_it_is_for() {
        let now = os_now();
        let second = Duration::from_secs(1);
        assert_eq!(monotonic(now + second) - monotonic(now), second);
        assert!(monotonic(now) > Duration::ZERO);
    }

    #[test]
    fn processor_time_of_a_process_covers_that_of_its_threads() {
        let before = (process_cpu_time(), thread_cpu_time());
        let mut sum = 0_u64;
        while thread_cpu_time() == before.1 {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        let thread = thread_cpu_time() - before.1;
        assert!(process_cpu_time() - before.0 >= thread);
    }

    #[test]
    fn timestamps_count_from_the_process_start() {
        assert_eq!(since_start_ns(process_start()), 0);
        assert_eq!(since_start_ns(process_start() + Duration::from_micros(7)), 7_000);
    }
}
