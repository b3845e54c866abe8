//! Requests as futures: in `block_on`, in tasks side by side, with errors that reach the one who waits.

use std::future::IntoFuture;
use std::rc::Rc;
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use runtime_lab::{
    EventLoop, LoopError, RequestError, RunMode, RuntimeError, Scheduler, SubmitError, crypto, fs, join,
    offload, timeout, yield_now,
};

use crate::support::{Busy, Log, runtime};

#[test]
fn block_on_returns_what_the_future_gave() {
    let runtime = runtime(2);
    let sum = runtime.block_on(async {
        let two = offload(|| 2).await?;
        let forty = offload(move || two * 20).await?;
        Ok::<_, RequestError>(two + forty)
    });
    assert_eq!(sum.unwrap().unwrap(), 42);
}

#[test]
fn a_request_may_be_waited_for_as_it_is_and_with_a_limit_that_was_set_outside() {
    let runtime = runtime(1);
    assert_eq!(runtime.block_on(offload(|| 1)).unwrap().unwrap(), 1);
    let limited = timeout(Duration::from_secs(10), offload(|| 2));
    assert_eq!(runtime.block_on(limited).unwrap().unwrap().unwrap(), 2);
    let both = join(offload(|| 3), timeout(Duration::from_secs(10), offload(|| 4)));
    let (three, four) = runtime.block_on(both).unwrap();
    assert_eq!((three.unwrap(), four.unwrap().unwrap()), (3, 4));
}

#[test]
fn block_on_also_runs_what_else_the_loop_has_to_do() {
    let runtime = runtime(1);
    let heard = Log::default();
    let log = heard.clone();
    runtime.handle().set_immediate(move |_lp| log.push("immediate"));
    runtime.block_on(yield_now()).unwrap();
    assert_eq!(heard.only(), "immediate");
}

#[test]
fn block_on_says_that_the_loop_was_stopped_first() {
    let runtime = runtime(1);
    let _busy = Busy::hold(runtime.pool(), 1);
    runtime.handle().set_immediate(|lp| lp.stop());
    let stopped = runtime.block_on(async { offload(|| ()).await });
    assert!(matches!(stopped, Err(RuntimeError::Main(_))), "{stopped:?}");
}

#[test]
fn block_on_drops_a_future_whose_value_nobody_could_have() {
    let runtime = Rc::new(runtime(1));
    let heard = Log::default();
    let (inner, log) = (runtime.clone(), heard.clone());
    runtime.handle().set_immediate(move |lp| {
        let nested = inner.block_on(async move { log.push("ran all the same") });
        assert!(matches!(nested, Err(RuntimeError::Loop(LoopError::AlreadyRunning))), "{nested:?}");
        lp.stop();
    });
    let stopped = runtime.block_on(std::future::pending::<()>());
    assert!(matches!(stopped, Err(RuntimeError::Main(_))), "{stopped:?}");
    assert!(!runtime.run(RunMode::Default).unwrap(), "nothing is left");
    assert_eq!(heard.len(), 0);
}

#[test]
fn block_on_says_that_the_future_panicked() {
    let runtime = runtime(1);
    let panicked = runtime.block_on(async { assert!(offload(|| false).await.unwrap(), "as it should") });
    let message = panicked.unwrap_err().to_string();
    assert!(message.contains("as it should"), "{message}");
    assert_eq!(runtime.block_on(async { 1 }).unwrap(), 1, "the runtime is unharmed");
}

#[test]
fn tasks_wait_side_by_side() {
    const TASKS: usize = 4;
    for scheduler in [Scheduler::Fifo, Scheduler::WorkStealing] {
        let runtime =
            runtime_lab::Runtime::builder().pool_threads(TASKS).scheduler(scheduler).build().unwrap();
        // Nobody passes the barrier before all are in the pool at once.
        let barrier = Arc::new(Barrier::new(TASKS));
        let tasks: Vec<_> = (0..TASKS)
            .map(|number| {
                let barrier = barrier.clone();
                runtime.handle().spawn(async move {
                    offload(move || {
                        barrier.wait();
                        number
                    })
                    .await
                    .unwrap()
                })
            })
            .collect();
        runtime.run(RunMode::Default).unwrap();
        let values: Vec<_> = tasks.iter().map(|task| task.try_take().unwrap().unwrap()).collect();
        assert_eq!(values, [0, 1, 2, 3]);
    }
}

#[test]
fn a_panic_in_the_work_is_an_error_with_its_words() {
    let runtime = runtime(1);
    let panicked = runtime.block_on(async { offload(|| assert_eq!(1, 2, "one is not two")).await }).unwrap();
    let Err(RequestError::Panicked(message)) = panicked else { panic!("{panicked:?}") };
    assert!(message.contains("one is not two"), "{message}");
    let next = runtime.block_on(async { crypto::random(4).await });
    assert_eq!(next.unwrap().unwrap().len(), 4, "the pool is unharmed");
}

#[test]
fn a_full_queue_is_an_error_of_the_future() {
    let runtime = runtime_lab::Runtime::builder()
        .pool_threads(1)
        .pool(|pool| pool.queue_limit(Some(1)))
        .build()
        .unwrap();
    let busy = Busy::hold(runtime.pool(), 1);
    let full = runtime.handle().spawn(async move {
        let first = offload(|| ()).into_future();
        let second = offload(|| ()).await;
        drop(busy);
        first.await.unwrap();
        second
    });
    runtime.run(RunMode::Default).unwrap();
    let second = full.try_take().unwrap().unwrap();
    assert!(matches!(second, Err(RequestError::Rejected(SubmitError::Full { limit: 1 }))), "{second:?}");
}

#[test]
fn outside_of_a_runtime_a_request_says_what_is_missing() {
    let mut future = fs::stat(".").into_future();
    let polled = std::pin::Pin::new(&mut future).poll(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Err(error)) = polled else { panic!("it cannot be pending: nobody would wake it") };
    assert!(matches!(error, RequestError::NoRuntime));
    assert!(error.to_string().contains("Request::then"), "{error}");
}

#[test]
fn a_bare_loop_has_no_pool_for_requests() {
    let event_loop = EventLoop::new().unwrap();
    let refused = fs::stat(".").then(&event_loop.handle(), |_lp, _result| panic!("nobody did the work"));
    assert!(matches!(refused, Err(RequestError::NoRuntime)), "{refused:?}");
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn run_here_does_the_work_on_this_thread() {
    let here = std::thread::current().id();
    assert_eq!(offload(|| std::thread::current().id()).run_here().unwrap(), here);
}
