//! Playing the acts: server up, client up, rounds, more rounds while the result is unclear, all down again.
//!
//! # Threads
//! The main thread drives; the server brings its own threads, the client is another process. Whatever ends this
//! (the last round, Ctrl-C, an error), the client is dropped first and then the server is stopped and joined.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clock::Clock;
use runtime_trace::{EventKind, Lane, Recorder, next_id};

use crate::contender::{Contender, RunningServer, ServerSpec, ServerStats};
use crate::cpu_meter::CpuMeter;
use crate::interrupt::Interrupt;
use crate::load::{LoadClient, Outcome};
use crate::starvation::acts::{Act, Plan};
use crate::starvation::figures::Measured;
use crate::starvation::options::Options;
use crate::starvation::picture::Scene;
use crate::starvation::progress::Progress;
use crate::starvation::raw::RawFile;
use crate::starvation::rules::{Setting, Words, judge};
use crate::verdict::{Claim, Verdict};
use crate::work::{Calibration, Work};

/// A server may take this long to stop, and this many blocks more.
const STOP_LIMIT: Duration = Duration::from_secs(10);
const STOP_BLOCKS: f64 = 3.0;

/// Everything that a run brought.
pub(crate) struct Ran {
    pub(crate) plan: Plan,
    pub(crate) calibration: Calibration,
    pub(crate) measured: Measured,
    pub(crate) claims: Vec<Claim>,
    pub(crate) server: ServerStats,
    /// The acts of the last round, in the order in which they were played.
    pub(crate) scenes: Vec<Scene>,
    /// What stopped the run early, besides a signal.
    pub(crate) error: Option<anyhow::Error>,
}

/// The spec of the server that `options` ask for.
pub(crate) fn server_spec(options: &Options, work: Work, clock: &Clock, recorder: Recorder) -> ServerSpec {
    ServerSpec {
        addr: options.addr(),
        pool_threads: usize::from(options.pool_size),
        chunk: options.chunk(),
        stall_threshold: options.stall_after(),
        work,
        clock: clock.clone(),
        recorder,
    }
}

/// Starts the server of `contender`.
pub(crate) fn start_server(contender: &Contender, spec: &ServerSpec) -> Result<RunningServer> {
    (contender.start)(spec)
        .with_context(|| format!("cannot start the {} server on {}", contender.name, spec.addr))
}

/// Stops the server; one that does not stop in time is left to the end of this process.
pub(crate) fn stop_server(server: RunningServer, options: &Options) -> Result<ServerStats> {
    let limit = STOP_LIMIT + options.block().mul_f64(STOP_BLOCKS);
    let (sender, stopped) = mpsc::channel();
    let stopper = std::thread::Builder::new().name("stop-server".to_owned()).spawn(move || {
        // Nobody listens when it took too long.
        let _ = sender.send((server.stop)());
    })?;
    let stats = stopped.recv_timeout(limit);
    match stats {
        Ok(stats) => {
            // It has sent its last word and only has to return.
            let _ = stopper.join();
            stats.context("the server did not stop in order")
        }
        Err(RecvTimeoutError::Timeout) => bail!("the server did not stop within {limit:?}"),
        Err(RecvTimeoutError::Disconnected) => bail!("the server panicked while it stopped"),
    }
}

/// Plays all acts. After Ctrl-C, or when the client dies, it returns what was measured so far.
///
/// # Errors
/// What prevents a start: calibration, the server, the client.
pub(crate) fn run(
    options: &Options,
    contender: &Contender,
    burn: fn(u64),
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<Ran> {
    let clock = Clock::real();
    let raw = options.raw.as_deref().map(RawFile::create).transpose()?;
    progress.say("calibrating the work on this machine ...");
    let calibration = Calibration::measure(burn, &clock)?;
    let plan = options.plan(options.duration);
    let recorder = Recorder::new(ring_capacity(&plan, options));
    let work = Work::new(burn, calibration);
    let setting = setting(options, &work);
    let spec = server_spec(options, work, &clock, recorder.clone());
    let server = start_server(contender, &spec)?;
    let client = LoadClient::start();
    let mut stage = match client {
        Ok(client) => Stage {
            setting,
            interrupt,
            progress,
            addr: server.addr,
            client,
            meter: CpuMeter::default(),
            marks: recorder.lane("acts"),
            recorder,
            clock,
            plan,
            raw,
            measured: Measured::default(),
            scenes: Vec::new(),
        },
        Err(error) => {
            // The first error is the one to report; the server ends either way.
            let _ = stop_server(server, options);
            return Err(error.into());
        }
    };
    progress.say(&format!(
        "{} serves on {}, the load client is process {}; {} rounds of 4 acts, {:.1} s each",
        contender.name,
        stage.addr,
        stage.client.id(),
        stage.plan.rounds,
        stage.plan.act.as_secs_f64(),
    ));
    let played = stage.play();
    let Stage { client, mut measured, scenes, plan, raw, .. } = stage;
    drop(client);
    let stopped = stop_server(server, options);
    let written = raw.map_or(Ok(()), RawFile::finish);
    measured.complete = played.is_ok() && !interrupt.came();
    let claims = judge(&measured, &setting);
    let (server, stop_error) = match stopped {
        Ok(stats) => (stats, None),
        Err(error) => (ServerStats::default(), Some(error)),
    };
    let error = played.err().or(stop_error).or(written.err());
    Ok(Ran { plan, calibration, measured, claims, server, scenes, error })
}

fn setting(options: &Options, work: &Work) -> Setting {
    Setting {
        cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        chunk_ms: options.chunk().as_secs_f64() * 1e3,
        iterations: work.iterations(options.block()),
        calibration_spread: work.calibration().spread,
        seed: options.seed,
        words: Words::EXAMPLE,
    }
}

/// Records that the loop's lane holds: an act's worth, by a generous guess of records for a request and a chunk.
fn ring_capacity(plan: &Plan, options: &Options) -> usize {
    let chunks = plan.act.as_micros() as usize / options.chunk_us as usize;
    (64 * (plan.pings + plan.works) + 32 * chunks).clamp(1 << 14, 1 << 19)
}

/// What playing the acts needs.
struct Stage<'s> {
    setting: Setting,
    interrupt: &'s Interrupt,
    progress: &'s Progress,
    addr: std::net::SocketAddr,
    client: LoadClient,
    meter: CpuMeter,
    marks: Lane,
    recorder: Recorder,
    clock: Clock,
    plan: Plan,
    raw: Option<RawFile>,
    measured: Measured,
    scenes: Vec<Scene>,
}

impl Stage<'_> {
    /// The planned rounds, then up to as many again while a claim is not settled.
    fn play(&mut self) -> Result<()> {
        if self.interrupt.came() {
            return Ok(());
        }
        let planned = self.plan.rounds;
        self.progress.begin(planned * Act::ALL.len());
        for round in 0..2 * planned {
            if round >= planned && (self.settled() || self.interrupt.came()) {
                break;
            }
            if round == planned {
                self.progress.say(&format!("not settled yet: up to {planned} more rounds"));
                self.progress.extend(planned * Act::ALL.len());
            }
            self.play_round(round)?;
            if self.interrupt.came() {
                self.progress.say("stopping ...");
                break;
            }
        }
        self.progress.end();
        Ok(())
    }

    fn settled(&self) -> bool {
        let measured = Measured { complete: true, ..self.measured.clone() };
        let claims = judge(&measured, &self.setting);
        !claims.iter().any(|claim| matches!(claim.verdict, Verdict::Inconclusive { .. }))
    }

    fn play_round(&mut self, round: usize) -> Result<()> {
        let mut scenes = Vec::new();
        for act in self.plan.order(round) {
            self.progress.act_begins(round, act);
            let (outcome, scene) = self.play_act(round, act)?;
            let complete = outcome.complete;
            self.measured.add(act, &outcome, self.plan.act.as_secs_f64() * 1e3);
            if let Some(raw) = &mut self.raw {
                raw.write(round, act, &outcome)?;
            }
            self.progress.act_ends(round, act, &self.measured);
            if !complete {
                return Ok(());
            }
            scenes.push(scene);
        }
        self.measured.rounds += 1;
        self.scenes = scenes;
        Ok(())
    }

    fn play_act(&mut self, round: usize, act: Act) -> Result<(Outcome, Scene)> {
        let spec = self.plan.spec(self.addr, round, self.plan.streams(act));
        let name = self.recorder.intern(&format!("act {} begins", act.name()));
        self.marks.record(self.clock.now(), EventKind::Mark, next_id(), 0, name);
        let pids = [self.client.id()];
        self.meter.begin(&pids);
        let interrupt = self.interrupt;
        let outcome = self.client.act(&spec, &|| interrupt.came(), &mut |so_far| {
            self.progress.answered(so_far.samples.len() + so_far.failures.len());
        })?;
        self.meter.end(&pids);
        self.measured.others_cores = self.meter.others_cores(self.setting.cores);
        let scene = Scene::new(act, &outcome, self.plan.act, self.recorder.collect());
        Ok((outcome, scene))
    }
}
