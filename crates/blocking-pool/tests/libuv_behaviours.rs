//! The pool's share of libuv's own promises, by the number of their row in the table of behaviours.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use blocking_pool::{BlockingPool, CancelError, JobKind, JobOutcome};
use common::{BOTH, Outcomes, build, occupy, pool, pool_with, submit};

#[test]
fn b50_work_runs_once_on_the_pool_and_its_outcome_is_told_once() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let runs = Arc::new(AtomicUsize::new(0));
        let (tell, told) = mpsc::channel();
        let here = thread::current().id();
        let work = {
            let runs = runs.clone();
            move || {
                runs.fetch_add(1, Ordering::SeqCst);
                thread::current().id()
            }
        };
        pool.submit(JobKind::Cpu, "once", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        let ran_on = told.recv().unwrap().done().expect("it ran");
        assert_ne!(ran_on, here);
        assert!(told.recv().is_err(), "the only completion is used up");
        assert_eq!(runs.load(Ordering::SeqCst), 1);
    }
}

#[test]
fn b52_eight_threads_share_the_pool_and_each_gets_its_own_completions() {
    const JOBS: usize = 200;
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        thread::scope(|scope| {
            for submitter in 0..8 {
                let pool = pool.clone();
                scope.spawn(move || {
                    let outcomes = Outcomes::default();
                    let tags = submitter * JOBS..(submitter + 1) * JOBS;
                    tags.clone().for_each(|tag| drop(submit(&pool, tag, &outcomes)));
                    let mut seen: Vec<_> = outcomes.take(JOBS).into_iter().map(|(tag, _)| tag).collect();
                    seen.sort_unstable();
                    assert!(seen.into_iter().eq(tags));
                });
            }
        });
        assert_eq!(pool.metrics().total().done, 8 * JOBS as u64);
    }
}

#[test]
fn b53_cancelled_queued_work_never_runs() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 4);
        let outcomes = Outcomes::default();
        let never = || unreachable!("it was cancelled while it was queued");
        let handles: Vec<_> = (0..10)
            .map(|tag| pool.submit(JobKind::FastIo, "never", never, outcomes.complete(tag)).unwrap())
            .collect();
        for handle in &handles {
            assert_eq!(handle.cancel(), Ok(()));
        }
        occupied.release();
        let mut told = outcomes.take(10);
        told.sort_by_key(|(tag, _)| *tag);
        assert!(told.into_iter().eq((0..10).map(|tag| (tag, JobOutcome::Cancelled))));
        drop(handles);
        drop(pool);
        assert_eq!(outcomes.arrived(), []);
    }
}

#[test]
fn b54_cancelling_a_single_queued_job_tells_later_and_not_inside_cancel() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let (tell, told) = mpsc::channel();
        let complete = move |outcome| tell.send((outcome, thread::current().id())).unwrap();
        let handle = pool.submit(JobKind::Cpu, "single", || (), complete).unwrap();
        assert_eq!(handle.cancel(), Ok(()));
        assert!(told.try_recv().is_err(), "nobody could have told: the only thread is busy");
        assert_eq!(handle.cancel(), Ok(()), "a second time before it is told");
        occupied.release();
        let (outcome, thread) = told.recv().unwrap();
        assert_eq!(outcome, JobOutcome::Cancelled);
        assert_ne!(thread, thread::current().id());
        assert!(told.recv().is_err(), "told once");
        assert_eq!(handle.cancel(), Err(CancelError::Finished));
    }
}

#[test]
fn b51_a_job_that_is_refused_runs_nothing() {
    // That a job has work is a matter of types: see the `compile_fail` example of `submit`. What is left of the rule
    // is that a submission which fails has no effect.
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        pool.shutdown(std::time::Duration::from_secs(60));
        let runs = Arc::new(AtomicUsize::new(0));
        let (work, complete) = (runs.clone(), runs.clone());
        let refused = pool.submit(
            JobKind::Cpu,
            "late",
            move || work.fetch_add(1, Ordering::SeqCst),
            move |_outcome| {
                complete.fetch_add(1, Ordering::SeqCst);
            },
        );
        assert!(refused.is_err());
        assert_eq!(runs.load(Ordering::SeqCst), 0);
        assert_eq!(Arc::strong_count(&runs), 1, "the closures are dropped");
    }
}

#[test]
fn b55_a_running_job_cannot_be_cancelled_and_completes() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        assert_eq!(occupied.handles[0].cancel(), Err(CancelError::Running));
        assert_eq!(occupied.handles[0].cancel_here(), Err(CancelError::Running));
        occupied.release();
        assert_eq!(occupied.handles[0].cancel(), Err(CancelError::Finished));
        let total = pool.metrics().total();
        assert_eq!((total.done, total.cancelled), (1, 0));
    }
}

#[test]
fn b59_pool_threads_carry_the_documented_names() {
    let names = |pool: &BlockingPool| {
        let all_busy = occupy(pool, JobKind::Cpu, 2);
        let mut names: Vec<_> = pool.metrics().busy.into_iter().map(|job| job.thread).collect();
        names.sort();
        all_busy.release();
        names
    };
    assert_eq!(names(&pool(2)), ["pool-0", "pool-1"]);
    assert_eq!(names(&build(BlockingPool::builder().threads(2).thread_name("disk"))), ["disk-0", "disk-1"]);

    let (tell, told) = mpsc::channel();
    let work = || thread::current().name().map(str::to_owned);
    let pool = pool(1);
    pool.submit(JobKind::Cpu, "name", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
    assert_eq!(told.recv().unwrap().done().flatten().as_deref(), Some("pool-0"));
}

#[cfg(target_os = "linux")]
#[test]
fn b59_the_system_shows_the_name() {
    let (tell, told) = mpsc::channel();
    let work = || std::fs::read_to_string("/proc/thread-self/comm").expect("Linux has it");
    let pool = pool(1);
    pool.submit(JobKind::Cpu, "comm", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
    assert_eq!(told.recv().unwrap(), JobOutcome::Done("pool-0\n".to_owned()));
}

#[test]
fn completions_come_in_the_order_in_which_jobs_end() {
    let pool = pool(4);
    let outcomes = Outcomes::default();
    let (gates, running): (Vec<_>, Vec<_>) = (0..4)
        .map(|tag| {
            let gate = common::Gate::default();
            let (run, running) = mpsc::channel();
            let inside = gate.clone();
            let work = move || {
                run.send(()).unwrap();
                inside.pass();
                tag
            };
            pool.submit(JobKind::Cpu, "gated", work, outcomes.complete(tag)).unwrap();
            (gate, running)
        })
        .unzip();
    running.iter().for_each(|running| running.recv().unwrap());
    for tag in [3, 1, 0, 2] {
        gates[tag].open();
        assert_eq!(outcomes.next(), (tag, JobOutcome::Done(tag)));
    }
}
