//! Races: is a counter safe without a mutex where one thread runs all callbacks?
//!
//! # Model
//! | cell | who counts | what is lost |
//! |---|---|---|
//! | callbacks | very many callbacks of one loop: read, add, write | nothing: a callback runs to its end |
//! | pool | the callbacks after jobs that ran on several pool threads | nothing: they, too, run on the loop |
//! | read after await | two tasks: wait, then read, add, write | nothing |
//! | await between | two tasks: read, wait, then add and write | what the other one wrote meanwhile |
//!
//! Lost is what was counted too little: the number of updates minus the value of the counter.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Barrier};

use anyhow::{Result, anyhow, bail};
use experiment_kit::Interrupt;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::Judging;
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use runtime_lab::{EventLoop, LoopHandle, RunMode, Runtime, yield_now};

use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "races",
    topic: Topic::EventLoop,
    question: "Is a counter safe without a mutex where one thread runs all callbacks?",
    reading: "A great many callbacks on one loop lose no update, also those after jobs that ran in the pool. Two tasks that \
              read, wait and then write lose updates that the other one made meanwhile: one thread is no lock.",
    claims: &["L17"],
    knobs: &[
        Knob {
            name: "callbacks",
            help: "callbacks that each add one",
            usual: 1e6,
            quick: 200_000.0,
            range: (MANY, 1e7),
            whole: true,
        },
        Knob {
            name: "jobs",
            help: "jobs in the pool whose callbacks each add one",
            usual: 20_000.0,
            quick: 5_000.0,
            range: (1_000.0, 200_000.0),
            whole: true,
        },
    ],
    start,
    judge,
    charts: &[ChartSpec { metric: "lost", unit: "updates", title: "Updates of a counter that were lost" }],
    against: &[Family::Node],
    flaws: &[Flaw {
        name: "several-loops",
        breaks: "the callbacks run on several threads at once, on a counter without a lock",
        flips: &["L17"],
    }],
};

static SOURCE: Source = Source { name: "races.js", text: include_str!("../../programs/races.js") };

const CELLS: [&str; 4] = ["callbacks", "pool", "read after await", "await between"];

/// Fewer callbacks than that would show little.
const MANY: f64 = 100_000.0;
/// Callbacks that are queued in one pass of the loop.
const BATCH: u64 = 1_000;
/// Updates of each of the two tasks.
const UPDATES: u64 = 1_000;
/// Threads that count at once when the runtime is broken on purpose.
const LOOPS: u64 = 4;

/// What a cell counted.
struct Counted {
    updates: u64,
    value: u64,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let cells = CELLS.map(str::to_owned).to_vec();
    if let Some(runtime) = setup.real() {
        let words = [("batch", BATCH), ("updates", UPDATES)];
        let words = words.map(|(name, value)| (name.to_owned(), value.to_string()));
        return SOURCE.bench(runtime, setup, cells, words.to_vec());
    }
    let setup = setup.clone();
    Ok(Box::new(Cells::new(cells, move |cell, sink| measure(&setup, cell, sink))))
}

fn measure(setup: &Setup, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
    let number = |knob: &str| setup.knob(knob) as u64;
    let counted = match cell {
        "callbacks" if setup.has_flaw("several-loops") => {
            several_loops(number("callbacks"), &setup.interrupt)?
        }
        "callbacks" => callbacks(number("callbacks"), &setup.interrupt)?,
        "pool" => pool(number("jobs"), &setup.interrupt)?,
        "read after await" => tasks(read_after_await)?,
        "await between" => tasks(await_between)?,
        _ => bail!("no cell is called {cell}"),
    };
    if setup.interrupt.came() {
        return Ok(()); // Cut short: what is missing was not lost.
    }
    sink.add("updates", counted.updates as f64);
    sink.add("lost", counted.updates as f64 - counted.value as f64);
    Ok(())
}

/// Calls `each` from `left` callbacks of the loop, a batch in each pass.
fn batch(lp: &LoopHandle, left: u64, interrupt: Interrupt, each: Rc<dyn Fn()>) {
    let now = left.min(BATCH);
    for _ in 0..now {
        let each = each.clone();
        lp.set_immediate(move |_lp| each());
    }
    if left > now && !interrupt.came() {
        lp.set_immediate(move |lp| batch(lp, left - now, interrupt, each));
    }
}

fn callbacks(updates: u64, interrupt: &Interrupt) -> Result<Counted> {
    let event_loop = EventLoop::new()?;
    let counter = Rc::new(Cell::new(0));
    let mine = counter.clone();
    let each = move || mine.set(mine.get() + 1);
    batch(&event_loop.handle(), updates, interrupt.clone(), Rc::new(each));
    event_loop.run(RunMode::Default)?;
    Ok(Counted { updates, value: counter.get() })
}

/// The same from loops on several threads: reading and writing are atomic by themselves, but not together.
fn several_loops(updates: u64, interrupt: &Interrupt) -> Result<Counted> {
    let (counter, together) = (Arc::new(AtomicU64::new(0)), Arc::new(Barrier::new(LOOPS as usize)));
    let mut threads = Vec::new();
    for index in 0..LOOPS {
        let (counter, together, interrupt) = (counter.clone(), together.clone(), interrupt.clone());
        let count = move || -> Result<()> {
            let event_loop = EventLoop::new();
            together.wait();
            let event_loop = event_loop?;
            let calls = Cell::new(0_u64);
            let each = move || {
                let value = counter.load(Relaxed);
                calls.set(calls.get() + 1);
                if calls.get().is_multiple_of(BATCH) {
                    // What a system may do at any time: one core would show nothing within a short run otherwise.
                    std::thread::yield_now();
                }
                counter.store(value + 1, Relaxed);
            };
            batch(&event_loop.handle(), updates / LOOPS, interrupt, Rc::new(each));
            event_loop.run(RunMode::Default)?;
            Ok(())
        };
        threads.push(std::thread::Builder::new().name(format!("loop-{index}")).spawn(count)?);
    }
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a loop panicked"))??;
    }
    Ok(Counted { updates: updates / LOOPS * LOOPS, value: counter.load(Relaxed) })
}

/// Jobs run on the threads of the pool; their callbacks count on the loop.
fn pool(jobs: u64, interrupt: &Interrupt) -> Result<Counted> {
    let runtime = Runtime::builder().pool_threads(4).build()?;
    let counter = Rc::new(Cell::new(0));
    for _ in (0..jobs).take_while(|_| !interrupt.came()) {
        let counter = counter.clone();
        runtime
            .offload(|| 1, move |_lp, outcome| counter.set(counter.get() + outcome.done().unwrap_or(0)))?;
    }
    runtime.run(RunMode::Default)?;
    Ok(Counted { updates: jobs, value: counter.get() })
}

/// Two tasks that update one counter in turn.
fn tasks<F: Future<Output = ()> + 'static>(task: fn(Rc<Cell<u64>>) -> F) -> Result<Counted> {
    let event_loop = EventLoop::new()?;
    let counter = Rc::new(Cell::new(0));
    for _ in 0..2 {
        event_loop.handle().spawn(task(counter.clone()));
    }
    event_loop.run(RunMode::Default)?;
    Ok(Counted { updates: 2 * UPDATES, value: counter.get() })
}

async fn read_after_await(counter: Rc<Cell<u64>>) {
    for _ in 0..UPDATES {
        yield_now().await;
        let value = counter.get();
        counter.set(value + 1);
    }
}

async fn await_between(counter: Rc<Cell<u64>>) {
    for _ in 0..UPDATES {
        let value = counter.get();
        yield_now().await;
        counter.set(value + 1);
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let lost =
        |what: &str, cell: &str| judging.total(format!("updates lost {what}"), "updates", ("lost", cell));
    let many = judging.smallest("callbacks that count", "updates", ("updates", "callbacks"));
    vec![Claim::depends(
        "L17",
        format!(
            "one thread that runs at least {MANY} callbacks loses no update, also when their jobs ran in the pool; tasks that \
             wait between reading and writing lose at least one"
        ),
        "the update: one that begins and ends in the same callback needs no mutex; one that waits in between needs one all the same",
        vec![
            lost("by callbacks of one loop", "callbacks").at_most(0.0),
            lost("by callbacks after jobs in the pool", "pool").at_most(0.0),
            lost("by tasks that read after they waited", "read after await").at_most(0.0),
            many.at_least(MANY),
        ],
        vec![lost("by tasks that waited after they read", "await between").at_least(1.0)],
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(lost: [f64; 4], updates: f64) -> &'static str {
        let mut measured = Measurements::new(2);
        for (cell, lost) in CELLS.into_iter().zip(lost) {
            measured.extend("lost", cell, [lost]);
            measured.extend("updates", cell, [updates]);
        }
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdict([0.0, 0.0, 0.0, 1_000.0], 200_000.0), "depends");
    }

    #[test]
    fn callbacks_that_lose_updates_refute_it_and_tasks_that_lose_none_make_it_true() {
        assert_eq!(verdict([17.0, 0.0, 0.0, 1_000.0], 200_000.0), "fails");
        assert_eq!(verdict([0.0, 1.0, 0.0, 1_000.0], 200_000.0), "fails");
        assert_eq!(verdict([0.0, 0.0, 0.0, 0.0], 200_000.0), "holds");
    }

    #[test]
    fn a_world_that_loses_where_it_should_not_and_not_where_it_should_settles_nothing() {
        assert_eq!(verdict([17.0, 0.0, 0.0, 0.0], 200_000.0), "inconclusive");
    }

    #[test]
    fn two_tasks_in_turn_lose_half_of_what_they_read_before_they_waited() {
        let counted = tasks(await_between).unwrap();
        assert_eq!((counted.updates, counted.value), (2 * UPDATES, UPDATES));
        let counted = tasks(read_after_await).unwrap();
        assert_eq!(counted.value, counted.updates);
    }

    #[test]
    fn every_callback_counts_once_whatever_the_batch() {
        for updates in [1, BATCH, BATCH + 1, 2 * BATCH + 7] {
            assert_eq!(callbacks(updates, &Interrupt::default()).unwrap().value, updates);
        }
    }
}
