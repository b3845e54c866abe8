//! What does looking cost? HTTP hello over 64 connections, with more or less instrumentation, beside tokio and Node.
//!
//! A server is called `http/SETTING`. Their rounds take turns, and every ratio is to `http/default` of the same round;
//! `http/default-again` is the same server once more, so its ratio is the noise.

use std::time::Duration;

use anyhow::{Context, Result};
use benches::child;
use benches::http::client::{self, CONNECTIONS, Task};
use benches::http::counters::{self, AlwaysOn};
use benches::http::on_node;
use benches::http::rounds::Rounds;
use benches::http::servers::{Running, Setting};
use benches::options::{Mode, Options};
use benches::ratio::Ratio;
use benches::table::{self, Table};
use clock::Clock;
use serde::Serialize;

/// How many rounds there are and how long each takes.
struct Plan {
    rounds: usize,
    warm_up: Duration,
    measured: Duration,
}

fn main() -> Result<()> {
    if child::main_if_child(|task: Task| client::run(&task))? {
        return Ok(());
    }
    let options = Options::from_args();
    let plan = |rounds, warm_up_ms, measured_ms| Plan {
        rounds,
        warm_up: Duration::from_millis(warm_up_ms),
        measured: Duration::from_millis(measured_ms),
    };
    let plan = match options.mode() {
        Mode::Nothing => return Ok(()),
        Mode::List => {
            let names = Setting::ALL.map(name).into_iter().filter(|name| options.matches(name));
            names.for_each(|name| println!("{name}: benchmark"));
            return Ok(());
        }
        Mode::Try => plan(1, 1, 5),
        Mode::Measure if options.quick => plan(4, 50, 200),
        Mode::Measure => plan(24, 50, 250),
    };
    let node = on_node::find();
    let chosen = |setting| options.matches(&name(setting)) && (setting != Setting::Node || node.is_some());
    if node.is_none() && options.matches(&name(Setting::Node)) {
        println!(
            "Node is not here, so it is left out; install it (`node` on the PATH) to be compared with it"
        );
    }
    if !Setting::ALL.into_iter().any(chosen) {
        return Ok(());
    }
    // The first is what the others are compared with, so it is always there.
    let settings = Setting::ALL.into_iter().filter(|&setting| setting == Setting::ALL[0] || chosen(setting));
    let (rounds, dropped) = measure(&settings.collect::<Vec<_>>(), &plan)?;
    let always_on = AlwaysOn::of(&rounds[0], counters::ns_per_count(&Clock::real()));
    let figures = Figures::new(&plan, &rounds, always_on, dropped, node.map(|node| node.name()));
    print(&figures);
    if let Some(path) = options.write_json(&figures)? {
        println!("figures written to {}", path.display());
    }
    Ok(())
}

fn name(setting: Setting) -> String {
    format!("http/{}", setting.name())
}

/// All rounds, in turns; and how many records were dropped because the recorder was full.
fn measure(settings: &[Setting], plan: &Plan) -> Result<(Vec<Rounds>, u64)> {
    let servers = settings.iter().map(|&setting| Running::start(setting)).collect::<Result<Vec<_>>>()?;
    let mut rounds: Vec<Rounds> = settings.iter().map(|&setting| Rounds::new(setting)).collect();
    let mut dropped = 0;
    for round in 0..plan.rounds {
        // Every other round goes backwards, so that none always runs after the same neighbour.
        let mut order: Vec<_> = servers.iter().zip(&mut rounds).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for (server, rounds) in order {
            let task = Task { addr: server.addr, warm_up: plan.warm_up, measured: plan.measured };
            let found =
                child::run(&task).with_context(|| format!("the round of {} failed", name(rounds.setting)))?;
            rounds.found.push(found);
            // Emptied between rounds: a full recorder writes nothing, which would be cheaper than recording. The
            // counts of dropped records are totals.
            let recording = server.recorder.collect();
            dropped = dropped.max(recording.lanes.iter().map(|lane| lane.dropped).sum());
        }
    }
    servers.into_iter().try_for_each(Running::stop)?;
    Ok((rounds, dropped))
}

fn print(figures: &Figures) {
    let mut table = Table::new(&[
        "name",
        "requests/s",
        "ratio",
        "low to high",
        "CPU/request",
        "ratio",
        "low to high",
        "best",
    ]);
    for row in &figures.rows {
        let cpu = Duration::from_nanos(row.cpu_ns_per_request as u64);
        let mut line = vec![row.name.clone(), table::count(row.requests_per_second)];
        line.extend(row.requests_ratio.cells());
        line.push(table::duration(cpu));
        line.extend(row.cpu_ratio.cells());
        line.push(format!("{:.3}", row.cpu_best_ratio));
        table.row(line);
    }
    println!("{CONNECTIONS} connections, {} rounds of {:?} each", figures.rounds, figures.measured);
    print!("{}", table.to_text());
    println!(
        "ratio: to {} within the same round, median of the rounds; best: of the best round of each",
        figures.rows[0].name
    );
    if let Some(recorder) = figures.rows.iter().find(|row| row.name == name(Setting::Recorder)) {
        let [median, best] =
            [recorder.cpu_ratio.median, recorder.cpu_best_ratio].map(|ratio| (ratio - 1.0) * 100.0);
        println!(
            "recording: {median:.1} % more CPU time a request by the median, {best:.1} % by the best rounds; the promise is \
             below 5 %, as far as default-again shows a quiet machine"
        );
    }
    for peer in &figures.peers {
        let faster = |ratio: &Ratio| format!("{:.2} ({:.2} to {:.2})", ratio.median, ratio.low, ratio.high);
        println!(
            "beside {}: {} times the requests per second, asked is {}; {} times the CPU time a request",
            peer.name,
            faster(&peer.requests_ratio),
            peer.asked,
            faster(&peer.cpu_ratio),
        );
    }
    let on = &figures.always_on;
    println!(
        "always on: {:.2} passes and {:.2} callbacks a request, {:.2} ns a count: at most {:.2} % of the CPU time",
        on.passes_per_request,
        on.callbacks_per_request,
        on.ns_per_count,
        on.share_at_most * 100.0
    );
    if figures.records_dropped > 0 {
        println!("the recorder was full and dropped {} records", figures.records_dropped);
    }
    println!();
}

/// The JSON, and what is printed.
#[derive(Serialize)]
struct Figures {
    schema: u32,
    bench: &'static str,
    connections: usize,
    rounds: usize,
    #[serde(skip)]
    measured: Duration,
    rows: Vec<Row>,
    peers: Vec<Peer>,
    always_on: AlwaysOn,
    records_dropped: u64,
}

/// `http/default` beside a peer, within the same round.
#[derive(Serialize)]
struct Peer {
    name: String,
    /// Our requests per second over the peer's, and what the project wants it to be at least.
    requests_ratio: Ratio,
    asked: f64,
    /// Our CPU time per request over the peer's.
    cpu_ratio: Ratio,
}

#[derive(Serialize)]
struct Row {
    name: String,
    requests_per_second: f64,
    requests_ratio: Ratio,
    cpu_ns_per_request: f64,
    cpu_ratio: Ratio,
    /// Of the least disturbed rounds.
    cpu_best_ratio: f64,
}

impl Figures {
    fn new(
        plan: &Plan,
        rounds: &[Rounds],
        always_on: AlwaysOn,
        records_dropped: u64,
        node: Option<String>,
    ) -> Figures {
        let base = &rounds[0];
        let peer = |setting, name, asked| {
            let peer = rounds.iter().find(|rounds| rounds.setting == setting)?;
            let (requests_ratio, cpu_ratio) = (base.speed_over(peer)?, base.cpu_over(peer)?);
            Some(Peer { name, requests_ratio, asked, cpu_ratio })
        };
        let tokio = peer(Setting::Tokio, "tokio and hyper".to_owned(), 0.95);
        let node = node.and_then(|name| peer(Setting::Node, name, 2.0));
        let row = |own: &Rounds| {
            Some(Row {
                name: name(own.setting),
                requests_per_second: own.requests_per_second(),
                requests_ratio: own.speed_over(base)?,
                cpu_ns_per_request: own.cpu_ns_per_request(),
                cpu_ratio: own.cpu_over(base)?,
                cpu_best_ratio: own.best_cpu_over(base)?,
            })
        };
        Figures {
            schema: 1,
            bench: "http_hello",
            connections: CONNECTIONS,
            rounds: plan.rounds,
            measured: plan.measured,
            rows: rounds.iter().filter_map(row).collect(),
            peers: tokio.into_iter().chain(node).collect(),
            always_on,
            records_dropped,
        }
    }
}
