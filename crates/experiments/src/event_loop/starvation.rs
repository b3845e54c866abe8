//! Starvation: what happens to small requests while one event loop does heavy work, and two cures.
//!
//! # Model
//! The acts, the server and the rules are those of `examples/starvation.rs`: a load client in another process sends
//! `/ping` on a fixed schedule while other requests ask for work on the loop's thread, in the pool, or in pieces. Other
//! programs can only make a cure look worse, so what holds beside them holds.
//!
//! Three more cells, half as long, with half the work in a request:
//!
//! | cell | what it shows |
//! |---|---|
//! | fine pieces | what pieces of a few microseconds cost: the work takes longer, because each piece must begin and end |
//! | coarse pieces | what pieces of an eighth of the block cost: pings wait for the rest of a piece |
//! | all cores busy | what is left of the pool as a cure when it has as many works as there are processors; not judged |
//!
//! What the work costs is counted in processor time, which other programs do not lengthen; where the system does not tell it
//! (macOS), in wall time, and then no price is settled beside them. What they add to the waits of pings makes coarse pieces
//! look better than they are, so a price in waits that is seen beside them is one.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, Noise};
use experiment_kit::load::{LoadClient, Outcome, StreamSpec};
use experiment_kit::measurements::Sink;
use experiment_kit::program::ServerProgram;
use experiment_kit::starvation::acts::{Act, Plan};
use experiment_kit::starvation::published::{self, Asked};
use experiment_kit::starvation::rules;
use experiment_kit::stats::Summary;
use experiment_kit::verdict::{Claim, Verdict};
use runtime_lab::Recording;

use self::servers::{Servers, Serving, processors};

mod servers;
/// The server of the example, whole.
#[path = "../../../../examples/starvation.rs"]
#[allow(dead_code, reason = "the example measures by itself, too")]
mod example;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "starvation",
    topic: Topic::EventLoop,
    question: "What happens to small requests while one event loop does heavy work?",
    reading: "While a request computes on the loop's thread, every ping waits for the rest of it. With the work in the pool, or \
              in pieces that let others in between, the slowest wait a tenth of that at most. Pieces have a price: very short ones make \
              the work longer, long ones make pings wait. With as many works in the pool as there are processors (shown, not \
              judged) the loop must share one with them.",
    claims: &["L10", "L11", "L12"],
    knobs: &[
        Knob {
            name: "block_ms",
            help: "milliseconds of work in one heavy request",
            usual: 200.0,
            quick: 200.0,
            range: (5.0, 5_000.0),
            whole: true,
        },
        Knob {
            name: "rate",
            help: "pings a second",
            usual: 220.0,
            quick: 220.0,
            range: (10.0, 5_000.0),
            whole: false,
        },
        Knob {
            name: "act_ms",
            help: "milliseconds that one act of one round lasts",
            usual: 1_000.0,
            quick: 500.0,
            range: (100.0, 60_000.0),
            whole: false,
        },
        Knob {
            name: "chunk_us",
            help: "microseconds of one piece of the work in pieces",
            usual: 500.0,
            quick: 500.0,
            range: (10.0, 1_000_000.0),
            whole: false,
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec { metric: published::PING_MS, unit: "ms", title: "From when a ping was due to its answer" },
        ChartSpec {
            metric: published::COMPLETION_MS,
            unit: "ms",
            title: "From when a heavy request was due to its answer",
        },
        ChartSpec {
            metric: published::WORK_MS,
            unit: "ms",
            title: "How long the heavy work took on the server",
        },
        ChartSpec { metric: CHUNK_PRICE, unit: "ratio", title: "Work time in pieces / in one piece" },
        ChartSpec {
            metric: published::CLIENT_LATE_MS,
            unit: "ms",
            title: "How late the load client was itself",
        },
    ],
    against: &[Family::Node, Family::Tokio],
    flaws: &[
        Flaw {
            name: "block-in-pool",
            breaks: "work that should be done on the loop's thread is secretly handed to the pool",
            flips: &["L10"],
        },
        Flaw {
            name: "offload-inline",
            breaks: "work that should be handed to the pool is secretly done on the loop's thread",
            flips: &["L11"],
        },
        Flaw {
            name: "no-yield",
            breaks: "the pieces of the work follow each other without letting anybody in between",
            flips: &["L12"],
        },
    ],
};

/// As many works in the pool as there are processors.
const ALL_CORES: &str = "all cores busy";
/// Works in pieces that take [`FINE`] each.
const FINE_PIECES: &str = "fine pieces";
/// Works in pieces of an eighth of a block.
const COARSE_PIECES: &str = "coarse pieces";
/// The cells beside the acts, half as long.
const BESIDE: [&str; 3] = [ALL_CORES, FINE_PIECES, COARSE_PIECES];

/// So short that to begin and to end a piece counts.
const FINE: Duration = Duration::from_micros(5);
/// So many pieces in a block are few: each is as long as what a cure may leave, or longer.
const COARSE: u32 = 8;

/// Time of the work in pieces over its time in one piece.
const CHUNK_PRICE: &str = "chunk_price";
/// The time of the work for one of its iterations, which is the same whatever was asked for.
const ITERATION_NS: &str = "iteration_ns";
/// Processor time of the server's process for one iteration, pings included: they are as many for each work in every cell.
const PROCESSOR_NS: &str = "processor_ns";

/// In fine pieces the work takes at least this many times as long as in one piece.
const DEARER: f64 = 1.05;
/// Processor time of a work that did not come to its end within an act makes iterations look dear: the cheaper ones count.
const LOWER_QUARTILE: f64 = 0.25;
/// Beside coarse pieces a ping waits at least this many times as long as beside fine ones.
const LATER: f64 = 2.0;
/// Two fifths of the pings come during a work, so the tenth that waits longest does.
const P90: f64 = 0.9;

struct Starvation {
    // The client first: it is to be gone when the servers, of which it asks one at a time, stop.
    client: LoadClient,
    /// With pieces of the usual length, fine ones and coarse ones.
    usual: Serving,
    fine: Serving,
    coarse: Serving,
    plan: Plan,
    /// For the cells beside the acts.
    half: Plan,
    cells_played: usize,
    /// How long an iteration took in the cells of this round, by their names.
    iterations_ns: BTreeMap<String, f64>,
    recordings: Vec<(String, Recording)>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let block = Duration::from_secs_f64(setup.knob("block_ms") / 1e3);
    let act = Duration::from_secs_f64(setup.knob("act_ms") / 1e3);
    let chunk = Duration::from_secs_f64(setup.knob("chunk_us") / 1e6);
    let plan = |part: u32| Plan::of_acts(act / part, block / part, setup.knob("rate"), setup.seed);
    let servers = Servers::new(setup, block)?;
    Ok(Box::new(Starvation {
        usual: servers.start(chunk)?,
        fine: servers.start(FINE)?,
        coarse: servers.start(block / COARSE)?,
        client: LoadClient::start()?,
        plan: plan(1),
        half: plan(2),
        cells_played: 0,
        iterations_ns: BTreeMap::new(),
        recordings: Vec::new(),
        setup: setup.clone(),
    }))
}

impl Starvation {
    fn serving(&self, cell: &str) -> &Serving {
        match cell {
            FINE_PIECES => &self.fine,
            COARSE_PIECES => &self.coarse,
            _ => &self.usual,
        }
    }

    fn plan(&self, cell: &str) -> &Plan {
        if BESIDE.contains(&cell) { &self.half } else { &self.plan }
    }

    fn streams(&self, cell: &str) -> Vec<StreamSpec> {
        let plan = self.plan(cell);
        match Act::ALL.into_iter().find(|act| act.name() == cell) {
            Some(act) => plan.streams(act),
            None if cell == ALL_CORES => {
                let mut streams = plan.streams(Act::Offloaded);
                streams.iter_mut().skip(1).for_each(|works| works.at_once = processors());
                streams
            }
            None => plan.streams(Act::Chunked),
        }
    }

    /// Work time in pieces over work time in one piece, as soon as this round has all of them.
    fn publish_chunk_price(&mut self, sink: &mut Sink<'_>) {
        let cells = [Act::Chunked.name(), FINE_PIECES, COARSE_PIECES];
        let known = |cell: &str| self.iterations_ns.get(cell).copied();
        let (Some(whole), [Some(chunked), Some(fine), Some(coarse)]) =
            (known(Act::Inline.name()), cells.map(known))
        else {
            return;
        };
        for (cell, pieces) in cells.into_iter().zip([chunked, fine, coarse]) {
            sink.of(cell).add(CHUNK_PRICE, pieces / whole);
        }
        self.iterations_ns.clear();
    }
}

/// Publishes what one cell of one round brought; how long an iteration of each work took.
fn publish(sink: &mut Sink<'_>, outcome: &Outcome, length_ms: f64, asked: &Asked) -> Vec<f64> {
    published::publish(sink, outcome, length_ms, asked);
    let works = outcome.samples.iter().filter_map(|sample| sample.work);
    let each: Vec<f64> = works.map(|work| work.work_ms * 1e6 / work.iterations as f64).collect();
    sink.extend(ITERATION_NS, each.iter().copied());
    each
}

impl Bench for Starvation {
    fn cells(&self) -> Vec<String> {
        Act::ALL.iter().map(|act| act.name()).chain(BESIDE).map(str::to_owned).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let round = self.cells_played / (Act::ALL.len() + BESIDE.len());
        self.cells_played += 1;
        let (addr, asked) = (self.serving(cell).addr, self.serving(cell).asked);
        let spec = self.plan(cell).spec(addr, round, self.streams(cell));
        let interrupt = &self.setup.interrupt;
        let before = self.serving(cell).processor_ns();
        let outcome = self.client.act(&spec, &|| interrupt.came(), &mut |_| {})?;
        let used =
            before.zip(self.serving(cell).processor_ns()).map(|(before, after)| after.saturating_sub(before));
        let works = outcome.samples.iter().filter_map(|sample| sample.work);
        let iterations: u64 = works.map(|work| work.iterations).sum();
        if let Some(used) = used.filter(|_| iterations > 0) {
            sink.add(PROCESSOR_NS, used as f64 / iterations as f64);
        }
        let each = publish(sink, &outcome, spec.length_ms, &asked);
        if !each.is_empty() {
            self.iterations_ns.insert(cell.to_owned(), Summary::of(each).p50);
        }
        self.publish_chunk_price(sink);
        if self.setup.recorder.is_on() {
            let title = format!("The loop and the pool, {cell}, in the last round");
            self.recordings.retain(|(known, _)| *known != title);
            self.recordings.push((title, self.setup.recorder.collect()));
        }
        Ok(())
    }

    fn processes(&self) -> Vec<u32> {
        let programs = [&self.usual, &self.fine, &self.coarse].into_iter().flat_map(|one| &one.program);
        std::iter::once(self.client.id()).chain(programs.flat_map(ServerProgram::processes)).collect()
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.recordings)
    }
}

/// The rules of the example, and the price of the pieces.
fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let setting = published::setting(judging.measured, judging.seed);
    let claims = rules::judge(&published::measured(judging.measured), &setting).into_iter();
    claims.map(|claim| if claim.id == "L12" { priced(claim, judging) } else { claim }).collect()
}

/// The claim that pieces are a cure, with the price: it holds when they cure and when both prices are seen.
fn priced(cure: Claim, judging: &Judging<'_>) -> Claim {
    let (time, metric, noise) = match judging.has((PROCESSOR_NS, FINE_PIECES)) {
        true => ("processor time", PROCESSOR_NS, Noise::Hurts),
        false => ("work time", ITERATION_NS, Noise::Blurs),
    };
    let dearer = judging.ratio(
        format!("{time} for each iteration in fine pieces / in one piece"),
        LOWER_QUARTILE,
        (metric, FINE_PIECES),
        (metric, Act::Inline.name()),
    );
    let wait = judging.ratio(
        "p90 coarse pieces / p90 fine pieces",
        P90,
        (published::PING_MS, COARSE_PIECES),
        (published::PING_MS, FINE_PIECES),
    );
    let prices: Vec<Finding> = vec![dearer.at_least(DEARER), wait.at_least(LATER)];
    let price = Claim::all("L12", "", prices.clone()).beside(judging.measured, noise);
    let (verdict, reason) = match cure.verdict {
        Verdict::Holds => (price.verdict, price.reason),
        other => (other, cure.reason),
    };
    Claim {
        verdict,
        reason,
        rule: format!(
            "{}; in pieces of {FINE:?} the lower quartile of the {time} for each iteration is at least {DEARER} x that in one \
             piece, and beside pieces of 1/{COARSE} of a block the p90 of the pings is at least {LATER} x that beside those of {FINE:?}",
            cure.rule
        ),
        findings: cure.findings.into_iter().chain(prices).collect(),
        ..cure
    }
}

#[cfg(test)]
mod tests {
    use experiment_kit::WorkDone;
    use experiment_kit::load::Sample;
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// One act of one round: 120 pings, of which two fifths wait for up to `held_ms`, and one heavy request of `work_ms`.
    fn act(held_ms: f64, work_ms: Option<f64>) -> Outcome {
        let sample = |stream, latency_ms: f64, work| Sample {
            stream,
            intended_ns: 1_000,
            handed_ns: 51_000,
            sent_ns: 51_000,
            latency_ns: (latency_ms * 1e6) as u64,
            work,
        };
        let ping = |index: u64| match index % 5 {
            0 | 1 => sample(0, 0.3 + held_ms * ((index * 37) % 120) as f64 / 120.0, None),
            _ => sample(0, 0.3, None),
        };
        let mut samples: Vec<Sample> = (0..120).map(ping).collect();
        samples.extend(
            work_ms.map(|work_ms| sample(1, work_ms + 1.0, Some(WorkDone { iterations: 1_000, work_ms }))),
        );
        Outcome { complete: true, samples, ..Outcome::default() }
    }

    #[derive(Clone, Copy)]
    struct World {
        /// For how long a ping is held at most.
        inline_ms: f64,
        offloaded_ms: f64,
        chunked_ms: f64,
        fine_ms: f64,
        coarse_ms: f64,
        /// How long the work takes in fine pieces; in all others it takes 200 ms.
        fine_work_ms: f64,
        /// Whether the system tells the processor time, which then is that of the work.
        tells_time: bool,
        /// Whether a work of the inline act was once cut off by the end of the act: half as much again for each iteration.
        cut_once: bool,
        others: f64,
    }

    const REAL: World = World {
        inline_ms: 200.0,
        offloaded_ms: 1.0,
        chunked_ms: 1.0,
        fine_ms: 0.5,
        coarse_ms: 25.0,
        fine_work_ms: 260.0,
        tells_time: true,
        cut_once: false,
        others: 0.0,
    };

    fn words(world: World) -> Vec<&'static str> {
        let asked = Asked { iterations: 1_000, calibration_spread: 0.05, chunk_ms: 0.5 };
        let cells = [
            (Act::Idle.name(), 0.0, None),
            (Act::Inline.name(), world.inline_ms, Some(200.0)),
            (Act::Offloaded.name(), world.offloaded_ms, Some(200.0)),
            (Act::Chunked.name(), world.chunked_ms, Some(200.0)),
            (FINE_PIECES, world.fine_ms, Some(world.fine_work_ms)),
            (COARSE_PIECES, world.coarse_ms, Some(200.0)),
        ];
        let mut measured = Measurements::new(2);
        for round in 0..5 {
            for (cell, held_ms, work_ms) in cells {
                let mut sink = Sink::new(&mut measured, cell);
                publish(&mut sink, &act(held_ms, work_ms), 500.0, &asked);
                if let Some(work_ms) = work_ms.filter(|_| world.tells_time) {
                    let is_cut = world.cut_once && round == 0 && cell == Act::Inline.name();
                    let work_ms = if is_cut { work_ms * 1.5 } else { work_ms };
                    sink.add(PROCESSOR_NS, work_ms * 1e6 / asked.iterations as f64);
                }
            }
            measured.end_round();
        }
        measured.others_cores = Some(world.others);
        judge(&Judging { measured: &measured, seed: 7 }).iter().map(|claim| claim.verdict.word()).collect()
    }

    #[test]
    fn all_three_hold_in_the_world_as_it_is_and_beside_other_programs_where_the_price_is_processor_time() {
        assert_eq!(words(REAL), ["holds"; 3]);
        assert_eq!(words(World { tells_time: false, ..REAL }), ["holds"; 3]);
        let busy = World { offloaded_ms: 3.0, chunked_ms: 3.0, others: 1.0, ..REAL };
        assert_eq!(words(busy), ["holds"; 3]);
        assert_eq!(words(World { tells_time: false, ..busy }), ["holds", "holds", "inconclusive"]);
    }

    #[test]
    fn each_fails_in_the_opposite_world_and_is_open_there_beside_other_programs() {
        assert_eq!(words(World { inline_ms: 0.5, offloaded_ms: 0.5, chunked_ms: 0.5, ..REAL })[0], "fails");
        assert_eq!(words(World { offloaded_ms: 200.0, ..REAL }), ["holds", "fails", "holds"]);
        assert_eq!(words(World { chunked_ms: 200.0, ..REAL }), ["holds", "holds", "fails"]);
        let busy = World { offloaded_ms: 200.0, chunked_ms: 200.0, others: 1.0, ..REAL };
        assert_eq!(words(busy), ["holds", "inconclusive", "inconclusive"]);
    }

    #[test]
    fn one_work_that_was_cut_does_not_hide_the_price() {
        assert_eq!(words(World { cut_once: true, ..REAL })[2], "holds");
        assert_eq!(words(World { cut_once: true, others: 1.0, ..REAL })[2], "holds");
    }

    #[test]
    fn pieces_without_a_price_refute_the_price() {
        assert_eq!(words(World { fine_work_ms: 201.0, ..REAL })[2], "fails");
        assert_eq!(words(World { coarse_ms: 0.5, ..REAL })[2], "fails");
        assert_eq!(words(World { fine_work_ms: 201.0, others: 1.0, ..REAL })[2], "inconclusive");
    }
}
