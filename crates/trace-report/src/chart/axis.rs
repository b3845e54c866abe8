//! Axes: round steps for time, decades or round steps for values, nines for percentiles.

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

/// The axis of values of a chart.
pub(crate) enum ValueAxis {
    /// Decades.
    Log(LogAxis),
    /// Round steps.
    Linear(LinearAxis),
}

impl ValueAxis {
    /// An axis that shows all values, from pixel to pixel.
    pub(crate) fn new(
        values: impl Iterator<Item = f64>,
        is_linear: bool,
        unit: &str,
        from: f64,
        to: f64,
    ) -> ValueAxis {
        let range = |values: &mut dyn Iterator<Item = f64>| {
            values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
        };
        let mut values = values;
        if is_linear {
            let (low, high) = range(&mut values);
            return ValueAxis::Linear(LinearAxis::new((low, high), unit, from, to));
        }
        let (low, high) = range(&mut values.filter(|value| *value > 0.0));
        // Nothing above 0 was measured: any decades will do.
        let range = if low > high { (0.1, 10.0) } else { (low.max(1e-6), high.max(1e-6)) };
        ValueAxis::Log(LogAxis::new(range, unit, from, to))
    }

    /// The pixel of a value; what is outside goes to the edge.
    pub(crate) fn at(&self, value: f64) -> f64 {
        match self {
            ValueAxis::Log(axis) => axis.at(value),
            ValueAxis::Linear(axis) => axis.at(value),
        }
    }

    /// Where lines go and what is written there, at least `gap` pixels apart.
    pub(crate) fn ticks(&self, gap: f64) -> Vec<(f64, String)> {
        match self {
            ValueAxis::Log(axis) => axis.ticks(gap),
            ValueAxis::Linear(axis) => axis.ticks(gap),
        }
    }
}

/// A linear axis between two pixels; 0 is on it.
pub(crate) struct LinearAxis {
    unit: String,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LinearAxis {
    fn new((low, high): (f64, f64), unit: &str, from: f64, to: f64) -> LinearAxis {
        let (low, high) = (low.min(0.0), high.max(0.0));
        // Without any value, or with zeros only, an axis from 0 to 1.
        let (low, high) = if high > low { (low, high) } else { (0.0, 1.0) };
        let step = nice_step((high - low) / 4.0);
        let (low, high) = ((low / step + 1e-9).floor() * step, (high / step - 1e-9).ceil() * step);
        LinearAxis { unit: unit.to_owned(), low, high, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value.clamp(self.low, self.high) - self.low) / (self.high - self.low);
        self.from + share * (self.to - self.from)
    }

    fn ticks(&self, gap: f64) -> Vec<(f64, String)> {
        let parts = ((self.to - self.from).abs() / gap).floor().clamp(1.0, 20.0);
        let step = nice_step((self.high - self.low) / parts);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        let ticks = (first..=last).map(|count| count as f64 * step);
        ticks.map(|value| (self.at(value), tick_label(value, &self.unit))).collect()
    }
}

/// The smallest 1, 2 or 5 times a power of ten that is not below `wanted`, which is above 0.
fn nice_step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.log10().floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= wanted * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// A logarithmic axis between two pixels.
pub(crate) struct LogAxis {
    unit: String,
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LogAxis {
    /// An axis that shows `low` to `high`, widened to whole decades, at least one, from pixel to pixel.
    fn new((low, high): (f64, f64), unit: &str, from: f64, to: f64) -> LogAxis {
        let low = (low.log10() + 1e-9).floor();
        let high = (high.log10() - 1e-9).ceil().max(low + 1.0);
        LogAxis { unit: unit.to_owned(), low, high, from, to }
    }

    fn at(&self, value: f64) -> f64 {
        let decades = if value > 0.0 { value.log10().clamp(self.low, self.high) } else { self.low };
        self.from + (decades - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Decades, or every second, third …, with 2 and 5 between them when there are few.
    fn ticks(&self, gap: f64) -> Vec<(f64, String)> {
        let decade = (self.to - self.from).abs() / (self.high - self.low);
        let factors: &[f64] = if decade * 0.3 >= gap { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let mut ticks = Vec::new();
        for decade in (self.low as i32..=self.high as i32).step_by((gap / decade).ceil().max(1.0) as usize) {
            for factor in factors {
                let value = factor * 10_f64.powi(decade);
                if value.log10() <= self.high + 1e-9 {
                    ticks.push((self.at(value), tick_label(value, &self.unit)));
                }
            }
        }
        ticks
    }
}

/// A value on an axis, without needless zeros: `200 ms`, `0.5 ms`, `20 %`. Times change their unit: `20 µs`, `2 s`.
fn tick_label(value: f64, unit: &str) -> String {
    let (value, unit) = match unit {
        "ms" => time_unit(value),
        "s" => time_unit(value * 1e3),
        _ => (value, unit),
    };
    if value.abs() >= 999_999.5 {
        return format!("{value:.0e} {unit}").trim_end().to_owned();
    }
    // Six digits are enough for every step of a decade from 0.000001 on.
    let digits = if value.abs() < 0.0995 { 6 } else { 3 };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    let text = if text == "-0" { "0" } else { text };
    format!("{text} {unit}").trim_end().to_owned()
}

fn time_unit(ms: f64) -> (f64, &'static str) {
    match ms.abs() {
        0.0 => (ms, "ms"),
        small if small < 0.0995 => (ms * 1e3, "µs"),
        large if large > 999.5 => (ms / 1e3, "s"),
        _ => (ms, "ms"),
    }
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
        let axis = LogAxis::new((0.12, 210.0), "ms", 0.0, 400.0);
        let ticks: Vec<_> = axis.ticks(60.0).into_iter().map(|(at, label)| (at.round(), label)).collect();
        let expected =
            [(0.0, "0.1 ms"), (100.0, "1 ms"), (200.0, "10 ms"), (300.0, "100 ms"), (400.0, "1 s")];
        assert_eq!(ticks, expected.map(|(at, label)| (at, label.to_owned())));
        assert_eq!(axis.at(0.0), 0.0);
        assert_eq!(axis.at(1e9), 400.0);
        assert_eq!(LogAxis::new((1.0, 1.0), "ms", 0.0, 100.0).ticks(20.0).len(), 4, "1, 2, 5 and 10");
        let wide = LogAxis::new((1e-6, 1e6), "ms", 0.0, 240.0).ticks(50.0);
        assert!(wide.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 50.0), "{wide:?}");
    }

    #[test]
    fn a_linear_axis_has_0_and_round_steps() {
        let told = |low, high, unit: &str, gap| {
            let axis = LinearAxis::new((low, high), unit, 0.0, 400.0);
            let ticks = axis.ticks(gap).into_iter().map(|(at, label)| format!("{} {label}", at.round()));
            ticks.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(told(3.0, 78.0, "%", 90.0), "0 0 %, 100 20 %, 200 40 %, 300 60 %, 400 80 %");
        assert_eq!(told(-40.0, 100.0, "", 90.0), "0 -50, 133 0, 267 50, 400 100");
        assert_eq!(told(0.0, 0.0, "threads", 130.0), "0 0 threads, 200 0.5 threads, 400 1 threads");
        assert_eq!(told(0.0, 0.002, "s", 150.0), "0 0 ms, 200 1 ms, 400 2 ms");
        assert_eq!(LinearAxis::new((0.0, 10.0), "", 0.0, 100.0).at(99.0), 100.0, "outside goes to the edge");
    }

    #[test]
    fn labels_of_ticks_have_no_needless_zeros() {
        let ms = [0.02, 0.5, 200.0, 2_000.0].map(|value| tick_label(value, "ms"));
        assert_eq!(ms, ["20 µs", "0.5 ms", "200 ms", "2 s"]);
        assert_eq!([0.00001, 100.0, 5e7].map(|value| tick_label(value, "")), ["0.00001", "100", "5e7"]);
        assert_eq!(tick_label(0.1 + 0.2, "jobs"), "0.3 jobs");
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
