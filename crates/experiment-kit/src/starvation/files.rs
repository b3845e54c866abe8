//! The files of `-o`: report page, latency chart, trace for Perfetto.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use runtime_trace::Recording;
use trace_report::chart::{LatencyChart, Limit, Scale, Series, latency_svg, ranges_svg};
use trace_report::chrome;
use trace_report::html::{Cell, Column, Page, Table, Tone, latency_table};

use crate::finding::Finding;
use crate::machine::{Machine, rustc_version};
use crate::starvation::acts::Act;
use crate::starvation::options::{Options, Output, OutputKind};
use crate::starvation::run::Ran;
use crate::stats::Interval;
use crate::verdict::{Claim, Verdict};

/// Makes sure that the files can be written, before anything is measured in vain.
pub(crate) fn check(outputs: &[Output]) -> Result<()> {
    for Output { path, .. } in outputs {
        // Opened without truncation: an older report stays until there is a new one.
        (File::options().create(true).truncate(false).write(true).open(path))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Writes all files of `-o`.
pub(crate) fn write(ran: &Ran, options: &Options) -> Result<()> {
    for Output { path, kind } in &options.out {
        let written = match kind {
            OutputKind::Html => std::fs::write(path, page(ran, options)),
            OutputKind::Svg => std::fs::write(path, latency_svg(&chart(ran))),
            OutputKind::Trace => trace(ran, path),
        };
        written.with_context(|| format!("cannot write {}", path.display()))?;
        eprintln!("wrote {}", path.display());
    }
    Ok(())
}

/// Opens `path` with the system's own opener and does not wait for it.
pub(crate) fn open(path: &Path) -> Result<()> {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let quiet = std::process::Stdio::null;
    std::process::Command::new(opener)
        .arg(path)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn()
        .with_context(|| format!("cannot run {opener}; open {} yourself", path.display()))?;
    Ok(())
}

fn trace(ran: &Ran, path: &Path) -> std::io::Result<()> {
    let mut whole = Recording::default();
    for scene in &ran.scenes {
        // Between two acts nothing is kept: a slice must not reach across.
        let mut part = scene.recording.clone();
        let (_, last_ns) = part.time_range_ns().unwrap_or_default();
        part.close_open_slices(last_ns);
        whole.append(part);
    }
    let mut out = BufWriter::new(File::create(path)?);
    chrome::write(&whole, std::process::id(), &mut out)?;
    out.flush()
}

fn chart(ran: &Ran) -> LatencyChart {
    let series = Act::ALL.iter().map(|&act| {
        let pings: Vec<f64> = ran.measured.of(act).pings_ms.iter().flatten().copied().collect();
        Series::from_values(act.name(), &pings)
    });
    let block = ran.measured.block().p50;
    let limits =
        if block > 0.0 { vec![Limit { label: "one block".to_owned(), value: block }] } else { Vec::new() };
    LatencyChart {
        title: "Latency of /ping by act".to_owned(),
        series: series.collect(),
        limits,
        scale: Scale::Log,
        ..LatencyChart::default()
    }
}

fn page(ran: &Ran, options: &Options) -> String {
    let chart = chart(ran);
    let mut page = Page::new("Starvation: small requests beside heavy work on one event loop");
    page.paragraph(&format!(
        "A load client in another process sent {} GET /ping a second to {}. Four acts took turns in {} rounds: nothing \
         else (idle), {} ms of CPU work on the loop's thread (inline), the same work in a pool of {} threads (offloaded), \
         the same work in pieces of {} ms (chunked). Latency counts from the time at which a request should have been sent.",
        options.rate,
        options.runtime,
        ran.measured.rounds,
        options.block_ms,
        options.pool_size,
        options.chunk_us as f64 / 1e3,
    ));
    if !ran.measured.complete {
        page.callout(Tone::Open, "Stopped early", "This is what was measured until then.");
    }
    for claim in &ran.claims {
        let (tone, text) = callout(claim);
        page.callout(tone, &format!("{} {}", claim.id, claim.verdict.word()), &text);
    }
    page.heading("Latency").table(&latency_table("Latency of /ping by act, ms", &chart.series));
    page.figure(&latency_svg(&chart), "Latency by percentile: every curve ends at its maximum");
    page.figure(&ranges_svg(&chart), "The same in short");
    timelines(&mut page, ran, options);
    culprits(&mut page, ran);
    page.heading("Machine").table(&machine());
    page.render()
}

fn callout(claim: &Claim) -> (Tone, String) {
    let mut text = claim.rule.clone();
    for finding in &claim.findings {
        if let Some(Interval { value, low, high }) = finding.interval.map(Interval::rounded) {
            let Finding { metric, threshold, .. } = finding;
            text.push_str(&format!(". {metric} = {value} (95 %: {low} to {high}), threshold {threshold}"));
        }
    }
    if let Some(reason) = &claim.reason {
        text.push_str(&format!(". {reason}"));
    }
    match &claim.verdict {
        Verdict::Holds => (Tone::Good, text),
        Verdict::Fails => (Tone::Bad, text),
        Verdict::Depends { condition } => (Tone::Mixed, format!("{text}. It needs {condition}.")),
        Verdict::Inconclusive { reason } => (Tone::Open, format!("{text}. Not settled: {reason}.")),
    }
}

fn timelines(page: &mut Page, ran: &Ran, options: &Options) {
    page.heading("Timelines");
    for act in Act::ALL {
        if let Some(scene) = ran.scenes.iter().find(|scene| scene.act == act) {
            let late_ms = options.late().as_secs_f64() * 1e3;
            let title =
                format!("The {} act of the last round; pings that waited {late_ms} ms or longer", act.name());
            page.timeline(&scene.timeline(options.stall_after(), options.late()), &title);
        }
    }
}

fn culprits(page: &mut Page, ran: &Ran) {
    page.heading("Who held the loop?");
    if ran.server.stalls.is_empty() {
        page.paragraph("The runtime does not say who held it.");
        return;
    }
    let columns = [
        Column::text("where"),
        Column::text("what"),
        Column::number("times"),
        Column::number("at most, ms"),
        Column::number("in all, ms"),
    ];
    let mut table = Table::new("In the words of the loop itself", columns);
    for stall in &ran.server.stalls {
        table.row([
            Cell::from(stall.location.as_str()),
            Cell::from(stall.name.as_str()),
            Cell::count(stall.count),
            Cell::ms(stall.held_max.as_secs_f64() * 1e3),
            Cell::ms(stall.held_total.as_secs_f64() * 1e3),
        ]);
    }
    page.table(&table);
}

fn machine() -> Table {
    let machine = Machine::here();
    let mut table = Table::new("Measured on", [Column::text("what"), Column::text("value")]);
    table.row([Cell::from("processor"), Cell::from(machine.cpu.as_str())]);
    table.row([Cell::from("processors that may be used"), Cell::count(machine.cores as u64)]);
    table.row([Cell::from("system"), Cell::from(machine.os.as_str())]);
    table.row([
        Cell::from("build"),
        Cell::from(format!("{}, rustc {}", machine.profile, rustc_version()).as_str()),
    ]);
    table
}
