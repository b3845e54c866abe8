//! Laying the findings of this project and those of a real runtime side by side.
//!
//! # Model
//! The same cells, the same rule, the same thresholds; only the subject differs. A finding agrees when both say yes or
//! both say no, differs when one says yes and the other no, and is not settled when either is open. A runtime agrees when
//! at least one finding agrees and none differs; it differs when one differs; else it was not compared.

use serde_json::{Map, json};

use crate::finding::Finding;
use crate::report::Against;
use crate::verdict::{Answer, Claim};

/// How one finding compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Both say the same.
    Agrees,
    /// They say the opposite.
    Differs,
    /// One of them is not settled.
    Unsettled,
}

/// One finding on both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The claim that it belongs to.
    pub claim: String,
    /// Here.
    pub ours: Finding,
    /// There.
    pub theirs: Finding,
    /// How they compare.
    pub likeness: Likeness,
}

/// The findings that both sides have, by claim and name, each name once.
pub fn compare(ours: &[Claim], theirs: &[Claim]) -> Vec<Compared> {
    let mut compared: Vec<Compared> = Vec::new();
    for claim in ours {
        let other = theirs.iter().find(|other| other.id == claim.id);
        let others = other.map_or(&[][..], |other| &other.findings);
        for ours in &claim.findings {
            let theirs = others.iter().find(|finding| finding.is_same_question(ours));
            // What was not measured there at all has no counterpart there.
            let Some(theirs) = theirs.filter(|theirs| theirs.interval.is_some()) else { continue };
            if compared.iter().any(|one| one.ours.is_same_question(ours)) {
                continue;
            }
            let likeness = match (ours.answer, theirs.answer) {
                (Answer::Open, _) | (_, Answer::Open) => Likeness::Unsettled,
                (left, right) if left == right => Likeness::Agrees,
                _ => Likeness::Differs,
            };
            compared.push(Compared {
                claim: claim.id.clone(),
                ours: ours.clone(),
                theirs: theirs.clone(),
                likeness,
            });
        }
    }
    compared
}

/// What a result says of `runtime`.
pub fn against(runtime: &str, compared: &[Compared]) -> Against {
    let count = |wanted| compared.iter().filter(|one| one.likeness == wanted).count();
    let (agree, differ, unsettled) =
        (count(Likeness::Agrees), count(Likeness::Differs), count(Likeness::Unsettled));
    let (status, reason) = match (agree, differ) {
        (_, 1..) => ("differs", Some(differences(compared))),
        (1.., 0) => (
            "agrees",
            (unsettled > 0).then(|| format!("{unsettled} of {} findings are open", compared.len())),
        ),
        _ if compared.is_empty() => ("skipped", Some("nothing was measured on both".to_owned())),
        _ => {
            ("skipped", Some("no finding is settled on both; run longer, or on a quieter machine".to_owned()))
        }
    };
    let mut figures = Map::new();
    for Compared { ours, theirs, .. } in compared {
        let of = |finding: &Finding| {
            finding.interval.map(|one| one.rounded()).map(|one| json!([one.value, one.low, one.high]))
        };
        let row =
            json!({"ours": of(ours), "theirs": of(theirs), "threshold": ours.threshold, "side": ours.side});
        figures.insert(ours.question(), row);
    }
    Against { runtime: runtime.to_owned(), status: status.to_owned(), figures: figures.into(), reason }
}

/// What a result says of a runtime that was not measured.
pub fn skipped(runtime: &str, reason: impl Into<String>) -> Against {
    Against {
        runtime: runtime.to_owned(),
        status: "skipped".to_owned(),
        figures: Map::new().into(),
        reason: Some(reason.into()),
    }
}

fn differences(compared: &[Compared]) -> String {
    let differing = compared.iter().filter(|one| one.likeness == Likeness::Differs);
    let value = |finding: &Finding| finding.interval.map_or(f64::NAN, |one| one.rounded().value);
    let texts = differing.map(|Compared { ours, theirs, .. }| {
        format!(
            "{}: {} here, {} there, threshold {}",
            ours.metric,
            value(ours),
            value(theirs),
            ours.threshold
        )
    });
    texts.collect::<Vec<String>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Interval;
    use crate::verdict::Side;

    fn claims(findings: &[(&str, f64, f64)]) -> Vec<Claim> {
        let finding = |&(metric, low, high): &(&str, f64, f64)| {
            let interval = Interval { value: (low + high) / 2.0, low, high };
            Finding::of(metric, "ratio", Some(interval), Side::AtMost, 0.5)
        };
        vec![Claim::all("X1", "rule", findings.iter().map(finding).collect())]
    }

    fn status(ours: &[(&str, f64, f64)], theirs: &[(&str, f64, f64)]) -> (String, String) {
        let said = against("real 1.0", &compare(&claims(ours), &claims(theirs)));
        (said.status, said.reason.unwrap_or_default())
    }

    #[test]
    fn the_same_answers_agree_whatever_the_values() {
        assert_eq!(status(&[("a", 0.1, 0.2)], &[("a", 0.3, 0.4)]).0, "agrees");
        assert_eq!(status(&[("a", 0.6, 0.7)], &[("a", 0.9, 1.0)]).0, "agrees");
    }

    #[test]
    fn one_opposite_answer_differs_and_both_values_are_shown() {
        let (status, reason) =
            status(&[("a", 0.1, 0.1), ("b", 0.1, 0.1)], &[("a", 0.1, 0.1), ("b", 0.9, 0.9)]);
        assert_eq!(status, "differs");
        assert_eq!(reason, "b: 0.1 here, 0.9 there, threshold 0.5");
    }

    #[test]
    fn what_is_open_or_missing_on_one_side_is_not_compared() {
        assert_eq!(status(&[("a", 0.4, 0.6)], &[("a", 0.1, 0.2)]).0, "skipped");
        assert_eq!(status(&[("a", 0.1, 0.2)], &[("b", 0.1, 0.2)]).0, "skipped");
        let both = [("a", 0.1, 0.2), ("b", 0.4, 0.6)];
        assert_eq!(status(&both, &both), ("agrees".to_owned(), "1 of 2 findings are open".to_owned()));
    }
}
