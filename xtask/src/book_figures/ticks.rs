//! The steps of one loop: what `examples/one_pass.rs` printed, laid beside what the recorder saw of the same run.
//!
//! # Model
//! The program prints one line for everything that it asks for, and one when something runs; the recorder has a slice
//! for everything that runs. Both are in the order in which it happened, so the n-th `runs` is the n-th slice, and
//! their kinds must agree. From the lines come letters and requests, from the slices phases and times.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::trace::{Slice, Trace};
use super::{Run, printed, target};

/// The recorded figure.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Ticks {
    pub(super) figure: String,
    pub(super) schema: u32,
    pub(super) run: Run,
    pub(super) dropped: u64,
    /// The phases of a pass, in their order.
    pub(super) phases: Vec<String>,
    pub(super) steps: Vec<Step>,
}

/// One step, at a time since the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Step {
    pub(super) ns: i64,
    #[serde(flatten)]
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum What {
    /// The main program asks for things, before the loop runs.
    Main { asks: Vec<Ask> },
    /// A pass begins.
    Pass { pass: u64 },
    /// A phase begins in which something runs; a phase with nothing to do is no step.
    Phase { pass: u64, phase: String },
    /// The loop asks the system what is ready, and sleeps there when nothing is.
    Poll { pass: u64, phase: String, took_ns: i64, events: u64 },
    /// Something runs, and asks for more.
    Run {
        pass: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        phase: Option<String>,
        kind: String,
        name: String,
        took_ns: i64,
        /// Of a timer: the time since it was set.
        #[serde(skip_serializing_if = "Option::is_none")]
        since_ns: Option<i64>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        asks: Vec<Ask>,
    },
    /// A pool thread begins or ends a job, whatever the loop does meanwhile.
    Job { begins: bool, name: String, thread: String },
    /// Nothing is left.
    End {},
}

/// Something that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ask {
    pub(super) kind: String,
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ms: Option<u64>,
}

/// Runs the example and joins what it printed with its trace.
pub(super) fn record(traces: &Path) -> Result<Ticks> {
    let file = traces.join("one_pass.json");
    let program = target().join("release/examples/one_pass");
    let lines = printed(Command::new(program).env("RUNTIME_LAB_TRACE", &file))?;
    let trace = Trace::read(&file)?;
    let run = Run::here("examples/one_pass.rs", "cargo run --release --example one_pass");
    join(&lines, &trace, run)
}

fn join(lines: &str, trace: &Trace, run: Run) -> Result<Ticks> {
    let (first, turns) = parse(lines)?;
    let mut turns = turns.into_iter();
    let mut phases: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    let (mut pass, mut last_ns) = (0, 0);
    let mut phase: Option<&Slice> = None;
    let mut begun: Option<&Slice> = None;
    let name = |slice: &Slice| slice.name.trim_start_matches("phase ").to_owned();
    for slice in &trace.slices {
        last_ns = last_ns.max(slice.to_ns);
        let ns = slice.from_ns;
        phase = phase.filter(|phase| phase.to_ns > ns);
        let what = match slice.category.as_str() {
            "tick" => {
                pass = slice.count.context("a pass has a number")?;
                What::Pass { pass }
            }
            "phase" => {
                phase = Some(slice);
                if pass > 0 && !phases.contains(&name(slice)) {
                    phases.push(name(slice));
                }
                continue;
            }
            "poll" => {
                let phase = phase.map(name).context("the loop polls in a phase")?;
                What::Poll { pass, phase, took_ns: slice.to_ns - ns, events: slice.count.unwrap_or(0) }
            }
            "callback" | "task poll" => {
                let (ran, asks) = turns.next().context("more callbacks than lines that say what runs")?;
                let kind = kind(&slice.name);
                ensure!(ran.kind == kind, "{} {} was printed where a {kind} ran", ran.kind, ran.name);
                // The poll phase has a step of its own.
                let quiet = begun == phase || phase.is_some_and(|phase| name(phase) == "poll");
                if let (Some(phase), false) = (phase, quiet) {
                    steps.push(Step { ns: phase.from_ns, what: What::Phase { pass, phase: name(phase) } });
                    begun = Some(phase);
                }
                let set = trace.waits.iter().rfind(|wait| wait.id == slice.id && wait.from_ns <= ns);
                What::Run {
                    pass,
                    phase: phase.map(name),
                    since_ns: set.filter(|_| kind == "timer").map(|set| set.to_ns - set.from_ns),
                    kind: ran.kind,
                    name: ran.name,
                    took_ns: slice.to_ns - ns,
                    asks,
                }
            }
            _ => continue,
        };
        steps.push(Step { ns, what });
    }
    ensure!(turns.next().is_none(), "fewer callbacks than lines that say what runs");
    steps.push(Step { ns: last_ns, what: What::End {} });
    steps.extend(jobs(trace, &steps)?);
    steps.sort_by_key(|step| step.ns);
    let from_ns = trace.waits.iter().chain(&trace.slices).map(|slice| slice.from_ns).min().unwrap_or(0);
    steps.insert(0, Step { ns: from_ns, what: What::Main { asks: first } });
    steps.iter_mut().for_each(|step| step.ns -= from_ns);
    Ok(Ticks { figure: "ticks".to_owned(), schema: 1, run, dropped: trace.dropped, phases, steps })
}

/// What the main program asks for, and each thing that runs with what it asks for.
type Turns = (Vec<Ask>, Vec<(Ask, Vec<Ask>)>);

fn parse(lines: &str) -> Result<Turns> {
    let (mut first, mut turns) = (Vec::new(), Vec::<(Ask, Vec<Ask>)>::new());
    for line in lines.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ask = |kind: &str, name: &str, ms: Option<&str>| -> Result<Ask> {
            let ms = ms.map(|ms| ms.parse().with_context(|| format!("{line:?} has no time"))).transpose()?;
            Ok(Ask { kind: kind.to_owned(), name: name.to_owned(), ms })
        };
        match words[..] {
            ["runs", kind, name] => turns.push((ask(kind, name, None)?, Vec::new())),
            ["asks", kind, name] => {
                turns.last_mut().map_or(&mut first, |turn| &mut turn.1).push(ask(kind, name, None)?)
            }
            ["asks", kind, name, "in", ms, "ms"] => {
                turns.last_mut().map_or(&mut first, |turn| &mut turn.1).push(ask(kind, name, Some(ms))?);
            }
            _ => (),
        }
    }
    Ok((first, turns))
}

/// The kind of a callback by the name of its slice, `next_tick (file:line)`, in the words of the program.
fn kind(slice: &str) -> &str {
    match slice.split(' ').next().unwrap_or_default() {
        "next_tick" => "tick",
        "request" => "file",
        other => other,
    }
}

/// When pool threads began and ended jobs; the n-th job is the n-th file that was asked for.
fn jobs(trace: &Trace, steps: &[Step]) -> Result<Vec<Step>> {
    let asked = steps.iter().filter_map(|step| match &step.what {
        What::Run { asks, .. } => Some(asks),
        _ => None,
    });
    let mut names = asked.flatten().filter(|ask| ask.kind == "file").map(|ask| ask.name.clone());
    let mut found = Vec::new();
    for slice in trace.of("job") {
        let name = names.next().context("more jobs than files that were asked for")?;
        let thread = trace.threads.get(&slice.thread).cloned().unwrap_or_default();
        let job = |begins| What::Job { begins, name: name.clone(), thread: thread.clone() };
        found.push(Step { ns: slice.from_ns, what: job(true) });
        found.push(Step { ns: slice.to_ns, what: job(false) });
    }
    ensure!(names.next().is_none(), "a file was asked for, but the pool has no job");
    Ok(found)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const LINES: &str = "  asks timer A in 5 ms\n  asks tick B\nruns tick B\nruns timer A\n  asks file C\nruns file C\nthe end\n";

    fn slice(category: &str, name: &str, (from_ns, to_ns): (i64, i64), id: u64, count: Option<u64>) -> Slice {
        let thread = if category == "job" { 2 } else { 1 };
        Slice { thread, name: name.to_owned(), category: category.to_owned(), from_ns, to_ns, id, count }
    }

    fn trace() -> Trace {
        Trace {
            dropped: 2,
            threads: [(2, "pool-0".to_owned())].into(),
            waits: vec![slice("timer", "timer", (100, 290), 7, None)],
            slices: vec![
                slice("callback", "next_tick (x.rs:1)", (110, 120), 1, None),
                slice("tick", "tick", (200, 400), 0, Some(1)),
                slice("phase", "phase poll", (210, 250), 0, None),
                slice("poll", "poll", (211, 240), 0, Some(0)),
                slice("phase", "phase check", (255, 260), 0, None),
                slice("phase", "phase timers", (280, 390), 0, None),
                slice("callback", "timer (x.rs:2)", (291, 380), 7, None),
                slice("job", "fs.read", (300, 350), 3, None),
                slice("tick", "tick", (400, 500), 0, Some(2)),
                slice("phase", "phase poll", (410, 490), 0, None),
                slice("poll", "poll", (411, 412), 0, Some(1)),
                slice("callback", "request (x.rs:3)", (420, 430), 9, None),
            ],
            ..Trace::default()
        }
    }

    pub(in super::super) fn example() -> Ticks {
        join(LINES, &trace(), Run::here("x.rs", "cargo run")).expect("they belong together")
    }

    #[test]
    fn lines_and_slices_become_steps() {
        let ticks = example();
        assert_eq!(ticks.phases, ["poll", "check", "timers"]);
        let told: Vec<String> = ticks
            .steps
            .iter()
            .map(|Step { ns, what }| match what {
                What::Main { asks } => format!("{ns} main asks {}", asks.len()),
                What::Pass { pass } => format!("{ns} pass {pass}"),
                What::Phase { pass, phase } => format!("{ns} phase {pass} {phase}"),
                What::Poll { took_ns, events, .. } => format!("{ns} poll {took_ns} {events}"),
                What::Run { pass, phase, kind, name, since_ns, asks, .. } => {
                    format!("{ns} {kind} {name} in {pass} {phase:?} {since_ns:?} asks {}", asks.len())
                }
                What::Job { begins, name, thread } => format!("{ns} job {begins} {name} {thread}"),
                What::End {} => format!("{ns} end"),
            })
            .collect();
        let expected = [
            "0 main asks 2",
            "10 tick B in 0 None None asks 0",
            "100 pass 1",
            "111 poll 29 0",
            "180 phase 1 timers",
            "191 timer A in 1 Some(\"timers\") Some(190) asks 1",
            "200 job true C pool-0",
            "250 job false C pool-0",
            "300 pass 2",
            "311 poll 1 1",
            "320 file C in 2 Some(\"poll\") None asks 0",
            "400 end",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn lines_that_are_not_of_this_run_are_refused() {
        let says =
            |lines: &str| join(lines, &trace(), Run::here("x.rs", "")).expect_err("refused").to_string();
        assert_eq!(
            says(&LINES.replace("runs tick B", "runs microtask B")),
            "microtask B was printed where a tick ran"
        );
        assert_eq!(says("runs tick B\n"), "more callbacks than lines that say what runs");
        assert_eq!(says(&format!("{LINES}runs tick D\n")), "fewer callbacks than lines that say what runs");
        assert!(says(&LINES.replace("asks file C", "")).contains("more jobs than files"));
        assert!(says(&LINES.replace("asks tick B", "asks tick B in x ms")).contains("has no time"));
    }

    #[test]
    fn a_figure_is_read_back_as_it_was_written() {
        let ticks = example();
        let text = serde_json::to_string(&ticks).expect("JSON");
        assert_eq!(serde_json::from_str::<Ticks>(&text).expect("read"), ticks);
    }
}
