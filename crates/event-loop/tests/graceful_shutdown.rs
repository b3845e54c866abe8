//! Graceful shutdown: who hears of it, and a service that ends in time whatever its connections do.

mod common;

use std::future::{Future, poll_fn};
use std::sync::Barrier;

use common::{Count, Notes, Scripted, addr, ms};
use event_loop::{
    Drained, Either, EventLoop, LoopHandle, OwnedTcpStream, Peer, RunMode, Shutdown, TaskSet, TcpListener,
    select, sleep, timeout,
};

fn here() -> LoopHandle {
    LoopHandle::current().expect("a task runs on its loop")
}

/// Answers each byte after so many milliseconds as it says; between two of them it may end.
async fn answer(mut stream: OwnedTcpStream, shutdown: Shutdown) {
    let mut request = [0];
    while let Either::Second(Ok(1)) = select(shutdown.begun(), stream.read(&mut request)).await {
        sleep(ms(u64::from(request[0]))).await;
        if stream.write_all(b"!").await.is_err() {
            return;
        }
    }
}

/// Accepts until the end has begun, and then gives the connections 100 ms.
async fn serve(listener: TcpListener, shutdown: Shutdown) -> Drained {
    let mut connections = TaskSet::default();
    while let Either::Second(accepted) = select(shutdown.begun(), listener.accept()).await {
        let stream = accepted.expect("a connection");
        connections.spawn(&here(), answer(stream, shutdown.clone()));
        // Those that have ended meanwhile take no place.
        while connections.try_join_next().is_some() {}
    }
    listener.close();
    connections.drain(ms(100)).await
}

#[test]
fn a_service_ends_within_its_grace_and_cuts_only_what_is_too_slow() {
    let world = Scripted::new();
    let [gone, idle, busy, slow, late] = [1, 2, 3, 4, 5].map(Peer);
    for peer in [gone, idle, busy, slow] {
        world.script.connects(ms(0), peer, 80);
    }
    world.script.sends(ms(1), gone, &[1]).finishes(ms(3), gone);
    world.script.sends(ms(1), idle, &[5]);
    // Asked just before the end has begun, and answered when it has.
    world.script.sends(ms(45), busy, &[40]);
    world.script.sends(ms(45), slow, &[200]);
    world.script.connects(ms(60), late, 80);
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let shutdown = Shutdown::new();
    let service = world.lp.spawn(serve(listener, shutdown.clone()));
    world.lp.set_timeout(ms(50), move |_| shutdown.begin());
    assert!(!world.run(RunMode::Default));

    let drained = service.try_take().expect("it has ended").expect("well");
    // The one that was gone is among the finished: no connection came after it, so nobody had taken it out.
    assert_eq!((drained.finished, drained.cut), (3, 1));
    assert_eq!(world.lp.elapsed(), ms(150));
    let answers = [gone, idle, busy, slow].map(|peer| world.script.received_by(peer).len());
    assert_eq!(answers, [1, 1, 1, 0]);
    let snapshot = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!((snapshot.accepted, snapshot.streams, snapshot.tasks), (4, 0, 0));
    assert!(world.lp.handles().is_empty());
}

#[test]
fn a_shutdown_is_told_to_all_who_wait_and_to_all_who_come_later() {
    let world = Scripted::new();
    let (shutdown, notes) = (Shutdown::new(), Notes::default());
    for n in 0..3 {
        let (told, all) = (shutdown.clone(), notes.clone());
        world.lp.spawn(async move {
            told.begun().await;
            all.add(format!("{n} at {}", here().elapsed().as_millis()));
        });
    }
    let begins = shutdown.clone();
    world.lp.set_timeout(ms(5), move |_| {
        begins.begin();
        begins.begin();
    });
    assert!(!shutdown.has_begun());
    assert!(!world.run(RunMode::Default));
    assert!(shutdown.has_begun());
    assert_eq!(notes.take(), "0 at 5, 1 at 5, 2 at 5");
    let late = world.lp.spawn(shutdown.begun());
    assert!(!world.run(RunMode::Default));
    assert_eq!((late.try_take(), format!("{shutdown:?}")), (Some(Ok(())), "Shutdown(true)".to_owned()));
}

#[test]
fn a_shutdown_reaches_loops_and_jobs_on_other_threads() {
    let (shutdown, meet) = (Shutdown::new(), Barrier::new(4));
    let ended = std::thread::scope(|scope| {
        let loops: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let event_loop = EventLoop::new().unwrap();
                    let task = event_loop.handle().spawn(shutdown.begun());
                    event_loop.run(RunMode::NoWait).unwrap();
                    meet.wait();
                    assert!(!event_loop.run(RunMode::Default).unwrap());
                    task.try_take() == Some(Ok(()))
                })
            })
            .collect();
        let job = scope.spawn(|| {
            meet.wait();
            while !shutdown.has_begun() {
                std::thread::yield_now();
            }
            true
        });
        meet.wait();
        shutdown.begin();
        loops.into_iter().chain([job]).all(|thread| thread.join().unwrap())
    });
    assert!(ended);
}

#[test]
fn a_wait_for_shutdown_that_was_given_up_is_forgotten() {
    let world = Scripted::new();
    let (shutdown, polls) = (Shutdown::new(), Count::default());
    let (waits, counted) = (shutdown.clone(), polls.clone());
    world.lp.spawn(async move {
        assert!(timeout(ms(1), waits.begun()).await.is_err());
        let mut nap = Box::pin(sleep(ms(10)));
        poll_fn(|cx| {
            counted.add();
            nap.as_mut().poll(cx)
        })
        .await;
    });
    let begins = shutdown.clone();
    world.lp.set_timeout(ms(5), move |_| begins.begin());
    assert!(!world.run(RunMode::Default));
    assert_eq!(polls.get(), 2, "the beginning woke it no more");
}

#[test]
fn a_listener_that_was_not_closed_keeps_no_loop_alive_when_its_service_has_ended() {
    let world = Scripted::new();
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let service = world.lp.spawn(async move {
        let given_up = timeout(ms(5), listener.accept()).await.is_err();
        let first = listener.accept().await.is_ok();
        // A connection that comes while nobody waits is there for who asks later.
        sleep(ms(10)).await;
        (given_up, first, listener.accept().await.is_ok())
    });
    world.script.connects(ms(7), Peer(1), 80).connects(ms(12), Peer(2), 80);
    assert!(!world.run(RunMode::Default));
    assert_eq!(service.try_take(), Some(Ok((true, true, true))));
}
