//! Pool rules: how many threads does a pool have, and what may `UV_THREADPOOL_SIZE` ask for?
//!
//! # Model
//! Each cell is a process of its own with that value of the variable. It counts its threads, gives the pool a burst of more
//! jobs than any pool has threads, and counts again: what is new are pool threads. Nothing is read from a setting. Only Linux
//! lists the threads of a process; elsewhere a cell says so and measures nothing.
//!
//! The statement has a limit of 128, as in libuv before 1.30; later ones allow 1024, and so do we. Two odd values come along for
//! the picture: `0` and text become 1.
//!
//! One difference is real: after the first job libuv has all its threads and our pool has one, because it starts a further
//! one only when a job finds nobody asleep (`threads_after_first_job`). The burst brings both to their size.
//!
//! # Source
//! libuv `src/threadpool.c`, `MAX_THREADPOOL_SIZE`: 128 until 1.29, 1024 since 1.30.

use anyhow::Result;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::verdict::Claim;
use runtime_lab::{RunMode, Runtime};

use super::burst;
use crate::counterpart::{Source, Twin, Words};
use crate::roles::{self, Part};
use crate::threads;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "pool-rules",
    topic: Topic::EventLoop,
    question: "How many threads does the pool have, and how many may one ask for?",
    reading: "Each row is a value of UV_THREADPOOL_SIZE and the threads that then really exist. Without a value there are \
              four; the numbers stop growing at 1024, not at 128.",
    claims: &["L03"],
    knobs: &[],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "pool_threads",
        unit: "threads",
        title: "Pool threads that exist after a burst of jobs, by UV_THREADPOOL_SIZE",
    }],
    against: &[Family::Node],
    flaws: &[Flaw {
        name: "old-limit",
        breaks: "a pool of more than 128 threads is cut to 128, as in libuv before 1.30",
        flips: &["L03"],
    }],
};

/// The process that counts its threads.
pub(crate) static PART: Part = Part { name: "pool-rules", main };

static TWIN: Twin = Twin {
    part: &PART,
    source: &Source { name: "pool-rules.js", text: include_str!("../../programs/pool-rules.js") },
};

/// The cell in which the variable is not set.
const UNSET: &str = "unset";

/// Values of the variable: below, at and above both limits, and two that are no sizes.
const CELLS: &[&str] = &[UNSET, "4", "1", "0", "abc", "128", "129", "200", "1024", "2000"];

/// Values that a short run leaves out: a thousand threads take a second, and others show the same.
const LONG: &[&str] = &["200", "1024"];

/// The default of the statement.
const DEFAULT_STATED: f64 = 4.0;

/// The limit of the statement.
const LIMIT_STATED: usize = 128;

/// More jobs than the largest pool has threads.
const BURST: usize = 1024 + 76;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    let quick = setup.quick;
    let cells = CELLS.iter().copied().filter(move |cell| !(quick && LONG.contains(cell)));
    Ok(Box::new(Cells::new(cells, move |cell, sink| {
        TWIN.measure(&setup, cell, (cell != UNSET).then_some(cell), sink)
    })))
}

fn main(words: &[String]) -> Result<()> {
    roles::end_with_stdin()?;
    let words = Words::new(words);
    if !threads::are_listed() {
        println!("FACT not_measured {}", threads::LINUX_ONLY);
        return Ok(());
    }
    let mut builder = Runtime::builder();
    if words.text("flaw") == "old-limit"
        && words.text("cell").parse().is_ok_and(|asked: usize| asked > LIMIT_STATED)
    {
        builder = builder.pool_threads(LIMIT_STATED);
    }
    let before = threads::count()?;
    let runtime = builder.build()?;
    runtime.offload(|| (), |_lp, _outcome| ())?;
    runtime.run(RunMode::Default)?;
    println!("FIGURE threads_after_first_job {}", threads::count()? - before);
    burst::fill(&runtime, BURST)?;
    println!("FIGURE pool_threads {}", threads::count()? - before);
    Ok(())
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let threads = |cell: &str, asked: &str| {
        let (at, when) = (("pool_threads", cell), format!("threads when {asked} asked for"));
        (
            judging.smallest(format!("fewest {when}"), "threads", at),
            judging.largest(format!("most {when}"), "threads", at),
        )
    };
    let (least, most) = threads(UNSET, "nothing is");
    let mut findings = vec![least.at_least(DEFAULT_STATED), most.at_most(DEFAULT_STATED)];
    let asked = CELLS.iter().filter_map(|cell| cell.parse::<usize>().ok()).filter(|&asked| asked > 0);
    let beyond = |asked: &usize| *asked > LIMIT_STATED;
    findings.extend(asked.clone().filter(|asked| !beyond(asked)).flat_map(|asked| -> [Finding; 2] {
        let (least, most) = threads(&asked.to_string(), &format!("{asked} are"));
        [least.at_least(asked as f64), most.at_most(asked as f64)]
    }));
    let measured = |asked: &usize| {
        let cell = asked.to_string();
        !LONG.contains(&cell.as_str()) || judging.has(("pool_threads", cell.as_str()))
    };
    findings.extend(asked.filter(beyond).filter(measured).map(|asked| {
        let (_, most) = threads(&asked.to_string(), &format!("{asked} are"));
        most.at_most(LIMIT_STATED as f64)
    }));
    vec![Claim::all(
        "L03",
        format!(
            "exactly {DEFAULT_STATED} threads without a setting, as many as asked for up to {LIMIT_STATED}, and never more \
             than {LIMIT_STATED}"
        ),
        findings,
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// What a pool with this default and this limit shows.
    fn verdict(default: usize, limit: usize, cells: &[&str]) -> &'static str {
        let mut measured = Measurements::new(2);
        for cell in cells {
            let threads = match *cell {
                UNSET => default,
                asked => asked.parse().unwrap_or(1).clamp(1, limit),
            };
            measured.extend("pool_threads", cell, [threads as f64]);
        }
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn the_limit_decides() {
        assert_eq!(verdict(4, 1024, CELLS), "fails");
        assert_eq!(verdict(4, 128, CELLS), "holds");
        assert_eq!(verdict(4, 64, CELLS), "fails");
        assert_eq!(verdict(8, 128, CELLS), "fails");
    }

    #[test]
    fn a_short_run_settles_it_too() {
        let short: Vec<&str> = CELLS.iter().copied().filter(|cell| !LONG.contains(cell)).collect();
        assert_eq!(verdict(4, 1024, &short), "fails");
        assert_eq!(verdict(4, 128, &short), "holds");
    }

    #[test]
    fn without_the_values_above_the_limit_nothing_is_settled() {
        assert_eq!(verdict(4, 128, &CELLS[..6]), "inconclusive");
    }
}
