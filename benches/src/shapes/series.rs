//! All runs of one program: every value, and the line that each rule gives.

use serde::Serialize;

use super::expected;
use super::figures::Figures;
use super::plan::Plan;
use super::rule::{Expected, Room, Verdict};
use super::subject::{ABLATED, Subject};
use crate::ratio::Ratio;
use crate::table::Table;

/// The runs of a subject, in rounds.
#[derive(Clone, Debug)]
pub struct Series {
    /// Who ran.
    pub subject: Subject,
    /// What each run found.
    pub runs: Vec<Figures>,
}

/// A checked rule.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    program: &'static str,
    subject: String,
    metric: String,
    /// One for each run.
    values: Vec<f64>,
    rule: String,
    verdict: Verdict,
}

impl Series {
    fn values(&self, metric: &super::figures::Metric) -> Vec<f64> {
        self.runs.iter().filter_map(|run| metric.of(run)).collect()
    }
}

/// Every value of every run.
pub fn table(plan: &Plan, all: &[Series]) -> String {
    let mut titles = vec!["runs of"];
    titles.extend(plan.metrics.iter().map(|metric| metric.name));
    let mut table = Table::new(&titles);
    for series in all {
        let cells = plan.metrics.iter().map(|metric| {
            let shown: Vec<String> = series.values(metric).into_iter().map(figure).collect();
            if shown.is_empty() { "-".to_owned() } else { shown.join(" ") }
        });
        table.row(std::iter::once(series.subject.name()).chain(cells));
    }
    table.to_text()
}

/// Three digits, so that 0.0007 intervals are not 0, and nothing but 0 is.
fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        ..0.001 => format!("{value:.4}"),
        ..0.1 => format!("{value:.3}"),
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// Each rule of the plan with what it says, subject by subject.
pub fn check(plan: &Plan, all: &[Series], room: Room) -> Vec<Line> {
    let mut lines = Vec::new();
    for series in all {
        for metric in plan.metrics {
            let values = series.values(metric);
            if values.is_empty() {
                continue;
            }
            let line = |metric: String, values: Vec<f64>, expected: Expected| Line {
                program: plan.program,
                subject: series.subject.name(),
                metric,
                verdict: expected.judge(&values, room),
                values,
                rule: expected.rule.to_string(),
            };
            let rule =
                series.subject.model().and_then(|model| expected::of(plan.program, metric.name, model));
            lines.extend(rule.map(|rule| line(metric.name.to_owned(), values.clone(), rule)));
            let effect =
                series.subject.ablation().and_then(|one| expected::effect(plan.program, metric.name, one));
            let base = all
                .iter()
                .find(|other| other.subject.ablation().is_none() && other.subject.name() == ABLATED.name());
            if let (Some(effect), Some(base)) = (effect, base) {
                let pairs = values.iter().zip(base.values(metric));
                let relative = pairs.map(|(value, base)| value / base.max(f64::MIN_POSITIVE)).collect();
                lines.push(line(format!("{} / {}", metric.name, ABLATED.name()), relative, effect));
            }
        }
    }
    lines
}

impl Line {
    /// Whether the machine could show it and it was not there.
    pub fn differs(&self) -> bool {
        self.verdict == Verdict::Differs
    }

    /// For people.
    pub fn to_text(&self) -> String {
        let Line { program, subject, metric, rule, verdict, .. } = self;
        let shown = Ratio::of(self.values.iter().copied()).map_or(String::new(), |ratio| {
            format!("{} ({} to {})", figure(ratio.median), figure(ratio.low), figure(ratio.high))
        });
        format!("{verdict}: {program}, {subject}, {metric}: {shown}; rule: {rule}")
    }
}

#[cfg(test)]
mod tests {
    use gil_interpreter::gil::Policy;

    use super::super::plan::PLANS;
    use super::*;

    fn series(ablation: &'static str, p50s: &[f64]) -> Series {
        let runs =
            p50s.iter().map(|p50| Figures::parse(&format!("RESULT k1_p50_x={p50}\n")).unwrap()).collect();
        Series { subject: Subject::Ours { policy: Policy::Gil310, ablation }, runs }
    }

    fn convoy() -> Plan {
        PLANS.into_iter().find(|plan| plan.program == "convoy").unwrap()
    }

    fn paced() -> Plan {
        PLANS.into_iter().find(|plan| plan.program == "convoy-paced").unwrap()
    }

    const ROOM: Room = Room { cores: 2, two_processes: None };

    #[test]
    fn every_run_is_shown() {
        let text = table(&convoy(), &[series("", &[1.02, 0.0008, 2.03])]);
        assert!(text.contains("1.02 0.0008 2.03"), "{text}");
        assert!(text.lines().nth(1).unwrap().trim_end().ends_with('-'), "{text}");
    }

    #[test]
    fn a_rule_is_a_line_and_a_metric_without_values_is_none() {
        let lines = check(&convoy(), &[series("", &[1.02, 1.03, 6.0])], ROOM);
        let text: Vec<String> = lines.iter().map(Line::to_text).collect();
        let rule = "rule: 0, 1 or 2, and up to 0.06 more, in most runs";
        assert_eq!(text, [format!("as expected: convoy, gil310, k1 p50: 1.03 (1.02 to 6.00); {rule}")]);
        assert!(check(&convoy(), &[series("", &[1.5, 1.5, 1.02])], ROOM)[0].differs());
    }

    #[test]
    fn an_ablation_is_compared_with_its_policy_in_the_same_round() {
        let lines =
            check(&paced(), &[series("", &[1.0, 2.0]), series("no-forced-switch", &[6.0, 6.0])], ROOM);
        assert_eq!(lines[1].values, [6.0, 3.0]);
        assert!(!lines[1].differs());
        let same = check(&paced(), &[series("", &[1.0]), series("no-forced-switch", &[1.0])], ROOM);
        assert!(same[1].differs());
        assert!(check(&paced(), &[series("no-forced-switch", &[1.0])], ROOM).is_empty());
    }
}
