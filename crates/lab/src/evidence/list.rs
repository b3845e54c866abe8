//! `lab list`: every experiment with its question, and every claim with its statement.

use experiment_kit::experiment::{Experiment, Topic};
use experiments::ledger::{Ledger, Row};
use owo_colors::OwoColorize;
use serde_json::json;

use super::options::ListOptions;
use super::screen;

/// Does it.
pub(crate) fn command(options: &ListOptions) -> anyhow::Result<u8> {
    let ledger = Ledger::read();
    let text = if options.json { as_json(&ledger)? } else { as_text(&ledger, options.ko, screen::width()) };
    screen::print(&text)?;
    Ok(0)
}

fn as_json(ledger: &Ledger) -> anyhow::Result<String> {
    let experiments: Vec<serde_json::Value> = experiments::all()
        .map(|one| {
            let flaws: Vec<_> = one.flaws.iter().map(|flaw| json!({"name": flaw.name, "breaks": flaw.breaks, "flips": flaw.flips})).collect();
            let knobs: Vec<_> = (one.knobs.iter())
                .map(|knob| json!({"name": knob.name, "help": knob.help, "usual": knob.usual, "quick": knob.quick}))
                .collect();
            json!({"name": one.name, "topic": one.topic.name(), "question": one.question, "claims": one.claims,
                   "numbers": knobs, "flaws": flaws})
        })
        .collect();
    Ok(format!("{}\n", json!({"schema": 1, "experiments": experiments, "claims": ledger.rows})))
}

fn as_text(ledger: &Ledger, korean: bool, width: usize) -> String {
    let mut text = String::new();
    for topic in [Topic::EventLoop, Topic::GlobalLock] {
        text.push_str(&format!("{}\n", topic.name().to_uppercase().bold()));
        for experiment in experiments::all().filter(|one| one.topic == topic) {
            text.push_str(&entry(experiment, ledger, korean, width));
        }
        text.push('\n');
    }
    text.push_str("Run one with `lab run NAME`, all of a topic with `lab verify L` or `lab verify G`.\n");
    text
}

fn entry(experiment: &Experiment, ledger: &Ledger, korean: bool, width: usize) -> String {
    let mut text = format!("\n  {}  {}\n", experiment.name.bold().cyan(), experiment.question);
    for row in experiment.claims.iter().filter_map(|id| ledger.row(id)) {
        let needs = if row.needs_idle_cores() { " (needs idle cores)" } else { "" };
        let statement = screen::wrap(&format!("{}{needs}", statement(row, korean)), 8, width);
        text.push_str(&format!("    {} {statement}\n", row.id));
    }
    let knobs =
        experiment.knobs.iter().map(|knob| format!("--set {}={}: {}", knob.name, knob.usual, knob.help));
    let flaws = experiment.flaws.iter().map(|flaw| format!("--flaw {}: {}", flaw.name, flaw.breaks));
    for line in knobs.chain(flaws) {
        text.push_str(&format!("    {}\n", screen::wrap(&line, 6, width).dimmed()));
    }
    let against: Vec<&str> = experiment.against.iter().map(|family| family.name()).collect();
    text.push_str(&format!("    {}\n", format!("--on {}", against.join(" | ")).dimmed()));
    text
}

/// The statement in the language that was asked for.
pub(crate) fn statement(row: &Row, korean: bool) -> &str {
    if korean { &row.ko } else { &row.en }
}
