//! Findings: one quantity beside one threshold, the smallest thing that a verdict and a cross-check are made of.
//!
//! # Model
//! ```text
//! samples --Judging::ratio, quantile, total--> Quantity --at_least, at_most--> Finding --all, depends--> Claim
//! ```
//! A timing needs three rounds, because the interval comes from rounds that differ; a count is exact after one.
//! The same findings of another runtime are compared with these by name, see [`crate::crosscheck`].

use serde::{Deserialize, Serialize};

use crate::measurements::Measurements;
use crate::stats::{Interval, quantile, quantile_interval, rank_test, ratio_of_quantiles};
use crate::verdict::{Answer, Claim, Side, Verdict, ask, significant};

/// Rounds without which a sampled quantity has no interval.
pub const ROUNDS_MIN: usize = 3;

/// The median.
pub const P50: f64 = 0.5;
/// The 99th percentile.
pub const P99: f64 = 0.99;

/// The speed-up of two threads without any lock below which a machine has no two processors to speak of.
const SPEED_UP_MIN: f64 = 1.5;

/// One quantity beside one threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What is compared; the name by which a finding of another runtime is found.
    pub metric: String,
    /// Its unit.
    pub unit: String,
    /// Its value and interval, when there were enough samples.
    pub interval: Option<Interval>,
    /// Which side is asked for.
    pub side: Side,
    /// What it is compared with.
    pub threshold: f64,
    /// What the interval says.
    pub answer: Answer,
    /// Of a ratio of two cells: the probability that the quantiles of their rounds differ so much in rank when both come
    /// from one distribution.
    #[serde(default)]
    pub rank_p: Option<f64>,
}

impl Finding {
    /// Compares `interval` with `threshold`; without an interval the answer is open.
    pub fn of(
        metric: impl Into<String>,
        unit: &str,
        interval: Option<Interval>,
        side: Side,
        threshold: f64,
    ) -> Finding {
        let answer = interval.map_or(Answer::Open, |interval| ask(&interval, side, threshold));
        Finding {
            metric: metric.into(),
            unit: unit.to_owned(),
            interval,
            side,
            threshold,
            answer,
            rank_p: None,
        }
    }

    /// The same, except that a no leaves it open: for what must be seen at least once before absence means anything, and
    /// for controls, which speak of the machine or the look when they are not as they must be.
    pub fn refutes_nothing(mut self) -> Finding {
        if self.answer == Answer::No {
            self.answer = Answer::Open;
        }
        self
    }

    /// What stands where a claim has nothing to look at.
    pub(crate) fn nothing() -> Finding {
        Finding::of("nothing", "", None, Side::AtLeast, 0.0)
    }

    /// What is asked: metric, side and threshold.
    pub fn question(&self) -> String {
        format!("{}, {} {}", self.metric, self.side.words(), significant(self.threshold))
    }

    /// Whether `other` asks the same, whatever the answer.
    pub fn is_same_question(&self, other: &Finding) -> bool {
        self.metric == other.metric && self.side == other.side && self.threshold == other.threshold
    }

    /// The finding as a sentence: name, value with interval, and what is asked of it, which may be what speaks against a
    /// statement.
    pub fn sentence(&self) -> String {
        let asked = format!("asked: {} {}", self.side.words(), significant(self.threshold));
        match self.interval.map(Interval::rounded) {
            None => format!("{}: not enough was measured; {asked}", self.metric),
            Some(Interval { value, low, high }) if low == high => {
                format!("{} = {value}; {asked}", self.metric)
            }
            Some(Interval { value, low, high }) => {
                format!("{} = {value} (95 %: {low} to {high}); {asked}", self.metric)
            }
        }
    }
}

/// A quantity that waits for its threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    metric: String,
    unit: &'static str,
    interval: Option<Interval>,
    rank_p: Option<f64>,
}

impl Quantity {
    /// The claim is that it is at least `threshold`.
    pub fn at_least(self, threshold: f64) -> Finding {
        self.beside(Side::AtLeast, threshold)
    }

    /// The claim is that it is at most `threshold`.
    pub fn at_most(self, threshold: f64) -> Finding {
        self.beside(Side::AtMost, threshold)
    }

    fn beside(self, side: Side, threshold: f64) -> Finding {
        let rank_p = self.rank_p;
        Finding { rank_p, ..Finding::of(self.metric, self.unit, self.interval, side, threshold) }
    }
}

/// Where samples are: `(metric, cell)`.
pub type At<'a> = (&'a str, &'a str);

/// What a rule may look at: the measurements, and the seed of the bootstrap.
#[derive(Clone, Copy)]
pub struct Judging<'m> {
    /// What was measured.
    pub measured: &'m Measurements,
    /// The seed of the intervals.
    pub seed: u64,
}

impl Judging<'_> {
    /// The ratio of the same quantile of two cells that were measured in turn.
    ///
    /// Its rank test compares one number of each round and cell, that quantile of the round: samples of one round are not
    /// independent of each other. So with three rounds it says at least 0.1, however far the cells are apart.
    pub fn ratio(&self, metric: impl Into<String>, at: f64, over: At<'_>, under: At<'_>) -> Quantity {
        let (over, under) = (self.measured.rounds_of(over), self.measured.rounds_of(under));
        let enough = filled(over).min(filled(under)) >= ROUNDS_MIN;
        let interval = enough.then(|| ratio_of_quantiles(over, under, at, self.seed)).flatten();
        let by_round = |rounds: &[Vec<f64>]| {
            rounds.iter().filter_map(|round| quantile(&mut round.clone(), at)).collect::<Vec<f64>>()
        };
        let rank_p = interval
            .and_then(|_| rank_test(&by_round(over), &by_round(under)))
            .map(|test| significant(test.p));
        Quantity { metric: metric.into(), unit: "ratio", interval, rank_p }
    }

    /// A quantile of one cell, in the unit of its samples. Use it for relations to something fixed by the run (an
    /// asked interval, a number of cores), never to claim how fast a machine is.
    pub fn quantile(
        &self,
        metric: impl Into<String>,
        unit: &'static str,
        quantile: f64,
        at: At<'_>,
    ) -> Quantity {
        let rounds = self.measured.rounds_of(at);
        let enough = filled(rounds) >= ROUNDS_MIN;
        let interval = enough.then(|| quantile_interval(rounds, quantile, self.seed)).flatten();
        Quantity { metric: metric.into(), unit, interval, rank_p: None }
    }

    /// The sum of all samples of a cell, which were counted and not sampled.
    pub fn total(&self, metric: impl Into<String>, unit: &'static str, at: At<'_>) -> Quantity {
        self.exact(metric, unit, at, |samples| samples.sum())
    }

    /// The largest of all samples of a cell, which were counted and not sampled.
    pub fn largest(&self, metric: impl Into<String>, unit: &'static str, at: At<'_>) -> Quantity {
        self.exact(metric, unit, at, |samples| samples.fold(f64::MIN, f64::max))
    }

    /// The smallest of all samples of a cell, which were counted and not sampled.
    pub fn smallest(&self, metric: impl Into<String>, unit: &'static str, at: At<'_>) -> Quantity {
        self.exact(metric, unit, at, |samples| samples.fold(f64::MAX, f64::min))
    }

    fn exact(
        &self,
        metric: impl Into<String>,
        unit: &'static str,
        at: At<'_>,
        of: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
    ) -> Quantity {
        let mut samples = self.measured.rounds_of(at).iter().flatten().copied().peekable();
        let interval = samples.peek().is_some().then(|| Interval::exact(of(&mut samples)));
        Quantity { metric: metric.into(), unit, interval, rank_p: None }
    }

    /// Whether every text that was observed as fact `name` of `cell` is `expected`; the value is how many differ.
    pub fn fact(&self, metric: impl Into<String>, name: &str, cell: &str, expected: &str) -> Finding {
        let seen = self.measured.facts_of(name, cell);
        let differing = seen.iter().filter(|text| text.as_str() != expected).count();
        let interval = (!seen.is_empty()).then(|| Interval::exact(differing as f64));
        Finding::of(metric, "texts that differ", interval, Side::AtMost, 0.0)
    }

    /// Whether `cell` has samples of `metric`.
    pub fn has(&self, at: At<'_>) -> bool {
        self.measured.rounds_of(at).iter().any(|round| !round.is_empty())
    }
}

fn filled(rounds: &[Vec<f64>]) -> usize {
    rounds.iter().filter(|round| !round.is_empty()).count()
}

/// What other programs can do to a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// They can only make it look false: a claim that holds beside them holds.
    Hurts,
    /// They can make it look true or false: beside them nothing is settled.
    Blurs,
}

impl Claim {
    /// A claim that is true when every finding says yes, and false when one says no.
    pub fn all(id: &str, rule: impl Into<String>, findings: Vec<Finding>) -> Claim {
        let verdict = match together(&findings) {
            Answer::Yes => Verdict::Holds,
            Answer::No => Verdict::Fails,
            Answer::Open => Verdict::inconclusive(unsettled(&findings)),
        };
        let reason = (verdict == Verdict::Fails).then(|| refuted(&findings));
        Claim { id: id.to_owned(), verdict, rule: rule.into(), findings, reason }
    }

    /// A statement that may be true in one situation and false in another.
    ///
    /// `where_true` are the findings of the situation in which it should be true; `where_false` say yes when the
    /// statement is false in the other situation. Both shown: it depends, on `condition`. Only the first: it holds
    /// everywhere. Only the second: it fails everywhere. With neither the experiment contradicts itself, and says so.
    pub fn depends(
        id: &str,
        rule: impl Into<String>,
        condition: impl Into<String>,
        where_true: Vec<Finding>,
        where_false: Vec<Finding>,
    ) -> Claim {
        let answers = (together(&where_true), together(&where_false));
        let mut findings = where_true;
        findings.extend(where_false);
        let verdict = match answers {
            (Answer::Yes, Answer::Yes) => Verdict::Depends { condition: condition.into() },
            (Answer::Yes, Answer::No) => Verdict::Holds,
            (Answer::No, Answer::Yes) => Verdict::Fails,
            (Answer::No, Answer::No) => {
                Verdict::inconclusive(format!("neither situation is as it should be: {}", refuted(&findings)))
            }
            _ => Verdict::inconclusive(unsettled(&findings)),
        };
        let reason = (verdict == Verdict::Fails).then(|| refuted(&findings));
        Claim { id: id.to_owned(), verdict, rule: rule.into(), findings, reason }
    }

    /// Takes back what other programs may have caused; see [`Measurements::noise`].
    pub fn beside(mut self, measured: &Measurements, noise: Noise) -> Claim {
        let keeps = noise == Noise::Hurts && matches!(self.verdict, Verdict::Holds);
        if let (false, Some(reason)) = (keeps, measured.noise()) {
            self.verdict = Verdict::inconclusive(reason);
            self.reason = None;
        }
        self
    }

    /// Takes back a failure that only says that this machine has no two processors: a claim that two threads gain, or do
    /// not wait for each other, needs them. Without a look at the speed-up nothing is taken back.
    pub fn needing_two_cores(self, measured: &Measurements) -> Claim {
        self.taken_back_without_two_cores(&Verdict::Fails, measured)
    }

    /// Takes back a success that one processor explains as well: that threads gain nothing says something of their lock only
    /// where they could have gained.
    pub fn holding_only_on_two_cores(self, measured: &Measurements) -> Claim {
        self.taken_back_without_two_cores(&Verdict::Holds, measured)
    }

    fn taken_back_without_two_cores(mut self, verdict: &Verdict, measured: &Measurements) -> Claim {
        let reason = match measured.speed_up() {
            _ if self.verdict != *verdict => None,
            _ if measured.cores < 2 => {
                Some("there is one processor here, so nothing can be said of two processors".to_owned())
            }
            Some(speed_up) if speed_up < SPEED_UP_MIN => Some(format!(
                "two threads without any lock did only {speed_up:.1} x the work of one here, so nothing can be said of two \
                 processors"
            )),
            _ => None,
        };
        if let Some(reason) = reason {
            self.verdict = Verdict::inconclusive(reason);
            self.reason = None;
        }
        self
    }
}

/// Yes when all say yes, no when one says no.
fn together(findings: &[Finding]) -> Answer {
    let any = |answer| findings.iter().any(|finding| finding.answer == answer);
    match (any(Answer::No), any(Answer::Open) || findings.is_empty()) {
        (true, _) => Answer::No,
        (false, true) => Answer::Open,
        (false, false) => Answer::Yes,
    }
}

fn unsettled(findings: &[Finding]) -> String {
    let open = findings.iter().find(|finding| finding.answer == Answer::Open);
    match open {
        None => "nothing was measured; run again".to_owned(),
        Some(Finding { metric, interval: None, .. }) => {
            format!("too little was measured of `{metric}`; run again, and longer")
        }
        Some(Finding { interval: Some(interval), side, threshold, .. })
            if ask(interval, *side, *threshold) == Answer::No =>
        {
            let sentence = open.map(Finding::sentence).unwrap_or_default();
            format!("that alone settles nothing: {sentence}; run longer, or on a quieter machine")
        }
        Some(Finding { metric, threshold, .. }) => format!(
            "the threshold {} lies within the 95 % interval of `{metric}`; run longer, or on a quieter machine",
            significant(*threshold)
        ),
    }
}

fn refuted(findings: &[Finding]) -> String {
    let against = findings.iter().filter(|finding| finding.answer == Answer::No).map(Finding::sentence);
    against.collect::<Vec<String>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measurements::{BEFORE, SPEED_UP};

    /// Three rounds of three samples around each centre, and the number 7 as fact.
    fn world(cells: &[(&str, f64)]) -> Measurements {
        let mut measured = Measurements::new(2);
        for _ in 0..ROUNDS_MIN {
            for (cell, centre) in cells {
                measured.extend("ms", cell, [centre * 0.99, *centre, centre * 1.01]);
            }
            measured.end_round();
        }
        measured.complete = true;
        measured
    }

    fn half(measured: &Measurements) -> Finding {
        let judging = Judging { measured, seed: 7 };
        judging.ratio("b / a", P50, ("ms", "b"), ("ms", "a")).at_most(0.5)
    }

    #[test]
    fn a_ratio_on_either_side_answers_and_on_the_threshold_does_not() {
        assert_eq!(half(&world(&[("a", 10.0), ("b", 2.0)])).answer, Answer::Yes);
        assert_eq!(half(&world(&[("a", 10.0), ("b", 9.0)])).answer, Answer::No);
        assert_eq!(half(&world(&[("a", 10.0), ("b", 5.0)])).answer, Answer::Open);
        assert_eq!(half(&world(&[("a", 10.0)])).answer, Answer::Open);
    }

    #[test]
    fn ranks_are_those_of_rounds_and_not_of_samples() {
        let rank_p = |rounds: usize, b: f64| {
            let mut measured = Measurements::new(2);
            for round in 0..rounds {
                let level = 1.0 + round as f64 / 100.0;
                measured.extend("ms", "a", vec![10.0 * level; 50]);
                measured.extend("ms", "b", vec![b * level; 50]);
                measured.end_round();
            }
            half(&measured).rank_p
        };
        // Of the 20 arrangements of 3 and 3, two are as far apart as can be: 2 / 20; of 252 of 5 and 5 as well.
        assert_eq!(rank_p(3, 2.0), Some(0.1));
        assert_eq!(rank_p(5, 2.0), Some(significant(2.0 / 252.0)));
        assert_eq!(rank_p(3, 10.0), Some(1.0));
    }

    #[test]
    fn a_sentence_says_what_is_asked_and_not_what_is_claimed() {
        let asked = |interval| Finding::of("b / a", "ratio", interval, Side::AtMost, 0.5).sentence();
        assert_eq!(asked(None), "b / a: not enough was measured; asked: at most 0.5");
        assert_eq!(asked(Some(Interval::exact(0.9))), "b / a = 0.9; asked: at most 0.5");
        let wide = Interval { value: 0.9, low: 0.8, high: 1.0 };
        assert_eq!(asked(Some(wide)), "b / a = 0.9 (95 %: 0.8 to 1); asked: at most 0.5");
    }

    #[test]
    fn a_failure_on_a_machine_without_two_processors_is_taken_back_and_a_success_is_not() {
        let judged = |b: f64, cores: usize, speed_up: Option<f64>| {
            let mut measured = world(&[("a", 10.0), ("b", b)]);
            measured.cores = cores;
            measured.extend(SPEED_UP, BEFORE, speed_up);
            Claim::all("X4", "rule", vec![half(&measured)]).needing_two_cores(&measured).verdict
        };
        assert_eq!(judged(9.0, 2, None), Verdict::Fails);
        assert_eq!(judged(9.0, 2, Some(1.5)), Verdict::Fails);
        let little = "two threads without any lock did only 1.1 x the work of one here, so nothing can be said of two \
                      processors";
        assert_eq!(judged(9.0, 2, Some(1.1)), Verdict::inconclusive(little));
        let one = "there is one processor here, so nothing can be said of two processors";
        assert_eq!(judged(9.0, 1, None), Verdict::inconclusive(one));
        assert_eq!(judged(2.0, 2, Some(1.1)), Verdict::Holds);
        assert_eq!(judged(2.0, 1, None), Verdict::Holds);
    }

    #[test]
    fn a_success_that_one_processor_explains_is_taken_back_and_a_failure_is_not() {
        let judged = |b: f64, cores: usize, speed_up: Option<f64>| {
            let mut measured = world(&[("a", 10.0), ("b", b)]);
            measured.cores = cores;
            measured.extend(SPEED_UP, BEFORE, speed_up);
            Claim::all("X4", "rule", vec![half(&measured)]).holding_only_on_two_cores(&measured).verdict
        };
        let one = "there is one processor here, so nothing can be said of two processors";
        assert_eq!(judged(2.0, 1, None), Verdict::inconclusive(one));
        assert!(matches!(judged(2.0, 2, Some(1.1)), Verdict::Inconclusive { .. }));
        assert_eq!(judged(2.0, 2, Some(1.5)), Verdict::Holds);
        assert_eq!(judged(9.0, 1, None), Verdict::Fails);
    }

    #[test]
    fn two_rounds_are_not_enough_for_a_timing_but_one_is_for_a_count() {
        let mut measured = Measurements::new(2);
        for _ in 0..ROUNDS_MIN - 1 {
            measured.extend("ms", "a", [10.0; 9]);
            measured.extend("ms", "b", [1.0; 9]);
            measured.end_round();
        }
        assert_eq!(half(&measured).answer, Answer::Open);
        let judging = Judging { measured: &measured, seed: 7 };
        assert_eq!(judging.total("sum", "ms", ("ms", "b")).at_least(18.0).answer, Answer::Yes);
        assert_eq!(judging.largest("max", "ms", ("ms", "a")).at_most(9.0).answer, Answer::No);
        assert_eq!(judging.smallest("min", "ms", ("ms", "none")).at_most(9.0).answer, Answer::Open);
    }

    #[test]
    fn what_was_not_seen_or_a_control_refutes_nothing_and_says_so() {
        let measured = world(&[("a", 10.0), ("b", 9.0)]);
        let control = half(&measured).refutes_nothing();
        assert_eq!(control.answer, Answer::Open);
        assert_eq!(half(&world(&[("a", 10.0), ("b", 2.0)])).refutes_nothing().answer, Answer::Yes);
        let Verdict::Inconclusive { reason } = Claim::all("X1", "rule", vec![control]).verdict else {
            panic!("a control settled a claim")
        };
        assert!(reason.starts_with("that alone settles nothing: b / a = 0.9 ("), "{reason}");
    }

    #[test]
    fn a_fact_that_was_once_different_is_refuted() {
        let mut measured = world(&[]);
        measured.fact("order", "io", "immediate, timeout");
        let judge = |measured: &Measurements| {
            Judging { measured, seed: 7 }.fact("order", "order", "io", "immediate, timeout").answer
        };
        assert_eq!(judge(&measured), Answer::Yes);
        measured.fact("order", "io", "timeout, immediate");
        assert_eq!(judge(&measured), Answer::No);
        assert_eq!(judge(&world(&[])), Answer::Open);
    }

    #[test]
    fn a_claim_fails_by_its_own_findings_and_says_which() {
        let claim =
            Claim::all("X1", "b is at most half of a", vec![half(&world(&[("a", 10.0), ("b", 9.0)]))]);
        assert_eq!(claim.verdict, Verdict::Fails);
        assert!(claim.reason.unwrap().starts_with("b / a = 0.9 ("));
        assert_eq!(Claim::all("X1", "nothing", vec![]).verdict.word(), "inconclusive");
    }

    #[test]
    fn a_statement_that_is_half_true_depends() {
        let yes = || vec![half(&world(&[("a", 10.0), ("b", 2.0)]))];
        let no = || vec![half(&world(&[("a", 10.0), ("b", 9.0)]))];
        let open = || vec![half(&world(&[("a", 10.0), ("b", 5.0)]))];
        let word = |left, right| Claim::depends("X2", "rule", "work that waits", left, right).verdict.word();
        assert_eq!(word(yes(), yes()), "depends");
        assert_eq!(word(yes(), no()), "holds");
        assert_eq!(word(no(), yes()), "fails");
        assert_eq!(word(no(), no()), "inconclusive");
        assert_eq!(word(open(), yes()), "inconclusive");
    }

    #[test]
    fn noise_takes_back_a_failure_always_and_a_success_where_it_could_fake_one() {
        let judged = |b: f64, noise, others: f64| {
            let mut measured = world(&[("a", 10.0), ("b", b)]);
            measured.others_cores = Some(others);
            Claim::all("X3", "rule", vec![half(&measured)]).beside(&measured, noise).verdict.word()
        };
        assert_eq!(judged(9.0, Noise::Hurts, 0.0), "fails");
        assert_eq!(judged(9.0, Noise::Hurts, 1.0), "inconclusive");
        assert_eq!(judged(2.0, Noise::Hurts, 1.0), "holds");
        assert_eq!(judged(2.0, Noise::Blurs, 0.0), "holds");
        assert_eq!(judged(2.0, Noise::Blurs, 1.0), "inconclusive");
    }
}
