//! Charts of latency: the whole distribution as curves, and its few published figures as ranges.
//!
//! # Model
//! Latency spans orders of magnitude, so its axis is logarithmic. The percentile axis counts nines (50, 90, 99,
//! 99.9 …), so that the tail, which is the point, gets room; `max` stands at its end. Every curve is labelled where
//! it ends, has its own dash pattern, and is told in words in the picture's description.

mod axis;
mod percentile;
mod ranges;

use runtime_trace::LatencyHistogram;

pub(crate) use axis::nice_step_ns;
pub use percentile::latency_svg;
pub use ranges::ranges_svg;

use crate::text::milliseconds;

/// One curve: a distribution of latencies.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name, for example `inline`.
    pub name: String,
    /// Rising `(percent, milliseconds)`; the last one is `(100, maximum)`.
    pub points: Vec<(f64, f64)>,
    /// How many latencies were measured.
    pub count: u64,
}

impl Series {
    /// The series of a histogram.
    pub fn from_histogram(name: impl Into<String>, histogram: &LatencyHistogram) -> Series {
        let distribution = histogram.distribution();
        let points =
            distribution.into_iter().map(|(percent, latency)| (percent, latency.as_secs_f64() * 1e3));
        Series { name: name.into(), points: points.collect(), count: histogram.count() }
    }

    /// The series of single latencies in milliseconds, in any order; what is not a number is left out.
    pub fn from_values(name: impl Into<String>, values_ms: &[f64]) -> Series {
        let mut sorted: Vec<f64> = values_ms.iter().copied().filter(|ms| ms.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let points =
            sorted.into_iter().enumerate().map(|(index, ms)| ((index + 1) as f64 * 100.0 / count as f64, ms));
        Series { name: name.into(), points: points.collect(), count: count as u64 }
    }

    /// The latency that `percent` of 100 did not exceed; `None` without points.
    pub fn at(&self, percent: f64) -> Option<f64> {
        let index = self.points.partition_point(|point| point.0 < percent - 1e-9);
        self.points.get(index).or(self.points.last()).map(|point| point.1)
    }

    /// The longest latency in milliseconds.
    pub fn max(&self) -> Option<f64> {
        self.points.last().map(|point| point.1)
    }

    /// The figures in words: `idle: p50 0.120 ms, p99 0.330 ms, max 1.00 ms of 1000`.
    pub fn describe(&self) -> String {
        match (self.at(50.0), self.at(99.0), self.max()) {
            (Some(p50), Some(p99), Some(max)) => format!(
                "{}: p50 {} ms, p99 {} ms, max {} ms of {}",
                self.name,
                milliseconds(p50),
                milliseconds(p99),
                milliseconds(max),
                self.count
            ),
            _ => format!("{}: nothing measured", self.name),
        }
    }
}

/// A horizontal line to compare with, for example how long one block lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What it is.
    pub label: String,
    /// Where it is, in milliseconds.
    pub ms: f64,
}

/// What to draw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LatencyChart {
    /// The line above the picture.
    pub title: String,
    /// The curves, one for each act.
    pub series: Vec<Series>,
    /// Lines to compare with.
    pub limits: Vec<Limit>,
}

impl LatencyChart {
    /// The chart in words.
    pub fn summary(&self) -> String {
        let mut sentences: Vec<String> = self.series.iter().map(Series::describe).collect();
        sentences.extend(
            self.limits.iter().map(|limit| format!("{}: {} ms", limit.label, milliseconds(limit.ms))),
        );
        sentences.join("; ") + "."
    }

    /// The smallest and the largest latency that must fit, in milliseconds and above 0.
    fn range_ms(&self) -> (f64, f64) {
        let points = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let all =
            points.chain(self.limits.iter().map(|limit| limit.ms)).filter(|ms| *ms > 0.0 && ms.is_finite());
        let (low, high) = all.fold((f64::MAX, 0.0_f64), |(low, high), ms| (low.min(ms), high.max(ms)));
        if high == 0.0 { (0.1, 10.0) } else { (low.max(1e-6), high.max(1e-6)) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn values_and_histograms_give_the_same_figures() {
        let values: Vec<f64> = (1..=1_000).rev().map(f64::from).collect();
        let mut histogram = LatencyHistogram::new();
        values.iter().for_each(|ms| histogram.record(Duration::from_secs_f64(ms / 1e3)));
        let (left, right) = (Series::from_values("a", &values), Series::from_histogram("a", &histogram));
        assert_eq!(left.at(50.0), Some(500.0));
        assert_eq!(left.at(99.0), Some(990.0));
        assert_eq!(left.max(), Some(1_000.0));
        assert_eq!(right.max(), Some(1_000.0));
        for percent in [0.0, 50.0, 90.0, 99.0, 99.9, 100.0] {
            let (left, right) = (left.at(percent).unwrap_or(0.0), right.at(percent).unwrap_or(0.0));
            assert!((left / right - 1.0).abs() < 0.002, "{percent}: {left} {right}");
        }
    }

    #[test]
    fn nothing_measured_is_said() {
        let empty = Series::from_values("idle", &[f64::NAN]);
        assert_eq!(empty.describe(), "idle: nothing measured");
        assert_eq!((empty.at(50.0), empty.max(), empty.count), (None, None, 0));
    }
}
