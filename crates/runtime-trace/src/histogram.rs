//! Histograms of durations: quantiles with three significant digits in constant memory.
//!
//! # Model
//! A thin layer over `hdrhistogram` that fixes the unit (nanoseconds), the range (1 ns to 1 hour, longer counts as
//! 1 hour) and the precision (0.1 %), and that keeps the exact maximum, because the worst case is the figure that
//! people look up in the trace.
//!
//! # Source
//! Gil Tene's HdrHistogram, in the crate `hdrhistogram` 7.6.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest duration that is told apart from longer ones: 1 hour.
const LONGEST_NS: u64 = 3_600 * 1_000_000_000;

/// A distribution of durations: about 270 kB, no allocation when recording.
#[derive(Clone)]
pub struct LatencyHistogram {
    counts: Histogram<u64>,
    max_ns: u64,
}

/// The figures of a distribution that the project publishes; all 0 when nothing was recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Half were at most this long.
    pub p50_ns: u64,
    /// 99 of 100 were at most this long.
    pub p99_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// How many were recorded.
    pub count: u64,
}

impl LatencyHistogram {
    /// An empty histogram.
    pub fn new() -> LatencyHistogram {
        let counts = Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are constants in range");
        LatencyHistogram { counts, max_ns: 0 }
    }

    /// Counts one duration.
    #[inline]
    pub fn record(&mut self, duration: Duration) {
        self.record_many(duration, 1);
    }

    /// Counts `count` durations of the same length.
    pub fn record_many(&mut self, duration: Duration, count: u64) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts.saturating_record_n(ns.min(LONGEST_NS), count);
        if count > 0 {
            self.max_ns = self.max_ns.max(ns);
        }
    }

    /// Adds everything that `other` counted.
    pub fn merge(&mut self, other: &LatencyHistogram) {
        self.counts.add(&other.counts).expect("all latency histograms have the same bounds");
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.reset();
        self.max_ns = 0;
    }

    /// The median.
    pub fn p50(&self) -> Duration {
        self.percentile(50.0)
    }

    /// 90 of 100 were at most this long.
    pub fn p90(&self) -> Duration {
        self.percentile(90.0)
    }

    /// 99 of 100 were at most this long.
    pub fn p99(&self) -> Duration {
        self.percentile(99.0)
    }

    /// `percent` of 100 were at most this long (0.1 % exact, never above `max`); 0 when empty.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_nanos(self.counts.value_at_percentile(percent).min(self.max_ns))
    }

    /// The longest, exactly.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.counts.len()
    }

    /// The published figures.
    pub fn summary(&self) -> Summary {
        Summary {
            p50_ns: self.p50().as_nanos() as u64,
            p99_ns: self.p99().as_nanos() as u64,
            max_ns: self.max_ns,
            count: self.count(),
        }
    }

    /// The curve of a percentile chart: rising `(percent, duration)`, one point for each length that occurred.
    pub fn distribution(&self) -> Vec<(f64, Duration)> {
        let count = self.count().max(1) as f64;
        let mut below = 0;
        let points = self.counts.iter_recorded().map(|bucket| {
            below += bucket.count_since_last_iteration();
            (below as f64 * 100.0 / count, Duration::from_nanos(bucket.value_iterated_to().min(self.max_ns)))
        });
        points.collect()
    }
}

impl Default for LatencyHistogram {
    fn default() -> LatencyHistogram {
        LatencyHistogram::new()
    }
}

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LatencyHistogram({:?})", self.summary())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ms(values_ms: impl IntoIterator<Item = u64>) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        values_ms.into_iter().for_each(|ms| histogram.record(Duration::from_millis(ms)));
        histogram
    }

    fn close(left: Duration, right_ms: f64) -> bool {
        (left.as_secs_f64() * 1_000.0 / right_ms - 1.0).abs() < 0.001
    }

    #[test]
    fn quantiles_are_exact_to_a_thousandth_and_the_maximum_wholly() {
        let histogram = of_ms(1..=1_000);
        assert!(close(histogram.p50(), 500.0), "{:?}", histogram.p50());
        assert!(close(histogram.p90(), 900.0), "{:?}", histogram.p90());
        assert!(close(histogram.p99(), 990.0), "{:?}", histogram.p99());
        assert_eq!(histogram.max(), Duration::from_secs(1));
        assert_eq!(histogram.count(), 1_000);
        assert!(histogram.percentile(100.0) <= histogram.max());
    }

    #[test]
    fn merging_equals_recording_together() {
        let mut merged = of_ms(1..=500);
        merged.merge(&of_ms(501..=1_000));
        assert_eq!(merged.summary(), of_ms(1..=1_000).summary());
        assert_eq!(merged.distribution(), of_ms(1..=1_000).distribution());
    }

    #[test]
    fn an_empty_histogram_is_all_zero() {
        let mut histogram = of_ms([5]);
        histogram.clear();
        assert_eq!(histogram.summary(), Summary::default());
        assert_eq!(LatencyHistogram::new().summary(), Summary::default());
        assert!(LatencyHistogram::new().distribution().is_empty());
    }

    #[test]
    fn what_is_longer_than_an_hour_keeps_its_maximum() {
        let mut histogram = LatencyHistogram::new();
        histogram.record(Duration::from_secs(7_200));
        histogram.record(Duration::MAX);
        histogram.record(Duration::ZERO);
        assert_eq!(histogram.count(), 3);
        assert_eq!(histogram.max(), Duration::from_nanos(u64::MAX));
        assert!(histogram.p50() >= Duration::from_secs(3_599));
    }

    #[test]
    fn the_distribution_rises_to_100_percent() {
        let points = of_ms([1, 1, 2, 10]).distribution();
        assert_eq!(points.iter().map(|point| point.0).collect::<Vec<_>>(), [50.0, 75.0, 100.0]);
        assert!(points.windows(2).all(|pair| pair[0].1 < pair[1].1));
        assert_eq!(points[2].1, Duration::from_millis(10));
    }
}
