//! Local tasks: polling, waking from anywhere, sleeping, cancelling, panicking.

mod common;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use common::{Count, Notes, OnDrop, Scripted, ms, passes};
use event_loop::{
    EventLoop, JoinError, LoopError, LoopHandle, PanicPolicy, RunMode, Sleep, TimedOut, interval, oneshot,
    sleep, sleep_until, timeout, yield_now,
};

#[test]
fn k1_a_task_is_polled_at_most_once_in_a_pass() {
    let world = Scripted::new();
    world.lp.spawn(async {
        for _ in 0..3 {
            yield_now().await;
        }
    });
    world.lp.spawn(poll_fn(|cx| {
        // Woken five times over, still one poll.
        (0..5).for_each(|_| cx.waker().wake_by_ref());
        Poll::<()>::Ready(())
    }));
    assert!(!world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "1: task task\n2: task\n3: task\n4: task");
    assert!(world.script.polls().iter().all(|timeout| *timeout == Some(Duration::ZERO)));
}

#[test]
fn k1_a_task_that_is_over_is_not_polled_again() {
    let world = Scripted::new();
    let wakers: Rc<RefCell<Vec<Waker>>> = Rc::default();
    let (kept, polls) = (wakers.clone(), Count::default());
    let counted = polls.clone();
    let done = world.lp.spawn(poll_fn(move |cx| {
        kept.borrow_mut().push(cx.waker().clone());
        counted.add();
        Poll::Ready(7)
    }));
    let (kept, cancelled_polls) = (wakers.clone(), Count::default());
    let counted = cancelled_polls.clone();
    let cancelled = world.lp.spawn(poll_fn(move |cx| {
        kept.borrow_mut().push(cx.waker().clone());
        counted.add();
        Poll::<()>::Pending
    }));
    world.run(RunMode::NoWait);
    cancelled.cancel();
    // Their slots are taken by others, who must not be polled by old wake-ups either.
    let innocent = Count::default();
    for _ in 0..2 {
        let counted = innocent.clone();
        let quiet = world.lp.spawn(poll_fn(move |_| {
            counted.add();
            Poll::<()>::Pending
        }));
        quiet.set_ref(false);
    }
    world.lp.set_immediate(move |_| wakers.borrow().iter().for_each(Waker::wake_by_ref));
    assert!(!world.run(RunMode::Default));
    assert_eq!((polls.get(), cancelled_polls.get(), innocent.get()), (1, 1, 2));
    assert_eq!(done.try_take(), Some(Ok(7)));
    assert_eq!(cancelled.try_take(), Some(Err(JoinError::Cancelled)));
}

#[test]
fn k2_a_wake_up_during_the_poll_leads_to_another() {
    let world = Scripted::new();
    let polls = Count::default();
    let counted = polls.clone();
    world.lp.spawn(poll_fn(move |cx| {
        if counted.add() == 4 {
            return Poll::Ready(());
        }
        // From another thread, and answered before the poll is over.
        let waker = cx.waker().clone();
        std::thread::spawn(move || waker.wake()).join().unwrap();
        Poll::Pending
    }));
    assert!(!world.run(RunMode::Default));
    assert_eq!(polls.get(), 4);
}

async fn panicking(message: &'static str) {
    panic!("{message}");
}

/// A value that another thread hands to a task.
#[derive(Default)]
struct Handover {
    value: Mutex<(Option<u64>, Option<Waker>)>,
}

impl Handover {
    fn give(&self, value: u64) {
        let waker = {
            let mut state = self.value.lock().unwrap();
            state.0 = Some(value);
            state.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    fn poll_take(&self, cx: &mut Context<'_>) -> Poll<u64> {
        let mut state = self.value.lock().unwrap();
        match state.0.take() {
            Some(value) => Poll::Ready(value),
            None => {
                state.1 = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

#[test]
fn tasks_are_woken_from_foreign_threads() {
    let event_loop = EventLoop::new().unwrap();
    let back = Arc::new(Handover::default());
    let takes = back.clone();
    let (told, tells) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        for value in tells {
            back.give(value + 1);
        }
    });
    let task = event_loop.handle().spawn(async move {
        let mut value = 0;
        while value < 1_000 {
            told.send(value).unwrap();
            value = poll_fn(|cx| takes.poll_take(cx)).await;
        }
        value
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
    assert_eq!(task.try_take(), Some(Ok(1_000)));
}

#[test]
fn wakers_outlive_their_loop_on_any_thread() {
    let kept: Rc<RefCell<Option<Waker>>> = Rc::default();
    let slot = kept.clone();
    let event_loop = EventLoop::new().unwrap();
    event_loop.handle().spawn(poll_fn(move |cx| {
        *slot.borrow_mut() = Some(cx.waker().clone());
        Poll::<()>::Pending
    }));
    event_loop.run(RunMode::NoWait).unwrap();
    drop(event_loop);
    let waker = kept.take().unwrap();
    waker.wake_by_ref();
    std::thread::spawn(move || {
        let other = waker.clone();
        other.wake();
        drop(waker);
    })
    .join()
    .unwrap();
}

#[test]
fn sleeps_end_at_their_time_and_not_before() {
    let world = Scripted::new();
    let notes = Notes::default();
    for wait in [30_u64, 10, 20] {
        let all = notes.clone();
        world.lp.spawn(async move {
            sleep(ms(wait)).await;
            all.add(format!("{wait} at {}", LoopHandle::current().unwrap().elapsed().as_millis()));
        });
    }
    let (all, start) = (notes.clone(), world.lp.now());
    world.lp.spawn(async move {
        sleep_until(start).await;
        all.add("past");
        let mut long = std::pin::pin!(sleep(Duration::MAX));
        assert!(poll_fn(|cx| Poll::Ready(long.as_mut().poll(cx).is_pending())).await);
        long.as_mut().reset(start + ms(25));
        long.await;
        all.add("reset");
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "past, 10 at 10, 20 at 20, reset, 30 at 30");
}

#[test]
fn a_sleep_that_is_moved_ends_at_its_last_time() {
    for (moves, expected) in [(vec![20, 40], 40), (vec![40, 15], 15), (vec![5], 5), (vec![20, 10, 30], 30)] {
        let world = Scripted::new();
        let start = world.lp.now();
        world.lp.spawn(async move {
            let mut sleeping = std::pin::pin!(sleep(ms(10)));
            for moved in moves {
                assert!(poll_fn(|cx| Poll::Ready(sleeping.as_mut().poll(cx).is_pending())).await);
                sleeping.as_mut().reset(start + ms(moved));
            }
            sleeping.await;
        });
        assert!(!world.run(RunMode::Default));
        assert_eq!(world.lp.elapsed(), ms(expected));
    }
}

#[test]
fn a_sleep_made_outside_of_its_loop_counts_from_the_first_poll_and_ends_once() {
    let world = Scripted::new();
    let sleeping = sleep(ms(10));
    world.lp.spawn(sleeping);
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(10));
}

#[test]
fn a_sleep_made_after_long_work_is_not_shortened_by_it() {
    let world = Scripted::new();
    let hands = world.script.hands();
    world.lp.spawn(async move {
        hands.advance(ms(40));
        sleep(ms(10)).await;
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(50));
}

#[test]
fn a_sleep_dropped_on_a_foreign_thread_cancels_its_timer() {
    let world = Scripted::new();
    let (give, given) = mpsc::channel::<Sleep>();
    world.lp.spawn(async move {
        // A sleep holds only ids, so it may move between its polls.
        let mut long = sleep(ms(1_000));
        poll_fn(|cx| Poll::Ready(Pin::new(&mut long).poll(cx).is_pending())).await;
        give.send(long).unwrap();
    });
    world.run(RunMode::NoWait);
    std::thread::spawn(move || drop(given.recv().unwrap())).join().unwrap();
    world.lp.set_timeout(ms(2_000), |_| {});
    assert!(!world.run(RunMode::Default));
    // With its timer the loop would have woken at 1,000 ms.
    assert!(world.script.polls().contains(&Some(ms(2_000))), "{:?}", world.script.polls());
}

#[test]
fn a_sleep_polled_on_a_foreign_thread_panics() {
    let thread = std::thread::spawn(|| {
        let mut lost = std::pin::pin!(sleep(ms(1)));
        let _ = lost.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    });
    let payload = thread.join().unwrap_err();
    let message = payload.downcast_ref::<String>().cloned().unwrap_or_default();
    let text = payload.downcast_ref::<&str>().map_or(message, |text| (*text).to_owned());
    assert!(text.contains("a sleep must be polled on the thread of its loop"), "{text}");
}

#[test]
fn a_sleep_polled_on_another_loop_panics() {
    let (first, second) = (Scripted::new(), Scripted::new());
    let mut moved = Box::pin(sleep(ms(50)));
    let kept = Rc::new(RefCell::new(None));
    let slot = kept.clone();
    first.lp.spawn(async move {
        poll_fn(|cx| Poll::Ready(moved.as_mut().poll(cx).is_pending())).await;
        *slot.borrow_mut() = Some(moved);
    });
    first.run(RunMode::NoWait);
    let moved = kept.take().unwrap();
    let joined = second.lp.spawn(moved);
    second.run(RunMode::Default);
    let Some(Err(JoinError::Panicked(message))) = joined.try_take() else { panic!("it must panic") };
    assert!(message.contains("on the loop that it was started on"), "{message}");
}

#[test]
fn cancelling_drops_the_future_now_and_itself_after_its_poll() {
    let world = Scripted::new();
    let notes = Notes::default();
    let all = notes.clone();
    let held = OnDrop::new(move || all.add("dropped"));
    let sleeping = world.lp.spawn(async move {
        let _held = held;
        sleep(ms(1_000)).await;
    });
    world.run(RunMode::NoWait);
    assert!(!sleeping.is_finished());
    sleeping.cancel();
    assert!(sleeping.is_finished());
    assert_eq!(notes.take(), "dropped");
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(0), "its timer is gone with it");

    let all = notes.clone();
    let (give, own) = oneshot::<Rc<event_loop::JoinHandle<()>>>();
    let held = OnDrop::new({
        let all = notes.clone();
        move || all.add("dropped")
    });
    let suicidal = Rc::new(world.lp.spawn(async move {
        let _held = held;
        own.await.unwrap().cancel();
        all.add("still in its poll");
        sleep(ms(1_000)).await;
        unreachable!("it was cancelled");
    }));
    give.send(suicidal.clone());
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "still in its poll, dropped");
    assert_eq!(suicidal.try_take(), Some(Err(JoinError::Cancelled)));
}

#[test]
fn joining_gives_the_value_the_cancellation_or_the_panic() {
    let world = Scripted::new();
    let lp = world.lp.clone();
    let outcomes = world.lp.spawn(async move {
        let value = lp.spawn(async { 42 }).await;
        let panicked: Result<(), _> = lp.spawn(panicking("on purpose")).await;
        let endless = lp.spawn(std::future::pending::<()>());
        let killer = lp.spawn(async {});
        killer.await.unwrap();
        endless.cancel();
        (value, panicked, endless.await)
    });
    assert!(!world.run(RunMode::Default));
    let expected = (Ok(42), Err(JoinError::Panicked("on purpose".to_owned())), Err(JoinError::Cancelled));
    assert_eq!(outcomes.try_take(), Some(Ok(expected)));
}

#[test]
fn a_detached_panic_follows_the_policy_and_a_joined_one_does_not() {
    for policy in [PanicPolicy::End, PanicPolicy::CountAndGoOn] {
        let world = Scripted::with(|options| options.panic_policy(policy));
        let joined = world.lp.spawn(panicking("somebody listens"));
        assert!(!world.run(RunMode::Default));
        assert_eq!(joined.try_take(), Some(Err(JoinError::Panicked("somebody listens".to_owned()))));

        let line = line!() + 1;
        drop(world.lp.spawn(panicking("nobody listens")));
        let result = world.event_loop.run(RunMode::Default);
        match policy {
            PanicPolicy::CountAndGoOn => assert!(!result.unwrap()),
            PanicPolicy::End => {
                let Err(LoopError::Panicked { location, message }) = result else { panic!("{result:?}") };
                assert_eq!((location.file(), location.line()), (file!(), line));
                assert_eq!(message, "nobody listens");
            }
        }
        assert_eq!(world.lp.metrics().snapshot(world.lp.now()).panics, 1);
        assert!(!world.run(RunMode::Default), "the task is over in any case");
    }
}

#[test]
fn a_task_without_reference_does_not_hold_the_loop() {
    let world = Scripted::new();
    let task = world.lp.spawn(std::future::pending::<()>());
    assert!(world.lp.is_alive());
    task.set_ref(false);
    task.set_ref(false);
    assert!(!world.run(RunMode::Default));
    task.set_ref(true);
    assert!(world.lp.is_alive());
    task.cancel();
    assert!(!world.lp.is_alive());
}

#[test]
fn a_yielding_task_lets_sockets_timers_and_immediates_in() {
    let world = Scripted::new();
    let notes = Notes::default();
    let (all, hands) = (notes.clone(), world.script.hands());
    world.lp.set_timeout(ms(3), notes.cb("timeout"));
    let mut note = notes.cb("immediate");
    world.lp.set_immediate(move |lp| note(lp));
    let remote = world.lp.remote();
    world.lp.spawn(async move {
        for n in 0..5 {
            all.add(format!("chunk {n}"));
            hands.advance(ms(1));
            if n == 0 {
                remote.post(|_| {}).unwrap();
            }
            yield_now().await;
        }
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "chunk 0, immediate, chunk 1, chunk 2, timeout, chunk 3, chunk 4");
    assert!(world.trace().contains("2 poll posted"));
}

/// A waker of the user's own, which misbehaves.
struct Rude;

impl Wake for Rude {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

#[test]
fn a_foreign_waker_that_panics_follows_the_policy() {
    let world = Scripted::with(|options| options.panic_policy(PanicPolicy::CountAndGoOn));
    let rude = Waker::from(Arc::new(Rude));
    world.lp.spawn(async move {
        let mut nap = std::pin::pin!(sleep(ms(5)));
        poll_fn(|_| Poll::Ready(nap.as_mut().poll(&mut Context::from_waker(&rude)).is_pending())).await;
        sleep(ms(10)).await;
        assert!(poll_fn(|cx| Poll::Ready(nap.as_mut().poll(cx).is_ready())).await);
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.metrics().snapshot(world.lp.now()).panics, 1);
}

#[test]
fn tasks_of_two_loops_on_one_thread_do_not_mix() {
    let inner = Rc::new(EventLoop::new().unwrap());
    let outer = Scripted::new();
    let (give, got) = oneshot::<u32>();
    let waits = outer.lp.spawn(got);
    let nested = inner.clone();
    outer.lp.set_immediate(move |_| {
        // Running the inner loop wakes a task of the outer one from its thread, but not from inside its run.
        nested.handle().set_immediate(move |_| give.send(5));
        assert!(!nested.run(RunMode::Default).unwrap());
    });
    assert!(!outer.run(RunMode::Default));
    assert_eq!(waits.try_take(), Some(Ok(Some(5))));
}

#[test]
fn a_barrier_of_wakes_from_many_threads_loses_none() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let meet = Arc::new(Barrier::new(4));
    let (told, tells) = mpsc::channel();
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let handover = Arc::new(Handover::default());
            told.send(handover.clone()).unwrap();
            lp.spawn(async move { poll_fn(|cx| handover.poll_take(cx)).await })
        })
        .collect();
    let threads: Vec<_> = tells
        .try_iter()
        .enumerate()
        .map(|(n, handover)| {
            let meet = meet.clone();
            std::thread::spawn(move || {
                meet.wait();
                handover.give(n as u64);
            })
        })
        .collect();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let values: Vec<_> = tasks.iter().map(|task| task.try_take().unwrap().unwrap()).collect();
    assert_eq!(values, [0, 1, 2, 3]);
}

#[test]
fn a_timeout_gives_the_output_or_drops_the_future_when_the_time_is_up() {
    let world = Scripted::new();
    let dropped = Count::default();
    let (noted, lp) = (dropped.clone(), world.lp.clone());
    let start = lp.now();
    let task = world.lp.spawn(async move {
        let in_time = timeout(ms(10), async {
            sleep(ms(5)).await;
            "in time"
        });
        let first = in_time.await;
        let counted = noted.clone();
        let guard = OnDrop::new(move || {
            counted.add();
        });
        let late = timeout(ms(10), async move {
            let _guard = guard;
            sleep(ms(1_000)).await;
        });
        let second = late.await;
        assert_eq!(noted.get(), 1, "dropped when the time is up");
        let at_once = timeout(Duration::ZERO, async { 7 }).await;
        (first, second, at_once, lp.now() - start)
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok((Ok("in time"), Err(TimedOut), Ok(7), ms(15)))));
    assert_eq!((dropped.get(), world.lp.handles().len()), (1, 0));
}

#[test]
fn an_interval_keeps_its_schedule_and_says_how_many_ticks_were_missed() {
    let world = Scripted::new();
    let (lp, hands) = (world.lp.clone(), world.script.hands());
    let start = lp.now();
    let task = world.lp.spawn(async move {
        let mut ticks = interval(ms(10));
        let mut seen = Vec::new();
        for work in [0, 3, 35, 0, 0] {
            let passed = ticks.tick().await;
            seen.push((passed, (lp.now() - start).as_millis()));
            hands.advance(ms(work));
            lp.update_time();
        }
        // Given up in the middle of a wait, the tick still comes when it is due.
        assert_eq!(timeout(ms(1), ticks.tick()).await, Err(TimedOut));
        seen.push((ticks.tick().await, (lp.now() - start).as_millis()));
        seen
    });
    assert!(!world.run(RunMode::Default));
    let expected = vec![(1, 10), (1, 20), (1, 30), (3, 65), (1, 70), (1, 80)];
    assert_eq!(task.try_take(), Some(Ok(expected)));
}

#[test]
fn an_interval_that_missed_more_ticks_than_can_be_counted_says_the_most_there_is() {
    let world = Scripted::new();
    let (lp, hands) = (world.lp.clone(), world.script.hands());
    let task = world.lp.spawn(async move {
        let mut told = Vec::new();
        for over in [u32::MAX - 1, u32::MAX] {
            let mut ticks = interval(Duration::from_nanos(1));
            hands.advance(Duration::from_nanos(u64::from(over) + 1));
            lp.update_time();
            told.push(ticks.tick().await);
        }
        told
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok(vec![u32::MAX, u32::MAX])));
}

#[test]
#[should_panic = "an interval needs a period"]
fn an_interval_without_a_period_is_refused() {
    interval(Duration::ZERO);
}
