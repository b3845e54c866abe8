//! The channel into a loop: from threads and from tasks, full, closed, and given up.

mod common;

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{self, SendError, TryRecvError, TrySendError};
use std::task::{Context, Wake, Waker};

use common::{Count, Notes, OnDrop, Scripted, ms, passes};
use event_loop::{EventLoop, JoinError, RunMode, TimedOut, channel, oneshot, sleep, timeout, yield_now};

#[test]
fn values_of_each_thread_arrive_once_and_in_order() {
    const EACH: u32 = 10_000;
    let event_loop = EventLoop::new().unwrap();
    let (sender, mut receiver) = channel(7);
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for n in 0..EACH {
                    sender.send_blocking((thread, n)).unwrap();
                }
            })
        })
        .collect();
    drop(sender);
    let task = event_loop.handle().spawn(async move {
        let mut next = [0; 4];
        while let Some((thread, n)) = receiver.recv().await {
            assert_eq!(n, next[thread]);
            next[thread] += 1;
        }
        next
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(task.try_take(), Some(Ok([EACH; 4])));
}

#[test]
fn threads_and_tasks_share_the_places_of_one_channel() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (sender, mut receiver) = channel(1);
    for task in 0..10 {
        let sender = sender.clone();
        lp.spawn(async move {
            for n in 0..100 {
                sender.send(task * 100 + n).await.unwrap();
            }
        });
    }
    let thread = std::thread::spawn(move || (1_000..2_000).for_each(|n| sender.send_blocking(n).unwrap()));
    let task = lp.spawn(async move {
        let mut seen = Vec::new();
        while let Some(n) = receiver.recv().await {
            seen.push(n);
        }
        seen.sort_unstable();
        seen
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
    assert_eq!(task.try_take(), Some(Ok((0..2_000).collect())));
}

#[test]
fn a_burst_from_outside_is_one_poll_of_the_receiver() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(100);
    let burst = move || (0..100).for_each(|n| sender.try_send(n).unwrap());
    world.script.happens(ms(5), || std::thread::spawn(burst).join().unwrap());
    let polls = Count::default();
    let counted = polls.clone();
    let task = world.lp.spawn(async move {
        let mut drains = pin!(async move {
            let mut sum = 0;
            while let Some(n) = receiver.recv().await {
                sum += n;
            }
            sum
        });
        poll_fn(|cx| {
            counted.add();
            drains.as_mut().poll(cx)
        })
        .await
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!((task.try_take(), polls.get()), (Some(Ok(4_950)), 2));
}

#[test]
fn a_value_sent_while_the_receiver_is_polled_is_not_overlooked() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(1);
    let task = world.lp.spawn(async move {
        let mut sender = Some(sender);
        let mut receives = pin!(receiver.recv());
        poll_fn(|cx| {
            let polled = receives.as_mut().poll(cx);
            if let Some(sender) = sender.take() {
                assert!(polled.is_pending());
                std::thread::spawn(move || sender.send_blocking(9).unwrap()).join().unwrap();
            }
            polled
        })
        .await
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok(Some(9))));
}

#[test]
fn a_full_channel_gives_the_value_back_to_who_only_tries() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(2);
    assert_eq!(receiver.try_recv(), Err(TryRecvError::Empty));
    assert_eq!((sender.try_send(1), sender.try_send(2)), (Ok(()), Ok(())));
    assert_eq!((sender.try_send(3), receiver.len()), (Err(TrySendError::Full(3)), 2));
    // Somebody waits: the next place is his, and not for who tries.
    let waits = sender.clone();
    let waiting = world.lp.spawn(async move { waits.send(4).await });
    world.run(RunMode::NoWait);
    assert_eq!(receiver.try_recv(), Ok(1));
    assert_eq!(sender.try_send(5), Err(TrySendError::Full(5)));
    assert!(!world.run(RunMode::Default));
    assert_eq!(waiting.try_take(), Some(Ok(Ok(()))));
    drop(sender);
    let rest = [receiver.try_recv(), receiver.try_recv(), receiver.try_recv()];
    assert_eq!(rest, [Ok(2), Ok(4), Err(TryRecvError::Disconnected)]);
    assert!(receiver.is_empty());
}

#[test]
fn senders_that_wait_are_served_in_the_order_of_their_coming() {
    let world = Scripted::new();
    let (sender, receiver) = channel(1);
    for n in 0..5 {
        let sender = sender.clone();
        world.lp.spawn(async move {
            // The first of the first finds a place, so its second is the first in the line.
            sender.send(n).await.unwrap();
            sender.send(n + 10).await.unwrap();
        });
    }
    drop(sender);
    let notes = Notes::default();
    let all = notes.clone();
    receiver.on_value(&world.lp, move |_, n| all.add(n.to_string()));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "0, 10, 1, 2, 3, 4, 11, 12, 13, 14");
}

#[test]
fn ch1_a_send_given_up_has_sent_nothing_and_its_place_goes_to_the_next() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(1);
    sender.try_send((0, OnDrop(None))).unwrap();
    let (first, second) = (sender.clone(), sender);
    let dropped = Count::default();
    let counted = dropped.clone();
    let held = OnDrop::new(move || {
        counted.add();
    });
    let impatient = world.lp.spawn(async move { timeout(ms(5), first.send((1, held))).await.is_ok() });
    let patient = world.lp.spawn(async move { second.send((2, OnDrop(None))).await.is_ok() });
    let task = world.lp.spawn(async move {
        sleep(ms(10)).await;
        assert_eq!(dropped.get(), 1, "the value went with the send");
        [receiver.recv().await, receiver.recv().await, receiver.recv().await].map(|got| got.map(|(n, _)| n))
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!((impatient.try_take(), patient.try_take()), (Some(Ok(false)), Some(Ok(true))));
    assert_eq!(task.try_take(), Some(Ok([Some(0), Some(2), None])));
}

#[test]
fn ch1_a_place_that_was_promised_to_a_send_given_up_goes_to_the_next() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(1);
    sender.try_send(0).unwrap();
    let second = sender.clone();
    let first = world.lp.spawn(async move { sender.send(1).await });
    let second = world.lp.spawn(async move { second.send(2).await });
    world.run(RunMode::NoWait);
    assert_eq!(receiver.try_recv(), Ok(0));
    // Woken, and gone before its turn came.
    first.cancel();
    assert!(!world.run(RunMode::Default));
    assert_eq!((second.try_take(), receiver.try_recv()), (Some(Ok(Ok(()))), Ok(2)));
}

#[test]
fn a_receiver_that_goes_gives_values_back_to_tasks_and_threads() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (sender, receiver) = channel(1);
    let waiting = sender.clone();
    waiting.try_send("first").unwrap();
    let blocked = sender.clone();
    let (tell, told) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        tell.send(()).unwrap();
        blocked.send_blocking("third")
    });
    let task = lp.spawn(async move { waiting.send("second").await });
    lp.spawn(async move {
        told.recv().unwrap();
        yield_now().await;
        drop(receiver);
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(thread.join().unwrap(), Err(SendError("third")));
    assert_eq!(task.try_take(), Some(Ok(Err(SendError("second")))));
    assert!(sender.is_closed());
    assert_eq!(sender.try_send("late"), Err(TrySendError::Disconnected("late")));
    assert_eq!(sender.send_blocking("late"), Err(SendError("late")));
}

#[test]
fn what_waits_in_a_channel_is_dropped_with_the_receiver() {
    let (sender, receiver) = channel(3);
    let dropped = Count::default();
    for _ in 0..3 {
        let (counted, own) = (dropped.clone(), sender.clone());
        // Its destructor finds a channel that is closed, and no lock that is held.
        let value = OnDrop::new(move || {
            assert!(own.is_closed());
            counted.add();
        });
        assert!(sender.try_send(value).is_ok());
    }
    drop(receiver);
    assert_eq!(dropped.get(), 3);
}

#[test]
fn a_closed_channel_is_emptied_first() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(5);
    assert_eq!([1, 2].map(|n| sender.try_send(n)), [Ok(()), Ok(())]);
    receiver.close();
    assert_eq!(sender.try_send(3), Err(TrySendError::Disconnected(3)));
    let task =
        world.lp.spawn(async move { [receiver.recv().await, receiver.recv().await, receiver.recv().await] });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok([Some(1), Some(2), None])));
}

#[test]
fn ch2_a_flood_of_values_lets_the_rest_of_the_loop_in() {
    let world = Scripted::new();
    let (sender, receiver) = channel(1_000);
    (0..1_000).for_each(|n| sender.try_send(n).unwrap());
    drop(sender);
    let (notes, seen) = (Notes::default(), Count::default());
    let (all, counted) = (notes.clone(), seen.clone());
    world.lp.set_immediate(move |_| all.add(format!("immediate after {}", counted.get())));
    receiver.on_value(&world.lp, move |_, _| {
        seen.add();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "immediate after 128");
    let turns = passes(&world.lp).matches("task").count();
    assert_eq!(turns, 8, "1,000 values are 7 turns of 128 and a rest");
}

#[test]
fn ch3_a_receiver_that_does_not_wait_any_more_leaves_no_waker() {
    #[derive(Default)]
    struct Woken(AtomicUsize);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
    let (woken, (sender, mut receiver)) = (Arc::new(Woken::default()), channel(1));
    let waker = Waker::from(woken.clone());
    let mut wait = Box::pin(receiver.recv());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop((wait, waker));
    assert_eq!(Arc::strong_count(&woken), 1, "the channel has it no more");
    sender.try_send(1).unwrap();
    assert_eq!((receiver.try_recv(), woken.0.load(SeqCst)), (Ok(1), 0));
}

#[test]
fn a_channel_keeps_no_loop_alive_and_a_task_that_waits_for_it_does() {
    let world = Scripted::new();
    let (sender, receiver) = channel::<u32>(1);
    assert!(!world.lp.is_alive());
    let task = receiver.on_value(&world.lp, |_, _| {});
    assert!(world.lp.is_alive());
    task.set_ref(false);
    assert!(!world.run(RunMode::Default));
    task.set_ref(true);
    drop(sender);
    assert!(!world.run(RunMode::Default), "the end of the senders ends the task");
    assert_eq!(task.try_take(), Some(Ok(())));
}

#[test]
fn a_callback_gets_the_values_with_its_loop_until_it_is_cancelled() {
    let world = Scripted::new();
    let (sender, receiver) = channel(10);
    let notes = Notes::default();
    let all = notes.clone();
    let task = receiver.on_value(&world.lp, move |lp, n: u32| {
        let mut late = all.cb(format!("after {n}"));
        all.add(n.to_string());
        lp.next_tick(move |lp| late(lp));
    });
    let again = sender.clone();
    let thread = move || [1, 2].into_iter().for_each(|n| again.try_send(n).unwrap());
    world.script.happens(ms(1), || std::thread::spawn(thread).join().unwrap());
    world.run(RunMode::Once);
    world.run(RunMode::Once);
    assert_eq!(notes.take(), "1, 2, after 1, after 2");
    task.cancel();
    assert!(sender.is_closed());
    assert_eq!(task.try_take(), Some(Err(JoinError::Cancelled)));
}

#[test]
fn a_blocking_send_on_the_thread_of_a_loop_is_refused() {
    let world = Scripted::new();
    let (sender, _receiver) = channel(1);
    sender.send_blocking(0).unwrap();
    let task = world.lp.spawn(async move { sender.send_blocking(1) });
    assert!(!world.run(RunMode::Default));
    let Some(Err(JoinError::Panicked(message))) = task.try_take() else { panic!("it must panic") };
    assert!(message.contains("must not block"), "{message}");
}

#[test]
#[should_panic = "a channel needs a capacity"]
fn a_channel_without_a_place_is_refused() {
    channel::<()>(0);
}

#[test]
fn a_receiver_moves_to_the_loop_of_another_thread() {
    let (sender, mut receiver) = channel(2);
    let thread = std::thread::spawn(move || {
        let event_loop = EventLoop::new().unwrap();
        let task = event_loop.handle().spawn(async move {
            let mut seen = Vec::new();
            while let Some(n) = receiver.recv().await {
                seen.push(n);
            }
            seen
        });
        assert!(!event_loop.run(RunMode::Default).unwrap());
        task.try_take()
    });
    (0..50).for_each(|n| sender.send_blocking(n).unwrap());
    drop(sender);
    assert_eq!(thread.join().unwrap(), Some(Ok((0..50).collect())));
}

#[test]
fn a_wait_for_a_value_that_was_given_up_takes_none() {
    let world = Scripted::new();
    let (sender, mut receiver) = channel(1);
    let sent = Rc::new(RefCell::new(Some(sender)));
    let (give, go) = oneshot::<()>();
    let task = world.lp.spawn(async move {
        let first = timeout(ms(5), receiver.recv()).await;
        give.send(());
        (first, receiver.recv().await, receiver.recv().await)
    });
    world.lp.spawn(async move {
        go.await;
        let sender = sent.take().unwrap();
        sender.send(1).await.unwrap();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok((Err(TimedOut), Some(1), None))));
}
