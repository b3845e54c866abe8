//! The servers that are asked: in this process ours, ours with a flaw, or tokio's; or a program of Node.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result};
use experiment_kit::experiment::{Family, Setup};
use experiment_kit::program::{ServerProgram, command};
use experiment_kit::runtimes::Runtime;
use experiment_kit::starvation::published::Asked;
use experiment_kit::{Calibration, RunningServer, ServerSpec, Work, WorkDone};
use runtime_lab::http::{self, Response};
use runtime_lab::offload;
use serde::Deserialize;

use super::example;
use crate::counterpart::Source;
use crate::processor_time::of_threads_ns;
use crate::server::get;

static SOURCE: Source =
    Source { name: "starvation.js", text: include_str!("../../../programs/starvation.js") };

/// What starts servers that differ in the length of a piece only.
pub(super) struct Servers<'s> {
    setup: &'s Setup,
    block: Duration,
    place: Place<'s>,
}

enum Place<'s> {
    /// All in this process do the same work, calibrated once.
    Here(Work),
    /// Each program calibrates its own.
    Node(&'s Runtime),
}

impl<'s> Servers<'s> {
    pub(super) fn new(setup: &'s Setup, block: Duration) -> Result<Servers<'s>> {
        let place = match setup.real().filter(|runtime| runtime.family == Family::Node) {
            Some(runtime) => Place::Node(runtime),
            None => Place::Here(Work::new(example::burn, Calibration::measure(example::burn, &setup.clock)?)),
        };
        Ok(Servers { setup, block, place })
    }

    /// Starts one with pieces of `chunk`.
    pub(super) fn start(&self, chunk: Duration) -> Result<Serving> {
        match self.place {
            Place::Here(work) => here(self.setup, work, self.block, chunk),
            Place::Node(runtime) => there(runtime, self.setup, self.block, chunk),
        }
    }
}

/// A server that is asked.
pub(super) struct Serving {
    pub(super) addr: SocketAddr,
    pub(super) asked: Asked,
    pub(super) program: Option<ServerProgram>,
    _here: Option<Stopping>,
}

impl Serving {
    /// Processor time that the process of the server has used; `None` where the system does not tell.
    pub(super) fn processor_ns(&self) -> Option<u64> {
        match &self.program {
            None => of_threads_ns(std::process::id()),
            Some(program) => program.processes().into_iter().map(of_threads_ns).sum(),
        }
    }
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

/// As many threads as libuv's pool has, or one for each processor, so that a pool can keep all of them busy.
fn pool_threads() -> usize {
    processors().max(4)
}

pub(super) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A server of Node.
fn there(runtime: &Runtime, setup: &Setup, block: Duration, chunk: Duration) -> Result<Serving> {
    let words = [("chunk_us".to_owned(), micros(chunk).to_string())];
    let mut command = command(runtime, &SOURCE.file()?, &words);
    command.env("UV_THREADPOOL_SIZE", pool_threads().to_string());
    let program = ServerProgram::start(command, &setup.interrupt)?;
    let (addr, asked) = (program.addr, asked_of(program.addr, block, chunk)?);
    Ok(Serving { addr, asked, program: Some(program), _here: None })
}

/// A server in this process: ours, ours with a flaw, or tokio's.
fn here(setup: &Setup, work: Work, block: Duration, chunk: Duration) -> Result<Serving> {
    let spec = ServerSpec {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        pool_threads: pool_threads(),
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
        chunk_ms: micros(chunk) / 1e3,
    };
    Ok(Serving { addr: running.addr, asked, program: None, _here: Some(Stopping(Some(running))) })
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
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

fn asked_of(addr: SocketAddr, block: Duration, chunk: Duration) -> Result<Asked> {
    let said = get(addr, &format!("/asked?ms={}", block.as_millis()))?;
    let calibrated: Calibrated = serde_json::from_str(&said).with_context(|| format!("/asked: `{said}`"))?;
    Ok(Asked {
        iterations: calibrated.iterations,
        calibration_spread: calibrated.spread,
        chunk_ms: micros(chunk) / 1e3,
    })
}
