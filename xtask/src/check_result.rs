//! Checks a result file as a reader of it would: the promised fields, sane figures, a verdict for each claim.
//!
//! A file holds one result, or `{"schema": 1, "results": […]}` as `lab verify` and `lab crosscheck` print it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

const VERDICTS: [&str; 4] = ["holds", "fails", "depends", "inconclusive"];

/// Options of `cargo xtask check-result`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The result, as an experiment printed it with --json
    file: PathBuf,
    /// Claims that must be judged, and not as `fails`
    #[arg(long, value_delimiter = ',')]
    claims: Vec<String>,
    /// Figures that must be there, such as ping_ms.idle
    #[arg(long, value_delimiter = ',')]
    figures: Vec<String>,
    /// A table of claims and verdicts (TOML): each must be judged, as there or as `inconclusive`
    #[arg(long, value_name = "FILE")]
    expected: Option<PathBuf>,
    /// How many of the expected claims may be inconclusive
    #[arg(long, default_value_t = 8, requires = "expected")]
    inconclusive: usize,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let name = options.file.display();
    let text = fs::read_to_string(&options.file).with_context(|| format!("cannot read {name}"))?;
    let result: Value =
        serde_json::from_str(&text).with_context(|| format!("{name} is not one JSON object"))?;
    let results: Vec<&Value> = match result["results"].as_array() {
        Some(results) => results.iter().collect(),
        None => vec![&result],
    };
    for result in &results {
        check(result, &options.claims, &options.figures)
            .with_context(|| format!("{name} is no good result of {}", result["experiment"]))?;
    }
    let claims: Vec<&Value> =
        results.iter().flat_map(|result| result["claims"].as_array().into_iter().flatten()).collect();
    for claim in &claims {
        println!("{} {} ({} = {})", claim["id"], claim["verdict"], claim["metric"], claim["value"]);
    }
    if let Some(path) = &options.expected {
        let table = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let table = table.parse().with_context(|| format!("{} is no table", path.display()))?;
        compare(&claims, &table, options.inconclusive)?;
    }
    Ok(())
}

/// Every claim of the table is judged, as it says or not at all, and most of them are.
fn compare(claims: &[&Value], expected: &toml::Table, inconclusive_max: usize) -> Result<()> {
    let mut open = Vec::new();
    for (id, wanted) in expected {
        let claim = claims.iter().find(|claim| claim["id"] == id.as_str());
        let claim = claim.with_context(|| format!("claim {id} is not judged"))?;
        let found = claim["verdict"].as_str().unwrap_or_default();
        if found == "inconclusive" {
            open.push(format!("{id} ({})", claim["reason"].as_str().unwrap_or_default()));
        } else {
            let wanted = wanted.as_str().unwrap_or_default();
            ensure!(wanted == found, "claim {id} is `{found}`, not `{wanted}`: {claim}");
        }
    }
    ensure!(open.len() <= inconclusive_max, "{} claims are not settled: {}", open.len(), open.join(", "));
    Ok(())
}

fn check(result: &Value, claims: &[String], figures: &[String]) -> Result<()> {
    ensure!(result["schema"] == 1, "schema is {}, not 1", result["schema"]);
    ensure!(result["complete"] == true, "the run did not complete");
    for field in ["experiment", "started_at"] {
        ensure!(result[field].as_str().is_some_and(|text| !text.is_empty()), "{field} is missing");
    }
    for field in ["rounds", "seed"] {
        ensure!(result[field].is_u64(), "{field} is no number");
    }
    ensure!(result["machine"]["cores"].as_u64() > Some(0), "the machine has no cores");
    ensure!(result["versions"]["runtime-lab"].is_string(), "the version of runtime-lab is missing");
    let judged = result["claims"].as_array().context("claims is no list")?;
    for claim in judged {
        let verdict = claim["verdict"].as_str().unwrap_or("");
        ensure!(VERDICTS.contains(&verdict), "claim {} has the verdict {}", claim["id"], claim["verdict"]);
        ensure!(claim["rule"].is_string(), "claim {} has no rule", claim["id"]);
    }
    for id in claims {
        let claim = judged.iter().find(|claim| claim["id"] == id.as_str());
        let claim = claim.with_context(|| format!("claim {id} is not judged"))?;
        // A busy machine may leave a claim open; it must never turn it into its opposite.
        ensure!(claim["verdict"] != "fails", "claim {id} fails: {claim}");
    }
    for path in figures {
        let figure = path.split('.').fold(&result["figures"], |value, key| &value[key]);
        check_figure(figure).with_context(|| format!("figures.{path}"))?;
    }
    Ok(())
}

/// The statistics of one distribution: counted, and in the order that percentiles have.
fn check_figure(figure: &Value) -> Result<()> {
    let number = |key: &str| figure[key].as_f64().with_context(|| format!("{key} is no number"));
    let (p50, p99, max, count) = (number("p50")?, number("p99")?, number("max")?, number("count")?);
    if count < 1.0 {
        bail!("nothing was counted");
    }
    ensure!(0.0 < p50 && p50 <= p99 && p99 <= max, "p50 {p50}, p99 {p99}, max {max} are not in order");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_verdict_that_is_neither_expected_nor_open_is_found() {
        let table: toml::Table = "L10 = \"holds\"\nL03 = \"fails\"\n".parse().unwrap();
        let said = |l10: &str, l03: &str, open| {
            let claims =
                [json!({"id": "L10", "verdict": l10, "reason": "r"}), json!({"id": "L03", "verdict": l03})];
            compare(&claims.iter().collect::<Vec<_>>(), &table, open).map_err(|error| error.to_string())
        };
        assert_eq!(said("holds", "fails", 0), Ok(()));
        assert_eq!(said("inconclusive", "fails", 1), Ok(()));
        assert!(said("inconclusive", "fails", 0).unwrap_err().contains("1 claims are not settled: L10 (r)"));
        assert!(said("fails", "fails", 2).unwrap_err().starts_with("claim L10 is `fails`"));
        assert!(said("holds", "holds", 2).unwrap_err().starts_with("claim L03 is `holds`"));
        assert!(compare(&[], &table, 2).unwrap_err().to_string().contains("is not judged"));
    }

    fn good() -> Value {
        json!({
            "schema": 1, "experiment": "starvation", "started_at": "t", "complete": true, "rounds": 1, "seed": 7,
            "claims": [{"id": "L10", "verdict": "holds", "rule": "r"}],
            "figures": {"ping_ms": {"idle": {"p50": 0.1, "p99": 0.2, "max": 0.2, "count": 9}}},
            "machine": {"cores": 2}, "versions": {"runtime-lab": "0.1.0"}
        })
    }

    fn says(change: impl Fn(&mut Value)) -> bool {
        let mut result = good();
        change(&mut result);
        check(&result, &["L10".to_owned()], &["ping_ms.idle".to_owned()]).is_err()
    }

    #[test]
    fn a_good_result_passes() {
        assert!(!says(|_| {}));
        assert!(!says(|result| result["claims"][0]["verdict"] = json!("inconclusive")));
        assert!(!says(|result| result["more"] = json!("readers ignore keys that they do not know")));
    }

    #[test]
    fn each_wrong_result_is_refused() {
        assert!(says(|result| result["schema"] = json!(2)));
        assert!(says(|result| result["complete"] = json!(false)));
        assert!(says(|result| result["claims"] = json!([])));
        assert!(says(|result| result["claims"][0]["verdict"] = json!("fails")));
        assert!(says(|result| result["claims"][0]["verdict"] = json!("perhaps")));
        assert!(says(|result| result["claims"][0]["rule"] = json!(null)));
        assert!(says(|result| result["machine"] = json!({})));
        assert!(says(|result| result["versions"] = json!({})));
        assert!(says(|result| result["figures"] = json!({})));
        assert!(says(|result| result["figures"]["ping_ms"]["idle"]["count"] = json!(0)));
        assert!(says(|result| result["figures"]["ping_ms"]["idle"]["p50"] = json!(0.5)));
    }
}
