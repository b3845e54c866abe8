//! How fast our interpreter is beside others: ratios within rounds, their geometric mean, and what was promised.

use serde::Serialize;

use crate::ratio::Ratio;

/// The geometric mean over the programs should be at least this.
pub const MEAN_AT_LEAST: f64 = 1.0;
/// And no program below this.
pub const EACH_AT_LEAST: f64 = 0.6;

/// What one run took.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// By the clock on the wall, measured by the program itself.
    pub wall_s: f64,
    /// Processor time.
    pub cpu_s: f64,
}

/// The ratio of a figure of `base` to that of `own` in each round: above 1 means that `own` is faster.
pub fn faster(own: &[Timing], base: &[Timing], figure: fn(&Timing) -> f64) -> Vec<f64> {
    own.iter().zip(base).map(|(own, base)| figure(base) / figure(own)).collect()
}

/// The geometric mean over the programs in each round, as a ratio; `ratios[program][round]`. `None` without both.
pub fn geometric_mean(ratios: &[Vec<f64>]) -> Option<Ratio> {
    let rounds = ratios.iter().map(Vec::len).min()?;
    let mean = |round: usize| {
        let logarithms: f64 = ratios.iter().map(|program| program[round].ln()).sum();
        (logarithms / ratios.len() as f64).exp()
    };
    Ratio::of((0..rounds).map(mean))
}

/// Whether the speed is what was promised: `as expected`, or what differs.
pub fn verdict(mean: f64, programs: &[(String, f64)]) -> String {
    let mut differs = Vec::new();
    if mean < MEAN_AT_LEAST {
        differs.push(format!("the geometric mean is {mean:.2}, not {MEAN_AT_LEAST:.1}"));
    }
    let slow = programs.iter().filter(|(_, speed)| *speed < EACH_AT_LEAST);
    differs.extend(slow.map(|(name, speed)| format!("{name} is at {speed:.2}, not {EACH_AT_LEAST:.1}")));
    if differs.is_empty() { "as expected".to_owned() } else { format!("differs: {}", differs.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walls(seconds: &[f64]) -> Vec<Timing> {
        seconds.iter().map(|&wall_s| Timing { wall_s, cpu_s: 1.0 }).collect()
    }

    #[test]
    fn twice_the_time_is_half_the_speed() {
        let (own, base) = (walls(&[2.0, 1.0]), walls(&[1.0, 3.0]));
        assert_eq!(faster(&own, &base, |timing| timing.wall_s), [0.5, 3.0]);
        assert_eq!(faster(&own, &base, |timing| timing.cpu_s), [1.0, 1.0]);
    }

    #[test]
    fn the_mean_is_taken_within_rounds_and_half_and_double_cancel() {
        let mean = geometric_mean(&[vec![0.5, 1.0, 4.0], vec![2.0, 1.0, 1.0]]).unwrap();
        let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(close(mean.median, 1.0) && close(mean.low, 1.0) && close(mean.high, 2.0), "{mean:?}");
        assert_eq!(geometric_mean(&[]), None);
        assert_eq!(geometric_mean(&[vec![]]), None);
    }

    #[test]
    fn the_verdict_says_no_to_a_slow_mean_and_to_each_slow_program() {
        let programs = |speed| vec![("sieve".to_owned(), 1.4), ("calls".to_owned(), speed)];
        assert_eq!(verdict(1.0, &programs(0.6)), "as expected");
        assert_eq!(verdict(0.99, &programs(0.6)), "differs: the geometric mean is 0.99, not 1.0");
        assert_eq!(verdict(1.2, &programs(0.59)), "differs: calls is at 0.59, not 0.6");
        assert!(verdict(0.5, &programs(0.1)).contains("; "));
    }
}
