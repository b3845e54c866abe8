//! Join and select: who is asked in which order, what is dropped and when.

mod common;

use std::future::{Future, Pending, Ready, pending, poll_fn, ready};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use common::{Count, Notes, OnDrop, Scripted, ms};
use event_loop::{
    Either, JoinError, JoinHandle, RunMode, join, join_all, select, select_all, sleep, timeout,
};

/// Runs a task to its end in a scripted world.
fn outcome<T: 'static>(future: impl Future<Output = T> + 'static) -> (T, Duration) {
    let world = Scripted::new();
    let task = world.lp.spawn(future);
    assert!(!world.run(RunMode::Default));
    assert_eq!((world.lp.handles().len(), world.lp.is_alive()), (0, false));
    (task.try_take().expect("it has ended").expect("well"), world.lp.elapsed())
}

/// Sleeps, and notes when it is asked, is ready, and is dropped.
async fn noted(notes: Notes, name: &'static str, nap: u64) -> &'static str {
    let dropped = notes.clone();
    let _guard = OnDrop::new(move || dropped.add(format!("{name} dropped")));
    let mut nap = Box::pin(sleep(ms(nap)));
    poll_fn(|cx| {
        notes.add(format!("{name}?"));
        nap.as_mut().poll(cx)
    })
    .await;
    name
}

#[test]
fn select_gives_who_was_first_and_has_dropped_the_other() {
    let notes = Notes::default();
    let all = notes.clone();
    let (won, took) = outcome(async move {
        let won = select(noted(all.clone(), "slow", 20), noted(all.clone(), "quick", 10)).await;
        all.add("on");
        won
    });
    assert_eq!((won, took), (Either::Second("quick"), ms(10)));
    assert_eq!(notes.take(), "slow?, quick?, slow?, quick?, quick dropped, slow dropped, on");
}

#[test]
fn select_asks_the_first_first_and_the_second_only_when_it_must() {
    let notes = Notes::default();
    let (all, seen) = (notes.clone(), notes.clone());
    let (won, _) = outcome(async move { select(ready(1), noted(all, "late", 0)).await });
    assert_eq!(won, Either::First(1));
    assert_eq!(seen.take(), "");
    let (either, _) = outcome(async { select(pending(), ready("the same type")).await.into_inner() });
    assert_eq!(either, "the same type");
}

#[test]
fn what_is_only_lent_to_a_race_is_not_lost_with_it() {
    let (waited, took) = outcome(async {
        let mut long = sleep(ms(30));
        let mut rounds = 0;
        while let Either::Second(()) = select(&mut long, sleep(ms(8))).await {
            rounds += 1;
        }
        rounds
    });
    assert_eq!((waited, took), (3, ms(30)));
}

#[test]
fn select_all_gives_the_number_of_the_first_and_drops_the_others() {
    let notes = Notes::default();
    let all = notes.clone();
    let (won, took) = outcome(async move {
        let naps = [("a", 30), ("b", 10), ("c", 10), ("d", 40)];
        let won = select_all(naps.map(|(name, nap)| noted(all.clone(), name, nap))).await;
        all.add("on");
        won
    });
    assert_eq!((won, took), ((1, "b"), ms(10)));
    let expected = "a?, b?, c?, d?, a?, b?, b dropped, a dropped, c dropped, d dropped, on";
    assert_eq!(notes.take(), expected);
}

#[test]
fn select_all_of_nothing_is_a_mistake() {
    let world = Scripted::new();
    let task = world.lp.spawn(select_all(Vec::<Pending<()>>::new()));
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Err(JoinError::Panicked("there is nothing to wait for".into()))));
}

#[test]
fn join_waits_for_both_and_drops_each_when_it_is_ready() {
    let notes = Notes::default();
    let all = notes.clone();
    let (both, took) = outcome(join(noted(all.clone(), "slow", 20), noted(all, "quick", 10)));
    assert_eq!((both, took), (("slow", "quick"), ms(20)));
    assert_eq!(notes.take(), "slow?, quick?, slow?, quick?, quick dropped, slow?, slow dropped");
}

#[test]
fn join_all_gives_the_outputs_in_the_order_of_the_futures() {
    let notes = Notes::default();
    let all = notes.clone();
    let naps = [("a", 20), ("b", 10), ("c", 20)];
    let (outputs, took) = outcome(join_all(naps.map(|(name, nap)| noted(all.clone(), name, nap))));
    assert_eq!((outputs, took), (vec!["a", "b", "c"], ms(20)));
    let expected = "a?, b?, c?, a?, b?, b dropped, c?, a?, a dropped, c?, c dropped";
    assert_eq!(notes.take(), expected);
    assert_eq!(outcome(join_all(Vec::<Ready<u8>>::new())), (vec![], ms(0)));
}

#[test]
fn handles_of_tasks_are_futures_to_join_as_well() {
    let world = Scripted::new();
    let lp = world.lp.clone();
    let task = world.lp.spawn(async move {
        let tasks: Vec<JoinHandle<u32>> = (0..3).map(|n| lp.spawn(async move { n * n })).collect();
        let outputs = join_all(tasks).await;
        outputs.into_iter().map(Result::unwrap).sum::<u32>()
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(task.try_take(), Some(Ok(5)));
}

type Part = Pin<Box<dyn Future<Output = ()>>>;

#[test]
fn a_part_that_panics_takes_the_others_with_it() {
    let world = Scripted::new();
    let dropped = Count::default();
    for which in 0..4 {
        let counted = dropped.clone();
        let waits = async move {
            let _guard = OnDrop::new(move || {
                counted.add();
            });
            pending::<()>().await;
        };
        let panics = async {
            sleep(ms(1)).await;
            panic!("a part")
        };
        let (waits, panics): (Part, Part) = (Box::pin(waits), Box::pin(panics));
        let parts: Part = match which {
            0 => Box::pin(async {
                let _ = join(waits, panics).await;
            }),
            1 => Box::pin(async {
                let _ = select(waits, panics).await;
            }),
            2 => Box::pin(async {
                let _ = join_all([waits, panics]).await;
            }),
            _ => Box::pin(async {
                let _ = select_all([waits, panics]).await;
            }),
        };
        let task = world.lp.spawn(parts);
        assert!(!world.run(RunMode::Default));
        assert_eq!(task.try_take(), Some(Err(JoinError::Panicked("a part".into()))));
        assert_eq!(dropped.get(), which + 1);
    }
}

#[test]
fn a_time_out_drops_all_parts_of_what_it_limits() {
    let notes = Notes::default();
    let all = notes.clone();
    let (ended, took) = outcome(timeout(
        ms(15),
        join_all([("a", 10), ("b", 20), ("c", 30)].map(|(name, nap)| noted(all.clone(), name, nap))),
    ));
    assert!(ended.is_err());
    assert_eq!(took, ms(15));
    assert!(notes.take().ends_with("b?, c?, b dropped, c dropped"));
    assert!(matches!(poll_once(join(ready(1), ready(2))), Poll::Ready((1, 2))));
}

/// Polls a future once, without any loop.
fn poll_once<F: Future>(future: F) -> Poll<F::Output> {
    Box::pin(future).as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
