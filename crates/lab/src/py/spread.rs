//! How long things took, as a text histogram by powers of ten.
//!
//! Hold and wait times of a lock span seven decades: a table of percentiles hides that they come in two heaps, one of
//! microseconds and one of intervals, and this shows it.

use std::fmt::Write;
use std::time::Duration;

use runtime_trace::LatencyHistogram;

/// The upper edges of all buckets but the last, in nanoseconds, and how the buckets are called.
const EDGES_NS: [u64; 7] = [1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
const NAMES: [&str; 8] = [
    "below 1 µs",
    "1 to 10 µs",
    "10 to 100 µs",
    "0.1 to 1 ms",
    "1 to 10 ms",
    "10 to 100 ms",
    "0.1 to 1 s",
    "above 1 s",
];
/// Columns of the longest bar.
const BAR: u64 = 30;

/// Several histograms beside each other, each with its title; empty when all of them are.
pub(crate) fn table(titled: &[(&str, &LatencyHistogram)]) -> String {
    let counted: Vec<[u64; 8]> = titled.iter().map(|(_, histogram)| buckets(histogram)).collect();
    let filled = |bucket: &usize| counted.iter().any(|counts| counts[*bucket] > 0);
    let (Some(first), Some(last)) = ((0..8).find(filled), (0..8).rev().find(filled)) else {
        return String::new();
    };
    let mut out = format!("{:<14}", "");
    for (title, histogram) in titled {
        let head = format!("{title} ({})", histogram.count());
        let _ = write!(out, "{head:<width$}", width = BAR as usize + 12);
    }
    out.truncate(out.trim_end().len());
    for bucket in first..=last {
        let mut line = format!("{:<14}", NAMES[bucket]);
        for counts in &counted {
            let bar = bar(counts[bucket], counts.iter().copied().max().unwrap_or(0));
            let _ = write!(line, "{:>9} {bar:<width$}  ", counts[bucket], width = BAR as usize);
        }
        let _ = write!(out, "\n{}", line.trim_end());
    }
    out.push('\n');
    out
}

/// As long as its share of the most frequent; what happened at all is seen.
fn bar(count: u64, most: u64) -> String {
    let columns = (u128::from(count) * u128::from(BAR)).div_ceil(u128::from(most.max(1)));
    "#".repeat(columns as usize)
}

fn buckets(histogram: &LatencyHistogram) -> [u64; 8] {
    let mut counts = [0; 8];
    let mut before = 0;
    for (percent, length) in histogram.distribution() {
        let up_to = (percent * histogram.count() as f64 / 100.0).round() as u64;
        counts[bucket_of(length)] += up_to - before;
        before = up_to;
    }
    counts
}

fn bucket_of(length: Duration) -> usize {
    EDGES_NS.partition_point(|edge| u128::from(*edge) <= length.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lengths_us: &[(u64, u64)]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for (us, count) in lengths_us {
            histogram.record_many(Duration::from_micros(*us), *count);
        }
        histogram
    }

    #[test]
    fn every_duration_is_in_one_bucket() {
        let histogram = of(&[(5, 7), (50, 1), (5_080, 300_000), (10_160, 2), (2_000_000, 1)]);
        assert_eq!(buckets(&histogram), [0, 7, 1, 0, 300_000, 2, 0, 1]);
        assert_eq!(buckets(&of(&[])), [0; 8]);
    }

    #[test]
    fn two_heaps_are_seen_as_two() {
        let (hold, wait) = (of(&[(3, 60), (5_080, 20)]), of(&[(5_080, 1)]));
        let expected = "              held (80)                                 waited (1)
1 to 10 µs           60 ##############################          0
10 to 100 µs          0                                         0
0.1 to 1 ms           0                                         0
1 to 10 ms           20 ##########                              1 ##############################
";
        assert_eq!(table(&[("held", &hold), ("waited", &wait)]), expected);
        assert_eq!(table(&[("held", &of(&[]))]), "");
    }

    #[test]
    fn what_is_rare_is_not_invisible() {
        assert_eq!(bar(1, 1_000_000), "#");
        assert_eq!((bar(0, 5), bar(0, 0)), (String::new(), String::new()));
    }
}
