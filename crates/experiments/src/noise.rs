//! What other programs can do to a claim that is expected to depend.

use experiment_kit::finding::Noise;
use experiment_kit::measurements::Measurements;
use experiment_kit::verdict::{Claim, Verdict};

/// Leaves `claim` open beside other programs unless it depends. That takes a yes in each situation, and what others make worse
/// is one no: it turns a claim that depends into one that fails or holds everywhere. On a quiet machine a no counts.
pub(crate) fn open_unless_it_depends(claim: Claim, measured: &Measurements) -> Claim {
    match claim.verdict {
        Verdict::Depends { .. } => claim,
        _ => claim.beside(measured, Noise::Blurs),
    }
}

#[cfg(test)]
mod tests {
    use experiment_kit::finding::Finding;
    use experiment_kit::stats::Interval;
    use experiment_kit::verdict::Side;

    use super::*;

    fn word(where_true: f64, where_false: f64, others: f64) -> &'static str {
        let finding = |value| Finding::of("a", "x", Some(Interval::exact(value)), Side::AtMost, 1.0);
        let claim = Claim::depends(
            "X1",
            "a rule",
            "a condition",
            vec![finding(where_true)],
            vec![finding(where_false)],
        );
        let mut measured = Measurements::new(2);
        measured.others_cores = Some(others);
        open_unless_it_depends(claim, &measured).verdict.word()
    }

    #[test]
    fn beside_other_programs_a_no_settles_nothing_and_on_a_quiet_machine_it_does() {
        assert_eq!(
            [word(0.0, 0.0, 0.0), word(0.0, 2.0, 0.0), word(2.0, 0.0, 0.0)],
            ["depends", "holds", "fails"]
        );
        assert_eq!(
            [word(0.0, 0.0, 1.0), word(0.0, 2.0, 1.0), word(2.0, 0.0, 1.0)],
            ["depends", "inconclusive", "inconclusive"]
        );
    }
}
