//! Every picture of this crate from one made-up recording, to look at: `--example gallery -- DIRECTORY`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs, io};

use trace_report::chart::{self, LatencyChart, Limit};
use trace_report::chrome;
use trace_report::html::{self, Page, Tone};
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
    let mut page = Page::new("Starvation: one loop, four acts");
    page.paragraph("A loop answers `/ping` while the same work is done in four ways. The acts took turns.")
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
        .heading("What the loop did")
        .timeline(&timeline, "The loop, the pool and the pings")
        .heading("Try next")
        .list(["`cargo run --example starvation -- --pool-size 1`", "read the page of the book"])
        .code("$ cargo run --example starvation\nacts: idle, inline, offloaded, chunked");
    fs::write(directory.join("report.html"), page.render())?;
    fs::write(directory.join("latency.svg"), chart::latency_svg(&chart))?;
    fs::write(directory.join("timeline.svg"), timeline.svg("The loop, the pool and the pings", 920))?;
    chrome::write(&recording, 4_242, io::BufWriter::new(fs::File::create(directory.join("trace.json"))?))?;
    let mut out = io::stdout().lock();
    for (color, charset) in [(Color::Always, Charset::Unicode), (Color::Never, Charset::Ascii)] {
        writeln!(out, "{}", timeline.terminal(&TerminalStyle { width: 100, color, charset }))?;
    }
    Ok(())
}
