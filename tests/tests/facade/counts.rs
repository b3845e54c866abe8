//! What the loop's counters say of requests.

use runtime_lab::{LoopHandle, RequestError, RunMode, Runtime, fs};

use crate::support::{Log, drained};

/// Passes and events so far.
fn counts(lp: &LoopHandle) -> (u64, u64) {
    let metrics = lp.metrics().snapshot(lp.now());
    (metrics.iterations, metrics.events)
}

#[test]
fn b60_passes_and_events_grow_by_one_for_each_file_request_of_a_chain() {
    let runtime = Runtime::builder().pool_threads(1).build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chain");
    let seen: Log<(u64, u64)> = Log::default();
    let (write, read, stat) = (fs::write(&file, "x"), fs::read(&file), fs::stat(&file));
    let log = seen.clone();
    let after_write = move |lp: &LoopHandle, written: Result<(), RequestError>| {
        written.unwrap();
        log.push(counts(lp));
        let after_read = move |lp: &LoopHandle, bytes: Result<Vec<u8>, RequestError>| {
            assert_eq!(bytes.unwrap(), b"x");
            log.push(counts(lp));
            let after_stat = move |lp: &LoopHandle, known: Result<std::fs::Metadata, RequestError>| {
                assert_eq!(known.unwrap().len(), 1);
                log.push(counts(lp));
            };
            stat.then(lp, after_stat).unwrap();
        };
        read.then(lp, after_read).unwrap();
    };
    write.then(&runtime.handle(), after_write).unwrap();
    runtime.run(RunMode::Default).unwrap();
    // Events count when the poll phase has served them, so a callback sees those before it.
    assert_eq!(seen.take(), [(1, 0), (2, 1), (3, 2)]);
    assert_eq!(counts(&runtime.handle()), (3, 3));
}

#[test]
fn b61_completions_delivered_together_count_one_by_one_and_as_waiting() {
    const JOBS: u64 = 10;
    let runtime = Runtime::builder()
        .pool_threads(1)
        .event_loop(|options| options.count_waiting_events(true))
        .build()
        .unwrap();
    let heard = Log::default();
    for _ in 0..JOBS {
        let log = heard.clone();
        runtime.offload(|| (), move |_lp, outcome| log.push(outcome)).unwrap();
    }
    drained(runtime.pool());
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(heard.len() as u64, JOBS);
    let lp = runtime.handle();
    let metrics = lp.metrics().snapshot(lp.now());
    assert_eq!((metrics.iterations, metrics.events, metrics.events_waiting), (1, JOBS, JOBS));
}

#[test]
fn b61_a_completion_that_poll_waited_for_is_no_waiting_one() {
    let runtime = Runtime::builder()
        .pool_threads(1)
        .event_loop(|options| options.count_waiting_events(true))
        .build()
        .unwrap();
    let (release, released) = std::sync::mpsc::channel();
    let lp = runtime.handle();
    let sleeping = lp.metrics();
    let now = lp.now();
    runtime.offload(move || released.recv().unwrap(), |_lp, _outcome| ()).unwrap();
    let releaser = std::thread::spawn(move || {
        // Idle time grows with the `now` that is passed in, once the loop has gone to sleep.
        while sleeping.idle_time(now + std::time::Duration::from_secs(3600)).is_zero() {
            std::thread::yield_now();
        }
        release.send(()).unwrap();
    });
    runtime.run(RunMode::Default).unwrap();
    releaser.join().unwrap();
    let metrics = lp.metrics().snapshot(lp.now());
    assert_eq!((metrics.events, metrics.events_waiting), (1, 0));
}
