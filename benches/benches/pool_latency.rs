//! Which pool size? The queue wait of every job, the first result of a cold pool, and the time for all jobs.
//!
//! The same jobs as in `pool_size`. A combination is called `wait/WORKLOAD/SCHEDULER/SIZE`. The rounds of all sizes and
//! schedulers of a workload take turns, so that a disturbance of the machine hits them alike.

use std::time::Duration;

use anyhow::Result;
use benches::contender::{Contender, SIZES};
use benches::latency::Row;
use benches::options::{Mode, Options};
use benches::reading::{self, Reading};
use benches::table::{self, Table};
use benches::workload::{Load, Workload};
use clock::Clock;
use serde::Serialize;

const ROUNDS: usize = 5;
const QUICK_ROUNDS: usize = 2;

fn main() -> Result<()> {
    let options = Options::from_args();
    let mode = options.mode();
    let rounds = match mode {
        Mode::Nothing => return Ok(()),
        Mode::List | Mode::Try => 1,
        Mode::Measure if options.quick => QUICK_ROUNDS,
        Mode::Measure => ROUNDS,
    };
    let clock = Clock::real();
    let mut rows = Vec::new();
    let mut readings = Vec::new();
    for workload in Workload::ALL {
        let chosen = chosen(&options, workload);
        if mode == Mode::List {
            chosen
                .iter()
                .for_each(|&(contender, size)| println!("{}: benchmark", name(workload, contender, size)));
        } else if !chosen.is_empty() {
            let load = workload.load(&clock);
            let load = if mode == Mode::Try { load.shortened() } else { load };
            let measured = measure(workload, &load, &chosen, rounds, &clock);
            print_table(&load, &measured, rounds);
            readings.extend(reading::read(workload, &measured));
            rows.extend(measured);
        }
    }
    if !rows.is_empty() {
        print_readings(&readings);
        let figures = Figures::new(rounds, &rows, readings);
        if let Some(path) = options.write_json(&figures)? {
            println!("figures written to {}", path.display());
        }
    }
    Ok(())
}

fn name(workload: Workload, contender: Contender, threads: usize) -> String {
    format!("wait/{}/{}/{threads}", workload.name(), contender.name())
}

/// The combinations that the filter lets through.
fn chosen(options: &Options, workload: Workload) -> Vec<(Contender, usize)> {
    let all = SIZES.into_iter().flat_map(|size| Contender::ALL.map(|contender| (contender, size)));
    all.filter(|&(contender, size)| options.matches(&name(workload, contender, size))).collect()
}

fn measure(
    workload: Workload,
    load: &Load,
    chosen: &[(Contender, usize)],
    rounds: usize,
    clock: &Clock,
) -> Vec<Row> {
    let mut rows: Vec<Row> =
        chosen.iter().map(|&(contender, threads)| Row::new(workload, contender, threads, load)).collect();
    for _ in 0..rounds {
        rows.iter_mut().for_each(|row| row.add_round(load, clock));
    }
    rows
}

fn print_table(load: &Load, rows: &[Row], rounds: usize) {
    let mut table =
        Table::new(&["name", "wait p50", "wait p99", "wait max", "first result", "total", "jobs/s"]);
    for row in rows {
        let times = [
            row.queue_wait.p50(),
            row.queue_wait.p99(),
            row.queue_wait.max(),
            row.first_result(),
            row.total(),
        ];
        let figures = times.map(table::duration).into_iter().chain([table::count(row.jobs_per_second())]);
        table.row([name(row.workload, row.contender, row.threads)].into_iter().chain(figures));
    }
    let (jobs, in_flight) = (load.jobs(), load.in_flight);
    println!("{jobs} jobs, at most {in_flight} in flight, {rounds} rounds\n{}", table.to_text());
}

fn print_readings(readings: &[Reading]) {
    println!("what to look for");
    println!("  wait: from the submission of a job to its start, all rounds together");
    println!(
        "  first result: of a pool without threads yet; total, jobs/s: of all jobs; medians of the rounds\n"
    );
    readings.iter().for_each(|reading| print!("{}", reading.to_text()));
}

/// The JSON: one object for each row of the tables, and the readings.
#[derive(Serialize)]
struct Figures {
    schema: u32,
    bench: &'static str,
    cores: usize,
    rounds: usize,
    rows: Vec<RowFigures>,
    readings: Vec<Reading>,
}

#[derive(Serialize)]
struct RowFigures {
    name: String,
    threads: usize,
    jobs: usize,
    in_flight: usize,
    queue_wait_us: WaitFigures,
    first_result_us: f64,
    total_us: f64,
    jobs_per_second: f64,
}

#[derive(Serialize)]
struct WaitFigures {
    p50: f64,
    p99: f64,
    max: f64,
    count: u64,
}

impl Figures {
    fn new(rounds: usize, rows: &[Row], readings: Vec<Reading>) -> Figures {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        let figures = |row: &Row| RowFigures {
            name: name(row.workload, row.contender, row.threads),
            threads: row.threads,
            jobs: row.jobs,
            in_flight: row.in_flight,
            queue_wait_us: WaitFigures {
                p50: us(row.queue_wait.p50()),
                p99: us(row.queue_wait.p99()),
                max: us(row.queue_wait.max()),
                count: row.queue_wait.count(),
            },
            first_result_us: us(row.first_result()),
            total_us: us(row.total()),
            jobs_per_second: row.jobs_per_second(),
        };
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let rows = rows.iter().map(figures).collect();
        Figures { schema: 1, bench: "pool_latency", cores, rounds, rows, readings }
    }
}
