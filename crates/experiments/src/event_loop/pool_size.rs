//! The size of the pool: how many rounds 8 jobs take, and when a bigger pool is no faster.
//!
//! # Model
//! ```text
//! jobs that wait     rounds = jobs / threads                     a thread that waits needs no processor
//! jobs that compute  rounds = jobs / min(threads, processors)    more threads only share what there is
//! ```
//! Of jobs that compute, a round is the time of one such job alone. Of jobs that wait, rounds are counted: the longest row
//! of jobs each of which began after the one before it had ended. A job that waits asks a service over a socket, and its
//! thread blocks until the service answers; in Node it copies from one FIFO to another, which blocks its thread in the same
//! way. The crowd for the second question are 32 jobs for each processor: once on 2 threads, once on 32 threads for each
//! processor. Half of the jobs that compute are done later in the bigger pool, because all of them are begun and none is
//! finished.

use std::fs::File;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, Noise, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::results::Results;
use experiment_kit::runtimes::Runtime;
use experiment_kit::verdict::{Claim, Verdict};
use experiment_kit::{Calibration, Work};
use runtime_lab::{BlockingPool, JobKind, Recording, http, sleep};

use crate::burn::burn;
use crate::counterpart::Source;
use crate::server::{Served, get};

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "pool-size",
    topic: Topic::EventLoop,
    question: "How many threads should a pool have?",
    reading: "8 jobs that wait take 8, 4, 2 and 1 rounds on 1, 2, 4 and 8 threads. 8 jobs that compute take no fewer rounds than \
              the processors allow. In a crowd, a bigger pool helps jobs that wait; of jobs that compute, half are done \
              later.",
    claims: &["L13", "L15"],
    knobs: &[
        Knob {
            name: "compute_ms",
            help: "milliseconds of processor time of one job that computes",
            usual: 20.0,
            quick: 15.0,
            range: (2.0, 1_000.0),
            whole: false,
        },
        Knob {
            name: "wait_ms",
            help: "milliseconds that one job waits",
            usual: 30.0,
            quick: 30.0,
            range: (2.0, 1_000.0),
            whole: false,
        },
        Knob {
            name: "crowd_ms",
            help: "milliseconds of processor time of one computing job of the crowd",
            usual: 10.0,
            quick: 8.0,
            range: (2.0, 1_000.0),
            whole: false,
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec { metric: "wall_ms", unit: "ms", title: "From the first submission to the last result" },
        ChartSpec { metric: "completion_ms", unit: "ms", title: "From the first submission to each result" },
        ChartSpec {
            metric: "rounds",
            unit: "rounds",
            title: "Longest row of jobs of which each began after the one before",
        },
        ChartSpec { metric: "jobs_per_s", unit: "jobs a second", title: "Throughput" },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw { name: "one-thread", breaks: "every pool secretly has one thread", flips: &["L13"] },
        Flaw {
            name: "compute-waits",
            breaks: "jobs that should compute secretly wait for as long",
            flips: &["L13", "L15"],
        },
    ],
};

static SOURCE: Source = Source { name: "pool-size.js", text: include_str!("../../programs/pool-size.js") };

/// What the jobs of a cell do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    Computing,
    Waiting,
}

/// One cell: so many jobs of a kind on so many threads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    doing: Doing,
    jobs: usize,
    threads: usize,
}

impl Shape {
    fn new(doing: Doing, jobs: usize, threads: usize) -> Shape {
        Shape { doing, jobs, threads }
    }

    fn cell(self) -> String {
        let doing = match self.doing {
            Doing::Computing => "computing",
            Doing::Waiting => "waiting",
        };
        format!("{} {doing} on {}", self.jobs, self.threads)
    }
}

/// One job alone is the unit of all rounds: its time is measured more than once in each round.
const ALONE_TIMES: usize = 5;
/// The jobs of the first claim.
const JOBS: usize = 8;
/// The pools of the first claim.
const POOLS: [usize; 4] = [1, 2, 4, 8];
/// The pool that the claim speaks of.
const POOL: usize = 4;
/// The small pool of the crowd, for each processor: enough to keep it busy.
const SMALL: usize = 2;
/// The big pool, for each processor; the crowd has as many jobs.
const BIG: usize = 32;
/// A pool has at most so many threads.
const POOL_MAX: usize = 1024;
const CORES_MAX: usize = POOL_MAX / BIG;
/// Pools of the crowd in a full run, as far as they are not so small that the crowd takes more than [`ROWS_MOST`] rounds.
const CROWD_POOLS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
/// Two seconds of jobs that wait for the usual time, however many processors there are.
const ROWS_MOST: usize = 64;

/// Which runs tell how many rounds there were: other programs can only make a run longer, never shorter.
const FAST: f64 = 0.25;
/// Rounds over the model's: halfway to those of a pool of half the size, and of twice the size.
const MORE_ROUNDS: f64 = 1.5;
const FEWER_ROUNDS: f64 = 0.75;
/// More rounds than this are not the two that are claimed.
const NOT_TWO: f64 = 2.5;
/// The whole crowd takes at least this part of the time: the bigger pool is no faster. One that was would need half or less.
const NO_FASTER_IN_ALL: f64 = 0.85;
/// Half of the crowd is done in at least this part of the time, because none of those that were begun is finished.
const NO_FASTER: f64 = 1.0;
/// The bigger pool is faster when half of the crowd is done in this part of the time.
const FASTER: f64 = 0.5;

fn shapes(cores: usize, quick: bool) -> Vec<Shape> {
    let crowd = crowd(cores);
    let mut shapes = Vec::new();
    shapes.push(Shape::new(Doing::Computing, 1, 1));
    for doing in [Doing::Computing, Doing::Waiting] {
        shapes.extend(POOLS.map(|threads| Shape::new(doing, JOBS, threads)));
        let mut pools = vec![small(cores), crowd];
        if !quick {
            pools.extend(CROWD_POOLS.into_iter().filter(|&threads| crowd.div_ceil(threads) <= ROWS_MOST));
        }
        pools.sort_unstable();
        pools.dedup();
        shapes.extend(pools.into_iter().map(|threads| Shape::new(doing, crowd, threads)));
    }
    shapes
}

fn crowd(cores: usize) -> usize {
    BIG * cores.min(CORES_MAX)
}

fn small(cores: usize) -> usize {
    SMALL * cores.min(CORES_MAX)
}

struct PoolSize {
    shapes: Vec<Shape>,
    service: Served,
    work: Work,
    recordings: Vec<(String, Recording)>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let shapes = shapes(cores, setup.quick);
    if let Some(runtime) = setup.real() {
        return on_fifos(runtime, setup, shapes.iter().map(|shape| shape.cell()).collect());
    }
    let wait = Duration::from_secs_f64(setup.knob("wait_ms") / 1e3);
    let answer = move |_request| async move {
        sleep(wait).await;
        http::text("done")
    };
    let service = Served::start(|runtime| runtime, move |server| server.route("/wait", answer))?;
    let work = Work::new(burn, Calibration::measure(burn, &setup.clock)?);
    let (recordings, setup) = (Vec::new(), setup.clone());
    Ok(Box::new(PoolSize { shapes, service, work, recordings, setup }))
}

/// The program of a real runtime with a folder for its FIFOs. The folder stays and is used again, so that nothing piles up
/// however a run ends; of two runs at the same time each would open what the other waits for, so only one may.
fn on_fifos(runtime: &Runtime, setup: &Setup, cells: Vec<String>) -> Result<Box<dyn Bench>> {
    let folder = Results::usual().folder().join("programs").join("pool-size");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = File::create(folder.join("lock"))?;
    lock.try_lock().with_context(|| {
        format!("{} is in use by another lab; wait for it, or set LAB_RESULTS", folder.display())
    })?;
    let words = vec![("folder".to_owned(), folder.display().to_string())];
    Ok(Box::new(OnFifos { program: SOURCE.bench(runtime, setup, cells, words)?, _lock: lock }))
}

struct OnFifos {
    program: Box<dyn Bench>,
    /// The kernel lets it go when this is dropped, or when this process is gone.
    _lock: File,
}

impl Bench for OnFifos {
    fn cells(&self) -> Vec<String> {
        self.program.cells()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        self.program.measure(cell, sink)
    }
}

impl PoolSize {
    /// What one job of the cell does, and when it did that; an error is what its thread saw.
    fn job(&self, shape: Shape) -> impl Fn() -> Result<Span> + Clone + Send + 'static {
        let clock = self.setup.clock.clone();
        let addr = self.service.addr;
        let knob = if shape.jobs > JOBS { "crowd_ms" } else { "compute_ms" };
        let iterations = self.work.iterations(Duration::from_secs_f64(self.setup.knob(knob) / 1e3));
        let computes = shape.doing == Doing::Computing && !self.setup.has_flaw("compute-waits");
        move || {
            let begun = clock.now();
            if computes {
                burn(iterations);
            } else {
                get(addr, "/wait")?;
            }
            Ok(Span { begun, ended: clock.now() })
        }
    }

    /// Submits all jobs at once; when each was done, from then on, and its span. `None` when it was interrupted.
    fn run(&self, shape: Shape) -> Result<Option<(Vec<f64>, Vec<Span>)>> {
        let threads = if self.setup.has_flaw("one-thread") { 1 } else { shape.threads };
        let pool = BlockingPool::builder().threads(threads).recorder(self.setup.recorder.clone()).build()?;
        let (done, results) = mpsc::channel();
        let job = self.job(shape);
        let begun = self.setup.clock.now();
        for _ in 0..shape.jobs {
            let (done, clock) = (done.clone(), self.setup.clock.clone());
            let complete = move |outcome: runtime_lab::JobOutcome<Result<Span>>| {
                // Nobody waits for it any more after an interrupt.
                let _ = done.send((clock.now(), outcome.done()));
            };
            pool.submit(JobKind::Cpu, "job", job.clone(), complete)?;
        }
        let (mut completions, mut spans) = (Vec::new(), Vec::new());
        while completions.len() < shape.jobs {
            match results.recv_timeout(LOOK_EVERY) {
                Ok((at, outcome)) => {
                    spans.push(outcome.context("a job did not run to its end")??);
                    completions.push(at.saturating_duration_since(begun).as_secs_f64() * 1e3);
                }
                Err(RecvTimeoutError::Timeout) if self.setup.interrupt.came() => return Ok(None),
                Err(_) => {} // This end of the channel holds a sender itself: it is never cut off.
            }
        }
        completions.sort_unstable_by(f64::total_cmp);
        Ok(Some((completions, spans)))
    }
}

/// When a job ran.
#[derive(Clone, Copy, Debug)]
struct Span {
    begun: Instant,
    ended: Instant,
}

/// The longest row of spans each of which begins after the one before it has ended: take what ends first, again and again.
fn rows(mut spans: Vec<Span>) -> usize {
    spans.sort_by_key(|span| span.ended);
    let mut last: Option<Span> = None;
    let mut count = 0;
    for span in spans {
        if last.is_none_or(|last| last.ended <= span.begun) {
            (last, count) = (Some(span), count + 1);
        }
    }
    count
}

/// How often an interrupt is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Bench for PoolSize {
    fn cells(&self) -> Vec<String> {
        self.shapes.iter().map(|shape| shape.cell()).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let shape = self.shapes.iter().copied().find(|shape| shape.cell() == cell);
        let shape = shape.context("a cell is one of the shapes")?;
        for _ in 0..if shape.jobs == 1 { ALONE_TIMES } else { 1 } {
            let Some((completions, spans)) = self.run(shape)? else { return Ok(()) };
            let wall_ms = completions.last().copied().context("there is at least one job")?;
            sink.add("wall_ms", wall_ms);
            sink.add("jobs_per_s", shape.jobs as f64 / wall_ms * 1e3);
            sink.extend("completion_ms", completions);
            if shape.doing == Doing::Waiting {
                sink.add("rounds", rows(spans) as f64);
            }
        }
        if self.setup.recorder.is_on() {
            let recording = self.setup.recorder.collect();
            let (title, wanted) = (format!("The pool, {cell}"), shape.jobs == JOBS && shape.threads == POOL);
            self.recordings.retain(|(known, _)| *known != title);
            self.recordings.extend(wanted.then_some((title, recording)));
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.recordings)
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    vec![rounds_claim(judging), size_claim(judging)]
}

fn rounds_claim(judging: &Judging<'_>) -> Claim {
    let mut as_the_model: Vec<Finding> = Vec::new();
    for threads in [POOL, 1, 2, 8] {
        let (model, cell) = (JOBS.div_ceil(threads) as f64, Shape::new(Doing::Waiting, JOBS, threads).cell());
        let rounds = |side| {
            let name =
                format!("rounds of {JOBS} jobs that wait on {threads} threads, lower quartile, {side}");
            judging.quantile(name, "rounds", FAST, ("rounds", &cell))
        };
        as_the_model.push(rounds("at least").at_least(FEWER_ROUNDS * model));
        as_the_model.push(rounds("at most").at_most(MORE_ROUNDS * model));
    }
    let name = format!("rounds of {JOBS} jobs that compute on {POOL} threads, lower quartiles");
    let (many, one) =
        (Shape::new(Doing::Computing, JOBS, POOL).cell(), Shape::new(Doing::Computing, 1, 1).cell());
    let computing = judging.ratio(name, FAST, ("wall_ms", &many), ("wall_ms", &one)).at_least(NOT_TWO);
    let claim = Claim::depends(
        "L13",
        format!(
            "{JOBS} jobs that wait take {JOBS} / threads rounds on 1, 2, 4 and 8 threads: the lower quartile of all runs is from \
             {FEWER_ROUNDS} to {MORE_ROUNDS} x that; {JOBS} that compute take at least {NOT_TWO} rounds on {POOL} threads: the \
             lower quartile of their wall times over that of one such job alone"
        ),
        format!(
            "jobs that wait, or {POOL} processors that nobody else uses: jobs that compute take jobs / processors rounds"
        ),
        as_the_model,
        vec![computing],
    );
    // Beside other programs everything takes more rounds, and jobs that compute take more than two for that alone; with as
    // many processors as threads that would be taken for a dependence. On fewer processors they take more in any case.
    let blurred = judging.measured.cores >= POOL && matches!(claim.verdict, Verdict::Depends { .. });
    if blurred || claim.verdict == Verdict::Fails {
        claim.beside(judging.measured, Noise::Hurts)
    } else {
        claim
    }
}

fn size_claim(judging: &Judging<'_>) -> Claim {
    let cores = judging.measured.cores;
    let crowd = crowd(cores);
    let half_done = |name: String, doing| {
        let (big, few) =
            (Shape::new(doing, crowd, crowd).cell(), Shape::new(doing, crowd, small(cores)).cell());
        judging.ratio(name, P50, ("completion_ms", &big), ("completion_ms", &few))
    };
    let name = |what| format!("median completion of a crowd of jobs that {what}, big pool / small pool");
    let no_faster = half_done(name("compute"), Doing::Computing).at_least(NO_FASTER);
    let faster = half_done(name("wait"), Doing::Waiting).at_most(FASTER);
    let cells = [crowd, small(cores)].map(|threads| Shape::new(Doing::Computing, crowd, threads).cell());
    let in_all = judging
        .ratio(
            "median time of a whole crowd of jobs that compute, big pool / small pool",
            P50,
            ("wall_ms", &cells[0]),
            ("wall_ms", &cells[1]),
        )
        .at_least(NO_FASTER_IN_ALL);
    let mut claim = Claim::all(
        "L15",
        format!(
            "with a pool of {BIG} threads for each processor the median time of {BIG} computing jobs for each is at least \
             {NO_FASTER_IN_ALL} x that with one of {SMALL} threads for each, and the median job is done at least {NO_FASTER} x as \
             late; of jobs that wait the same ratio is published and not judged, {FASTER} beside it; a pool has at most \
             {POOL_MAX} threads, so more than {CORES_MAX} processors count as {CORES_MAX}, and with more than {} nothing is settled",
            SMALL * CORES_MAX
        ),
        vec![in_all, no_faster],
    );
    claim.findings.push(faster);
    if cores > SMALL * CORES_MAX {
        claim.verdict = Verdict::inconclusive(format!(
            "a pool has at most {POOL_MAX} threads, so the small pool of {} cannot keep {cores} processors busy",
            small(cores)
        ));
        claim.reason = None;
    }
    claim.beside(judging.measured, Noise::Hurts)
}

#[cfg(test)]
mod tests;
