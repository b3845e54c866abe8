//! Countdown: do threads make a program faster that only computes?
//!
//! # Model
//! Two shares of `while n > 0: n -= 1` by two threads or two processes under each policy of the lock; four threads
//! or processes have half a share each. Just before each try the same program does the two shares in sequence, so
//! that both meet the machine in the same mood, and what is judged is the ratio of the two. The price of having no
//! lock is paid where objects are used, not where locals are: one thread counts in a dict, with a lock and without,
//! in times of the same sequence.
//!
//! Who uses two cores is judged by the better tries ([`BETTER`]): that a second core was not given in time says nothing
//! about a lock, and with a lock no try is fast.
//!
//! On CPython 3.12 and later the interpreters with a lock each are real ones, made by another program.

use std::collections::BTreeMap;

use anyhow::Result;
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, Noise, P50, Quantity};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::Policy;

use super::cells::{TIMED, cells_of, measured_or_first, measured_under, parts, short_enough};
use super::interpreter::{self, Rules, python, turns_of};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "countdown",
    topic: Topic::GlobalLock,
    question: "Do threads make a program faster that only computes?",
    reading: "Each row is the time of the same work, in times of the sequence. Under a global lock two threads take as long as one after the other, \
              under the oldest lock longer; processes, interpreters with a lock each, and no lock at all use both cores.",
    claims: &["G02", "G03", "G06", "G11", "G12"],
    knobs: &[
        Knob {
            name: "share_ms",
            help: "milliseconds that one of the two shares takes alone",
            usual: 50.0,
            quick: 12.0,
            range: (5.0, 1_000.0),
            whole: false,
        },
        Knob {
            name: "tries",
            help: "how often each cell is measured in a round",
            usual: 5.0,
            quick: 3.0,
            range: (1.0, 20.0),
            whole: true,
        },
    ],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "ratio",
        unit: "x",
        title: "Time of the same work, in times of the sequence",
    }],
    against: &[Family::CPython],
    flaws: &[
        Flaw { name: "no-lock", breaks: "threads never take the lock of gil310", flips: &["G02"] },
        Flaw {
            name: "no-ticks",
            breaks: "the lock of 2.7 is given up when somebody asks, as in 3.10, and not every 100 ticks",
            flips: &["G03"],
        },
        Flaw {
            name: "always-locked",
            breaks: "per-interp and free share one lock after all, and processes are threads of one",
            flips: &["G06", "G11", "G12"],
        },
    ],
};

/// The program.
pub(crate) static SOURCE: Source = Source { name: "countdown.py", text: python!("countdown.py") };

/// The same with real interpreters inside one process.
static SUBINTERPRETERS: Source = Source { name: "subinterpreters.py", text: python!("subinterpreters.py") };

const CELLS: &[&str] = &[
    "tick/thr2",
    "tick/thr4",
    "tick/proc2",
    "gil32/thr2",
    "gil32/proc2",
    "gil310/thr2",
    "gil310/thr4",
    "gil310/proc2",
    "gil310/proc4",
    "gil313/thr2",
    "gil313/proc2",
    "per-interp/thr2",
    "free/thr2",
    "gil310/dict",
    "free/dict",
];

/// What a quick run of ours leaves out: a process has a lock of its own, of whichever kind.
const SLOW: &[&str] = &["tick/proc2", "gil32/proc2"];

/// Two shares in sequence, and up to two and a half times as long by threads that lose.
const SHARES_OF_A_TRY: f64 = 7.0;

/// Threads that gain nothing need at least this part of the time of the sequence; those that use two cores, half of it.
const NOTHING_GAINED: f64 = 0.8;
/// Threads that lose need at least this part.
const LOST: f64 = 1.2;
/// Whoever uses two cores needs at most this part, halfway between one core and two; see [`gained`].
const GAINED: f64 = 0.75;
/// The price of having no lock, in time of one thread that uses objects.
const PRICE: f64 = 1.05;
/// Which of the tries count where both cores must be given: a quarter of them are better.
const BETTER: f64 = 0.25;
/// The first release with a lock for each interpreter.
const OWN_LOCKS: (u32, u32) = (3, 12);

struct Countdown {
    cells: Vec<String>,
    turns: BTreeMap<Policy, u64>,
    setup: Setup,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let share_s = setup.knob("share_ms") / 1e3;
    short_enough(setup.knob("tries") * share_s * SHARES_OF_A_TRY, &["share_ms", "tries"])?;
    let setup = setup.clone();
    let cells = cells(&setup);
    let turns = turns_of(&SOURCE, &setup, &cells, setup.knob("share_ms"))?;
    Ok(Box::new(Countdown { cells, turns, setup }))
}

/// On a real CPython: what its own lock allows, and from 3.12 on interpreters with a lock each.
fn cells(setup: &Setup) -> Vec<String> {
    let mut cells = cells_of(setup, CELLS);
    if setup.real().is_none() && setup.quick {
        cells.retain(|cell| !SLOW.contains(&cell.as_str()));
    }
    if let Some(runtime) = setup.real() {
        // The price of having no lock is a ratio between two policies, and a CPython has one.
        cells.retain(|cell| !cell.ends_with("/dict"));
        if runtime.release() >= OWN_LOCKS && !runtime.is_free_threaded() {
            cells.push("per-interp/thr2".to_owned());
        }
    }
    cells
}

impl Bench for Countdown {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let (policy, case) = parts(cell)?;
        // The price compares two policies, so they do the same work.
        let turns = self.turns[if case == "dict" { &Policy::Gil310 } else { &policy }];
        let turns = [("turns".to_owned(), turns.to_string())];
        let (policy, case) = broken(&self.setup, policy, case);
        let apart = self.setup.real().is_some() && policy == Policy::PerInterp;
        let source = if apart { &SUBINTERPRETERS } else { &SOURCE };
        interpreter::measure(source, &self.setup, &Rules::of(policy), case, &turns, sink)?;
        Ok(())
    }
}

/// What is really run when the runtime is broken on purpose.
fn broken<'c>(setup: &Setup, policy: Policy, case: &'c str) -> (Policy, &'c str) {
    if setup.has_flaw("no-lock") && policy == Policy::Gil310 && case == "thr2" {
        return (Policy::Free, case);
    }
    if setup.has_flaw("always-locked") {
        let policy = if policy.is_global() { policy } else { Policy::Gil310 };
        let case = match case {
            "proc2" => "thr2",
            "proc4" => "thr4",
            _ => case,
        };
        return (policy, case);
    }
    if setup.has_flaw("no-ticks") && policy == Policy::Tick {
        return (Policy::Gil310, case);
    }
    (policy, case)
}

/// The part of the sequence that so many processes need at most: halfway between one core and as many as they can use.
/// The second half is left for cores that are threads of one core, or slower than the first.
fn gained(processes: usize, cores: usize) -> f64 {
    // One core cannot show it: two are claimed there, too.
    (1.0 + 1.0 / processes.min(cores.max(2)) as f64) / 2.0
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    vec![
        nothing_gained(judging),
        can_lose(judging),
        processes_scale(judging),
        no_lock_scales(judging),
        own_locks_scale(judging),
    ]
}

/// A quantile of the tries of one cell, in times of the sequence.
fn ratio(judging: &Judging<'_>, policy: &str, case: &str, what: &str, quantile: f64) -> Quantity {
    let (name, cell) = (format!("{what} / in sequence under {policy}"), format!("{policy}/{case}"));
    judging.quantile(name, "ratio", quantile, ("ratio", cell.as_str()))
}

/// Whether two threads use two cores.
fn both_cores(judging: &Judging<'_>, policy: &str) -> Finding {
    ratio(judging, policy, "thr2", "2 threads", BETTER).at_most(GAINED)
}

fn nothing_gained(judging: &Judging<'_>) -> Claim {
    let threads = |policy: &str, case: &str, what: &str| {
        ratio(judging, policy, case, what, P50).at_least(NOTHING_GAINED)
    };
    let twos = measured_or_first(judging, &TIMED, "ratio", "thr2").into_iter();
    let fours = measured_under(judging, &["gil310"], "ratio", "thr4").into_iter();
    Claim::all(
        "G02",
        format!(
            "CPU-bound threads gain nothing: in the median two or four take at least {NOTHING_GAINED} x the time of the sequence"
        ),
        twos.map(|policy| threads(policy, "thr2", "2 threads"))
            .chain(fours.map(|policy| threads(policy, "thr4", "4 threads")))
            .collect(),
    )
    .beside(judging.measured, Noise::Blurs)
    .holding_only_on_two_cores(judging.measured)
}

fn can_lose(judging: &Judging<'_>) -> Claim {
    Claim::depends(
        "G03",
        format!(
            "they can even lose: in the median two and four take at least {LOST} x the time of the sequence under the lock of \
             2.7, and two at most that under the lock of 3.10"
        ),
        "the lock: the one of CPython 2.7 is dropped and taken every 100 ticks, later ones only when somebody asks",
        vec![
            ratio(judging, "tick", "thr2", "2 threads", P50).at_least(LOST),
            ratio(judging, "tick", "thr4", "4 threads", P50).at_least(LOST),
        ],
        vec![ratio(judging, "gil310", "thr2", "2 threads", P50).at_most(LOST)],
    )
    .beside(judging.measured, Noise::Blurs)
    // Threads that get one processor in turn lose nothing with the lock.
    .needing_two_cores(judging.measured)
}

fn processes_scale(judging: &Judging<'_>) -> Claim {
    let cores = judging.measured.cores;
    let four_need = gained(4, cores);
    let processes = |policy: &str, case: &str, what: &str, part: f64| {
        ratio(judging, policy, case, what, BETTER).at_most(part)
    };
    let twos =
        measured_or_first(judging, &["gil310", "gil313", "gil32", "tick"], "ratio", "proc2").into_iter();
    let fours = measured_under(judging, &["gil310"], "ratio", "proc4").into_iter();
    Claim::all(
        "G06",
        format!(
            "processes have a lock each and scale: in the better quarter of the tries two take at most {GAINED} x the time of \
             the sequence, and four at most {four_need} x, which is halfway to what {} cores can do",
            4.min(cores)
        ),
        twos.map(|policy| processes(policy, "proc2", "2 processes", GAINED))
            .chain(fours.map(|policy| processes(policy, "proc4", "4 processes", four_need)))
            .collect(),
    )
    .beside(judging.measured, Noise::Hurts)
    .needing_two_cores(judging.measured)
}

fn no_lock_scales(judging: &Judging<'_>) -> Claim {
    let price = judging.ratio(
        "counting in a dict without a lock / under gil310",
        P50,
        ("wall_ms", "free/dict"),
        ("wall_ms", "gil310/dict"),
    );
    Claim::all(
        "G11",
        format!(
            "without the lock threads scale, at a price: two take at most {GAINED} x the sequence in the better quarter of the \
             tries, and one thread that counts in a dict takes in the median at least {PRICE} x its time under gil310"
        ),
        vec![both_cores(judging, "free"), price.at_least(PRICE)],
    )
    .beside(judging.measured, Noise::Hurts)
    .needing_two_cores(judging.measured)
}

fn own_locks_scale(judging: &Judging<'_>) -> Claim {
    Claim::all(
        "G12",
        format!(
            "a lock for each interpreter scales: two threads take at most {GAINED} x the sequence in the better quarter of the \
             tries"
        ),
        vec![both_cores(judging, "per-interp")],
    )
    .beside(judging.measured, Noise::Hurts)
    .needing_two_cores(judging.measured)
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::{BEFORE, Measurements, SPEED_UP};

    use super::*;

    /// A world in which the cells took these times of the sequence, three rounds of three tries long.
    fn world(ratios: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cell, ratio) in ratios {
                measured.extend("ratio", cell, [*ratio, ratio * 1.01, ratio * 0.99]);
                measured.extend(
                    "wall_ms",
                    cell,
                    [*ratio, ratio * 1.01, ratio * 0.99].map(|each| each * 120.0),
                );
            }
            measured.end_round();
        }
        measured.complete = true;
        measured
    }

    fn verdicts(measured: &Measurements) -> String {
        let claims = judge(&Judging { measured, seed: 7 });
        claims
            .iter()
            .map(|claim| format!("{} {}", claim.id, claim.verdict.word()))
            .collect::<Vec<_>>()
            .join(", ")
    }

    const REAL: [(&str, f64); 12] = [
        ("tick/thr2", 1.8),
        ("tick/thr4", 2.4),
        ("gil310/thr2", 1.02),
        ("gil310/thr4", 1.03),
        ("gil310/proc2", 0.53),
        ("gil310/proc4", 0.55),
        ("gil313/thr2", 1.01),
        ("gil313/proc2", 0.54),
        ("per-interp/thr2", 0.55),
        ("free/thr2", 0.57),
        ("gil310/dict", 0.8),
        ("free/dict", 1.1),
    ];

    #[test]
    fn the_world_as_it_is() {
        assert_eq!(verdicts(&world(&REAL)), "G02 holds, G03 depends, G06 holds, G11 holds, G12 holds");
    }

    #[test]
    fn the_opposite_world_is_told_apart() {
        let opposite = REAL.map(|(cell, ratio)| match cell {
            "tick/thr2" | "tick/thr4" | "gil310/proc2" | "gil310/proc4" | "gil313/proc2"
            | "per-interp/thr2" => (cell, 1.0),
            "gil310/thr2" | "gil310/thr4" | "gil313/thr2" => (cell, 0.52),
            "free/thr2" => (cell, 1.3),
            _ => (cell, ratio),
        });
        assert_eq!(verdicts(&world(&opposite)), "G02 fails, G03 fails, G06 fails, G11 fails, G12 fails");
    }

    #[test]
    fn four_processes_are_held_to_the_cores_that_there_are() {
        assert_eq!([1, 2, 3, 4, 64].map(|cores| gained(2, cores)), [GAINED; 5]);
        assert_eq!([1, 2, 4, 64].map(|cores| gained(4, cores)), [GAINED, GAINED, 0.625, 0.625]);
        let stuck = REAL.map(|(cell, ratio)| (cell, if cell == "gil310/proc4" { 0.95 } else { ratio }));
        assert!(verdicts(&world(&stuck)).contains("G06 fails"));
        let mut more_cores =
            world(&REAL.map(|(cell, ratio)| (cell, if cell == "gil310/proc4" { 0.7 } else { ratio })));
        assert!(verdicts(&more_cores).contains("G06 holds"));
        more_cores.cores = 4;
        assert!(verdicts(&more_cores).contains("G06 fails"), "four processes that use two cores of four");
    }

    #[test]
    fn a_runtime_with_one_lock_is_judged_by_its_own_processes() {
        assert!(verdicts(&world(&[("tick/proc2", 0.55)])).contains("G06 holds"));
        assert!(verdicts(&world(&[("gil32/proc2", 1.0)])).contains("G06 fails"));
        assert!(verdicts(&world(&[])).contains("G06 inconclusive"));
    }

    #[test]
    fn an_old_lock_that_costs_nothing_refutes_that_threads_lose() {
        let cheap = REAL.map(|(cell, ratio)| (cell, if cell.starts_with("tick/") { 1.02 } else { ratio }));
        assert!(verdicts(&world(&cheap)).contains("G03 fails"));
        let dear = REAL.map(|(cell, ratio)| (cell, if cell == "gil310/thr2" { 1.8 } else { ratio }));
        assert!(verdicts(&world(&dear)).contains("G03 holds"));
    }

    #[test]
    fn without_a_price_the_claim_about_no_lock_fails() {
        let cheap = REAL.map(|(cell, ratio)| (cell, if cell == "free/dict" { 0.8 } else { ratio }));
        assert!(verdicts(&world(&cheap)).contains("G11 fails"));
    }

    #[test]
    fn a_second_core_that_seldom_came_in_time_refutes_nothing() {
        let mut measured = world(&REAL);
        for _ in 0..3 {
            for (cell, ratio) in REAL {
                let needs_both = ["free/thr2", "per-interp/thr2", "gil310/proc2"].contains(&cell);
                measured.extend("ratio", cell, [ratio, if needs_both { 0.99 } else { ratio }, ratio]);
            }
            measured.end_round();
        }
        assert_eq!(verdicts(&measured), "G02 holds, G03 depends, G06 holds, G11 holds, G12 holds");
    }

    #[test]
    fn unclear_values_and_a_busy_machine_settle_nothing() {
        let mut unclear = world(&[]);
        for round in 0..3 {
            for (cell, _) in REAL {
                // All were fast in some rounds and slow in others, what the price is compared with excepted.
                let ratio = if round == 1 { 1.6 } else { 0.4 };
                let ratio = if cell == "gil310/dict" { 1.0 } else { ratio };
                unclear.extend("ratio", cell, [ratio]);
                unclear.extend("wall_ms", cell, [ratio * 120.0]);
            }
            unclear.end_round();
        }
        assert!(!verdicts(&unclear).contains("fails"), "{}", verdicts(&unclear));
        let mut busy = world(&REAL.map(|(cell, _)| (cell, 1.0)));
        busy.others_cores = Some(1.0);
        assert_eq!(
            verdicts(&busy),
            "G02 inconclusive, G03 inconclusive, G06 inconclusive, G11 inconclusive, G12 inconclusive"
        );
    }

    #[test]
    fn processors_that_two_threads_cannot_use_settle_nothing() {
        let one_core = REAL.map(|(cell, ratio)| match cell {
            "gil310/dict" | "free/dict" => (cell, ratio),
            _ => (cell, 1.0),
        });
        let expected =
            "G02 inconclusive, G03 inconclusive, G06 inconclusive, G11 inconclusive, G12 inconclusive";
        let mut one = world(&one_core);
        one.cores = 1;
        assert_eq!(verdicts(&one), expected);
        let mut siblings = world(&one_core);
        siblings.extend(SPEED_UP, BEFORE, [1.1]);
        assert_eq!(verdicts(&siblings), expected);
        let mut apart = world(&one_core);
        apart.extend(SPEED_UP, BEFORE, [1.9]);
        assert_eq!(verdicts(&apart), "G02 holds, G03 fails, G06 fails, G11 fails, G12 fails");
    }

    #[test]
    fn a_real_runtime_has_the_cells_of_its_lock_and_interpreters_from_3_12_on() {
        let cells = |version: &str| {
            let mut setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
            setup.subject = experiment_kit::experiment::Subject::Real(experiment_kit::runtimes::Runtime {
                family: Family::CPython,
                version: version.to_owned(),
                path: "python".into(),
            });
            cells(&setup).join(" ")
        };
        assert_eq!(cells("2.7.18"), "tick/thr2 tick/thr4 tick/proc2");
        assert_eq!(cells("3.11.7"), "gil310/thr2 gil310/thr4 gil310/proc2 gil310/proc4");
        assert_eq!(cells("3.12.1"), "gil310/thr2 gil310/thr4 gil310/proc2 gil310/proc4 per-interp/thr2");
        assert_eq!(cells("3.13.5t"), "free/thr2");
    }
}
