//! Waking the loop from other threads: async handles, posted closures, requests.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use clock::Clock;
use common::{Count, Notes, Scripted, ms, passes};
use event_loop::{AsyncHandle, DriverLog, EventLoop, LoopError, PanicPolicy, RunMode};

#[test]
fn b41_a_thread_that_keeps_sending_is_served_until_the_close() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let over = Arc::new(AtomicBool::new(false));
    let kept = std::rc::Rc::new(std::cell::RefCell::new(None::<AsyncHandle>));
    let (handle, calls, closed) = (kept.clone(), Count::default(), Count::default());
    let (counted, closes, end) = (calls.clone(), closed.clone(), over.clone());
    let wake = AsyncHandle::new(&lp, move |_| {
        if counted.add() == 3 {
            let (closes, end) = (closes.clone(), end.clone());
            handle.borrow().as_ref().unwrap().close_then(move |_| {
                closes.add();
                end.store(true, Ordering::SeqCst);
            });
        }
    });
    let sender = wake.sender();
    *kept.borrow_mut() = Some(wake);
    let thread = std::thread::spawn(move || {
        while !over.load(Ordering::SeqCst) {
            sender.send();
            std::thread::yield_now();
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
    assert_eq!((calls.get(), closed.get()), (3, 1));
}

#[test]
fn b42_a_handle_without_callback_wakes_the_loop() {
    let event_loop = EventLoop::new().unwrap();
    let wake = AsyncHandle::wake_only(&event_loop.handle());
    let sender = wake.sender();
    let thread = std::thread::spawn(move || sender.send());
    // Nothing else could end this pass.
    assert!(event_loop.run(RunMode::Once).unwrap());
    thread.join().unwrap();
    let sender = wake.sender();
    sender.send();
    assert!(event_loop.run(RunMode::Once).unwrap(), "a second send wakes as well");
    wake.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn sends_before_the_callback_are_one() {
    let world = Scripted::new();
    let notes = Notes::default();
    let wake = AsyncHandle::new(&world.lp, notes.cb("async"));
    let sender = wake.sender();
    for _ in 0..5 {
        sender.send();
    }
    world.run(RunMode::NoWait);
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "async");
}

#[test]
fn r1_a_send_from_inside_the_callback_leads_to_another() {
    let world = Scripted::new();
    let kept = std::rc::Rc::new(std::cell::RefCell::new(None::<AsyncHandle>));
    let (handle, calls) = (kept.clone(), Count::default());
    let counted = calls.clone();
    let wake = AsyncHandle::new(&world.lp, move |_| {
        let handle = handle.borrow().clone().unwrap();
        if counted.add() < 4 {
            handle.sender().send();
            handle.sender().send();
        } else {
            handle.close();
        }
    });
    wake.sender().send();
    *kept.borrow_mut() = Some(wake);
    assert!(!world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "1: async\n2: async\n3: async\n4: async");
    assert_eq!(calls.get(), 4);
}

#[test]
fn r1_a_send_after_the_callback_began_is_never_lost() {
    // Each round trip needs the loop's answer to the one before: a lost send would end the test's progress.
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (answer, answers) = mpsc::channel();
    let wake = AsyncHandle::new(&lp, move |_| answer.send(()).unwrap());
    let (sender, remote) = (wake.sender(), lp.remote());
    let thread = std::thread::spawn(move || {
        for _ in 0..2_000 {
            sender.send();
            answers.recv().unwrap();
        }
        remote.stop().unwrap();
    });
    assert!(event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
}

#[test]
fn r2_a_request_ends_exactly_once() {
    let world = Scripted::new();
    let notes = Notes::default();
    let callback = |name: &'static str| {
        let notes = notes.clone();
        move |_: &_, value: u32| notes.add(format!("{name} {value}"))
    };
    let done = world.lp.request(callback("done"));
    let given_up = world.lp.request(callback("given up"));
    let from_thread = world.lp.request(callback("thread"));
    done.complete(1);
    drop(given_up);
    std::thread::spawn(move || from_thread.complete(3)).join().unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "done 1, thread 3");
    assert!(world.event_loop.close().is_ok());
}

#[test]
fn r2_a_request_given_up_on_a_foreign_thread_ends_the_run() {
    let event_loop = EventLoop::new().unwrap();
    let token = std::rc::Rc::new(());
    let held = token.clone();
    let completion = event_loop.handle().request(move |_, _: u32| drop(held));
    let barrier = Arc::new(Barrier::new(2));
    let meet = barrier.clone();
    let thread = std::thread::spawn(move || {
        meet.wait();
        drop(completion);
    });
    barrier.wait();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    thread.join().unwrap();
    assert_eq!(std::rc::Rc::strong_count(&token), 1, "the callback was dropped on the loop's thread");
}

#[test]
fn posted_closures_run_in_order_and_a_gone_loop_says_so() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (told, tells) = mpsc::channel();
    let remote = lp.remote();
    let thread = std::thread::spawn(move || {
        for n in 0..100 {
            let told = told.clone();
            remote.post(move |_| told.send(n).unwrap()).unwrap();
        }
        remote.stop().unwrap();
        remote
    });
    let keep = AsyncHandle::wake_only(&lp);
    assert!(event_loop.run(RunMode::Default).unwrap());
    let remote = thread.join().unwrap();
    assert_eq!(tells.try_iter().collect::<Vec<_>>(), (0..100).collect::<Vec<_>>());
    drop((keep, event_loop));
    assert!(matches!(remote.post(|_| {}), Err(LoopError::Closed)));
}

#[test]
fn items_that_come_while_a_batch_runs_wait_for_the_next_pass() {
    let world = Scripted::new();
    let remote = world.lp.remote();
    let again = remote.clone();
    remote
        .post(move |_| {
            again.post(|_| {}).unwrap();
        })
        .unwrap();
    let keep = AsyncHandle::wake_only(&world.lp);
    world.run(RunMode::NoWait);
    world.run(RunMode::NoWait);
    assert_eq!(passes(&world.lp), "1: posted\n2: posted");
    keep.close();
}

#[test]
fn the_cost_of_a_wake_up_does_not_depend_on_the_number_of_handles() {
    let mut costs = Vec::new();
    for handles in [1, 10_000] {
        let log = DriverLog::new();
        let world = Scripted::with(|options| options.log(&log));
        let wakes: Vec<_> = (0..handles).map(|_| AsyncHandle::new(&world.lp, |_| {})).collect();
        wakes[handles / 2].sender().send();
        let before = log.len();
        world.run(RunMode::NoWait);
        let snapshot = world.lp.metrics().snapshot(Clock::real().now());
        costs.push((snapshot.events, snapshot.callbacks, log.len() - before));
    }
    assert_eq!(costs[0], costs[1]);
    assert_eq!(costs[0].0, 1);
}

#[test]
fn a_wake_up_that_falls_into_an_ending_run_is_not_lost() {
    // Two sockets' worth of bad luck in one batch: a callback panics, and the wake-up comes behind it.
    let world = Scripted::with(|options| options.panic_policy(PanicPolicy::End));
    let notes = Notes::default();
    let wake = AsyncHandle::new(&world.lp, notes.cb("async"));
    let remote = world.lp.remote();
    let sender = wake.sender();
    remote.post(|_| panic!("on purpose")).unwrap();
    sender.send();
    assert!(world.event_loop.run(RunMode::Default).is_err());
    assert_eq!(notes.take(), "");
    assert!(world.run(RunMode::Once));
    assert_eq!(notes.take(), "async");
    sender.send();
    assert!(world.run(RunMode::Once));
    assert_eq!(notes.take(), "async");
    assert_eq!(world.lp.elapsed(), ms(0));
}
