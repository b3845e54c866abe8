//! Timers: when does a timer fire late, and does a scheduler look at the time again and again until it does?
//!
//! # Model
//! | cell | what happens | what is measured |
//! |---|---|---|
//! | idle | a timer sets itself again, a few times | how late each call came |
//! | loaded | the same, and after each call the loop computes for longer than the timer's delay | the same |
//! | one timer | a loop has one timer, due after a while, and nothing else | how often its thread woke up, and looked |
//! | polling | a thread sleeps a millisecond and looks at the time, until the same time is over | the same |
//!
//! Lateness counts from the moment before the timer was set, so what comes early is seen, too. Wake-ups are voluntary
//! context switches of the one thread, as Linux counts them; looks are passes of the loop, or turns of the polling thread.
//!
//! # Source
//! Node 20 truncates the start of a timer to a whole millisecond and may call up to one millisecond early; this loop
//! rounds it up and never does.

mod waiting;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Judging, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use runtime_lab::{LoopHandle, Recording, RunMode, Runtime, crypto, offload};

use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "timers",
    topic: Topic::EventLoop,
    question: "When does a timer fire late, and does a scheduler look at the time again and again until it does?",
    reading: "A timer that falls due while the loop computes waits for the rest of the work; on an idle loop it is late by much \
              less, and nowhere early by more than a millisecond. A loop with one timer sleeps until that is due and wakes up a \
              few times at most; a scheduler that polls wakes up again and again.",
    claims: &["L16", "L21"],
    knobs: &[
        Knob {
            name: "work_ms",
            help: "milliseconds for which the loop computes after each call of the timer",
            usual: 40.0,
            quick: 30.0,
            range: (12.0, 1_000.0),
            whole: false,
        },
        Knob {
            name: "due_ms",
            help: "milliseconds until the only timer of a loop is due",
            usual: 400.0,
            quick: 250.0,
            range: (200.0, 10_000.0),
            whole: false,
        },
    ],
    start,
    judge,
    charts: &[
        ChartSpec { metric: "late_ms", unit: "ms", title: "How late a timer of 4 ms fires" },
        ChartSpec {
            metric: "wakeups",
            unit: "wake-ups",
            title: "How often the thread woke up until the timer was due",
        },
        ChartSpec { metric: "looks", unit: "looks", title: "How often it looked whether the timer is due" },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "work-in-pool",
            breaks: "the work that should keep the loop busy is secretly handed to the pool",
            flips: &["L16"],
        },
        Flaw {
            name: "heartbeat",
            breaks: "the loop is woken every millisecond to see whether its timer is due",
            flips: &["L21"],
        },
    ],
};

static SOURCE: Source = Source { name: "timers.js", text: include_str!("../../programs/timers.js") };

const CELLS: [&str; 4] = ["idle", "loaded", "one timer", "polling"];

/// The delay of the timer whose lateness is measured; the work lasts several times as long.
const DELAY: Duration = Duration::from_millis(4);
/// Calls of that timer in one cell of one round.
const CALLS: usize = 8;

/// A timer that waits for the rest of the work is late by at least this part of the work: by nearly all of it where the work
/// is many times the delay; by nothing where the work does not matter.
const WAITS: f64 = 0.4;
/// On an idle loop it is late by at most this part of that: by a millisecond, or by a few where the loop waits for a
/// processor.
const IDLE: f64 = 0.5;
/// Node's timers count whole milliseconds, and begin to count with the one that has begun already.
const EARLY_MS: f64 = -1.0;

/// Whoever looks again and again does so at least so often until the time is over; hundreds of times on a quiet machine.
const AGAIN_AND_AGAIN: f64 = 20.0;
/// Whoever sleeps until the timer is due wakes up at most so often: once for the timer, and now and then for something
/// that the runtime has to do besides.
const SLEEPS: f64 = 8.0;

struct Timers {
    setup: Setup,
    kept: Vec<(String, Recording)>,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    match setup.real() {
        Some(runtime) => {
            let cells = CELLS.map(str::to_owned).to_vec();
            let words = [("delay_ms", DELAY.as_millis() as usize), ("calls", CALLS)];
            let words = words.map(|(name, value)| (name.to_owned(), value.to_string()));
            SOURCE.bench(runtime, setup, cells, words.to_vec())
        }
        None => Ok(Box::new(Timers { setup: setup.clone(), kept: Vec::new() })),
    }
}

impl Bench for Timers {
    fn cells(&self) -> Vec<String> {
        CELLS.map(str::to_owned).to_vec()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        match cell {
            "idle" | "loaded" => {
                calls(&self.setup, cell == "loaded", sink)?;
                if self.setup.recorder.is_on() {
                    let title = format!("a timer of {DELAY:?} on a loop that is {cell}");
                    self.kept.retain(|(kept, _)| *kept != title);
                    self.kept.push((title, self.setup.recorder.collect()));
                }
                Ok(())
            }
            _ => waiting::wait(&self.setup, cell == "polling", sink),
        }
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        std::mem::take(&mut self.kept)
    }
}

/// A timer that sets itself again, and what came of it.
struct Ticking {
    clock: Clock,
    interrupt: Interrupt,
    /// How long the loop computes after each call.
    work: Option<Duration>,
    in_pool: bool,
    working: Arc<AtomicBool>,
    during: Cell<u64>,
    late_ms: RefCell<Vec<f64>>,
    work_ms: RefCell<Vec<f64>>,
}

fn calls(setup: &Setup, loaded: bool, sink: &mut Sink<'_>) -> Result<()> {
    let runtime = Runtime::builder().recorder(setup.recorder.clone()).build()?;
    let ticking = Rc::new(Ticking {
        clock: setup.clock.clone(),
        interrupt: setup.interrupt.clone(),
        work: loaded.then(|| Duration::from_secs_f64(setup.knob("work_ms") / 1e3)),
        in_pool: setup.has_flaw("work-in-pool"),
        working: Arc::default(),
        during: Cell::new(0),
        late_ms: RefCell::default(),
        work_ms: RefCell::default(),
    });
    ticking.clone().set(&runtime.handle());
    runtime.run(RunMode::Default)?;
    sink.extend("late_ms", ticking.late_ms.take());
    if loaded {
        sink.extend("work_ms", ticking.work_ms.take());
        sink.add("during_work", ticking.during.get() as f64);
    }
    Ok(())
}

impl Ticking {
    fn set(self: Rc<Self>, lp: &LoopHandle) {
        let before = self.clock.now();
        lp.set_timeout(DELAY, move |lp| self.clone().called(lp, before));
    }

    fn called(self: Rc<Self>, lp: &LoopHandle, set: Instant) {
        let now = self.clock.now();
        self.late_ms.borrow_mut().push(ms_between(set + DELAY, now));
        if self.working.load(Ordering::SeqCst) {
            self.during.set(self.during.get() + 1);
        }
        if self.late_ms.borrow().len() < CALLS && !self.interrupt.came() {
            self.clone().set(lp);
            if let Some(work) = self.work {
                lp.set_immediate(move |lp| self.work(lp, work));
            }
        }
    }

    fn work(self: Rc<Self>, lp: &LoopHandle, length: Duration) {
        let (clock, interrupt, working) = (self.clock.clone(), self.interrupt.clone(), self.working.clone());
        let compute = move || {
            working.store(true, Ordering::SeqCst);
            let took = compute_for(&clock, length, &interrupt);
            working.store(false, Ordering::SeqCst);
            took.as_secs_f64() * 1e3
        };
        if !self.in_pool {
            return self.work_ms.borrow_mut().push(compute());
        }
        let request = offload(compute);
        // The pool has no limit; a job that it refused would leave the work out, which the measurement shows.
        lp.spawn(async move {
            if let Ok(took_ms) = request.await {
                self.work_ms.borrow_mut().push(took_ms);
            }
        });
    }
}

/// Milliseconds from `from` to `to`, below zero when `to` is earlier.
fn ms_between(from: Instant, to: Instant) -> f64 {
    let later = to.saturating_duration_since(from).as_secs_f64();
    let earlier = from.saturating_duration_since(to).as_secs_f64();
    (later - earlier) * 1e3
}

/// Computes until `length` is over, or a signal comes; the time that it took.
fn compute_for(clock: &Clock, length: Duration, interrupt: &Interrupt) -> Duration {
    let begun = clock.now();
    loop {
        std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", 50));
        let took = clock.now().saturating_duration_since(begun);
        if took >= length || interrupt.came() {
            return took;
        }
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    vec![lateness(judging), looking(judging)]
}

fn lateness(judging: &Judging<'_>) -> Claim {
    let (idle, loaded, work) = (("late_ms", "idle"), ("late_ms", "loaded"), ("work_ms", "loaded"));
    let waits = judging.ratio("lateness beside work / length of the work", P50, loaded, work);
    let at_rest = judging.ratio("lateness idle / lateness beside work", P50, idle, loaded);
    let during = judging.total("calls while the work went on", "calls", ("during_work", "loaded"));
    let early = |cell: &str| {
        judging.smallest(format!("least lateness, {cell}"), "ms", ("late_ms", cell)).at_least(EARLY_MS)
    };
    Claim::all(
        "L16",
        format!(
            "the median lateness of a timer that falls due while the loop computes is at least {WAITS} x the median length of \
             the work, and it is never called during that; on an idle loop the median lateness is at most {IDLE} x that beside \
             work; no timer is more than {} ms early",
            -EARLY_MS
        ),
        vec![
            waits.at_least(WAITS),
            at_rest.at_most(IDLE),
            during.at_most(0.0),
            early("idle"),
            early("loaded"),
        ],
    )
}

fn looking(judging: &Judging<'_>) -> Claim {
    let smallest = |metric: &str, what: &str| {
        judging.smallest(format!("{what} of a polling scheduler"), "times", (metric, "polling"))
    };
    let largest = |metric: &str, what: &str| {
        judging.largest(format!("{what} of a loop with one timer"), "times", (metric, "one timer"))
    };
    let mut polls = vec![smallest("looks", "looks").at_least(AGAIN_AND_AGAIN)];
    let mut sleeps = vec![largest("looks", "passes").at_most(SLEEPS)];
    if judging.has(("wakeups", "polling")) {
        polls.push(smallest("wakeups", "wake-ups").at_least(AGAIN_AND_AGAIN));
        sleeps.push(largest("wakeups", "wake-ups").at_most(SLEEPS));
    }
    Claim::depends(
        "L21",
        format!(
            "until its time has come a polling scheduler wakes up at least {AGAIN_AND_AGAIN} times to look, a loop with one \
             timer at most {SLEEPS} times"
        ),
        "the scheduler: one that polls does look again and again; a loop tells the system when its next timer is due, and sleeps",
        polls,
        sleeps,
    )
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    struct World {
        idle_ms: f64,
        loaded_ms: f64,
        during: f64,
        one_timer: f64,
        polling: f64,
    }

    const REAL: World = World { idle_ms: 0.6, loaded_ms: 12.4, during: 0.0, one_timer: 1.0, polling: 230.0 };

    fn verdicts(world: &World) -> [&'static str; 2] {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            measured.extend("late_ms", "idle", [world.idle_ms, world.idle_ms * 1.1]);
            measured.extend("late_ms", "loaded", [world.loaded_ms, world.loaded_ms * 1.1]);
            measured.extend("work_ms", "loaded", [16.0, 16.1]);
            measured.extend("during_work", "loaded", [world.during]);
            for metric in ["looks", "wakeups"] {
                measured.extend(metric, "one timer", [world.one_timer]);
                measured.extend(metric, "polling", [world.polling]);
            }
            measured.end_round();
        }
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        [claims[0].verdict.word(), claims[1].verdict.word()]
    }

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&REAL), ["holds", "depends"]);
        // Node may call up to a millisecond early.
        assert_eq!(verdicts(&World { idle_ms: -0.8, ..REAL }), ["holds", "depends"]);
    }

    #[test]
    fn timers_that_do_not_wait_for_the_work_or_come_early_fail() {
        assert_eq!(verdicts(&World { loaded_ms: 0.7, ..REAL })[0], "fails");
        assert_eq!(verdicts(&World { during: 3.0, ..REAL })[0], "fails");
        assert_eq!(verdicts(&World { idle_ms: -3.0, ..REAL })[0], "fails");
    }

    #[test]
    fn a_loop_that_polls_makes_the_statement_true_and_a_scheduler_that_sleeps_makes_it_false() {
        assert_eq!(verdicts(&World { one_timer: 200.0, ..REAL })[1], "holds");
        assert_eq!(verdicts(&World { polling: 1.0, ..REAL })[1], "fails");
        assert_eq!(verdicts(&World { one_timer: 200.0, polling: 1.0, ..REAL })[1], "inconclusive");
    }

    #[test]
    fn lateness_of_every_length_settles_nothing() {
        let mut measured = Measurements::new(2);
        for round in 0..3 {
            measured.extend("late_ms", "idle", [0.5]);
            measured.extend("late_ms", "loaded", [1.0 + 7.0 * f64::from(round)]);
            measured.extend("work_ms", "loaded", [16.0]);
            measured.extend("during_work", "loaded", [0.0]);
            measured.end_round();
        }
        assert_eq!(judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word(), "inconclusive");
    }

    #[test]
    fn what_comes_early_is_below_zero() {
        let (clock, hands) = Clock::manual();
        let before = clock.now();
        hands.advance(Duration::from_millis(3));
        assert_eq!(ms_between(before, clock.now()), 3.0);
        assert_eq!(ms_between(clock.now(), before), -3.0);
    }
}
