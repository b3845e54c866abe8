//! Charts of a measured quantity: the whole distribution as curves, its few published figures as ranges or as text.
//!
//! # Model
//! Latency spans orders of magnitude, so an axis of values is logarithmic; where a value is 0 or below, which a
//! logarithm does not have, it is linear. The percentile axis counts nines (50, 90, 99, 99.9 …), so that the tail,
//! which is the point, gets room; `max` stands at its end. Every curve is labelled where it ends, has its own dash
//! pattern, and is told in words in the picture's description. On a terminal each series is a histogram of one line.

mod axis;
mod percentile;
mod ranges;
mod strips;

use runtime_trace::LatencyHistogram;

use axis::ValueAxis;
pub(crate) use axis::nice_step_ns;
pub use percentile::latency_svg;
pub use ranges::ranges_svg;
pub use strips::terminal;

use crate::text::number;

/// One curve: a distribution of values, of latencies in milliseconds unless the chart has another unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its name, for example `inline`.
    pub name: String,
    /// Rising `(percent, value)`; the last one is `(100, maximum)`.
    pub points: Vec<(f64, f64)>,
    /// How many values were measured.
    pub count: u64,
}

impl Series {
    /// The series of a histogram, in milliseconds.
    pub fn from_histogram(name: impl Into<String>, histogram: &LatencyHistogram) -> Series {
        let distribution = histogram.distribution();
        let points =
            distribution.into_iter().map(|(percent, latency)| (percent, latency.as_secs_f64() * 1e3));
        Series { name: name.into(), points: points.collect(), count: histogram.count() }
    }

    /// The series of single values, in any order; what is not a number is left out.
    pub fn from_values(name: impl Into<String>, values: &[f64]) -> Series {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len();
        let percent = |index: usize| (index + 1) as f64 * 100.0 / count as f64;
        let points = sorted.into_iter().enumerate().map(|(index, value)| (percent(index), value));
        Series { name: name.into(), points: points.collect(), count: count as u64 }
    }

    /// The value that `percent` of 100 did not exceed; `None` without points.
    pub fn at(&self, percent: f64) -> Option<f64> {
        let index = self.points.partition_point(|point| point.0 < percent - 1e-9);
        self.points.get(index).or(self.points.last()).map(|point| point.1)
    }

    /// The largest value.
    pub fn max(&self) -> Option<f64> {
        self.points.last().map(|point| point.1)
    }

    /// The figures in words: `idle: p50 0.120 ms, p99 0.330 ms, max 1.00 ms of 1000`.
    pub fn describe(&self, unit: &str) -> String {
        match (self.at(50.0), self.at(99.0), self.max()) {
            (Some(p50), Some(p99), Some(max)) => {
                let [p50, p99, max] = [p50, p99, max].map(|value| quantity(value, unit));
                format!("{}: p50 {p50}, p99 {p99}, max {max} of {}", self.name, self.count)
            }
            _ => format!("{}: nothing measured", self.name),
        }
    }
}

/// A value with its unit, `118 ms`; only the number where there is no unit.
pub(crate) fn quantity(value: f64, unit: &str) -> String {
    format!("{} {unit}", number(value)).trim_end().to_owned()
}

/// A line to compare with, for example how long one block lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What it is.
    pub label: String,
    /// Where it is, in the unit of the chart.
    pub value: f64,
}

/// How values are laid out on their axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// Logarithmic, or linear where a value is 0 or below.
    #[default]
    Auto,
    /// Decades take the same room; what is 0 or below is drawn at the edge.
    Log,
    /// Equal differences take the same room; 0 is on the axis.
    Linear,
}

/// What to draw: distributions of one quantity, of latency unless its unit says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub struct LatencyChart {
    /// The line above the picture.
    pub title: String,
    /// The curves, one for each act.
    pub series: Vec<Series>,
    /// Lines to compare with.
    pub limits: Vec<Limit>,
    /// The unit of all values, `ms` by default; empty for a plain number or a ratio.
    pub unit: String,
    /// How values are laid out.
    pub scale: Scale,
}

impl Default for LatencyChart {
    /// A chart of nothing, in milliseconds.
    fn default() -> LatencyChart {
        LatencyChart {
            title: String::new(),
            series: Vec::new(),
            limits: Vec::new(),
            unit: "ms".to_owned(),
            scale: Scale::Auto,
        }
    }
}

impl LatencyChart {
    /// The chart in words.
    pub fn summary(&self) -> String {
        let mut sentences: Vec<String> = self.series.iter().map(|one| one.describe(&self.unit)).collect();
        let limits = self.limits.iter();
        sentences
            .extend(limits.map(|limit| format!("{}: {}", limit.label, quantity(limit.value, &self.unit))));
        sentences.join("; ") + "."
    }

    /// Everything that must fit on the axis of values.
    fn values(&self) -> impl Iterator<Item = f64> {
        let points = self.series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        points.chain(self.limits.iter().map(|limit| limit.value)).filter(|value| value.is_finite())
    }

    /// The axis of values between two pixels or columns.
    fn axis(&self, from: f64, to: f64) -> ValueAxis {
        let series = self.series.iter().flat_map(|series| series.points.first());
        let is_linear = match self.scale {
            Scale::Auto => series.copied().any(|(_, smallest)| smallest <= 0.0),
            Scale::Log => false,
            Scale::Linear => true,
        };
        ValueAxis::new(self.values(), is_linear, &self.unit, from, to)
    }

    /// `p50 ms`: the head of a column of figures.
    fn head(&self, figure: &str) -> String {
        format!("{figure} {}", self.unit).trim_end().to_owned()
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
        assert_eq!(empty.describe("ms"), "idle: nothing measured");
        assert_eq!((empty.at(50.0), empty.max(), empty.count), (None, None, 0));
    }

    #[test]
    fn a_unit_is_said_where_there_is_one() {
        let lost = Series::from_values("lost", &[0.0, 12.5]);
        assert_eq!(lost.describe("%"), "lost: p50 0 %, p99 12.5 %, max 12.5 % of 2");
        assert_eq!(lost.describe(""), "lost: p50 0, p99 12.5, max 12.5 of 2");
        assert_eq!(quantity(2_500_000.0, "threads"), "2.50e6 threads");
    }

    #[test]
    fn the_axis_is_linear_where_a_logarithm_has_no_place() {
        let chart = |values: &[f64], scale| LatencyChart {
            series: vec![Series::from_values("a", values)],
            scale,
            ..LatencyChart::default()
        };
        let is_linear =
            |values: &[f64], scale| matches!(chart(values, scale).axis(0.0, 100.0), ValueAxis::Linear(_));
        assert!(!is_linear(&[1.0, 10.0], Scale::Auto));
        assert!(is_linear(&[0.0, 10.0], Scale::Auto));
        assert!(is_linear(&[-3.0, 10.0], Scale::Auto));
        assert!(!is_linear(&[0.0, 10.0], Scale::Log));
        assert!(is_linear(&[1.0, 10.0], Scale::Linear));
        assert!(!is_linear(&[], Scale::Auto));
    }
}
