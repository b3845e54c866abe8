//! The slow lane: do jobs that may take long keep file reads waiting?
//!
//! # Model
//! A pool of 4 threads gets 8 slow jobs and then reads of a small file. Each slow job opens a FIFO that has no writer, so
//! its thread blocks in the system until somebody opens the other end: here that is after the reads are done, or after
//! `hold_ms`. As look-ups the slow jobs are in the slow lane, which has (threads + 1) / 2 threads; as plain file work they
//! are not told apart from the reads.
//!
//! In Node the look-ups are real: `dns.lookup` is a `getaddrinfo` in the pool, and the C library first reads the file that
//! `HOSTALIASES` names, which is that FIFO. Where the system looks names up in another way they do not block, and the
//! cell is not compared.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use runtime_lab::{BlockingPool, JobKind, Recording};
use tempfile::TempDir;

use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "slow-lane",
    topic: Topic::EventLoop,
    question: "Can slow jobs such as look-ups keep file reads waiting?",
    reading: "Beside 8 look-ups a file is read as if nothing were there: the slow lane leaves them half of the threads. Beside 8 \
              jobs that are as slow and not known to be slow, it is read only when one of them is over.",
    claims: &["L14"],
    knobs: &[Knob {
        name: "hold_ms",
        help: "milliseconds for which the slow jobs are held when the reads do not end before",
        usual: 300.0,
        quick: 150.0,
        range: (20.0, 10_000.0),
    }],
    start,
    judge,
    charts: &[
        ChartSpec { metric: "read_ms", unit: "ms", title: "From asking for a file to having it" },
        ChartSpec { metric: "read_wait_ms", unit: "ms", title: "Queue wait of the reads" },
        ChartSpec { metric: "slow_wait_ms", unit: "ms", title: "Queue wait of the slow jobs" },
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
            breaks: "all slow jobs are secretly submitted to the slow lane",
            flips: &["L14"],
        },
    ],
};

static SOURCE: Source = Source { name: "slow-lane.js", text: include_str!("../../programs/slow-lane.js") };

const ALONE: &str = "alone";
const LOOK_UPS: &str = "beside look-ups";
const OPENS: &str = "beside opens";

/// libuv's default.
const THREADS: usize = 4;
/// So many threads may run slow jobs.
const SLOW_THREADS: usize = THREADS.div_ceil(2);
/// Enough slow jobs to take every thread twice.
const SLOW_JOBS: usize = 8;
const READS: usize = 4;

struct SlowLane {
    files: Files,
    recordings: Vec<(String, Recording)>,
    setup: Setup,
}

/// A FIFO and a file of 4 KiB.
struct Files {
    fifo: PathBuf,
    file: PathBuf,
    _folder: TempDir,
}

impl Files {
    fn new() -> Result<Files> {
        let folder = tempfile::Builder::new().prefix("slow-lane-").tempdir()?;
        let (fifo, file) = (folder.path().join("fifo"), folder.path().join("file"));
        let made =
            Command::new("mkfifo").arg(&fifo).stdin(Stdio::null()).status().context("cannot run mkfifo")?;
        ensure!(made.success(), "mkfifo could not make {}", fifo.display());
        std::fs::write(&file, [b'x'; 4096])?;
        Ok(Files { fifo, file, _folder: folder })
    }
}

/// The other end of the FIFO: whoever opens it lets all slow jobs go, those that come later too while it is open.
/// Opened for both directions, because that never blocks.
fn release(fifo: &Path) -> Result<File> {
    Ok(File::options().read(true).write(true).open(fifo)?)
}

/// Lets the slow jobs go whatever happens: the pool, dropped after this, waits for them. What was opened outlives the pool,
/// because a job that begins late opens the FIFO, too, and would wait for ever alone.
struct Held<'f> {
    fifo: &'f Path,
    open: &'f mut Option<File>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.open.is_none() {
            // Without descriptors nobody can be let go; there is nothing else to try.
            *self.open = release(self.fifo).ok();
        }
    }
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    if let Some(runtime) = setup.real() {
        let cells = [ALONE, LOOK_UPS, OPENS].map(str::to_owned).to_vec();
        return SOURCE.bench(runtime, setup, cells, Vec::new());
    }
    Ok(Box::new(SlowLane { files: Files::new()?, recordings: Vec::new(), setup: setup.clone() }))
}

/// When a job was submitted, began and ended.
struct Job {
    is_read: bool,
    submitted: Instant,
    begun: Instant,
    ended: Instant,
}

impl Job {
    fn ms(from: Instant, to: Instant) -> f64 {
        to.saturating_duration_since(from).as_secs_f64() * 1e3
    }
}

impl SlowLane {
    /// The lane of the slow jobs of this cell; `None` where there are none.
    fn lane(&self, cell: &str) -> Option<JobKind> {
        match cell {
            LOOK_UPS if self.setup.has_flaw("no-slow-lane") => Some(JobKind::FastIo),
            OPENS if self.setup.has_flaw("all-in-slow-lane") => Some(JobKind::SlowIo),
            LOOK_UPS => Some(JobKind::SlowIo),
            OPENS => Some(JobKind::FastIo),
            _ => None,
        }
    }

    fn submit(
        &self,
        pool: &BlockingPool,
        kind: JobKind,
        is_read: bool,
        ended: &mpsc::Sender<Result<Job>>,
    ) -> Result<()> {
        let path = if is_read { self.files.file.clone() } else { self.files.fifo.clone() };
        let (clock, ended) = (self.setup.clock.clone(), ended.clone());
        let submitted = clock.now();
        let work = move || -> Result<Job> {
            let begun = clock.now();
            if is_read {
                std::fs::read(path)?;
            } else {
                File::open(path)?;
            }
            Ok(Job { is_read, submitted, begun, ended: clock.now() })
        };
        let complete = move |outcome: runtime_lab::JobOutcome<Result<Job>>| {
            if let Some(job) = outcome.done() {
                // Nobody waits for it any more after an interrupt.
                let _ = ended.send(job);
            }
        };
        pool.submit(kind, if is_read { "read" } else { "slow" }, work, complete)?;
        Ok(())
    }

    /// Takes jobs that have ended until `enough` have, the time is over or a signal comes.
    fn take(
        &self,
        jobs: &mpsc::Receiver<Result<Job>>,
        taken: &mut Vec<Job>,
        enough: usize,
        until: Option<Instant>,
    ) -> Result<()> {
        while taken.len() < enough && !self.setup.interrupt.came() {
            let left =
                until.map_or(LOOK_EVERY, |until| until.saturating_duration_since(self.setup.clock.now()));
            if left.is_zero() {
                break;
            }
            match jobs.recv_timeout(left.min(LOOK_EVERY)) {
                Ok(job) => taken.push(job?),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(())
    }
}

/// How often an interrupt is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Bench for SlowLane {
    fn cells(&self) -> Vec<String> {
        [ALONE, LOOK_UPS, OPENS].map(str::to_owned).to_vec()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let mut open = None;
        let pool = BlockingPool::builder().threads(THREADS).recorder(self.setup.recorder.clone()).build()?;
        let held = Held { fifo: &self.files.fifo, open: &mut open };
        let (ended, jobs) = mpsc::channel();
        let lane = self.lane(cell);
        let slow_jobs = if lane.is_some() { SLOW_JOBS } else { 0 };
        for _ in 0..slow_jobs {
            self.submit(&pool, lane.unwrap_or(JobKind::SlowIo), false, &ended)?;
        }
        for _ in 0..READS {
            self.submit(&pool, JobKind::FastIo, true, &ended)?;
        }
        drop(ended);
        let until = self.setup.clock.now() + Duration::from_secs_f64(self.setup.knob("hold_ms") / 1e3);
        let mut taken = Vec::new();
        self.take(&jobs, &mut taken, READS, Some(until))?;
        sink.add("reads_behind", (READS - taken.len()) as f64);
        if let Some(lane) = lane {
            let running = pool.metrics().kind(lane).running;
            sink.add("threads_with_slow_jobs", running as f64);
        }
        *held.open = Some(release(&self.files.fifo)?);
        self.take(&jobs, &mut taken, READS + slow_jobs, None)?;
        for job in &taken {
            let name = if job.is_read { "read_wait_ms" } else { "slow_wait_ms" };
            sink.add(name, Job::ms(job.submitted, job.begun));
            if job.is_read {
                sink.add("read_ms", Job::ms(job.submitted, job.ended));
            }
        }
        drop((held, pool));
        if self.setup.recorder.is_on() {
            let title = format!("The pool, {cell}, in the last round");
            self.recordings.retain(|(known, _)| *known != title);
            self.recordings.push((title, self.setup.recorder.collect()));
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.recordings)
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let behind = |cell| format!("reads of {READS} that ended only when the slow jobs were let go, {cell}");
    let taken = |cell| format!("threads of {THREADS} that slow jobs had, {cell}");
    let mut unlimited: Vec<Finding> =
        vec![judging.smallest(behind(OPENS), "reads", ("reads_behind", OPENS)).at_least(READS as f64)];
    let mut limited: Vec<Finding> =
        vec![judging.largest(behind(LOOK_UPS), "reads", ("reads_behind", LOOK_UPS)).at_most(0.0)];
    // Node does not tell what its pool is busy with.
    let metric = "threads_with_slow_jobs";
    if judging.has((metric, OPENS)) {
        unlimited.push(judging.smallest(taken(OPENS), "threads", (metric, OPENS)).at_least(THREADS as f64));
        limited.push(
            judging.largest(taken(LOOK_UPS), "threads", (metric, LOOK_UPS)).at_most(SLOW_THREADS as f64),
        );
    }
    vec![Claim::depends(
        "L14",
        format!(
            "{SLOW_JOBS} slow jobs that the pool does not know as slow take all {THREADS} threads, and every read waits for \
             them; as look-ups they take at most {SLOW_THREADS}, and no read waits"
        ),
        "slow jobs that the pool does not know as slow, such as opening a FIFO; look-ups get at most half of the threads, \
         rounded up",
        unlimited,
        limited,
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// Reads behind and threads with slow jobs, beside opens and beside look-ups.
    fn word(opens: (usize, usize), look_ups: (usize, usize)) -> &'static str {
        let mut measured = Measurements::new(2);
        for (cell, (behind, threads)) in [(OPENS, opens), (LOOK_UPS, look_ups)] {
            measured.extend("reads_behind", cell, [behind as f64]);
            measured.extend("threads_with_slow_jobs", cell, [threads as f64]);
        }
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
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
    fn reads_that_wait_only_where_they_should_not_settle_nothing() {
        assert_eq!(word((0, SLOW_THREADS), (READS, THREADS)), "inconclusive");
    }

    #[test]
    fn a_runtime_that_does_not_tell_its_threads_is_judged_by_its_reads() {
        let mut measured = Measurements::new(2);
        measured.extend("reads_behind", OPENS, [READS as f64]);
        measured.extend("reads_behind", LOOK_UPS, [0.0]);
        measured.end_round();
        assert_eq!(judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word(), "depends");
    }
}
