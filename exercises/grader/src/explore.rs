//! Runs a scene of threads under many schedules, which a seed repeats.
//!
//! # Model
//! The threads of [`crate::sync`] take turns: at each operation a scheduler decides who goes on. Half of the schedules are
//! drawn at random; the other half give threads priorities and change them at a few moments, which finds orders that need
//! one thread to stand still for long. When all threads wait, that is a deadlock and is told at once.
//!
//! # Source
//! The scheduling is shuttle's. Priorities: Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of
//! Finding Bugs, ASPLOS 2010.

use std::fs::OpenOptions;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::sync::thread;
use crate::{run, standing};

/// How many changes of priority a schedule of the second half has.
const CHANGES: usize = 3;
/// For so many turns [`check_sleeps`] looks at a thread.
const TURNS: u64 = 200;
/// After so many operations a schedule is said to go on without end.
const MAX_STEPS: usize = 20_000;

static IS_ON: AtomicBool = AtomicBool::new(false);

/// Whether a scene runs now, for the words of the watchdog.
pub(crate) fn is_on() -> bool {
    IS_ON.load(Ordering::SeqCst)
}

/// Ends the judgement from any thread of a scene: what was expected and what happened.
#[track_caller]
pub fn fail(why: impl Into<String>) -> ! {
    panic::panic_any(run::Fault(why.into()))
}

/// Fails with `why` when something that must be so is not.
#[track_caller]
pub fn check(is_so: bool, why: impl FnOnce() -> String) {
    if !is_so {
        fail(why());
    }
}

/// Fails when the thread `waiting`, for which nothing changes, begins operation after operation instead of sleeping.
pub fn check_sleeps(waiting: &str) {
    let before = standing::operations(waiting);
    for _ in 0..TURNS {
        thread::pause();
    }
    let after = standing::operations(waiting);
    let (busy, sleeps) = (after.0 - before.0, after.1 - before.1);
    // A sleep may end by itself at each turn; who looks again after it and sleeps on does nothing wrong.
    check(busy <= TURNS / 4 || busy <= 8 * sleeps, || {
        format!(
            "nothing changed for {TURNS} turns, and who waits asked again and again, with {busy} operations; it keeps a core \
             busy. Let it sleep until somebody wakes it. Where each thread stood:\n{}",
            standing::table()
        )
    });
}

/// Runs a scene of one thread, which has one schedule.
///
/// # Errors
/// As [`explore`].
pub fn alone(scene: impl Fn() + Send + Sync + 'static) -> Result<(), String> {
    let scene = move || {
        standing::clear();
        scene();
    };
    quietly(|| Runner::new(RandomScheduler::new_from_seed(0, 1), config()).run(scene))
}

/// Runs `scene` under `schedules` schedules that follow from `seed`.
///
/// # Errors
/// What the scene found wrong in one of them, a panic of the learner's code, a deadlock, or a schedule without end.
pub fn explore(
    seed: u64,
    schedules: usize,
    scene: impl Fn() + Send + Sync + Clone + 'static,
) -> Result<(), String> {
    let scene = move || {
        standing::clear();
        scene();
    };
    let half = schedules.div_ceil(2);
    let again = scene.clone();
    quietly(|| Runner::new(RandomScheduler::new_from_seed(seed, half), config()).run(scene))?;
    quietly(|| Runner::new(PctScheduler::new_from_seed(seed, CHANGES, half), config()).run(again))
}

fn config() -> Config {
    let mut config = Config::default();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    config
}

/// Runs it without the words of the scheduler, which speak of what learners do not know, and turns a panic into a sentence.
fn quietly(run: impl FnOnce() -> usize) -> Result<(), String> {
    let before = OpenOptions::new().write(true).open("/dev/null").ok().and_then(|nowhere| {
        let before = rustix::io::dup(rustix::stdio::stderr()).ok()?;
        rustix::stdio::dup2_stderr(&nowhere).ok()?;
        Some(before)
    });
    IS_ON.store(true, Ordering::SeqCst);
    let ended = panic::catch_unwind(AssertUnwindSafe(run));
    IS_ON.store(false, Ordering::SeqCst);
    if let Some(before) = before {
        let _ = rustix::stdio::dup2_stderr(&before);
    }
    match ended {
        Ok(_) => Ok(()),
        Err(payload) => Err(in_words(&run::why(payload.as_ref()))),
    }
}

fn in_words(said: &str) -> String {
    if said.contains("deadlock!") {
        let how = if said.contains("already holds") {
            "a thread waits for a lock that it has itself"
        } else {
            "every thread waits"
        };
        return format!("deadlock: {how}:\n{}", standing::table());
    }
    if said.contains("exceeded max_steps") {
        return format!(
            "your code goes on without end; where each thread stood:\n{}\
             A thread that asks again and again keeps a core busy: let it wait until somebody wakes it.",
            standing::table()
        );
    }
    said.to_owned()
}
