//! What the pool says about itself: counts, durations by the clock it was given, and the recording.

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use blocking_pool::{BlockingPool, JobKind, JobOutcome, Timing};
use clock::Clock;
use common::{BOTH, Outcomes, build, occupy, pool_with, submit, until};
use runtime_trace::{EventKind, Recorder};

#[test]
fn m1_counts_are_exact_when_the_pool_is_quiet() {
    for scheduler in BOTH {
        let pool = pool_with(4, scheduler);
        let occupied = occupy(&pool, JobKind::FastIo, 4);
        let outcomes = Outcomes::default();
        let handles: Vec<_> = (0..30).map(|tag| submit(&pool, tag, &outcomes)).collect();
        handles[..10].iter().for_each(|handle| handle.cancel().unwrap());
        for tag in 30..35 {
            pool.submit(JobKind::SlowIo, "falls", || panic!("as it should"), outcomes.complete(tag)).unwrap();
        }
        let metrics = pool.metrics();
        let fast = metrics.kind(JobKind::FastIo);
        assert_eq!((fast.submitted, fast.running, fast.depth), (4, 4, 0));
        assert_eq!((metrics.kind(JobKind::Cpu).depth, metrics.kind(JobKind::Cpu).cancelled), (20, 10));
        assert_eq!(metrics.busy.len(), 4);
        assert!(metrics.busy.iter().all(|job| job.name == "occupy"));
        occupied.release();
        outcomes.take(35);
        let metrics = pool.metrics();
        let figures = JobKind::ALL.map(|kind| {
            let of = metrics.kind(kind);
            (of.submitted, of.done, of.cancelled, of.panicked, of.depth, of.running)
        });
        assert_eq!(figures, [(30, 20, 10, 0, 0, 0), (4, 4, 0, 0, 0, 0), (5, 0, 0, 5, 0, 0)]);
        let total = metrics.total();
        assert_eq!(total.submitted, total.done + total.cancelled + total.panicked);
        assert_eq!((total.queue_wait.count(), total.run_time.count()), (29, 29), "what was run was timed");
    }
}

#[test]
fn m2_an_outcome_is_counted_before_it_is_told() {
    for scheduler in BOTH {
        let pool = pool_with(1, scheduler);
        let (tell, told) = std::sync::mpsc::channel();
        let inner = pool.clone();
        let complete = move |_| {
            let total = inner.metrics().total();
            tell.send((total.done, total.running, total.run_time.count())).unwrap();
        };
        pool.submit(JobKind::Cpu, "looks", || (), complete).unwrap();
        assert_eq!(told.recv().unwrap(), (1, 0, 1));
    }
}

#[test]
fn queue_wait_is_not_run_time() {
    for scheduler in BOTH {
        let (clock, hands) = Clock::manual();
        let pool = build(BlockingPool::builder().threads(1).scheduler(scheduler).clock(clock));
        let occupied = occupy(&pool, JobKind::Cpu, 1);
        let outcomes = Outcomes::default();
        let inside = hands.clone();
        let work = move || {
            inside.advance(Duration::from_millis(3));
            0
        };
        pool.submit(JobKind::FastIo, "measured", work, outcomes.complete(0)).unwrap();
        hands.advance(Duration::from_millis(7));
        occupied.release();
        outcomes.next();
        let metrics = pool.metrics();
        let measured = metrics.kind(JobKind::FastIo);
        assert_eq!(measured.queue_wait.max(), Duration::from_millis(7));
        assert_eq!(measured.run_time.max(), Duration::from_millis(3));
        assert_eq!(metrics.kind(JobKind::Cpu).run_time.max(), Duration::from_millis(7));
    }
}

#[test]
fn timing_can_be_sampled_or_turned_off_while_counts_stay_exact() {
    let timed = |timing| {
        let pool = build(BlockingPool::builder().threads(2).timing(timing));
        let outcomes = Outcomes::default();
        (0..1000).for_each(|tag| drop(submit(&pool, tag, &outcomes)));
        outcomes.take(1000);
        let total = pool.metrics().total();
        assert_eq!((total.submitted, total.done), (1000, 1000));
        assert_eq!(total.queue_wait.count(), total.run_time.count());
        total.run_time.count()
    };
    assert_eq!(timed(Timing::All), 1000);
    assert_eq!(timed(Timing::OneIn(1)), 1000);
    let sampled = timed(Timing::OneIn(8));
    assert!((60..=200).contains(&sampled), "{sampled} of 1000 are about an eighth");
    assert_eq!(timed(Timing::Off), 0);
}

#[test]
fn x1_the_recording_of_a_busy_pool_is_free_of_contradictions() {
    for scheduler in BOTH {
        let recorder = Recorder::new(1 << 16);
        let clock = Clock::real();
        let builder = BlockingPool::builder().threads(3).scheduler(scheduler).timing(Timing::Off);
        let pool = build(builder.recorder(recorder.clone()));
        // The other half of the story, which an event loop would write.
        let receiver = Arc::new(Mutex::new(recorder.lane("receiver")));
        let submit = move |pool: &BlockingPool, work: Box<dyn FnOnce() + Send>| {
            let (receiver, clock) = (receiver.clone(), clock.clone());
            let id = Arc::new(Mutex::new(0));
            let known = id.clone();
            let mut held = id.lock().unwrap();
            let complete = move |outcome: JobOutcome<()>| {
                let outcome = match outcome {
                    JobOutcome::Done(()) => 0,
                    JobOutcome::Cancelled => 1,
                    JobOutcome::Panicked(_) => 2,
                };
                let id = *known.lock().unwrap();
                let receiver = receiver.lock().unwrap();
                receiver.record(clock.now(), EventKind::JobComplete, id, 0, outcome);
            };
            let handle = pool.submit(JobKind::Cpu, "recorded", work, complete).unwrap();
            *held = handle.id();
            drop(held);
            handle
        };
        for round in 0..300 {
            let (inner, submit_inner) = (pool.clone(), submit.clone());
            let handle = submit(
                &pool,
                Box::new(move || {
                    drop(submit_inner(&inner, Box::new(|| ())));
                    assert!(round % 50 != 49, "some fall");
                }),
            );
            if round % 7 == 0 {
                let _ = handle.cancel();
            }
        }
        until(|| pool.metrics().total().depth + pool.metrics().total().running == 0);
        pool.shutdown(common::LONG);
        let recording = recorder.collect();
        assert_eq!(recording.check(), Ok(()));
        let begun: Vec<_> =
            recording.records.iter().filter(|record| record.kind == EventKind::JobBegin).collect();
        assert_eq!(begun.len() as u64, pool.metrics().total().done + pool.metrics().total().panicked);
        assert!(begun.iter().all(|record| recording.name(record.arg) == "recorded"));
        assert!(
            begun.iter().all(|record| recording.lanes[usize::from(record.lane)].name.starts_with("pool-"))
        );
        let nested = recording
            .records
            .iter()
            .filter(|record| record.kind == EventKind::JobSubmit && record.parent != 0);
        assert!(nested.count() >= begun.len() / 2, "a job that a job submitted names its parent");
    }
}
