//! Every picture of this crate from one made-up recording, to look at: `--example gallery -- DIRECTORY`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use trace_report::chart::{self, LatencyChart, Limit, Scale, Series};
use trace_report::chrome;
use trace_report::html::{self, Cell, Column, Page, Table, Tone};
use trace_report::lanes::{Charset, Class, Color, Row, TerminalStyle, Timeline, TimelineOptions, Window};

#[path = "../tests/synthetic/mod.rs"]
mod synthetic;

fn main() -> io::Result<()> {
    let directory = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".to_owned()));
    let recording = synthetic::Stage::new(1 << 16).play();
    let options = TimelineOptions { stall_after: Some(Duration::from_millis(50)), marks: true };
    let window = Window::all(&recording);
    let mut timeline = Timeline::new(&recording, window, &options);
    let pings = (0..200)
        .map(|ping| (window.from_ns + ping * 10_000_000, window.from_ns + ping * 10_000_000 + 300_000));
    let stalls: Vec<_> = timeline.stalls().iter().map(|(_, stall)| (stall.start_ns, stall.end_ns)).collect();
    let held = pings.map(|(from, to)| {
        let stall = stalls.iter().find(|(start, end)| (start..end).contains(&&from));
        (from, stall.map_or(to, |(_, end)| *end))
    });
    timeline.rows.push(Row::overlapping("pings in flight", Class::Wait, "pings wait", window, held));

    let chart = LatencyChart {
        title: "Latency of /ping by act".to_owned(),
        series: synthetic::series(),
        limits: vec![Limit { label: "one piece of work".to_owned(), value: 120.0 }],
        ..LatencyChart::default()
    };
    let lost = lost_updates();
    let mut page = Page::new("Everything that a report can show");
    page.contents();
    page.heading("Ledger")
        .paragraph("Press a header to sort, and a verdict or a word to filter.")
        .table(&ledger());
    page.section("L10", "Starvation: one loop, four acts")
        .paragraph("A loop answers `/ping` while the same work is done in four ways. The acts took turns.")
        .callout(Tone::Good, "L10 holds", "p99 inline is 310 times p99 idle; the rule asks for 10.")
        .callout(
            Tone::Bad,
            "L11 fails",
            "p99 offloaded is 0.3 times p99 inline; the rule asks for 0.1 or less.",
        )
        .callout(Tone::Open, "L12 inconclusive", "the confidence interval crosses the threshold.")
        .heading("Latency")
        .table(&html::latency_table("Latency of /ping by act, in milliseconds", &chart.series))
        .figure(&chart::latency_svg(&chart), "Latency by percentile. Lower is better.")
        .figure(&chart::ranges_svg(&chart), "The same in short.")
        .section("G1", "Lost updates, on an axis with zero")
        .table(&html::chart_table(&lost, "lock"))
        .figure(&chart::latency_svg(&lost), "Updates lost, by percentile.")
        .figure(&chart::ranges_svg(&lost), "The same in short.")
        .link("L10", "back to starvation")
        .heading("What the loop did")
        .timeline(&timeline, "The loop, the pool and the pings")
        .details("raw JSON", "{\n  \"schema\": 1,\n  \"experiment\": \"starvation\"\n}")
        .heading("Try next")
        .list(["`cargo run --example starvation -- --pool-size 1`", "read the page of the book"])
        .code("$ cargo run --example starvation\nacts: idle, inline, offloaded, chunked");
    fs::write(directory.join("report.html"), page.render())?;
    fs::write(directory.join("latency.svg"), chart::latency_svg(&chart))?;
    fs::write(directory.join("timeline.svg"), timeline.svg("The loop, the pool and the pings", 920))?;
    chrome::write(&recording, 4_242, io::BufWriter::new(fs::File::create(directory.join("trace.json"))?))?;
    let mut out = io::stdout().lock();
    for one in [&chart, &lost] {
        let style = TerminalStyle { width: 100, color: Color::Always, charset: Charset::Unicode };
        writeln!(out, "{}", chart::terminal(one, &style))?;
    }
    for (color, charset) in [(Color::Always, Charset::Unicode), (Color::Never, Charset::Ascii)] {
        writeln!(out, "{}", timeline.terminal(&TerminalStyle { width: 100, color, charset }))?;
    }
    Ok(())
}

/// Claims of the lab with made-up figures, one for each verdict and more.
fn ledger() -> Table {
    let columns = [
        Column::text("claim"),
        Column::text("verdict"),
        Column::text("what it says"),
        Column::number("value"),
        Column::number("threshold"),
        Column::text("see it"),
    ];
    let mut table = Table::new("What was claimed, and what was found", columns).ledger();
    let rows: [(&str, Tone, &str, &str, f64, f64, &str); 8] = [
        (
            "L10",
            Tone::Good,
            "holds",
            "one callback that computes makes every other request wait",
            310.0,
            10.0,
            "starvation",
        ),
        (
            "L11",
            Tone::Bad,
            "fails",
            "the pool gives the waiting requests their latency back",
            0.3,
            0.1,
            "starvation",
        ),
        (
            "L12",
            Tone::Open,
            "inconclusive",
            "work in pieces costs little and nobody waits",
            1.4,
            2.0,
            "starvation",
        ),
        (
            "L2",
            Tone::Good,
            "holds",
            "a timer is never early, and late by what ran before it",
            0.0,
            0.0,
            "timers",
        ),
        (
            "G1",
            Tone::Good,
            "holds",
            "`n += 1` in several threads loses updates without the lock",
            12.5,
            0.0,
            "counter",
        ),
        (
            "G7",
            Tone::Open,
            "depends",
            "threads that compute are slower together than in turn",
            1.02,
            1.05,
            "convoy",
        ),
        (
            "P3",
            Tone::Open,
            "skipped",
            "a forked child has its own copy of the memory",
            f64::NAN,
            1.0,
            "processes",
        ),
        ("W1", Tone::Good, "holds", "a rolling restart of all workers drops no request", 0.0, 0.0, "workers"),
    ];
    for (id, tone, verdict, says, value, threshold, name) in rows {
        let to = if id.starts_with('G') { "G1" } else { "L10" };
        let value = if value.is_nan() { Cell::from("–") } else { Cell::number(value, value.to_string()) };
        table.row([
            Cell::from(id).to(to),
            Cell::verdict(tone, verdict),
            Cell::from(says.replace('`', "")),
            value,
            Cell::number(threshold, threshold.to_string()),
            Cell::code(format!("lab run {name}")),
        ]);
    }
    table
}

/// A quantity that may be zero: percent of updates that were lost.
fn lost_updates() -> LatencyChart {
    let wave = |name: &str, from: f64, by: f64| {
        let values: Vec<f64> = (0..200_u32).map(|n| from + by * f64::from(n * n % 97) / 97.0).collect();
        Series::from_values(name, &values)
    };
    LatencyChart {
        title: "Updates lost by two threads".to_owned(),
        series: vec![wave("gil310", 0.0, 0.0), wave("tick", 0.0, 31.0), wave("free", 38.0, 24.0)],
        limits: vec![Limit { label: "every second update".to_owned(), value: 50.0 }],
        unit: "%".to_owned(),
        scale: Scale::Auto,
    }
}
