//! Worlds for the rules, counting rounds, and the names of the cells.

use experiment_kit::measurements::Measurements;

use super::*;

/// Three rounds on two processors: `[on 1, 2, 4, 8]` in units of one job, and half of the crowd in small and big.
fn words(waiting: [f64; 4], computing: [f64; 4], crowd_computes: [f64; 2], others: f64) -> [&'static str; 2] {
    let mut measured = Measurements::new(2);
    for wobble in [0.98, 1.0, 1.02] {
        measured.extend("wall_ms", &Shape::new(Doing::Computing, 1, 1).cell(), [10.0]);
        for (index, threads) in POOLS.into_iter().enumerate() {
            let cell = |doing| Shape::new(doing, JOBS, threads).cell();
            measured.extend("wall_ms", &cell(Doing::Computing), [10.0 * computing[index] * wobble]);
            measured.extend("rounds", &cell(Doing::Waiting), [waiting[index] * wobble]);
        }
        for (doing, halves) in [(Doing::Computing, crowd_computes), (Doing::Waiting, [300.0, 15.0])] {
            let [few, big] = [small(2), crowd(2)].map(|threads| Shape::new(doing, crowd(2), threads).cell());
            // The whole crowd takes as long in both, unless the bigger pool does have its half done sooner.
            measured.extend("wall_ms", &few, [250.0]);
            measured.extend("wall_ms", &big, [if halves[1] < halves[0] { 120.0 } else { 250.0 } * wobble]);
            measured.extend("completion_ms", &few, [halves[0] / wobble; 9]);
            measured.extend("completion_ms", &big, [halves[1] * wobble; 9]);
        }
        measured.end_round();
    }
    measured.others_cores = Some(others);
    let claims = judge(&Judging { measured: &measured, seed: 7 });
    [claims[0].verdict.word(), claims[1].verdict.word()]
}

const MODEL: [f64; 4] = [8.0, 4.0, 2.0, 1.0];
const TWO_CORES: [f64; 4] = [8.0, 4.0, 4.0, 4.0];

#[test]
fn on_two_processors_it_depends_and_a_bigger_pool_is_not_always_faster() {
    assert_eq!(words(MODEL, TWO_CORES, [128.0, 230.0], 0.0), ["depends", "holds"]);
    assert_eq!(words(MODEL, TWO_CORES, [128.0, 230.0], 1.0), ["depends", "holds"]);
}

#[test]
fn with_processors_enough_two_rounds_hold_for_all_jobs() {
    assert_eq!(words(MODEL, MODEL, [128.0, 230.0], 0.0), ["holds", "holds"]);
}

#[test]
fn opposite_worlds_fail() {
    assert_eq!(words([8.0; 4], [8.0; 4], [128.0, 60.0], 0.0), ["fails", "fails"]);
    assert_eq!(words([1.0; 4], TWO_CORES, [128.0, 60.0], 0.0), ["fails", "fails"]);
    assert_eq!(words([8.0; 4], [8.0; 4], [128.0, 60.0], 1.0), ["inconclusive"; 2]);
}

#[test]
fn what_lies_between_is_open() {
    let between = [8.0, 4.0, 3.0, 1.0];
    assert_eq!(words(between, TWO_CORES, [128.0, 128.0], 0.0), ["inconclusive", "inconclusive"]);
}

#[test]
fn more_processors_than_the_small_pool_has_threads_settle_nothing() {
    let claim = |cores: usize| {
        let mut measured = Measurements::new(cores);
        for _ in 0..3 {
            for (threads, ms) in [(small(cores), 250.0), (crowd(cores), 120.0)] {
                let cell = Shape::new(Doing::Computing, crowd(cores), threads).cell();
                measured.extend("wall_ms", &cell, [ms]);
                measured.extend("completion_ms", &cell, [ms]);
            }
            measured.end_round();
        }
        size_claim(&Judging { measured: &measured, seed: 7 })
    };
    assert_eq!(claim(64).verdict.word(), "fails");
    let Verdict::Inconclusive { reason } = claim(65).verdict else { panic!("it is open") };
    assert!(reason.starts_with("a pool has at most 1024 threads"), "{reason}");
}

#[test]
fn the_crowd_of_a_full_run_takes_no_more_rounds_on_more_processors() {
    for cores in [1, 2, 8, 32, 128] {
        let crowds = shapes(cores, false).into_iter().filter(|shape| shape.jobs > JOBS);
        let most = crowds.map(|shape| shape.jobs.div_ceil(shape.threads)).max();
        assert!(most <= Some(ROWS_MOST), "{cores}: {most:?}");
    }
}

#[test]
fn rows_are_as_long_as_the_jobs_that_follow_each_other() {
    let zero = clock::Clock::real().now();
    let span = |begun: u64, ended: u64| Span {
        begun: zero + Duration::from_millis(begun),
        ended: zero + Duration::from_millis(ended),
    };
    assert_eq!(rows(vec![]), 0);
    assert_eq!(rows(vec![span(0, 30), span(1, 31), span(2, 32)]), 1);
    assert_eq!(rows(vec![span(30, 60), span(0, 30), span(31, 61), span(1, 31)]), 2);
    // One that began late lies across two of another thread and makes no third round.
    assert_eq!(rows(vec![span(0, 30), span(30, 60), span(20, 50), span(50, 80)]), 2);
}

#[test]
fn cells_are_unique_and_contain_what_the_rule_looks_at() {
    for cores in [1, 2, 3, 8, 64] {
        for quick in [true, false] {
            let cells: Vec<String> = shapes(cores, quick).into_iter().map(Shape::cell).collect();
            let unique: std::collections::BTreeSet<&String> = cells.iter().collect();
            assert_eq!(unique.len(), cells.len(), "{cells:?}");
            for threads in [small(cores), crowd(cores)] {
                assert!(cells.contains(&Shape::new(Doing::Computing, crowd(cores), threads).cell()));
                assert!(threads <= 1024);
            }
        }
    }
}
