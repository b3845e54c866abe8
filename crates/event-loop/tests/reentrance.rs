//! User code may do anything from anywhere: callbacks, polls and destructors meet no borrow of the loop's.

mod common;

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use common::{Count, OnDrop, Scripted, addr, ms};
use event_loop::{
    AsyncHandle, Check, EventLoop, Idle, LoopError, LoopHandle, OwnedTcpStream, Peer, Prepare, ReadEvent,
    RunMode, TcpListener, TcpStream, Timer, sleep, yield_now,
};

/// Calls everything that the loop offers: if any borrow were alive, this would panic.
fn meddle(lp: &LoopHandle) {
    lp.update_time();
    let _ = (lp.now(), lp.is_alive(), lp.backend_timeout(), lp.handles(), lp.stalls(), lp.take_phase_trace());
    let timer = Timer::new(lp);
    let _ = timer.start(ms(1), ms(1), |_| {});
    let _ = timer.again();
    timer.set_repeat(ms(2));
    timer.stop();
    timer.close_then(|_| {});
    macro_rules! watcher {
        ($kind:ident) => {
            let watcher = $kind::new(lp);
            let _ = watcher.start(|_| {});
            watcher.unref();
            watcher.stop();
            watcher.close();
        };
    }
    watcher!(Idle);
    watcher!(Prepare);
    watcher!(Check);
    let wake = AsyncHandle::new(lp, |_| {});
    wake.sender().send();
    wake.close();
    let cleared = lp.set_timeout(ms(1), |_| {});
    lp.refresh_timeout(cleared);
    lp.clear_timeout(cleared);
    lp.set_timeout(ms(1), |_| {});
    let cleared = lp.set_immediate(|_| {});
    lp.clear_immediate(cleared);
    lp.set_immediate(|_| {});
    lp.next_tick(|_| {});
    lp.microtask(|_| {});
    lp.spawn(async { yield_now().await });
    lp.spawn(sleep(ms(5_000))).cancel();
    drop(lp.request(|_, _: u8| {}));
    lp.request(|_, _: u8| {}).complete(1);
    let _ = lp.remote().post(|_| {});
    lp.set_data(Rc::new(1_u8));
    lp.data::<u8>();
    if let Ok(listener) = TcpListener::bind(lp, addr(81), 1) {
        listener.on_connection(|_, _| {});
        listener.pause();
        listener.resume();
        listener.close();
    }
    if let Ok(stream) = TcpStream::connect(lp, addr(82), |_, _| {}) {
        stream.write(vec![1], |_, _| {});
        stream.shutdown(|_, _| {});
        let _ = stream.read_start(|_, _| {});
        let _ = stream.try_write(&[1]);
        stream.close();
    }
}

/// A value that meddles with the loop when it is dropped, and counts that it was.
fn meddler(lp: &LoopHandle, drops: &Count) -> OnDrop {
    let (lp, drops) = (lp.clone(), drops.clone());
    OnDrop::new(move || {
        meddle(&lp);
        drops.add();
    })
}

#[test]
fn l1_every_kind_of_callback_meddles_closes_itself_and_drops() {
    let world = Scripted::new();
    let (lp, drops, calls) = (&world.lp, Count::default(), Count::default());
    let mut kinds = 0;
    let mut held = || {
        kinds += 1;
        (meddler(lp, &drops), calls.clone())
    };
    macro_rules! handle {
        ($handle:expr, $start:ident ( $($arg:expr),* )) => {
            let (handle, (held, calls)) = ($handle, held());
            let itself = handle.clone();
            handle.$start($($arg,)* move |lp: &LoopHandle| {
                let _held = &held;
                calls.add();
                meddle(lp);
                // Stopped, started with another callback, and closed: the running one is dropped after its call.
                itself.stop();
                let _ = itself.$start($($arg,)* |_: &LoopHandle| {});
                itself.close();
                meddle(lp);
            })
            .unwrap();
        };
    }
    handle!(Timer::new(lp), start(ms(1), ms(1)));
    handle!(Idle::new(lp), start());
    handle!(Prepare::new(lp), start());
    handle!(Check::new(lp), start());

    let (kept, (own, called)) = (Rc::new(RefCell::new(None::<AsyncHandle>)), held());
    let slot = kept.clone();
    let wake = AsyncHandle::new(lp, move |lp| {
        let _held = &own;
        called.add();
        meddle(lp);
        slot.take().unwrap().close();
    });
    wake.sender().send();
    *kept.borrow_mut() = Some(wake);

    let (interval, (own, called)) = (Rc::new(RefCell::new(None)), held());
    let slot = interval.clone();
    *interval.borrow_mut() = Some(lp.set_interval(ms(1), move |lp| {
        let _held = &own;
        called.add();
        meddle(lp);
        lp.clear_interval(slot.take().unwrap());
    }));
    macro_rules! once {
        ($set:expr) => {
            let (own, called) = held();
            let run = move |lp: &LoopHandle| {
                let _held = &own;
                called.add();
                meddle(lp);
            };
            $set(run);
        };
    }
    once!(|run| lp.set_timeout(ms(1), run));
    once!(|run| lp.set_immediate(run));
    once!(|run| lp.next_tick(run));
    once!(|run| lp.microtask(run));
    once!(|run| assert!(Timer::new(lp).close_then(run)));
    once!(|run| {
        let task: Box<dyn FnOnce(&LoopHandle)> = Box::new(run);
        drop(lp.spawn(async move {
            yield_now().await;
            task(&LoopHandle::current().unwrap());
        }))
    });
    once!(|run: _| {
        let after: Box<dyn FnOnce(&LoopHandle)> = Box::new(run);
        lp.request(move |lp, _: u8| after(lp)).complete(1);
    });
    while world.run(RunMode::Once) && world.lp.elapsed() < ms(100) {}
    assert_eq!((calls.get(), drops.get()), (kinds, kinds));
    assert!(world.lp.metrics().snapshot(world.lp.now()).panics == 0);
}

#[test]
fn l1_sockets_callbacks_meddle_close_themselves_and_drop() {
    let world = Scripted::new();
    let (lp, drops) = (world.lp.clone(), Count::default());
    world.script.connects(ms(1), Peer(1), 80).sends(ms(2), Peer(1), b"x");
    let listener = TcpListener::bind(&lp, addr(80), 8).unwrap();
    let (itself, held, more, script) =
        (listener.clone(), meddler(&lp, &drops), drops.clone(), world.script.clone());
    listener.on_connection(move |lp, stream| {
        let _held = &held;
        meddle(lp);
        script.answers_connect(ms(1), Peer(9), true);
        let stream = stream.unwrap();
        let (closing, held, more) = (stream.clone(), meddler(lp, &more), more.clone());
        let read = move |lp: &LoopHandle, _: ReadEvent<'_>| {
            let _held = &held;
            meddle(lp);
            let (first, second, third) = (meddler(lp, &more), meddler(lp, &more), meddler(lp, &more));
            closing.write(vec![1], move |lp, _| {
                let _held = &first;
                meddle(lp);
            });
            closing.shutdown(move |lp, _| {
                let _held = &second;
                meddle(lp);
            });
            closing.close_then(move |lp| {
                let _held = &third;
                meddle(lp);
            });
        };
        stream.read_start(read).unwrap();
        itself.close();
        // A new callback for a listener that closes: dropped at once, and free to meddle as it goes.
        let late = meddler(lp, &Count::default());
        itself.on_connection(move |_, _| {
            let _late = &late;
        });
    });
    while world.run(RunMode::Once) && lp.elapsed() < ms(100) {}
    assert_eq!(drops.get(), 5);
    assert_eq!(lp.metrics().snapshot(lp.now()).panics, 0);
}

#[test]
fn l1_a_destructor_may_touch_the_very_handle_that_is_closing() {
    let world = Scripted::new();
    let seen = Count::default();
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let (itself, counted) = (listener.clone(), seen.clone());
    let held = OnDrop::new(move || {
        assert!(itself.is_closing() && !itself.is_active());
        assert!(!itself.close(), "it is closing already");
        itself.on_connection(|_, _| {});
        assert!(!itself.is_active());
        counted.add();
    });
    listener.on_connection(move |_, _| {
        let _held = &held;
    });
    let counted = seen.clone();
    assert!(listener.close_then(move |_| {
        counted.add();
    }));
    assert!(!world.run(RunMode::Default));
    assert_eq!(seen.get(), 2);
}

#[test]
fn l1_replaced_wakers_and_cancelled_tasks_meddle_as_they_go() {
    let world = Scripted::new();
    let (lp, drops) = (world.lp.clone(), Count::default());
    let held = meddler(&lp, &drops);
    let task = lp.spawn(async move {
        let _held = held;
        std::future::pending::<()>().await;
    });
    let replaced = meddler(&lp, &drops);
    let timer = Timer::new(&lp);
    timer
        .start(ms(50), ms(0), move |_| {
            let _held = &replaced;
        })
        .unwrap();
    world.run(RunMode::NoWait);
    task.cancel();
    timer.start(ms(1), ms(0), |_| {}).unwrap();
    let id = lp.set_timeout(ms(5), {
        let held = meddler(&lp, &drops);
        move |_| {
            let _held = &held;
        }
    });
    lp.clear_timeout(id);
    let id = lp.set_immediate({
        let held = meddler(&lp, &drops);
        move |_| {
            let _held = &held;
        }
    });
    lp.clear_immediate(id);
    assert_eq!(drops.get(), 4);
    assert!(!world.run(RunMode::Default));
}

/// Fills a loop with one of everything, each holding `token` and meddling when it is dropped.
fn everything_in_flight(lp: &LoopHandle, token: &Rc<()>, drops: &Count) -> Vec<Box<dyn std::any::Any>> {
    let held = || (token.clone(), meddler(lp, drops), lp.clone());
    macro_rules! cb {
        () => {{
            let held = held();
            move |_: &LoopHandle| {
                let _held = &held;
            }
        }};
        (2) => {{
            let held = held();
            move |_: &LoopHandle, _: std::io::Result<()>| {
                let _held = &held;
            }
        }};
    }
    let (timer, idle, prepare, check) = (Timer::new(lp), Idle::new(lp), Prepare::new(lp), Check::new(lp));
    timer.start(ms(10_000), ms(1), cb!()).unwrap();
    idle.start(cb!()).unwrap();
    prepare.start(cb!()).unwrap();
    check.start(cb!()).unwrap();
    Timer::new(lp).close_then(cb!());
    let wake = AsyncHandle::new(lp, cb!());
    wake.sender().send();
    lp.set_timeout(ms(10_000), cb!());
    lp.set_interval(ms(10_000), cb!());
    lp.set_immediate(cb!());
    lp.next_tick(cb!());
    lp.microtask(cb!());
    let own = held();
    let task = lp.spawn(async move {
        let _held = own;
        sleep(ms(10_000)).await;
    });
    let own = held();
    lp.spawn(async move {
        let _held = own;
        let _ = OwnedTcpStream::connect(addr(1)).await;
        poll_fn(|_| Poll::<()>::Pending).await;
    });
    let own = held();
    let completion = lp.request(move |_, _: u8| drop(own));
    let own = held();
    let completed = lp.request(move |_, _: u8| drop(own));
    completed.complete(1);
    let listener = TcpListener::bind(lp, addr(0), 8).unwrap();
    let own = held();
    listener.on_connection(move |_, _| {
        let _held = &own;
    });
    let stream = TcpStream::connect(lp, listener.local_addr().unwrap(), cb!(2)).unwrap();
    stream.write(vec![0; 100], cb!(2));
    stream.shutdown(cb!(2));
    lp.set_data(Rc::new(held()));
    // What users may still hold when the loop goes.
    vec![
        Box::new((timer, idle, prepare, check, wake.sender(), wake)),
        Box::new((task, completion, stream, listener)),
    ]
}

#[test]
fn l1_a_loop_dropped_with_everything_in_flight_drops_everything() {
    for passes in [0, 1, 3] {
        let (token, drops) = (Rc::new(()), Count::default());
        let world = Scripted::new();
        world.script.answers_connect(ms(100), Peer(1), true).answers_connect(ms(100), Peer(2), true);
        let held = everything_in_flight(&world.lp, &token, &drops);
        for _ in 0..passes {
            world.run(RunMode::NoWait);
        }
        let Scripted { event_loop, lp, .. } = world;
        drop(event_loop);
        assert_eq!(Rc::strong_count(&token), 1, "after {passes} passes");
        assert_eq!(drops.get(), 20, "after {passes} passes");
        drop((held, lp));
    }
    let (token, drops) = (Rc::new(()), Count::default());
    let event_loop = EventLoop::new().unwrap();
    let held = everything_in_flight(&event_loop.handle(), &token, &drops);
    event_loop.run(RunMode::NoWait).unwrap();
    drop(event_loop);
    assert_eq!((Rc::strong_count(&token), drops.get()), (1, 20), "on the operating system");
    drop(held);
}

#[test]
fn a_handle_of_a_gone_loop_does_nothing_and_keeps_nothing() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (timer, wake) = (Timer::new(&lp), AsyncHandle::wake_only(&lp));
    let sender = wake.sender();
    drop(event_loop);
    let token = Rc::new(());
    let held = || {
        let token = token.clone();
        move |_: &LoopHandle| {
            let _held = &token;
        }
    };
    assert!(matches!(timer.start(ms(1), ms(0), held()), Err(LoopError::Closed)));
    assert!(matches!(Timer::new(&lp).start(ms(1), ms(0), held()), Err(LoopError::Closed)));
    assert!(matches!(Idle::new(&lp).start(held()), Err(LoopError::Closed)));
    assert!(matches!(Check::new(&lp).start(held()), Err(LoopError::Closed)));
    lp.set_timeout(ms(1), held());
    lp.set_interval(ms(1), held());
    lp.set_immediate(held());
    lp.next_tick(held());
    lp.microtask(held());
    AsyncHandle::new(&lp, held()).sender().send();
    sender.send();
    let (own, other) = (token.clone(), token.clone());
    lp.spawn(async move { drop(own) });
    drop(lp.request(move |_, _: u8| drop(other)));
    lp.set_data(Rc::new(token.clone()));
    assert!(!Timer::new(&lp).close_then({
        let held = held();
        move |lp| held(lp)
    }));
    assert!(TcpListener::bind(&lp, addr(0), 8).is_err());
    assert!(TcpStream::connect(&lp, addr(1), |_, _| {}).is_err());
    lp.update_time();
    lp.stop();
    meddle(&lp);
    assert_eq!(Rc::strong_count(&token), 1);
    assert!(!lp.is_alive());
}
