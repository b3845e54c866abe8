//! Cron: where does a scheduled task run, and what is left of it when its process is killed?
//!
//! # Model
//! ```text
//! lab                                a process that schedules a task every few milliseconds
//! starts it                     ──▶  PLANNED pid thread threads name     before the first run
//! reads a few lines             ◀──  RAN pid thread threads at name      from within each run
//! counts the processes of its group, kills it with SIGKILL, waits for its end
//! reads on until nobody holds the other end of the pipe, or for some more intervals
//! ```
//! | cell | who runs the task |
//! |---|---|
//! | loop | the callback of an interval |
//! | pool | a job in the pool, which the callback of an interval hands over |
//! | executor | a thread of a scheduler with threads of its own, which is what executors of the JVM are |
//!
//! Each run says itself in which process and thread it is, so nothing is missed between two looks. A run after the kill is
//! one whose own time, by the clock that all processes share, is later than the end of the killed process.
//!
//! # Threads
//! `cron-lines` reads the pipe and ends with it. The process ends with its standard input, so it does not outlive a lab
//! that was killed; the real runtime is started without a guard because the signal must hit it and not the guard.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::program;
use experiment_kit::verdict::Claim;
use runtime_lab::{RunMode, Runtime, offload};

use crate::counterpart::Source;
use crate::roles::{self, Part};

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "cron",
    topic: Topic::EventLoop,
    question: "Where does a scheduled task run, and what is left of it when its process is killed?",
    reading: "Every run is in the process that planned it, and after the process was killed nothing runs any more. A \
              timer's callback runs on the loop's own thread; in a pool it runs when it is handed over, or when the \
              scheduler has threads of its own.",
    claims: &["L18"],
    knobs: &[
        Knob {
            name: "every_ms",
            help: "milliseconds between two runs of the task",
            usual: 20.0,
            quick: 10.0,
            range: (1.0, 1_000.0),
        },
        Knob {
            name: "runs",
            help: "runs of the task before its process is killed",
            usual: 12.0,
            quick: 6.0,
            range: (2.0, 1_000.0),
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec { metric: "on_planner", unit: "runs", title: "Runs on the thread that planned the task" },
        ChartSpec { metric: "elsewhere", unit: "runs", title: "Runs on another thread" },
        ChartSpec {
            metric: "more_threads",
            unit: "threads",
            title: "Threads that were started for the task",
        },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "own-process",
            breaks: "pool and executor leave the task to a process of its own, as the cron of a system does",
            flips: &["L18"],
        },
        Flaw {
            name: "inline-in-pool",
            breaks: "what is handed to the pool is run at once, on the loop's thread",
            flips: &["L18"],
        },
    ],
};

static SOURCE: Source = Source { name: "cron.js", text: include_str!("../../programs/cron.js") };

/// A process that plans a task and runs it until it is killed.
pub(crate) static PLANNER: Part = Part { name: "cron", main: plan };

const CELLS: [&str; 3] = ["loop", "pool", "executor"];

/// Threads of the executor.
const EXECUTOR_THREADS: usize = 2;
/// How long a process may take until its next line.
const LINE_LIMIT: Duration = Duration::from_secs(10);
/// Intervals for which a task is waited for whose process is dead.
const LINGER: u32 = 8;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    // Node has timers and a pool, but no scheduler with threads of its own.
    let cells = if setup.real().is_some() { &CELLS[..2] } else { &CELLS[..] };
    Ok(Box::new(Cells::new(cells.iter().copied(), move |cell, sink| measure(&setup, cell, sink))))
}

fn measure(setup: &Setup, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
    let every = Duration::from_secs_f64(setup.knob("every_ms") / 1e3);
    let mut planner = Planner::start(command_for(setup, cell)?, &setup.interrupt)?;
    let Some(Line { run: None, place: plan }) = planner.line()? else {
        bail!("the planning process did not begin with PLANNED");
    };
    let mut runs = Vec::new();
    while runs.len() < setup.knob("runs") as usize {
        let Some(line) = planner.line()? else { bail!("the planning process ended before it was killed") };
        runs.push(line);
    }
    let helpers = group_members(planner.child.id()).map(|members| members.saturating_sub(1));
    let dead = planner.kill(&setup.clock)?;
    runs.extend(planner.rest(every * LINGER, &setup.clock)?);

    let count = |which: &dyn Fn(&Line) -> bool| runs.iter().filter(|line| which(line)).count() as f64;
    let here = |line: &Line| line.place.pid == plan.pid;
    sink.add("other_process", count(&|line| !here(line)));
    sink.add("on_planner", count(&|line| here(line) && line.place.thread == plan.thread));
    sink.add("elsewhere", count(&|line| here(line) && line.place.thread != plan.thread));
    sink.add("after_kill", count(&|line| line.run > Some(dead)));
    sink.extend("helpers", helpers.map(|helpers| helpers as f64));
    let most = runs.iter().map(|line| line.place.threads).max().unwrap_or(0);
    sink.add("threads_before", plan.threads as f64);
    sink.add("more_threads", most as f64 - plan.threads as f64);
    for line in &runs {
        sink.fact("ran on", line.place.name.clone());
    }
    Ok(())
}

fn command_for(setup: &Setup, cell: &str) -> Result<Command> {
    let every = setup.knob("every_ms").to_string();
    if let Some(runtime) = setup.real() {
        let words = [("cell".to_owned(), cell.to_owned()), ("every_ms".to_owned(), every)];
        return Ok(program::command(runtime, &SOURCE.file()?, &words));
    }
    let way = match cell {
        "pool" | "executor" if setup.has_flaw("own-process") => "own-process",
        "pool" if setup.has_flaw("inline-in-pool") => "loop",
        _ => cell,
    };
    Ok(roles::command(&PLANNER, &[way.to_owned(), every]))
}

/// A process that plans a task, as the lab sees it; dropping it ends it.
struct Planner {
    child: Child,
    /// While it is open the process lives.
    lifeline: Option<ChildStdin>,
    lines: Receiver<String>,
    interrupt: Interrupt,
}

impl Planner {
    fn start(mut command: Command, interrupt: &Interrupt) -> Result<Planner> {
        let mut child = command
            .process_group(0) // So that whatever it starts can be counted.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process that plans a task")?;
        let (lifeline, out) = (child.stdin.take(), child.stdout.take());
        let (sender, lines) = mpsc::channel();
        let planner = Planner { child, lifeline, lines, interrupt: interrupt.clone() };
        let out = out.context("its standard output is a pipe")?;
        std::thread::Builder::new().name("cron-lines".to_owned()).spawn(move || forward(out, &sender))?;
        Ok(planner)
    }

    /// Its next line; `None` when it has closed its output.
    fn line(&self) -> Result<Option<Line>> {
        let mut waited = Duration::ZERO;
        let look = Duration::from_millis(50);
        loop {
            match self.lines.recv_timeout(look) {
                Ok(line) => return Ok(Some(Line::read(&line)?)),
                Err(RecvTimeoutError::Disconnected) => return Ok(None),
                Err(RecvTimeoutError::Timeout) => waited += look,
            }
            ensure!(!self.interrupt.came(), "the planning process was interrupted");
            ensure!(waited < LINE_LIMIT, "the planning process has said nothing for {LINE_LIMIT:?}");
        }
    }

    /// Kills it and waits for its end; the shared clock after that.
    fn kill(&mut self, clock: &Clock) -> Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(clock::monotonic(clock.now()))
    }

    /// What is still said by whoever holds its output, until nobody does or `limit` is over.
    fn rest(&self, limit: Duration, clock: &Clock) -> Result<Vec<Line>> {
        let until = clock.now() + limit;
        let mut rest = Vec::new();
        while !self.interrupt.came() {
            match self.lines.recv_timeout(until.saturating_duration_since(clock.now())) {
                Ok(line) => rest.push(Line::read(&line)?),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(rest)
    }
}

impl Drop for Planner {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Who was killed already is told so, which changes nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(out: ChildStdout, sender: &mpsc::Sender<String>) {
    for line in BufReader::new(out).lines() {
        // A line that is no text, or that nobody waits for, ends it.
        let Ok(line) = line else { return };
        if sender.send(line).is_err() {
            return;
        }
    }
}

/// Where something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    pid: u32,
    thread: u64,
    /// Threads of the process then; 0 where the system does not tell.
    threads: u64,
    name: String,
}

/// What a planning process says: where it planned, or where and when (by the shared clock) the task ran.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    place: Place,
    run: Option<Duration>,
}

impl Line {
    fn read(line: &str) -> Result<Line> {
        Line::parse(line).with_context(|| format!("a planning process said `{line}`"))
    }

    fn parse(line: &str) -> Option<Line> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let (pid, thread) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let threads = words.next()?.parse().ok()?;
        let run = match kind {
            "PLANNED" => None,
            "RAN" => Some(Duration::from_nanos(words.next()?.parse().ok()?)),
            _ => return None,
        };
        Some(Line { place: Place { pid, thread, threads, name: words.next()?.to_owned() }, run })
    }
}

/// Processes of the group that `leader` leads; `None` where the system does not tell.
fn group_members(leader: u32) -> Option<usize> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let stats = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let count = stats.filter(|stat| group_of(stat) == Some(leader)).count();
    (count > 0).then_some(count)
}

/// The process group in a line of `/proc/PID/stat`: the third field after the name in brackets.
fn group_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

/// The part: plans a task in the way of the first argument, every so many milliseconds, and ends with standard input.
fn plan(arguments: &[String]) -> Result<()> {
    let [way, every_ms] = arguments else { bail!("it needs a way and milliseconds") };
    let every = Duration::from_secs_f64(every_ms.parse::<f64>()? / 1e3);
    // Reading its standard input takes a thread, which does not count as one of the task.
    roles::end_with_stdin()?;
    if way != "task" {
        say("PLANNED", "")?;
    }
    match way.as_str() {
        "loop" | "task" => on_loop(every),
        "pool" => in_pool(every),
        "executor" => in_executor(every),
        "own-process" => {
            // It gets this one's pipes, and so outlives it, but not the lab.
            let mut other = roles::command(&PLANNER, &["task".to_owned(), every_ms.clone()]).spawn()?;
            other.wait()?;
            Ok(())
        }
        _ => bail!("there is no way `{way}`"),
    }
}

fn on_loop(every: Duration) -> Result<()> {
    let runtime = Runtime::new()?;
    runtime.handle().set_interval(every, |_lp| run_task());
    runtime.run(RunMode::Default)?;
    Ok(())
}

fn in_pool(every: Duration) -> Result<()> {
    let runtime = Runtime::builder().pool_threads(4).build()?;
    runtime.handle().set_interval(every, |lp| {
        lp.spawn(async {
            // A job that was refused says nothing, and is missed.
            let _ = offload(run_task).await;
        });
    });
    runtime.run(RunMode::Default)?;
    Ok(())
}

/// Threads that share one plan: whoever sees that the task is due plans the next run and does this one.
fn in_executor(every: Duration) -> Result<()> {
    let clock = Clock::real();
    let plan = Arc::new((Mutex::new(clock.now() + every), Condvar::new()));
    let mut threads = Vec::new();
    for index in 1..=EXECUTOR_THREADS {
        let (plan, clock) = (plan.clone(), clock.clone());
        let serve = move || loop {
            wait_until_due(&plan.0, &plan.1, every, &clock);
            run_task();
        };
        threads.push(std::thread::Builder::new().name(format!("executor-{index}")).spawn(serve)?);
    }
    for thread in threads {
        if thread.join().is_err() {
            bail!("a thread of the executor panicked");
        }
    }
    Ok(())
}

fn wait_until_due(due: &Mutex<Instant>, changed: &Condvar, every: Duration, clock: &Clock) {
    let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let left = due.saturating_duration_since(clock.now());
        if left.is_zero() {
            *due += every;
            changed.notify_one();
            return;
        }
        due = changed.wait_timeout(due, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The task: says where it runs.
fn run_task() {
    let now = clock::monotonic(Clock::real().now()).as_nanos().to_string();
    // A process that cannot say anything any more has nothing left to do.
    if say("RAN", &now).is_err() {
        std::process::exit(1);
    }
}

/// Writes `kind pid thread threads at name` as one line.
fn say(kind: &str, at: &str) -> std::io::Result<()> {
    let thread = std::thread::current();
    let number = std::fs::read_link("/proc/thread-self").ok();
    let number = number.and_then(|path| path.file_name()?.to_str()?.parse::<u64>().ok());
    let number = number.unwrap_or_else(own_number);
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let words = [
        kind.to_owned(),
        std::process::id().to_string(),
        number.to_string(),
        threads.to_string(),
        at.to_owned(),
        thread.name().unwrap_or("unnamed").replace(' ', "-"),
    ];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{}\n", words.join(" ")).as_bytes())?;
    out.flush()
}

/// A number of the calling thread where the system gives none.
fn own_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static MINE: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    MINE.with(|mine| *mine)
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let measured: Vec<&str> =
        CELLS.into_iter().filter(|cell| *cell != "executor" || judging.has(("on_planner", cell))).collect();
    let none = |metric: &str, what: &str, unit: &'static str, cell: &str| {
        judging.total(format!("{what}, {cell}"), unit, (metric, cell)).at_most(0.0)
    };
    let some = |metric: &str, what: &str, cell: &str| {
        judging.smallest(format!("{what}, {cell}, least"), "runs", (metric, cell)).at_least(1.0)
    };
    let mut as_said: Vec<Finding> = Vec::new();
    for &cell in measured.iter().filter(|cell| **cell != "loop") {
        as_said.push(some("elsewhere", "runs on another thread", cell));
        as_said.push(none("on_planner", "runs on the planning thread", "runs", cell));
    }
    for &cell in &measured {
        as_said.push(none("other_process", "runs in another process", "runs", cell));
        as_said.push(none("after_kill", "runs after the process was killed", "runs", cell));
        if judging.has(("helpers", cell)) {
            as_said.push(none("helpers", "other processes", "processes", cell));
        }
    }
    vec![Claim::depends(
        "L18",
        "no run is in another process, no process is started and nothing runs after the kill; every run that a pool or an \
         executor does is on another thread than the planning one, every run that a timer's callback does is on that thread",
        "who runs it: a timer's callback runs on the loop's own thread, and in a pool only what is handed over or planned by an \
         executor; it makes no process and dies with its own in every case",
        as_said,
        vec![
            some("on_planner", "runs on the planning thread", "loop"),
            none("elsewhere", "runs on another thread", "runs", "loop"),
        ],
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    #[derive(Clone, Copy)]
    struct World {
        /// Runs on the planning thread and elsewhere, of the loop and of the pool.
        on_loop: [f64; 2],
        in_pool: [f64; 2],
        other_process: f64,
        after_kill: f64,
    }

    const REAL: World =
        World { on_loop: [6.0, 0.0], in_pool: [0.0, 6.0], other_process: 0.0, after_kill: 0.0 };

    fn verdict(world: &World) -> &'static str {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, [on_planner, elsewhere]) in
                [("loop", world.on_loop), ("pool", world.in_pool), ("executor", world.in_pool)]
            {
                measured.extend("on_planner", cell, [on_planner]);
                measured.extend("elsewhere", cell, [elsewhere]);
                measured.extend("helpers", cell, [0.0]);
                measured.extend("other_process", cell, [world.other_process]);
                measured.extend("after_kill", cell, [world.after_kill]);
            }
            measured.end_round();
        }
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdict(&REAL), "depends");
    }

    #[test]
    fn timers_that_run_in_a_pool_make_it_true() {
        assert_eq!(verdict(&World { on_loop: [0.0, 6.0], ..REAL }), "holds");
    }

    #[test]
    fn another_process_a_run_after_the_kill_or_a_pool_on_the_loop_refute_it() {
        assert_eq!(verdict(&World { other_process: 6.0, in_pool: [0.0, 0.0], ..REAL }), "fails");
        assert_eq!(verdict(&World { after_kill: 1.0, ..REAL }), "fails");
        assert_eq!(verdict(&World { in_pool: [6.0, 0.0], ..REAL }), "fails");
    }

    #[test]
    fn a_world_in_which_the_timer_did_not_run_settles_nothing() {
        let mut measured = Measurements::new(2);
        for (metric, value) in
            [("on_planner", 0.0), ("elsewhere", 6.0), ("other_process", 0.0), ("after_kill", 0.0)]
        {
            measured.extend(metric, "pool", [value]);
        }
        measured.end_round();
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        assert_eq!(claims[0].verdict.word(), "inconclusive");
    }

    #[test]
    fn lines_of_the_planning_process_are_read_and_others_are_errors() {
        let plan = Line::read("PLANNED 7 8 1 main").unwrap();
        assert_eq!(
            plan,
            Line { place: Place { pid: 7, thread: 8, threads: 1, name: "main".into() }, run: None }
        );
        let run = Line::read("RAN 7 9 5 1500 blocking-1").unwrap();
        assert_eq!((run.run, run.place.thread), (Some(Duration::from_nanos(1_500)), 9));
        for wrong in ["", "RAN 7 9 5", "RAN 7 nine 5 1500 x", "HELLO 7 8 1 main"] {
            assert!(Line::read(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_group_is_read_behind_any_name() {
        assert_eq!(group_of("12 (a) b) S 1 77 12 0 -1"), Some(77));
        assert_eq!(group_of("12 (short) S"), None);
    }

    #[test]
    fn a_due_run_is_taken_once_and_the_next_one_planned() {
        let (clock, hands) = Clock::manual();
        let every = Duration::from_millis(10);
        let due = Mutex::new(clock.now() + every);
        hands.advance(every);
        wait_until_due(&due, &Condvar::new(), every, &clock);
        assert_eq!(due.into_inner().unwrap(), clock.now() + every);
    }
}
