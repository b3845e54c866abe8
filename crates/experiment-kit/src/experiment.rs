//! What an experiment is: a question, cells that are measured in turn, and a rule that judges what was measured.
//!
//! # Model
//! ```text
//! Experiment --start(Setup)--> Bench --measure(cell), round after round--> Measurements --judge--> claims
//! ```
//! The subject is what is measured: this project, or a real runtime that does the same workload. Rule and cells are the
//! same for all of them, so their findings can be laid side by side. A flaw breaks the runtime under the experiment on
//! purpose: an experiment whose verdict does not flip then has measured nothing.

use std::collections::BTreeMap;

use clock::Clock;
use runtime_trace::{Recorder, Recording};

use crate::finding::Judging;
use crate::interrupt::Interrupt;
use crate::measurements::{Measurements, Sink};
use crate::runtimes::Runtime;
use crate::verdict::{Claim, Verdict};

/// Which part of the ledger an experiment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// The event loop and the thread pool.
    EventLoop,
    /// The global lock of an interpreter.
    GlobalLock,
}

impl Topic {
    /// Its name on the screen.
    pub fn name(self) -> &'static str {
        match self {
            Topic::EventLoop => "event loop and pool",
            Topic::GlobalLock => "global lock",
        }
    }
}

/// One experiment: everything that is not the kit's.
pub struct Experiment {
    /// Its name for `lab run`.
    pub name: &'static str,
    /// Where it belongs.
    pub topic: Topic,
    /// What it asks, one sentence that ends with a question mark.
    pub question: &'static str,
    /// What one sees when it has run, in a sentence or two: how to read its picture.
    pub reading: &'static str,
    /// The claims that it settles.
    pub claims: &'static [&'static str],
    /// Numbers that can be changed with `--set`.
    pub knobs: &'static [Knob],
    /// Starts what is measured.
    pub start: fn(&Setup) -> anyhow::Result<Box<dyn Bench>>,
    /// What the measurements say about the claims; a pure function.
    pub judge: fn(&Judging<'_>) -> Vec<Claim>,
    /// The metrics that are drawn, the most telling one first.
    pub charts: &'static [ChartSpec],
    /// Which real runtimes have the same workload.
    pub against: &'static [Family],
    /// How it can be broken on purpose, and which claims must then change their verdict.
    pub flaws: &'static [Flaw],
}

/// A number of an experiment that the reader may change.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knob {
    /// Its name, with the unit.
    pub name: &'static str,
    /// What it is.
    pub help: &'static str,
    /// Its value in a full run.
    pub usual: f64,
    /// Its value with `--quick`.
    pub quick: f64,
    /// The values that are allowed.
    pub range: (f64, f64),
    /// Whether only whole numbers are allowed: for what is counted, and for what a runtime cuts to whole units.
    pub whole: bool,
}

/// A picture of one metric: a distribution for each cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChartSpec {
    /// The metric.
    pub metric: &'static str,
    /// The unit of its samples.
    pub unit: &'static str,
    /// What it shows.
    pub title: &'static str,
}

/// A family of real runtimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Node.js.
    Node,
    /// CPython, every version.
    CPython,
    /// tokio, which is part of this program: the experiment brings the workload for it.
    Tokio,
    /// A JVM that starts programs from their source, which is Java 11 and later with its compiler.
    Jvm,
}

impl Family {
    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Family::Node => "node",
            Family::CPython => "cpython",
            Family::Tokio => "tokio",
            Family::Jvm => "jvm",
        }
    }
}

/// A way to break what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Its name for `--flaw`.
    pub name: &'static str,
    /// What is broken by it.
    pub breaks: &'static str,
    /// The claims that must come out otherwise.
    pub flips: &'static [&'static str],
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// This project.
    Ours,
    /// A real runtime of this machine.
    Real(Runtime),
}

/// What an experiment is told when it starts.
#[derive(Clone)]
pub struct Setup {
    /// What to measure.
    pub subject: Subject,
    /// The seed of whatever is random.
    pub seed: u64,
    /// Whether the run should be short.
    pub quick: bool,
    /// How the runtime is to be broken.
    pub flaw: Option<&'static str>,
    /// The time.
    pub clock: Clock,
    /// Asks to stop; long measurements look at it at least ten times a second.
    pub interrupt: Interrupt,
    /// Where a run is recorded: off unless the run keeps pictures.
    pub recorder: Recorder,
    knobs: BTreeMap<&'static str, f64>,
}

impl Setup {
    /// A setup for this project with the usual numbers of `experiment`.
    pub fn new(experiment: &Experiment, quick: bool, seed: u64, interrupt: Interrupt) -> Setup {
        let value = |knob: &Knob| if quick { knob.quick } else { knob.usual };
        Setup {
            subject: Subject::Ours,
            seed,
            quick,
            flaw: None,
            clock: Clock::real(),
            interrupt,
            recorder: Recorder::off(),
            knobs: experiment.knobs.iter().map(|knob| (knob.name, value(knob))).collect(),
        }
    }

    /// Changes the knob `name`.
    ///
    /// # Errors
    /// Which knobs there are, or which values this one may have.
    pub fn set(&mut self, experiment: &Experiment, name: &str, value: f64) -> Result<(), String> {
        let Some(knob) = experiment.knobs.iter().find(|knob| knob.name == name) else {
            let known: Vec<&str> = experiment.knobs.iter().map(|knob| knob.name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            return Err(format!("{} has no number `{name}`; it has {known}", experiment.name));
        };
        let (low, high) = knob.range;
        if !(low..=high).contains(&value) {
            return Err(format!("{name} must be from {low} to {high}, not {value}"));
        }
        if knob.whole && value.fract() != 0.0 {
            return Err(format!("{name} must be a whole number, not {value}"));
        }
        self.knobs.insert(knob.name, value);
        Ok(())
    }

    /// The value of a knob.
    ///
    /// # Panics
    /// When the experiment did not declare it.
    pub fn knob(&self, name: &str) -> f64 {
        *self.knobs.get(name).unwrap_or_else(|| panic!("the knob `{name}` is not declared"))
    }

    /// All knobs with their values.
    pub fn knobs(&self) -> &BTreeMap<&'static str, f64> {
        &self.knobs
    }

    /// Whether the runtime is to be broken in this way.
    pub fn has_flaw(&self, name: &str) -> bool {
        self.flaw == Some(name)
    }

    /// The real runtime to measure, if it is not this project.
    pub fn real(&self) -> Option<&Runtime> {
        match &self.subject {
            Subject::Ours => None,
            Subject::Real(runtime) => Some(runtime),
        }
    }
}

/// What is up and running while an experiment measures. Dropping it ends all that it started.
pub trait Bench {
    /// The cells of a round; each is measured once in every round, in an order that the seed shuffles.
    fn cells(&self) -> Vec<String>;

    /// Measures one cell.
    ///
    /// # Errors
    /// What makes measuring impossible. A stop that was asked for is no error: return what there is.
    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> anyhow::Result<()>;

    /// Live processes of ours whose processor time is not that of others.
    fn processes(&self) -> Vec<u32> {
        Vec::new()
    }

    /// What was recorded of the last round, by the title of each picture.
    fn recordings(&mut self) -> Vec<(String, Recording)> {
        Vec::new()
    }

    /// Names of the cells for the pictures, in the order of the story; by default that of [`Bench::cells`].
    fn order(&self) -> Vec<String> {
        self.cells()
    }
}

/// A bench that runs one closure for each cell, for experiments that keep nothing between two cells.
pub struct Cells<F> {
    cells: Vec<String>,
    measure: F,
}

impl<F: FnMut(&str, &mut Sink<'_>) -> anyhow::Result<()>> Cells<F> {
    /// The cells and how each is measured.
    pub fn new<C: Into<String>>(cells: impl IntoIterator<Item = C>, measure: F) -> Cells<F> {
        Cells { cells: cells.into_iter().map(Into::into).collect(), measure }
    }
}

impl<F: FnMut(&str, &mut Sink<'_>) -> anyhow::Result<()>> Bench for Cells<F> {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> anyhow::Result<()> {
        (self.measure)(cell, sink)
    }
}

/// The verdicts for `measured`. What could not be measured on this system is not measured by running longer: a claim that
/// is open for want of it says so.
pub fn judge(experiment: &Experiment, measured: &Measurements, seed: u64) -> Vec<Claim> {
    let mut claims = (experiment.judge)(&Judging { measured, seed });
    if let Some(why) = measured.not_measured() {
        for claim in &mut claims {
            let lacks_samples = claim.findings.iter().any(|finding| finding.interval.is_none());
            if matches!(claim.verdict, Verdict::Inconclusive { .. }) && lacks_samples {
                claim.verdict = Verdict::inconclusive(why);
            }
        }
    }
    claims
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::{Finding, P50};
    use crate::measurements::NOT_MEASURED;

    fn rule(judging: &Judging<'_>) -> Vec<Claim> {
        let finding = |cell| -> Finding { judging.quantile(cell, "ms", P50, ("ms", cell)).at_most(0.5) };
        ["threads", "open", "quick", "slow"].map(|cell| Claim::all(cell, cell, vec![finding(cell)])).into()
    }

    const EXPERIMENT: Experiment = Experiment {
        name: "knobs",
        topic: Topic::EventLoop,
        question: "Is each quick?",
        reading: "",
        claims: &[],
        knobs: &[
            Knob { name: "times", help: "", usual: 5.0, quick: 3.0, range: (1.0, 10.0), whole: true },
            Knob { name: "ms", help: "", usual: 5.0, quick: 3.0, range: (1.0, 10.0), whole: false },
        ],
        start: |_| anyhow::bail!("it is never started"),
        judge: rule,
        charts: &[],
        against: &[],
        flaws: &[],
    };

    #[test]
    fn a_knob_takes_what_is_in_its_range_and_whole_where_it_counts() {
        let mut setup = Setup::new(&EXPERIMENT, true, 7, Interrupt::default());
        assert_eq!(setup.knob("times"), 3.0);
        assert_eq!(setup.set(&EXPERIMENT, "times", 10.0), Ok(()));
        assert_eq!(setup.set(&EXPERIMENT, "ms", 2.5), Ok(()));
        assert_eq!((setup.knob("times"), setup.knob("ms")), (10.0, 2.5));
        for (name, value, expected) in [
            ("times", 2.5, "times must be a whole number, not 2.5"),
            ("times", 11.0, "times must be from 1 to 10, not 11"),
            ("ms", f64::NAN, "ms must be from 1 to 10, not NaN"),
            ("seconds", 1.0, "knobs has no number `seconds`; it has times, ms"),
        ] {
            assert_eq!(setup.set(&EXPERIMENT, name, value).unwrap_err(), expected);
        }
    }

    #[test]
    fn what_a_program_could_not_measure_is_the_reason_of_what_is_open_for_want_of_it() {
        let mut measured = Measurements::new(2);
        for level in [0.9, 1.0, 1.1] {
            measured.extend("ms", "open", [0.5 * level]);
            measured.extend("ms", "quick", [0.1 * level]);
            measured.extend("ms", "slow", [0.9 * level]);
            measured.end_round();
        }
        let reasons = |measured: &Measurements| {
            judge(&EXPERIMENT, measured, 7).into_iter().map(|claim| claim.verdict).collect::<Vec<Verdict>>()
        };
        let without = reasons(&measured);
        assert!(without[0] != Verdict::inconclusive("Linux only") && without[0].word() == "inconclusive");
        measured.fact(NOT_MEASURED, "threads", "Linux only");
        let with = reasons(&measured);
        assert_eq!(with[0], Verdict::inconclusive("Linux only"));
        assert_eq!(with[1..], without[1..], "what was measured speaks for itself");
        assert_eq!(
            with.iter().map(Verdict::word).collect::<Vec<_>>(),
            ["inconclusive", "inconclusive", "holds", "fails"]
        );
    }
}
