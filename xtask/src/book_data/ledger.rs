//! The ledger in the book: every claim with its verdict and the number that decided.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::recorded::{Claim, Recorded};
use super::rounded;
use super::tables::cell_text;
use super::values::Values;
use super::words::{self, word};
use crate::process;

/// What the claims say, from the ledger of the experiments.
pub(super) struct Statements(Vec<Row>);

#[derive(Deserialize)]
struct Row {
    id: String,
    origin: String,
    en: String,
    ko: String,
}

#[derive(Deserialize)]
struct File {
    claim: Vec<Row>,
}

impl Statements {
    pub(super) fn of_repository() -> Result<Statements> {
        let path = process::root().join("crates/experiments/claims.toml");
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Statements::read(&text)
    }

    pub(super) fn read(text: &str) -> Result<Statements> {
        Ok(Statements(toml::from_str::<File>(text).context("the ledger of claims")?.claim))
    }

    /// The statement in the language of the edition; nothing for a claim that the ledger does not have.
    pub(super) fn text(&self, id: &str, edition: &str) -> &str {
        let row = self.0.iter().find(|row| row.id == id);
        row.map_or("", |row| if edition == "ko" { &row.ko } else { &row.en })
    }
}

/// The page that explains a claim; the anchors of the book's own links check that it is there.
const PAGES: [(&str, &[&str]); 5] = [
    ("loop.md", &["L01", "L05", "L06", "L07", "L08", "L16", "L21"]),
    ("pool.md", &["L02", "L03", "L04", "L13", "L14", "L15", "L18"]),
    ("cures.md", &["L09", "L12", "L17", "L19", "L20"]),
    ("starvation.md", &["L10", "L11"]),
    (
        "gil.md",
        &["G01", "G02", "G03", "G04", "G05", "G06", "G07", "G08", "G09", "G10", "G11", "G12", "G13", "G14"],
    ),
];

/// The verdict in the words of the edition, with its condition or its reason.
pub(super) fn verdict(claim: &Claim, edition: &str) -> String {
    let said = word(&claim.verdict, edition);
    let more = match claim.verdict.as_str() {
        "depends" => claim.condition.as_deref(),
        "inconclusive" => claim.reason.as_deref(),
        _ => None,
    };
    match more {
        Some(more) => format!("{said}: {}", words::condition(&claim.id, more, edition)),
        None => said.to_owned(),
    }
}

/// The number that decided, with its interval, and what the rule asks for.
pub(super) fn number(claim: &Claim, edition: &str) -> String {
    let Some(value) = claim.value else { return "–".to_owned() };
    let mut text = format!("{}: {}", claim.metric, rounded(value));
    if let Some(interval) = interval(claim) {
        let _ = write!(text, " ({interval})");
    }
    if let Some(threshold) = claim.threshold {
        let _ = write!(text, "; {}: {}{}", word("rule", edition), claim.sign(), rounded(threshold));
    }
    text
}

/// The interval, where it has a width: what was counted has none.
fn interval(claim: &Claim) -> Option<String> {
    let (low, high) = (claim.low?, claim.high?);
    (low < high).then(|| format!("{}–{}", rounded(low), rounded(high)))
}

/// The latest claims by id, with the experiment that settled each.
fn claims(results: &[Recorded]) -> BTreeMap<&str, (&Recorded, &Claim)> {
    let all = results.iter().flat_map(|result| result.claims.iter().map(move |claim| (result, claim)));
    all.map(|(result, claim)| (claim.id.as_str(), (result, claim))).collect()
}

/// The table of all claims of the ledger.
pub(super) fn table(results: &[Recorded], statements: &Statements, edition: &str) -> String {
    let claims = claims(results);
    let head = ["statement", "verdict", "decided by", "experiment", "note"].map(|name| word(name, edition));
    let mut out = format!("| | {} |\n|---|---|---|---|---|---|\n", head.join(" | "));
    for row in &statements.0 {
        let origin = if row.origin == "beyond" { word("beyond", edition) } else { &row.origin };
        let page = PAGES.iter().find(|(_, ids)| ids.contains(&row.id.as_str())).map(|(page, _)| page);
        let id = page.map_or(row.id.clone(), |page| format!("[{}]({page})", row.id));
        let (verdict, number, experiment) = match claims.get(row.id.as_str()) {
            Some((result, claim)) => {
                (verdict(claim, edition), number(claim, edition), format!("`{}`", result.experiment))
            }
            None => (word("not recorded", edition).to_owned(), "–".to_owned(), "–".to_owned()),
        };
        let _ = writeln!(
            out,
            "| {id} | {} | {} | {} | {experiment} | {origin} |",
            cell_text(statements.text(&row.id, edition)),
            cell_text(&verdict),
            cell_text(&number)
        );
    }
    out
}

/// What sentences may include about claims: verdicts in the words of the edition, conditions, numbers, and counts.
pub(super) fn values(results: &[Recorded], statements: &Statements, edition: &str) -> String {
    let claims = claims(results);
    let mut values = Values::default();
    for verdict in ["holds", "fails", "depends", "inconclusive"] {
        let count = claims.values().filter(|(_, claim)| claim.verdict == verdict).count();
        values.add(&format!("count {verdict}"), &count.to_string());
    }
    values.add("count all", &statements.0.len().to_string());
    for row in &statements.0 {
        let id = &row.id;
        values.add(&format!("{id} statement"), statements.text(id, edition));
        let Some((_, claim)) = claims.get(id.as_str()) else { continue };
        values.add(&format!("{id} verdict"), word(&claim.verdict, edition));
        if let Some(condition) = &claim.condition {
            values.add(&format!("{id} condition"), words::condition(id, condition, edition));
        }
        values.add(&format!("{id} metric"), &claim.metric);
        values.add(&format!("{id} decided"), &number(claim, edition));
        if let Some(value) = claim.value {
            values.add(&format!("{id} value"), &rounded(value));
            values.add(&format!("{id} interval"), &interval(claim).unwrap_or_else(|| rounded(value)));
        }
        if let Some(threshold) = claim.threshold {
            values.add(&format!("{id} threshold"), &rounded(threshold));
        }
    }
    values.text().expect("ids are unique")
}
