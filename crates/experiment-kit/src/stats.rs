//! Quantiles of raw samples, and the bootstrap interval of the ratio of two quantiles.
//!
//! # Model
//! Samples come in rounds: `samples[round][i]`. Round `r` of one act ran next to round `r` of the others, so a
//! disturbance of the machine hits them together. The bootstrap keeps that: it draws rounds with replacement,
//! the same rounds for numerator and denominator, then samples within each drawn round. The 2.5th and 97.5th
//! percentile of the ratios so found are the interval. With few rounds it is narrower than it is called: of three rounds it
//! reaches at most from the least to the largest, which covers a median of rounds in three cases of four. So thresholds
//! stand far from both worlds, and a run goes on until two looks in a row agree.
//!
//! # Source
//! Nearest-rank percentile (no interpolation: every reported value was measured). Efron, Tibshirani, "An
//! Introduction to the Bootstrap", 1993, chapter 13 (percentile interval) and 8 (structured data).

use std::collections::BinaryHeap;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

/// What is said about a set of samples: never a mean alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The median.
    pub p50: f64,
    /// 99 of 100 samples are at most this.
    pub p99: f64,
    /// The largest sample.
    pub max: f64,
    /// How many samples.
    pub count: usize,
}

impl Summary {
    /// The summary of `samples`; all zero when there are none.
    pub fn of(samples: impl IntoIterator<Item = f64>) -> Summary {
        let mut sorted: Vec<f64> = samples.into_iter().collect();
        if sorted.is_empty() {
            return Summary::default();
        }
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |quantile| sorted[rank(quantile, sorted.len())];
        Summary { p50: at(0.5), p99: at(0.99), max: sorted[sorted.len() - 1], count: sorted.len() }
    }
}

/// The nearest-rank quantile of `samples`, which are put into another order; `None` when there are none.
pub fn quantile(samples: &mut [f64], quantile: f64) -> Option<f64> {
    if samples.is_empty() {
        return None;
    }
    let rank = rank(quantile, samples.len());
    Some(*samples.select_nth_unstable_by(rank, f64::total_cmp).1)
}

fn rank(quantile: f64, count: usize) -> usize {
    ((quantile * count as f64).ceil() as usize).clamp(1, count) - 1
}

/// A value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The value of the samples as they are.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The interval of what was counted, not sampled: it has no width.
    pub fn exact(value: f64) -> Interval {
        Interval { value, low: value, high: value }
    }

    /// The same with four significant digits, as it is published.
    pub fn rounded(self) -> Interval {
        let [value, low, high] = [self.value, self.low, self.high].map(crate::verdict::significant);
        Interval { value, low, high }
    }
}

/// How many times the bootstrap draws: the ends of the interval are then steady to about 5 % of its width.
pub const RESAMPLES: usize = 1_000;

/// The ratio of the `at` quantiles of two acts that ran interleaved, with its interval.
///
/// `None` when a side has no samples or the denominator's quantile is 0. Rounds beyond the shorter side are
/// left out, and so are rounds in which a side has no samples. Samples must not be negative.
pub fn ratio_of_quantiles(over: &[Vec<f64>], under: &[Vec<f64>], at: f64, seed: u64) -> Option<Interval> {
    let pairs: Vec<(Vec<f64>, Vec<f64>)> = (over.iter().zip(under))
        .filter(|(over, under)| !over.is_empty() && !under.is_empty())
        .map(|(over, under)| (sorted(over), sorted(under)))
        .collect();
    let mut all_over: Vec<f64> = pairs.iter().flat_map(|pair| &pair.0).copied().collect();
    let mut all_under: Vec<f64> = pairs.iter().flat_map(|pair| &pair.1).copied().collect();
    let value = ratio(quantile(&mut all_over, at)?, quantile(&mut all_under, at)?)?;
    let mut rng = Rng::new(seed);
    let mut ratios: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let rounds: Vec<usize> = (0..pairs.len()).map(|_| rng.below(pairs.len())).collect();
            let over = rounds.iter().map(|&round| pairs[round].0.as_slice());
            let over = resampled_quantile(over, at, &mut rng);
            let under = rounds.iter().map(|&round| pairs[round].1.as_slice());
            // A resample over nothing is beyond every limit, and counts as such.
            ratio(over, resampled_quantile(under, at, &mut rng)).unwrap_or(f64::INFINITY)
        })
        .collect();
    let low = quantile(&mut ratios, 0.025)?;
    let high = quantile(&mut ratios, 0.975)?;
    Some(Interval { value, low, high })
}

/// The `at` quantile of samples that came in rounds, with its interval, by the same bootstrap.
///
/// `None` without samples. Samples must not be negative.
pub fn quantile_interval(rounds: &[Vec<f64>], at: f64, seed: u64) -> Option<Interval> {
    let rounds: Vec<Vec<f64>> = rounds.iter().filter(|round| !round.is_empty()).map(|r| sorted(r)).collect();
    let mut all: Vec<f64> = rounds.iter().flatten().copied().collect();
    let value = quantile(&mut all, at)?;
    let mut rng = Rng::new(seed);
    let mut values: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            let drawn: Vec<usize> = (0..rounds.len()).map(|_| rng.below(rounds.len())).collect();
            resampled_quantile(drawn.iter().map(|&round| rounds[round].as_slice()), at, &mut rng)
        })
        .collect();
    let low = quantile(&mut values, 0.025)?;
    let high = quantile(&mut values, 0.975)?;
    Some(Interval { value, low, high })
}

/// What the rank test says about two sets of samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RankTest {
    /// The statistic U of the left side: pairs in which the left sample is larger, ties counted half.
    pub u: f64,
    /// The probability of a U at least this far from its middle, when both sides come from one distribution.
    pub p: f64,
}

/// The larger side up to which [`rank_test`] counts all arrangements.
const EXACT_MAX: usize = 20;

/// The two-sided test of Mann and Whitney: do two sets of samples come from one distribution?
///
/// Exact without ties and up to 20 samples a side; else the normal approximation with the correction for ties and for
/// continuity. `None` when a side is empty, or when all samples are equal: then there is nothing to rank.
///
/// # Source
/// Mann, Whitney, "On a test of whether one of two random variables is stochastically larger than the other", Annals of
/// Mathematical Statistics 18, 1947: the recurrence of the exact distribution. Lehmann, "Nonparametrics", 1975, 1.4:
/// the variance with ties.
pub fn rank_test(left: &[f64], right: &[f64]) -> Option<RankTest> {
    let (n, m) = (left.len(), right.len());
    if n == 0 || m == 0 {
        return None;
    }
    let (u, ties) = u_statistic(left, right);
    let middle = (n * m) as f64 / 2.0;
    if ties == 0.0 && n.max(m) <= EXACT_MAX {
        let counts = arrangements(n, m);
        let far = (u - middle).abs();
        let total: f64 = counts.iter().sum();
        let extreme: f64 = (counts.iter().enumerate())
            .filter(|(value, _)| (*value as f64 - middle).abs() >= far - 1e-9)
            .map(|(_, count)| count)
            .sum();
        return Some(RankTest { u, p: (extreme / total).min(1.0) });
    }
    let all = (n + m) as f64;
    let variance = (n * m) as f64 / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return None;
    }
    let z = ((u - middle).abs() - 0.5).max(0.0) / variance.sqrt();
    Some(RankTest { u, p: (2.0 * normal_tail(z)).min(1.0) })
}

/// U of `left`, and the sum of `t^3 - t` over the groups of `t` equal samples.
fn u_statistic(left: &[f64], right: &[f64]) -> (f64, f64) {
    let mut all: Vec<(f64, bool)> = left.iter().map(|&sample| (sample, true)).collect();
    all.extend(right.iter().map(|&sample| (sample, false)));
    all.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut ties, mut begin) = (0.0, 0.0, 0);
    while begin < all.len() {
        let end = begin + all[begin..].partition_point(|one| one.0 <= all[begin].0);
        let rank = (begin + 1 + end) as f64 / 2.0; // The mean of the ranks begin + 1 to end.
        ranks += rank * all[begin..end].iter().filter(|one| one.1).count() as f64;
        let size = (end - begin) as f64;
        ties += size * size * size - size;
        begin = end;
    }
    let n = left.len() as f64;
    (ranks - n * (n + 1.0) / 2.0, ties)
}

/// How many of the arrangements of `n` and `m` samples have each value of U, `counts[u]`.
fn arrangements(n: usize, m: usize) -> Vec<f64> {
    // The largest sample is of the left, and beats all m, or of the right: c(n, m, u) = c(n-1, m, u-m) + c(n, m-1, u).
    let mut rows: Vec<Vec<f64>> = vec![vec![1.0]; m + 1];
    for left in 1..=n {
        let mut next: Vec<Vec<f64>> = vec![vec![1.0]];
        for right in 1..=m {
            let mut counts = vec![0.0; left * right + 1];
            for (u, count) in rows[right].iter().enumerate() {
                counts[u + right] += count;
            }
            for (u, count) in next[right - 1].iter().enumerate() {
                counts[u] += count;
            }
            next.push(counts);
        }
        rows = next;
    }
    rows.swap_remove(m)
}

/// The part of a standard normal distribution above `z`, to about seven digits.
///
/// # Source
/// Abramowitz, Stegun, "Handbook of Mathematical Functions", 1964, 26.2.17.
fn normal_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = t
        * (0.319_381_530
            + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt() * polynomial
}

fn sorted(samples: &[f64]) -> Vec<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

fn ratio(over: f64, under: f64) -> Option<f64> {
    let ratio = over / under;
    ratio.is_finite().then_some(ratio)
}

/// The `at` quantile of a resample of `rounds`, each sorted and drawn from as often as it has samples.
///
/// Only the draws above the quantile are made: for a p99, one in a hundred. The largest of `n` uniform numbers
/// is distributed as `u^(1/n)`, the next as that times `u^(1/(n-1))`, and so on down; each stands for the sample
/// at that part of its sorted round. A heap merges the rounds from the top.
fn resampled_quantile<'s>(rounds: impl Iterator<Item = &'s [f64]>, at: f64, rng: &mut Rng) -> f64 {
    let mut draws: Vec<FromTheTop<'_>> = rounds.map(FromTheTop::new).collect();
    let count: usize = draws.iter().map(|draw| draw.left).sum();
    // The bits of floats that are not negative are in the order of the floats.
    let mut heads: BinaryHeap<(u64, usize)> = (draws.iter_mut().enumerate())
        .filter_map(|(index, draw)| Some((draw.next(rng)?.to_bits(), index)))
        .collect();
    let mut last = 0.0;
    for _ in rank(at, count)..count {
        let Some((bits, index)) = heads.pop() else { break };
        last = f64::from_bits(bits);
        heads.extend(draws[index].next(rng).map(|sample| (sample.to_bits(), index)));
    }
    last
}

/// Draws with replacement from a sorted round, the largest first.
struct FromTheTop<'s> {
    sorted: &'s [f64],
    left: usize,
    top: f64,
}

impl FromTheTop<'_> {
    fn new(sorted: &[f64]) -> FromTheTop<'_> {
        FromTheTop { sorted, left: sorted.len(), top: 1.0 }
    }

    fn next(&mut self, rng: &mut Rng) -> Option<f64> {
        if self.left == 0 {
            return None;
        }
        self.top *= rng.unit().powf(1.0 / self.left as f64);
        self.left -= 1;
        let index = (self.top * self.sorted.len() as f64) as usize;
        Some(self.sorted[index.min(self.sorted.len() - 1)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_textbook() {
        // https://en.wikipedia.org/wiki/Percentile, worked examples of the nearest-rank method.
        let five = [15.0, 20.0, 35.0, 40.0, 50.0];
        for (at, expected) in [(0.05, 15.0), (0.30, 20.0), (0.40, 20.0), (0.50, 35.0), (1.0, 50.0)] {
            assert_eq!(quantile(&mut five.clone(), at), Some(expected), "{at}");
        }
        let ten = [20.0, 3.0, 6.0, 7.0, 8.0, 8.0, 10.0, 13.0, 15.0, 16.0];
        for (at, expected) in [(0.25, 7.0), (0.50, 8.0), (0.75, 15.0), (1.0, 20.0)] {
            assert_eq!(quantile(&mut ten.clone(), at), Some(expected), "{at}");
        }
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn a_summary_holds_measured_values_only() {
        let summary = Summary::of((1..=1_000).rev().map(f64::from));
        assert_eq!(summary, Summary { p50: 500.0, p99: 990.0, max: 1_000.0, count: 1_000 });
        assert_eq!(Summary::of([]), Summary::default());
    }

    #[test]
    fn equal_samples_give_an_interval_without_width() {
        let (over, under) = (vec![vec![6.0; 30]; 3], vec![vec![2.0; 30]; 3]);
        let interval = ratio_of_quantiles(&over, &under, 0.99, 1);
        assert_eq!(interval, Some(Interval { value: 3.0, low: 3.0, high: 3.0 }));
    }

    #[test]
    fn the_interval_of_a_median_is_the_binomial_one() {
        // For 100 samples the 95 % interval of the median runs from the 40th to the 61st order statistic
        // (binomial(100, 1/2); table of order-statistic intervals in Conover, "Practical Nonparametric Statistics").
        let over = vec![(1..=100).map(f64::from).collect()];
        let interval = ratio_of_quantiles(&over, &[vec![1.0]], 0.5, 42).unwrap();
        assert_eq!(interval.value, 50.0);
        assert!((38.0..=42.0).contains(&interval.low), "{interval:?}");
        assert!((58.0..=62.0).contains(&interval.high), "{interval:?}");
    }

    #[test]
    fn draws_from_the_top_are_draws_with_replacement() {
        // Drawing 3 times from {1, 2, 3}: P(max = 3) = 1 - (2/3)^3 = 19/27, P(max = 2) = 7/27, P(median = 2) = 13/27.
        let round = [1.0, 2.0, 3.0];
        let mut rng = Rng::new(11);
        let mut share = |at, wanted| {
            let hits = (0..20_000)
                .filter(|_| resampled_quantile(std::iter::once(round.as_slice()), at, &mut rng) == wanted)
                .count();
            hits as f64 / 20_000.0
        };
        for (at, wanted, expected) in [(1.0, 3.0, 19.0), (1.0, 2.0, 7.0), (0.5, 2.0, 13.0), (0.01, 1.0, 19.0)]
        {
            let found: f64 = share(at, wanted);
            assert!((found - expected / 27.0).abs() < 0.015, "{at} {wanted}: {found}");
        }
    }

    #[test]
    fn rounds_are_drawn_together() {
        // Two rounds, in both the numerator is twice the denominator, but their levels differ tenfold. Only a
        // bootstrap that draws whole rounds for both sides at once keeps the ratio at exactly 2.
        let over = [vec![2.0; 50], vec![20.0; 50]];
        let under = [vec![1.0; 50], vec![10.0; 50]];
        let interval = ratio_of_quantiles(&over, &under, 1.0, 9).unwrap();
        assert_eq!(interval, Interval { value: 2.0, low: 2.0, high: 2.0 });
    }

    #[test]
    fn a_round_that_differs_widens_the_interval() {
        // The maximum of two drawn rounds is 1 in a quarter of the draws and 3 in the others.
        let interval = ratio_of_quantiles(&[vec![1.0], vec![3.0]], &[vec![1.0], vec![1.0]], 1.0, 5).unwrap();
        assert_eq!(interval, Interval { value: 3.0, low: 1.0, high: 3.0 });
    }

    #[test]
    fn the_same_seed_gives_the_same_interval() {
        let over: Vec<Vec<f64>> =
            (0..4).map(|round| (0..50).map(|i| f64::from(i * round + 1)).collect()).collect();
        let under = vec![vec![1.0, 2.0, 3.0]; 4];
        assert_eq!(ratio_of_quantiles(&over, &under, 0.9, 3), ratio_of_quantiles(&over, &under, 0.9, 3));
        assert_ne!(ratio_of_quantiles(&over, &under, 0.9, 3), ratio_of_quantiles(&over, &under, 0.9, 4));
    }

    #[test]
    fn the_interval_of_one_quantile_is_the_binomial_one_too() {
        let interval = quantile_interval(&[(1..=100).map(f64::from).collect()], 0.5, 42).unwrap();
        assert_eq!(interval.value, 50.0);
        assert!(
            (38.0..=42.0).contains(&interval.low) && (58.0..=62.0).contains(&interval.high),
            "{interval:?}"
        );
        assert_eq!(quantile_interval(&[vec![]], 0.5, 42), None);
    }

    #[test]
    fn the_rank_test_has_the_published_values() {
        // Mann and Whitney 1947, table I, n = m = 4: P(U <= 0) = .014, P(U <= 1) = .029, P(U <= 2) = .057.
        for (left, right, one_sided) in [
            ([1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], 0.014),
            ([1.0, 2.0, 3.0, 5.0], [4.0, 6.0, 7.0, 8.0], 0.029),
            ([1.0, 2.0, 3.0, 6.0], [4.0, 5.0, 7.0, 8.0], 0.057),
        ] {
            let test = rank_test(&left, &right).unwrap();
            assert!((test.p - 2.0 * one_sided).abs() < 0.002, "{test:?}");
            assert_eq!(rank_test(&right, &left).unwrap().p, test.p);
        }
        // n = 8, m = 8: U = 13 is the 5 % limit of the common tables; U = 14 is beyond it.
        let counts = arrangements(8, 8);
        let two_sided = |u: usize| 2.0 * counts[..=u].iter().sum::<f64>() / counts.iter().sum::<f64>();
        assert!(two_sided(13) <= 0.05 && two_sided(14) > 0.05);
    }

    #[test]
    fn the_rank_test_takes_ties_into_account() {
        // Both sides in two classes, 5 and 1 against 1 and 5: by hand U = 6, middle 18, ties 2 x (6^3 - 6) = 420,
        // variance 36 / 12 x (13 - 420 / 132) = 29.45, z = 11.5 / 5.427 = 2.119, p = 0.0341.
        let test = rank_test(&[1.0, 1.0, 1.0, 1.0, 1.0, 2.0], &[1.0, 2.0, 2.0, 2.0, 2.0, 2.0]).unwrap();
        assert_eq!(test.u, 6.0);
        assert!((test.p - 0.0341).abs() < 0.0005, "{test:?}");
        assert_eq!(rank_test(&[3.0; 30], &[3.0; 30]), None);
        assert_eq!(rank_test(&[], &[1.0]), None);
    }

    #[test]
    fn the_same_distribution_is_not_told_apart_and_a_shifted_one_is() {
        let mut rng = Rng::new(5);
        let left: Vec<f64> = (0..200).map(|_| rng.unit()).collect();
        let right: Vec<f64> = (0..200).map(|_| rng.unit()).collect();
        assert!(rank_test(&left, &right).unwrap().p > 0.05);
        let shifted: Vec<f64> = right.iter().map(|value| value + 0.5).collect();
        assert!(rank_test(&left, &shifted).unwrap().p < 1e-6);
    }

    #[test]
    fn missing_samples_give_no_interval() {
        assert_eq!(ratio_of_quantiles(&[], &[vec![1.0]], 0.5, 1), None);
        assert_eq!(ratio_of_quantiles(&[vec![1.0]], &[vec![]], 0.5, 1), None);
        assert_eq!(ratio_of_quantiles(&[vec![1.0]], &[vec![0.0]], 0.5, 1), None);
    }
}
