//! Native release: can native code let go of the lock, and do threads gain by it?
//!
//! # Model
//! Threads hash buffers of one size, the same number of hashes in all by 2 or 4 threads and just before by one, so that
//! both meet the machine in the same mood; what is judged is the ratio. hashlib lets go of the lock
//! from 2048 bytes on: big buffers scale, those of 2047 bytes do not. That with 2048 bytes the lock is given up for each
//! hash, and with 2047 for none, is counted exactly where it can be, in our interpreter.
//!
//! With 2048 bytes letting go costs more than it gives: a hash takes about a microsecond, a lock that changes hands more.
//! How much more differs from session to session, on CPython too, so that it is shown and not judged.
//!
//! A CPython without OpenSSL (its `hash_type` is `sha256`, not `HASH`) has a hashlib that never lets go, so it differs;
//! the 2.7 of many machines is one.

use anyhow::Result;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging, Noise, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use gil_interpreter::gil::{Ablations, Policy};

use super::cells::{cells_of, parts, short_enough};
use super::interpreter::{self, Rules, ask, python};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "native-release",
    topic: Topic::GlobalLock,
    question: "Can native code let go of the lock, and do threads gain by it?",
    reading: "Each row is the time of the same hashing, in times of one thread. With buffers of a megabyte two threads need half of the time of one; \
              with 2047 bytes, where hashlib keeps the lock, as much. With 2048 bytes it lets go for a microsecond each \
              time, which may cost more than it gives.",
    claims: &["G08"],
    knobs: &[
        Knob {
            name: "work_ms",
            help: "milliseconds that one thread takes for all hashes of a cell",
            usual: 100.0,
            quick: 30.0,
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
        title: "Time of the same hashing, in times of one thread",
    }],
    against: &[Family::CPython],
    flaws: &[Flaw { name: "keep", breaks: "hashing keeps the lock whatever the size", flips: &["G08"] }],
};

/// The program.
pub(crate) static SOURCE: Source = Source { name: "hashing.py", text: python!("hashing.py") };

const CELLS: &[&str] = &[
    "tick/large-2",
    "tick/small-2",
    "gil32/large-2",
    "gil32/small-2",
    "gil310/large-2",
    "gil310/large-4",
    "gil310/edge-2",
    "gil310/small-2",
    "gil310/small-4",
    "gil313/large-2",
    "gil313/small-2",
];

/// The policies whose big and small buffers are compared, `gil310` first; a real CPython has one of them.
const COMPARED: [&str; 4] = ["gil310", "tick", "gil32", "gil313"];

/// One thread alone, and up to four times as long by threads that lose with 2048 bytes.
const TIMES_OF_A_TRY: f64 = 5.0;

/// Threads that gain nothing need at least this part of the time of one; those that use two cores, half of it.
const NOTHING_GAINED: f64 = 0.8;
/// Whoever uses two cores needs at most this part.
const GAINED: f64 = 0.75;
/// Which of the tries count where both cores must be given: a quarter of them are better.
const BETTER: f64 = 0.25;
/// A lock that is let go of for each hash is given up at least so often for a hash; one that is kept, not even a tenth.
const GIVEN_UP: f64 = 0.9;
const KEPT: f64 = 0.1;

/// How often each size is hashed in a cell.
struct Times(Vec<(&'static str, u64)>);

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let seconds = setup.knob("tries") * setup.knob("work_ms") / 1e3 * TIMES_OF_A_TRY;
    short_enough(seconds, &["work_ms", "tries"])?;
    let cells = cells_of(setup, CELLS);
    let Some(first) = cells.first() else { anyhow::bail!("no cell is about this runtime") };
    let (policy, _) = parts(first)?;
    let times = Times::measured(setup, policy)?;
    let setup = setup.clone();
    let measure = move |cell: &str, sink: &mut Sink<'_>| {
        let (policy, case) = parts(cell)?;
        let hashes = times.of(case);
        let words = [("times".to_owned(), hashes.to_string())];
        let report = interpreter::measure(&SOURCE, &setup, &rules(&setup, policy)?, case, &words, sink)?;
        if let Some(report) = report {
            let given_up = report.lock.total().releases as f64;
            // Each try hashes twice: one thread alone, and several.
            sink.add("given_up_per_hash", given_up / (2.0 * hashes as f64 * setup.knob("tries")));
        }
        Ok(())
    };
    Ok(Box::new(Cells::new(cells, measure)))
}

fn rules(setup: &Setup, policy: Policy) -> Result<Rules> {
    Ok(match setup.flaw {
        Some("keep") => {
            // The oldest lock has no such rule, so a later one stands in for it.
            let policy = if policy == Policy::Tick { Policy::Gil32 } else { policy };
            let ablations: Ablations = "alone-keeps".parse()?;
            Rules { ablations, ..Rules::of(policy) }
        }
        _ => Rules::of(policy),
    })
}

impl Times {
    /// Measures how long a hash of each size takes; the policy does not matter for one thread.
    fn measured(setup: &Setup, policy: Policy) -> Result<Times> {
        let times_of = |size: &'static str| {
            let hash_ns = ask(&SOURCE, setup, policy, &format!("{size}-speed"), "hash_ns")?;
            Ok((size, even_share(setup.knob("work_ms") * 1e6 / hash_ns)))
        };
        ["large", "edge", "small"].map(times_of).into_iter().collect::<Result<Vec<_>>>().map(Times)
    }

    fn of(&self, case: &str) -> u64 {
        let size = case.split('-').next();
        self.0.iter().find(|(name, _)| Some(*name) == size).map_or(4, |(_, times)| *times)
    }
}

/// A number of hashes that 1, 2 and 4 threads can share evenly.
fn even_share(hashes: f64) -> u64 {
    ((hashes / 4.0).round().max(1.0) as u64) * 4
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let measured = judging.measured;
    let there = |policy: &&str| {
        *policy == COMPARED[0] || judging.has(("ratio", format!("{policy}/large-2").as_str()))
    };
    let ratio = |policy: &str, size: &str, threads: usize, bytes: &str| {
        let name = format!("{threads} threads / 1 thread with {bytes} under {policy}");
        let cell = format!("{policy}/{size}-{threads}");
        // Beside a lock that is kept no try is fast; where it is let go of, a second core may still come late.
        let quantile = if size == "large" { BETTER } else { P50 };
        judging.quantile(name, "ratio", quantile, ("ratio", cell.as_str()))
    };
    let policies: Vec<&str> = COMPARED.into_iter().filter(there).collect();
    let large = |policy: &&str| ratio(policy, "large", 2, "1 MiB").at_most(GAINED);
    let small = |policy: &&str| ratio(policy, "small", 2, "2047 bytes").at_least(NOTHING_GAINED);
    let mut scales: Vec<Finding> = policies.iter().map(large).collect();
    scales.push(ratio("gil310", "large", 4, "1 MiB").at_most(GAINED));
    let mut keeps: Vec<Finding> = policies.iter().map(small).collect();
    keeps.push(ratio("gil310", "small", 4, "2047 bytes").at_least(NOTHING_GAINED));
    let given_up = |size: &str, bytes: &str| {
        let (cell, name) = (format!("gil310/{size}-2"), format!("locks given up for each hash of {bytes}"));
        (judging.smallest(name.clone(), "times", ("given_up_per_hash", &cell)), (name, cell))
    };
    scales.push(given_up("edge", "2048 bytes").0.at_least(GIVEN_UP));
    let (name, cell) = given_up("small", "2047 bytes").1;
    keeps.push(judging.largest(name, "times", ("given_up_per_hash", &cell)).at_most(KEPT));
    vec![
        Claim::depends(
            "G08",
            format!(
                "native code lets go of the lock and scales: with 1 MiB two and four threads need at most {GAINED} x the time of \
                 one in the better quarter of the tries, and from 2048 bytes on the lock is given up at least {GIVEN_UP} times \
                 for each hash; with 2047 bytes at most {KEPT} times, and in the median they need at least {NOTHING_GAINED} x"
            ),
            "the size of what is hashed: hashlib lets go of the lock from 2048 bytes on",
            scales,
            keeps,
        )
        .beside(measured, Noise::Blurs)
        .needing_two_cores(measured),
    ]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// Three rounds in which cells with this size and this many threads took so many times the time of one, and gave the
    /// lock up so often for a hash.
    fn world(ratio: impl Fn(&str, f64) -> f64, given_up: impl Fn(&str) -> f64) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for cell in CELLS {
                let case = cell.split_once('/').unwrap().1;
                let (size, threads) = case.split_once('-').unwrap();
                let ratio = ratio(size, threads.parse().unwrap());
                measured.extend("ratio", cell, [ratio, ratio * 1.01, ratio * 0.99]);
                measured.extend("given_up_per_hash", cell, [given_up(size)]);
            }
            measured.end_round();
        }
        measured
    }

    fn verdict(measured: &Measurements) -> &'static str {
        judge(&Judging { measured, seed: 7 })[0].verdict.word()
    }

    fn given_up(size: &str) -> f64 {
        if size == "small" { 0.001 } else { 1.0 }
    }

    fn real(size: &str, threads: f64) -> f64 {
        match size {
            "large" => 1.0 / threads.min(2.0),
            "edge" => threads / 2.0 + 0.5,
            _ => 1.0,
        }
    }

    #[test]
    fn it_depends_in_the_world_as_it_is() {
        assert_eq!(verdict(&world(real, given_up)), "depends");
    }

    #[test]
    fn it_fails_where_hashing_keeps_the_lock_and_holds_where_small_buffers_scale_too() {
        assert_eq!(verdict(&world(|_, _| 1.0, |_| 0.001)), "fails");
        assert_eq!(verdict(&world(|_, threads| 1.0 / threads.min(2.0), |_| 1.0)), "holds");
    }

    #[test]
    fn half_a_gain_and_a_busy_machine_settle_nothing() {
        // In some rounds there was a second core, in others not.
        let mut half = world(real, given_up);
        for _ in 0..3 {
            half.extend("ratio", "gil310/large-2", [0.98; 3]);
            half.end_round();
        }
        assert_eq!(verdict(&half), "inconclusive");
        let mut busy = world(real, given_up);
        busy.others_cores = Some(1.0);
        assert_eq!(verdict(&busy), "inconclusive");
    }

    #[test]
    fn large_buffers_that_do_not_scale_on_one_processor_refute_nothing() {
        let mut one = world(|_, _| 1.0, given_up);
        assert_eq!(verdict(&one), "fails");
        one.cores = 1;
        assert_eq!(verdict(&one), "inconclusive");
    }

    #[test]
    fn shares_are_even() {
        assert_eq!([0.2, 4.0, 9.9, 1001.0].map(even_share), [4, 4, 8, 1000]);
    }
}
