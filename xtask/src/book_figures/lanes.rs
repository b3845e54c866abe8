//! Who held the lock and who waited for it, under each policy: a window of a run of `examples/py/convoy.py`.
//!
//! # Model
//! ```text
//! the run:  main, echo and two spinners begin ... | window | ... the end
//!                     the first hand-over to echo, ^        ^ 60 ms later, or where the picture would get too full,
//!                     once all threads have held it           or where a thread's records found no room
//! ```
//! Holds of one thread with nothing but a moment in between are drawn as one, and say of how many they are made: under
//! `tick` a thread gives the lock up and takes it back thousands of times where nobody else gets it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::trace::{Slice, Trace};
use super::{Run, printed, target};
use crate::process;

/// The policies in the order of their age, with the interpreter that each is taken from.
const POLICIES: [(&str, &str); 6] = [
    ("tick", "CPython 2.7"),
    ("gil32", "CPython 3.2-3.9"),
    ("gil310", "CPython 3.10-3.12"),
    ("gil313", "CPython 3.13"),
    ("per-interp", "PEP 684"),
    ("free", "PEP 703"),
];
const PROGRAM: &str = "examples/py/convoy.py";
/// Two threads that compute beside the one that answers, and messages that nobody's answer holds back.
const OPTIONS: [&str; 10] =
    ["--spinners", "2", "--runs", "1", "--seconds", "0.15", "--mode", "paced", "--rate", "150"];
const WINDOW_NS: i64 = 60_000_000;
/// More than this is a picture that nobody reads.
const SEGMENTS_MAX: usize = 400;
/// Too short to be seen at any zoom that the figure offers.
const MOMENT_NS: i64 = 1_000;
/// A busy machine can start a thread so late that nothing is left to be shown.
const ATTEMPTS: u32 = 5;
/// The thread that is waited upon from outside.
const ANSWERS: &str = "echo";

/// The recorded figure.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Lanes {
    pub(super) figure: String,
    pub(super) schema: u32,
    pub(super) run: Run,
    pub(super) policies: Vec<Policy>,
}

/// What was recorded under one policy.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Policy {
    pub(super) name: String,
    pub(super) from: String,
    /// Records of the whole run, and those that found no room.
    pub(super) records: usize,
    pub(super) dropped: u64,
    /// Length of the window, and where in the run it begins.
    pub(super) window_ns: i64,
    pub(super) begins_ns: i64,
    /// The threads.
    pub(super) lanes: Vec<String>,
    /// The lock of each lane, by number: one for all, or each its own.
    pub(super) locks: Vec<usize>,
    pub(super) segments: Vec<Segment>,
    /// What the program printed about its whole run.
    pub(super) printed: BTreeMap<String, f64>,
}

/// Lane, kind (0 holds, 1 waits), begin and length in nanoseconds, and of how many holds it is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Segment(pub(super) usize, pub(super) u8, pub(super) i64, pub(super) i64, pub(super) usize);

pub(super) const HOLDS: u8 = 0;
pub(super) const WAITS: u8 = 1;

/// Runs the program under every policy.
pub(super) fn record(traces: &Path) -> Result<Lanes> {
    let mut policies = Vec::new();
    for (name, from) in POLICIES {
        let mut cut = attempt(name, from, traces);
        for _ in 1..ATTEMPTS {
            cut = cut.or_else(|_| attempt(name, from, traces));
        }
        policies.push(cut?);
    }
    let command = format!("cargo lab py {PROGRAM} --gil POLICY --trace out.json {}", OPTIONS.join(" "));
    let figure = "lock-lanes".to_owned();
    Ok(Lanes { figure, schema: 1, run: Run::here(PROGRAM, &command), policies })
}

/// One run; an error where a thread came so late that the records of another one had ended.
fn attempt(name: &str, from: &str, traces: &Path) -> Result<Policy> {
    let file = traces.join(format!("convoy-{name}.json"));
    let mut command = Command::new(target().join("release/lab"));
    command
        .current_dir(process::root())
        .args(["py", PROGRAM, "--quiet", "--gil", name, "--trace"])
        .arg(&file);
    let lines = printed(command.args(OPTIONS))?;
    cut(name, from, &Trace::read(&file)?, results(&lines)).with_context(|| format!("under {name}"))
}

/// `k2_p50_ms=1.5` of the last line as `p50_ms`, 1.5.
fn results(lines: &str) -> BTreeMap<String, f64> {
    let line = lines.lines().rfind(|line| line.starts_with("RESULT ")).unwrap_or_default();
    let mut found = BTreeMap::new();
    for (name, value) in line.split(' ').filter_map(|word| word.split_once('=')) {
        let name =
            name.split_once('_').filter(|(spinners, _)| *spinners == "k2").map_or(name, |(_, name)| name);
        if ["interval_ms", "p50_ms", "p99_ms", "max_ms", "msgs_s", "turns_m_s"].contains(&name) {
            found.extend(value.parse().map(|value| (name.to_owned(), value)));
        }
    }
    found
}

fn cut(name: &str, from: &str, trace: &Trace, printed: BTreeMap<String, f64>) -> Result<Policy> {
    let lanes: Vec<&u64> = trace.threads.keys().collect();
    let mut policy = Policy {
        name: name.to_owned(),
        from: from.to_owned(),
        records: trace.records,
        dropped: trace.dropped,
        window_ns: 0,
        begins_ns: 0,
        lanes: trace.threads.values().cloned().collect(),
        locks: Vec::new(),
        segments: Vec::new(),
        printed,
    };
    if trace.slices.is_empty() {
        // Without a global lock there is nothing to hold and nothing to wait for.
        return Ok(policy);
    }
    let mut of_lane: Vec<Vec<Slice>> = vec![Vec::new(); lanes.len()];
    for slice in &trace.slices {
        let lane =
            lanes.iter().position(|thread| **thread == slice.thread).context("a thread has no name")?;
        of_lane[lane].push(slice.clone());
    }
    let mut ids: Vec<u64> = Vec::new();
    for slices in &of_lane {
        let id = slices.iter().find(|slice| is_hold(slice)).context("a thread never had a lock")?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
        policy.locks.extend(ids.iter().position(|known| *known == id));
    }
    let begins_ns = beginning(&of_lane, &policy.lanes).context("echo never gets the lock")?;
    let lost_ns =
        (trace.dropped > 0).then(|| of_lane.iter().filter_map(|lane| Some(lane.last()?.to_ns)).min());
    let ends_ns = lost_ns.flatten().unwrap_or(i64::MAX).min(begins_ns + WINDOW_NS);
    ensure!(ends_ns > begins_ns, "the records of a thread end before the window begins; shorten the run");
    let mut segments = Vec::new();
    for (lane, slices) in of_lane.iter().enumerate() {
        for slice in
            merged(slices).iter().filter(|(slice, _)| slice.to_ns > begins_ns && slice.from_ns < ends_ns)
        {
            let (slice, count) = slice;
            let kind = if is_hold(slice) { HOLDS } else { WAITS };
            let (from, to) = (slice.from_ns.max(begins_ns), slice.to_ns.min(ends_ns));
            segments.push(Segment(lane, kind, from - begins_ns, to - from, *count));
        }
    }
    segments.sort_by_key(|segment| (segment.2, segment.0));
    // The window ends where the first segment begins that is too many.
    policy.window_ns = segments.get(SEGMENTS_MAX).map_or(ends_ns - begins_ns, |segment| segment.2);
    segments.retain(|segment| segment.2 < policy.window_ns);
    segments.iter_mut().for_each(|segment| segment.3 = segment.3.min(policy.window_ns - segment.2));
    policy.begins_ns = begins_ns;
    policy.segments = segments;
    Ok(policy)
}

fn is_hold(slice: &Slice) -> bool {
    slice.category == "lock"
}

/// The first time that `echo` gets the lock, after every thread has had it.
fn beginning(of_lane: &[Vec<Slice>], names: &[String]) -> Option<i64> {
    let first = |slices: &Vec<Slice>| slices.iter().find(|slice| is_hold(slice)).map(|slice| slice.from_ns);
    let all_ns = of_lane.iter().filter_map(first).max()?;
    let echo = names.iter().position(|name| name == ANSWERS)?;
    of_lane[echo]
        .iter()
        .filter(|slice| is_hold(slice))
        .map(|slice| slice.from_ns)
        .find(|from_ns| *from_ns >= all_ns)
}

/// The slices of one lane, with holds that only a moment parts made one; and how many were.
fn merged(slices: &[Slice]) -> Vec<(Slice, usize)> {
    let mut merged: Vec<(Slice, usize)> = Vec::new();
    for slice in slices {
        match merged.last_mut() {
            Some((last, count))
                if is_hold(last) && is_hold(slice) && slice.from_ns - last.to_ns < MOMENT_NS =>
            {
                last.to_ns = slice.to_ns;
                *count += 1;
            }
            _ => merged.push((slice.clone(), 1)),
        }
    }
    merged
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    fn slice(thread: u64, category: &str, from_us: i64, to_us: i64, id: u64) -> Slice {
        let (from_ns, to_ns) = (from_us * 1000, to_us * 1000);
        Slice { thread, name: String::new(), category: category.to_owned(), from_ns, to_ns, id, count: None }
    }

    fn trace(slices: Vec<Slice>) -> Trace {
        let threads =
            [(1, "main"), (2, "echo"), (3, "spinner 1")].map(|(thread, name)| (thread, name.to_owned()));
        Trace { threads: threads.into(), records: slices.len() * 2, slices, ..Trace::default() }
    }

    fn run() -> Vec<Slice> {
        let mut slices = vec![
            slice(1, "lock", 0, 10, 5),
            slice(2, "lock", 20, 30, 5),
            slice(3, "lock", 40, 5_000, 5),
            slice(2, "lock wait", 1_000, 5_000, 5),
            slice(2, "lock", 5_000, 5_010, 5),
            slice(3, "lock wait", 5_000, 5_010, 5),
            slice(3, "lock", 5_010, 30_000, 5),
            slice(3, "lock", 30_000, 90_000, 5),
        ];
        slices[7].from_ns += 400;
        slices
    }

    pub(in super::super) fn example() -> Lanes {
        let one =
            cut("gil310", "CPython 3.10-3.12", &trace(run()), results("RESULT k2_p50_ms=1.5\n")).unwrap();
        let none = cut("free", "PEP 703", &Trace::default(), BTreeMap::new()).unwrap();
        Lanes {
            figure: "lock-lanes".to_owned(),
            schema: 1,
            run: Run::here("c.py", "lab py"),
            policies: vec![one, none],
        }
    }

    #[test]
    fn a_window_begins_when_echo_gets_the_lock_from_the_others() {
        let policy = &example().policies[0];
        assert_eq!((policy.begins_ns, policy.window_ns, policy.records), (5_000_000, WINDOW_NS, 16));
        assert_eq!(policy.locks, [0, 0, 0]);
        let expected = [
            Segment(1, HOLDS, 0, 10_000, 1),
            Segment(2, WAITS, 0, 10_000, 1),
            Segment(2, HOLDS, 10_000, WINDOW_NS - 10_000, 2),
        ];
        assert_eq!(policy.segments, expected, "the last two holds are one, cut at the end of the window");
    }

    #[test]
    fn a_window_ends_where_records_were_lost() {
        let mut lossy = trace(run());
        lossy.slices.push(slice(1, "lock", 20_000, 20_001, 5));
        lossy.dropped = 7;
        lossy.slices.retain(|slice| slice.thread != 2 || slice.to_ns <= 5_010_000);
        lossy.slices.push(slice(2, "lock", 25_000, 25_001, 5));
        let policy = cut("tick", "CPython 2.7", &lossy, BTreeMap::new()).unwrap();
        assert_eq!((policy.dropped, policy.window_ns), (7, 15_001_000));
        lossy.slices.retain(|slice| slice.thread != 1 || slice.to_ns <= 10_000);
        assert!(cut("tick", "CPython 2.7", &lossy, BTreeMap::new()).is_err(), "main's records end too early");
    }

    #[test]
    fn a_window_ends_before_it_is_too_full() {
        let mut many = run();
        many.extend((0..900).map(|n| slice(1, "lock", 6_000 + n * 10, 6_005 + n * 10, 5)));
        let policy = cut("tick", "CPython 2.7", &trace(many), BTreeMap::new()).unwrap();
        assert_eq!(policy.segments.len(), SEGMENTS_MAX);
        assert!(policy.segments.iter().all(|segment| segment.2 + segment.3 <= policy.window_ns));
    }

    #[test]
    fn locks_of_one_lane_each_are_told_apart() {
        let own =
            vec![slice(1, "lock", 0, 10, 5), slice(3, "lock", 0, 90_000, 7), slice(2, "lock", 20, 30, 6)];
        assert_eq!(cut("per-interp", "PEP 684", &trace(own), BTreeMap::new()).unwrap().locks, [0, 1, 2]);
    }

    #[test]
    fn figures_are_those_of_the_last_line() {
        let found = results(
            "RESULT x\nRESULT program=convoy interval_ms=5.000 k2_p50_ms=0.3 k2_runs_x=0.1,2 k2_msgs_s=149\n",
        );
        assert_eq!(
            found,
            [("interval_ms", 5.0), ("msgs_s", 149.0), ("p50_ms", 0.3)].map(|(k, v)| (k.to_owned(), v)).into()
        );
    }
}
