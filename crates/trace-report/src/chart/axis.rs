//! Axes: round steps for time, decades for latency, nines for percentiles.

use crate::text::milliseconds;

/// The smallest 1, 2 or 5 times a power of ten, in nanoseconds, that divides `length_ns` into at most `parts`.
pub(crate) fn nice_step_ns(length_ns: u64, parts: usize) -> u64 {
    let wanted = length_ns.div_ceil(parts.max(1) as u64).max(1);
    let mut power = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let step = power.saturating_mul(factor);
            if step >= wanted {
                return step;
            }
        }
        power = power.saturating_mul(10);
    }
}

/// A logarithmic axis of milliseconds between two pixels.
pub(crate) struct LogAxis {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogAxis {
    /// An axis that shows `low_ms` to `high_ms`, widened to whole decades, at least one, from pixel to pixel.
    pub(crate) fn new((low_ms, high_ms): (f64, f64), from: f64, to: f64) -> LogAxis {
        let low = (low_ms.log10() + 1e-9).floor();
        let high = (high_ms.log10() - 1e-9).ceil().max(low + 1.0);
        LogAxis { low, high, from, to }
    }

    /// The pixel of a latency; what is outside goes to the edge.
    pub(crate) fn at(&self, ms: f64) -> f64 {
        let decades = if ms > 0.0 { ms.log10().clamp(self.low, self.high) } else { self.low };
        self.from + (decades - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Where lines go and what is written there, at least `gap` pixels apart: decades, or every second, third …,
    /// with 2 and 5 between them when there are few.
    pub(crate) fn ticks(&self, gap: f64) -> Vec<(f64, String)> {
        let decade = (self.to - self.from).abs() / (self.high - self.low);
        let factors: &[f64] = if decade * 0.3 >= gap { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut ticks = Vec::new();
        for decade in (self.low as i32..=self.high as i32).step_by((gap / decade).ceil().max(1.0) as usize) {
            for factor in factors {
                let ms = factor * 10_f64.powi(decade);
                if ms.log10() <= self.high + 1e-9 {
                    ticks.push((self.at(ms), latency(ms)));
                }
            }
        }
        ticks
    }
}

/// A latency on an axis, without needless zeros: `200 ms`, `0.5 ms`, `20 µs`, `2 s`.
fn latency(ms: f64) -> String {
    let (value, unit) = match ms {
        small if small < 0.0995 => (ms * 1e3, "µs"),
        large if large > 999.5 => (ms / 1e3, "s"),
        _ => (ms, "ms"),
    };
    let text = format!("{value:.3}");
    format!("{} {unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An axis of percentiles that counts nines: each further nine takes the same room, `max` stands at the end.
pub(crate) struct NinesAxis {
    nines: f64,
    from: f64,
    to: f64,
}

/// The room of `max` behind the last percentile, in nines.
const MAX_ROOM: f64 = 0.35;

impl NinesAxis {
    /// An axis that tells apart the percentiles of `count` values, from pixel to pixel.
    pub(crate) fn new(count: u64, from: f64, to: f64) -> NinesAxis {
        NinesAxis { nines: (count.max(1) as f64).log10().clamp(2.0, 6.0), from, to }
    }

    /// The pixel of a percentile.
    pub(crate) fn at(&self, percent: f64) -> f64 {
        let nines = match percent {
            all if all >= 100.0 => self.nines + MAX_ROOM,
            part => (-(1.0 - part.max(0.0) / 100.0).log10()).min(self.nines + MAX_ROOM / 2.0),
        };
        self.from + nines / (self.nines + MAX_ROOM) * (self.to - self.from)
    }

    /// Where lines go and what is written there.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let known =
            [(0.0, 0.0), (50.0, 0.3), (90.0, 1.0), (99.0, 2.0), (99.9, 3.0), (99.99, 4.0), (99.999, 5.0)];
        let shown = known.into_iter().filter(|(_, nines)| *nines <= self.nines + 1e-9);
        let mut ticks: Vec<_> = shown.map(|(percent, _)| (self.at(percent), format!("p{percent}"))).collect();
        ticks[0].1 = "min".to_owned();
        ticks.push((self.at(100.0), "max".to_owned()));
        ticks
    }
}

/// A latency with its unit for a label beside a curve.
pub(crate) fn label_ms(ms: f64) -> String {
    format!("{} ms", milliseconds(ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(nice_step_ns(1_000, 5), 200);
        assert_eq!(nice_step_ns(999, 4), 500);
        assert_eq!(nice_step_ns(1, 10), 1);
        assert_eq!(nice_step_ns(2_100_000_000, 6), 500_000_000);
        assert!(nice_step_ns(u64::MAX, 1) >= u64::MAX / 2);
    }

    #[test]
    fn decades_are_where_they_belong() {
        let axis = LogAxis::new((0.12, 210.0), 0.0, 400.0);
        let ticks: Vec<_> = axis.ticks(60.0).into_iter().map(|(at, label)| (at.round(), label)).collect();
        let expected =
            [(0.0, "0.1 ms"), (100.0, "1 ms"), (200.0, "10 ms"), (300.0, "100 ms"), (400.0, "1 s")];
        assert_eq!(ticks, expected.map(|(at, label)| (at, label.to_owned())));
        assert_eq!(axis.at(0.0), 0.0);
        assert_eq!(axis.at(1e9), 400.0);
        assert_eq!(LogAxis::new((1.0, 1.0), 0.0, 100.0).ticks(20.0).len(), 4, "1, 2, 5 and 10");
        let wide = LogAxis::new((1e-6, 1e6), 0.0, 240.0).ticks(50.0);
        assert!(wide.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 50.0), "{wide:?}");
    }

    #[test]
    fn each_nine_takes_the_same_room_and_max_is_at_the_end() {
        let axis = NinesAxis::new(1_000, 0.0, 335.0);
        assert_eq!(
            axis.ticks().iter().map(|tick| tick.1.as_str()).collect::<Vec<_>>(),
            ["min", "p50", "p90", "p99", "p99.9", "max"]
        );
        assert_eq!(axis.at(90.0).round(), 100.0);
        assert_eq!(axis.at(99.0).round(), 200.0);
        assert_eq!(axis.at(100.0).round(), 335.0);
        assert!(axis.at(99.99999) < axis.at(100.0));
    }
}
