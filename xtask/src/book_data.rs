//! Writes the tables of figures that the book includes, from the results that were recorded.
//!
//! # Model
//! Each `book/data/NAME.json` is one result, exactly as an experiment printed it with `--json`. From it comes
//! `book/data/NAME.md`, which both editions include whole: so no number in the book is typed by hand, and
//! every number says which machine it comes from. The words in the tables are those of the JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::Value;

use crate::process;

/// Options of `cargo xtask book-data`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write nothing; fail when a table is not what its result says
    #[arg(long)]
    check: bool,
}

/// The parts of a result that the book shows; version 1 of the schema.
#[derive(Deserialize)]
struct Recorded {
    schema: u32,
    experiment: String,
    started_at: String,
    complete: bool,
    rounds: u64,
    seed: u64,
    #[serde(default)]
    params: BTreeMap<String, Value>,
    claims: Vec<Claim>,
    figures: BTreeMap<String, Value>,
    machine: BTreeMap<String, Value>,
    versions: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Claim {
    id: String,
    verdict: String,
    rule: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    threshold: Option<f64>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        return check();
    }
    for (path, expected) in tables()? {
        fs::write(&path, expected).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    for (from, to) in pictures()? {
        fs::copy(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
        println!("wrote {}", to.display());
    }
    Ok(())
}

/// Fails when a table in the book is not what its recorded result says.
pub(crate) fn check() -> Result<()> {
    let mut recorded = Vec::new();
    for (path, expected) in tables()? {
        let found = fs::read_to_string(&path).unwrap_or_default();
        if found != expected {
            bail!("{} is not what its result says; run `cargo xtask book-data`", path.display());
        }
        recorded.push(path);
    }
    for path in data_files("svg")? {
        let result = fs::read_to_string(path.with_extension("json"))
            .with_context(|| format!("{} has no recorded result beside it", path.display()))?;
        let picture = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        compare_picture(&picture, &result)
            .with_context(|| format!("{} is not a picture of its result", path.display()))?;
    }
    for (from, to) in pictures()? {
        if fs::read(&from).ok() != fs::read(&to).ok() {
            bail!("{} is not the recorded picture; run `cargo xtask book-data`", to.display());
        }
    }
    for path in data_files("md")? {
        if !recorded.contains(&path) {
            bail!("{} has no recorded result beside it", path.display());
        }
    }
    Ok(())
}

/// A picture says its figures in words, for those who cannot see it: they must be those of the result.
fn compare_picture(svg: &str, json: &str) -> Result<()> {
    let recorded: Recorded = serde_json::from_str(json)?;
    let pings = recorded.figures.get("ping_ms").and_then(Value::as_object).context("no figures.ping_ms")?;
    for (act, statistics) in pings {
        for key in ["p50", "p99"] {
            let wanted = statistics.get(key).and_then(Value::as_f64).context("a figure is missing")?;
            let found =
                figure_in_words(svg, act, key).with_context(|| format!("it does not say {act} {key}"))?;
            // The words have three significant digits.
            if (found - wanted).abs() > wanted * 0.006 {
                bail!("{act} {key} is {wanted} in the result and {found} in the picture");
            }
        }
    }
    Ok(())
}

/// The number behind `act: p50 …` or, within the same part of the sentence, `p99 …`.
fn figure_in_words(svg: &str, act: &str, key: &str) -> Option<f64> {
    let about = svg.split_once(&format!("{act}: "))?.1.split(';').next()?;
    let number = about.split_once(&format!("{key} "))?.1;
    number.split(' ').next()?.parse().ok()
}

/// Each recorded picture and its copies: a book can only show pictures that lie beside its pages.
fn pictures() -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut pictures = Vec::new();
    for path in data_files("svg")? {
        let name = path.file_name().context("a picture has a name")?;
        for edition in ["en", "ko"] {
            pictures.push((path.clone(), process::root().join("book").join(edition).join("src").join(name)));
        }
    }
    Ok(pictures)
}

/// Each table with the text that its result demands.
fn tables() -> Result<Vec<(PathBuf, String)>> {
    let mut tables = Vec::new();
    for path in data_files("json")? {
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let table = render(&text).with_context(|| format!("{} is no result", path.display()))?;
        tables.push((path.with_extension("md"), table));
    }
    Ok(tables)
}

fn data_files(extension: &str) -> Result<Vec<PathBuf>> {
    let folder = process::root().join("book/data");
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    paths.sort();
    Ok(paths)
}

/// The tables of one result, as Markdown.
fn render(json: &str) -> Result<String> {
    let recorded: Recorded = serde_json::from_str(json)?;
    if recorded.schema != 1 || !recorded.complete {
        bail!("the book takes complete results of schema 1");
    }
    let mut out = String::new();
    figures(&mut out, &recorded)?;
    claims(&mut out, &recorded)?;
    origin(&mut out, &recorded)?;
    Ok(out)
}

/// The order of a story, for the names that have one; JSON objects have none. Others follow by name.
const ORDER: [&str; 4] = ["idle", "inline", "offloaded", "chunked"];

fn in_order<T>(map: &BTreeMap<String, T>) -> Vec<(&String, &T)> {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_by_key(|(name, _)| ORDER.iter().position(|known| known == name).unwrap_or(ORDER.len()));
    entries
}

/// The groups of figures that a page shows; a result holds more.
const SHOWN: [&str; 2] = ["ping_ms", "block_ms"];

/// One table for each group of figures; `block_ms` holds the statistics themselves, others a row per act.
fn figures(out: &mut String, recorded: &Recorded) -> Result<()> {
    for name in SHOWN {
        let Some(group) = recorded.figures.get(name) else { bail!("the result has no figures.{name}") };
        let group: BTreeMap<String, Value> = serde_json::from_value(group.clone())?;
        writeln!(out, "| `{name}` | p50 | p99 | max | count |\n|---|---:|---:|---:|---:|")?;
        if group.values().all(Value::is_object) {
            for (act, statistics) in in_order(&group) {
                writeln!(out, "| {act} | {} |", statistics_cells(|key| statistics.get(key)))?;
            }
        } else {
            writeln!(out, "| | {} |", statistics_cells(|key| group.get(key)))?;
        }
        writeln!(out)?;
    }
    Ok(())
}

fn statistics_cells<'a>(get: impl Fn(&str) -> Option<&'a Value>) -> String {
    ["p50", "p99", "max", "count"].map(|key| get(key).map_or_else(|| "–".to_owned(), number)).join(" | ")
}

fn claims(out: &mut String, recorded: &Recorded) -> Result<()> {
    writeln!(out, "| | rule | value | interval | threshold | verdict |\n|---|---|---:|---:|---:|---|")?;
    for claim in &recorded.claims {
        let value = claim.value.map_or_else(|| "–".to_owned(), rounded);
        let threshold = claim.threshold.map_or_else(|| "–".to_owned(), rounded);
        let interval = match (claim.low, claim.high) {
            (Some(low), Some(high)) => format!("{}–{}", rounded(low), rounded(high)),
            _ => "–".to_owned(),
        };
        let Claim { id, verdict, rule, .. } = claim;
        writeln!(out, "| {id} | {} | {value} | {interval} | {threshold} | {verdict} |", cell(rule))?;
    }
    writeln!(out)?;
    Ok(())
}

fn origin(out: &mut String, recorded: &Recorded) -> Result<()> {
    let Recorded { experiment, started_at, rounds, seed, .. } = recorded;
    let listed = |map: &BTreeMap<String, Value>| {
        let shown = |value: &Value| value.as_str().map_or_else(|| number(value), str::to_owned);
        map.iter().map(|(key, value)| format!("{key} {}", shown(value))).collect::<Vec<_>>().join(", ")
    };
    let versions = recorded.versions.iter().map(|(name, version)| format!("{name} {version}"));
    writeln!(out, "| | the run |\n|---|---|")?;
    writeln!(out, "| result | `book/data/{experiment}.json`, {started_at}, rounds {rounds}, seed {seed} |")?;
    if !recorded.params.is_empty() {
        writeln!(out, "| params | {} |", cell(&listed(&recorded.params)))?;
    }
    writeln!(out, "| machine | {} |", cell(&listed(&recorded.machine)))?;
    writeln!(out, "| versions | {} |", cell(&versions.collect::<Vec<_>>().join(", ")))?;
    Ok(())
}

/// A text in one cell of a table: a bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn number(value: &Value) -> String {
    match value.as_f64() {
        Some(float) if !value.is_u64() && !value.is_i64() => rounded(float),
        _ => value.to_string(),
    }
}

/// Three significant digits, and never an exponent.
fn rounded(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = usize::try_from((2 - digits).max(0)).unwrap_or(0);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"schema": 1, "experiment": "starvation", "started_at": "2026-01-02T03:04:05Z", "complete": true,
      "rounds": 5, "seed": 7, "params": {"rate": 400, "runtime": "lab"}, "unknown": [1],
      "claims": [{"id": "L10", "verdict": "holds", "rule": "p99 a | b", "metric": "m", "value": 41.234, "low": 30.14, "high": 55, "threshold": 10.0},
                 {"id": "L11", "verdict": "inconclusive", "rule": "r", "value": null, "low": null, "high": null, "threshold": 0.1}],
      "figures": {"ping_ms": {"chunked": {"p50": 0.2, "p99": 0.5, "max": 1.5, "count": 1000}, "more": {"count": 3},
                              "idle": {"p50": 0.1234, "p99": 0.3, "max": 1.0, "count": 1000}},
                  "block_ms": {"asked": 200, "p50": 201.04, "p99": 207, "max": 210, "count": 40}, "chunk_price": 1.1, "stalls": []},
      "machine": {"cores": 2, "cpu": "x"}, "versions": {"runtime-lab": "0.1.0", "rustc": "1.95.0"}}"#;

    const TABLES: &str = "\
| `ping_ms` | p50 | p99 | max | count |
|---|---:|---:|---:|---:|
| idle | 0.123 | 0.300 | 1.00 | 1000 |
| chunked | 0.200 | 0.500 | 1.50 | 1000 |
| more | – | – | – | 3 |

| `block_ms` | p50 | p99 | max | count |
|---|---:|---:|---:|---:|
| | 201 | 207 | 210 | 40 |

| | rule | value | interval | threshold | verdict |
|---|---|---:|---:|---:|---|
| L10 | p99 a \\| b | 41.2 | 30.1–55.0 | 10.0 | holds |
| L11 | r | – | – | 0.100 | inconclusive |

| | the run |
|---|---|
| result | `book/data/starvation.json`, 2026-01-02T03:04:05Z, rounds 5, seed 7 |
| params | rate 400, runtime lab |
| machine | cores 2, cpu x |
| versions | runtime-lab 0.1.0, rustc 1.95.0 |
";

    #[test]
    fn a_result_becomes_tables() {
        assert_eq!(render(RESULT).unwrap(), TABLES);
    }

    #[test]
    fn a_picture_of_another_result_is_found() {
        let result = r#"{"schema": 1, "experiment": "e", "started_at": "", "complete": true, "rounds": 1, "seed": 1, "claims": [],
          "figures": {"ping_ms": {"idle": {"p50": 0.2312, "p99": 4.136}}}, "machine": {}, "versions": {}}"#;
        let says = |text: &str| compare_picture(&format!("<svg aria-label=\"ms. {text}\">"), result).is_ok();
        assert!(says("idle: p50 0.231 ms, p99 4.14 ms, max 9 ms"));
        assert!(!says("idle: p50 0.231 ms, p99 4.20 ms, max 9 ms"));
        assert!(!says("inline: p50 0.231 ms, p99 4.14 ms"));
        assert!(!says(""));
    }

    #[test]
    fn an_unfinished_or_unknown_result_is_refused() {
        assert!(render(&RESULT.replace("\"complete\": true", "\"complete\": false")).is_err());
        assert!(render(&RESULT.replace("\"schema\": 1", "\"schema\": 2")).is_err());
        assert!(render("{}").is_err());
    }

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.0, 0.00123, 0.999, 12.345, 12345.6].map(rounded),
            ["0.00", "0.00123", "0.999", "12.3", "12346"]
        );
    }

    #[test]
    fn the_tables_of_the_book_are_what_the_results_say() {
        check().unwrap();
    }
}
