//! What is run: each program of `examples/py` with its arguments, who runs it, and which figures are kept.
//!
//! A run of a program here is one round of it, so that subjects take turns and every run is seen.

use std::path::PathBuf;

use gil_interpreter::gil::Policy;

use super::figures::Metric;
use super::subject::{ABLATED, Subject};
use crate::python::folder;

/// One program.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The file's name without its end; what follows `-` tells two plans of one file apart.
    pub program: &'static str,
    /// The question, for the heading.
    pub question: &'static str,
    args: &'static [&'static str],
    quick_args: &'static [&'static str],
    rounds: usize,
    /// Policies that run it, the CPythons with such a lock included.
    policies: &'static [Policy],
    ablations: &'static [&'static str],
    /// The figures.
    pub metrics: &'static [Metric],
}

const ALL: &[Policy] = &Policy::ALL;
const REQUESTS: &[Policy] = &[Policy::Gil32, Policy::Gil310, Policy::Gil313];
const ORDERS: &[&str] = &["no-forced-switch", "fair-ticket", "io-priority"];

/// The plans, in the order of the tables. The first says how much room the machine has.
pub const PLANS: [Plan; 10] = [
    Plan {
        program: "countdown",
        question: "time of threads (and two processes) that compute, relative to the same work in sequence",
        args: &["--turns", "1000000", "--rounds", "1"],
        quick_args: &["--turns", "400000", "--rounds", "1"],
        rounds: 5,
        policies: ALL,
        ablations: ORDERS,
        metrics: &[
            Metric::plain("2 threads", "thr2"),
            Metric::plain("4 threads", "thr4"),
            Metric::plain("2 processes", "proc2"),
        ],
    },
    Plan {
        program: "counter",
        question: "lost updates in percent, 2 and 4 threads",
        args: &["--times", "1000000", "--rounds", "1"],
        quick_args: &["--times", "500000", "--rounds", "1"],
        rounds: 3,
        policies: ALL,
        ablations: &[],
        metrics: &[
            Metric::percent("global 2", "global2_lost", 2.0, 1.0),
            Metric::percent("global 4", "global4_lost", 4.0, 1.0),
            Metric::percent("attribute 2", "attribute2_lost", 2.0, 1.0),
            Metric::percent("call 2", "call2_lost", 2.0, 1.0),
            Metric::percent("lock 2", "lock2_lost", 2.0, 5.0),
            Metric::percent("lock 4", "lock4_lost", 4.0, 5.0),
        ],
    },
    Plan {
        program: "convoy",
        question: "latency of an echo beside 1, 2 and 4 threads that compute, in switch intervals",
        args: &["--spinners", "1,2,4", "--runs", "1", "--seconds", "0.4"],
        quick_args: &["--spinners", "1,4", "--runs", "1", "--seconds", "0.25"],
        rounds: 3,
        policies: ALL,
        ablations: ORDERS,
        metrics: &[
            Metric::plain("k1 p50", "k1_p50_x"),
            Metric::per("k1 p99", "k1_p99_ms", "interval_ms"),
            Metric::plain("k2 p50", "k2_p50_x"),
            Metric::per("k2 p99", "k2_p99_ms", "interval_ms"),
            Metric::plain("k4 p50", "k4_p50_x"),
            Metric::per("k4 p99", "k4_p99_ms", "interval_ms"),
        ],
    },
    Plan {
        program: "convoy-paced",
        question: "the same beside 1 thread, with messages at fixed times, so that bursts do not count more than waits",
        args: &["--mode", "paced", "--rate", "30", "--spinners", "1", "--runs", "1", "--seconds", "0.9"],
        quick_args: &[
            "--mode",
            "paced",
            "--rate",
            "30",
            "--spinners",
            "1",
            "--runs",
            "1",
            "--seconds",
            "0.5",
        ],
        rounds: 3,
        policies: ALL,
        ablations: ORDERS,
        metrics: &[
            Metric::plain("paced p50", "k1_p50_x"),
            Metric::per("paced p99", "k1_p99_ms", "interval_ms"),
        ],
    },
    Plan {
        program: "sleepers",
        question: "speed-up of 8 threads that only sleep",
        args: &["--naps", "4", "--ms", "25"],
        quick_args: &["--naps", "2", "--ms", "25"],
        rounds: 2,
        policies: ALL,
        ablations: &[],
        metrics: &[Metric::plain("8 threads", "speedup")],
    },
    Plan {
        program: "hashing",
        question: "speed-up of hashing with 2 and 4 threads, by the size of the buffers",
        args: &["--ms", "20"],
        quick_args: &["--ms", "8"],
        rounds: 2,
        policies: ALL,
        ablations: &[],
        metrics: &[
            Metric::plain("1 MiB, 2", "b1m_x2"),
            Metric::plain("1 MiB, 4", "b1m_x4"),
            Metric::plain("64 KiB, 2", "b64k_x2"),
            Metric::plain("2048 B, 2", "b2048_x2"),
            Metric::plain("2048 B, 4", "b2048_x4"),
            Metric::plain("2047 B, 2", "b2047_x2"),
        ],
    },
    Plan {
        program: "longcall",
        question: "latency of an echo beside a native call that holds the lock, in calls",
        args: &["--ms", "25", "--seconds", "0.4"],
        quick_args: &["--ms", "20", "--seconds", "0.25"],
        rounds: 2,
        // 2.7 does not finish: its waiter nearly always loses.
        policies: &[Policy::Gil32, Policy::Gil310, Policy::Gil313, Policy::PerInterp, Policy::Free],
        ablations: &[],
        metrics: &[
            Metric::plain("usual interval", "usual_p50_calls"),
            Metric::plain("a tenth of it", "tenth_p50_calls"),
        ],
    },
    Plan {
        program: "interval",
        question: "latency of an echo in switch intervals, and what two computing threads lose, by the interval",
        args: &["--intervals", "1,5,20", "--seconds", "0.3", "--turns", "300000"],
        quick_args: &["--intervals", "1,5", "--seconds", "0.15", "--turns", "100000"],
        rounds: 2,
        policies: REQUESTS,
        ablations: &[],
        metrics: &[
            Metric::plain("p50 at 1 ms", "i1_p50_x"),
            Metric::plain("p50 at 5 ms", "i5_p50_x"),
            Metric::plain("p50 at 20 ms", "i20_p50_x"),
            Metric::plain("threads at 1 ms", "i1_ratio"),
            Metric::plain("threads at 5 ms", "i5_ratio"),
            Metric::plain("threads at 20 ms", "i20_ratio"),
        ],
    },
    Plan {
        program: "eventloop",
        question: "latency of an event loop beside work of 60 ms: p99 in switch intervals, inline in works",
        args: &["--seconds", "0.8", "--rate", "100", "--ms", "60"],
        quick_args: &["--seconds", "0.6", "--rate", "100", "--ms", "60"],
        rounds: 2,
        policies: &[Policy::Gil310, Policy::Gil313, Policy::Free],
        ablations: &["nonblocking-keeps"],
        metrics: &[
            Metric::per("idle", "idle_p99_ms", "interval_ms"),
            Metric::per("inline, in works", "inline_p99_ms", "work_ms"),
            Metric::per("thread", "thread_p99_ms", "interval_ms"),
            Metric::per("process", "process_p99_ms", "interval_ms"),
        ],
    },
    Plan {
        program: "free_threads",
        question: "operations of 2 threads relative to 1, each with a list of its own and both with the same",
        args: &["--times", "100000"],
        quick_args: &["--times", "40000"],
        rounds: 3,
        policies: &[Policy::Gil310, Policy::Gil313, Policy::PerInterp, Policy::Free],
        ablations: &[],
        metrics: &[
            Metric::plain("read, own", "list_read_private"),
            Metric::plain("read, same", "list_read_shared"),
            Metric::plain("append, own", "append_pop_private"),
            Metric::plain("append, same", "append_pop_shared"),
        ],
    },
];

impl Plan {
    /// Whether the subject runs it.
    pub fn has(&self, subject: &Subject) -> bool {
        match (subject.model(), subject.ablation()) {
            (Some(model), _) => self.policies.contains(&model),
            (None, Some(ablation)) => self.ablations.contains(&ablation) && self.policies.contains(&ABLATED),
            (None, None) => false,
        }
    }

    /// The program.
    pub fn file(&self) -> PathBuf {
        let name = self.program.split('-').next().unwrap_or(self.program);
        folder("examples/py").join(name).with_extension("py")
    }

    /// The arguments.
    pub fn args(&self, quick: bool) -> Vec<String> {
        let args = if quick { self.quick_args } else { self.args };
        args.iter().map(|&word| word.to_owned()).collect()
    }

    /// How often each subject runs it.
    pub fn rounds(&self, quick: bool) -> usize {
        if quick { 1 } else { self.rounds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_is_there_and_takes_its_arguments() {
        for plan in PLANS {
            let source = std::fs::read_to_string(plan.file()).unwrap();
            for args in [plan.args(false), plan.args(true)] {
                for name in args.iter().filter(|word| word.starts_with("--")) {
                    assert!(source.contains(&format!("\"{name}\"")), "{}: {name}", plan.program);
                }
            }
        }
    }

    #[test]
    fn an_ablation_runs_where_its_effect_is_seen() {
        let changed = |ablation| Subject::Ours { policy: ABLATED, ablation };
        let plan = |program| PLANS.into_iter().find(|plan| plan.program == program).unwrap();
        assert!(plan("convoy").has(&changed("fair-ticket")));
        assert!(!plan("convoy").has(&changed("nonblocking-keeps")));
        assert!(plan("eventloop").has(&changed("nonblocking-keeps")));
        assert!(!plan("sleepers").has(&changed("io-priority")));
        assert!(!plan("longcall").has(&Subject::Ours { policy: Policy::Tick, ablation: "" }));
    }
}
