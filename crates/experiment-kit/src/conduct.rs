//! Conducting an experiment: rounds of cells in turn until every claim is settled or the budget is spent.
//!
//! # Model
//! ```text
//! for each round: for each cell, in an order of the seed: meter on, measure, meter off
//!     after enough rounds: settled as at the last look? stop. The next round would not fit into the budget? stop. Ctrl-C? stop.
//! ```
//! Whatever ends it, what was measured until then is judged and returned.

use std::time::{Duration, Instant};

use anyhow::Result;
use runtime_trace::Recording;

use crate::cpu_meter::CpuMeter;
use crate::experiment::{Experiment, Setup, judge};
use crate::finding::ROUNDS_MIN;
use crate::interrupt::Interrupt;
use crate::measurements::{BEFORE, FREE_CORES, Measurements, SPEED_UP, Sink};
use crate::probe;
use crate::rng::Rng;
use crate::verdict::{Claim, Verdict};

/// How long an experiment may go on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// No round is begun that would likely end after this time, once [`Terms::rounds_min`] rounds are there.
    pub budget: Duration,
    /// Rounds that are measured in any case.
    pub rounds_min: usize,
    /// Rounds at most, settled or not.
    pub rounds_max: usize,
}

impl Terms {
    /// The terms of one full run, or of a quick one.
    pub fn usual(quick: bool) -> Terms {
        match quick {
            true => Terms { budget: Duration::from_secs(12), rounds_min: ROUNDS_MIN, rounds_max: 200 },
            false => Terms { budget: Duration::from_secs(60), rounds_min: 5, rounds_max: 1_000 },
        }
    }
}

/// What a run brought.
pub struct Conducted {
    /// What was measured.
    pub measured: Measurements,
    /// The judged claims.
    pub claims: Vec<Claim>,
    /// The cells in the order of the story.
    pub cells: Vec<String>,
    /// What was recorded, by title.
    pub recordings: Vec<(String, Recording)>,
    /// What cut the run short, besides a signal.
    pub error: Option<anyhow::Error>,
    /// How long it took.
    pub took: Duration,
}

/// Hears how far a run is.
pub trait Watcher {
    /// A cell of a round begins; there are `of` cells in a round.
    fn cell(&self, round: usize, index: usize, of: usize, cell: &str);
    /// A round is over; these are the verdicts so far.
    fn round(&self, round: usize, claims: &[Claim], elapsed: Duration);
}

/// A watcher that says nothing.
pub struct Silent;

impl Watcher for Silent {
    fn cell(&self, _round: usize, _index: usize, _of: usize, _cell: &str) {}
    fn round(&self, _round: usize, _claims: &[Claim], _elapsed: Duration) {}
}

/// Runs `experiment` as `setup` says.
///
/// # Errors
/// What prevents a start. What happens later is in [`Conducted::error`], beside what was measured before.
pub fn conduct(
    experiment: &Experiment,
    setup: &Setup,
    terms: &Terms,
    watcher: &dyn Watcher,
) -> Result<Conducted> {
    let begun = setup.clock.now();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut measured = Measurements::new(cores);
    let mut bench = (experiment.start)(setup)?;
    let cells = bench.order();
    let mut meter = CpuMeter::default();
    let (mut error, mut last_look) = (None, Vec::new());
    while measured.rounds < terms.rounds_max && !setup.interrupt.came() {
        let round = measured.rounds;
        let mut order = bench.cells();
        Rng::new(setup.seed.wrapping_add(round as u64)).shuffle(&mut order);
        measured.extend(FREE_CORES, BEFORE, [probe::free_cores(cores, &setup.clock)]);
        if cores > 1 {
            measured.extend(SPEED_UP, BEFORE, probe::speed_up(&setup.clock, &setup.interrupt));
        }
        let played = play(&order, &mut *bench, &mut measured, &mut meter, setup, watcher);
        measured.others_cores = meter.others_cores(cores);
        match played {
            Ok(true) => measured.end_round(),
            Ok(false) => break,
            Err(what) => {
                error = Some(what);
                break;
            }
        }
        let elapsed = since(begun, setup);
        let claims = judge(experiment, &measured, setup.seed);
        watcher.round(round, &claims, elapsed);
        let next_would_end = elapsed.mul_f64((measured.rounds + 1) as f64 / measured.rounds as f64);
        let enough = measured.rounds >= terms.rounds_min;
        let look: Vec<&'static str> = claims.iter().map(|claim| claim.verdict.word()).collect();
        // Looking after every round and stopping at the first yes would find too many: two looks in a row must say the same.
        let is_settled = settled(&claims) && look == last_look;
        if enough && (next_would_end > terms.budget || is_settled) {
            break;
        }
        last_look = look;
    }
    measured.complete = error.is_none() && !setup.interrupt.came();
    let recordings = bench.recordings();
    drop(bench);
    let claims = judge(experiment, &measured, setup.seed);
    let took = since(begun, setup);
    Ok(Conducted { measured, claims, cells, recordings, error, took })
}

/// Measures the cells of a round; `false` when it was stopped in between. A cell that did not come to its end leaves
/// nothing: half of it could make a claim look false.
fn play(
    order: &[String],
    bench: &mut dyn crate::experiment::Bench,
    measured: &mut Measurements,
    meter: &mut CpuMeter,
    setup: &Setup,
    watcher: &dyn Watcher,
) -> Result<bool> {
    for (index, cell) in order.iter().enumerate() {
        watcher.cell(measured.rounds, index, order.len(), cell);
        meter.begin(&bench.processes());
        let mut aside = Measurements::new(measured.cores);
        let outcome = bench.measure(cell, &mut Sink::new(&mut aside, cell));
        meter.end(&bench.processes());
        if setup.interrupt.came() {
            return Ok(false); // What else went wrong then, the signal did.
        }
        outcome?;
        measured.take_in(aside);
    }
    Ok(true)
}

fn settled(claims: &[Claim]) -> bool {
    !claims.iter().any(|claim| matches!(claim.verdict, Verdict::Inconclusive { .. }))
}

fn since(begun: Instant, setup: &Setup) -> Duration {
    setup.clock.now().saturating_duration_since(begun)
}

/// Waits until `ready` says so, a signal comes or `limit` is over; looks many times a second.
pub fn wait_for(
    interrupt: &Interrupt,
    limit: Duration,
    clock: &clock::Clock,
    mut ready: impl FnMut() -> bool,
) -> bool {
    let begun = clock.now();
    while !interrupt.came() && clock.now().saturating_duration_since(begun) < limit {
        if ready() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(5));
    }
    ready()
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;
    use crate::experiment::{Bench, Topic};
    use crate::finding::{Finding, Judging, P50};
    use crate::stats::Interval;
    use crate::verdict::Side;

    thread_local! {
        /// What the bench of these tests does at its n-th cell.
        static SCRIPT: RefCell<Rc<dyn Fn(usize) -> Result<f64>>> = RefCell::new(Rc::new(|_| Ok(1.0)));
        /// What the rule of the next test says at each look, in this order; then what the samples say.
        static LOOKS: RefCell<Vec<f64>> = const { RefCell::new(Vec::new()) };
    }

    struct Scripted(usize);

    impl Bench for Scripted {
        fn cells(&self) -> Vec<String> {
            vec!["a".to_owned(), "b".to_owned()]
        }
        fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
            self.0 += 1;
            let script = SCRIPT.with(|script| Rc::clone(&script.borrow()));
            sink.fact("begun", self.0.to_string());
            let factor = script(self.0)?;
            sink.add("ms", if cell == "a" { 10.0 } else { 10.0 * factor });
            Ok(())
        }
    }

    fn rule(judging: &Judging<'_>) -> Vec<Claim> {
        let finding = judging.ratio("b / a", P50, ("ms", "b"), ("ms", "a")).at_most(0.5);
        vec![Claim::all("X1", "b is at most half of a", vec![finding])]
    }

    fn rule_of_looks(_judging: &Judging<'_>) -> Vec<Claim> {
        let value = LOOKS.with(|looks| looks.borrow_mut().pop()).unwrap_or(0.0);
        let finding = Finding::of("b / a", "ratio", Some(Interval::exact(value)), Side::AtMost, 0.5);
        vec![Claim::all("X1", "b is at most half of a", vec![finding])]
    }

    const EXPERIMENT: Experiment = Experiment {
        name: "scripted",
        topic: Topic::EventLoop,
        question: "Is b at most half of a?",
        reading: "",
        claims: &["X1"],
        knobs: &[],
        start: |_| Ok(Box::new(Scripted(0))),
        judge: rule,
        charts: &[],
        against: &[],
        flaws: &[],
    };

    fn run(
        script: impl Fn(usize) -> Result<f64> + 'static,
        terms: &Terms,
        interrupt: Interrupt,
    ) -> Conducted {
        SCRIPT.with(|slot| *slot.borrow_mut() = Rc::new(script));
        conduct(&EXPERIMENT, &Setup::new(&EXPERIMENT, true, 7, interrupt), terms, &Silent).unwrap()
    }

    /// Half of the rounds say yes, half say no.
    fn unclear(n: usize) -> Result<f64> {
        Ok(if n % 4 < 2 { 0.3 } else { 0.7 })
    }

    fn terms(rounds_max: usize) -> Terms {
        Terms { budget: Duration::from_secs(3_600), rounds_min: 3, rounds_max }
    }

    #[test]
    fn it_stops_when_every_claim_was_settled_twice_in_a_row() {
        let run = run(|_| Ok(0.1), &terms(50), Interrupt::default());
        assert_eq!((run.measured.rounds, run.claims[0].verdict.word()), (4, "holds"));
        assert!(run.measured.complete && run.error.is_none());
    }

    #[test]
    fn two_looks_that_say_the_opposite_do_not_stop_it() {
        // Taken from the end: holds, fails, holds, fails, fails; then once more for the result.
        LOOKS.with(|looks| *looks.borrow_mut() = vec![0.9, 0.9, 0.9, 0.1, 0.9, 0.1]);
        let experiment = Experiment { judge: rule_of_looks, ..EXPERIMENT };
        let setup = Setup::new(&experiment, true, 7, Interrupt::default());
        let run = conduct(&experiment, &setup, &Terms { rounds_min: 1, ..terms(50) }, &Silent).unwrap();
        assert_eq!((run.measured.rounds, run.claims[0].verdict.word()), (5, "fails"));
    }

    #[test]
    fn it_goes_on_while_the_threshold_lies_within_the_interval() {
        let run = run(unclear, &terms(12), Interrupt::default());
        assert_eq!((run.measured.rounds, run.claims[0].verdict.word()), (12, "inconclusive"));
    }

    #[test]
    fn a_spent_budget_ends_it_after_the_least_number_of_rounds() {
        let terms = Terms { budget: Duration::ZERO, rounds_min: 4, rounds_max: 50 };
        let run = run(|n| Ok(if n.is_multiple_of(2) { 0.4 } else { 0.6 }), &terms, Interrupt::default());
        assert_eq!(run.measured.rounds, 4);
    }

    #[test]
    fn what_was_measured_before_a_signal_or_an_error_is_kept_and_half_a_cell_is_not() {
        let interrupt = Interrupt::default();
        let handle = interrupt.clone();
        let stopped = run(
            move |n| {
                if n == 7 {
                    handle.ask();
                }
                unclear(n)
            },
            &terms(50),
            interrupt,
        );
        assert_eq!((stopped.measured.rounds, stopped.measured.complete), (3, false));
        assert_eq!(
            stopped.measured.samples(("ms", "a")).count() + stopped.measured.samples(("ms", "b")).count(),
            6
        );
        let begun = |run: &Conducted| {
            ["a", "b"].map(|cell| run.measured.facts_of("begun", cell).len()).iter().sum::<usize>()
        };
        assert_eq!(begun(&stopped), 6);

        let failed = run(
            |n| if n == 8 { anyhow::bail!("gone") } else { unclear(n) },
            &terms(50),
            Interrupt::default(),
        );
        assert_eq!((failed.measured.rounds, failed.measured.complete), (3, false));
        assert_eq!(begun(&failed), 7);
        assert_eq!(failed.error.unwrap().to_string(), "gone");
    }
}
