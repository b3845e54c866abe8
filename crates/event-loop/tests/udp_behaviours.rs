//! Datagrams as libuv's users know them: binding by itself, connecting, what is drained, errors from the network.

#![cfg(unix)]

mod common;

use std::io;
use std::net::SocketAddr;

use common::{Count, Notes, Scripted, addr, nobody};
use event_loop::{Call, Check, EventLoop, Idle, LoopHandle, RunMode, UdpEvent, UdpSocket};
use rustix::io::Errno;

/// An error number as callers see it.
fn number(errno: Errno) -> Option<i32> {
    Some(errno.raw_os_error())
}

#[test]
fn b81_a_send_binds_by_itself_calls_back_in_order_and_refuses_what_is_too_large() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let peer = std::net::UdpSocket::bind(addr(0)).unwrap();
    let to = peer.local_addr().unwrap();
    let socket = UdpSocket::new(&lp).unwrap();
    assert_eq!(socket.local_addr().unwrap_err().kind(), io::ErrorKind::AddrNotAvailable);

    socket.send_to(b"one".to_vec(), to, notes.number("one"));
    socket.send_to(vec![0; 70_000], to, notes.number("large"));
    socket.send_to(b"two".to_vec(), to, notes.number("two"));
    assert_eq!(notes.take(), "", "not from inside the call");
    assert_eq!((socket.send_queue_count(), socket.send_queue_size()), (3, 70_006));
    assert_eq!(socket.try_send_to(b"x", to).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), format!("one ok, large {:?}, two ok", number(Errno::MSGSIZE)));
    assert_eq!((socket.send_queue_count(), socket.send_queue_size()), (0, 0));

    socket.try_send_to(b"three", to).unwrap();
    assert_eq!(socket.try_send_to(&[0; 70_000], to).unwrap_err().raw_os_error(), number(Errno::MSGSIZE));
    let port = socket.local_addr().unwrap().port();
    for expected in ["one", "two", "three"] {
        let mut buffer = [0; 64];
        let (bytes, from) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!((&buffer[..bytes], from), (expected.as_bytes(), addr(port)));
    }
}

#[test]
fn b81_receiving_binds_by_itself_and_peers_of_this_machine_reach_it() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    let (itself, mut note) = (socket.clone(), notes.receives("got"));
    let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
        note(lp, event);
        itself.close();
    };
    socket.recv_start(receive).unwrap();
    let local = socket.local_addr().unwrap();
    assert!(local.ip().is_unspecified() && local.is_ipv4() && local.port() != 0);
    let peer = std::net::UdpSocket::bind(addr(0)).unwrap();
    peer.send_to(b"hello", addr(local.port())).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), format!("got hello from {}", peer.local_addr().unwrap().port()));
}

#[test]
fn b81_a_send_to_an_address_of_ipv6_binds_to_ipv6() {
    let Ok(peer) = std::net::UdpSocket::bind("[::1]:0") else {
        println!("skipped: no IPv6");
        return;
    };
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    socket.send_to(b"six".to_vec(), peer.local_addr().unwrap(), notes.outcome("send"));
    assert!(socket.local_addr().unwrap().is_ipv6());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "send ok");
    let mut buffer = [0; 8];
    assert_eq!(peer.recv_from(&mut buffer).unwrap().0, 3);
}

#[test]
fn b81_a_bind_that_fails_is_told_as_any_error_and_tried_again() {
    let world = Scripted::new();
    let notes = Notes::default();
    for _ in 0..4 {
        world.script.fails(Call::BindUdp, io::Error::from_raw_os_error(24));
    }
    let socket = UdpSocket::new(&world.lp).unwrap();
    assert_eq!(socket.recv_start(|_, _| {}).unwrap_err().raw_os_error(), Some(24));
    assert!(!socket.is_active());
    assert_eq!(socket.try_send_to(b"x", addr(7)).unwrap_err().raw_os_error(), Some(24));
    assert_eq!(socket.connect(addr(7)).unwrap_err().raw_os_error(), Some(24));
    socket.send_to(b"lost".to_vec(), addr(7), |_, result| {
        assert_eq!(result.unwrap_err().raw_os_error(), Some(24));
    });
    socket.send_to(b"sent".to_vec(), addr(7), notes.outcome("second"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "second ok");
    let port = socket.local_addr().unwrap().port();
    assert_eq!(world.script.datagrams_from(port), [(addr(7), b"sent".to_vec())]);
}

#[test]
fn b82_many_datagrams_are_received_before_the_check_phase_and_then_it_is_said_that_none_is_left() {
    const DATAGRAMS: usize = 5;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let [server, client] = std::array::from_fn(|_| UdpSocket::bind(&lp, addr(0)).unwrap());
    for n in 0..DATAGRAMS {
        client.try_send_to(&vec![7; n], server.local_addr().unwrap()).unwrap();
    }
    let [datagrams, drained] = std::array::from_fn(|_| Count::default());
    let (received, ended, from) = (datagrams.clone(), drained.clone(), client.local_addr().unwrap());
    let receive = move |_: &LoopHandle, event: UdpEvent<'_>| match event {
        UdpEvent::Datagram { data, from: sender, truncated } => {
            // The first one is empty, and a datagram like the others.
            assert_eq!((data.len(), sender, truncated), (received.get(), from, false));
            received.add();
        }
        UdpEvent::Drained => {
            assert_eq!(received.get(), DATAGRAMS);
            ended.add();
        }
        UdpEvent::Failed(error) => panic!("{error}"),
    };
    server.recv_start(receive).unwrap();
    let check = Check::new(&lp);
    let (itself, seen) = (check.clone(), datagrams.clone());
    let at_check = move |_: &LoopHandle| {
        assert_eq!(seen.get(), DATAGRAMS);
        server.close();
        client.close();
        itself.close();
    };
    check.start(at_check).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((datagrams.get(), drained.get()), (DATAGRAMS, 1));
}

#[test]
fn b83_a_connected_socket_takes_no_address_and_one_that_is_not_needs_one() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let [peer, other] = std::array::from_fn(|_| std::net::UdpSocket::bind(addr(0)).unwrap());
    let (to, elsewhere) = (peer.local_addr().unwrap(), other.local_addr().unwrap());
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    let number_of = |result: io::Result<()>| result.unwrap_err().raw_os_error();

    assert_eq!(number_of(socket.try_send(b"x")), number(Errno::DESTADDRREQ));
    assert_eq!(socket.disconnect().unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert_eq!(socket.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
    socket.connect(to).unwrap();
    assert_eq!(number_of(socket.connect(elsewhere)), number(Errno::ISCONN));
    assert_eq!(socket.peer_addr().unwrap(), to);
    for wrong in [to, elsewhere] {
        assert_eq!(number_of(socket.try_send_to(b"x", wrong)), number(Errno::ISCONN));
    }
    socket.try_send(b"1").unwrap();
    socket.send(b"2".to_vec(), notes.number("send"));
    socket.send_to(b"x".to_vec(), to, notes.number("send_to"));
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), format!("send ok, send_to {:?}", number(Errno::ISCONN)));

    socket.disconnect().unwrap();
    assert_eq!(number_of(socket.try_send(b"x")), number(Errno::DESTADDRREQ));
    socket.send(b"x".to_vec(), notes.number("send"));
    socket.try_send_to(b"3", to).unwrap_err();
    socket.send_to(b"3".to_vec(), to, notes.number("send_to"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), format!("send {:?}, send_to ok", number(Errno::DESTADDRREQ)));
    socket.connect(to).unwrap();
    socket.try_send(b"4").unwrap();
    for expected in [b"1", b"2", b"3", b"4"] {
        let mut buffer = [0; 8];
        let (bytes, _) = peer.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], expected);
    }
    other.set_nonblocking(true).unwrap();
    assert_eq!(other.recv_from(&mut [0; 8]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn b83_a_connected_socket_hears_its_peer_only_and_keeps_its_port_when_it_lets_go() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let [peer, other] = std::array::from_fn(|_| std::net::UdpSocket::bind(addr(0)).unwrap());
    let port = |socket: &std::net::UdpSocket| socket.local_addr().unwrap().port();
    let socket = UdpSocket::bind(&event_loop.handle(), addr(0)).unwrap();
    let local = socket.local_addr().unwrap();
    let (itself, mut note) = (socket.clone(), notes.receives("got"));
    let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
        if matches!(event, UdpEvent::Drained) {
            itself.unref();
        }
        note(lp, event);
    };
    socket.recv_start(receive).unwrap();
    socket.connect(peer.local_addr().unwrap()).unwrap();
    other.send_to(b"from others", local).unwrap();
    peer.send_to(b"from the peer", local).unwrap();
    event_loop.run(RunMode::Default).unwrap();
    assert_eq!(notes.take(), format!("got from the peer from {}, got drained", port(&peer)));

    socket.disconnect().unwrap();
    assert_eq!(socket.local_addr().unwrap(), local);
    socket.set_ref(true);
    other.send_to(b"from others", local).unwrap();
    event_loop.run(RunMode::Default).unwrap();
    assert_eq!(notes.take(), format!("got from others from {}, got drained", port(&other)));
}

#[cfg(target_os = "linux")]
#[test]
fn b83_a_socket_that_lets_go_of_its_peer_and_finds_its_port_taken_says_so_and_goes_on() {
    let event_loop = EventLoop::new().unwrap();
    let peer = std::net::UdpSocket::bind(addr(0)).unwrap();
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    socket.connect(peer.local_addr().unwrap()).unwrap();
    // While it is connected it has its port on one address only.
    let port = socket.local_addr().unwrap().port();
    let _other = std::net::UdpSocket::bind((std::net::Ipv4Addr::new(127, 0, 0, 2), port)).unwrap();
    assert_eq!(socket.disconnect().unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(socket.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
    socket.try_send_to(b"still here", peer.local_addr().unwrap()).unwrap();
    let (_, from) = peer.recv_from(&mut [0; 16]).unwrap();
    assert_ne!(from.port(), port);
    socket.connect(peer.local_addr().unwrap()).unwrap();
}

#[test]
fn b84_a_thousand_sends_driven_by_idle_handles_and_callbacks_never_hang_the_loop() {
    const SENDS: usize = 1_000;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    // Once somebody is there, and once nobody.
    let peer = std::net::UdpSocket::bind(addr(0)).unwrap();
    let (_deaf, deserted) = nobody();
    for to in [peer.local_addr().unwrap(), deserted] {
        let (socket, idle, sends) = (UdpSocket::new(&lp).unwrap(), Idle::new(&lp), Count::default());
        start_next_send(&socket, &idle, &sends, to, SENDS);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(sends.get(), SENDS);
    }
}

/// The idle handle stops and sends; the callback of the send starts it again.
fn start_next_send(socket: &UdpSocket, idle: &Idle, sends: &Count, to: SocketAddr, until: usize) {
    let again = (socket.clone(), idle.clone(), sends.clone());
    let step = move |_: &LoopHandle| {
        let (socket, idle, sends) = again.clone();
        idle.stop();
        if sends.get() == until {
            socket.close();
            idle.close();
            return;
        }
        let to_send = socket.clone();
        to_send.send_to(b"PING".to_vec(), to, move |_, result| {
            result.unwrap();
            sends.add();
            start_next_send(&socket, &idle, &sends, to, until);
        });
    };
    idle.start(step).unwrap();
}

#[test]
fn that_nobody_is_there_is_told_to_who_receives_and_receiving_goes_on() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let (peer, to) = nobody();
    let socket = UdpSocket::bind(&event_loop.handle(), addr(0)).unwrap();
    socket.connect(to).unwrap();
    let (itself, mut note) = (socket.clone(), notes.receives("got"));
    let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
        match &event {
            UdpEvent::Datagram { .. } => drop(itself.close()),
            UdpEvent::Drained => return,
            UdpEvent::Failed(_) => {
                // Now somebody is there.
                peer.connect(itself.local_addr().unwrap()).unwrap();
                peer.send(b"late").unwrap();
            }
        }
        note(lp, event);
    };
    socket.recv_start(receive).unwrap();
    socket.send(b"anybody?".to_vec(), notes.outcome("send"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let mut heard: Vec<_> = notes.take().split(", ").map(str::to_owned).collect();
    heard.sort();
    assert_eq!(
        heard,
        ["got ConnectionRefused".to_owned(), format!("got late from {}", to.port()), "send ok".into()]
    );
}
