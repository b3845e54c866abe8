//! What goes wrong around datagrams: faults of each call, full queues, closed sockets; and a replay of all calls.

#![cfg(unix)]

mod common;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;

use common::{Notes, Scripted, addr, ms, nobody};
use event_loop::{Call, DriverLog, EventLoop, LoopHandle, LoopOptions, RunMode, UdpEvent, UdpSocket};
use rustix::io::Errno;

/// An error number as callers see it.
fn number(errno: Errno) -> Option<i32> {
    Some(errno.raw_os_error())
}

#[test]
fn that_no_buffer_is_free_is_tried_again_in_the_next_pass() {
    let world = Scripted::new();
    let notes = Notes::default();
    let no_buffers = || io::Error::from(Errno::NOBUFS);
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    world.script.fails(Call::SendTo, no_buffers());
    assert_eq!(socket.try_send_to(b"x", addr(7)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    for _ in 0..3 {
        world.script.fails(Call::SendTo, no_buffers());
    }
    socket.send_to(b"1".to_vec(), addr(7), notes.outcome("1"));
    socket.send_to(b"2".to_vec(), addr(7), notes.outcome("2"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "1 ok, 2 ok");
    // No edge tells when there are buffers again, so poll did not sleep.
    assert!(world.script.polls().iter().all(|timeout| *timeout == Some(ms(0))), "{:?}", world.script.polls());
}

#[test]
fn faults_of_each_call_are_told_and_harm_nothing() {
    let world = Scripted::new();
    let notes = Notes::default();
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    world.script.fails(Call::BindUdp, refused());
    assert_eq!(UdpSocket::bind(&world.lp, addr(9)).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert!(world.lp.handles().is_empty());
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    for call in [Call::ConnectUdp, Call::SetUdp, Call::Address, Call::SendTo] {
        world.script.fails(call, refused());
        let result = match call {
            Call::ConnectUdp => socket.connect(addr(7)),
            Call::SetUdp => socket.set_broadcast(true),
            Call::Address => socket.local_addr().map(drop),
            _ => socket.try_send_to(b"x", addr(7)),
        };
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied, "{call:?}");
    }
    assert_eq!(socket.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
    socket.connect(addr(7)).unwrap();
    world.script.fails(Call::ConnectUdp, refused());
    assert_eq!(socket.disconnect().unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert_eq!(socket.peer_addr().unwrap(), addr(7));

    // Interrupted calls are nobody's business; a failed send concerns itself only.
    world.script.fails(Call::SendTo, io::ErrorKind::Interrupted.into()).fails(Call::SendTo, refused());
    socket.send(b"1".to_vec(), notes.outcome("1"));
    socket.send(b"2".to_vec(), notes.outcome("2"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "1 PermissionDenied, 2 ok");
}

#[test]
fn u2_sends_that_are_refused_wait_for_their_turn_behind_queued_ones() {
    let world = Scripted::new();
    world.script.datagram_window(9, 0).takes_datagrams(ms(5), 9, 1);
    let notes = Notes::default();
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    socket.send_to(b"1".to_vec(), addr(7), notes.number("1"));
    socket.send(b"2".to_vec(), notes.number("2"));
    assert_eq!(socket.try_send_to(b"x", addr(7)).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), format!("1 ok, 2 {:?}", number(Errno::DESTADDRREQ)));
    // The room is used up: what is sent waits, what is refused alone does not.
    socket.send(b"3".to_vec(), notes.number("3"));
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), format!("3 {:?}", number(Errno::DESTADDRREQ)));
    // A close cancels what waits, and tells the refused one why it was refused.
    socket.send_to(b"4".to_vec(), addr(7), notes.outcome("4"));
    socket.send(b"5".to_vec(), notes.number("5"));
    socket.close_then(notes.cb("closed"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), format!("4 ConnectionAborted, 5 {:?}, closed", number(Errno::DESTADDRREQ)));
}

#[test]
fn a_closed_socket_refuses_everything() {
    let world = Scripted::new();
    let notes = Notes::default();
    let socket = UdpSocket::new(&world.lp).unwrap();
    assert!(socket.close());
    let closed = |result: io::Result<()>| assert_eq!(result.unwrap_err().kind(), io::ErrorKind::NotConnected);
    closed(socket.local_addr().map(drop));
    closed(socket.peer_addr().map(drop));
    closed(socket.connect(addr(7)));
    closed(socket.disconnect());
    closed(socket.set_ttl(1));
    closed(socket.recv_start(|_, _| {}));
    closed(socket.try_send_to(b"x", addr(7)));
    closed(socket.try_send(b"x"));
    socket.send(b"x".to_vec(), notes.outcome("send"));
    socket.send_to(b"x".to_vec(), addr(7), notes.outcome("send_to"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "send NotConnected, send_to NotConnected");
    drop(world.event_loop);
    closed(UdpSocket::new(&world.lp).map(drop));
    closed(UdpSocket::bind(&world.lp, addr(7)).map(drop));
}

#[test]
fn d2_a_run_with_all_calls_of_datagrams_replays_to_the_same_trace() {
    fn program(options: LoopOptions, to: SocketAddr) -> (String, Vec<String>) {
        let event_loop = options.phase_trace(true).build().unwrap();
        let lp = event_loop.handle();
        let heard = Rc::new(RefCell::new(Vec::new()));
        let lonely = UdpSocket::new(&lp).unwrap();
        let adopted = std::net::UdpSocket::bind(addr(0)).unwrap();
        adopted.connect(to).unwrap();
        let adopted = UdpSocket::from_std(&lp, adopted).unwrap();
        heard.borrow_mut().push(format!("adopted {:?}", adopted.peer_addr().unwrap()));
        adopted.disconnect().unwrap();
        for (name, socket) in [("lonely", lonely), ("adopted", adopted)] {
            socket.connect(to).unwrap();
            socket.set_broadcast(true).unwrap();
            let text = format!("{name} {:?}", socket.set_ttl(3_000).map_err(|error| error.raw_os_error()));
            heard.borrow_mut().push(text);
            let (itself, notes) = (socket.clone(), heard.clone());
            let receive = move |_: &LoopHandle, event: UdpEvent<'_>| {
                notes.borrow_mut().push(format!("{name} {event:?}"));
                if matches!(event, UdpEvent::Failed(_)) {
                    itself.disconnect().unwrap();
                    let port = itself.local_addr().unwrap().port();
                    itself.try_send_to(b"myself", addr(port)).unwrap();
                } else {
                    itself.close();
                }
            };
            socket.recv_start(receive).unwrap();
            let notes = heard.clone();
            let sent = move |_: &LoopHandle, result| notes.borrow_mut().push(format!("{name} {result:?}"));
            socket.send(b"nobody".to_vec(), sent);
        }
        assert!(!event_loop.run(RunMode::Default).unwrap());
        (common::trace(&lp), heard.take())
    }
    let (log, (_deaf, to)) = (DriverLog::new(), nobody());
    let first = program(EventLoop::options().log(&log), to);
    assert!(first.1.iter().any(|text| text.contains("Datagram")), "{:?}", first.1);
    assert!(first.1.iter().any(|text| text.contains("Failed")), "{:?}", first.1);
    assert_eq!(program(EventLoop::options().replay(&log), to), first);
}
