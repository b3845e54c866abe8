//! The slow lane: do look-ups that take long keep file reads waiting?
//!
//! # Model
//! ```text
//! alone            4 reads of a small file
//! beside look-ups  8 look-ups that block, then the reads               (threads + 1) / 2 threads at most look names up
//! beside opens     8 reads of a FIFO that block in open, then the reads     file work, as the reads: nothing limits it
//! ```
//! Each cell is a process of its own with a pool of 4 threads, and all requests are those of a user: `dns::lookup` and
//! `fs::read`. After `hold_ms` it says how many reads had not ended, and ends while the slow ones still block. Reads alone and
//! beside look-ups, which should end, are given four times as long where they need it.
//!
//! What blocks is `open(2)` of a FIFO that nobody ever opens for writing. A look-up comes to it because the C library of
//! Linux reads the file that `HOSTALIASES` names before it asks anybody. Where names are looked up in another way (macOS, musl)
//! look-ups do not block: the process says so, and the cell is not measured. In Node it is the same.
//!
//! # Source
//! glibc, `resolv/res_query.c`: `__res_context_hostalias` opens the file for every name without a dot.

use std::cell::RefCell;
use std::net::ToSocketAddrs;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::Judging;
use experiment_kit::program::{Limits, read_figures, run_to_end};
use experiment_kit::results::Results;
use experiment_kit::verdict::{Answer, Claim};
use runtime_lab::{JobKind, LoopHandle, RunMode, Runtime, dns, fs};

use crate::counterpart::{Source, Words};
use crate::noise::open_unless_it_depends;
use crate::roles::{self, Part};

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "slow-lane",
    topic: Topic::EventLoop,
    question: "Can slow jobs such as look-ups keep file reads waiting?",
    reading: "Beside 8 look-ups that block a file is read as if nothing were there: the slow lane leaves it half of the threads. \
              Beside 8 jobs that are as slow and not known to be slow it is not read as long as they block.",
    claims: &["L14"],
    knobs: &[Knob {
        name: "hold_ms",
        help: "milliseconds after which reads that have not ended are counted; those that should end get four times as long",
        usual: 300.0,
        quick: 150.0,
        range: (20.0, 10_000.0),
        whole: false,
    }],
    start,
    judge,
    charts: &[
        ChartSpec {
            metric: "reads_behind",
            unit: "reads",
            title: "Reads of 4 that had not ended while the slow jobs blocked",
        },
        ChartSpec {
            metric: "read_ms",
            unit: "ms",
            title: "From asking for a file to having it, of reads that ended",
        },
        ChartSpec {
            metric: "read_wait_ms",
            unit: "ms",
            title: "Longest queue wait of 4 reads, where all of them ended",
        },
        ChartSpec {
            metric: "jobs_waiting",
            unit: "jobs",
            title: "Jobs of both lanes that still waited for a thread",
        },
        ChartSpec {
            metric: "threads_with_slow_jobs",
            unit: "threads",
            title: "Pool threads of 4 in which a slow job blocked",
        },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "no-slow-lane",
            breaks: "look-ups are secretly submitted as plain file work, so that nothing limits them",
            flips: &["L14"],
        },
        Flaw {
            name: "all-in-slow-lane",
            breaks: "the reads that block are secretly submitted to the slow lane",
            flips: &["L14"],
        },
    ],
};

static SOURCE: Source = Source { name: "slow-lane.js", text: include_str!("../../programs/slow-lane.js") };

/// The process of a cell.
pub(crate) static PART: Part = Part { name: "slow-lane", main };

const ALONE: &str = "alone";
const LOOK_UPS: &str = "beside look-ups";
const OPENS: &str = "beside opens";
const CELLS: [&str; 3] = [ALONE, LOOK_UPS, OPENS];

/// libuv's default.
const THREADS: usize = 4;
/// So many threads may run slow jobs.
const SLOW_THREADS: usize = THREADS.div_ceil(2);
/// Enough slow jobs to take every thread twice.
const SLOW_JOBS: usize = 8;
const READS: usize = 4;
/// Reads that should end get so many times `hold_ms`: on a busy machine they may be late, while the slow jobs block for ever.
const LOOKS: u32 = 4;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    // One file and one FIFO for ever: nothing is left behind, however a run ends.
    let file = Results::usual().program("slow-lane.4k", &"x".repeat(4096))?;
    let fifo = fifo()?;
    let words = vec![
        ("fifo".to_owned(), fifo.display().to_string()),
        ("file".to_owned(), file.display().to_string()),
    ];
    if let Some(runtime) = setup.real() {
        return SOURCE.bench(runtime, setup, CELLS.map(str::to_owned).to_vec(), words);
    }
    let setup = setup.clone();
    Ok(Box::new(Cells::new(CELLS, move |cell, sink| {
        let told = [("cell", cell), ("hold_ms", &setup.knob("hold_ms").to_string())];
        let told = told.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let flaw = setup.flaw.map(|flaw| ("flaw".to_owned(), flaw.to_owned()));
        let words = words.iter().cloned().chain(told).chain(flaw);
        let words: Vec<String> = words.map(|(name, value)| format!("{name}={value}")).collect();
        let mut process = roles::command(&PART, &words);
        process.env("HOSTALIASES", &fifo).envs(NO_NAME_SERVER);
        let printed = run_to_end(process, &Limits::CELL, &setup.interrupt)?;
        read_figures(&printed, sink).with_context(|| format!("slow-lane {cell}"))
    })))
}

/// `invalid` is a domain that no name server may know; it is asked only where `HOSTALIASES` is not read.
const NO_NAME_SERVER: [(&str, &str); 2] =
    [("LOCALDOMAIN", "invalid"), ("RES_OPTIONS", "timeout:1 attempts:1")];

/// The FIFO that nobody opens for writing.
fn fifo() -> Result<PathBuf> {
    let path = Results::usual().folder().join("programs").join("slow-lane.fifo");
    let is_there = || std::fs::symlink_metadata(&path).is_ok_and(|found| found.file_type().is_fifo());
    if !is_there() {
        // Another lab may make it at the same moment: that it is there is all that counts.
        let mut mkfifo = Command::new("mkfifo");
        mkfifo.arg(&path).stdin(Stdio::null()).stderr(Stdio::null()).status().context("cannot run mkfifo")?;
        ensure!(is_there(), "mkfifo could not make {}", path.display());
    }
    Ok(path)
}

/// What a process sees of its requests.
struct Seen {
    clock: Clock,
    begun: Instant,
    /// For each read that has ended, how long it took.
    reads_ms: RefCell<Vec<f64>>,
    /// Slow jobs that have ended, which none should.
    slow_ended: Arc<AtomicUsize>,
}

/// Runs one cell; it ends the process by itself, because a runtime that is dropped waits for its jobs.
fn main(words: &[String]) -> Result<()> {
    roles::end_with_stdin()?;
    let words = Words::new(words);
    let hold =
        Duration::from_secs_f64(words.text("hold_ms").parse::<f64>().context("hold_ms is a number")? / 1e3);
    let runtime = Runtime::builder().pool_threads(THREADS).build()?;
    let lp = runtime.handle();
    let clock = Clock::real();
    let slow_ended = Arc::new(AtomicUsize::new(0));
    let seen = Rc::new(Seen { begun: clock.now(), clock, reads_ms: RefCell::default(), slow_ended });
    let slow_jobs = if words.text("cell") == ALONE { 0 } else { SLOW_JOBS };
    for index in 0..slow_jobs {
        slow_job(&runtime, &words, index, &seen.slow_ended)?;
    }
    for _ in 0..READS {
        let seen = seen.clone();
        fs::read(words.text("file"))
            .then(&lp, move |lp, outcome| seen.read_ended(lp, outcome.is_ok(), slow_jobs))?;
    }
    let (watched, mut looks) = (seen.clone(), 0);
    let last_look = if words.text("cell") == OPENS { 1 } else { LOOKS };
    lp.set_interval(hold, move |lp| {
        looks += 1;
        if looks == last_look || watched.all_read() {
            lp.stop();
        }
    });
    runtime.run(RunMode::Default)?;
    if seen.slow_ended.load(Ordering::SeqCst) > 0 {
        println!("FACT not_measured slow jobs do not block on this system");
    } else {
        let reads_ms = seen.reads_ms.borrow();
        println!("FIGURE reads_behind {}", READS - reads_ms.len());
        if !reads_ms.is_empty() {
            println!("FIGURE read_ms {}", reads_ms.iter().map(f64::to_string).collect::<Vec<_>>().join(" "));
        }
        let metrics = runtime.pool().metrics();
        if reads_ms.len() == READS && words.text("cell") != OPENS {
            let longest = metrics.kind(JobKind::FastIo).queue_wait.max();
            println!("FIGURE read_wait_ms {}", longest.as_secs_f64() * 1e3);
        }
        if slow_jobs > 0 {
            // Reads have ended or wait in the queue: whatever runs is slow.
            println!("FIGURE threads_with_slow_jobs {}", metrics.total().running);
        }
        println!("FIGURE jobs_waiting {}", metrics.total().depth);
    }
    std::process::exit(0);
}

/// Asks for a slow job: as a user does, or, under a flaw, as another kind of job.
fn slow_job(runtime: &Runtime, words: &Words<'_>, index: usize, ended: &Arc<AtomicUsize>) -> Result<()> {
    let (host, path) = (format!("slow{index}"), PathBuf::from(words.text("fifo")));
    let count = {
        let ended = ended.clone();
        move || {
            ended.fetch_add(1, Ordering::SeqCst);
        }
    };
    let lp = runtime.handle();
    match (words.text("cell"), words.text("flaw")) {
        (LOOK_UPS, "no-slow-lane") => {
            let look_up = move || (host.as_str(), 80).to_socket_addrs().map(drop);
            runtime.pool().submit(JobKind::FastIo, "dns.lookup", look_up, move |_outcome| count())?;
        }
        (OPENS, "all-in-slow-lane") => {
            let read = move || std::fs::read(path).map(drop);
            runtime.pool().submit(JobKind::SlowIo, "fs.read", read, move |_outcome| count())?;
        }
        (LOOK_UPS, _) => drop(dns::lookup(&host, 80).then(&lp, move |_lp, _outcome| count())?),
        (OPENS, _) => drop(fs::read(path).then(&lp, move |_lp, _outcome| count())?),
        (other, _) => bail!("there is no cell called `{other}`"),
    }
    Ok(())
}

impl Seen {
    fn read_ended(&self, lp: &LoopHandle, is_ok: bool, slow_jobs: usize) {
        if is_ok {
            let took = self.clock.now().saturating_duration_since(self.begun);
            self.reads_ms.borrow_mut().push(took.as_secs_f64() * 1e3);
        }
        // Beside slow jobs the whole time is looked at, because those that do not block must have ended by then.
        if slow_jobs == 0 && self.all_read() {
            lp.stop();
        }
    }

    fn all_read(&self) -> bool {
        self.reads_ms.borrow().len() == READS
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let behind = |cell| {
        let name = format!("reads of {READS} that had not ended, {cell}");
        judging.largest(name, "reads", ("reads_behind", cell)).at_most(0.0)
    };
    let taken = |cell| format!("threads of {THREADS} that slow jobs had, {cell}");
    let all_behind = format!("reads of {READS} that had not ended, the fewest, {OPENS}");
    let mut unlimited =
        vec![judging.smallest(all_behind, "reads", ("reads_behind", OPENS)).at_least(READS as f64)];
    let mut limited = vec![behind(LOOK_UPS)];
    // Node does not tell what its pool is busy with.
    let metric = "threads_with_slow_jobs";
    if judging.has((metric, OPENS)) {
        unlimited.push(judging.smallest(taken(OPENS), "threads", (metric, OPENS)).at_least(THREADS as f64));
        limited.push(
            judging.largest(taken(LOOK_UPS), "threads", (metric, LOOK_UPS)).at_most(SLOW_THREADS as f64),
        );
    }
    // Other programs make reads and threads late. They give look-ups no more threads, and end no read beside opens.
    let is_sure =
        [unlimited.first(), limited.get(1)].into_iter().flatten().any(|one| one.answer == Answer::No);
    // The control belongs to both situations: without it none of them shows anything.
    unlimited.push(behind(ALONE));
    limited.push(behind(ALONE));
    let mut claim = Claim::depends(
        "L14",
        format!(
            "{READS} reads alone all end, else nothing is settled; beside {SLOW_JOBS} slow jobs that the pool does not know as \
             slow, which have all {THREADS} threads, none ends within hold_ms; beside {SLOW_JOBS} look-ups that block, which \
             have at most {SLOW_THREADS} threads, every read ends within {LOOKS} x hold_ms"
        ),
        "slow jobs that the pool does not know as slow, such as opening a FIFO; look-ups get at most half of the threads, \
         rounded up",
        unlimited,
        limited,
    );
    claim.findings.pop(); // The control is there twice.
    vec![if is_sure { claim } else { open_unless_it_depends(claim, judging.measured) }]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// Reads behind alone, and reads behind and threads with slow jobs, beside opens and beside look-ups.
    fn claim(alone: Option<usize>, opens: (usize, usize), look_ups: (usize, usize)) -> Claim {
        beside(0.0, alone, opens, look_ups)
    }

    fn beside(others: f64, alone: Option<usize>, opens: (usize, usize), look_ups: (usize, usize)) -> Claim {
        let mut measured = Measurements::new(2);
        measured.others_cores = Some(others);
        measured.extend("reads_behind", ALONE, alone.map(|alone| alone as f64));
        for (cell, (behind, threads)) in [(OPENS, opens), (LOOK_UPS, look_ups)] {
            measured.extend("reads_behind", cell, [behind as f64]);
            measured.extend("threads_with_slow_jobs", cell, [threads as f64]);
        }
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 }).remove(0)
    }

    fn word(opens: (usize, usize), look_ups: (usize, usize)) -> &'static str {
        claim(Some(0), opens, look_ups).verdict.word()
    }

    #[test]
    fn it_depends_on_the_lane() {
        assert_eq!(word((READS, THREADS), (0, SLOW_THREADS)), "depends");
        assert_eq!(word((READS, THREADS), (0, 1)), "depends");
    }

    #[test]
    fn without_a_limit_it_holds_and_with_one_for_all_it_fails() {
        assert_eq!(word((READS, THREADS), (READS, THREADS)), "holds");
        assert_eq!(word((0, SLOW_THREADS), (0, SLOW_THREADS)), "fails");
    }

    #[test]
    fn beside_other_programs_a_late_read_settles_nothing() {
        let opens = (READS, THREADS);
        assert_eq!(beside(1.0, Some(0), opens, (1, SLOW_THREADS)).verdict.word(), "inconclusive");
        assert_eq!(beside(1.0, Some(0), opens, (0, SLOW_THREADS)).verdict.word(), "depends");
        assert_eq!(beside(1.0, Some(0), (READS, 3), (0, SLOW_THREADS)).verdict.word(), "inconclusive");
        // What they cannot cause counts beside them, too.
        assert_eq!(beside(1.0, Some(0), opens, (READS, THREADS)).verdict.word(), "holds");
        assert_eq!(beside(1.0, Some(0), (0, SLOW_THREADS), (0, SLOW_THREADS)).verdict.word(), "fails");
    }

    #[test]
    fn reads_that_wait_only_where_they_should_not_settle_nothing() {
        assert_eq!(word((0, SLOW_THREADS), (READS, THREADS)), "inconclusive");
    }

    #[test]
    fn reads_that_wait_when_they_are_alone_or_were_not_tried_alone_settle_nothing() {
        for alone in [Some(1), None] {
            let claim = claim(alone, (READS, THREADS), (0, SLOW_THREADS));
            assert_eq!(claim.verdict.word(), "inconclusive", "{alone:?}");
            assert_eq!(claim.findings.len(), 5);
        }
        assert_eq!(claim(Some(1), (READS, THREADS), (READS, THREADS)).verdict.word(), "inconclusive");
    }

    #[test]
    fn a_runtime_that_does_not_tell_its_threads_is_judged_by_its_reads() {
        let mut measured = Measurements::new(2);
        measured.extend("reads_behind", ALONE, [0.0]);
        measured.extend("reads_behind", OPENS, [READS as f64]);
        measured.extend("reads_behind", LOOK_UPS, [0.0]);
        measured.end_round();
        assert_eq!(judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word(), "depends");
    }
}
