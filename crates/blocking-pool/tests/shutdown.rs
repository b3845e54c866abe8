//! The end of a pool: what is queued, what runs, what is left, and who may ask for it.

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use blocking_pool::{JobKind, JobOutcome, PoolError, SubmitError};
use common::{BOTH, LONG, Outcomes, occupy, pool_with, submit, until};

#[test]
fn p3_shutdown_cancels_what_is_queued_and_waits_for_what_runs() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 2);
        let outcomes = Outcomes::default();
        (0..10).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let gate = occupied.gate();
        let report = thread::scope(|scope| {
            let closer = scope.spawn(|| pool.shutdown(LONG));
            let told = outcomes.take(10);
            assert!(told.into_iter().eq((0..10).map(|tag| (tag, JobOutcome::Cancelled))));
            gate.open();
            closer.join().unwrap()
        });
        assert_eq!((report.cancelled, report.joined, report.still_running.len()), (10, 2, 0));
        let metrics = pool.metrics();
        assert_eq!((metrics.threads_started, metrics.total().done, metrics.total().cancelled), (0, 2, 10));
        assert!(matches!(pool.submit(JobKind::Cpu, "late", || (), |_| ()), Err(SubmitError::ShutDown)));
        assert!(matches!(pool.resize(3), Err(PoolError::ShutDown)));
        assert_eq!(pool.shutdown(LONG).cancelled, 0, "a second time is harmless");
    }
}

#[test]
fn p3_drain_runs_what_is_queued_on_as_many_threads_as_it_needs() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 2);
        let outcomes = Outcomes::default();
        (0..100).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        for tag in 100..110 {
            pool.submit(JobKind::SlowIo, "slow", move || tag, outcomes.complete(tag)).unwrap();
        }
        occupied.gate().open();
        let report = pool.drain(LONG);
        assert_eq!((report.cancelled, report.joined), (0, 2));
        let mut told = outcomes.arrived();
        told.sort_by_key(|(tag, _)| *tag);
        assert!(told.into_iter().eq((0..110).map(|tag| (tag, JobOutcome::Done(tag)))));
    }
}

#[test]
fn drain_starts_the_threads_that_a_burst_deserves() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let (enter, entered) = mpsc::channel();
        // Each job waits for the other three, so they must run at once.
        let meeting = std::sync::Arc::new(std::sync::Barrier::new(4));
        for _ in 0..4 {
            let (meeting, enter) = (meeting.clone(), enter.clone());
            let work = move || {
                meeting.wait();
            };
            pool.submit(JobKind::Cpu, "meet", work, move |_| enter.send(()).unwrap()).unwrap();
        }
        assert_eq!(pool.drain(LONG).cancelled, 0);
        assert_eq!(entered.try_iter().count(), 4);
    }
}

#[test]
fn p3_what_still_runs_at_the_deadline_is_named_and_left_alone() {
    for scheduler in BOTH {
        let pool = pool_with(3, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 2);
        let outcomes = Outcomes::default();
        (0..5).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        outcomes.take(5);
        until(|| pool.metrics().threads_sleeping == 1);
        let report = pool.shutdown(Duration::ZERO);
        assert_eq!((report.cancelled, report.joined), (0, 1), "the idle thread is joined all the same");
        let mut running = report.still_running;
        running.sort_by_key(|job| job.id);
        let ids: Vec<_> = occupied.handles.iter().map(blocking_pool::JobHandle::id).collect();
        assert!(running.iter().map(|job| job.id).eq(ids));
        assert!(running.iter().all(|job| job.name == "occupy" && job.thread.starts_with("pool-")));
        occupied.release();
        assert_eq!(pool.shutdown(LONG).joined, 2, "now they can be joined");
    }
}

#[test]
fn a_drain_that_meets_its_deadline_cancels_the_rest() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        (0..5).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        let report = pool.drain(Duration::ZERO);
        assert_eq!((report.cancelled, report.joined, report.still_running.len()), (5, 0, 1));
        assert!(outcomes.arrived().into_iter().eq((0..5).map(|tag| (tag, JobOutcome::Cancelled))));
        occupied.release();
    }
}

#[test]
fn a_job_cancelled_before_the_shutdown_is_told_by_it() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        submit(&pool, 3, &outcomes).cancel().unwrap();
        let report = pool.shutdown(Duration::ZERO);
        assert_eq!(report.cancelled, 0, "it was cancelled by its handle");
        assert_eq!(outcomes.arrived(), [(3, JobOutcome::Cancelled)]);
        occupied.release();
    }
}

#[test]
fn dropping_the_last_clone_cancels_waits_and_joins() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        let handle = submit(&pool, 1, &outcomes);
        let gate = occupied.gate();
        let other = pool.clone();
        drop(pool);
        assert_eq!(outcomes.arrived(), [], "a clone is left");
        thread::scope(|scope| {
            scope.spawn(|| drop(other));
            assert_eq!(outcomes.next(), (1, JobOutcome::Cancelled));
            gate.open();
        });
        assert!(handle.cancel().is_err());
    }
}

#[test]
fn a_job_may_drop_the_last_clone_or_shut_its_own_pool_down() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let (go, gone) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        let inner = pool.clone();
        let work = move || {
            gone.recv().unwrap_err(); // Until the other clone is dropped.
            drop(inner);
        };
        pool.submit(JobKind::Cpu, "drops", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        drop(pool);
        drop(go);
        assert_eq!(told.recv().unwrap(), JobOutcome::Done(()));

        let pool = pool_with(2, scheduler);
        let (tell, told) = mpsc::channel();
        let inner = pool.clone();
        let work = move || inner.shutdown(LONG);
        pool.submit(JobKind::Cpu, "shuts", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        let report = told.recv().unwrap().done().expect("it ran");
        assert_eq!(report.still_running, [], "itself is not counted");
        assert_eq!(pool.shutdown(LONG).still_running, []);
    }
}

#[test]
fn p2_jobs_and_completions_may_use_the_pool_freely() {
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let (tell, told) = mpsc::channel();
        let (inner, outer) = (pool.clone(), pool.clone());
        let everything = move |pool: &blocking_pool::BlockingPool| {
            pool.resize(3).unwrap();
            let queued = pool.submit(JobKind::SlowIo, "inner", || (), |_| ()).unwrap();
            let _ = queued.cancel();
            let _ = queued.cancel_here();
            pool.metrics().total().submitted
        };
        let complete = move |outcome: JobOutcome<u64>| {
            assert_eq!(outcome.done(), Some(2));
            let last = outer.submit(JobKind::Cpu, "last", || (), |_| ()).unwrap();
            let told_here = outer.submit(JobKind::Cpu, "told here", || (), {
                let outer = outer.clone();
                move |_| drop(outer.metrics())
            });
            let _ = told_here.unwrap().cancel_here();
            drop(last);
            everything(&outer);
            tell.send(()).unwrap();
        };
        pool.submit(JobKind::Cpu, "outer", move || everything(&inner), complete).unwrap();
        told.recv().unwrap();
        until(|| pool.metrics().total().depth + pool.metrics().total().running == 0);
        assert_eq!(pool.metrics().complete_panics, 0);
    }
}
