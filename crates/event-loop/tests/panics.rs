//! A panic in each kind of callback, under both policies: named, counted, and nothing else is lost.

mod common;

use common::{Count, Notes, OnDrop, Scripted, addr, connected, ms};
use event_loop::{
    AsyncHandle, Check, Idle, LoopError, LoopHandle, PanicPolicy, Peer, Prepare, ReadEvent, RunMode,
    TcpListener, TcpStream, Timer, UdpEvent, UdpSocket,
};

fn boom() {
    panic!("on purpose");
}

type SetUp = fn(&Scripted);

/// Each kind of user code, set up to panic once.
const KINDS: [(&str, SetUp); 22] = [
    ("timer", |world| {
        Timer::new(&world.lp).start(ms(1), ms(0), |_| boom()).unwrap();
    }),
    ("idle", |world| {
        let idle = Idle::new(&world.lp);
        let itself = idle.clone();
        idle.start(move |_| {
            itself.stop();
            boom();
        })
        .unwrap();
    }),
    ("prepare", |world| {
        let prepare = Prepare::new(&world.lp);
        let itself = prepare.clone();
        prepare
            .start(move |_| {
                itself.stop();
                boom();
            })
            .unwrap();
    }),
    ("check", |world| {
        let check = Check::new(&world.lp);
        let itself = check.clone();
        check
            .start(move |_| {
                itself.stop();
                boom();
            })
            .unwrap();
    }),
    ("async", |world| {
        let wake = AsyncHandle::new(&world.lp, |_| boom());
        wake.sender().send();
        wake.unref();
    }),
    ("timeout", |world| {
        world.lp.set_timeout(ms(1), |_| boom());
    }),
    ("interval", |world| {
        let id = world.lp.set_interval(ms(1), |_| boom());
        world.lp.set_timeout(ms(1), move |lp| assert!(lp.clear_interval(id)));
    }),
    ("immediate", |world| {
        world.lp.set_immediate(|_| boom());
    }),
    ("next_tick", |world| world.lp.next_tick(|_| boom())),
    ("microtask", |world| world.lp.microtask(|_| boom())),
    ("posted", |world| world.lp.remote().post(|_| boom()).unwrap()),
    ("request", |world| world.lp.request(|_, ()| boom()).complete(())),
    ("connection", |world| {
        world.script.connects(ms(1), Peer(1), 80);
        let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
        let itself = listener.clone();
        listener.on_connection(move |_, stream| {
            stream.unwrap().close();
            itself.close();
            boom();
        });
    }),
    ("read", |world| {
        with_stream(world, |world, stream| {
            world.sends(ms(2), Peer(1), b"x");
            let itself = stream.clone();
            let read = move |_: &LoopHandle, _: ReadEvent<'_>| {
                itself.close();
                boom();
            };
            stream.read_start(read).unwrap();
        });
    }),
    ("write", |world| with_stream(world, |_, stream| stream.write(vec![1], |_, _| boom()))),
    ("connect", |world| {
        TcpStream::connect(&world.lp, addr(1), |_, _| boom()).unwrap();
    }),
    ("shutdown", |world| with_stream(world, |_, stream| stream.shutdown(|_, _| boom()))),
    ("receive", |world| {
        world.script.datagram(ms(1), 9, addr(7), b"x");
        let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
        let itself = socket.clone();
        let receive = move |_: &LoopHandle, _: UdpEvent<'_>| {
            itself.close();
            boom();
        };
        socket.recv_start(receive).unwrap();
    }),
    ("send", |world| {
        let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
        socket.send_to(vec![1], addr(7), |_, _| boom());
    }),
    ("close", |world| {
        Timer::new(&world.lp).close_then(|_| boom());
    }),
    ("task", |world| drop(world.lp.spawn(async { boom() }))),
    ("drop", |world| {
        let held = OnDrop::new(boom);
        let timer = Timer::new(&world.lp);
        let started = timer.start(ms(1), ms(0), move |_| {
            let _held = &held;
        });
        started.unwrap();
        timer.close();
    }),
];

/// Sets `code` to run with a connected stream.
fn with_stream(world: &Scripted, code: fn(&event_loop::Script, TcpStream)) {
    world.script.connects(ms(0), Peer(1), 80);
    let (script, listener) = (world.script.clone(), TcpListener::bind(&world.lp, addr(80), 8).unwrap());
    let itself = listener.clone();
    listener.on_connection(move |_, stream| {
        itself.close();
        code(&script, stream.unwrap());
    });
}

#[test]
fn every_kind_of_callback_ends_the_run_with_its_place() {
    for (kind, set_up) in KINDS {
        let world = Scripted::with(|options| options.panic_policy(PanicPolicy::End));
        let others = Count::default();
        let counted = others.clone();
        world.lp.set_timeout(ms(50), move |_| {
            counted.add();
        });
        set_up(&world);
        let error = world.event_loop.run(RunMode::Default).unwrap_err();
        let LoopError::Panicked { location, message } = &error else { panic!("{kind}: {error}") };
        assert_eq!(message, "on purpose", "{kind}");
        assert_eq!(location.file(), file!(), "{kind}: {error}");
        assert!(error.to_string().contains("panics.rs"), "{error}");
        assert_eq!(others.get(), 0, "{kind}: the run ended at once");
        assert!(!world.run(RunMode::Default), "{kind}: the loop can go on");
        assert_eq!(others.get(), 1, "{kind}");
    }
}

#[test]
fn every_kind_of_callback_is_counted_and_the_loop_goes_on() {
    for (kind, set_up) in KINDS {
        let world = Scripted::with(|options| options.panic_policy(PanicPolicy::CountAndGoOn));
        let notes = Notes::default();
        world.lp.set_timeout(ms(50), notes.cb("other"));
        set_up(&world);
        assert!(!world.run(RunMode::Default), "{kind}");
        assert_eq!(notes.take(), "other", "{kind}");
        assert_eq!(world.lp.metrics().snapshot(world.lp.now()).panics, 1, "{kind}");
    }
}

#[test]
fn what_an_ended_run_left_is_served_by_the_next() {
    let world = Scripted::new();
    let notes = Notes::default();
    let lp = &world.lp;
    // In each phase the first to run panics; the others of that phase and of later ones come in later runs.
    for name in ["second", "panics"] {
        let (timer, idle, prepare, check) = (Timer::new(lp), Idle::new(lp), Prepare::new(lp), Check::new(lp));
        let panics = name == "panics";
        let act = |what: &str, stop: Box<dyn Fn()>| {
            let (mut note, stop) = (notes.cb(format!("{what} {name}")), stop);
            move |lp: &LoopHandle| {
                stop();
                if panics {
                    panic!("on purpose");
                }
                note(lp);
            }
        };
        let stop = {
            let idle = idle.clone();
            Box::new(move || assert!(idle.close()))
        };
        idle.start(act("idle", stop)).unwrap();
        let stop = {
            let prepare = prepare.clone();
            Box::new(move || assert!(prepare.close()))
        };
        prepare.start(act("prepare", stop)).unwrap();
        let stop = {
            let check = check.clone();
            Box::new(move || assert!(check.close()))
        };
        check.start(act("check", stop)).unwrap();
        lp.spawn({
            let all = notes.clone();
            async move {
                all.add(format!("task {name}"));
            }
        });
        let closing = Timer::new(lp);
        closing.close_then(act("close", Box::new(|| ())));
        timer.start(ms(0), ms(0), act("timer", Box::new(|| ()))).unwrap();
        lp.set_timeout(ms(1), act("timeout", Box::new(|| ())));
        lp.set_immediate(act("immediate", Box::new(|| ())));
        lp.next_tick(act("tick", Box::new(|| ())));
        let all = notes.clone();
        lp.remote()
            .post({
                assert!(!panics || all.take().is_empty());
                move |_| {
                    if panics {
                        panic!("on purpose")
                    }
                }
            })
            .unwrap();
    }
    world.work(ms(5));
    let mut errors = 0;
    while world.lp.is_alive() {
        match world.event_loop.run(RunMode::Default) {
            Ok(_) => break,
            Err(LoopError::Panicked { .. }) => errors += 1,
            Err(error) => panic!("{error}"),
        }
        assert!(errors < 50);
    }
    assert_eq!(errors, 9);
    let said = notes.take();
    for what in ["idle", "prepare", "check", "task", "close", "timer", "timeout", "immediate", "tick"] {
        assert_eq!(said.matches(&format!("{what} second")).count(), 1, "{what}: {said}");
    }
}

#[test]
fn requests_that_an_ended_run_left_are_told_by_the_next() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.answers_connect(ms(100), Peer(1), true);
    let stream = TcpStream::connect(&world.lp, addr(1), |_, _| boom()).unwrap();
    stream.write(vec![1], notes.outcome("write"));
    stream.shutdown(notes.outcome("shutdown"));
    stream.close_then(notes.cb("close"));
    assert!(world.event_loop.run(RunMode::Default).is_err());
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "write ConnectionAborted, shutdown ConnectionAborted, close");
}

#[test]
fn finished_writes_that_an_ended_run_left_are_told_by_the_next() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.answers_connect(ms(1), Peer(1), true);
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("connect")).unwrap();
    stream.write(vec![1], |_, _| boom());
    stream.write(vec![2], notes.outcome("write"));
    stream.shutdown(notes.outcome("shutdown"));
    assert!(world.event_loop.run(RunMode::Default).is_err());
    assert_eq!(notes.take(), "connect ok");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "write ok, shutdown ok");
}

#[test]
fn readiness_that_an_ended_run_left_is_served_by_the_next() {
    let world = Scripted::new();
    let notes = Notes::default();
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    world.script.connects(ms(0), Peer(1), 80).connects(ms(0), Peer(2), 80);
    world.script.sends(ms(5), Peer(1), b"a").sends(ms(5), Peer(2), b"bb");
    let (shared, itself, count) = (notes.clone(), listener.clone(), Count::default());
    listener.on_connection(move |_, stream| {
        let (stream, mut note) = (stream.unwrap(), shared.reads("read"));
        let (closing, first) = (stream.clone(), count.add() == 1);
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
            closing.close();
            if first {
                boom();
            }
            note(lp, event);
        };
        stream.read_start(read).unwrap();
        if !first {
            itself.close();
        }
    });
    assert!(world.event_loop.run(RunMode::Default).is_err());
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "read 2");
}

#[test]
fn data_that_an_ended_run_left_in_a_stream_are_read_by_the_next() {
    let (world, stream) = connected();
    let notes = Notes::default();
    // One read takes 64 KiB at most, so the callback that panics leaves some behind.
    world.script.sends(ms(1), Peer(1), &[7; 64 * 1024 + 5]);
    let (count, mut note) = (Count::default(), notes.reads("read"));
    let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
        if count.add() == 1 {
            boom();
        }
        note(lp, event);
    };
    stream.read_start(read).unwrap();
    assert!(world.event_loop.run(RunMode::Default).is_err());
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "read 5");
}

#[test]
fn a_panic_payload_that_panics_when_dropped_does_no_harm() {
    let world = Scripted::with(|options| options.panic_policy(PanicPolicy::CountAndGoOn));
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a payload that panics");
        }
    }
    world.lp.set_immediate(|_| std::panic::panic_any(Bomb));
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.metrics().snapshot(world.lp.now()).panics, 1);
}
