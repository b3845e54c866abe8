//! hyper's runtime traits on the loop: its timer crosses threads safely, its clock is fresh, its tasks are ours.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use clock::Clock;
use hyper::rt::{Executor, Timer};
use runtime_lab::http::{LoopExecutor, LoopTimer};
use runtime_lab::{LoopHandle, RunMode, Runtime, yield_now};

const HOUR: Duration = Duration::from_secs(3600);

fn poll_once(sleep: &mut Pin<Box<dyn hyper::rt::Sleep>>) -> Poll<()> {
    sleep.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

fn current() -> LoopHandle {
    LoopHandle::current().expect("a loop runs on this thread")
}

#[test]
fn a_sleep_that_is_dropped_on_a_foreign_thread_is_cancelled_on_its_loop() {
    let runtime = Runtime::new().unwrap();
    let checked = runtime.block_on(async {
        let lp = current();
        let mut sleep = LoopTimer.sleep(HOUR);
        assert_eq!(poll_once(&mut sleep), Poll::Pending);
        assert!(
            lp.backend_timeout().is_some_and(|timeout| timeout > HOUR / 2),
            "the timer shortens the sleep"
        );
        thread::spawn(move || drop(sleep)).join().unwrap();
        yield_now().await;
        assert_eq!(lp.backend_timeout(), None, "no timer is left");
    });
    checked.unwrap();
}

#[test]
fn a_sleep_that_is_polled_on_a_foreign_thread_panics_there_and_harms_nobody() {
    let runtime = Runtime::new().unwrap();
    let message = runtime.block_on(async {
        let mut sleep = LoopTimer.sleep(HOUR);
        assert_eq!(poll_once(&mut sleep), Poll::Pending);
        let payload = thread::spawn(move || poll_once(&mut sleep)).join().unwrap_err();
        *payload.downcast::<String>().expect("a message")
    });
    let message = message.unwrap();
    assert!(message.contains("a sleep must be polled on the thread of its loop"), "{message}");
    assert!(!runtime.run(RunMode::Default).unwrap(), "the loop has nothing left");
}

#[test]
fn a_sleep_outlives_its_loop_and_is_dropped_in_peace() {
    let runtime = Runtime::new().unwrap();
    let kept = Rc::new(Cell::new(None));
    let keeper = kept.clone();
    let waited = runtime.block_on(async move {
        let mut sleep = LoopTimer.sleep(HOUR);
        assert_eq!(poll_once(&mut sleep), Poll::Pending);
        keeper.set(Some(sleep));
    });
    waited.unwrap();
    drop(runtime);
    drop(kept.take().expect("the sleep was kept"));
}

#[test]
fn a_sleep_ends_not_before_its_time_and_can_be_reset() {
    let runtime = Runtime::new().unwrap();
    let waited = runtime.block_on(async {
        let begun = LoopTimer.now();
        LoopTimer.sleep(Duration::from_millis(5)).await;
        let mut reset = LoopTimer.sleep(HOUR);
        assert_eq!(poll_once(&mut reset), Poll::Pending);
        let deadline = LoopTimer.now() + Duration::from_millis(5);
        LoopTimer.reset(&mut reset, deadline);
        reset.await;
        LoopTimer.sleep_until(begun).await;
        LoopTimer.now() - begun
    });
    let waited = waited.unwrap();
    assert!(waited >= Duration::from_millis(10), "{waited:?}");
    assert!(waited < HOUR, "the reset sleep ended at its new time");
}

#[test]
fn the_timer_tells_the_time_now_and_not_the_cached_one() {
    let runtime = Runtime::new().unwrap();
    let checked = runtime.block_on(async {
        let lp = current();
        let clock = Clock::real();
        let (cached, held) = (lp.now(), clock.now());
        // As a route that holds the loop: the cached time stands still meanwhile.
        while clock.now() - held < Duration::from_millis(5) {
            std::hint::spin_loop();
        }
        assert_eq!(lp.now(), cached);
        assert!(LoopTimer.now() >= held + Duration::from_millis(5), "a deadline counts from after the work");
    });
    checked.unwrap();
}

#[test]
fn without_a_loop_the_timer_tells_real_time() {
    let clock = Clock::real();
    let before = clock.now();
    let told = LoopTimer.now();
    assert!(before <= told && told <= clock.now());
}

#[test]
fn the_executor_spawns_on_the_running_loop() {
    let runtime = Runtime::new().unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    runtime.handle().set_immediate(|_lp| {
        LoopExecutor.execute(async move {
            yield_now().await;
            sender.send(thread::current().id()).unwrap();
        });
    });
    runtime.run(RunMode::Default).unwrap();
    assert_eq!(receiver.recv().unwrap(), thread::current().id());
}
