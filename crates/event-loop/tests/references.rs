//! What keeps the loop alive: handles that are active and referenced, and requests in any case.

mod common;

use common::{Notes, Scripted, ms};
use event_loop::{
    AsyncHandle, Check, EventLoop, Idle, Peer, Prepare, RunMode, TcpListener, TcpStream, Timer,
};

#[test]
fn b44_handles_without_reference_neither_hold_the_loop_nor_run() {
    let world = Scripted::new();
    let lp = &world.lp;
    let never = || |_: &_| panic!("the loop is not alive");
    let (idle, prepare, check, timer) = (Idle::new(lp), Prepare::new(lp), Check::new(lp), Timer::new(lp));
    let wake = AsyncHandle::new(lp, never());
    idle.unref();
    prepare.unref();
    check.unref();
    timer.unref();
    wake.unref();
    assert!(!world.run(RunMode::Default), "not started");
    idle.start(never()).unwrap();
    prepare.start(never()).unwrap();
    check.start(never()).unwrap();
    timer.start(ms(0), ms(0), never()).unwrap();
    wake.sender().send();
    assert!(!world.run(RunMode::Default), "started");
    assert_eq!(world.trace(), "");
    assert!(idle.is_active() && prepare.is_active() && check.is_active() && timer.is_active());
}

#[test]
fn b45_a_listener_without_reference_does_not_hold_the_loop() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let listener = TcpListener::bind(&lp, "127.0.0.1:0".parse().unwrap(), 8).unwrap();
    listener.on_connection(|_, _| panic!("nobody connects"));
    listener.unref();
    assert!(listener.is_active());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    listener.close_then(notes.cb("closed"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "closed");
}

#[test]
fn b46_requests_hold_the_loop_whatever_the_stream_says() {
    for with_write in [false, true] {
        let world = Scripted::new();
        world.script.answers_connect(ms(20), Peer(1), true).window(Peer(1), 0).takes(ms(50), Peer(1), 100);
        let notes = Notes::default();
        let stream =
            TcpStream::connect(&world.lp, "127.0.0.1:1".parse().unwrap(), notes.outcome("connect")).unwrap();
        stream.unref();
        if with_write {
            stream.write(b"hello".to_vec(), notes.outcome("write"));
        }
        stream.shutdown(notes.outcome("shutdown"));
        assert!(!world.run(RunMode::Default));
        let (expected, at) = match with_write {
            true => ("connect ok, write ok, shutdown ok", ms(50)),
            false => ("connect ok, shutdown ok", ms(20)),
        };
        // Without a window the connection is not seen to stand before there is room.
        assert_eq!(notes.take(), expected);
        assert!(world.lp.elapsed() >= at);
        assert!(world.script.ended_towards(Peer(1)));
    }
}

#[test]
fn b49_has_ref_is_a_boolean_and_not_a_count() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    timer.start(ms(5), ms(0), |_| {}).unwrap();
    assert!(timer.has_ref());
    timer.set_ref(true);
    timer.unref();
    assert!(!timer.has_ref() && !world.lp.is_alive());
    timer.unref();
    timer.set_ref(true);
    assert!(timer.has_ref() && world.lp.is_alive());
    timer.close();
    timer.unref();
    assert!(world.lp.is_alive(), "a closing handle keeps the loop alive in any case");
    assert!(!world.run(RunMode::Default));
    assert!(!timer.has_ref(), "it is gone");
}

#[test]
fn h1_references_change_nothing_on_a_closing_handle() {
    let world = Scripted::new();
    let [first, second] = std::array::from_fn(|_| Timer::new(&world.lp));
    first.start(ms(5), ms(0), |_| {}).unwrap();
    second.start(ms(5), ms(0), |_| {}).unwrap();
    first.close();
    for referenced in [false, true, true, false] {
        first.set_ref(referenced);
    }
    // `run` checks the counter against a fresh count in debug builds.
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.elapsed(), ms(5));
}

#[test]
fn h2_an_old_name_never_reaches_who_took_its_slot() {
    let world = Scripted::new();
    let notes = Notes::default();
    let old = Timer::new(&world.lp);
    old.start(ms(1), ms(0), notes.cb("old")).unwrap();
    old.close();
    assert!(!world.run(RunMode::Default));
    let new = Timer::new(&world.lp);
    new.start(ms(1), ms(7), notes.cb("new")).unwrap();
    assert_eq!(format!("{old:?}"), format!("{new:?}"), "the slot is used again");
    assert!(old.start(ms(9), ms(9), notes.cb("wrong")).is_err());
    old.stop();
    old.set_repeat(ms(3));
    old.unref();
    assert!(!old.close());
    assert!(old.is_closing() && !old.is_active() && old.repeat().is_zero());
    assert!(new.is_active() && new.has_ref() && new.repeat() == ms(7));
    world.run(RunMode::Once);
    assert_eq!(notes.take(), "new");
}
