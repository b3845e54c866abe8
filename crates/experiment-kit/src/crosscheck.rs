//! Laying the findings of this project and those of a real runtime side by side.
//!
//! # Model
//! The same cells, the same rule, the same thresholds; only the subject differs. A finding agrees when both say yes or
//! both say no, differs when one says yes and the other no, and is not settled when either is open. A runtime differs when
//! one finding differs. It agrees when none differs, at least half of them agree, and of each claim the first that both
//! have agrees: that is what the claim is about, the others are its controls. Else nothing is said of it.

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
    /// Whether it is the first that both sides have of a claim.
    pub leads: bool,
}

/// The findings that both sides have, by claim and name, each name once.
pub fn compare(ours: &[Claim], theirs: &[Claim]) -> Vec<Compared> {
    let mut compared: Vec<Compared> = Vec::new();
    for claim in ours {
        let other = theirs.iter().find(|other| other.id == claim.id);
        let others = other.map_or(&[][..], |other| &other.findings);
        let mut leads = true;
        for ours in &claim.findings {
            let theirs = others.iter().find(|finding| finding.is_same_question(ours));
            // What was not measured there at all has no counterpart there.
            let Some(theirs) = theirs.filter(|theirs| theirs.interval.is_some()) else { continue };
            let leads = std::mem::take(&mut leads);
            if let Some(known) = compared.iter_mut().find(|one| one.ours.is_same_question(ours)) {
                known.leads |= leads;
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
                leads,
            });
        }
    }
    compared
}

/// What a result says of `runtime`.
pub fn against(runtime: &str, compared: &[Compared]) -> Against {
    let count = |wanted| compared.iter().filter(|one| one.likeness == wanted).count();
    let (agree, differ) = (count(Likeness::Agrees), count(Likeness::Differs));
    let half_agree = 2 * agree >= compared.len();
    let all_lead = compared.iter().all(|one| !one.leads || one.likeness == Likeness::Agrees);
    let (status, reason) = match open(compared) {
        _ if compared.is_empty() => ("skipped", Some("nothing was measured on both".to_owned())),
        _ if differ > 0 => ("differs", Some(differences(compared))),
        Some(open) if !half_agree || !all_lead => {
            ("skipped", Some(format!("{open}; run longer, or on a quieter machine")))
        }
        open => ("agrees", open),
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

/// How many findings are open, and the first of those that matter most.
fn open(compared: &[Compared]) -> Option<String> {
    let open: Vec<&Compared> = compared.iter().filter(|one| one.likeness == Likeness::Unsettled).collect();
    let first = open.iter().find(|one| one.leads).or(open.first())?;
    let are = if open.len() == 1 { "is" } else { "are" };
    Some(format!("{} of {} findings {are} open, first `{}`", open.len(), compared.len(), first.ours.metric))
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
        assert_eq!(
            status(&both, &both),
            ("agrees".to_owned(), "1 of 2 findings is open, first `b`".to_owned())
        );
    }

    #[test]
    fn a_runtime_that_agrees_only_on_a_control_or_on_little_is_not_said_to_agree() {
        let advice = "run longer, or on a quieter machine";
        let control = [("a", 0.4, 0.6), ("b", 0.1, 0.2)];
        let (said, reason) = status(&control, &control);
        assert_eq!(
            (said.as_str(), reason),
            ("skipped", format!("1 of 2 findings is open, first `a`; {advice}"))
        );
        let little = [("a", 0.1, 0.2), ("b", 0.4, 0.6), ("c", 0.4, 0.6)];
        let (said, reason) = status(&little, &little);
        assert_eq!(
            (said.as_str(), reason),
            ("skipped", format!("2 of 3 findings are open, first `b`; {advice}"))
        );
        // What is missing there is not the first that both have.
        assert_eq!(status(&control, &control[1..]).0, "agrees");
    }

    #[test]
    fn a_question_of_two_claims_leads_when_it_leads_in_one() {
        let [first, mut second] = [0, 1].map(|_| claims(&[("a", 0.1, 0.2), ("b", 0.4, 0.6)]).remove(0));
        second.id = "X2".to_owned();
        second.findings.reverse();
        let both = [first, second];
        let compared = compare(&both, &both);
        assert_eq!(compared.iter().map(|one| one.leads).collect::<Vec<_>>(), [true, true]);
        assert_eq!(against("real 1.0", &compared).status, "skipped");
    }
}
