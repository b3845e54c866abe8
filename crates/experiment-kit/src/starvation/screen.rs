//! The screen: question, table, timelines, culprit, verdicts, what to try next. It must teach by itself.
//!
//! Texts are built with colours; [`print`] takes them out where stdout is no terminal or `NO_COLOR` is set.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use owo_colors::OwoColorize;
use trace_report::lanes::{Charset, Color, TerminalStyle};
use trace_report::text::milliseconds;

use crate::contender::ServerStats;
use crate::finding::Finding;
use crate::load::FailureKind;
use crate::starvation::acts::Act;
use crate::starvation::figures::{ActSamples, Measured, commonest};
use crate::starvation::options::Options;
use crate::starvation::picture::together;
use crate::starvation::run::Ran;
use crate::stats::Interval;
use crate::verdict::{Claim, Verdict};

const WIDTH_DEFAULT: usize = 80;
/// Behind two spaces, an id of three, and a word of twelve.
const VERDICT_INDENT: usize = 19;

/// Writes `text` to stdout; a reader that has gone away had enough.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// What is asked, before anything is measured.
pub(crate) fn question(options: &Options, width: usize) -> String {
    let setup = format!(
        "A client in another process sends {} GET /ping a second to a server with one event loop ({}). Four acts take \
         turns: nothing else, {} ms of CPU work on the loop's thread, the same work in a pool of {} threads, and the \
         same work in pieces of {}.",
        options.rate,
        options.runtime,
        options.block_ms,
        options.pool_size,
        piece(options),
    );
    format!(
        "{}\n{}\n",
        "What happens to small requests while one event loop does heavy work?".bold(),
        wrap(&setup, 0, width)
    )
}

fn piece(options: &Options) -> String {
    format!("{} ms", options.chunk_us as f64 / 1e3)
}

/// All that a run has to say, in lines of at most `width`.
pub(crate) fn result(ran: &Ran, options: &Options, width: usize) -> String {
    if !ran.measured.complete && ran.measured.acts.iter().all(|act| act.ping_count() == 0) {
        return "Stopped before anything was measured.\n".to_owned();
    }
    let mut text = String::from("\n");
    if !ran.measured.complete {
        let rounds = ran.measured.rounds;
        let note = format!(
            "Stopped early: this is what was measured in {rounds} complete rounds and a part of the next."
        );
        let _ = writeln!(text, "{}\n", wrap(&note, 0, width).yellow());
    }
    text.push_str(&table(&ran.measured, options, width));
    text.push_str(&price(&ran.measured, width));
    text.push_str(&timelines(ran, options, width));
    text.push_str(&culprits(&options.runtime, &ran.server));
    text.push_str(&verdicts(&ran.claims, width));
    text.push_str(&next(options));
    text
}

fn heading(text: &str) -> String {
    format!("\n{}\n", text.bold())
}

fn table(measured: &Measured, options: &Options, width: usize) -> String {
    let beside = |act| match act {
        Act::Idle => "nothing".to_owned(),
        Act::Inline => format!("{} ms on the loop", options.block_ms),
        Act::Offloaded => "in the pool".to_owned(),
        Act::Chunked => format!("in pieces of {}", piece(options)),
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width as u16);
    table.set_header(["act", "heavy work", "p50", "p99", "max", "count", "p99 x idle"]);
    let idle = measured.of(Act::Idle).pings().p99;
    for act in Act::ALL {
        let pings = measured.of(act).pings();
        let number = |ms: f64| if pings.count == 0 { "-".to_owned() } else { milliseconds(ms) };
        table.add_row([
            act.name().to_owned(),
            beside(act),
            number(pings.p50),
            number(pings.p99),
            number(pings.max),
            pings.count.to_string(),
            if idle > 0.0 && pings.count > 0 { format!("{:.1}", pings.p99 / idle) } else { "-".to_owned() },
        ]);
    }
    for column in 2..7 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text =
        format!("{}\n{table}\n", "Latency of /ping in ms, from the time it should have been sent".bold());
    if let Some(note) = failed(measured) {
        let _ = writeln!(text, "{}", wrap(&note, 0, width).red());
    }
    text
}

/// How many requests failed, and why most of them did.
fn failed(measured: &Measured) -> Option<String> {
    let failures = || measured.acts.iter().flat_map(ActSamples::failures);
    let why = commonest(failures())?;
    let asked: usize = measured.acts.iter().map(|act| act.pings_asked() + act.works_asked()).sum();
    let mut note = format!(
        "{} of {asked} requests failed and are not in the table, most of them because: {why}.",
        failures().count()
    );
    if why == FailureKind::Closed.to_string() {
        note.push_str(" Is the server out of descriptors? Raise the limit with `ulimit -n 4096`.");
    }
    Some(note)
}

/// What the cures cost, and how the block was measured.
fn price(measured: &Measured, width: usize) -> String {
    let block = measured.block();
    if block.count == 0 {
        return String::new();
    }
    let held = format!(
        "The work held the loop for {} ms (p50 of {}), {:.0} % of the inline act.",
        milliseconds(block.p50),
        block.count,
        measured.blocked_share() * 100.0
    );
    let mut text = wrap(&held, 0, width) + "\n";
    if let Some(price) = measured.chunk_price() {
        let took =
            format!("In pieces the same work took {price:.2} x as long: the price of letting others in.");
        let _ = writeln!(text, "{}", wrap(&took, 0, width));
    }
    text
}

fn timelines(ran: &Ran, options: &Options, width: usize) -> String {
    let Some(timeline) = together(&ran.scenes, options.stall_after(), options.late()) else {
        return String::new();
    };
    let style = TerminalStyle { width, color: Color::Always, charset: Charset::Unicode };
    let seconds = ran.plan.act.as_secs_f64();
    let late_ms = milliseconds(options.late().as_secs_f64() * 1e3);
    let mut text = heading(&format!("The last round, {seconds:.1} s of each act from left to right"));
    let _ = writeln!(
        text,
        "Digits count the pings that wait {late_ms} ms or longer.\n{}",
        timeline.terminal(&style).trim_end()
    );
    text
}

/// Who held the loop, in the loop's own words.
pub(crate) fn culprits(runtime: &str, server: &ServerStats) -> String {
    let mut text = heading("Who held the loop?");
    let mut stalls: Vec<_> = server.stalls.iter().collect();
    stalls.sort_by_key(|stall| std::cmp::Reverse(stall.held_total));
    for stall in &stalls {
        let ms = |held: std::time::Duration| milliseconds(held.as_secs_f64() * 1e3);
        let line = format!(
            "  {}  {}\n    {}, {} ms at most, {} ms in all\n",
            stall.location.bold(),
            stall.name,
            if stall.count == 1 { "once".to_owned() } else { format!("{} times", stall.count) },
            ms(stall.held_max),
            ms(stall.held_total)
        );
        text.push_str(&line);
    }
    if stalls.is_empty() {
        let _ = writeln!(text, "  {runtime} does not say who held it.");
    } else {
        text.push_str("  The place is the route: its handler computes on the loop's thread.\n");
    }
    if let Some(lag) = server.lag {
        let ms = |lag: std::time::Duration| milliseconds(lag.as_secs_f64() * 1e3);
        let _ = writeln!(
            text,
            "  Busy time of a pass (at most): p50 {} ms, p99 {} ms, max {} ms.",
            ms(lag.p50),
            ms(lag.p99),
            ms(lag.max)
        );
    }
    text
}

fn verdicts(claims: &[Claim], width: usize) -> String {
    let mut text = heading("Verdicts");
    for claim in claims {
        let word = format!("{:<12}", claim.verdict.word());
        let word = match claim.verdict {
            Verdict::Holds => word.green().to_string(),
            Verdict::Fails => word.red().to_string(),
            Verdict::Depends { .. } | Verdict::Inconclusive { .. } => word.yellow().to_string(),
        };
        let _ = writeln!(text, "  {} {word} {}", claim.id.bold(), wrap(&claim.rule, VERDICT_INDENT, width));
        let mut say = |what: &str| {
            let _ = writeln!(text, "{:VERDICT_INDENT$}{}", "", wrap(what, VERDICT_INDENT, width));
        };
        for finding in &claim.findings {
            say_interval(finding, &mut say);
        }
        match &claim.verdict {
            Verdict::Depends { condition } => say(&format!("needs {condition}")),
            Verdict::Inconclusive { reason } => say(reason),
            Verdict::Holds | Verdict::Fails => {}
        }
        if let Some(reason) = &claim.reason {
            say(reason);
        }
    }
    text
}

fn say_interval(finding: &Finding, say: &mut impl FnMut(&str)) {
    if let Some(Interval { value, low, high }) = finding.interval.map(Interval::rounded) {
        let Finding { metric, threshold, .. } = finding;
        say(&format!("{metric} = {value} (95 %: {low} to {high}), threshold {threshold}"));
    }
}

/// `text` in lines of at most `width`, all but the first behind `indent` spaces.
fn wrap(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(20);
    let (mut wrapped, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > room {
            wrapped.push('\n');
            wrapped.extend(std::iter::repeat_n(' ', indent));
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += length;
    }
    wrapped
}

fn next(options: &Options) -> String {
    let command = command();
    let (other, why) = match options.runtime.as_str() {
        "tokio" => ("", "our loop again"),
        _ => ("--runtime tokio", "is it our loop's fault?"),
    };
    let rows = [
        (other, why),
        ("--chunk-us 50000", "chunks that are too large"),
        ("-o report.html --open", "the same with pictures"),
        ("-o trace.json", "for https://ui.perfetto.dev"),
        ("--serve 8080", "then: curl 'http://127.0.0.1:8080/block?ms=2000'"),
    ];
    let mut text = heading("What to try next");
    for (arguments, why) in rows {
        let line = format!("{command} {arguments}");
        let _ = writeln!(text, "  {}\n      {}", line.trim_end_matches([' ', '-']), why.dimmed());
    }
    text
}

/// How this program is called.
fn command() -> String {
    let path = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let name = path.file_stem().map_or("starvation".into(), |name| name.to_string_lossy().into_owned());
    let is_example = path.parent().is_some_and(|folder| folder.ends_with("examples"));
    if is_example { format!("cargo run --example {name} --") } else { name }
}

/// The addresses of `--serve`.
pub(crate) fn addresses(runtime: &str, addr: SocketAddr, options: &Options) -> String {
    let ms = options.block_ms;
    let rows = [
        (format!("http://{addr}/ping"), "answers at once, if the loop is free".to_owned()),
        (format!("http://{addr}/block?ms={ms}"), "work on the loop's thread".to_owned()),
        (format!("http://{addr}/offload?ms={ms}"), format!("work in a pool of {}", options.pool_size)),
        (format!("http://{addr}/chunked?ms={ms}"), format!("work in pieces of {}", piece(options))),
    ];
    let mut text = format!("{runtime} serves, Ctrl-C ends it:\n");
    for (url, what) in rows {
        let _ = writeln!(text, "  {url:<42} {what}");
    }
    text
}

/// The columns of the screen: those of the terminal, else of `COLUMNS`, else 80; within what can be read.
pub(crate) fn width() -> usize {
    let terminal = console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    let columns = || std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    terminal.filter(|&columns| columns > 0).or_else(columns).unwrap_or(WIDTH_DEFAULT).clamp(60, 160)
}

#[cfg(test)]
mod tests;
