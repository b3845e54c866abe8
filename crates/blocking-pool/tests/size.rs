//! How many threads there are: lazy start, growing, shrinking, and threads that cannot be started.

mod common;

use std::env;
use std::process::Command;
use std::sync::mpsc;

use blocking_pool::{
    BlockingPool, JobKind, JobOutcome, PoolError, SIZE_VARIABLE, Scheduler, SubmitError, Timing,
};
use common::{BOTH, LONG, Outcomes, build, occupy, pool, pool_with, submit, until, until_asleep};

#[test]
fn t2_a_pool_has_no_thread_before_its_first_job_and_few_while_few_are_needed() {
    for scheduler in BOTH {
        let pool = pool_with(64, scheduler);
        let metrics = pool.metrics();
        assert_eq!((metrics.threads_wanted, metrics.threads_started, metrics.wakes), (64, 0, 0));
        let outcomes = Outcomes::default();
        submit(&pool, 0, &outcomes);
        outcomes.next();
        until_asleep(&pool);
        let started = pool.metrics().threads_started;
        assert!((1..=2).contains(&started), "{started} for one job");
        for tag in 0..100 {
            submit(&pool, tag, &outcomes);
            outcomes.next();
            until_asleep(&pool);
        }
        assert_eq!(pool.metrics().threads_started, started, "one job at a time needs no more");
    }
}

#[test]
fn t1_as_many_threads_as_asked_for_and_no_more() {
    for scheduler in BOTH {
        let pool = pool_with(3, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 3);
        let outcomes = Outcomes::default();
        (0..20).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let metrics = pool.metrics();
        assert_eq!((metrics.threads_started, metrics.total().running, metrics.total().depth), (3, 3, 20));
        occupied.release();
        outcomes.take(20);
        assert_eq!(pool.metrics().threads_started, 3);
    }
}

#[test]
fn t1_a_pool_grows_while_it_is_busy() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let first = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        submit(&pool, 7, &outcomes);
        pool.resize(3).unwrap();
        assert_eq!(outcomes.next(), (7, JobOutcome::Done(7)), "what was queued runs on a new thread");
        let others = occupy(&pool, JobKind::Cpu, 2);
        assert_eq!(pool.metrics().total().running, 3);
        first.release();
        others.release();
    }
}

#[test]
fn t1_a_pool_shrinks_at_once_when_idle_and_after_their_jobs_when_busy() {
    for scheduler in BOTH {
        let pool = pool_with(8, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 8);
        occupied.release();
        until_asleep(&pool);
        pool.resize(5).unwrap();
        until(|| pool.metrics().threads_started == 5);

        let occupied = occupy(&pool, JobKind::Cpu, 5);
        pool.resize(2).unwrap();
        assert_eq!(pool.metrics().threads_started, 5, "nobody is interrupted");
        occupied.release();
        until(|| pool.metrics().threads_started == 2);
        let outcomes = Outcomes::default();
        (0..50).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        outcomes.take(50);
        assert_eq!(pool.metrics().threads_started, 2);
    }
}

#[test]
fn t3_every_thread_is_joined_those_that_left_and_those_that_came_in_their_place() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        for _ in 0..3 {
            pool.resize(4).unwrap();
            let occupied = occupy(&pool, JobKind::Cpu, 4);
            pool.resize(1).unwrap();
            occupied.release();
            until(|| pool.metrics().threads_started == 1);
        }
        pool.resize(4).unwrap();
        let occupied = occupy(&pool, JobKind::Cpu, 4);
        occupied.release();
        let report = pool.shutdown(LONG);
        assert_eq!((report.joined, report.still_running.len()), (4, 0));
        assert_eq!(pool.metrics().threads_started, 0);
        assert_eq!(pool.metrics().total().done, 16, "what a place counted stays with it");
    }
}

#[test]
fn w3_what_a_leaving_thread_still_has_in_its_own_queue_is_run_by_others() {
    let pool = pool_with(2, Scheduler::WorkStealing);
    let occupied = occupy(&pool, JobKind::Cpu, 1);
    let outcomes = Outcomes::default();
    let completes: Vec<_> = (0..50).map(|tag| outcomes.complete(tag)).collect();
    let (inner, (tell, told)) = (pool.clone(), mpsc::channel());
    let work = move || {
        completes
            .into_iter()
            .for_each(|complete| drop(inner.submit(JobKind::Cpu, "left", || 1, complete).unwrap()));
        inner.resize(1).unwrap();
    };
    pool.submit(JobKind::Cpu, "leaves", work, move |_| tell.send(()).unwrap()).unwrap();
    told.recv().unwrap();
    until(|| pool.metrics().threads_started == 1);
    assert_eq!(outcomes.arrived(), [], "the other thread is held");
    pool.resize(2).unwrap();
    assert_eq!(outcomes.take(50).len(), 50, "by a new thread in the place of the one that left");
    occupied.release();
}

#[test]
fn resizing_an_unused_pool_starts_nothing() {
    let pool = pool(1);
    pool.resize(8).unwrap();
    assert_eq!(pool.metrics().threads_started, 0);
    let occupied = occupy(&pool, JobKind::Cpu, 8);
    occupied.release();
    assert_eq!(pool.metrics().threads_started, 8);
}

/// The environment is set for a child, which is this test again: changing one's own is unsound with threads.
#[test]
fn the_environment_variable_sets_the_size_unless_the_builder_does() {
    const CHILD: &str = "BLOCKING_POOL_SIZE_TEST_CHILD";
    let sizes = || {
        let unset = build(BlockingPool::builder()).metrics().threads_wanted;
        format!("sizes {unset} {}", pool(3).metrics().threads_wanted)
    };
    if env::var_os(CHILD).is_some() {
        println!("{}", sizes());
        return;
    }
    for (value, expected) in [("7", "sizes 7 3"), ("0", "sizes 1 3"), ("1234567890123456", "sizes 4 3")] {
        let mut child = Command::new(env::current_exe().expect("a test has a path"));
        child.args([
            "--exact",
            "--nocapture",
            "the_environment_variable_sets_the_size_unless_the_builder_does",
        ]);
        let output = child.env(CHILD, "1").env(SIZE_VARIABLE, value).output().expect("it can be started");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains(expected), "{SIZE_VARIABLE}={value}: {text}");
    }
}

#[test]
fn options_out_of_range_are_refused_with_a_reason() {
    let error = |builder: blocking_pool::PoolBuilder| builder.build().expect_err("out of range").to_string();
    let builder = BlockingPool::builder;
    assert_eq!(error(builder().threads(0)), "a pool cannot have 0 threads: choose 1 to 1024");
    assert_eq!(error(builder().threads(1025)), "a pool cannot have 1025 threads: choose 1 to 1024");
    assert!(error(builder().queue_limit(Some(0))).starts_with("a queue limit of 0"));
    assert!(error(builder().timing(Timing::OneIn(0))).starts_with("timing cannot sample"));
    assert!(error(builder().thread_name("a\0b")).contains("zero byte"));
    assert!(matches!(pool(4).resize(0), Err(PoolError::Size { asked: 0 })));
    assert!(matches!(pool(4).resize(1025), Err(PoolError::Size { asked: 1025 })));
}

/// The address space of a process is too small for such a stack, so no thread can be started.
#[cfg(target_pointer_width = "64")]
#[test]
fn a_pool_that_cannot_start_its_first_thread_says_so_and_lives() {
    for scheduler in BOTH {
        let pool = build(BlockingPool::builder().threads(2).scheduler(scheduler).stack_bytes(1 << 50));
        let outcomes = Outcomes::default();
        for tag in 0..2 {
            let refused = pool.submit(JobKind::Cpu, "first", move || tag, outcomes.complete(tag));
            let Err(SubmitError::NoThread { name, .. }) = refused else { panic!("{refused:?}") };
            assert_eq!(name, "pool-0");
        }
        let metrics = pool.metrics();
        assert_eq!((metrics.total().rejected, metrics.total().submitted, metrics.threads_started), (2, 0, 0));
        assert!(metrics.start_error.is_some());
        assert_eq!(outcomes.arrived(), []);
        assert_eq!(pool.shutdown(LONG).joined, 0);
    }
}

#[test]
fn a_fresh_pool_has_the_options_of_the_other_and_threads_of_its_own() {
    let pool = BlockingPool::builder().threads(3).thread_name("named").build().expect("3 is in range");
    pool.submit(JobKind::Cpu, "short", || (), drop).expect("it is open");
    let fresh = pool.fresh().expect("the options are those of a pool");
    let metrics = fresh.metrics();
    assert_eq!((metrics.threads_wanted, metrics.threads_started), (3, 0));
    drop(pool);
    let (tell, told) = std::sync::mpsc::channel();
    let name = || std::thread::current().name().map(str::to_owned);
    let complete = move |outcome: JobOutcome<_>| tell.send(outcome.done()).expect("the test waits");
    fresh.submit(JobKind::Cpu, "name", name, complete).expect("the other pool's end is not its own");
    assert_eq!(told.recv().expect("it runs"), Some(Some("named-0".to_owned())));
}
