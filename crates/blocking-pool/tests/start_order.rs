//! In which order jobs start: strictly as submitted in the FIFO pool, slow ones by libuv's marker.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use blocking_pool::{BlockingPool, JobKind, Scheduler};
use common::{BOTH, Gate, Outcomes, occupy, pool, pool_with, submit};

#[test]
fn f1_jobs_of_one_thread_start_in_the_order_of_submission() {
    let pool = pool(1);
    let occupied = occupy(&pool, JobKind::Cpu, 1);
    let outcomes = Outcomes::default();
    (0..500).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
    occupied.release();
    let tags: Vec<_> = outcomes.take(500).into_iter().map(|(tag, _)| tag).collect();
    assert!(tags.into_iter().eq(0..500));
}

/// Submits a word of jobs, `c` for a job of the processor and `s` for a slow one, to a pool with one thread, and
/// returns the order of their starts, each with its place in the word.
fn starts(word: &str) -> String {
    let pool = pool(1);
    let occupied = occupy(&pool, JobKind::Cpu, 1);
    let outcomes = Outcomes::default();
    for (at, letter) in word.chars().enumerate() {
        let kind = if letter == 's' { JobKind::SlowIo } else { JobKind::Cpu };
        pool.submit(kind, "letter", move || at, outcomes.complete(at)).unwrap();
    }
    occupied.release();
    let letters: Vec<_> = word.chars().collect();
    let names = outcomes.take(word.len()).into_iter().map(|(at, _)| format!("{}{at}", letters[at]));
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn f3_slow_jobs_get_one_turn_in_each_trip_through_the_queue() {
    assert_eq!(starts("ccc"), "c0 c1 c2");
    assert_eq!(starts("sss"), "s0 s1 s2");
    assert_eq!(starts("scsc"), "s0 c1 c3 s2");
    assert_eq!(starts("sssccc"), "s0 c3 c4 c5 s1 s2");
    assert_eq!(starts("csscsc"), "c0 s1 c3 c5 s2 s4");
}

/// Runs more slow jobs than fit and returns how many ran at once.
fn slow_at_once(pool: &BlockingPool, limit: usize, jobs: usize) -> usize {
    let gate = Gate::default();
    let (enter, entered) = mpsc::channel();
    let outcomes = Outcomes::default();
    for tag in 0..jobs {
        let (gate, enter) = (gate.clone(), enter.clone());
        let work = move || {
            enter.send(()).unwrap();
            gate.pass();
            tag
        };
        pool.submit(JobKind::SlowIo, "slow", work, outcomes.complete(tag)).unwrap();
    }
    (0..limit).for_each(|_| entered.recv().unwrap());
    // Jobs of the processor still get through, again and again: threads look at the queue and leave the rest there.
    for tag in 0..50 {
        submit(pool, jobs + tag, &outcomes);
        assert_eq!(outcomes.next().0, jobs + tag);
    }
    let at_once = limit + entered.try_iter().count();
    gate.open();
    outcomes.take(jobs);
    at_once
}

#[test]
fn f2_slow_jobs_occupy_at_most_half_of_the_threads_rounded_up() {
    for (threads, limit) in [(2, 1), (3, 2), (4, 2), (5, 3), (8, 4)] {
        assert_eq!(slow_at_once(&pool(threads), limit, 12), limit, "of {threads} threads");
    }
}

#[test]
fn w2_the_slow_limit_holds_with_work_stealing_too() {
    for (threads, limit) in [(2, 1), (3, 2), (4, 2), (8, 4)] {
        let pool = pool_with(threads, Scheduler::WorkStealing);
        assert_eq!(slow_at_once(&pool, limit, 12), limit, "of {threads} threads");
    }
}

#[test]
fn a_pool_of_one_thread_runs_slow_jobs_on_it() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let outcomes = Outcomes::default();
        pool.submit(JobKind::SlowIo, "slow", || 7, outcomes.complete(7)).unwrap();
        assert_eq!(outcomes.next().0, 7);
    }
}

#[test]
fn the_slow_limit_follows_the_size() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        assert_eq!(slow_at_once(&pool, 1, 12), 1);
        pool.resize(8).unwrap();
        assert_eq!(slow_at_once(&pool, 4, 12), 4);
        pool.resize(4).unwrap();
        assert_eq!(slow_at_once(&pool, 2, 12), 2);
    }
}

#[test]
fn slow_jobs_that_wait_at_the_limit_start_when_the_pool_grows() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let first = occupy(&pool, JobKind::SlowIo, 1);
        let outcomes = Outcomes::default();
        pool.submit(JobKind::SlowIo, "waits", || 1, outcomes.complete(1)).unwrap();
        pool.resize(4).unwrap();
        assert_eq!(outcomes.next().0, 1, "while the first one still runs");
        first.release();
    }
}

#[test]
fn w1_jobs_that_submit_jobs_are_each_run_once() {
    fn grow(pool: &BlockingPool, depth: usize, tell: &mpsc::Sender<usize>) {
        let (inner, tell_inner) = (pool.clone(), tell.clone());
        let work = move || {
            if depth > 0 {
                (0..3).for_each(|_| grow(&inner, depth - 1, &tell_inner));
            }
            depth
        };
        let tell = tell.clone();
        pool.submit(JobKind::Cpu, "grow", work, move |outcome| tell.send(outcome.done().unwrap()).unwrap())
            .unwrap();
    }
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let (tell, told) = mpsc::channel();
        grow(&pool, 6, &tell);
        drop(tell);
        let mut jobs_of_depth = [0; 7];
        told.iter().for_each(|depth| jobs_of_depth[depth] += 1);
        assert_eq!(jobs_of_depth, [729, 243, 81, 27, 9, 3, 1], "{scheduler:?}");
    }
}

#[test]
fn a_job_that_keeps_submitting_does_not_starve_the_others() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let outcomes = Outcomes::default();
        let done = Arc::new(AtomicBool::new(false));
        chain(&pool, &done);
        let seen = done.clone();
        let work = move || {
            seen.store(true, Ordering::SeqCst);
            1
        };
        pool.submit(JobKind::Cpu, "other", work, outcomes.complete(1)).unwrap();
        assert_eq!(outcomes.next().0, 1);
    }
}

/// A job that submits itself again until `done`.
fn chain(pool: &BlockingPool, done: &Arc<AtomicBool>) {
    let (inner, inner_done) = (pool.clone(), done.clone());
    let work = move || {
        if !inner_done.load(Ordering::SeqCst) {
            chain(&inner, &inner_done);
        }
    };
    pool.submit(JobKind::Cpu, "chain", work, |_| ()).unwrap();
}
