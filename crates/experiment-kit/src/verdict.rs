//! Verdicts: what the figures say about a claim, by a rule that anyone can apply again.
//!
//! # Model
//! A rule compares the interval of a ratio with a threshold. `holds` and `fails` need the whole interval on
//! one side of the threshold, and `fails` needs evidence without noise besides: a busy machine can make a cure
//! look bad, so a failure seen beside other work is `inconclusive`.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;
use crate::stats::Interval;

/// What the figures say about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The claim is true here.
    Holds,
    /// The claim is false here.
    Fails,
    /// The claim is true under a condition that this run did not meet.
    Depends {
        /// The condition.
        condition: String,
    },
    /// The figures do not settle it.
    Inconclusive {
        /// Why, and what to do about it.
        reason: String,
    },
}

impl Verdict {
    /// The word for it in results and on the screen.
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Holds => "holds",
            Verdict::Fails => "fails",
            Verdict::Depends { .. } => "depends",
            Verdict::Inconclusive { .. } => "inconclusive",
        }
    }

    /// Not settled, for this reason.
    pub fn inconclusive(reason: impl Into<String>) -> Verdict {
        Verdict::Inconclusive { reason: reason.into() }
    }
}

/// Which side of the threshold the claim is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The claim is that the value is at least the threshold.
    AtLeast,
    /// The claim is that the value is at most the threshold.
    AtMost,
}

impl Side {
    /// In words, before a threshold.
    pub fn words(self) -> &'static str {
        match self {
            Side::AtLeast => "at least",
            Side::AtMost => "at most",
        }
    }
}

/// What an interval says about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The whole interval is on the claimed side.
    Yes,
    /// The whole interval is on the other side.
    No,
    /// The limit is within the interval.
    Open,
}

impl Answer {
    /// The answer in one word.
    pub fn word(self) -> &'static str {
        match self {
            Answer::Yes => "yes",
            Answer::No => "no",
            Answer::Open => "open",
        }
    }
}

// ANCHOR: ask
/// Compares `interval` with `threshold`.
pub fn ask(interval: &Interval, side: Side, threshold: f64) -> Answer {
    let (yes, no) = match side {
        Side::AtLeast => (interval.low >= threshold, interval.high < threshold),
        Side::AtMost => (interval.high <= threshold, interval.low > threshold),
    };
    match (yes, no) {
        (true, _) => Answer::Yes,
        (_, true) => Answer::No,
        _ => Answer::Open,
    }
}
// ANCHOR_END: ask

/// One judged claim, as it stands in the result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Claim {
    /// The id in the ledger of claims.
    pub id: String,
    /// What the figures say.
    pub verdict: Verdict,
    /// The rule, in words.
    pub rule: String,
    /// What the rule looked at, in its order; never empty. The one that decided is [`Claim::deciding`].
    pub findings: Vec<Finding>,
    /// Why the claim fails, where the findings do not say it by themselves.
    pub reason: Option<String>,
}

impl Claim {
    /// The finding that decided: of a claim that fails the first that says no, of one that is not settled the first that is
    /// open, else the first.
    pub fn deciding(&self) -> Option<&Finding> {
        let wanted = match self.verdict {
            Verdict::Fails => Answer::No,
            Verdict::Inconclusive { .. } => Answer::Open,
            Verdict::Holds | Verdict::Depends { .. } => Answer::Yes,
        };
        self.findings.iter().find(|finding| finding.answer == wanted).or(self.findings.first())
    }
}

/// How a claim is written: `id` and `verdict` first, the deciding finding beside them, then all findings.
#[derive(Serialize, Deserialize)]
struct Row {
    id: String,
    verdict: String,
    rule: String,
    metric: String,
    unit: String,
    value: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    threshold: f64,
    condition: Option<String>,
    reason: Option<String>,
    #[serde(default)]
    findings: Vec<Finding>,
}

impl From<Claim> for Row {
    fn from(claim: Claim) -> Row {
        let deciding = claim.deciding().cloned().unwrap_or_else(Finding::nothing);
        let Claim { id, verdict, rule, findings, reason } = claim;
        let interval = deciding.interval.map(|one| one.rounded());
        let word = verdict.word().to_owned();
        let (condition, reason) = match verdict {
            Verdict::Depends { condition } => (Some(condition), reason),
            Verdict::Inconclusive { reason } => (None, Some(reason)),
            Verdict::Holds | Verdict::Fails => (None, reason),
        };
        Row {
            id,
            verdict: word,
            rule,
            metric: deciding.metric,
            unit: deciding.unit,
            value: interval.map(|one| one.value),
            low: interval.map(|one| one.low),
            high: interval.map(|one| one.high),
            threshold: deciding.threshold,
            condition,
            reason,
            findings,
        }
    }
}

impl From<Row> for Claim {
    fn from(row: Row) -> Claim {
        let reason = row.reason;
        let (verdict, reason) = match row.verdict.as_str() {
            "holds" => (Verdict::Holds, reason),
            "fails" => (Verdict::Fails, reason),
            "depends" => (Verdict::Depends { condition: row.condition.unwrap_or_default() }, reason),
            // A word of a later version says nothing that this one may repeat as settled.
            _ => (Verdict::Inconclusive { reason: reason.unwrap_or_default() }, None),
        };
        Claim { id: row.id, verdict, rule: row.rule, findings: row.findings, reason }
    }
}

/// `value` with four significant digits: more would pretend to a precision that the measurement does not have.
pub fn significant(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(low: f64, high: f64) -> Interval {
        Interval { value: (low + high) / 2.0, low, high }
    }

    #[test]
    fn a_limit_within_the_interval_leaves_the_question_open() {
        assert_eq!(ask(&interval(9.0, 11.0), Side::AtLeast, 10.0), Answer::Open);
        assert_eq!(ask(&interval(0.09, 0.11), Side::AtMost, 0.1), Answer::Open);
    }

    #[test]
    fn an_interval_on_one_side_answers() {
        assert_eq!(ask(&interval(10.0, 12.0), Side::AtLeast, 10.0), Answer::Yes);
        assert_eq!(ask(&interval(8.0, 9.9), Side::AtLeast, 10.0), Answer::No);
        assert_eq!(ask(&interval(0.01, 0.1), Side::AtMost, 0.1), Answer::Yes);
        assert_eq!(ask(&interval(0.11, 0.5), Side::AtMost, 0.1), Answer::No);
    }

    #[test]
    fn a_claim_without_samples_has_no_numbers_but_all_its_keys() {
        let finding = Finding::of("a / b", "ratio", None, Side::AtLeast, 10.0);
        let claim = Claim {
            id: "L10".to_owned(),
            verdict: Verdict::inconclusive("no samples"),
            rule: "a rule".to_owned(),
            findings: vec![finding],
            reason: None,
        };
        let text = serde_json::to_string(&claim).unwrap();
        assert!(
            text.starts_with(
                r#"{"id":"L10","verdict":"inconclusive","rule":"a rule","metric":"a / b","unit":"ratio","value":null,"low":null,"high":null,"threshold":10.0,"condition":null,"reason":"no samples","findings":[{"#
            ),
            "{text}"
        );
        assert_eq!(serde_json::from_str::<Claim>(&text).unwrap(), claim);
    }

    #[test]
    fn the_deciding_finding_is_the_one_that_the_verdict_comes_from() {
        let finding = |metric: &str, low, high| {
            Finding::of(metric, "ratio", Some(interval(low, high)), Side::AtMost, 0.5)
        };
        let claim = |verdict| Claim {
            id: "X1".to_owned(),
            verdict,
            rule: "a rule".to_owned(),
            findings: vec![finding("yes", 0.1, 0.2), finding("open", 0.4, 0.6), finding("no", 0.8, 0.9)],
            reason: None,
        };
        let depends = Verdict::Depends { condition: "a condition".to_owned() };
        for (verdict, metric) in [
            (Verdict::Holds, "yes"),
            (depends, "yes"),
            (Verdict::Fails, "no"),
            (Verdict::inconclusive("open"), "open"),
        ] {
            let claim = claim(verdict);
            assert_eq!(claim.deciding().unwrap().metric, metric);
            let text = serde_json::to_value(&claim).unwrap();
            assert_eq!(text["metric"], metric);
            assert_eq!(text["findings"][0]["metric"], "yes", "their order stays");
        }
        let none = Claim { findings: Vec::new(), ..claim(Verdict::Fails) };
        assert_eq!(none.deciding(), None);
        let all_say_yes =
            Claim { findings: vec![finding("yes", 0.1, 0.2)], ..claim(Verdict::inconclusive("noise")) };
        assert_eq!(all_say_yes.deciding().unwrap().metric, "yes");
    }

    #[test]
    fn a_verdict_of_a_later_version_is_not_repeated_as_settled() {
        let text = r#"{"id":"L99","verdict":"perhaps","rule":"r","metric":"m","unit":"u","value":1.0,"low":1.0,"high":1.0,"threshold":1.0,"condition":null,"reason":null}"#;
        let claim: Claim = serde_json::from_str(text).unwrap();
        assert_eq!(claim.verdict.word(), "inconclusive");
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!(significant(41.234_567), 41.23);
        assert_eq!(significant(0.012_345_6), 0.012_35);
        assert_eq!(significant(12_345.6), 12_350.0);
        assert_eq!(significant(0.0), 0.0);
    }
}
