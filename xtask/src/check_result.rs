//! Checks a result file as a reader of it would: the promised fields, sane figures, a verdict for each claim.

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
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let name = options.file.display();
    let text = fs::read_to_string(&options.file).with_context(|| format!("cannot read {name}"))?;
    let result: Value =
        serde_json::from_str(&text).with_context(|| format!("{name} is not one JSON object"))?;
    check(&result, &options.claims, &options.figures).with_context(|| format!("{name} is no good result"))?;
    for claim in result["claims"].as_array().into_iter().flatten() {
        println!("{} {} ({} = {})", claim["id"], claim["verdict"], claim["metric"], claim["value"]);
    }
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
