//! Small programs that set several things at once, and what is noted about their promise jobs.
//!
//! # Model
//! `programs/phases.js` has the same programs. Each callback logs its label. A promise job also notes how many callbacks
//! began since it was queued (none, if it runs right after what queued it), whether it runs within another callback, and on
//! which thread. Where a timer has to be due beside others, the program computes until it is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::thread::ThreadId;
use std::time::Duration;

use anyhow::Result;
use clock::Clock;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use runtime_lab::{LoopHandle, RunMode, Runtime, fs};

/// A program and the order in which Node defines its labels.
pub(super) struct Puzzle {
    /// Its cell.
    pub(super) name: &'static str,
    /// The labels, in order.
    pub(super) order: &'static str,
    main: fn(&Play, &LoopHandle),
}

/// All puzzles.
pub(super) const ALL: &[Puzzle] = &[
    Puzzle { name: "by the main program", order: "main, tick, job, timer, immediate", main: by_main },
    Puzzle { name: "by I/O", order: "io, tick, job, immediate, timer", main: by_io },
    Puzzle {
        name: "by two due timers",
        order: "first, first tick, first job, second, second tick, second job",
        main: by_timers,
    },
    Puzzle {
        name: "by ticks and jobs in turn",
        order: "tick 1, job 0, job 1, job also, tick also, tick 2, job 2, tick 3",
        main: in_turn,
    },
    Puzzle { name: "by a chain of promises", order: "first, hop 1, hop 2, hop 3, second", main: chain },
];

/// Timers of a puzzle are due after so much computing.
const STALL: Duration = Duration::from_millis(6);
/// The longer timers of a puzzle.
const SOON: Duration = Duration::from_millis(3);

/// Runs the puzzle on a loop and puts what it showed into `sink`.
pub(super) fn measure(puzzle: &Puzzle, setup: &Setup, sink: &mut Sink<'_>) -> Result<()> {
    let runtime = Runtime::builder().pool_threads(1).build()?;
    let noted = Rc::new(Noted {
        clock: setup.clock.clone(),
        late_jobs: setup.has_flaw("late-jobs"),
        thread: std::thread::current().id(),
        labels: RefCell::default(),
        callbacks: Cell::new(0),
        inside: Cell::new(true),
        jobs: Cell::new(0),
        elsewhere: Cell::new(0),
        waited: RefCell::default(),
    });
    (puzzle.main)(&Play(noted.clone()), &runtime.handle());
    noted.inside.set(false);
    runtime.run(RunMode::Default)?;
    sink.fact("order", noted.labels.borrow().join(", "));
    sink.add("jobs", f64::from(noted.jobs.get()));
    sink.add("jobs_elsewhere", f64::from(noted.elsewhere.get()));
    sink.extend("callbacks_before_job", noted.waited.take().into_iter().map(f64::from));
    Ok(())
}

struct Noted {
    clock: Clock,
    /// The flaw: a promise job is an immediate.
    late_jobs: bool,
    thread: ThreadId,
    labels: RefCell<Vec<&'static str>>,
    /// Callbacks that have begun; ticks and jobs are none.
    callbacks: Cell<u32>,
    /// Whether a callback, a tick or the main program runs.
    inside: Cell<bool>,
    jobs: Cell<u32>,
    /// Jobs that ran within a callback or on another thread.
    elsewhere: Cell<u32>,
    /// For each job, the callbacks that began since it was queued.
    waited: RefCell<Vec<u32>>,
}

/// What a puzzle is written with.
#[derive(Clone)]
struct Play(Rc<Noted>);

impl Play {
    fn log(&self, label: &'static str) {
        self.0.labels.borrow_mut().push(label);
    }

    /// A body that logs `label`, counts as a callback and knows that it runs.
    fn callback(
        &self,
        label: &'static str,
        body: impl FnOnce(&Play, &LoopHandle) + 'static,
    ) -> impl FnOnce(&LoopHandle) + 'static {
        let play = self.clone();
        move |lp| {
            play.0.callbacks.set(play.0.callbacks.get() + 1);
            play.run(lp, label, body);
        }
    }

    fn run(&self, lp: &LoopHandle, label: &'static str, body: impl FnOnce(&Play, &LoopHandle)) {
        self.log(label);
        self.0.inside.set(true);
        body(self, lp);
        self.0.inside.set(false);
    }

    fn timer(
        &self,
        lp: &LoopHandle,
        after: Duration,
        label: &'static str,
        body: impl FnOnce(&Play, &LoopHandle) + 'static,
    ) {
        let mut callback = Some(self.callback(label, body));
        lp.set_timeout(after, move |lp| {
            if let Some(callback) = callback.take() {
                callback(lp);
            }
        });
    }

    fn immediate(
        &self,
        lp: &LoopHandle,
        label: &'static str,
        body: impl FnOnce(&Play, &LoopHandle) + 'static,
    ) {
        lp.set_immediate(self.callback(label, body));
    }

    fn io(&self, lp: &LoopHandle, label: &'static str, body: impl FnOnce(&Play, &LoopHandle) + 'static) {
        let callback = self.callback(label, body);
        // A refused request leaves its label out, and the order says so.
        let _ = fs::stat("/").then(lp, move |lp, _outcome| callback(lp));
    }

    fn tick(&self, lp: &LoopHandle, label: &'static str, body: impl FnOnce(&Play, &LoopHandle) + 'static) {
        let play = self.clone();
        lp.next_tick(move |lp| play.run(lp, label, body));
    }

    /// A promise job.
    fn job(&self, lp: &LoopHandle, label: &'static str, body: impl FnOnce(&Play, &LoopHandle) + 'static) {
        let (play, queued_at) = (self.clone(), self.0.callbacks.get());
        let job = move |lp: &LoopHandle| {
            let noted = &play.0;
            noted.jobs.set(noted.jobs.get() + 1);
            let elsewhere = noted.inside.get() || std::thread::current().id() != noted.thread;
            noted.elsewhere.set(noted.elsewhere.get() + u32::from(elsewhere));
            noted.waited.borrow_mut().push(noted.callbacks.get() - queued_at);
            play.run(lp, label, body);
        };
        if self.0.late_jobs {
            lp.set_immediate(job);
        } else {
            lp.microtask(job);
        }
    }

    fn stall(&self) {
        let begun = self.0.clock.now();
        while self.0.clock.now().saturating_duration_since(begun) < STALL {
            std::hint::spin_loop();
        }
    }
}

/// The body of a callback that only logs.
fn nothing(_play: &Play, _lp: &LoopHandle) {}

// ANCHOR: by_main
fn by_main(play: &Play, lp: &LoopHandle) {
    play.timer(lp, Duration::ZERO, "timer", nothing);
    play.immediate(lp, "immediate", nothing);
    play.job(lp, "job", nothing);
    play.tick(lp, "tick", nothing);
    play.log("main");
    play.stall();
}
// ANCHOR_END: by_main

// ANCHOR: by_io
fn by_io(play: &Play, lp: &LoopHandle) {
    play.io(lp, "io", |play, lp| {
        play.timer(lp, Duration::ZERO, "timer", nothing);
        play.immediate(lp, "immediate", nothing);
        play.job(lp, "job", nothing);
        play.tick(lp, "tick", nothing);
        play.stall();
    });
}
// ANCHOR_END: by_io

// ANCHOR: by_timers
fn by_timers(play: &Play, lp: &LoopHandle) {
    play.timer(lp, SOON, "first", |play, lp| {
        play.job(lp, "first job", nothing);
        play.tick(lp, "first tick", nothing);
    });
    play.timer(lp, SOON, "second", |play, lp| {
        play.job(lp, "second job", nothing);
        play.tick(lp, "second tick", nothing);
    });
    play.stall();
}
// ANCHOR_END: by_timers

// ANCHOR: in_turn
fn in_turn(play: &Play, lp: &LoopHandle) {
    play.tick(lp, "tick 1", |play, lp| {
        play.job(lp, "job 1", |play, lp| {
            play.tick(lp, "tick 2", |play, lp| {
                play.job(lp, "job 2", |play, lp| play.tick(lp, "tick 3", nothing));
            });
        });
        play.job(lp, "job also", nothing);
    });
    play.job(lp, "job 0", |play, lp| play.tick(lp, "tick also", nothing));
}
// ANCHOR_END: in_turn

fn chain(play: &Play, lp: &LoopHandle) {
    play.immediate(lp, "first", |play, lp| {
        play.job(lp, "hop 1", |play, lp| {
            play.job(lp, "hop 2", |play, lp| play.job(lp, "hop 3", nothing));
        });
    });
    play.immediate(lp, "second", nothing);
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::super::EXPERIMENT;
    use super::*;

    fn played(puzzle: &Puzzle, flaw: Option<&'static str>) -> Measurements {
        let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
        setup.flaw = flaw;
        let mut measured = Measurements::new(2);
        measure(puzzle, &setup, &mut Sink::new(&mut measured, puzzle.name)).unwrap();
        measured
    }

    #[test]
    fn a_real_loop_gives_the_order_that_node_defines() {
        for puzzle in ALL {
            let measured = played(puzzle, None);
            assert_eq!(measured.facts_of("order", puzzle.name), [puzzle.order]);
            assert_eq!(
                measured.samples(("jobs_elsewhere", puzzle.name)).sum::<f64>(),
                0.0,
                "{}",
                puzzle.name
            );
            assert_eq!(
                measured.samples(("callbacks_before_job", puzzle.name)).sum::<f64>(),
                0.0,
                "{}",
                puzzle.name
            );
            assert!(measured.samples(("jobs", puzzle.name)).sum::<f64>() > 0.0, "{}", puzzle.name);
        }
    }

    #[test]
    fn a_job_that_waits_for_a_phase_is_noticed() {
        let puzzle = ALL.iter().find(|puzzle| puzzle.name == "by I/O").unwrap();
        let measured = played(puzzle, Some("late-jobs"));
        assert_ne!(measured.facts_of("order", puzzle.name), [puzzle.order]);
        assert!(measured.samples(("callbacks_before_job", puzzle.name)).sum::<f64>() > 0.0);
    }
}
