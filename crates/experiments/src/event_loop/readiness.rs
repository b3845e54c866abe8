//! Readiness: do sockets need threads of the pool?
//!
//! # Model
//! Each cell is a process of its own that counts its threads before and after. In `sockets` many connections within the
//! process, both ends on one loop, are open at the same time and talk; the kernel's list of what is watched for the loop
//! (epoll, `/proc/self/fdinfo`) is read while all are open. In `file` a small file is read. What is new afterwards are pool threads.
//!
//! Sockets are fewer than asked for where the system allows no more descriptors; the fact `limit` says so. Only Linux lists
//! the threads of a process and what epoll watches; elsewhere a cell says so and measures nothing.
//!
//! # Source
//! proc(5): `tfd:` lines in the fdinfo of an epoll descriptor are the descriptors that it watches.

use anyhow::Result;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::Judging;
use experiment_kit::verdict::Claim;

use crate::counterpart::{Source, Twin};

pub(crate) mod talk;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "readiness",
    topic: Topic::EventLoop,
    question: "Do a thousand sockets need threads of the pool?",
    reading: "A thousand sockets that talk start no thread at all: the kernel watches them and says which are ready. \
              Reading a single file starts the pool.",
    claims: &["L05"],
    knobs: &[
        Knob {
            name: "sockets",
            help: "sockets that are open at the same time, both ends counted",
            usual: 1000.0,
            quick: 1000.0,
            range: (200.0, 100_000.0),
            whole: true,
        },
        Knob {
            name: "exchanges",
            help: "messages that each connection sends and gets back",
            usual: 50.0,
            quick: 10.0,
            range: (1.0, 10_000.0),
            whole: true,
        },
    ],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "threads_started",
        unit: "threads",
        title: "Threads that were started by sockets, and by reading one file",
    }],
    against: &[Family::Node],
    flaws: &[Flaw {
        name: "blocking-sockets",
        breaks: "the clients of the connections are blocking sockets that are read in the pool",
        flips: &["L05"],
    }],
};

static TWIN: Twin = Twin {
    part: &talk::PART,
    source: &Source { name: "readiness.js", text: include_str!("../../programs/readiness.js") },
};

const CELLS: &[&str] = &["sockets", "file"];

/// Sockets that must have talked: many times the threads of any usual pool, and fewer than every system allows.
const SOCKETS_MIN: f64 = 200.0;

/// Nearly every open socket is watched by the kernel; one that was accepted a moment ago may not be yet.
const WATCHED_MIN: f64 = 0.99;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let setup = setup.clone();
    Ok(Box::new(Cells::new(CELLS.iter().copied(), move |cell, sink| TWIN.measure(&setup, cell, None, sink))))
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let talked = judging.smallest("sockets that were open and talked", "sockets", ("sockets", "sockets"));
    let watched = judging.smallest("share that the kernel watches", "share", ("watched_share", "sockets"));
    let by_sockets = judging.largest("threads started by sockets", "threads", ("threads_started", "sockets"));
    let by_file =
        judging.smallest("threads started by reading a file", "threads", ("threads_started", "file"));
    vec![Claim::all(
        "L05",
        format!(
            "at least {SOCKETS_MIN} sockets are open and talk, the kernel watches at least {WATCHED_MIN} of them, and no thread \
             is started; reading one file starts at least one; with fewer sockets, or a file that starts none, nothing is settled"
        ),
        vec![
            by_sockets.at_most(0.0),
            by_file.at_least(1.0).refutes_nothing(),
            talked.at_least(SOCKETS_MIN).refutes_nothing(),
            watched.at_least(WATCHED_MIN),
        ],
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(sockets: f64, by_sockets: f64, by_file: Option<f64>) -> &'static str {
        watched(sockets, 1.0, by_sockets, by_file)
    }

    fn watched(sockets: f64, share: f64, by_sockets: f64, by_file: Option<f64>) -> &'static str {
        let mut measured = Measurements::new(2);
        measured.extend("sockets", "sockets", [sockets]);
        measured.extend("watched_share", "sockets", [share]);
        measured.extend("threads_started", "sockets", [by_sockets]);
        measured.extend("threads_started", "file", by_file);
        measured.end_round();
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn one_thread_for_a_thousand_sockets_is_one_too_many() {
        assert_eq!(verdict(1000.0, 0.0, Some(4.0)), "holds");
        assert_eq!(verdict(1000.0, 1.0, Some(4.0)), "fails");
    }

    #[test]
    fn without_the_contrast_or_with_few_sockets_nothing_is_settled() {
        assert_eq!(verdict(1000.0, 0.0, None), "inconclusive");
        assert_eq!(verdict(1000.0, 0.0, Some(0.0)), "inconclusive");
        assert_eq!(verdict(10.0, 0.0, Some(4.0)), "inconclusive");
    }

    #[test]
    fn sockets_that_the_kernel_does_not_watch_refute() {
        assert_eq!(watched(1000.0, 0.99, 0.0, Some(4.0)), "holds");
        assert_eq!(watched(1000.0, 0.5, 0.0, Some(4.0)), "fails");
    }
}
