//! Datagrams for futures: waiting to receive and to send, turns for others, closing by drop.

mod common;

use std::cell::Cell;
use std::io;
use std::rc::Rc;

use common::{Count, Notes, Scripted, addr, ms};
use event_loop::{
    Call, DriverLog, EventLoop, LoopOptions, OwnedUdpSocket, RunMode, UdpSocket, sleep, timeout,
};

#[test]
fn two_tasks_exchange_datagrams_over_the_system_and_close_by_drop() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let server = OwnedUdpSocket::new(UdpSocket::bind(&lp, addr(0)).unwrap());
    let server_addr = server.socket().local_addr().unwrap();
    lp.spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let received = server.recv_from(&mut buffer).await.unwrap();
            if received.bytes == 0 {
                return;
            }
            server.send_to(&buffer[..received.bytes], received.from).await.unwrap();
        }
    });
    let rounds = Count::default();
    let counted = rounds.clone();
    lp.spawn(async move {
        let client = OwnedUdpSocket::bind(addr(0)).unwrap();
        client.socket().connect(server_addr).unwrap();
        let mut buffer = vec![0; 64 * 1024];
        for size in [1, 1_000, 65_507] {
            client.send(&vec![7; size]).await.unwrap();
            let received = client.recv(&mut buffer).await.unwrap();
            assert_eq!((received.bytes, received.from, received.truncated), (size, server_addr, false));
            counted.add();
        }
        assert!(client.send_to(b"x", server_addr).await.is_err(), "a connected socket takes no address");
        client.send(b"").await.unwrap();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((rounds.get(), lp.handles().len()), (3, 0));
}

#[test]
fn one_task_receives_while_another_one_sends() {
    const DATAGRAMS: usize = 100;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let peer = OwnedUdpSocket::new(UdpSocket::bind(&lp, addr(0)).unwrap());
    let peer_addr = peer.socket().local_addr().unwrap();
    let socket = Rc::new(OwnedUdpSocket::new(UdpSocket::bind(&lp, addr(0)).unwrap()));
    socket.socket().connect(peer_addr).unwrap();
    let received = Count::default();
    let (receives, counted) = (socket.clone(), received.clone());
    lp.spawn(async move {
        for n in 0..DATAGRAMS {
            let mut buffer = [0; 8];
            assert_eq!(receives.recv(&mut buffer).await.unwrap().bytes, 1);
            assert_eq!(usize::from(buffer[0]), n);
            counted.add();
        }
    });
    lp.spawn(async move {
        for n in 0..DATAGRAMS {
            socket.send(&[n as u8]).await.unwrap();
        }
    });
    lp.spawn(async move {
        for _ in 0..DATAGRAMS {
            let mut buffer = [0; 8];
            let echo = peer.recv_from(&mut buffer).await.unwrap();
            peer.send_to(&buffer[..echo.bytes], echo.from).await.unwrap();
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((received.get(), lp.handles().len()), (DATAGRAMS, 0));
}

#[test]
fn a_datagram_that_does_not_fit_says_that_it_was_cut_off() {
    fn program(options: LoopOptions) -> Vec<(usize, bool, Vec<u8>)> {
        let event_loop = options.build().unwrap();
        let seen = Rc::new(Cell::new(Vec::new()));
        let socket = OwnedUdpSocket::new(UdpSocket::bind(&event_loop.handle(), addr(0)).unwrap());
        let kept = seen.clone();
        event_loop.handle().spawn(async move {
            let itself = socket.socket().local_addr().unwrap();
            let (mut buffer, mut all) = ([0; 4], Vec::new());
            for data in [&b"abc"[..], b"abcd", b"abcde", b""] {
                socket.send_to(data, itself).await.unwrap();
                let received = socket.recv_from(&mut buffer).await.unwrap();
                all.push((received.bytes, received.truncated, buffer[..received.bytes].to_vec()));
            }
            kept.set(all);
        });
        assert!(!event_loop.run(RunMode::Default).unwrap());
        seen.take()
    }
    let log = DriverLog::new();
    let first = program(EventLoop::options().log(&log));
    let cut = cfg!(unix);
    let expected = [(3, false, b"abc".to_vec()), (4, false, b"abcd".to_vec()), (4, cut, b"abcd".to_vec())];
    assert_eq!(first[..3], expected);
    assert_eq!(first[3], (0, false, Vec::new()), "an empty datagram is one");
    assert_eq!(program(EventLoop::options().replay(&log)), first);
}

#[test]
fn a_task_waits_for_room_behind_queued_sends() {
    let world = Scripted::new();
    world.script.datagram_window(9, 0).takes_datagrams(ms(5), 9, 1).takes_datagrams(ms(8), 9, 1);
    let notes = Notes::default();
    let socket = OwnedUdpSocket::new(UdpSocket::bind(&world.lp, addr(9)).unwrap());
    socket.socket().send_to(b"first".to_vec(), addr(7), notes.outcome("queued"));
    let (shared, lp) = (notes.clone(), world.lp.clone());
    world.lp.spawn(async move {
        socket.send_to(b"second", addr(7)).await.unwrap();
        shared.add(format!("sent at {} ms", lp.elapsed().as_millis()));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "queued ok, sent at 8 ms");
    let sent: Vec<_> = world.script.datagrams_from(9).into_iter().map(|(_, data)| data).collect();
    assert_eq!(sent, [b"first".to_vec(), b"second".to_vec()]);
}

#[cfg(unix)]
#[test]
fn a_task_that_finds_no_buffer_free_tries_again() {
    let world = Scripted::new();
    for _ in 0..3 {
        let number = rustix::io::Errno::NOBUFS.raw_os_error();
        world.script.fails(Call::SendTo, io::Error::from_raw_os_error(number));
    }
    let socket = OwnedUdpSocket::new(UdpSocket::bind(&world.lp, addr(9)).unwrap());
    world.lp.spawn(async move { socket.send_to(b"x", addr(7)).await.unwrap() });
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.script.datagrams_from(9).len(), 1);
}

#[test]
fn errors_reach_the_task_and_it_may_go_on() {
    let world = Scripted::new();
    world.script.fails(Call::RecvFrom, io::ErrorKind::Interrupted.into());
    world.script.fails(Call::RecvFrom, io::ErrorKind::ConnectionRefused.into());
    world.script.datagram(ms(1), 9, addr(7), b"here");
    let notes = Notes::default();
    let socket = OwnedUdpSocket::new(UdpSocket::bind(&world.lp, addr(9)).unwrap());
    let shared = notes.clone();
    world.lp.spawn(async move {
        let mut buffer = [0; 8];
        assert_eq!(socket.recv(&mut buffer).await.unwrap_err().kind(), io::ErrorKind::NotConnected);
        socket.socket().connect(addr(7)).unwrap();
        for _ in 0..2 {
            let received = socket.recv(&mut buffer).await;
            shared
                .add(format!("{:?}", received.map(|received| received.bytes).map_err(|error| error.kind())));
        }
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "Err(ConnectionRefused), Ok(4)");
}

#[test]
fn u3_a_task_that_never_waits_lets_others_have_their_turn_after_32_datagrams() {
    const DATAGRAMS: usize = 70;
    let world = Scripted::new();
    for _ in 0..DATAGRAMS {
        world.script.datagram(ms(1), 9, addr(7), b"x");
    }
    let [received, sent] = std::array::from_fn(|_| Count::default());
    let socket = OwnedUdpSocket::new(UdpSocket::bind(&world.lp, addr(9)).unwrap());
    let counted = received.clone();
    world.lp.spawn(async move {
        for _ in 0..DATAGRAMS {
            socket.recv_from(&mut [0; 8]).await.unwrap();
            counted.add();
        }
    });
    let socket = OwnedUdpSocket::new(UdpSocket::bind(&world.lp, addr(10)).unwrap());
    let counted = sent.clone();
    world.lp.spawn(async move {
        for _ in 0..DATAGRAMS {
            socket.send_to(b"y", addr(7)).await.unwrap();
            counted.add();
        }
    });
    world.run(RunMode::Once);
    let mut steps = vec![(received.get(), sent.get())];
    while world.run(RunMode::Once) {
        steps.push((received.get(), sent.get()));
    }
    steps.push((received.get(), sent.get()));
    steps.dedup();
    let turns = |of: fn(&(usize, usize)) -> usize| {
        let mut seen: Vec<_> = steps.iter().map(of).filter(|count| *count > 0).collect();
        seen.dedup();
        seen
    };
    assert_eq!(turns(|step| step.0), [32, 64, 70]);
    assert_eq!(turns(|step| step.1), [32, 64, 70]);
}

#[test]
fn a_wait_that_is_given_up_or_whose_socket_is_closed_ends() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.datagram(ms(9), 9, addr(7), b"late");
    let socket = UdpSocket::bind(&world.lp, addr(9)).unwrap();
    let (waits, shared) = (socket.clone(), notes.clone());
    world.lp.spawn(async move {
        let socket = OwnedUdpSocket::new(waits);
        let mut buffer = [0; 8];
        let early = timeout(ms(5), socket.recv_from(&mut buffer)).await;
        shared.add(format!("in time: {}", early.is_ok()));
        let received = socket.recv_from(&mut buffer).await.unwrap();
        shared.add(format!("{} bytes", received.bytes));
        let error = socket.recv_from(&mut buffer).await.unwrap_err();
        shared.add(format!("{:?}", error.kind()));
        let error = socket.send_to(b"x", addr(7)).await.unwrap_err();
        shared.add(format!("{:?}", error.kind()));
    });
    let closer = socket.clone();
    world.lp.spawn(async move {
        sleep(ms(20)).await;
        closer.close();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "in time: false, 4 bytes, NotConnected, NotConnected");
    assert!(OwnedUdpSocket::bind(addr(0)).is_err(), "no loop runs here");
}
