//! Sets of tasks: who is told, who is cancelled, and how long a drain may take; and tasks cancelled wherever they wait.

mod common;

use std::cell::RefCell;
use std::future::{Future, pending};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use common::{Count, Notes, OnDrop, Scripted, ms};
use event_loop::{
    EventLoop, JoinError, LoopHandle, RunMode, Sender, Shutdown, TaskSet, TimedOut, channel, interval, join,
    join_all, oneshot, select, select_all, sleep, timeout, yield_now,
};

fn here() -> LoopHandle {
    LoopHandle::current().expect("a task runs on its loop")
}

#[test]
fn ts1_what_is_left_in_a_set_is_cancelled_when_it_is_dropped() {
    let world = Scripted::new();
    let dropped = Count::default();
    let mut set = TaskSet::default();
    for n in 0..5_u64 {
        let counted = dropped.clone();
        let guard = OnDrop::new(move || {
            counted.add();
        });
        set.spawn(&world.lp, async move {
            let _guard = guard;
            sleep(ms(10 * n)).await;
        });
    }
    world.script.happens(ms(15), || {});
    world.lp.set_timeout(ms(15), |lp| lp.stop());
    assert!(world.run(RunMode::Default));
    assert_eq!((dropped.get(), set.len()), (2, 5));
    drop(set);
    assert_eq!(dropped.get(), 5);
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(15), "their timers went with them");
}

#[test]
fn ts1_a_set_is_dropped_with_its_task_its_loop_and_from_inside() {
    let dropped = Count::default();
    let guarded = |counted: Count| async move {
        let _guard = OnDrop::new(move || {
            counted.add();
        });
        pending::<()>().await;
    };
    let world = Scripted::new();
    let (inner, counted) = (guarded(dropped.clone()), dropped.clone());
    let owner = world.lp.spawn(async move {
        let mut set = TaskSet::default();
        set.spawn(&here(), inner);
        set.join_next().await;
    });
    world.run(RunMode::NoWait);
    world.run(RunMode::NoWait);
    owner.cancel();
    assert_eq!((dropped.get(), world.lp.is_alive()), (1, false));

    // A task of the set drops the set, and so itself when its poll is over.
    let shared: Rc<RefCell<TaskSet<()>>> = Rc::default();
    let own = shared.clone();
    shared.borrow_mut().spawn(&world.lp, guarded(dropped.clone()));
    let dies = guarded(dropped.clone());
    shared.borrow_mut().spawn(&world.lp, async move {
        drop(own.take());
        dies.await;
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(dropped.get(), 3);
    assert!(shared.borrow().is_empty());

    let mut set = TaskSet::default();
    set.spawn(&world.lp, guarded(dropped.clone()));
    world.run(RunMode::NoWait);
    let Scripted { event_loop, lp, .. } = world;
    drop(event_loop);
    assert_eq!(dropped.get(), 4);
    assert_eq!(set.try_join_next(), Some(Err(JoinError::Cancelled)));
    // On a loop that is gone a task is cancelled before it began.
    set.spawn(&lp, guarded(counted));
    assert_eq!(set.try_join_next(), Some(Err(JoinError::Cancelled)));
    assert!(set.is_empty());
}

#[test]
fn ts2_outcomes_are_told_in_the_order_of_the_ends() {
    let world = Scripted::new();
    let task = world.lp.spawn(async {
        let mut set = TaskSet::default();
        for nap in [30, 10, 20] {
            set.spawn(&here(), async move {
                sleep(ms(nap)).await;
                assert_ne!(nap, 20, "one panics");
                nap
            });
        }
        let mut told = Vec::new();
        while let Some(outcome) = set.join_next().await {
            told.push(outcome.map_err(|error| matches!(error, JoinError::Panicked(_))));
        }
        told
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok(vec![Ok(10), Err(true), Ok(30)])));
}

#[test]
fn ts2_a_wait_for_the_next_that_was_given_up_takes_none() {
    let world = Scripted::new();
    let task = world.lp.spawn(async {
        let mut set = TaskSet::default();
        set.spawn(&here(), async {
            sleep(ms(10)).await;
            7
        });
        let early = timeout(ms(5), set.join_next()).await;
        (early, set.join_next().await, set.join_next().await)
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok((Err(TimedOut), Some(Ok(7)), None))));
}

#[test]
fn ts2_thousands_of_tasks_are_each_told_once() {
    const TASKS: u64 = 10_000;
    let world = Scripted::new();
    let task = world.lp.spawn(async {
        let mut set = TaskSet::default();
        for n in 0..TASKS {
            set.spawn(&here(), async move {
                sleep(ms(n * 7_919 % 100)).await;
                yield_now().await;
                n
            });
        }
        let mut seen = vec![0; TASKS as usize];
        while let Some(n) = set.join_next().await {
            seen[n.unwrap() as usize] += 1;
        }
        seen.into_iter().all(|times| times == 1)
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!((task.try_take(), world.lp.elapsed()), (Some(Ok(true)), ms(99)));
}

#[test]
fn a_drain_ends_with_the_last_task() {
    let world = Scripted::new();
    let task = world.lp.spawn(async {
        let mut set = TaskSet::default();
        for nap in [10, 20] {
            set.spawn(&here(), sleep(ms(nap)));
        }
        set.drain(ms(1_000)).await
    });
    assert!(!world.run(RunMode::Default));
    let drained = task.try_take().unwrap().unwrap();
    assert_eq!((drained.finished, drained.cut, world.lp.elapsed()), (2, 0, ms(20)));
}

#[test]
fn a_drain_cuts_what_is_left_when_the_time_is_up_and_says_how_many() {
    let world = Scripted::new();
    let notes = Notes::default();
    let all = notes.clone();
    let task = world.lp.spawn(async move {
        let mut set = TaskSet::default();
        // The one of 100 ms ends in the last moment, and has ended.
        for nap in [10, 100, 101, 9_999] {
            let all = all.clone();
            let guard = OnDrop::new(move || all.add(nap.to_string()));
            set.spawn(&here(), async move {
                let _guard = guard;
                sleep(ms(nap)).await;
            });
        }
        set.spawn(&here(), async { panic!("on the way") });
        let cancelled = Rc::new(RefCell::new(None));
        let own = cancelled.clone();
        set.spawn(&here(), async move {
            let inner = here().spawn(pending::<()>());
            inner.cancel();
            *own.borrow_mut() = Some(inner.await);
        });
        // So that their naps begin before the drain's, and end first.
        yield_now().await;
        let drained = set.drain(ms(100)).await;
        assert!(set.is_empty());
        assert_eq!(cancelled.take(), Some(Err(JoinError::Cancelled)));
        all.add("on");
        drained
    });
    assert!(!world.run(RunMode::Default));
    let drained = task.try_take().unwrap().unwrap();
    assert_eq!((drained.finished, drained.panicked, drained.cancelled, drained.cut), (3, 1, 0, 2));
    assert_eq!((notes.take().as_str(), world.lp.elapsed()), ("10, 100, 101, 9999, on", ms(100)));
}

#[test]
fn a_drain_without_grace_counts_what_has_ended() {
    let world = Scripted::new();
    let task = world.lp.spawn(async {
        let mut set = TaskSet::default();
        set.spawn(&here(), async {});
        set.spawn(&here(), pending::<()>());
        yield_now().await;
        set.drain(ms(0)).await
    });
    assert!(!world.run(RunMode::Default));
    let drained = task.try_take().unwrap().unwrap();
    assert_eq!((drained.finished, drained.cut), (1, 1));
}

/// A task that waits in every way that there is, one after the other, and is always given up somewhere.
async fn waits_in_every_way(lp: LoopHandle, sender: Sender<u32>) {
    let (own_sender, mut receiver) = channel::<u32>(1);
    let (give, given) = oneshot::<u32>();
    let shutdown = Shutdown::new();
    let mut set = TaskSet::default();
    yield_now().await;
    sleep(ms(1)).await;
    assert!(timeout(ms(1), pending::<()>()).await.is_err());
    interval(ms(1)).tick().await;
    lp.spawn(sleep(ms(1))).await.unwrap();
    sender.send(1).await.unwrap();
    join(sleep(ms(1)), sleep(ms(2))).await;
    join_all([sleep(ms(1)), sleep(ms(2))]).await;
    select(given, sleep(ms(1))).await;
    drop(give);
    select_all([sleep(ms(2)), sleep(ms(1))]).await;
    lp.spawn(async move {
        sleep(ms(1)).await;
        let _ = own_sender.send(2).await;
    });
    assert_eq!(receiver.recv().await, Some(2));
    let begins = shutdown.clone();
    lp.set_timeout(ms(1), move |_| begins.begin());
    shutdown.begun().await;
    set.spawn(&lp, sleep(ms(1)));
    set.spawn(&lp, pending());
    set.join_next().await;
    set.drain(ms(2)).await;
}

#[test]
fn a_task_can_be_cancelled_wherever_it_waits_and_leaves_nothing() {
    let mut passes = 0;
    loop {
        let world = Scripted::new();
        let (sender, receiver) = channel(1);
        sender.try_send(0).unwrap();
        let receiver = Rc::new(RefCell::new(receiver));
        let dropped = Count::default();
        let counted = dropped.clone();
        let guard = OnDrop::new(move || {
            counted.add();
        });
        let lp = world.lp.clone();
        let task = world.lp.spawn(async move {
            let _guard = guard;
            waits_in_every_way(lp, sender).await;
        });
        // The place for its send comes only after a while.
        let receives = receiver.clone();
        world.lp.set_timeout(ms(9), move |_| assert_eq!(receives.borrow_mut().try_recv(), Ok(0)));
        for _ in 0..passes {
            if task.is_finished() {
                break;
            }
            world.run(RunMode::Once);
        }
        let finished = task.is_finished();
        task.cancel();
        assert_eq!(dropped.get(), 1, "after {passes} passes");
        world.run(RunMode::Default);
        assert!(world.lp.handles().is_empty(), "after {passes} passes: {:?}", world.lp.handles());
        assert!(world.event_loop.close().is_ok(), "after {passes} passes");
        if finished {
            break;
        }
        passes += 1;
        assert!(passes < 1_000, "it never ends");
    }
    assert!(passes > 15, "only {passes}");
}

#[test]
fn tasks_of_a_set_are_woken_from_foreign_threads() {
    let event_loop = EventLoop::new().unwrap();
    let (tell, told) = mpsc::channel::<Waker>();
    let thread = std::thread::spawn(move || told.into_iter().for_each(Waker::wake));
    /// Ready when it was woken so many times.
    struct Woken(usize, mpsc::Sender<Waker>);
    impl Future for Woken {
        type Output = usize;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<usize> {
            if self.0 == 0 {
                return Poll::Ready(1);
            }
            self.0 -= 1;
            self.1.send(cx.waker().clone()).unwrap();
            Poll::Pending
        }
    }
    let task = event_loop.handle().spawn(async move {
        let mut set = TaskSet::default();
        (0..500).for_each(|n| set.spawn(&here(), Woken(n % 10, tell.clone())));
        let mut ended = 0;
        while let Some(one) = set.join_next().await {
            ended += one.unwrap();
        }
        ended
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(task.try_take(), Some(Ok(500)));
    thread.join().unwrap();
}
