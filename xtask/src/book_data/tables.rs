//! The tables of one result: what was measured, what became of the claims, and which run it was.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::ledger::{Statements, number, verdict};
use super::recorded::Recorded;
use super::rounded;
use super::words::word;

/// The groups of figures that the page of an experiment shows; its result holds more.
const SHOWN: [(&str, &[&str]); 20] = [
    ("alternation", &["turn_ms"]),
    ("choice", &["wall_ms"]),
    ("convoy", &["echo_intervals"]),
    ("counter", &["lost_percent"]),
    ("countdown", &["ratio"]),
    ("cron", &["other_process", "after_kill"]),
    ("crypto-and-files", &["served"]),
    ("handlers", &["wall_ms"]),
    ("loop-offload", &["echo_ms"]),
    ("microtasks", &["served", "fired"]),
    ("native-release", &["ratio"]),
    ("one-thread", &["pool_wakes"]),
    ("phases", &["whole_passes", "cycles"]),
    ("pool-rules", &["pool_threads"]),
    ("pool-size", &["rounds", "jobs_per_s"]),
    ("races", &["lost"]),
    ("readiness", &["sockets", "threads_started"]),
    ("slow-lane", &["reads_behind", "threads_with_slow_jobs"]),
    ("starvation", &["ping_ms", "work_ms"]),
    ("timers", &["late_ms", "looks"]),
];

/// The order of a story, for the names that have one; JSON objects have none. Others follow by number, then by name.
const ORDER: [&str; 4] = ["idle", "inline", "offloaded", "chunked"];

/// All tables of a result.
pub(super) fn of(result: &Recorded, statements: &Statements, edition: &str) -> String {
    let mut out = String::new();
    let shown = SHOWN.iter().find(|(name, _)| *name == result.experiment).map_or(&[][..], |(_, shown)| shown);
    for name in shown {
        if let Some(Value::Object(group)) = result.figures.get(*name) {
            let group = group.iter().map(|(row, value)| (row.clone(), value.clone())).collect();
            figures(&mut out, name, &group, edition);
        }
    }
    claims(&mut out, result, statements, edition);
    origin(&mut out, result, edition);
    out
}

fn figures(out: &mut String, name: &str, group: &BTreeMap<String, Value>, edition: &str) {
    let _ = writeln!(
        out,
        "| `{name}` | p50 | p99 | {} | {} |\n|---|---:|---:|---:|---:|",
        word("max", edition),
        word("count", edition)
    );
    let mut rows: Vec<_> = group.iter().collect();
    rows.sort_by_key(|(name, _)| rank(name));
    for (row, statistics) in rows {
        let cell = |key: &str| statistics.get(key).and_then(Value::as_f64).map_or("–".to_owned(), rounded);
        let cells = ["p50", "p99", "max", "count"].map(cell).join(" | ");
        let _ = writeln!(out, "| {} | {cells} |", cell_text(row));
    }
    out.push('\n');
}

/// What sorts rows as a reader expects: stories in their order, numbers by size, the rest by name.
fn rank(name: &str) -> (usize, Vec<Part>) {
    let story = ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut parts: Vec<Part> = Vec::new();
    for c in name.chars() {
        match (c.to_digit(10), parts.last_mut()) {
            (Some(digit), Some(Part::Number(number))) => *number = *number * 10 + u64::from(digit),
            (Some(digit), _) => parts.push(Part::Number(u64::from(digit))),
            (None, Some(Part::Text(text))) => text.push(c),
            (None, _) => parts.push(Part::Text(c.to_string())),
        }
    }
    (story, parts)
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Text(String),
}

fn claims(out: &mut String, result: &Recorded, statements: &Statements, edition: &str) {
    let head = ["statement", "verdict", "decided by"].map(|name| word(name, edition)).join(" | ");
    let _ = writeln!(out, "| | {head} |\n|---|---|---|---|");
    for claim in &result.claims {
        let statement = statements.text(&claim.id, edition);
        let verdict = verdict(claim, edition);
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            claim.id,
            cell_text(statement),
            cell_text(&verdict),
            cell_text(&number(claim, edition))
        );
    }
    out.push('\n');
}

fn origin(out: &mut String, result: &Recorded, edition: &str) {
    let Recorded { experiment, started_at, rounds, seed, .. } = result;
    let word = |name| word(name, edition);
    let listed = |map: &BTreeMap<String, Value>| {
        let shown = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(rounded(number.as_f64()?)),
            Value::Bool(true) => Some(word("yes").to_owned()),
            _ => None,
        };
        let entries = map.iter().filter_map(|(key, value)| Some(format!("{key} {}", shown(value)?)));
        entries.collect::<Vec<_>>().join(", ")
    };
    let versions: Vec<String> =
        result.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ = writeln!(out, "| | {} |\n|---|---|", word("the run"));
    let _ = writeln!(
        out,
        "| {} | `book/data/{experiment}.json`, {started_at}, {} {rounds}, {} {seed} |",
        word("result"),
        word("rounds"),
        word("seed")
    );
    let _ = writeln!(out, "| {} | {} |", word("numbers"), cell_text(&listed(&result.params)));
    let _ = writeln!(out, "| {} | {} |", word("machine"), cell_text(&listed(&result.machine)));
    let _ = writeln!(out, "| {} | {} |", word("versions"), cell_text(&versions.join(", ")));
}

/// A text in one cell of a table: a bar would end the cell, and `<` would begin a tag.
pub(super) fn cell_text(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"schema": 1, "experiment": "starvation", "started_at": "2026-01-02T03:04:05Z", "complete": true,
      "rounds": 5, "seed": 7, "params": {"rate": 400, "subject": "runtime-lab", "flaw": null, "quick": true}, "unknown": [1],
      "claims": [{"id": "L10", "verdict": "holds", "rule": "p99 a | b", "metric": "m", "value": 41.234, "low": 30.14, "high": 55, "threshold": 10.0,
                  "findings": [{"metric": "other", "side": "at_most"}, {"metric": "m", "side": "at_least"}]},
                 {"id": "L11", "verdict": "inconclusive", "rule": "r", "value": null, "low": null, "high": null, "threshold": 0.1,
                  "reason": "too few rounds"}],
      "figures": {"ping_ms": {"chunked": {"p50": 0.2, "p99": 0.5, "max": 1.5, "count": 1000}, "more": {"count": 3},
                              "idle": {"p50": 0.1234, "p99": 0.3, "max": 1.0, "count": 1000}}, "chunk_price": 1.1},
      "machine": {"cores": 2, "cpu": "x"}, "versions": {"runtime-lab": "0.1.0", "rustc": "1.95.0"}}"#;

    const TABLES: &str = "\
| `ping_ms` | p50 | p99 | max | count |
|---|---:|---:|---:|---:|
| idle | 0.123 | 0.300 | 1 | 1000 |
| chunked | 0.200 | 0.500 | 1.50 | 1000 |
| more | – | – | – | 3 |

| | statement | verdict | decided by |
|---|---|---|---|
| L10 | Work blocks. | holds | m: 41.2 (30.1–55); rule: ≥ 10 |
| L11 | The pool helps. | inconclusive: too few rounds | – |

| | the run |
|---|---|
| result | `book/data/starvation.json`, 2026-01-02T03:04:05Z, rounds 5, seed 7 |
| numbers | quick yes, rate 400, subject runtime-lab |
| machine | cores 2, cpu x |
| versions | runtime-lab 0.1.0, rustc 1.95.0 |
";

    #[test]
    fn a_result_becomes_tables() {
        let statements = Statements::read(
            "[[claim]]\nid = \"L10\"\norigin = \"003\"\nen = \"Work blocks.\"\nko = \"일이 막는다.\"\n\
             [[claim]]\nid = \"L11\"\norigin = \"beyond\"\nen = \"The pool helps.\"\nko = \"풀이 돕는다.\"\n",
        )
        .unwrap();
        assert_eq!(of(&Recorded::read(RESULT).unwrap(), &statements, "en"), TABLES);
        let korean = of(&Recorded::read(RESULT).unwrap(), &statements, "ko");
        assert!(korean.contains("| L10 | 일이 막는다. | 맞다 |"), "{korean}");
    }

    #[test]
    fn rows_stand_as_a_reader_expects() {
        let mut rows = ["8 on 16", "8 on 2", "chunked", "idle", "a"];
        rows.sort_by_key(|row| rank(row));
        assert_eq!(rows, ["idle", "chunked", "8 on 2", "8 on 16", "a"]);
    }
}
