//! Crypto and files: do a key derivation, a cipher, a long read or parsing block the loop?
//!
//! # Model
//! The same work in two places, beside an echo that a client asks over a real socket all the time:
//!
//! | work | on the loop's thread | in the pool |
//! |---|---|---|
//! | pbkdf2, one call | `pbkdf2Sync` | `pbkdf2` with a callback |
//! | AES-256 in counter mode | a cipher in one callback | one job; in Node one `subtle.encrypt` |
//! | a read of a file of many megabytes, one request | `readSync` | `read` with a callback |
//! | parsing a file as JSON, again and again | after it was read in the pool | |
//!
//! Counted is, on the loop, what was answered between the begin of the work and its end. What goes to the pool is one
//! request in each case: between several small ones the loop would get its turns anyway.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use aes::Aes256;
use aes::cipher::{KeyIvInit, StreamCipher};
use anyhow::{Context, Result, bail};
use clock::Clock;
use ctr::Ctr128BE;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::results::Results;
use experiment_kit::verdict::Claim;
use experiment_kit::{Calibration, Interrupt, Work};
use runtime_lab::{LoopHandle, Recording, Request, Runtime, crypto, fs, offload};
use tempfile::NamedTempFile;

use super::echo::{self, Span};
use crate::burn::burn;
use crate::counterpart::Source;
use crate::noise::open_unless_it_depends;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "crypto-and-files",
    topic: Topic::EventLoop,
    question: "Do a key derivation, a cipher, a long read or parsing block the loop?",
    reading: "While the loop's own thread derives a key, encrypts, reads a long file or parses one, no ping is answered. While \
              the pool derives the key, encrypts or reads, pings are answered.",
    claims: &["L20"],
    knobs: &[
        Knob {
            name: "work_ms",
            help: "milliseconds that each work takes, except the read",
            usual: 100.0,
            quick: 60.0,
            range: (30.0, 300.0), // A key is derived in one call, which no signal ends.
            whole: false,
        },
        Knob {
            name: "read_mb",
            help: "megabytes of the file that is read in one request",
            usual: 64.0,
            quick: 64.0,
            range: (16.0, 512.0), // So is a file read.
            whole: true,
        },
    ],
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
            breaks: "a request for the pool is secretly done at once, on the thread that makes it",
            flips: &["L20"],
        },
    ],
};

static SOURCE: Source = Source {
    name: "crypto-and-files.js",
    text: concat!(include_str!("../../programs/echo.js"), include_str!("../../programs/crypto-and-files.js")),
};

/// Work on the loop's thread.
const ON_THE_LOOP: [&str; 4] =
    ["pbkdf2 on the loop", "AES on the loop", "a long read on the loop", "parsing on the loop"];
/// Work that is handed to the pool.
const IN_THE_POOL: [&str; 3] = ["pbkdf2 in the pool", "AES in the pool", "a long read in the pool"];

/// A loop that is not blocked answers at least one ping during all the work: thousands on a quiet machine, a few where the
/// client hardly gets a processor, none when blocked.
const SERVES: f64 = 1.0;

/// Rows of the file that is parsed: about a megabyte.
const ROWS: usize = 20_000;

const MEGABYTE: usize = 1 << 20;

struct Bothered {
    setup: Setup,
    job: Job,
    kept: Vec<(String, Recording)>,
    /// Gone with the bench.
    _long: NamedTempFile,
}

/// What there is to do.
#[derive(Clone)]
struct Job {
    /// The file that is parsed.
    file: PathBuf,
    /// The file that takes long to read.
    long: PathBuf,
    iterations: u32,
    length: Duration,
    clock: Clock,
    interrupt: Interrupt,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    // The program for real runtimes parses the same file; a long one to read it makes for itself.
    let file = Results::usual().program("crypto-and-files.json", &rows(ROWS))?;
    let cells = ON_THE_LOOP.into_iter().chain(IN_THE_POOL).map(str::to_owned).collect();
    if let Some(runtime) = setup.real() {
        let file = file.to_str().context("the folder of the results has a strange name")?;
        return SOURCE.bench(runtime, setup, cells, vec![("file".to_owned(), file.to_owned())]);
    }
    let work = Work::new(burn, Calibration::measure(burn, &setup.clock)?);
    let length = Duration::from_secs_f64(setup.knob("work_ms") / 1e3);
    let iterations = u32::try_from(work.iterations(length)).unwrap_or(u32::MAX);
    let long_file = tempfile::Builder::new().prefix("crypto-and-files-").tempfile()?;
    std::fs::write(long_file.path(), vec![b'x'; setup.knob("read_mb") as usize * MEGABYTE])?;
    let (clock, interrupt) = (setup.clock.clone(), setup.interrupt.clone());
    let job = Job { file, long: long_file.path().to_owned(), iterations, length, clock, interrupt };
    Ok(Box::new(Bothered { setup: setup.clone(), job, kept: Vec::new(), _long: long_file }))
}

fn rows(count: usize) -> String {
    let row = |n: usize| format!("{{\"id\":{n},\"name\":\"row {n}\",\"price\":{}.5}}", n * 7 % 1_000);
    let rows: Vec<String> = (0..count).map(row).collect();
    format!("[{}]\n", rows.join(",\n"))
}

impl Bench for Bothered {
    fn cells(&self) -> Vec<String> {
        ON_THE_LOOP.into_iter().chain(IN_THE_POOL).map(str::to_owned).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let recorder = &self.setup.recorder;
        let runtime = Runtime::builder().pool_threads(4).recorder(recorder.clone()).build()?;
        let (way, doing) = (Way::of(cell)?, Doing::of(&self.setup));
        let job = self.job.clone();
        let watched =
            echo::watch(runtime, &self.setup.clock, move |lp, span| begin(lp, way, job, doing, span))?;
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
    Encrypt,
    Read,
    Parse,
}

impl Way {
    fn of(cell: &str) -> Result<Way> {
        let in_pool = cell.ends_with(" in the pool");
        let what = match cell.trim_end_matches(" in the pool").trim_end_matches(" on the loop") {
            "pbkdf2" => What::Derive,
            "AES" => What::Encrypt,
            "a long read" => What::Read,
            "parsing" => What::Parse,
            _ => bail!("no cell is called {cell}"),
        };
        Ok(Way { what, in_pool })
    }
}

/// How the runtime does what it is asked for; a flaw breaks this, whatever the work is.
#[derive(Clone, Copy, Debug, Default)]
struct Doing {
    sync_in_pool: bool,
    pool_inline: bool,
}

impl Doing {
    fn of(setup: &Setup) -> Doing {
        Doing { sync_in_pool: setup.has_flaw("sync-in-pool"), pool_inline: setup.has_flaw("pool-inline") }
    }

    /// Does `request` where it belongs; `span` ends with it.
    fn begin<T: Send + 'static>(self, lp: &LoopHandle, request: Request<T>, in_pool: bool, span: Span) {
        let handed_over = if in_pool { !self.pool_inline } else { self.sync_in_pool };
        // What fails or is refused is over at once: in the pool nothing was served then, and on the loop nobody asked.
        if handed_over {
            lp.spawn(async move {
                let _ = std::hint::black_box(request.await);
                span.end();
            });
        } else {
            let _ = std::hint::black_box(request.run_here());
            span.end();
        }
    }
}

/// Begins the work of `way` in a callback of the loop; `span` ends with it.
fn begin(lp: &LoopHandle, way: Way, job: Job, doing: Doing, span: Span) {
    let Way { what, in_pool } = way;
    match what {
        What::Derive => {
            doing.begin(lp, crypto::pbkdf2(b"password", b"salt", job.iterations), in_pool, span);
        }
        What::Encrypt => doing.begin(lp, offload(move || job.encrypt()), in_pool, span),
        What::Read => doing.begin(lp, fs::read(&job.long), in_pool, span),
        What::Parse => {
            let handle = lp.clone();
            lp.spawn(async move {
                let Ok(text) = fs::read(&job.file).await else { return span.end() };
                span.begin();
                let parse = offload(move || job.again_and_again(|| parse(&text)));
                doing.begin(&handle, parse, in_pool, span);
            });
        }
    }
}

impl Job {
    fn goes_on(&self, begun: Instant) -> bool {
        self.clock.now().saturating_duration_since(begun) < self.length && !self.interrupt.came()
    }

    /// Does `piece` on this thread until the time is over.
    fn again_and_again(&self, mut piece: impl FnMut()) {
        let begun = self.clock.now();
        while self.goes_on(begun) {
            piece();
        }
    }

    /// Encrypts megabytes one after the other, as a stream, until the time is over.
    fn encrypt(&self) {
        let mut cipher = cipher();
        let mut piece = vec![0_u8; MEGABYTE];
        self.again_and_again(|| cipher.apply_keystream(&mut piece));
        std::hint::black_box(piece);
    }
}

/// What OpenSSL calls `aes-256-ctr`, with a key that protects nothing.
fn cipher() -> Ctr128BE<Aes256> {
    Ctr128BE::new(&[7; 32].into(), &[9; 16].into())
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
    let claim = Claim::depends(
        "L20",
        format!(
            "while the loop's thread does one pbkdf2, encrypts with AES-256-CTR in one callback, reads a long file in one \
             request or parses JSON, no ping of those that come is answered; while the pool does one such pbkdf2, encryption \
             or read, at least {SERVES} is"
        ),
        "who does it: pbkdf2, AES and a long read block the loop when they are called synchronously, and do not when the pool \
         does them; what is done with the result, as parsing, runs on the loop's thread and blocks it",
        on_the_loop,
        IN_THE_POOL.into_iter().map(free).collect(),
    );
    vec![open_unless_it_depends(claim, judging.measured)]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(on_the_loop: f64, in_the_pool: f64, asked: f64) -> &'static str {
        beside(0.0, on_the_loop, in_the_pool, asked)
    }

    fn beside(others: f64, on_the_loop: f64, in_the_pool: f64, asked: f64) -> &'static str {
        let mut measured = Measurements::new(2);
        measured.others_cores = Some(others);
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
    fn beside_other_programs_a_pool_that_seems_to_block_settles_nothing() {
        assert_eq!(beside(1.0, 0.0, 0.0, 1.0), "inconclusive");
        assert_eq!(beside(1.0, 0.0, 5.0, 1.0), "depends");
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
    fn every_cell_has_its_way() {
        let ways: Vec<Way> =
            ON_THE_LOOP.into_iter().chain(IN_THE_POOL).map(|cell| Way::of(cell).unwrap()).collect();
        assert_eq!(ways[2], Way { what: What::Read, in_pool: false });
        assert_eq!(ways[5], Way { what: What::Encrypt, in_pool: true });
        assert!(Way::of("something else").is_err());
    }

    /// The thread of a request that belongs in the pool or not, and whether it is this one.
    fn is_here(in_pool: bool, doing: Doing) -> bool {
        let runtime = Runtime::new().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        let here = std::thread::current().id();
        let work = offload(move || tell.send(std::thread::current().id()).unwrap());
        let watched =
            echo::watch(runtime, &Clock::real(), move |lp, span| doing.begin(lp, work, in_pool, span));
        watched.unwrap();
        told.recv().unwrap() == here
    }

    #[test]
    fn work_is_done_where_it_belongs_unless_the_runtime_is_broken() {
        let sound = Doing::default();
        assert!(is_here(false, sound) && !is_here(true, sound));
        assert!(!is_here(false, Doing { sync_in_pool: true, ..sound }));
        assert!(is_here(true, Doing { pool_inline: true, ..sound }));
    }

    #[test]
    fn the_cipher_is_the_one_of_openssl() {
        // `openssl enc -aes-256-ctr -K 07… -iv 09…` of 32 zeros.
        let mut text = [0_u8; 32];
        cipher().apply_keystream(&mut text);
        let expected = [
            0x07, 0xb9, 0xf8, 0x22, 0xf5, 0x32, 0xdc, 0x5f, 0xde, 0x60, 0xcf, 0xf7, 0x73, 0xc1, 0x93, 0xd0,
            0xbf, 0x10, 0x81, 0xd5, 0xe1, 0x94, 0xf2, 0x9d, 0x83, 0x28, 0xde, 0x18, 0x80, 0x71, 0xfb, 0x5e,
        ];
        assert_eq!(text, expected);
    }
}
