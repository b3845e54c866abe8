//! The rules by which a series of runs is compared with what was expected: pure functions of the values.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::ratio::Ratio;

/// What the values of all runs should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The median lies between the two.
    Between(f64, f64),
    /// The median is at least this.
    AtLeast(f64),
    /// The median is at most this.
    AtMost(f64),
    /// Zero in every run.
    Never,
    /// More than zero in more than half of the runs.
    Mostly,
    /// More than half of the runs are 0, 1 or 2, or at most this much above one of them.
    Steps(f64),
}

/// What to expect, and whether it takes two processors that are free.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expected {
    /// Of the values.
    pub rule: Rule,
    /// Where two processes get in each other's way, it may not be seen: nothing can run at once, or other work takes the
    /// time that is compared.
    pub two_cores: bool,
}

/// What the machine can show.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Processors.
    pub cores: usize,
    /// The time of two processes relative to one after the other, in the same minutes; `None` when not measured.
    pub two_processes: Option<f64>,
}

/// Two processes that need more than this do not have two processors for themselves.
const NO_ROOM: f64 = 0.75;

/// What the rule says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    AsExpected,
    /// No.
    Differs,
    /// The machine cannot show it, for this reason.
    Depends(String),
}

impl Rule {
    /// Whether the values obey; no values do not.
    pub fn holds(self, values: &[f64]) -> bool {
        let Some(ratio) = Ratio::of(values.iter().copied()) else { return false };
        let most = |fits: &dyn Fn(f64) -> bool| {
            values.iter().filter(|value| fits(**value)).count() * 2 > values.len()
        };
        match self {
            Rule::Between(low, high) => (low..=high).contains(&ratio.median),
            Rule::AtLeast(low) => ratio.median >= low,
            Rule::AtMost(high) => ratio.median <= high,
            Rule::Never => values.iter().all(|value| *value == 0.0),
            Rule::Mostly => most(&|value| value > 0.0),
            Rule::Steps(slack) => {
                most(&|value| [0.0, 1.0, 2.0].iter().any(|step| (*step..=step + slack).contains(&value)))
            }
        }
    }
}

impl Expected {
    /// Judges the values. What obeys is as expected on any machine.
    pub fn judge(&self, values: &[f64], room: Room) -> Verdict {
        if self.rule.holds(values) {
            return Verdict::AsExpected;
        }
        match room {
            _ if !self.two_cores => Verdict::Differs,
            Room { cores, .. } if cores < 2 => Verdict::Depends("there is one core".into()),
            Room { two_processes: Some(time), .. } if time > NO_ROOM => {
                Verdict::Depends(format!("two processes together: {time:.2}"))
            }
            _ => Verdict::Differs,
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Between(low, high) => write!(out, "{low} to {high}"),
            Rule::AtLeast(low) => write!(out, "at least {low}"),
            Rule::AtMost(high) => write!(out, "at most {high}"),
            Rule::Never => write!(out, "0 in every run"),
            Rule::Mostly => write!(out, "above 0 in most runs"),
            Rule::Steps(slack) => write!(out, "0, 1 or 2, and up to {slack} more, in most runs"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::AsExpected => write!(out, "as expected"),
            Verdict::Differs => write!(out, "differs"),
            Verdict::Depends(reason) => write!(out, "depends ({reason})"),
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_of_the_median_say_no_on_the_other_side() {
        let runs = |middle: f64| [0.0, middle, 99.0];
        for (rule, yes, no) in [
            (Rule::Between(0.95, 1.1), 1.0, 1.2),
            (Rule::Between(0.95, 1.1), 0.95, 0.9),
            (Rule::AtLeast(1.3), 1.3, 1.29),
            (Rule::AtMost(0.65), 0.65, 0.66),
        ] {
            assert!(rule.holds(&runs(yes)), "{rule}: {yes}");
            assert!(!rule.holds(&runs(no)), "{rule}: {no}");
        }
    }

    #[test]
    fn one_lost_update_is_enough_to_say_no_to_never() {
        assert!(Rule::Never.holds(&[0.0; 5]));
        assert!(!Rule::Never.holds(&[0.0, 0.0, 0.0005, 0.0, 0.0]));
    }

    #[test]
    fn mostly_says_no_when_half_of_the_runs_lose_nothing() {
        assert!(Rule::Mostly.holds(&[0.0, 12.0, 30.0]));
        assert!(!Rule::Mostly.holds(&[0.0, 0.0, 30.0]));
        assert!(!Rule::Mostly.holds(&[0.0, 30.0]));
    }

    #[test]
    fn steps_are_0_1_and_2_with_their_slack_and_nothing_between() {
        let rule = Rule::Steps(0.06);
        assert!(rule.holds(&[0.001, 1.02, 2.05]));
        assert!(rule.holds(&[1.02, 1.03, 1.6]));
        for values in [[1.5, 1.5, 1.0], [3.01, 3.0, 2.0], [0.5, 0.99, 1.0], [1.07, 2.07, 0.0]] {
            assert!(!rule.holds(&values), "{values:?}");
        }
    }

    #[test]
    fn no_values_obey_no_rule() {
        for rule in [Rule::AtLeast(0.0), Rule::Never, Rule::Mostly, Rule::Steps(1.0)] {
            assert!(!rule.holds(&[]), "{rule}");
        }
    }

    #[test]
    fn a_machine_without_room_is_named_only_where_a_rule_needs_room() {
        let judge = |two_cores, value: f64, cores, two_processes| {
            Expected { rule: Rule::AtMost(0.65), two_cores }.judge(&[value], Room { cores, two_processes })
        };
        assert_eq!(judge(true, 0.6, 1, None), Verdict::AsExpected);
        assert_eq!(judge(true, 1.0, 1, None).to_string(), "depends (there is one core)");
        assert!(matches!(judge(true, 0.8, 2, Some(0.8)), Verdict::Depends(_)));
        assert_eq!(judge(true, 0.8, 2, Some(0.55)), Verdict::Differs);
        assert_eq!(judge(true, 0.8, 2, None), Verdict::Differs);
        assert_eq!(judge(false, 0.8, 1, Some(1.0)), Verdict::Differs);
    }
}
