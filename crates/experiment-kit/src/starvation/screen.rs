//! The screen: question, table, timelines, culprit, verdicts, what to try next. It must teach by itself.
//!
//! Texts are built with colours; [`print`] takes them out where stdout is no terminal or `NO_COLOR` is set.

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;

use comfy_table::{CellAlignment, Table, presets};
use owo_colors::OwoColorize;
use trace_report::lanes::{Charset, Color, TerminalStyle};
use trace_report::text::milliseconds;

use crate::contender::ServerStats;
use crate::starvation::acts::Act;
use crate::starvation::figures::Measured;
use crate::starvation::options::Options;
use crate::starvation::picture::together;
use crate::starvation::run::Ran;
use crate::verdict::{Claim, Verdict, significant};

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
pub(crate) fn question(options: &Options) -> String {
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
        wrap(&setup, 0)
    )
}

fn piece(options: &Options) -> String {
    format!("{} ms", options.chunk_us as f64 / 1e3)
}

/// All that a run has to say.
pub(crate) fn result(ran: &Ran, options: &Options) -> String {
    let mut text = String::from("\n");
    if !ran.measured.complete {
        let rounds = ran.measured.rounds;
        let note = format!(
            "Stopped early: this is what was measured in {rounds} complete rounds and a part of the next.\n\n"
        );
        text.push_str(&note.yellow().to_string());
    }
    text.push_str(&table(&ran.measured, options));
    text.push_str(&price(&ran.measured));
    text.push_str(&timelines(ran, options));
    text.push_str(&culprits(&options.runtime, &ran.server));
    text.push_str(&verdicts(&ran.claims));
    text.push_str(&next(options));
    text
}

fn heading(text: &str) -> String {
    format!("\n{}\n", text.bold())
}

fn table(measured: &Measured, options: &Options) -> String {
    let beside = |act| match act {
        Act::Idle => "nothing".to_owned(),
        Act::Inline => format!("{} ms of work on the loop", options.block_ms),
        Act::Offloaded => "the same in the pool".to_owned(),
        Act::Chunked => format!("the same in pieces of {}", piece(options)),
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_header(["act", "beside the pings", "p50", "p99", "max", "count", "x idle"]);
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
    let failures: usize = measured.acts.iter().map(|act| act.failures().count()).sum();
    let mut text =
        format!("{}\n{table}\n", "Latency of /ping in ms, from the time it should have been sent".bold());
    if failures > 0 {
        let note = format!("{failures} requests got no proper answer and are not in the table.\n");
        text.push_str(&note.red().to_string());
    }
    text
}

/// What the cures cost, and how the block was measured.
fn price(measured: &Measured) -> String {
    let block = measured.block();
    if block.count == 0 {
        return String::new();
    }
    let mut text = format!(
        "The work held the loop for {} ms (p50 of {}), {:.0} % of the inline act.\n",
        milliseconds(block.p50),
        block.count,
        measured.blocked_share() * 100.0
    );
    if let Some(price) = measured.chunk_price() {
        let _ = writeln!(
            text,
            "In pieces the same work took {price:.2} x as long: the price of letting others in."
        );
    }
    text
}

fn timelines(ran: &Ran, options: &Options) -> String {
    let Some(timeline) = together(&ran.scenes, options.stall_after(), options.late()) else {
        return String::new();
    };
    let style = TerminalStyle { width: width(), color: Color::Always, charset: Charset::Unicode };
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
            "  {}  {}: {}, {} ms at most, {} ms in all\n",
            stall.location.bold(),
            stall.name,
            if stall.count == 1 { "once".to_owned() } else { format!("{} times", stall.count) },
            ms(stall.held_max),
            ms(stall.held_total)
        );
        text.push_str(&line);
    }
    if stalls.is_empty() {
        let _ = writeln!(text, "  {runtime} reports nobody.");
    }
    if let Some(lag) = server.lag {
        let ms = |lag: std::time::Duration| milliseconds(lag.as_secs_f64() * 1e3);
        let _ = writeln!(
            text,
            "  Lag of the loop: p50 {} ms, p99 {} ms, max {} ms.",
            ms(lag.p50),
            ms(lag.p99),
            ms(lag.max)
        );
    }
    text
}

fn verdicts(claims: &[Claim]) -> String {
    let mut text = heading("Verdicts");
    for claim in claims {
        let word = format!("{:<12}", claim.verdict.word());
        let word = match claim.verdict {
            Verdict::Holds => word.green().to_string(),
            Verdict::Fails => word.red().to_string(),
            Verdict::Depends { .. } | Verdict::Inconclusive { .. } => word.yellow().to_string(),
        };
        let _ = writeln!(text, "  {} {word} {}", claim.id.bold(), wrap(&claim.rule, VERDICT_INDENT));
        if let Some(interval) = claim.interval {
            let (value, low, high) =
                (significant(interval.value), significant(interval.low), significant(interval.high));
            let numbers =
                format!("{} = {value} (95 %: {low} to {high}), threshold {}", claim.metric, claim.threshold);
            let _ = writeln!(text, "{:VERDICT_INDENT$}{numbers}", "");
        }
        match &claim.verdict {
            Verdict::Depends { condition } => {
                let _ = writeln!(
                    text,
                    "{:VERDICT_INDENT$}{}",
                    "",
                    wrap(&format!("needs {condition}"), VERDICT_INDENT)
                );
            }
            Verdict::Inconclusive { reason } => {
                let _ = writeln!(text, "{:VERDICT_INDENT$}{}", "", wrap(reason, VERDICT_INDENT));
            }
            Verdict::Holds | Verdict::Fails => {}
        }
    }
    text
}

/// `text` in lines that fit the screen, all but the first behind `indent` spaces.
fn wrap(text: &str, indent: usize) -> String {
    let room = width().saturating_sub(indent).max(20);
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
        _ => (" --runtime tokio", "is it our loop's fault?"),
    };
    let rows = [
        (format!("{command}{other}"), why),
        (format!("{command} --chunk-us 50000"), "chunks that are too large"),
        (format!("{command} -o report.html --open"), "the same with pictures"),
        (format!("{command} -o trace.json"), "for https://ui.perfetto.dev"),
        (format!("{command} --serve 8080"), "then: curl 'http://127.0.0.1:8080/block?ms=2000'"),
    ];
    let width = rows.iter().map(|row| row.0.len()).max().unwrap_or(0);
    let mut text = heading("What to try next");
    for (command, why) in rows {
        let _ = writeln!(text, "  {command:<width$}  {}", why.dimmed());
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

/// The columns of the screen, by `COLUMNS`, within what can be read.
fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns.unwrap_or(WIDTH_DEFAULT).clamp(60, 160)
}
