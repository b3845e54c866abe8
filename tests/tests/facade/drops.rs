//! Dropping things early: runtimes with work queued, futures that nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use runtime_lab::{JobOutcome, LoopHandle, RunMode, crypto, fs, offload, yield_now};

use crate::support::{Busy, Log, drained, dropped, runtime};

#[test]
fn b09_a_runtime_is_dropped_with_work_queued_and_running() {
    let runtime = runtime(1);
    let runs = Arc::new(AtomicUsize::new(0));
    let (begun, has_begun) = channel();
    let (release, released) = channel::<()>();
    let work = move || {
        begun.send(()).unwrap();
        // Every queued job holds a sender: when all are cancelled, this goes on, and the drop can wait for it.
        assert!(released.recv().is_err());
    };
    runtime.offload(work, |_lp, _outcome| panic!("the loop is gone")).unwrap();
    has_begun.recv().unwrap();
    let mut goings = Vec::new();
    for _ in 0..10 {
        let (witness, gone) = dropped();
        let (counter, release) = (runs.clone(), release.clone());
        let work = move || {
            drop(release);
            counter.fetch_add(1, Ordering::SeqCst)
        };
        let after = move |_lp: &LoopHandle, _outcome: JobOutcome<usize>| drop(witness);
        runtime.offload(work, after).unwrap();
        goings.push(gone);
    }
    drop(release);
    drop(runtime);
    assert_eq!(runs.load(Ordering::SeqCst), 0, "queued jobs are cancelled");
    for gone in goings {
        assert_eq!(
            gone.try_recv().unwrap(),
            thread::current().id(),
            "each callback is dropped on this thread"
        );
    }
}

#[test]
fn b09_a_runtime_is_dropped_while_tasks_wait_for_requests() {
    let runtime = runtime(1);
    let busy = Busy::hold(runtime.pool(), 1);
    let (witness, gone) = dropped();
    runtime.handle().spawn(async move {
        let _witness = witness;
        let key = crypto::pbkdf2(b"password", b"salt", 1).await;
        panic!("the task went on after its runtime: {key:?}");
    });
    runtime.run(RunMode::NoWait).unwrap();
    drop(busy);
    drop(runtime);
    assert_eq!(gone.try_recv().unwrap(), thread::current().id());
}

#[test]
fn b09_work_that_a_destructor_submits_during_the_drop_harms_nobody() {
    struct SubmitsOnDrop(LoopHandle);
    impl Drop for SubmitsOnDrop {
        fn drop(&mut self) {
            let late = fs::stat(".").then(&self.0, |_lp, _result| panic!("a closed loop calls nobody"));
            drop(late);
        }
    }
    let runtime = runtime(1);
    let lp = runtime.handle();
    let held = SubmitsOnDrop(runtime.handle());
    let busy = Busy::hold(runtime.pool(), 1);
    runtime.offload(|| (), move |_lp, _outcome| drop(held)).unwrap();
    drop(busy);
    drop(runtime);
    assert!(!lp.is_alive());
}

#[test]
fn a_dropped_future_keeps_its_job_from_beginning() {
    let runtime = runtime(1);
    let busy = Busy::hold(runtime.pool(), 1);
    let runs = Arc::new(AtomicUsize::new(0));
    let counter = runs.clone();
    let task = runtime.handle().spawn(async move {
        offload(move || counter.fetch_add(1, Ordering::SeqCst)).await.unwrap();
    });
    runtime.run(RunMode::NoWait).unwrap();
    task.cancel();
    assert!(!runtime.run(RunMode::Default).unwrap(), "the loop does not wait for the stuck pool");
    drop(busy);
    drained(runtime.pool());
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_future_dropped_too_late_lets_its_job_finish_and_forgets_the_value() {
    let runtime = runtime(1);
    let (begun, has_begun) = channel();
    let (release, released) = channel();
    let (witness, gone) = dropped();
    let task = runtime.handle().spawn(async move {
        let _never = offload(move || {
            begun.send(()).unwrap();
            released.recv().unwrap();
            witness
        })
        .await;
        panic!("the task was cancelled");
    });
    runtime.run(RunMode::NoWait).unwrap();
    has_begun.recv().unwrap();
    task.cancel();
    release.send(()).unwrap();
    assert!(!runtime.run(RunMode::Default).unwrap(), "the loop waits for the request that it has begun");
    assert_eq!(gone.recv().unwrap(), thread::current().id());
}

#[test]
fn a_future_that_is_never_polled_runs_all_the_same() {
    // It was begun by into_future, as a promise begins when it is made.
    let runtime = runtime(1);
    let heard = Log::default();
    let log = heard.clone();
    runtime
        .block_on(async move {
            let (begun, has_begun) = channel();
            let future = IntoFuture::into_future(offload(move || begun.send(()).unwrap()));
            has_begun.recv().unwrap();
            yield_now().await;
            log.push(future.await.is_ok());
        })
        .unwrap();
    assert!(heard.only());
}
