//! The counters of a loop: passes, events, idle time.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

use common::{Count, Scripted, addr, connected, ms};
use event_loop::{Completion, EventLoop, LoopHandle, Peer, RunMode, Timer, UdpSocket, sleep};

#[test]
fn b60_passes_and_events_grow_by_one_for_each_step_of_a_chain() {
    fn step(lp: &LoopHandle, steps: mpsc::Sender<Completion<()>>, left: u64, seen: Count) {
        let next = steps.clone();
        let completion = lp.request(move |lp: &LoopHandle, ()| {
            let passes = seen.add() as u64;
            let snapshot = lp.metrics().snapshot(lp.now());
            // The events of a poll are counted when it is over, so the step itself is not among them yet.
            assert_eq!((snapshot.iterations, snapshot.events), (passes, passes - 1));
            if left > 1 {
                step(lp, next, left - 1, seen);
            }
        });
        steps.send(completion).unwrap();
    }
    let event_loop = EventLoop::new().unwrap();
    let (steps, work) = mpsc::channel::<Completion<()>>();
    let thread = std::thread::spawn(move || work.into_iter().for_each(|step| step.complete(())));
    let seen = Count::default();
    step(&event_loop.handle(), steps, 7, seen.clone());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
    assert_eq!(seen.get(), 7);
}

#[test]
fn b61_completions_count_one_by_one_and_as_waiting() {
    let event_loop = EventLoop::options().count_waiting_events(true).build().unwrap();
    let lp = event_loop.handle();
    let completions: Vec<_> = (0..3).map(|_| lp.request(|_, ()| {})).collect();
    let thread = std::thread::spawn(|| completions.into_iter().for_each(|one| one.complete(())));
    thread.join().unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let snapshot = lp.metrics().snapshot(lp.now());
    assert_eq!((snapshot.iterations, snapshot.events, snapshot.events_waiting), (1, 3, 3));
}

#[test]
fn b61_events_that_poll_waited_for_are_not_counted_as_waiting() {
    let world = Scripted::with(|options| options.count_waiting_events(true));
    let completion = world.lp.request(|_, ()| {});
    world.script.happens(ms(5), move || completion.complete(()));
    assert!(!world.run(RunMode::Default));
    let snapshot = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!((snapshot.events, snapshot.events_waiting), (1, 0));
}

#[test]
fn b62_idle_time_is_the_time_blocked_and_not_the_time_computed() {
    let world = Scripted::new();
    let hands = world.script.hands();
    world.lp.set_timeout(ms(500), move |lp| {
        // The clock is read in the middle of the work: what comes after it is work as well.
        lp.set_timeout(ms(700), |_| {});
        hands.advance(ms(600));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(1_200));
    let snapshot = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!((snapshot.idle, snapshot.longest_busy), (ms(600), ms(600)));
}

#[test]
fn b62_a_sleep_that_is_going_on_counts_as_idle() {
    let world = Scripted::new();
    let (metrics, clock, seen) = (world.lp.metrics(), world.script.clock(), Count::default());
    let counted = seen.clone();
    world.lp.set_timeout(ms(100), |_| {});
    world.script.happens(ms(30), move || {
        assert_eq!(metrics.idle_time(clock.now()), ms(30));
        counted.add();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(seen.get(), 1);
}

#[test]
fn b63_idle_time_is_readable_for_each_loop_from_other_threads() {
    let meet = Arc::new(Barrier::new(4));
    let (tell, told) = mpsc::channel();
    let threads: Vec<_> = (1..=3)
        .map(|n| {
            let (meet, tell) = (meet.clone(), tell.clone());
            std::thread::spawn(move || {
                let world = Scripted::new();
                world.lp.set_timeout(ms(100 * n), |_| {});
                assert!(!world.run(RunMode::Default));
                tell.send((n, world.lp.metrics(), world.lp.now())).unwrap();
                // The loop lives until it was looked at.
                meet.wait();
            })
        })
        .collect();
    for (n, metrics, now) in told.iter().take(3) {
        assert_eq!(metrics.idle_time(now), ms(100 * n));
    }
    meet.wait();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn b64_a_loop_that_never_blocked_has_no_idle_time() {
    let world = Scripted::new();
    let hands = world.script.hands();
    world.lp.set_immediate(move |_| hands.advance(ms(10)));
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.metrics().idle_time(world.lp.now()), Duration::ZERO);
}

#[test]
fn gauges_show_to_others_what_there_is_while_the_loop_sleeps() {
    let (world, stream) = connected();
    stream.read_start(|_, _| {}).unwrap();
    let (metrics, clock, seen) = (world.lp.metrics(), world.script.clock(), Count::default());
    let request = world.lp.request(|_, ()| {});
    let timer = Timer::new(&world.lp);
    timer.start(ms(100), ms(0), |_| {}).unwrap();
    world.lp.spawn(async { sleep(ms(10)).await });
    let endless = world.lp.spawn(std::future::pending::<()>());
    let counted = seen.clone();
    world.script.happens(ms(5), move || {
        let now = metrics.snapshot(clock.now());
        // The stream and the timer; the sleep and the list of the time-out are timers too, but the loop's own.
        assert_eq!((now.active_handles, now.active_requests, now.tasks), (2, 1, 2));
        assert_eq!((now.timers, now.streams), (3, 1));
        counted.add();
        request.complete(());
    });
    let itself = stream.clone();
    world.lp.set_timeout(ms(50), move |_| {
        itself.close();
        endless.cancel();
    });
    assert!(!world.run(RunMode::Default));
    let now = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!(seen.get(), 1);
    assert_eq!(
        (now.active_handles, now.active_requests, now.tasks, now.timers, now.streams),
        (0, 0, 0, 0, 0)
    );
}

#[test]
fn gauges_are_at_zero_when_the_loop_is_gone() {
    let (world, stream) = connected();
    stream.read_start(|_, _| {}).unwrap();
    world.lp.spawn(std::future::pending::<()>());
    world.run(RunMode::NoWait);
    let (metrics, now) = (world.lp.metrics(), world.lp.now());
    let before = metrics.snapshot(now);
    assert_eq!((before.streams, before.tasks, before.accepted), (1, 1, 1));
    drop(world.event_loop);
    let after = metrics.snapshot(now);
    assert_eq!((after.streams, after.tasks, after.active_handles, after.accepted), (0, 0, 0, 1));
}

#[test]
fn bytes_count_in_both_directions_of_streams() {
    let (world, stream) = connected();
    world.script.sends(ms(1), Peer(1), b"hello");
    world.script.sends(ms(2), Peer(1), b"world!");
    let (seen, itself) = (Rc::new(Cell::new(0)), stream.clone());
    let counted = seen.clone();
    stream
        .read_start(move |_, event| {
            if let event_loop::ReadEvent::Data(data) = event {
                counted.set(counted.get() + data.len());
            }
            if counted.get() == 11 {
                let closes = itself.clone();
                itself.write(b"bye".to_vec(), move |_, result| {
                    result.unwrap();
                    closes.close();
                });
            }
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
    let snapshot = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!((seen.get(), snapshot.bytes_read, snapshot.bytes_written), (11, 11, 3));
}

#[test]
fn bytes_of_datagrams_count_as_well() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let metrics = lp.metrics();
    let receiver = UdpSocket::bind(&lp, addr(0)).unwrap();
    let sender = UdpSocket::bind(&lp, addr(0)).unwrap();
    let to = receiver.local_addr().unwrap();
    let (first, second) = (receiver.clone(), sender.clone());
    receiver
        .recv_start(move |_, _| {
            first.close();
            second.close();
        })
        .unwrap();
    sender.try_send_to(b"four", to).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let snapshot = metrics.snapshot(lp.now());
    assert_eq!((snapshot.bytes_read, snapshot.bytes_written), (4, 4));
}
