//! The parts of a result that the book shows; version 1 of the schema.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::Value;

/// One result, as an experiment printed it.
#[derive(Debug, Deserialize)]
pub(super) struct Recorded {
    schema: u32,
    pub(super) experiment: String,
    pub(super) started_at: String,
    complete: bool,
    pub(super) rounds: u64,
    pub(super) seed: u64,
    #[serde(default)]
    pub(super) params: BTreeMap<String, Value>,
    pub(super) claims: Vec<Claim>,
    pub(super) figures: BTreeMap<String, Value>,
    pub(super) machine: BTreeMap<String, Value>,
    pub(super) versions: BTreeMap<String, String>,
}

/// What became of one claim, with the finding that decided.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) verdict: String,
    pub(super) rule: String,
    #[serde(default)]
    pub(super) metric: String,
    pub(super) value: Option<f64>,
    pub(super) low: Option<f64>,
    pub(super) high: Option<f64>,
    pub(super) threshold: Option<f64>,
    pub(super) condition: Option<String>,
    pub(super) reason: Option<String>,
    #[serde(default)]
    pub(super) findings: Vec<Finding>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Finding {
    #[serde(default)]
    metric: String,
    side: String,
}

impl Recorded {
    /// Reads a result.
    ///
    /// # Errors
    /// Something else, another version, or a run that was ended early: the book does not show those.
    pub(super) fn read(text: &str) -> Result<Recorded> {
        let recorded: Recorded = serde_json::from_str(text)?;
        if recorded.schema != 1 || !recorded.complete {
            bail!("the book takes complete results of schema 1");
        }
        if recorded.params.get("flaw").is_some_and(|flaw| !flaw.is_null()) {
            bail!("the runtime was broken on purpose in this run");
        }
        Ok(recorded)
    }
}

impl Claim {
    /// `≥` or `≤`, as the deciding finding compares.
    pub(super) fn sign(&self) -> &'static str {
        let decided = self.findings.iter().find(|finding| finding.metric == self.metric);
        match decided.map(|finding| finding.side.as_str()) {
            Some("at_least") => "≥ ",
            Some("at_most") => "≤ ",
            _ => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULT: &str = r#"{"schema": 1, "experiment": "e", "started_at": "", "complete": true, "rounds": 1, "seed": 1, "params": {"flaw": null},
        "claims": [], "figures": {}, "machine": {}, "versions": {}}"#;

    #[test]
    fn what_the_book_cannot_show_is_refused() {
        assert!(Recorded::read(RESULT).is_ok());
        for (from, to) in [
            ("\"complete\": true", "\"complete\": false"),
            ("\"schema\": 1", "\"schema\": 2"),
            ("\"flaw\": null", "\"flaw\": \"no-lock\""),
            ("{", "["),
        ] {
            assert!(Recorded::read(&RESULT.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
