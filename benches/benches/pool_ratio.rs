//! What does a pool cost, and what do more threads cost it? No-op jobs, 1,024 in flight, as ratios that can be trusted.
//!
//! criterion measures one bench after the other, and a machine that is not quiet, or a heap that the bench before has
//! used, decides between two that are close. Here each pool runs alone in a process of its own, for a moment, and all
//! take turns; every ratio is to `ratio/fifo/1` of the same round.

use std::time::Duration;

use anyhow::{Context, Result};
use benches::child;
use benches::contender::{Contender, Pool};
use benches::options::{Mode, Options};
use benches::ratio::Ratio;
use benches::table::{self, Table};
use benches::window::Window;
use benches::work::Work;
use benches::workload::Workload;
use clock::Clock;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// The first is what the others are compared with.
const PAIRS: [(Contender, usize); 6] = [
    (Contender::Fifo, 1),
    (Contender::Stealing, 1),
    (Contender::Tokio, 1),
    (Contender::Fifo, 8),
    (Contender::Stealing, 8),
    (Contender::Tokio, 8),
];

/// What a child process is asked to do.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Task {
    /// The place in `PAIRS`.
    pair: usize,
    warm_up: Duration,
    measured: Duration,
}

/// What it found, for one job.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Found {
    wall_ns: f64,
    /// Of all its threads together.
    cpu_ns: f64,
}

fn main() -> Result<()> {
    if child::main_if_child(|task: Task| Ok(run(&task)))? {
        return Ok(());
    }
    let options = Options::from_args();
    let (rounds, measured_ms) = match options.mode() {
        Mode::Nothing => return Ok(()),
        Mode::List | Mode::Try => (1, 1),
        Mode::Measure if options.quick => (8, 60),
        Mode::Measure => (25, 120),
    };
    let chosen: Vec<usize> = (0..PAIRS.len()).filter(|&pair| options.matches(&name(pair))).collect();
    if options.mode() == Mode::List {
        chosen.iter().for_each(|&pair| println!("{}: benchmark", name(pair)));
    } else if !chosen.is_empty() {
        let pairs: Vec<usize> = (0..PAIRS.len()).filter(|pair| *pair == 0 || chosen.contains(pair)).collect();
        let figures = measure(&pairs, rounds, Duration::from_millis(measured_ms))?;
        print(&figures);
        if let Some(path) = options.write_json(&figures)? {
            println!("figures written to {}", path.display());
        }
    }
    Ok(())
}

fn name(pair: usize) -> String {
    let (contender, threads) = PAIRS[pair];
    format!("ratio/{}/{threads}", contender.name())
}

/// In the child: the same batch over and over.
fn run(task: &Task) -> Found {
    let (contender, threads) = PAIRS[task.pair];
    let clock = Clock::real();
    let load = Workload::NoOp.load(&clock);
    let pool = Pool::build(contender, threads, Window::new(load.in_flight));
    let run_for = |time: Duration| {
        let (start, start_cpu) = (clock.now(), process_cpu_ns());
        let mut jobs = 0;
        while clock.now() - start < time || jobs == 0 {
            load.run(&pool, || Work::run);
            jobs += load.jobs();
        }
        let each = |ns: f64| ns / jobs as f64;
        Found {
            wall_ns: each((clock.now() - start).as_secs_f64() * 1e9),
            cpu_ns: each(process_cpu_ns() - start_cpu),
        }
    };
    run_for(task.warm_up);
    run_for(task.measured)
}

fn process_cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn measure(pairs: &[usize], rounds: usize, measured: Duration) -> Result<Figures> {
    let mut found: Vec<Vec<Found>> = vec![Vec::new(); pairs.len()];
    for _ in 0..rounds {
        for (&pair, found) in pairs.iter().zip(&mut found) {
            let task = Task { pair, warm_up: measured / 4, measured };
            found.push(child::run(&task).with_context(|| format!("the round of {} failed", name(pair)))?);
        }
    }
    let rows = pairs.iter().zip(&found).filter_map(|(&pair, own)| Row::new(name(pair), own, &found[0]));
    Ok(Figures { schema: 1, bench: "pool_ratio", rounds, rows: rows.collect() })
}

fn print(figures: &Figures) {
    let titles = ["name", "wall/job", "jobs/s ratio", "low to high", "CPU/job", "ratio", "low to high"];
    let mut table = Table::new(&titles);
    for row in &figures.rows {
        let ns = |ns: f64| table::duration(Duration::from_nanos(ns as u64));
        let cells = [row.name.clone(), ns(row.wall_ns)].into_iter().chain(row.speed_ratio.cells());
        table.row(cells.chain([ns(row.cpu_ns)]).chain(row.cpu_ratio.cells()));
    }
    println!("no-op jobs, at most 1024 in flight, {} rounds\n{}", figures.rounds, table.to_text());
    println!("ratio: to {} within the same round, median of the rounds\n", figures.rows[0].name);
}

#[derive(Serialize)]
struct Figures {
    schema: u32,
    bench: &'static str,
    rounds: usize,
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    /// Medians of the rounds.
    wall_ns: f64,
    cpu_ns: f64,
    speed_ratio: Ratio,
    cpu_ratio: Ratio,
}

impl Row {
    fn new(name: String, own: &[Found], base: &[Found]) -> Option<Row> {
        let speeds = own.iter().zip(base).map(|(own, base)| base.wall_ns / own.wall_ns);
        let cpus = own.iter().zip(base).map(|(own, base)| own.cpu_ns / base.cpu_ns.max(1.0));
        Some(Row {
            name,
            wall_ns: Ratio::of(own.iter().map(|found| found.wall_ns))?.median,
            cpu_ns: Ratio::of(own.iter().map(|found| found.cpu_ns))?.median,
            speed_ratio: Ratio::of(speeds)?,
            cpu_ratio: Ratio::of(cpus)?,
        })
    }
}
