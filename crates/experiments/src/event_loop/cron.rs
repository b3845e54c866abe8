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
//! | executor | a thread of a scheduler with threads of its own, as executors of the JVM are; on a JVM, one of those |
//!
//! Each run says itself in which process and thread it is, so nothing is missed between two looks. A run after the kill is
//! one whose own time, by the clock that all processes share, is later than the end of the killed process.
//!
//! # Threads
//! The process ends with its standard input, so it does not outlive a lab that was killed. A real runtime takes a while until
//! it looks at that. Its guard cannot be its parent, because the signal must hit the runtime and what is counted must be its
//! own; so a process beside it kills the group when the lab is gone.

mod planner;
mod part;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::{NOT_MEASURED, Sink};
use experiment_kit::program;
use experiment_kit::verdict::Claim;

use self::planner::{Line, Planner, Said, group_members};
use crate::counterpart::Source;
use crate::roles;

pub(crate) use self::part::PLANNER;

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
            whole: true,
        },
        Knob {
            name: "runs",
            help: "runs of the task before its process is killed",
            usual: 12.0,
            quick: 6.0,
            range: (2.0, 40.0), // Times the longest interval: most of a minute.
            whole: true,
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
    against: &[Family::Node, Family::Jvm],
    flaws: &[
        Flaw {
            name: "own-process",
            breaks: "pool and executor leave the task to a process of its own, as the cron of a system does",
            flips: &["L18"],
        },
        Flaw {
            name: "inline-in-pool",
            breaks: "what is handed to the pool is secretly run at once, on the loop's thread",
            flips: &["L18"],
        },
    ],
};

static NODE: Source = Source { name: "cron.js", text: include_str!("../../programs/cron.js") };
static JVM: Source = Source { name: "cron.java", text: include_str!("../../programs/cron.java") };

const CELLS: [&str; 3] = ["loop", "pool", "executor"];

/// Intervals for which a task is waited for whose process is dead.
const LINGER: u32 = 8;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    let cells = match setup.real().map(|runtime| runtime.family) {
        None => &CELLS[..],
        // A JVM has no loop, and Node no scheduler with threads of its own.
        Some(Family::Jvm) => &CELLS[2..],
        Some(_) => &CELLS[..2],
    };
    Ok(Box::new(Cells::new(cells.iter().copied(), move |cell, sink| measure(&setup, cell, sink))))
}

/// What tells a program for Node which thread does a request.
const THREAD_SELF: &str = "/proc/thread-self";

fn measure(setup: &Setup, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
    if setup.real().is_some() && cell == "pool" && !Path::new(THREAD_SELF).exists() {
        // Its task would never say that it ran.
        sink.fact(
            NOT_MEASURED,
            format!("there is no {THREAD_SELF}, the only thing that tells a thread of Node's pool"),
        );
        return Ok(());
    }
    let every = Duration::from_secs_f64(setup.knob("every_ms") / 1e3);
    let mut planner = Planner::start(command_for(setup, cell)?, setup.real().is_some(), &setup.interrupt)?;
    let mut lines = Vec::new();
    while lines.len() <= setup.knob("runs") as usize {
        match planner.line()? {
            Said::Line(line) => lines.push(line),
            Said::End => bail!("the planning process ended before it was killed"),
            Said::Interrupted => return Ok(()),
        }
    }
    let plan = lines.remove(0);
    ensure!(plan.run.is_none(), "the planning process did not begin with PLANNED");
    let (plan, mut runs) = (plan.place, lines);
    let helpers = group_members(planner.id()).map(|members| members.saturating_sub(1));
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
        let source = if runtime.family == Family::Jvm { &JVM } else { &NODE };
        return Ok(program::command(runtime, &source.file()?, &words));
    }
    let way = match cell {
        "pool" | "executor" if setup.has_flaw("own-process") => "own-process",
        "pool" if setup.has_flaw("inline-in-pool") => "inline-pool",
        _ => cell,
    };
    Ok(roles::command(&PLANNER, &[way.to_owned(), every]))
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
}
