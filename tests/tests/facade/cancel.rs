//! Cancelling: what is queued never runs and says so later, what runs goes on; for every kind of request.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use runtime_lab::{
    CancelError, JobOutcome, JobState, LoopHandle, Request, RequestError, RunMode, Runtime, crypto, dns, fs,
};

use crate::kinds::{Way, every_kind, outcome, picture, prepare};
use crate::support::{Busy, Log, patient, runtime};

#[track_caller]
fn assert_cancelled<T: Send + 'static>(request: Request<T>) {
    let result = outcome(request, Way::Cancelled);
    assert!(matches!(result, Err(RequestError::Cancelled)), "{:?}", result.err());
}

#[test]
fn b53_queued_work_that_is_cancelled_never_runs_and_says_cancelled() {
    let runtime = runtime(4);
    let busy = Busy::hold(runtime.pool(), 4);
    let runs = Arc::new(AtomicUsize::new(0));
    let heard = Log::default();
    for _ in 0..20 {
        let (counter, log) = (runs.clone(), heard.clone());
        let work = move || counter.fetch_add(1, Ordering::SeqCst);
        let job = runtime.offload(work, move |_lp, outcome| log.push(outcome)).unwrap();
        job.cancel().unwrap();
    }
    assert!(!runtime.run(RunMode::Default).unwrap(), "though every thread of the pool is stuck");
    let outcomes = heard.take();
    assert_eq!(outcomes.len(), 20);
    assert!(outcomes.iter().all(|outcome| *outcome == JobOutcome::Cancelled), "{outcomes:?}");
    drop(busy);
    drop(runtime);
    assert_eq!(runs.load(Ordering::SeqCst), 0);
}

#[test]
fn b54_cancelling_a_single_job_calls_back_later_and_once() {
    let runtime = runtime(1);
    let _busy = Busy::hold(runtime.pool(), 1);
    let inside = Rc::new(Cell::new(false));
    let heard = Log::default();
    let (is_inside, log) = (inside.clone(), heard.clone());
    let after = move |_lp: &LoopHandle, outcome: JobOutcome<()>| {
        assert!(!is_inside.get(), "called back from inside cancel");
        log.push(outcome);
    };
    let job = runtime.offload(|| (), after).unwrap();
    assert_eq!(job.state(), JobState::Queued);
    inside.set(true);
    job.cancel().unwrap();
    job.cancel().expect("to cancel again before the callback is a success, too");
    inside.set(false);
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.only(), JobOutcome::Cancelled);
}

#[test]
fn b54_a_callback_may_cancel_another_job() {
    let runtime = runtime(1);
    let busy = Busy::hold(runtime.pool(), 1);
    let heard = Log::default();
    let log = heard.clone();
    let victim = runtime.offload(|| (), move |_lp, outcome| log.push(("victim", outcome))).unwrap();
    let log = heard.clone();
    runtime.handle().set_immediate(move |_lp| {
        victim.cancel().unwrap();
        log.push(("cancelled it", JobOutcome::Done(())));
    });
    runtime.run(RunMode::Default).unwrap();
    drop(busy);
    assert_eq!(heard.take(), [("cancelled it", JobOutcome::Done(())), ("victim", JobOutcome::Cancelled)]);
}

#[test]
fn b55_cancelling_a_running_job_is_refused_and_it_completes() {
    let runtime = runtime(1);
    let (begun, has_begun) = channel();
    let (release, released) = channel();
    let work = move || {
        begun.send(()).unwrap();
        released.recv().unwrap()
    };
    let heard = Log::default();
    let log = heard.clone();
    let job = runtime.offload(work, move |_lp, outcome| log.push(outcome)).unwrap();
    has_begun.recv().unwrap();
    assert_eq!(job.cancel(), Err(CancelError::Running));
    release.send("finished all the same").unwrap();
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.only(), JobOutcome::Done("finished all the same"));
    assert_eq!(job.cancel(), Err(CancelError::Finished));
}

#[test]
fn b56_cancelled_file_requests_say_cancelled_whatever_their_kind() {
    let folder = tempfile::tempdir().unwrap();
    prepare(folder.path());
    let before = picture(folder.path());
    for kind in every_kind(folder.path()) {
        let result = (kind.run)(Way::Cancelled);
        assert!(matches!(result, Err(RequestError::Cancelled)), "{}: {result:?}", kind.name);
    }
    assert_eq!(picture(folder.path()), before, "what was cancelled did nothing");
}

#[test]
fn b57_a_cancelled_lookup_says_cancelled_without_addresses() {
    assert_cancelled(dns::lookup("localhost", 80));
    assert_cancelled(dns::lookup_family("localhost", 80, dns::Family::V6));
    assert_cancelled(dns::lookup("127.0.0.1", 80));
    assert_cancelled(dns::reverse("127.0.0.1:80".parse().unwrap()));
}

#[test]
fn a_future_that_is_dropped_before_its_request_begins_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("never-written");
    let path = file.clone();
    let runtime = patient(1);
    let busy = Busy::hold(runtime.pool(), 1);
    let read = runtime.block_on(async move {
        let write = std::future::IntoFuture::into_future(fs::write(&path, "never"));
        let read = std::future::IntoFuture::into_future(fs::read(&path));
        drop(write);
        drop(busy);
        read.await
    });
    assert_eq!(
        read.unwrap().unwrap_err().cause().map(std::io::Error::kind),
        Some(std::io::ErrorKind::NotFound)
    );
    assert!(!file.exists(), "a write that was taken back writes nothing");
}

#[test]
fn b58_a_cancelled_request_for_random_bytes_says_cancelled() {
    assert_cancelled(crypto::random(32));
}

#[test]
fn a_cancelled_key_says_cancelled() {
    assert_cancelled(crypto::pbkdf2(b"password", b"salt", 1));
}

#[test]
fn cancelled_jobs_free_the_loop_but_not_the_thread() {
    // The slow lane has its own queue; a cancelled look-up must leave it as well.
    let runtime = Runtime::builder().pool_threads(2).build().unwrap();
    let busy = Busy::hold(runtime.pool(), 2);
    let heard = Log::default();
    for _ in 0..8 {
        let log = heard.clone();
        let lookup = dns::lookup("localhost", 80);
        let job = lookup.then(&runtime.handle(), move |_lp, result| log.push(result.is_ok())).unwrap();
        job.cancel().unwrap();
    }
    let log = heard.clone();
    dns::lookup("localhost", 80)
        .then(&runtime.handle(), move |_lp, result| log.push(result.is_ok()))
        .unwrap();
    drop(busy);
    runtime.run(RunMode::Default).unwrap();
    let mut all = heard.take();
    all.sort_unstable();
    assert_eq!(all, [[false; 8].as_slice(), &[true]].concat());
}
