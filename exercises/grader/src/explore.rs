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

use std::fmt;
use std::fs::OpenOptions;
use std::panic::{self, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, FailurePersistence, MaxSteps, Runner};

use crate::sync::thread;
use crate::{intervals, run, standing};

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

/// Why a scene was not passed. Its words tell where the threads stood, so they are for before the next scene.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Every thread waits.
    Deadlock,
    /// A thread waits for a lock that it has itself.
    Relocked,
    /// The schedule went on without end.
    Endless,
    /// What the scene found wrong, or a panic, in words.
    Fault(String),
}

impl Wrong {
    /// The scheduler tells its findings by panics, of which only the text says what they are.
    fn of(said: String) -> Wrong {
        if said.contains("deadlock! blocked tasks") {
            Wrong::Deadlock
        } else if said.contains("deadlock! task") {
            Wrong::Relocked
        } else if said.contains("exceeded max_steps bound") {
            Wrong::Endless
        } else {
            Wrong::Fault(said)
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let table = standing::table();
        match self {
            Wrong::Deadlock => write!(f, "deadlock: every thread waits:\n{table}"),
            Wrong::Relocked => write!(f, "deadlock: a thread waits for a lock that it has itself:\n{table}"),
            Wrong::Endless => write!(
                f,
                "your code goes on without end; where each thread stood:\n{table}\
                 A thread that asks again and again keeps a core busy: let it wait until somebody wakes it."
            ),
            Wrong::Fault(why) => f.write_str(why),
        }
    }
}

impl From<Wrong> for String {
    fn from(wrong: Wrong) -> String {
        wrong.to_string()
    }
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
    let before = standing::operations(waiting).unwrap_or_default();
    for _ in 0..TURNS {
        thread::pause();
    }
    let Some(after) = standing::operations(waiting) else {
        fail(format!(
            "{waiting} had to wait, and it returned though nothing had changed.\n{}",
            standing::table()
        ));
    };
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
pub fn alone(scene: impl Fn() + Send + Sync + 'static) -> Result<(), Wrong> {
    quietly(|| Runner::new(RandomScheduler::new_from_seed(0, 1), config()).run(afresh(scene)))
}

/// Runs `scene` under `schedules` schedules that follow from `seed`.
///
/// # Errors
/// What the scene found wrong in one of them, a panic of the learner's code, a deadlock, or a schedule without end.
pub fn explore(
    seed: u64,
    schedules: usize,
    scene: impl Fn() + Send + Sync + Clone + 'static,
) -> Result<(), Wrong> {
    let half = schedules.div_ceil(2);
    let (scene, again) = (afresh(scene.clone()), afresh(scene));
    quietly(|| Runner::new(RandomScheduler::new_from_seed(seed, half), config()).run(scene))?;
    quietly(|| Runner::new(PctScheduler::new_from_seed(seed, CHANGES, half), config()).run(again))
}

/// The scene, in which nothing is left of the schedule before it.
fn afresh(scene: impl Fn() + Send + Sync + 'static) -> impl Fn() + Send + Sync + 'static {
    move || {
        standing::clear();
        intervals::let_pass();
        scene();
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config.failure_persistence = FailurePersistence::None;
    config.max_steps = MaxSteps::FailAfter(MAX_STEPS);
    config.silence_warnings = true;
    config
}

/// Runs it without the words of the scheduler, which speak of what learners do not know.
fn quietly(run: impl FnOnce() -> usize) -> Result<(), Wrong> {
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
        Err(payload) => Err(Wrong::of(run::why(payload.as_ref()))),
    }
}
