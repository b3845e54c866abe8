//! Verdicts: what the figures say about a claim, by a rule that anyone can apply again.
//!
//! # Model
//! A rule compares the interval of a ratio with a threshold. `holds` and `fails` need the whole interval on
//! one side of the threshold, and `fails` needs evidence without noise besides: a busy machine can make a cure
//! look bad, so a failure seen beside other work is `inconclusive`.

use serde::{Serialize, Serializer};

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

    pub(crate) fn inconclusive(reason: impl Into<String>) -> Verdict {
        Verdict::Inconclusive { reason: reason.into() }
    }
}

/// Which side of the threshold the claim is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The claim is that the value is at least the threshold.
    AtLeast,
    /// The claim is that the value is at most the threshold.
    AtMost,
}

/// What an interval says about a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The whole interval is on the claimed side.
    Yes,
    /// The whole interval is on the other side.
    No,
    /// The limit is within the interval.
    Open,
}

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

/// One judged claim, as it stands in the result.
#[derive(Clone, Debug, PartialEq)]
pub struct Claim {
    /// The id in the ledger of claims.
    pub id: &'static str,
    /// What the figures say.
    pub verdict: Verdict,
    /// The rule, in words.
    pub rule: String,
    /// What is compared.
    pub metric: &'static str,
    /// Its unit.
    pub unit: &'static str,
    /// Its value and interval, when there were enough samples.
    pub interval: Option<Interval>,
    /// What it is compared with.
    pub threshold: f64,
    /// Why the claim fails, where the one interval does not say it.
    pub reason: Option<String>,
    /// The second condition of the claim, where it has one.
    pub also: Option<Also>,
}

/// A second condition of a claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Also {
    /// What is compared.
    pub metric: &'static str,
    /// Its value and interval, when there were enough samples.
    pub interval: Option<Interval>,
    /// What it is compared with.
    pub threshold: f64,
}

impl Serialize for Also {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'a> {
            metric: &'a str,
            value: Option<f64>,
            low: Option<f64>,
            high: Option<f64>,
            threshold: f64,
        }
        let part = |get: fn(&Interval) -> f64| self.interval.as_ref().map(|one| significant(get(one)));
        let row = Row {
            metric: self.metric,
            value: part(|one| one.value),
            low: part(|one| one.low),
            high: part(|one| one.high),
            threshold: self.threshold,
        };
        row.serialize(serializer)
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Row<'c> {
            id: &'c str,
            verdict: &'c str,
            rule: &'c str,
            metric: &'c str,
            unit: &'c str,
            value: Option<f64>,
            low: Option<f64>,
            high: Option<f64>,
            threshold: f64,
            condition: Option<&'c str>,
            reason: Option<&'c str>,
            also: Option<&'c Also>,
        }
        let part =
            |get: fn(&Interval) -> f64| self.interval.as_ref().map(|interval| significant(get(interval)));
        let row = Row {
            id: self.id,
            verdict: self.verdict.word(),
            rule: &self.rule,
            metric: self.metric,
            unit: self.unit,
            value: part(|interval| interval.value),
            low: part(|interval| interval.low),
            high: part(|interval| interval.high),
            threshold: self.threshold,
            condition: if let Verdict::Depends { condition } = &self.verdict {
                Some(condition)
            } else {
                None
            },
            reason: match &self.verdict {
                Verdict::Inconclusive { reason } => Some(reason),
                _ => self.reason.as_deref(),
            },
            also: self.also.as_ref(),
        };
        row.serialize(serializer)
    }
}

/// `value` with four significant digits: more would pretend to a precision that the measurement does not have.
pub(crate) fn significant(value: f64) -> f64 {
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
        let claim = Claim {
            id: "L10",
            verdict: Verdict::inconclusive("no samples"),
            rule: "a rule".to_owned(),
            metric: "a / b",
            unit: "ratio",
            interval: None,
            threshold: 10.0,
            reason: None,
            also: None,
        };
        assert_eq!(
            serde_json::to_string(&claim).unwrap(),
            r#"{"id":"L10","verdict":"inconclusive","rule":"a rule","metric":"a / b","unit":"ratio","value":null,"low":null,"high":null,"threshold":10.0,"condition":null,"reason":"no samples","also":null}"#
        );
    }

    #[test]
    fn numbers_keep_four_digits() {
        assert_eq!(significant(41.234_567), 41.23);
        assert_eq!(significant(0.012_345_6), 0.012_35);
        assert_eq!(significant(12_345.6), 12_350.0);
        assert_eq!(significant(0.0), 0.0);
    }
}
