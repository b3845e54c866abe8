//! Futures made of futures: all of them, or the first.
//!
//! # Model
//! What is made here belongs to one task and has that task's waker. So each wake-up asks every part that is not ready yet,
//! in the order in which they were given. That is quick for a handful and grows with the square of their number: spawn
//! thousands into a [`TaskSet`](super::TaskSet), which asks only those that were woken.
//!
//! A part that is a `&mut` (of a future that may move) is only borrowed: it is not lost with the race and can be awaited again.

use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

/// Which of two was ready first, with its output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Either<A, B> {
    /// The first.
    First(A),
    /// The second.
    Second(B),
}

impl<T> Either<T, T> {
    /// The output, whichever it is of.
    pub fn into_inner(self) -> T {
        match self {
            Either::First(output) | Either::Second(output) => output,
        }
    }
}

/// Waits for the one of two that is ready first and drops the other, which cancels it. When both are ready the first wins:
/// put there what must not be missed, the end of a service for instance.
///
/// In a loop it asks anew each time. That loses nothing with futures that have done nothing before they are ready: `read`,
/// `accept`, `recv`, `tick`. A `write_all` that is dropped may have written a part.
///
/// ```
/// # use event_loop::{Either, EventLoop, RunMode, select, sleep};
/// # use std::time::Duration;
/// # let event_loop = EventLoop::new()?;
/// # let task = event_loop.handle().spawn(async {
/// match select(sleep(Duration::from_secs(60)), async { 7 }).await {
///     Either::First(()) => panic!("a minute went by"),
///     Either::Second(seven) => assert_eq!(seven, 7),
/// }
/// # });
/// # event_loop.run(RunMode::Default)?;
/// # task.try_take().unwrap().unwrap();
/// # Ok::<(), event_loop::LoopError>(())
/// ```
pub async fn select<A: IntoFuture, B: IntoFuture>(first: A, second: B) -> Either<A::Output, B::Output> {
    let (mut first, mut second) = (pin!(first.into_future()), pin!(second.into_future()));
    poll_fn(|cx| match first.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Either::First(output)),
        Poll::Pending => second.as_mut().poll(cx).map(Either::Second),
    })
    .await
}

/// Waits for the first of many that is ready, and drops the others; which one it was, counted from 0, and its output. When
/// several are ready the one that was given first wins.
///
/// # Panics
/// When there is none: nothing would ever be ready.
pub async fn select_all<I>(futures: I) -> (usize, <I::Item as IntoFuture>::Output)
where
    I: IntoIterator<Item: IntoFuture>,
{
    let mut futures: Vec<_> = futures.into_iter().map(|future| Box::pin(future.into_future())).collect();
    assert!(!futures.is_empty(), "there is nothing to wait for");
    poll_fn(|cx| {
        for (index, future) in futures.iter_mut().enumerate() {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready((index, output));
            }
        }
        Poll::Pending
    })
    .await
}

/// Waits for both, which run side by side. Each is dropped as soon as it is ready.
pub async fn join<A: IntoFuture, B: IntoFuture>(first: A, second: B) -> (A::Output, B::Output) {
    let mut first = pin!(Some(first.into_future()));
    let mut second = pin!(Some(second.into_future()));
    let (mut first_output, mut second_output) = (None, None);
    poll_fn(|cx| {
        ask(first.as_mut(), &mut first_output, cx);
        ask(second.as_mut(), &mut second_output, cx);
        match (first_output.take(), second_output.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            waiting => {
                (first_output, second_output) = waiting;
                Poll::Pending
            }
        }
    })
    .await
}

/// Waits for all, which run side by side; their outputs, in the order in which they were given. Each is dropped as soon as it
/// is ready.
pub async fn join_all<I>(futures: I) -> Vec<<I::Item as IntoFuture>::Output>
where
    I: IntoIterator<Item: IntoFuture>,
{
    let mut futures: Vec<_> =
        futures.into_iter().map(|future| Box::pin(Some(future.into_future()))).collect();
    let mut outputs: Vec<_> = futures.iter().map(|_| None).collect();
    poll_fn(|cx| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            ask(future.as_mut(), output, cx);
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}

/// Asks a future that is not ready yet, and drops it when it is.
fn ask<F: Future>(mut future: Pin<&mut Option<F>>, output: &mut Option<F::Output>, cx: &mut Context<'_>) {
    if let Some(Poll::Ready(value)) = future.as_mut().as_pin_mut().map(|future| future.poll(cx)) {
        future.set(None);
        *output = Some(value);
    }
}
