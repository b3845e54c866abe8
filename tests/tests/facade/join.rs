//! The join: each accepted job calls back exactly once, on the loop's thread, in the order in which jobs end.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use proptest::prelude::*;
use runtime_lab::{JobOutcome, Recorder, RunMode, Runtime, Scheduler, SubmitError, WhenFull};
use runtime_trace::EventKind;

use crate::support::{Busy, Log, drained, dropped, runtime};

/// The outcome in one letter, and the thread of the callback.
type Heard = (usize, char, thread::ThreadId);

fn letter<T>(outcome: &JobOutcome<T>) -> char {
    match outcome {
        JobOutcome::Done(_) => 'd',
        JobOutcome::Cancelled => 'c',
        JobOutcome::Panicked(_) => 'p',
    }
}

#[test]
fn b50_a_job_runs_once_in_the_pool_and_its_completion_once_on_the_loop() {
    let runtime = runtime(4);
    let loop_thread = thread::current().id();
    let runs = Arc::new(AtomicUsize::new(0));
    let heard = Log::default();
    let (counter, log) = (runs.clone(), heard.clone());
    let work = move || (counter.fetch_add(1, Ordering::SeqCst), thread::current().id());
    runtime.offload(work, move |_lp, outcome| log.push((outcome, thread::current().id()))).unwrap();
    assert!(!runtime.run(RunMode::Default).unwrap(), "nothing is left");
    let (outcome, callback_thread) = heard.only();
    let (before, work_thread) = outcome.done().expect("the work returned");
    assert_eq!((before, runs.load(Ordering::SeqCst)), (0, 1));
    assert_ne!(work_thread, loop_thread);
    assert_eq!(callback_thread, loop_thread);
}

#[test]
fn f1_done_panicked_and_cancelled_jobs_each_call_back_once_on_the_loop() {
    for scheduler in [Scheduler::Fifo, Scheduler::WorkStealing] {
        let runtime = Runtime::builder().pool_threads(2).scheduler(scheduler).build().unwrap();
        let busy = Busy::hold(runtime.pool(), 2);
        let heard: Log<Heard> = Log::default();
        let mut expected = Vec::new();
        for number in 0..99 {
            let log = heard.clone();
            let work = move || assert!(number % 3 != 1, "job {number} panics, as it should");
            let after = move |_lp: &runtime_lab::LoopHandle, outcome: JobOutcome<()>| {
                log.push((number, letter(&outcome), thread::current().id()));
            };
            let job = runtime.offload(work, after).unwrap();
            if number % 3 == 2 {
                job.cancel().expect("a queued job can be cancelled");
            }
            expected.push((number, ['d', 'p', 'c'][number % 3], thread::current().id()));
        }
        drop(busy);
        assert!(!runtime.run(RunMode::Default).unwrap());
        let mut all = heard.take();
        all.sort_by_key(|heard| heard.0);
        assert_eq!(all, expected, "{scheduler:?}");
    }
}

#[test]
fn f1_a_callback_never_runs_inside_offload() {
    // With a full queue the work runs inside; the callback must wait for the loop all the same.
    let runtime = Runtime::builder()
        .pool_threads(1)
        .pool(|pool| pool.queue_limit(Some(1)).when_full(WhenFull::RunOnCaller))
        .build()
        .unwrap();
    let busy = Busy::hold(runtime.pool(), 1);
    let heard = Log::default();
    for number in 0..3 {
        let log = heard.clone();
        let work = || thread::current().id();
        runtime.offload(work, move |_lp, outcome| log.push((number, outcome.done()))).unwrap();
    }
    assert_eq!(heard.len(), 0);
    drop(busy);
    runtime.run(RunMode::Default).unwrap();
    let here = Some(thread::current().id());
    let ran_here: Vec<(i32, bool)> = heard.take().into_iter().map(|(n, on)| (n, on == here)).collect();
    assert_eq!(ran_here.len(), 3);
    for (number, was_here) in ran_here {
        assert_eq!(was_here, number > 0, "the queue holds one job; job {number}");
    }
}

#[test]
fn f1_a_rejected_job_drops_its_callback_uncalled_and_does_not_hold_the_loop() {
    let runtime = Runtime::builder().pool_threads(1).pool(|pool| pool.queue_limit(Some(1))).build().unwrap();
    let busy = Busy::hold(runtime.pool(), 1);
    let called = Rc::new(Cell::new(0));
    let submit = || {
        let (witness, gone) = dropped();
        let called = called.clone();
        let after = move |_lp: &runtime_lab::LoopHandle, _outcome: JobOutcome<()>| {
            called.set(called.get() + 1);
            drop(witness);
        };
        (runtime.offload(|| (), after), gone)
    };
    let (first, _) = submit();
    let (second, second_gone) = submit();
    assert!(first.is_ok());
    assert!(matches!(second, Err(SubmitError::Full { limit: 1 })), "{second:?}");
    drop(busy);
    assert!(!runtime.run(RunMode::Default).unwrap(), "the loop does not wait for a rejected job");
    assert_eq!(called.get(), 1);
    assert_eq!(second_gone.recv().unwrap(), thread::current().id(), "a callback lives and dies on the loop");
}

#[test]
fn f1_a_pool_that_was_shut_down_rejects_and_the_loop_ends() {
    let runtime = runtime(1);
    runtime.pool().shutdown(std::time::Duration::ZERO);
    let refused = runtime.offload(|| (), |_lp, _outcome| panic!("a rejected job has no outcome"));
    assert!(matches!(refused, Err(SubmitError::ShutDown)), "{refused:?}");
    assert!(!runtime.run(RunMode::Default).unwrap());
}

#[test]
fn f1_a_panicking_callback_ends_the_run_and_the_others_come_in_the_next() {
    let runtime = runtime(1);
    let heard = Log::default();
    for number in 0..3 {
        let log = heard.clone();
        let after = move |_lp: &runtime_lab::LoopHandle, _outcome: JobOutcome<()>| {
            log.push(number);
            assert!(number != 0, "the first callback panics, as it should");
        };
        runtime.offload(|| (), after).unwrap();
    }
    drained(runtime.pool());
    let place = file!();
    let error = runtime.run(RunMode::Default).unwrap_err().to_string();
    assert!(error.contains(place) && error.contains("the first callback panics"), "{error}");
    assert_eq!(heard.take(), [0]);
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert_eq!(heard.take(), [1, 2]);
}

#[test]
fn f1_a_recording_names_each_completion_with_the_id_of_its_job() {
    let recorder = Recorder::new(1 << 12);
    let runtime = Runtime::builder().pool_threads(1).recorder(recorder.clone()).build().unwrap();
    let busy = Busy::hold(runtime.pool(), 1);
    let done = runtime.offload(|| 1, |_lp, _outcome| ()).unwrap();
    let panicked =
        runtime.offload(|| panic!("this job panics, as it should"), |_lp, _: JobOutcome<()>| ()).unwrap();
    let cancelled = runtime.offload(|| 1, |_lp, _outcome| ()).unwrap();
    cancelled.cancel().unwrap();
    drop(busy);
    runtime.run(RunMode::Default).unwrap();
    let recording = recorder.collect();
    let mut completions: Vec<(u64, u32)> = recording
        .records
        .iter()
        .filter(|record| record.kind == EventKind::JobComplete)
        .map(|record| (record.id, record.arg))
        .collect();
    completions.sort_unstable();
    let mut expected = vec![(done.id(), 0), (cancelled.id(), 1), (panicked.id(), 2)];
    expected.sort_unstable();
    assert_eq!(completions, expected);
}

#[test]
fn f2_callbacks_come_in_the_order_in_which_the_jobs_ended() {
    let runtime = runtime(2);
    let heard = Log::default();
    let after = |name: char| {
        let log = heard.clone();
        move |_lp: &runtime_lab::LoopHandle, _outcome: JobOutcome<()>| log.push(name)
    };
    let (release, released) = channel::<()>();
    let (begun, has_begun) = channel();
    let wait = move || {
        begun.send(()).unwrap();
        released.recv().unwrap();
    };
    runtime.offload(wait, after('a')).unwrap();
    has_begun.recv().unwrap();
    // One thread is held by a; b, c and d end on the other one, in turn, and the marker after them.
    for name in ['b', 'c', 'd'] {
        runtime.offload(|| (), after(name)).unwrap();
    }
    drained(runtime.pool());
    release.send(()).unwrap();
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.take(), ['b', 'c', 'd', 'a']);
}

#[test]
fn f2_each_callback_may_start_the_next_job() {
    let runtime = Rc::new(runtime(2));
    let heard = Log::default();
    fn step(runtime: &Rc<Runtime>, left: u32, heard: Log<u32>) {
        let again = runtime.clone();
        let after = move |_lp: &runtime_lab::LoopHandle, outcome: JobOutcome<u32>| {
            heard.push(outcome.done().unwrap());
            if left > 1 {
                step(&again, left - 1, heard);
            }
        };
        runtime.offload(move || left, after).unwrap();
    }
    step(&runtime, 5, heard.clone());
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.take(), [5, 4, 3, 2, 1]);
}

/// What a generated program does with one job.
#[derive(Clone, Copy, Debug)]
enum Step {
    Callback,
    Panic,
    CancelledCallback,
    CancelledTwice,
    Awaited,
    DroppedFuture,
    Pass,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    use Step::{Awaited, Callback, CancelledCallback, CancelledTwice, DroppedFuture, Panic, Pass};
    let one = prop::sample::select(vec![
        Callback,
        Panic,
        CancelledCallback,
        CancelledTwice,
        Awaited,
        DroppedFuture,
        Pass,
    ]);
    prop::collection::vec(one, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn f1_holds_for_random_programs(steps in steps(), threads in 1_usize..4) {
        let runtime = runtime(threads);
        let lp = runtime.handle();
        let heard: Log<Heard> = Log::default();
        let mut expected = 0;
        for (number, step) in steps.iter().copied().enumerate() {
            let log = heard.clone();
            let after = move |_lp: &runtime_lab::LoopHandle, outcome: JobOutcome<()>| {
                log.push((number, letter(&outcome), thread::current().id()));
            };
            let log = heard.clone();
            match step {
                Step::Callback => drop(runtime.offload(|| (), after).unwrap()),
                Step::Panic => drop(runtime.offload(|| panic!("as generated"), after).unwrap()),
                Step::CancelledCallback | Step::CancelledTwice => {
                    let job = runtime.offload(|| (), after).unwrap();
                    let first = job.cancel();
                    if matches!(step, Step::CancelledTwice) && first.is_ok() {
                        prop_assert!(job.cancel().is_ok());
                    }
                }
                Step::Awaited => drop(lp.spawn(async move {
                    let value = runtime_lab::offload(|| 7).await;
                    let how = if matches!(value, Ok(7)) { 'd' } else { '?' };
                    log.push((number, how, thread::current().id()));
                })),
                Step::DroppedFuture => drop(lp.spawn(async {
                    drop(std::future::IntoFuture::into_future(runtime_lab::offload(|| ())));
                })),
                Step::Pass => drop(runtime.run(RunMode::NoWait).unwrap()),
            }
            expected += usize::from(!matches!(step, Step::DroppedFuture | Step::Pass));
        }
        prop_assert!(!runtime.run(RunMode::Default).unwrap());
        let all = heard.take();
        prop_assert_eq!(all.len(), expected);
        let mut seen = vec![false; steps.len()];
        for (number, how, on) in all {
            prop_assert!(!std::mem::replace(&mut seen[number], true), "job {} called back twice", number);
            prop_assert_eq!(on, thread::current().id());
            let possible = match steps[number] {
                Step::Callback | Step::Awaited => "d",
                Step::Panic => "p",
                // It may have begun before it was cancelled.
                Step::CancelledCallback | Step::CancelledTwice => "cd",
                Step::DroppedFuture | Step::Pass => "",
            };
            prop_assert!(possible.contains(how), "{:?} gave {}", steps[number], how);
        }
    }
}
