//! Crypto and files: does encryption or work on files block the loop?
//!
//! # Model
//! The same kinds of work in two ways, beside an echo that a client asks over a real socket all the time:
//!
//! | work | on the loop's thread | in the pool |
//! |---|---|---|
//! | pbkdf2 | `pbkdf2Sync` | `pbkdf2` with a callback |
//! | reading a file, again and again | `readFileSync` | `readFile` with a callback |
//! | parsing a file as JSON, again and again | after it was read in the pool | |
//!
//! Counted is, on the loop, what was answered while the work went on.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clock::Clock;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::results::Results;
use experiment_kit::verdict::Claim;
use experiment_kit::{Calibration, Interrupt, Work};
use runtime_lab::{LoopHandle, Recording, Runtime, crypto, fs, offload};

use super::echo::{self, Span};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "crypto-and-files",
    topic: Topic::EventLoop,
    question: "Does encryption or work on files block the loop?",
    reading: "What is called synchronously runs on the loop's thread, and so does the parsing of what was read: no ping is \
              answered meanwhile. pbkdf2 and file requests with a callback run in the pool, and pings are answered.",
    claims: &["L20"],
    knobs: &[Knob {
        name: "work_ms",
        help: "milliseconds that each work takes",
        usual: 100.0,
        quick: 60.0,
        range: (30.0, 1_000.0), // A key is derived in one call, which no signal ends.
    }],
    start,
    judge,
    charts: &[
        ChartSpec {
            metric: "wait_ms",
            unit: "ms",
            title: "How long a ping waits that comes during the work",
        },
        ChartSpec { metric: "served", unit: "pings", title: "Pings answered during the work" },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "sync-in-pool",
            breaks: "what is called synchronously is secretly handed to the pool",
            flips: &["L20"],
        },
        Flaw {
            name: "pool-inline",
            breaks: "requests for the pool are done at once, on the loop's thread",
            flips: &["L20"],
        },
    ],
};

static SOURCE: Source = Source {
    name: "crypto-and-files.js",
    text: concat!(include_str!("../../programs/echo.js"), include_str!("../../programs/crypto-and-files.js")),
};

/// Work on the loop's thread.
const ON_THE_LOOP: [&str; 3] = ["pbkdf2 on the loop", "reads on the loop", "parsing on the loop"];
/// Work that is handed to the pool.
const IN_THE_POOL: [&str; 2] = ["pbkdf2 in the pool", "reads in the pool"];

/// A loop that is not blocked answers at least one ping during all the work: thousands on a quiet machine, a few where the
/// client hardly gets a processor, none when blocked.
const SERVES: f64 = 1.0;

/// Rows of the file that is read and parsed: about a megabyte.
const ROWS: usize = 20_000;

struct Bothered {
    setup: Setup,
    job: Job,
    kept: Vec<(String, Recording)>,
}

/// What there is to do.
#[derive(Clone)]
struct Job {
    file: PathBuf,
    iterations: u32,
    length: Duration,
    clock: Clock,
    interrupt: Interrupt,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    // The program for real runtimes reads the same file.
    let file = Results::usual().program("crypto-and-files.json", &rows(ROWS))?;
    let cells = ON_THE_LOOP.into_iter().chain(IN_THE_POOL).map(str::to_owned).collect();
    if let Some(runtime) = setup.real() {
        let file = file.to_str().context("the folder of the results has a strange name")?;
        return SOURCE.bench(runtime, setup, cells, vec![("file".to_owned(), file.to_owned())]);
    }
    let work = Work::new(burn, Calibration::measure(burn, &setup.clock)?);
    let length = Duration::from_secs_f64(setup.knob("work_ms") / 1e3);
    let iterations = u32::try_from(work.iterations(length)).unwrap_or(u32::MAX);
    let (clock, interrupt) = (setup.clock.clone(), setup.interrupt.clone());
    let job = Job { file, iterations, length, clock, interrupt };
    Ok(Box::new(Bothered { setup: setup.clone(), job, kept: Vec::new() }))
}

fn rows(count: usize) -> String {
    let row = |n: usize| format!("{{\"id\":{n},\"name\":\"row {n}\",\"price\":{}.5}}", n * 7 % 1_000);
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("[{}]\n", rows.join(",\n"))
}

fn burn(iterations: u64) {
    derive(u32::try_from(iterations).unwrap_or(u32::MAX));
}

fn derive(iterations: u32) {
    std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", iterations));
}

impl Bench for Bothered {
    fn cells(&self) -> Vec<String> {
        ON_THE_LOOP.into_iter().chain(IN_THE_POOL).map(str::to_owned).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let recorder = &self.setup.recorder;
        let runtime = Runtime::builder().pool_threads(4).recorder(recorder.clone()).build()?;
        let way = Way::of(cell, &self.setup)?;
        let job = self.job.clone();
        let watched = echo::watch(runtime, &self.setup.clock, move |lp, span| begin(lp, way, job, span))?;
        watched.tell(sink);
        if recorder.is_on() {
            let title = format!("an echo beside {cell}");
            self.kept.retain(|(kept, _)| *kept != title);
            self.kept.push((title, recorder.collect()));
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.kept)
    }
}

/// What is done, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Way {
    what: What,
    in_pool: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Derive,
    Read,
    Parse,
}

impl Way {
    fn of(cell: &str, setup: &Setup) -> Result<Way> {
        let (what, place) = cell.split_once(' ').unwrap_or((cell, ""));
        let what = match what {
            "pbkdf2" => What::Derive,
            "reads" => What::Read,
            "parsing" => What::Parse,
            _ => bail!("no cell is called {cell}"),
        };
        let asked = place == "in the pool";
        let in_pool = (asked && !setup.has_flaw("pool-inline")) || setup.has_flaw("sync-in-pool");
        Ok(Way { what, in_pool })
    }
}

/// Begins the work of `way` in a callback of the loop; `span` ends with it.
fn begin(lp: &LoopHandle, way: Way, job: Job, span: Span) {
    match (way.what, way.in_pool) {
        (What::Derive, false) => {
            derive(job.iterations);
            span.end();
        }
        (What::Derive, true) => {
            lp.spawn(async move {
                // A job that was refused is over at once: nothing was served, and the rule sees it.
                let _ = crypto::pbkdf2(b"password", b"salt", job.iterations).await;
                span.end();
            });
        }
        (What::Read, false) => {
            job.again_and_again(read_here);
            span.end();
        }
        (What::Read, true) => {
            lp.spawn(async move {
                let begun = job.clock.now();
                while job.goes_on(begun) && fs::read(&job.file).await.is_ok() {}
                span.end();
            });
        }
        (What::Parse, in_pool) => {
            lp.spawn(async move {
                let Ok(text) = fs::read(&job.file).await else { return span.end() };
                span.begin();
                let parse = move || job.again_and_again(|_file| parse(&text));
                if in_pool {
                    // As above.
                    let _ = offload(parse).await;
                } else {
                    parse();
                }
                span.end();
            });
        }
    }
}

impl Job {
    fn goes_on(&self, begun: Instant) -> bool {
        self.clock.now().saturating_duration_since(begun) < self.length && !self.interrupt.came()
    }

    /// Does `piece` on this thread until the time is over.
    fn again_and_again(&self, piece: impl Fn(&Path)) {
        let begun = self.clock.now();
        while self.goes_on(begun) {
            piece(&self.file);
        }
    }
}

fn read_here(file: &Path) {
    // What cannot be read could not be read in the pool either, which counts there.
    let _ = std::hint::black_box(fs::read(file).run_here());
}

fn parse(text: &[u8]) {
    let _ = std::hint::black_box(serde_json::from_slice::<serde_json::Value>(text));
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let blocked = |cell: &str| {
        judging.total(format!("pings answered during {cell}"), "pings", ("served", cell)).at_most(0.0)
    };
    let asked = |cell: &str| {
        judging.total(format!("pings sent during {cell}"), "pings", ("asked", cell)).at_least(1.0)
    };
    let free = |cell: &str| {
        judging.total(format!("pings answered during {cell}"), "pings", ("served", cell)).at_least(SERVES)
    };
    let on_the_loop: Vec<Finding> =
        ON_THE_LOOP.into_iter().map(blocked).chain(ON_THE_LOOP.into_iter().map(asked)).collect();
    vec![Claim::depends(
        "L20",
        format!(
            "during synchronous pbkdf2 and reads, and while a file is parsed, no ping of those that come is answered; during \
             pbkdf2 and reads with a callback at least {SERVES} is"
        ),
        "how it is called: what is called synchronously and what is done with the result runs on the loop's thread and blocks \
         it; pbkdf2 and file requests with a callback run in the pool and do not",
        on_the_loop,
        IN_THE_POOL.into_iter().map(free).collect(),
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(on_the_loop: f64, in_the_pool: f64, asked: f64) -> &'static str {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cells, served) in [(&ON_THE_LOOP[..], on_the_loop), (&IN_THE_POOL[..], in_the_pool)] {
                for cell in cells {
                    measured.extend("served", cell, [served]);
                    measured.extend("asked", cell, [asked]);
                }
            }
            measured.end_round();
        }
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdict(0.0, 700.0, 1.0), "depends");
    }

    #[test]
    fn a_pool_that_blocks_makes_it_true_and_a_loop_that_serves_makes_it_false() {
        assert_eq!(verdict(0.0, 0.0, 1.0), "holds");
        assert_eq!(verdict(500.0, 700.0, 500.0), "fails");
    }

    #[test]
    fn a_loop_that_serves_beside_a_pool_that_blocks_and_a_client_that_did_not_ask_settle_nothing() {
        assert_eq!(verdict(500.0, 0.0, 500.0), "inconclusive");
        let mut measured = Measurements::new(2);
        for cell in ON_THE_LOOP.into_iter().chain(IN_THE_POOL) {
            measured.extend("served", cell, [0.0]);
        }
        measured.end_round();
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        assert_eq!(claims[0].verdict.word(), "inconclusive");
    }

    #[test]
    fn the_file_is_json_and_the_same_every_time() {
        let text = rows(3);
        let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed.as_array().map(Vec::len), Some(3));
        assert_eq!(parsed[2]["price"], 14.5);
        assert_eq!(text, rows(3));
    }

    #[test]
    fn a_flaw_changes_where_the_work_is_done() {
        let mut setup = Setup::new(&EXPERIMENT, true, 7, Interrupt::default());
        let in_pool = |cell: &str, setup: &Setup| Way::of(cell, setup).unwrap().in_pool;
        assert!(!in_pool("reads on the loop", &setup) && in_pool("reads in the pool", &setup));
        setup.flaw = Some("sync-in-pool");
        assert!(in_pool("parsing on the loop", &setup));
        setup.flaw = Some("pool-inline");
        assert!(!in_pool("pbkdf2 in the pool", &setup));
        assert!(Way::of("something else", &setup).is_err());
    }
}
