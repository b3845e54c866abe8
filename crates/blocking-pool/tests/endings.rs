//! The ways in which a job ends, each exactly once: done, panicked, cancelled, rejected.

mod common;

use std::panic;
use std::sync::mpsc;
use std::thread;

use blocking_pool::{BlockingPool, CancelError, JobKind, JobOutcome, JobState, PanicReport, SubmitError};
use common::{BOTH, LONG, Outcomes, build, occupy, pool, pool_with, submit};

#[test]
fn o1_complete_is_called_once_for_accepted_jobs_and_never_for_rejected_ones() {
    for scheduler in BOTH {
        let pool = build(BlockingPool::builder().threads(1).scheduler(scheduler).queue_limit(Some(2)));
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        let handles = [submit(&pool, 0, &outcomes), submit(&pool, 1, &outcomes)];
        let refused = pool.submit(JobKind::Cpu, "third", || 2, outcomes.complete(2));
        assert!(matches!(refused, Err(SubmitError::Full { limit: 2 })));
        handles[0].cancel().unwrap();
        occupied.release();
        pool.drain(LONG);
        let mut told = outcomes.arrived();
        told.sort_by_key(|(tag, _)| *tag);
        assert_eq!(told, [(0, JobOutcome::Cancelled), (1, JobOutcome::Done(1))]);
    }
}

#[test]
fn o2_cancel_here_tells_at_once_on_the_calling_thread() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let (tell, told) = mpsc::channel();
        let complete = move |outcome| tell.send((outcome, thread::current().id())).unwrap();
        let handle = pool.submit(JobKind::Cpu, "stuck", || (), complete).unwrap();
        assert_eq!(handle.state(), JobState::Queued);
        assert_eq!(handle.cancel_here(), Ok(()));
        assert_eq!(told.try_recv(), Ok((JobOutcome::Cancelled, thread::current().id())));
        assert_eq!(handle.state(), JobState::Finished);
        assert_eq!(handle.cancel_here(), Err(CancelError::Finished));
        occupied.release();
        assert!(told.recv().is_err(), "told once");
    }
}

#[test]
fn o2_cancelled_jobs_are_told_before_queued_ones_are_run() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        let handles: Vec<_> = (0..20).map(|tag| submit(&pool, tag, &outcomes)).collect();
        handles[19].cancel().unwrap();
        occupied.release();
        assert_eq!(outcomes.next(), (19, JobOutcome::Cancelled));
        outcomes.take(19);
    }
}

#[test]
fn a_cancel_wakes_a_sleeping_thread_to_tell() {
    // A slow job that waits at the limit, while the other thread sleeps.
    for scheduler in BOTH {
        let pool = pool_with(2, scheduler);
        let occupied = occupy(&pool, JobKind::SlowIo, 1);
        let outcomes = Outcomes::default();
        let handle = pool.submit(JobKind::SlowIo, "waits", || 0, outcomes.complete(0)).unwrap();
        handle.cancel().unwrap();
        assert_eq!(outcomes.next(), (0, JobOutcome::Cancelled));
        occupied.release();
    }
}

#[test]
fn o3_a_panic_is_an_outcome_with_its_message_and_place() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let (tell, told) = mpsc::channel();
        let line = line!() + 1;
        let work = || -> u32 { panic!("no such {}", "thing") };
        pool.submit(JobKind::Cpu, "falls", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        let JobOutcome::Panicked(report) = told.recv().unwrap() else { panic!("it panicked") };
        assert_eq!((report.job, report.message.as_str()), ("falls", "no such thing"));
        let place = report.location.expect("the hook is ours");
        assert!(place.file.ends_with("endings.rs"), "{}", place.file);
        assert_eq!(place.line, line);
        assert_eq!(pool.metrics().total().panicked, 1);
    }
}

#[test]
fn o3_panics_that_are_not_texts_or_were_passed_on_are_reported_too() {
    fn report_of(pool: &BlockingPool, work: impl FnOnce() + Send + 'static) -> PanicReport {
        let (tell, told) = mpsc::channel();
        pool.submit(JobKind::Cpu, "falls", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
        match told.recv().unwrap() {
            JobOutcome::Panicked(report) => report,
            other => panic!("it panicked, and not {other:?}"),
        }
    }
    let pool = pool(1);
    assert_eq!(report_of(&pool, || panic::panic_any(7)).message, "the payload of the panic was not a text");
    // A job that catches its own panic leaves no place behind for the next report.
    let (tell, told) = mpsc::channel();
    let work = || drop(panic::catch_unwind(|| panic!("caught inside")));
    pool.submit(JobKind::Cpu, "catches", work, move |outcome| tell.send(outcome).unwrap()).unwrap();
    assert_eq!(told.recv().unwrap(), JobOutcome::Done(()));
    let passed_on = report_of(&pool, || panic::resume_unwind(Box::new("from elsewhere")));
    assert_eq!((passed_on.message.as_str(), passed_on.location), ("from elsewhere", None));
}

#[test]
fn o3_a_thread_survives_panics_in_work_in_complete_and_in_destructors() {
    struct Falls;
    impl Drop for Falls {
        fn drop(&mut self) {
            panic!("the destructor fell over");
        }
    }
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let outcomes = Outcomes::default();
        pool.submit(JobKind::Cpu, "work", || panic!("work"), |_: JobOutcome<()>| ()).unwrap();
        pool.submit(JobKind::Cpu, "complete", || (), |_| panic!("complete")).unwrap();
        pool.submit(JobKind::Cpu, "value", || Falls, drop).unwrap();
        let held = Falls;
        pool.submit(JobKind::Cpu, "capture", move || panic::catch_unwind(|| drop(held)).is_err(), |_| ())
            .unwrap();
        submit(&pool, 1, &outcomes);
        assert_eq!(outcomes.next(), (1, JobOutcome::Done(1)));
        let metrics = pool.metrics();
        assert_eq!(metrics.threads_started, 1);
        assert_eq!(metrics.complete_panics, 2, "complete and value");
        assert_eq!((metrics.total().done, metrics.total().panicked), (4, 1));
    }
}

#[test]
fn o3_a_cancelled_job_whose_captures_panic_when_dropped_harms_nobody() {
    struct Falls;
    impl Drop for Falls {
        fn drop(&mut self) {
            panic!("the destructor fell over");
        }
    }
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let handles = [(); 2].map(|()| {
            let held = Falls;
            pool.submit(JobKind::Cpu, "held", move || drop(held), |_| ()).unwrap()
        });
        handles[0].cancel_here().unwrap();
        handles[1].cancel().unwrap();
        occupied.release();
        let report = pool.shutdown(LONG);
        assert_eq!(report.joined, 1);
        assert_eq!(pool.metrics().complete_panics, 2);
        assert_eq!(pool.metrics().total().cancelled, 2);
    }
}

#[test]
fn dropping_a_handle_lets_the_job_go_on() {
    let pool = pool(1);
    let occupied = occupy(&pool, JobKind::Cpu, 1);
    let outcomes = Outcomes::default();
    drop(submit(&pool, 5, &outcomes));
    occupied.release();
    assert_eq!(outcomes.next(), (5, JobOutcome::Done(5)));
}
