//! Starvation: what happens to small requests while one event loop does heavy work, and two cures.
//!
//! # Model
//! The acts, the server and the rules are those of `examples/starvation.rs`: a load client in another process sends
//! `/ping` on a fixed schedule while other requests ask for work on the loop's thread, in the pool, or in pieces. A fifth
//! cell offloads as many works at once as there are processors, to show what is left of the cure then; it is published
//! and not judged. Other programs can only make a cure look worse, so what holds beside them holds.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::Judging;
use experiment_kit::load::{LoadClient, StreamSpec};
use experiment_kit::measurements::Sink;
use experiment_kit::program::ServerProgram;
use experiment_kit::starvation::acts::{Act, Plan};
use experiment_kit::starvation::published::{self, Asked};
use experiment_kit::starvation::rules;
use experiment_kit::stats::Summary;
use experiment_kit::verdict::Claim;
use experiment_kit::{Calibration, RunningServer, ServerSpec, Work, WorkDone};
use runtime_lab::http::{self, Response};
use runtime_lab::{Recording, offload};
use serde::Deserialize;

use crate::counterpart::Source;
use crate::server::get;

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
              in pieces that let others in between, pings take about as long as on an idle server. With as many works in the \
              pool as there are processors, the loop must share one with them, and some of the wait comes back.",
    claims: &["L10", "L11", "L12"],
    knobs: &[
        Knob {
            name: "block_ms",
            help: "milliseconds of work in one heavy request",
            usual: 200.0,
            quick: 200.0,
            range: (5.0, 5_000.0),
        },
        Knob { name: "rate", help: "pings a second", usual: 220.0, quick: 220.0, range: (10.0, 5_000.0) },
        Knob {
            name: "act_ms",
            help: "milliseconds that one act of one round lasts",
            usual: 1_000.0,
            quick: 500.0,
            range: (100.0, 60_000.0),
        },
        Knob {
            name: "chunk_us",
            help: "microseconds of one piece of the work in pieces",
            usual: 500.0,
            quick: 500.0,
            range: (10.0, 1_000_000.0),
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
        ChartSpec { metric: "chunk_price", unit: "ratio", title: "Work time in pieces / in one piece" },
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

static SOURCE: Source = Source { name: "starvation.js", text: include_str!("../../programs/starvation.js") };

/// The cell beside the acts.
const ALL_CORES: &str = "all cores busy";

/// As many threads as libuv's pool has.
const POOL_THREADS: usize = 4;

struct Starvation {
    // The client first: it is to be gone when the server, of which there is one, stops.
    client: LoadClient,
    program: Option<ServerProgram>,
    _here: Option<Stopping>,
    addr: SocketAddr,
    plan: Plan,
    asked: Asked,
    cells_played: usize,
    /// How long a work took in the acts of this round, by their names.
    works_ms: BTreeMap<String, f64>,
    recordings: Vec<(String, Recording)>,
    setup: Setup,
}

/// A server in this process, which is stopped when this is dropped.
struct Stopping(Option<RunningServer>);

impl Drop for Stopping {
    fn drop(&mut self) {
        if let Some(server) = self.0.take() {
            // What it says of itself now can change nothing that was measured.
            let _ = (server.stop)();
        }
    }
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let block = Duration::from_secs_f64(setup.knob("block_ms") / 1e3);
    let act = Duration::from_secs_f64(setup.knob("act_ms") / 1e3);
    let plan = Plan::of_acts(act, block, setup.knob("rate"), setup.seed);
    let program = setup.real().filter(|runtime| runtime.family == Family::Node);
    let (program, here, addr, asked) = match program {
        Some(runtime) => {
            let words = [("chunk_us".to_owned(), setup.knob("chunk_us").to_string())];
            let program = SOURCE.serve(runtime, setup, &words)?;
            let (addr, asked) = (program.addr, asked_of(program.addr, block, setup)?);
            (Some(program), None, addr, asked)
        }
        None => {
            let (server, asked) = here(setup, block)?;
            let addr = server.addr;
            (None, Some(Stopping(Some(server))), addr, asked)
        }
    };
    let client = LoadClient::start()?;
    let (cells_played, works_ms, recordings) = (0, BTreeMap::new(), Vec::new());
    let setup = setup.clone();
    Ok(Box::new(Starvation {
        client,
        program,
        _here: here,
        addr,
        plan,
        asked,
        cells_played,
        works_ms,
        recordings,
        setup,
    }))
}

/// A server in this process: ours, ours with a flaw, or tokio's.
fn here(setup: &Setup, block: Duration) -> Result<(RunningServer, Asked)> {
    let work = Work::new(example::burn, Calibration::measure(example::burn, &setup.clock)?);
    let chunk = Duration::from_secs_f64(setup.knob("chunk_us") / 1e6);
    let spec = ServerSpec {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        pool_threads: POOL_THREADS,
        chunk,
        stall_threshold: block / 4,
        work,
        clock: setup.clock.clone(),
        recorder: setup.recorder.clone(),
    };
    let running = match (setup.real(), setup.flaw) {
        (Some(_), _) => example::on_tokio::start(&spec),
        (None, Some("block-in-pool")) => example::start_changed(&spec, block_in_pool),
        (None, Some("offload-inline")) => example::start_changed(&spec, offload_inline),
        (None, Some("no-yield")) => example::start_changed(&spec, no_yield),
        (None, _) => example::start_ours(&spec),
    }?;
    let asked = Asked {
        iterations: work.iterations(block),
        calibration_spread: work.calibration().spread,
        chunk_ms: setup.knob("chunk_us") / 1e3,
    };
    Ok((running, asked))
}

fn block_in_pool(server: http::Server, spec: &ServerSpec) -> http::Server {
    let spec = spec.clone();
    server.route("/block", move |request| {
        let spec = spec.clone();
        async move {
            let iterations = spec.work.iterations(example::wanted(&request)?);
            let done = offload(move || example::time_work(&spec, iterations)).await;
            let done = done.map_err(|error| http::text(error.to_string()))?;
            Ok::<Response, Response>(example::done(&done))
        }
    })
}

fn offload_inline(server: http::Server, spec: &ServerSpec) -> http::Server {
    let spec = spec.clone();
    server.route("/offload", move |request| {
        let spec = spec.clone();
        async move {
            let iterations = spec.work.iterations(example::wanted(&request)?);
            Ok::<Response, Response>(example::done(&example::time_work(&spec, iterations)))
        }
    })
}

fn no_yield(server: http::Server, spec: &ServerSpec) -> http::Server {
    let spec = spec.clone();
    server.route("/chunked", move |request| {
        let spec = spec.clone();
        async move {
            let want = example::wanted(&request)?;
            let begun = spec.clock.now();
            spec.work.pieces(want, spec.chunk).for_each(|piece| spec.work.run(piece));
            let took = spec.clock.now().saturating_duration_since(begun);
            Ok::<Response, Response>(example::done(&WorkDone::new(spec.work.iterations(want), took)))
        }
    })
}

/// What a program says of its own calibration.
#[derive(Deserialize)]
struct Calibrated {
    iterations: u64,
    spread: f64,
}

fn asked_of(addr: SocketAddr, block: Duration, setup: &Setup) -> Result<Asked> {
    let said = get(addr, &format!("/asked?ms={}", block.as_millis()))?;
    let calibrated: Calibrated = serde_json::from_str(&said).with_context(|| format!("/asked: `{said}`"))?;
    Ok(Asked {
        iterations: calibrated.iterations,
        calibration_spread: calibrated.spread,
        chunk_ms: setup.knob("chunk_us") / 1e3,
    })
}

impl Starvation {
    fn streams(&self, cell: &str) -> Vec<StreamSpec> {
        if let Some(act) = Act::ALL.into_iter().find(|act| act.name() == cell) {
            return self.plan.streams(act);
        }
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut streams = self.plan.streams(Act::Offloaded);
        streams.iter_mut().skip(1).for_each(|works| works.at_once = cores);
        streams
    }

    /// Work time in pieces over work time in one piece, as soon as this round has both.
    fn publish_chunk_price(&mut self, sink: &mut Sink<'_>) {
        let [whole, pieces] = [Act::Inline, Act::Chunked].map(|act| self.works_ms.get(act.name()).copied());
        if let (Some(whole), Some(pieces)) = (whole, pieces) {
            sink.of(Act::Chunked.name()).add("chunk_price", pieces / whole);
            self.works_ms.clear();
        }
    }
}

impl Bench for Starvation {
    fn cells(&self) -> Vec<String> {
        Act::ALL.iter().map(|act| act.name()).chain([ALL_CORES]).map(str::to_owned).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let round = self.cells_played / (Act::ALL.len() + 1);
        self.cells_played += 1;
        let spec = self.plan.spec(self.addr, round, self.streams(cell));
        let interrupt = &self.setup.interrupt;
        let outcome = self.client.act(&spec, &|| interrupt.came(), &mut |_| {})?;
        published::publish(sink, &outcome, spec.length_ms, &self.asked);
        let works = outcome.samples.iter().filter_map(|sample| Some(sample.work?.work_ms));
        self.works_ms.insert(cell.to_owned(), Summary::of(works).p50);
        self.publish_chunk_price(sink);
        if self.setup.recorder.is_on() {
            let title = format!("The loop and the pool, {cell}, in the last round");
            self.recordings.retain(|(known, _)| *known != title);
            self.recordings.push((title, self.setup.recorder.collect()));
        }
        Ok(())
    }

    fn processes(&self) -> Vec<u32> {
        let mut processes = vec![self.client.id()];
        processes.extend(self.program.iter().flat_map(ServerProgram::processes));
        processes
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.recordings)
    }
}

/// The rules of the example.
fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let setting = published::setting(judging.measured, judging.seed);
    rules::judge(&published::measured(judging.measured), &setting)
}

#[cfg(test)]
mod tests {
    use experiment_kit::load::{Outcome, Sample};
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// One act of one round: 120 pings, of which two fifths wait for up to `held_ms`, and one heavy request.
    fn act(held_ms: f64, works: bool) -> Outcome {
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
        if works {
            samples.push(sample(1, 201.0, Some(WorkDone { iterations: 1_000, work_ms: 200.0 })));
        }
        Outcome { complete: true, samples, ..Outcome::default() }
    }

    fn words(inline_ms: f64, offloaded_ms: f64, chunked_ms: f64, others: f64) -> Vec<&'static str> {
        let asked = Asked { iterations: 1_000, calibration_spread: 0.05, chunk_ms: 0.5 };
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, held) in Act::ALL.iter().zip([0.0, inline_ms, offloaded_ms, chunked_ms]) {
                let outcome = act(held, *cell != Act::Idle);
                published::publish(&mut Sink::new(&mut measured, cell.name()), &outcome, 500.0, &asked);
            }
            measured.end_round();
        }
        measured.others_cores = Some(others);
        judge(&Judging { measured: &measured, seed: 7 }).iter().map(|claim| claim.verdict.word()).collect()
    }

    #[test]
    fn all_three_hold_in_the_world_as_it_is_even_beside_other_programs() {
        assert_eq!(words(200.0, 1.0, 1.0, 0.0), ["holds"; 3]);
        assert_eq!(words(200.0, 3.0, 3.0, 1.0), ["holds"; 3]);
    }

    #[test]
    fn each_fails_in_the_opposite_world_and_is_open_there_beside_other_programs() {
        assert_eq!(words(0.5, 0.5, 0.5, 0.0)[0], "fails");
        assert_eq!(words(200.0, 200.0, 1.0, 0.0), ["holds", "fails", "holds"]);
        assert_eq!(words(200.0, 1.0, 200.0, 0.0), ["holds", "holds", "fails"]);
        assert_eq!(words(200.0, 200.0, 200.0, 1.0), ["holds", "inconclusive", "inconclusive"]);
    }
}
