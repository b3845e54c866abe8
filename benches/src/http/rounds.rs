//! The rounds of the HTTP comparison and what they say, as ratios to the first setting within the same round.

use super::client::Found;
use super::servers::{ServerStats, Setting};
use crate::ratio::Ratio;

/// The rounds of one setting.
#[derive(Clone, Debug)]
pub struct Rounds {
    /// The setting.
    pub setting: Setting,
    /// What the client found in each round.
    pub found: Vec<Found>,
}

impl Rounds {
    /// A setting before its first round.
    pub fn new(setting: Setting) -> Rounds {
        Rounds { setting, found: Vec::new() }
    }

    /// Requests per second, over all rounds.
    pub fn requests_per_second(&self) -> f64 {
        let seconds: f64 = self.found.iter().map(|found| found.elapsed.as_secs_f64()).sum();
        self.requests() as f64 / seconds.max(1e-9)
    }

    /// CPU time of the server's thread per request, over all rounds, in nanoseconds.
    pub fn cpu_ns_per_request(&self) -> f64 {
        self.per_request(|server| server.cpu_ns)
    }

    /// Something that the server counts, per request, over all rounds.
    pub fn per_request(&self, counter: impl Fn(ServerStats) -> u64) -> f64 {
        let counted: u64 = self.found.iter().map(|found| counter(found.server)).sum();
        counted as f64 / self.requests().max(1) as f64
    }

    fn requests(&self) -> u64 {
        self.found.iter().map(|found| found.requests).sum()
    }

    /// Requests per second over those of `base`, round by round.
    pub fn speed_over(&self, base: &Rounds) -> Option<Ratio> {
        let speed = |found: &Found| found.requests as f64 / found.elapsed.as_secs_f64().max(1e-9);
        Ratio::of(self.found.iter().zip(&base.found).map(|(own, base)| speed(own) / speed(base)))
    }

    /// CPU time per request in the best round over that in the best round of `base`. What else runs on the machine only
    /// adds to a round, so this is the figure of the least disturbed ones.
    pub fn best_cpu_over(&self, base: &Rounds) -> Option<f64> {
        let best = |rounds: &Rounds| {
            let each = rounds.found.iter().filter(|found| found.requests > 0);
            each.map(|found| found.server.cpu_ns as f64 / found.requests as f64).min_by(f64::total_cmp)
        };
        Some(best(self)? / best(base)?)
    }

    /// CPU time per request over that of `base`, round by round.
    pub fn cpu_over(&self, base: &Rounds) -> Option<Ratio> {
        let cpu = |found: &Found| found.server.cpu_ns as f64 / found.requests.max(1) as f64;
        Ratio::of(self.found.iter().zip(&base.found).map(|(own, base)| cpu(own) / cpu(base)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn rounds(setting: Setting, rounds: &[(u64, u64)]) -> Rounds {
        let found = |&(requests, cpu_ns)| Found {
            requests,
            elapsed: Duration::from_secs(1),
            server: ServerStats { cpu_ns, passes: requests / 2, ..ServerStats::default() },
        };
        Rounds { setting, found: rounds.iter().map(found).collect() }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        // In the second round the machine was half as fast for both.
        let base = rounds(Setting::Default, &[(1_000, 1_000_000), (500, 1_000_000), (1_000, 1_000_000)]);
        let own = rounds(Setting::Recorder, &[(900, 990_000), (450, 990_000), (800, 990_000)]);
        let speed = own.speed_over(&base).unwrap();
        assert_eq!(speed, Ratio { median: 0.9, low: 0.8, high: 0.9 });
        let cpu = own.cpu_over(&base).unwrap();
        assert!((cpu.median - 1.1).abs() < 1e-9 && (cpu.high - 1.2375).abs() < 1e-9, "{cpu:?}");
        // The best round of both is the first, in which 900 requests took what 990 would have.
        let best = own.best_cpu_over(&base).unwrap();
        assert!((best - 1.1).abs() < 1e-9, "{best}");
    }

    #[test]
    fn figures_per_request_count_all_rounds() {
        let own = rounds(Setting::Default, &[(1_000, 1_000_000), (3_000, 2_000_000)]);
        assert_eq!(own.requests_per_second(), 2_000.0);
        assert_eq!(own.cpu_ns_per_request(), 750.0);
        assert_eq!(own.per_request(|server| server.passes), 0.5);
    }

    #[test]
    fn without_rounds_there_is_no_ratio() {
        assert_eq!(Rounds::new(Setting::Tokio).speed_over(&Rounds::new(Setting::Default)), None);
        assert_eq!(Rounds::new(Setting::Tokio).best_cpu_over(&Rounds::new(Setting::Default)), None);
    }
}
