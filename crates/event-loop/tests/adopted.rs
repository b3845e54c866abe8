//! Sockets with options, and sockets that somebody else has opened: inherited, handed over, shared by several loops.

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::net::{Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use common::{Count, Notes, addr, ms};
use event_loop::{
    EventLoop, KeepAlive, ListenOptions, LoopHandle, ReadEvent, RunMode, TcpListener, TcpStream,
};

/// Answers every connection with `text` and closes it; after `count` of them the listener closes.
fn greet(listener: &TcpListener, text: &str, count: usize) -> Count {
    let (text, itself, served) = (text.to_owned(), listener.clone(), Count::default());
    let counted = served.clone();
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let closing = stream.clone();
        stream.write(text.clone().into_bytes(), move |_, result| {
            result.unwrap();
            closing.close();
        });
        if served.add() == count {
            itself.close();
        }
    });
    counted
}

/// What a client that blocks hears until the end.
fn hear(server: SocketAddr) -> String {
    let mut text = String::new();
    std::net::TcpStream::connect(server).unwrap().read_to_string(&mut text).unwrap();
    text
}

#[test]
#[cfg(unix)]
fn listeners_with_reuse_port_share_a_port_and_others_may_not() {
    const CLIENTS: usize = 64;
    let loops: [EventLoop; 2] = std::array::from_fn(|_| EventLoop::new().unwrap());
    let shared = ListenOptions::new().reuse_port(true);
    let first = TcpListener::bind_with(&loops[0].handle(), addr(0), shared).unwrap();
    let server = first.local_addr().unwrap();
    let second = TcpListener::bind_with(&loops[1].handle(), server, shared).unwrap();
    let refused = TcpListener::bind(&loops[1].handle(), server, 8).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    let served = [greet(&first, "hello", usize::MAX), greet(&second, "hello", usize::MAX)];
    let clients: Vec<_> = (0..CLIENTS).map(|_| std::net::TcpStream::connect(server).unwrap()).collect();
    while served[0].get() + served[1].get() < CLIENTS {
        assert!(loops.iter().all(|event_loop| event_loop.run(RunMode::NoWait).unwrap()));
    }
    for mut client in clients {
        let mut text = String::new();
        client.read_to_string(&mut text).unwrap();
        assert_eq!(text, "hello");
    }
    if cfg!(target_os = "linux") {
        // That all go to one of them has a chance of 1 in 2^63.
        assert!(served.iter().all(|served| served.get() > 0));
    }
    assert!(first.close() && second.close());
    assert!(!loops.iter().any(|event_loop| event_loop.run(RunMode::Default).unwrap()));
}

#[test]
fn a_listener_for_ipv6_alone_leaves_the_port_to_one_for_ipv4() {
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    if std::net::TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("there is no IPv6 here");
        return;
    }
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let only = |on| TcpListener::bind_with(&lp, any, ListenOptions::new().only_v6(on)).unwrap();
    let mut client = None;
    let (both, alone) = (only(false), only(true));
    for (listener, hears) in [(both, true), (alone, false)] {
        let port = listener.local_addr().unwrap().port();
        assert_eq!(std::net::TcpStream::connect(addr(port)).map(|it| client = Some(it)).is_ok(), hears);
        assert!(std::net::TcpStream::connect((Ipv6Addr::LOCALHOST, port)).is_ok());
        listener.close();
    }
    let refused = TcpListener::bind_with(&lp, addr(0), ListenOptions::new().only_v6(true)).unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn a_stream_connects_from_the_address_that_it_is_given() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let listener = std::net::TcpListener::bind(addr(0)).unwrap();
    let server = listener.local_addr().unwrap();
    let from = SocketAddr::from(([127, 0, 0, if cfg!(target_os = "linux") { 2 } else { 1 }], 0));
    let stream = TcpStream::connect_from(&lp, from, server, notes.outcome("connect")).unwrap();
    // The address of a network for documentation is of no machine.
    let foreign = SocketAddr::from(([192, 0, 2, 1], 0));
    let refused = TcpStream::connect_from(&lp, foreign, server, notes.outcome("foreign")).unwrap();
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let notes = notes.take();
    assert!(notes.contains("connect ok") && notes.contains("foreign AddrNotAvailable"), "{notes}");
    let seen = listener.accept().unwrap().1;
    assert_eq!((seen.ip(), seen), (from.ip(), stream.local_addr().unwrap()));
    assert_eq!(stream.peer_addr().unwrap(), server);
    assert!(stream.close() && refused.close());
    assert_eq!(stream.peer_addr().unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[test]
#[cfg(unix)]
fn a_keep_alive_is_set_and_taken_back_and_zero_is_refused() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = std::net::TcpListener::bind(addr(0)).unwrap();
    let stream =
        TcpStream::connect(&lp, listener.local_addr().unwrap(), |_, result| result.unwrap()).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let duplicate = stream.duplicate().unwrap();
    let system = socket2::SockRef::from(&duplicate);
    assert!(!system.keepalive().unwrap());
    let keep = KeepAlive::after(Duration::from_millis(1_500)).interval(Duration::from_secs(3)).probes(4);
    stream.set_keepalive(Some(keep)).unwrap();
    assert!(system.keepalive().unwrap());
    assert_eq!(system.tcp_keepalive_time().unwrap(), Duration::from_secs(2), "rounded up");
    assert_eq!(system.tcp_keepalive_interval().unwrap(), Duration::from_secs(3));
    assert_eq!(system.tcp_keepalive_retries().unwrap(), 4);
    let second = Duration::from_secs(1);
    for wrong in [
        KeepAlive::after(Duration::ZERO),
        KeepAlive::after(second).interval(Duration::ZERO),
        KeepAlive::after(second).probes(0),
        KeepAlive::after(Duration::MAX),
    ] {
        assert_eq!(stream.set_keepalive(Some(wrong)).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
    stream.set_keepalive(None).unwrap();
    assert!(!system.keepalive().unwrap());
    stream.set_nodelay(true).unwrap();
    assert!(system.tcp_nodelay().unwrap());
    stream.close();
    assert_eq!(stream.set_keepalive(None).unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[test]
fn sockets_of_the_standard_library_are_taken_over() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let standard = std::net::TcpListener::bind(addr(0)).unwrap();
    let server = standard.local_addr().unwrap();
    let listener = TcpListener::from_std(&lp, standard).unwrap();
    assert_eq!(listener.local_addr().unwrap(), server);
    greet(&listener, "hello", 1);
    let client = TcpStream::from_std(&lp, std::net::TcpStream::connect(server).unwrap()).unwrap();
    let all = Rc::new(RefCell::new(Vec::new()));
    let (into, itself) = (all.clone(), client.clone());
    let read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
        ReadEvent::Data(bytes) => into.borrow_mut().extend_from_slice(bytes),
        _ => drop(itself.close()),
    };
    client.read_start(read).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(all.take(), b"hello");
    assert!(lp.handles().is_empty());
    drop(event_loop);
    let late = std::net::TcpListener::bind(addr(0)).unwrap();
    assert_eq!(TcpListener::from_std(&lp, late).unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[cfg(unix)]
mod descriptors {
    use std::os::fd::{AsFd, OwnedFd};
    use std::process::{Command, Stdio};

    use event_loop::{UnixListener, UnixStream};
    use socket2::{Domain, Socket, Type};

    use super::*;

    /// Says which part of a test a child plays.
    const ROLE: &str = "EVENT_LOOP_TEST_ROLE";

    /// What taking over a descriptor in each of the four ways says; `None` where it is taken.
    fn says(lp: &LoopHandle, descriptor: &dyn AsFd) -> [Option<String>; 4] {
        let copy = || descriptor.as_fd().try_clone_to_owned().unwrap();
        let closed =
            |taken: io::Result<bool>| taken.err().map(|error| format!("{:?}: {error}", error.kind()));
        [
            closed(TcpStream::from_fd(lp, copy()).map(|it| it.close())),
            closed(TcpListener::from_fd(lp, copy()).map(|it| it.close())),
            closed(UnixStream::from_fd(lp, copy()).map(|it| it.close())),
            closed(UnixListener::from_fd(lp, copy()).map(|it| it.close())),
        ]
    }

    #[test]
    fn a_descriptor_that_is_something_else_is_refused_and_the_message_says_what_it_is() {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (pair, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        let unbound = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let datagrams = std::net::UdpSocket::bind(addr(0)).unwrap();
        let (pipe, _writer) = io::pipe().unwrap();
        let check = |descriptor: &dyn AsFd, expected: [&str; 4]| {
            for (said, expected) in says(&lp, descriptor).into_iter().zip(expected) {
                let said = said.unwrap_or_default();
                assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{said}");
            }
        };
        check(&stream, ["", "does not listen; a TCP socket that listens is needed", "family", "family"]);
        if cfg!(target_os = "linux") {
            check(&listener, ["listens; a connected TCP socket is needed", "", "family", "family"]);
            check(&unbound, ["NotConnected: ", "does not listen", "family", "family"]);
        }
        check(&pair, ["family", "InvalidInput: descriptor ", "", "does not listen"]);
        check(&datagrams, ["datagrams"; 4]);
        check(&pipe, ["is no socket"; 4]);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert!(lp.handles().is_empty(), "a refused descriptor leaves no handle");
    }

    #[test]
    fn a_child_accepts_from_the_listener_that_its_parent_left_it() {
        if std::env::var(ROLE).is_ok() {
            let event_loop = EventLoop::new().unwrap();
            let inherited = io::stdin().as_fd().try_clone_to_owned().unwrap();
            let listener = TcpListener::from_fd(&event_loop.handle(), inherited).unwrap();
            greet(&listener, &std::process::id().to_string(), 2);
            assert!(!event_loop.run(RunMode::Default).unwrap());
            return;
        }
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let server = listener.local_addr().unwrap();
        let name = "descriptors::a_child_accepts_from_the_listener_that_its_parent_left_it";
        let mut child = Command::new(std::env::current_exe().unwrap());
        let inherited = Stdio::from(OwnedFd::from(listener));
        let mut child = child
            .args(["--exact", name, "--nocapture"])
            .env(ROLE, "1")
            .stdin(inherited)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        for _ in 0..2 {
            assert_eq!(hear(server), child.id().to_string());
        }
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn what_is_taken_over_does_not_block_and_is_not_left_to_children() {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let kept = listener.try_clone().unwrap();
        let taken = TcpListener::from_std(&lp, listener).unwrap();
        assert_eq!(kept.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let duplicate = taken.duplicate().unwrap();
        let flags = rustix::io::fcntl_getfd(&duplicate).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        taken.close();
        assert_eq!(taken.duplicate().unwrap_err().kind(), io::ErrorKind::NotConnected);
    }

    #[test]
    fn a_closed_stream_with_a_duplicate_is_heard_of_no_more_and_may_be_taken_over_again() {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let (stream, other) = UnixStream::pair(&lp).unwrap();
        let copy = stream.duplicate().unwrap();
        stream.read_start(|_, event| panic!("{event:?}")).unwrap();
        stream.close();
        other.write(b"for whom?".to_vec(), |_, result| result.unwrap());
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let again = UnixStream::from_fd(&lp, copy).unwrap();
        let (heard, itself) = (Rc::new(Cell::new(0)), again.clone());
        let count = heard.clone();
        let read = move |_: &LoopHandle, event: ReadEvent<'_>| {
            let ReadEvent::Data(bytes) = event else { panic!("{event:?}") };
            count.set(bytes.len());
            itself.close();
        };
        again.read_start(read).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(heard.get(), 9);
        assert!(other.close());
    }

    #[test]
    fn a_tcp_stream_with_a_duplicate_is_closed_for_the_loop_and_open_for_the_peer() {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = TcpStream::from_std(&lp, listener.accept().unwrap().0).unwrap();
        let copy = std::net::TcpStream::from(stream.duplicate().unwrap());
        stream.close();
        (&client).write_all(b"still there?").unwrap();
        let before = lp.metrics().snapshot(lp.now()).events;
        lp.set_timeout(ms(5), |_| {});
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(lp.metrics().snapshot(lp.now()).events, before, "no edge for a socket that was closed");
        let (mut text, mut reader) = ([0; 32], &copy);
        assert_eq!(reader.read(&mut text).unwrap(), 12);
    }
}
