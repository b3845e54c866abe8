//! How many connections can one loop hold, and what does an idle one cost? Ten thousand, of which a thousand talk.
//!
//! Servers are called `connections/SUBJECT`. Each runs alone in a process of its own, three times through; it fails when
//! descriptors, handles or memory do not come back, or one connection is lost.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use benches::child;
use benches::connections::{Figures, Plan, Subject, Task, hypers_share, measure, raise_limit, serve};
use benches::options::{Mode, Options};
use benches::table::{self, Table};
use serde::Serialize;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

/// How long the servers talk, each time, that are there to be compared.
const COMPARED: Duration = Duration::from_secs(2);

/// What one HTTP connection may cost beside hyper's share.
const ASKED: f64 = 4096.0;

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Bytes handed out and not given back.
fn allocated() -> u64 {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated) as u64
}

/// Whether everything came back.
fn run() -> Result<bool> {
    if child::main_if_child(|task: Task| serve(task, allocated))? {
        return Ok(true);
    }
    let options = Options::from_args();
    let plan = match options.mode() {
        Mode::Nothing => return Ok(true),
        Mode::List => {
            let names = Subject::ALL.map(name).into_iter().filter(|name| options.matches(name));
            names.for_each(|name| println!("{name}: benchmark"));
            return Ok(true);
        }
        Mode::Try => Plan { connections: 500, talking: 50, time: Duration::from_millis(100) },
        Mode::Measure if options.quick => {
            Plan { connections: 10_000, talking: 1_000, time: Duration::from_secs(2) }
        }
        Mode::Measure => Plan { connections: 10_000, talking: 1_000, time: Duration::from_secs(20) },
    };
    let fit = raise_limit(plan.connections);
    if fit < plan.connections {
        println!(
            "the limit on descriptors lets only {fit} of {} connections open; raise it with `ulimit -n`",
            plan.connections
        );
    }
    let plan = Plan { connections: fit, ..plan };
    let mut found = Vec::new();
    for subject in Subject::ALL.into_iter().filter(|&subject| options.matches(&name(subject))) {
        // The server that users have talks for a minute in all; the others are there to be compared.
        let time = if subject == Subject::Http { plan.time } else { plan.time.min(COMPARED) };
        found.push(measure(subject, &Plan { time, ..plan })?);
    }
    if found.is_empty() {
        return Ok(true);
    }
    print(&plan, &found);
    if let Some(path) =
        options.write_json(&Output { schema: 1, bench: "connections", plan, servers: &found })?
    {
        println!("figures written to {}", path.display());
    }
    Ok(found.iter().all(|figures| figures.left_behind().is_empty()))
}

fn name(subject: Subject) -> String {
    format!("connections/{}", subject.name())
}

/// The JSON.
#[derive(Serialize)]
struct Output<'a> {
    schema: u32,
    bench: &'static str,
    plan: Plan,
    servers: &'a [Figures],
}

fn print(plan: &Plan, found: &[Figures]) {
    let mut table = Table::new(&[
        "name",
        "bytes each",
        "resident each",
        "answers/s",
        "longest wait",
        "descriptors",
        "handles",
        "allocated KiB",
    ]);
    let path = |figures: &Figures, value: &dyn Fn(&benches::connections::State) -> u64| {
        let [first, .., last] = &figures.cycles;
        let states = [&figures.before, &first.idle, &first.after, &last.idle, &last.after];
        states.map(|state| value(state).to_string()).join(" ")
    };
    for figures in found {
        let cycles = &figures.cycles;
        let seconds: f64 = cycles.iter().map(|cycle| cycle.elapsed.as_secs_f64()).sum();
        let answers: u64 = cycles.iter().map(|cycle| cycle.answers).sum();
        let longest = cycles.iter().map(|cycle| cycle.longest_wait).max().unwrap_or_default();
        table.row([
            format!("connections/{}", figures.subject),
            format!("{:.0}", figures.bytes_per_connection),
            figures.resident_per_connection.map_or("?".to_owned(), |bytes| format!("{bytes:.0}")),
            table::count(answers as f64 / seconds.max(1e-9)),
            table::duration(longest),
            path(figures, &|state| state.descriptors as u64),
            path(figures, &|state| state.handles as u64),
            path(figures, &|state| state.allocated / 1024),
        ]);
    }
    println!(
        "{} connections, {} of them talk for {:?}, three times",
        plan.connections, plan.talking, plan.time
    );
    print!("{}", table.to_text());
    println!("the last three columns: before, then open and closed, the first time and the last");
    for figures in found {
        let left = figures.left_behind();
        if !left.is_empty() {
            println!("connections/{} left behind: {}", figures.subject, left.join("; "));
        }
    }
    let hyper = hypers_share(1_000, allocated);
    if let Some(http) = found.iter().find(|figures| figures.subject == Subject::Http.name()) {
        println!(
            "an idle HTTP connection: {:.0} bytes, of which hyper holds {hyper:.0} by itself; the rest is {:.0}, asked is \
             less than {ASKED}",
            http.bytes_per_connection,
            http.bytes_per_connection - hyper
        );
    }
    println!();
}
