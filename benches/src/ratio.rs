//! Ratios of rounds that took turns: the median, and how far they spread.

use serde::Serialize;

/// A ratio in the median round and in the extreme ones.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ratio {
    /// The upper median, so that it is the ratio of a round.
    pub median: f64,
    /// The lowest.
    pub low: f64,
    /// The highest.
    pub high: f64,
}

impl Ratio {
    /// Of one ratio for each round; `None` without rounds.
    pub fn of(ratios: impl IntoIterator<Item = f64>) -> Option<Ratio> {
        let mut sorted: Vec<f64> = ratios.into_iter().collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Some(Ratio { median: *sorted.get(sorted.len() / 2)?, low: *sorted.first()?, high: *sorted.last()? })
    }

    /// Two cells of a table: the median, and from where to where.
    pub fn cells(&self) -> [String; 2] {
        [format!("{:.3}", self.median), format!("{:.3} to {:.3}", self.low, self.high)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_that_of_the_median_round() {
        let ratio = Ratio::of([1.5, 0.5, 1.0, 9.0]).unwrap();
        assert_eq!(ratio, Ratio { median: 1.5, low: 0.5, high: 9.0 });
        assert_eq!(ratio.cells(), ["1.500", "0.500 to 9.000"]);
        assert_eq!(Ratio::of([]), None);
    }
}
