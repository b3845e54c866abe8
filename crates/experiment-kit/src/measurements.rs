//! What an experiment measured: samples by metric, cell and round, and facts that were observed.
//!
//! # Model
//! `series[metric][cell][round]` holds the samples of one cell of one round; cells of a round ran in turn, so a
//! disturbance of the machine hits them together. `facts[name][cell]` holds every different text that was seen.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::stats::{Summary, quantile};
use crate::verdict::significant;

/// Processors that an experiment uses at most: what others do on more than these is no noise.
const CORES_USED: usize = 4;

/// Of the processors that an experiment uses, what others may take on average before nothing bad is said of a claim.
const TAKEN_MAX: f64 = 0.25;

/// The metric of the free-CPU probe before each round.
pub const FREE_CORES: &str = "free_cores";

/// The metric of how much more two threads without any lock do than one, before each round.
pub const SPEED_UP: &str = "speed_up";

/// The cell of what is looked at before each round.
pub const BEFORE: &str = "before";

/// The fact by which a program says why it could not measure something on this system.
pub const NOT_MEASURED: &str = "not_measured";

/// All samples and facts of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurements {
    series: BTreeMap<String, BTreeMap<String, Vec<Vec<f64>>>>,
    facts: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    /// Rounds in which every cell was measured to its end.
    pub rounds: usize,
    /// False when the run was stopped early.
    pub complete: bool,
    /// Processors that this program may use.
    pub cores: usize,
    /// Processors that other programs kept busy meanwhile, on average; `None` where the system does not tell.
    pub others_cores: Option<f64>,
}

impl Measurements {
    /// Nothing measured yet, on a machine with `cores` processors.
    pub fn new(cores: usize) -> Measurements {
        Measurements { cores, ..Measurements::default() }
    }

    /// Adds samples of `metric` of `cell` in the present round. What is not a number is left out.
    pub fn extend(&mut self, metric: &str, cell: &str, samples: impl IntoIterator<Item = f64>) {
        let cells = self.series.entry(metric.to_owned()).or_default();
        let rounds = cells.entry(cell.to_owned()).or_default();
        rounds.resize_with(rounds.len().max(self.rounds + 1), Vec::new);
        rounds[self.rounds].extend(samples.into_iter().filter(|sample| sample.is_finite()));
    }

    /// Adds a text that was observed as fact `name` of `cell`.
    pub fn fact(&mut self, name: &str, cell: &str, text: impl Into<String>) {
        let cells = self.facts.entry(name.to_owned()).or_default();
        cells.entry(cell.to_owned()).or_default().insert(text.into());
    }

    /// Takes in what was measured aside, as samples of the present round.
    pub(crate) fn take_in(&mut self, aside: Measurements) {
        for (metric, cells) in aside.series {
            for (cell, rounds) in cells {
                self.extend(&metric, &cell, rounds.into_iter().flatten());
            }
        }
        for (name, cells) in aside.facts {
            for (cell, texts) in cells {
                texts.into_iter().for_each(|text| self.fact(&name, &cell, text));
            }
        }
    }

    /// The present round is over.
    pub fn end_round(&mut self) {
        self.rounds += 1;
    }

    /// The samples of `(metric, cell)`, `[round][i]`.
    pub fn rounds_of(&self, (metric, cell): (&str, &str)) -> &[Vec<f64>] {
        self.series.get(metric).and_then(|cells| cells.get(cell)).map_or(&[], Vec::as_slice)
    }

    /// All samples of `(metric, cell)`.
    pub fn samples(&self, at: (&str, &str)) -> impl Iterator<Item = f64> + '_ {
        self.rounds_of(at).iter().flatten().copied()
    }

    /// Every different text that was seen as fact `name` of `cell`.
    pub fn facts_of(&self, name: &str, cell: &str) -> Vec<String> {
        let seen = self.facts.get(name).and_then(|cells| cells.get(cell));
        seen.into_iter().flatten().cloned().collect()
    }

    /// The cells that have samples of `metric`, in the order of their names.
    pub fn cells(&self, metric: &str) -> impl Iterator<Item = &str> {
        self.series.get(metric).into_iter().flat_map(|cells| cells.keys().map(String::as_str))
    }

    /// Whether nothing of a cell was measured.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.series.keys().all(|metric| [FREE_CORES, SPEED_UP].contains(&&**metric))
    }

    /// Why other programs may have caused what was measured; `None` on a machine that was quiet, or does not tell.
    pub fn noise(&self) -> Option<String> {
        // Where the kernel does not tell, the probes before the rounds do.
        let by_probe = || self.before(FREE_CORES).map(|free| self.cores as f64 - free);
        too_busy(self.cores, self.others_cores.or_else(by_probe)?)
    }

    /// How much more two threads without any lock did than one, in the median of the rounds.
    pub fn speed_up(&self) -> Option<f64> {
        self.before(SPEED_UP)
    }

    /// Why a program could not measure something here, if one said so.
    pub fn not_measured(&self) -> Option<&str> {
        self.facts.get(NOT_MEASURED)?.values().flatten().next().map(String::as_str)
    }

    fn before(&self, metric: &str) -> Option<f64> {
        quantile(&mut self.samples((metric, BEFORE)).collect::<Vec<f64>>(), 0.5)
    }

    /// `figures` of the result: `{metric: {cell: {p50, p99, max, count}}, "facts": {name: {cell: [texts]}}}`.
    pub fn figures(&self) -> Map<String, Value> {
        let mut figures = Map::new();
        for (metric, cells) in &self.series {
            let summary = |rounds: &Vec<Vec<f64>>| {
                let Summary { p50, p99, max, count } = Summary::of(rounds.iter().flatten().copied());
                let [p50, p99, max] = [p50, p99, max].map(significant);
                json!({"p50": p50, "p99": p99, "max": max, "count": count})
            };
            let cells: Map<String, Value> =
                cells.iter().map(|(cell, rounds)| (cell.clone(), summary(rounds))).collect();
            figures.insert(metric.clone(), Value::Object(cells));
        }
        if !self.facts.is_empty() {
            figures.insert("facts".to_owned(), json!(self.facts));
        }
        figures.insert("others_cores".to_owned(), json!(self.others_cores.map(significant)));
        figures
    }
}

/// Why `others` busy processors of `cores` are noise; `None` where enough are left for an experiment.
pub(crate) fn too_busy(cores: usize, others: f64) -> Option<String> {
    let allowed = (cores - cores.min(CORES_USED)) as f64 + TAKEN_MAX;
    (others > allowed).then(|| {
        format!(
            "other programs kept {others:.2} processors busy ({allowed} are allowed); end them and run again"
        )
    })
}

/// The measurements of one cell in the present round: what an experiment writes into.
pub struct Sink<'m> {
    measured: &'m mut Measurements,
    cell: String,
}

impl<'m> Sink<'m> {
    /// Writes into `cell`.
    pub fn new(measured: &'m mut Measurements, cell: &str) -> Sink<'m> {
        Sink { measured, cell: cell.to_owned() }
    }

    /// One sample.
    pub fn add(&mut self, metric: &str, sample: f64) {
        self.extend(metric, [sample]);
    }

    /// Several samples.
    pub fn extend(&mut self, metric: &str, samples: impl IntoIterator<Item = f64>) {
        self.measured.extend(metric, &self.cell, samples);
    }

    /// A text that was observed.
    pub fn fact(&mut self, name: &str, text: impl Into<String>) {
        self.measured.fact(name, &self.cell, text);
    }

    /// The sink of another cell of the same round: for a run that brings figures of several.
    pub fn of(&mut self, cell: &str) -> Sink<'_> {
        Sink { measured: self.measured, cell: cell.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_land_in_their_cell_and_round() {
        let mut measured = Measurements::new(2);
        Sink::new(&mut measured, "a").add("ms", 1.0);
        measured.end_round();
        let mut sink = Sink::new(&mut measured, "a");
        sink.extend("ms", [2.0, f64::NAN, 3.0]);
        sink.of("b").add("ms", 9.0);
        sink.fact("order", "x");
        assert_eq!(measured.rounds_of(("ms", "a")), [vec![1.0], vec![2.0, 3.0]]);
        assert_eq!(measured.rounds_of(("ms", "b")), [vec![], vec![9.0]]);
        assert_eq!(measured.rounds_of(("ms", "c")), [] as [Vec<f64>; 0]);
        assert_eq!(measured.cells("ms").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(measured.facts_of("order", "a"), ["x"]);
    }

    #[test]
    fn figures_never_show_a_mean_alone() {
        let mut measured = Measurements::new(2);
        measured.extend("ms", "a", [1.0, 2.0, 10.0]);
        measured.fact("order", "a", "x");
        let figures = Value::Object(measured.figures());
        assert_eq!(figures["ms"]["a"], json!({"p50": 2.0, "p99": 10.0, "max": 10.0, "count": 3}));
        assert_eq!(figures["facts"]["order"]["a"], json!(["x"]));
    }

    #[test]
    fn only_a_busy_machine_is_noise() {
        let mut measured = Measurements::new(2);
        assert_eq!(measured.noise(), None);
        measured.extend(FREE_CORES, "before", [2.0]);
        assert!(measured.is_empty(), "a probe is no measurement");
        measured.others_cores = Some(0.1);
        assert_eq!(measured.noise(), None);
        measured.others_cores = Some(0.9);
        assert!(measured.noise().unwrap().contains("0.90 processors"));
        let mut elsewhere = Measurements::new(2);
        elsewhere.extend(FREE_CORES, "before", [2.0, 1.0, 1.1]);
        assert!(
            elsewhere.noise().unwrap().contains("0.90 processors"),
            "the probe tells where the kernel does not"
        );
    }

    #[test]
    fn on_a_large_machine_what_leaves_four_processors_is_no_noise() {
        for (cores, others, noisy) in [
            (1, 0.25, false),
            (1, 0.26, true),
            (4, 0.25, false),
            (4, 0.26, true),
            (16, 2.0, false),
            (16, 12.25, false),
            (16, 12.5, true),
        ] {
            let mut measured = Measurements::new(cores);
            measured.others_cores = Some(others);
            assert_eq!(measured.noise().is_some(), noisy, "{others} of {cores}");
        }
        assert_eq!(
            too_busy(16, 13.0).unwrap(),
            "other programs kept 13.00 processors busy (12.25 are allowed); end them and run again"
        );
    }

    #[test]
    fn what_was_measured_aside_lands_in_the_present_round() {
        let mut measured = Measurements::new(2);
        measured.extend("ms", "a", [1.0]);
        measured.end_round();
        let mut aside = Measurements::new(2);
        aside.extend("ms", "a", [2.0, 3.0]);
        aside.fact(NOT_MEASURED, "a", "Linux only");
        measured.take_in(aside);
        assert_eq!(measured.rounds_of(("ms", "a")), [vec![1.0], vec![2.0, 3.0]]);
        assert_eq!(measured.not_measured(), Some("Linux only"));
        assert_eq!(Measurements::new(2).not_measured(), None);
    }

    #[test]
    fn the_speed_up_is_that_of_most_rounds_and_no_measurement_of_the_experiment() {
        let mut measured = Measurements::new(2);
        assert_eq!(measured.speed_up(), None);
        measured.extend(SPEED_UP, BEFORE, [1.9, 1.1, 2.0]);
        assert_eq!(measured.speed_up(), Some(1.9));
        assert!(measured.is_empty());
    }
}
