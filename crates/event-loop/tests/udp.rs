//! Datagrams: receiving, sending as a request, caps, what a close cancels.

mod common;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use common::{Count, Notes, OnDrop, Scripted, addr, ms, passes};
use event_loop::{Call, DriverLog, EventLoop, LoopHandle, LoopOptions, RunMode, UdpEvent, UdpSocket};

#[test]
fn b47_a_datagram_socket_without_reference_does_not_hold_the_loop() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let receiver = UdpSocket::bind(&lp, addr(0)).unwrap();
    receiver.recv_start(|_, _| panic!("nobody sends to it")).unwrap();
    receiver.unref();
    assert!(receiver.is_active() && !lp.is_alive());
    assert!(!event_loop.run(RunMode::Default).unwrap());

    let sender = UdpSocket::bind(&lp, addr(0)).unwrap();
    sender.unref();
    let target = UdpSocket::bind(&lp, addr(0)).unwrap();
    sender.send_to(b"hello".to_vec(), target.local_addr().unwrap(), notes.outcome("send"));
    assert!(lp.is_alive(), "a send under way holds the loop");
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "send ok");
}

#[test]
fn b47_a_queued_send_holds_the_loop_until_there_is_room() {
    let world = Scripted::new();
    world.script.datagram_window(9, 0).takes_datagrams(ms(50), 9, 1);
    let notes = Notes::default();
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    socket.recv_start(|_, _| panic!("nobody sends to it")).unwrap();
    socket.unref();
    socket.send_to(b"late".to_vec(), addr(7), notes.outcome("send"));
    assert_eq!(socket.send_queue_count(), 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!((notes.take().as_str(), world.lp.elapsed()), ("send ok", ms(50)));
    assert_eq!(world.script.datagrams_from(9), [(addr(7), b"late".to_vec())]);
}

#[test]
fn an_echo_goes_there_and_back_over_the_system() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let [server, client] = std::array::from_fn(|_| UdpSocket::bind(&lp, addr(0)).unwrap());
    let (itself, shared) = (server.clone(), notes.clone());
    let echo = move |_: &LoopHandle, event: UdpEvent<'_>| {
        let UdpEvent::Datagram { data, from, .. } = event else { panic!("{event:?}") };
        itself.send_to(data.to_vec(), from, shared.outcome("echo"));
        itself.close();
    };
    server.recv_start(echo).unwrap();
    let (itself, shared, server_addr) = (client.clone(), notes.clone(), server.local_addr().unwrap());
    let hear = move |_: &LoopHandle, event: UdpEvent<'_>| {
        let UdpEvent::Datagram { data, from, .. } = event else { panic!("{event:?}") };
        assert_eq!(from, server_addr);
        shared.add(format!("{} bytes back", data.len()));
        itself.close();
    };
    client.recv_start(hear).unwrap();
    // As large as a datagram over IPv4 can be: it arrives whole.
    client.send_to(vec![7; 65_507], server_addr, notes.outcome("send"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let mut heard: Vec<_> = notes.take().split(", ").map(str::to_owned).collect();
    heard.sort();
    assert_eq!(heard, ["65507 bytes back", "echo ok", "send ok"]);
}

#[test]
fn a_datagram_that_is_too_large_fails_alone_and_later() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let results = Rc::new(RefCell::new(Vec::new()));
    let socket = UdpSocket::bind(&lp, addr(0)).unwrap();
    let to = socket.local_addr().unwrap();
    for size in [70_000, 10] {
        let results = results.clone();
        socket.send_to(vec![0; size], to, move |_, result| results.borrow_mut().push(result.is_ok()));
    }
    assert!(results.borrow().is_empty(), "not from inside the call");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(*results.borrow(), [false, true]);
}

#[test]
fn a_taken_port_is_refused_at_once_and_leaves_no_handle() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let first = UdpSocket::bind(&lp, addr(0)).unwrap();
    let error = UdpSocket::bind(&lp, first.local_addr().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(lp.handles().len(), 1);
    assert_eq!(lp.handles()[0].kind, "UDP socket");
}

#[test]
fn u1_a_socket_receives_32_datagrams_and_then_others_get_their_turn() {
    for (datagrams, expected) in [(31, vec![31]), (32, vec![32]), (33, vec![32, 1]), (70, vec![32, 32, 6])] {
        let world = Scripted::new();
        for n in 0..datagrams {
            world.script.datagram(ms(1), 9, addr(7), &[n]);
        }
        let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
        let (itself, count) = (socket.clone(), Count::default());
        let receive = move |_: &LoopHandle, event: UdpEvent<'_>| {
            let UdpEvent::Datagram { data, .. } = event else { panic!("{event:?}") };
            assert_eq!(usize::from(data[0]), count.get(), "in order");
            if count.add() == usize::from(datagrams) {
                itself.recv_stop();
            }
        };
        socket.recv_start(receive).unwrap();
        assert!(!world.run(RunMode::Default));
        let turns: Vec<_> = passes(&world.lp).lines().map(|pass| pass.matches(" receive").count()).collect();
        assert_eq!(turns, expected, "{datagrams} datagrams");
    }
}

#[test]
fn u1_what_came_while_stopped_is_received_after_the_next_start() {
    let world = Scripted::new();
    let notes = Notes::default();
    for text in ["a", "b", "c"] {
        world.script.datagram(ms(1), 9, addr(7), text.as_bytes());
    }
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    let (itself, mut note) = (socket.clone(), notes.receives("first"));
    let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
        note(lp, event);
        itself.recv_stop();
    };
    socket.recv_start(receive).unwrap();
    assert_eq!(socket.recv_start(|_, _| {}).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert!(!world.run(RunMode::Default), "a stopped socket does not hold the loop");
    assert_eq!(notes.take(), "first a from 7");
    socket.recv_start(notes.receives("second")).unwrap();
    assert_eq!(notes.take(), "", "not from inside the call");
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "second b from 7, second c from 7, second drained");
}

#[test]
fn u1_an_error_is_told_and_receiving_goes_on() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::RecvFrom, io::ErrorKind::ConnectionRefused.into());
    world.script.fails(Call::RecvFrom, io::ErrorKind::Interrupted.into());
    world.script.datagram(ms(1), 9, addr(7), b"").happens(ms(2), || {});
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    socket.recv_start(notes.receives("got")).unwrap();
    world.run(RunMode::Once);
    assert_eq!(notes.take(), "got ConnectionRefused");
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "got  from 7, got drained", "also an empty datagram is one");
}

#[test]
fn u1_a_panic_leaves_the_rest_for_the_next_run() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.datagram(ms(1), 9, addr(7), b"bad").datagram(ms(1), 9, addr(7), b"good");
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    let mut note = notes.receives("got");
    let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
        assert!(!matches!(event, UdpEvent::Datagram { data: b"bad", .. }));
        note(lp, event);
    };
    socket.recv_start(receive).unwrap();
    assert!(world.event_loop.run(RunMode::Default).is_err());
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "got good from 7, got drained");
}

#[test]
fn u2_sends_call_back_in_order_and_never_inside_the_call() {
    let world = Scripted::new();
    world.script.datagram_window(9, 2).takes_datagrams(ms(5), 9, 40);
    let notes = Notes::default();
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    for n in 0..40 {
        socket.send_to(vec![n], addr(7), notes.outcome(n.to_string()));
    }
    assert_eq!((notes.take().as_str(), socket.send_queue_count()), ("", 40));
    assert!(world.run(RunMode::NoWait));
    assert_eq!((notes.take().as_str(), socket.send_queue_count()), ("0 ok, 1 ok", 38));
    assert_eq!(socket.send_queue_size(), 38);
    assert!(!world.run(RunMode::Default));
    let expected: Vec<_> = (2..40).map(|n| format!("{n} ok")).collect();
    assert_eq!(notes.take(), expected.join(", "));
    let sent: Vec<_> = world.script.datagrams_from(9).into_iter().map(|(_, data)| data[0]).collect();
    assert_eq!(sent, (0..40).collect::<Vec<u8>>());
}

#[test]
fn u2_a_close_cancels_what_is_queued_before_its_own_callback() {
    let world = Scripted::new();
    world.script.datagram_window(9, 1);
    let notes = Notes::default();
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    socket.send_to(b"1".to_vec(), addr(7), notes.outcome("sent"));
    let (told, text) = (notes.clone(), Rc::new(RefCell::new(String::new())));
    let message = text.clone();
    socket.send_to(b"2".to_vec(), addr(7), move |_, result| {
        *message.borrow_mut() = result.unwrap_err().to_string();
        told.add("cancelled");
    });
    socket.close_then(notes.cb("closed"));
    socket.send_to(b"3".to_vec(), addr(7), notes.outcome("after"));
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "after NotConnected, sent ok, cancelled, closed");
    assert_eq!(*text.borrow(), "cancelled: the socket was closed");
    assert_eq!(world.script.datagrams_from(9).len(), 1);
}

#[test]
fn u2_a_panic_in_a_send_callback_leaves_the_others_for_the_next_run() {
    for closed in [false, true] {
        let world = Scripted::new();
        let notes = Notes::default();
        let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
        socket.send_to(b"1".to_vec(), addr(7), |_, _| panic!("told"));
        socket.send_to(b"2".to_vec(), addr(7), notes.outcome("second"));
        if closed {
            socket.close_then(notes.cb("closed"));
        }
        assert!(world.event_loop.run(RunMode::Default).is_err());
        assert_eq!(notes.take(), "");
        assert!(!world.run(RunMode::Default));
        assert_eq!(notes.take(), if closed { "second ok, closed" } else { "second ok" });
    }
}

#[test]
fn l1_callbacks_and_destructors_of_a_socket_may_stop_start_send_and_close() {
    let world = Scripted::new();
    let notes = Notes::default();
    for _ in 0..3 {
        world.script.datagram(ms(1), 9, addr(7), b"x");
    }
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    let (itself, shared) = (socket.clone(), notes.clone());
    let (dropped, at_drop) = (socket.clone(), notes.clone());
    let on_drop = OnDrop::new(move || {
        // The first callback was replaced: nothing is borrowed while it goes.
        dropped.send_to(b"from drop".to_vec(), addr(7), at_drop.outcome("drop send"));
    });
    let first = move |_: &LoopHandle, _: UdpEvent<'_>| {
        let _ = &on_drop;
        shared.add("first");
        itself.recv_stop();
        let (inner, notes) = (itself.clone(), shared.clone());
        let second = move |_: &LoopHandle, _: UdpEvent<'_>| {
            notes.add("second");
            inner.send_to(b"y".to_vec(), addr(7), notes.outcome("send"));
            inner.close_then(notes.cb("closed"));
            assert!(!inner.close() && inner.is_closing());
            assert!(inner.local_addr().is_err() && inner.recv_start(|_, _| {}).is_err());
        };
        itself.recv_start(second).unwrap();
    };
    socket.recv_start(first).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "first, second, drop send ok, send ok, closed");
}

#[test]
fn l1_a_send_callback_may_send_and_close() {
    let world = Scripted::new();
    let notes = Notes::default();
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    let (itself, shared) = (socket.clone(), notes.clone());
    socket.send_to(b"1".to_vec(), addr(7), move |_, result| {
        result.unwrap();
        itself.send_to(b"2".to_vec(), addr(7), shared.outcome("second"));
        itself.close_then(shared.cb("closed"));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "second ok, closed");
}

#[test]
fn d2_a_run_with_datagrams_replays_to_the_same_trace() {
    fn program(options: LoopOptions) -> (String, String) {
        let event_loop = options.phase_trace(true).build().unwrap();
        let lp = event_loop.handle();
        let heard = Rc::new(Cell::new(String::new()));
        let socket = UdpSocket::bind(&lp, addr(0)).unwrap();
        let (itself, text) = (socket.clone(), heard.clone());
        let receive = move |_: &LoopHandle, event: UdpEvent<'_>| {
            let UdpEvent::Datagram { data, from, .. } = event else { panic!("{event:?}") };
            text.set(format!("{} {from}", String::from_utf8_lossy(data)));
            itself.close();
        };
        socket.recv_start(receive).unwrap();
        socket.send_to(b"again".to_vec(), socket.local_addr().unwrap(), |_, result| result.unwrap());
        assert!(!event_loop.run(RunMode::Default).unwrap());
        (common::trace(&lp), heard.take())
    }
    let log = DriverLog::new();
    let first = program(EventLoop::options().log(&log));
    assert!(first.1.starts_with("again 127.0.0.1:"), "{}", first.1);
    assert_eq!(program(EventLoop::options().replay(&log)), first);
}
