//! Options and settings of datagram sockets over the system, groups, sockets of others, and a peer that is CPython.

mod common;

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Command, Stdio};

use common::{Notes, addr, ms};
use event_loop::{EventLoop, LoopHandle, RunMode, Timer, UdpEvent, UdpSocket};

/// Runs the loop until `socket` has received `count` datagrams, at most for a while, and gives their texts.
fn receive(event_loop: &EventLoop, socket: &UdpSocket, count: usize) -> String {
    let notes = Notes::default();
    let (itself, shared) = (socket.clone(), notes.clone());
    let mut left = count;
    let heard = move |lp: &LoopHandle, event: UdpEvent<'_>| match event {
        UdpEvent::Datagram { data, .. } => {
            shared.add(String::from_utf8_lossy(data));
            left -= 1;
            if left == 0 {
                itself.recv_stop();
                lp.stop();
            }
        }
        UdpEvent::Drained => {}
        UdpEvent::Failed(error) => panic!("{error}"),
    };
    socket.recv_start(heard).unwrap();
    let patience = Timer::new(&event_loop.handle());
    patience.start(ms(10_000), ms(0), |lp| lp.stop()).unwrap();
    event_loop.run(RunMode::Default).unwrap();
    socket.recv_stop();
    patience.close();
    event_loop.run(RunMode::NoWait).unwrap();
    notes.take()
}

#[test]
fn settings_reach_the_socket_of_the_system() {
    let event_loop = EventLoop::new().unwrap();
    let theirs = std::net::UdpSocket::bind(addr(0)).unwrap();
    let ours = UdpSocket::from_std(&event_loop.handle(), theirs.try_clone().unwrap()).unwrap();
    assert_eq!(ours.local_addr().unwrap(), theirs.local_addr().unwrap());
    for on in [true, false] {
        ours.set_broadcast(on).unwrap();
        ours.set_multicast_loop(on).unwrap();
        assert_eq!((theirs.broadcast().unwrap(), theirs.multicast_loop_v4().unwrap()), (on, on));
    }
    ours.set_ttl(17).unwrap();
    ours.set_multicast_ttl(23).unwrap();
    assert_eq!((theirs.ttl().unwrap(), theirs.multicast_ttl_v4().unwrap()), (17, 23));
    ours.set_ttl(256).unwrap_err();
    assert_eq!(theirs.ttl().unwrap(), 17);
    ours.set_recv_buffer_size(64 * 1024).unwrap();
    ours.set_send_buffer_size(64 * 1024).unwrap();
    let size = socket2::SockRef::from(&theirs);
    assert!(size.recv_buffer_size().unwrap() >= 64 * 1024 && size.send_buffer_size().unwrap() >= 64 * 1024);
    ours.join_multicast_v4(Ipv4Addr::new(127, 0, 0, 1), Ipv4Addr::LOCALHOST).unwrap_err();
    ours.leave_multicast_v4(Ipv4Addr::new(239, 1, 2, 3), Ipv4Addr::LOCALHOST).unwrap_err();
}

#[test]
fn settings_of_ipv6_reach_the_socket_of_the_system() {
    let Ok(theirs) = std::net::UdpSocket::bind("[::1]:0") else {
        println!("skipped: no IPv6");
        return;
    };
    let event_loop = EventLoop::new().unwrap();
    let ours = UdpSocket::from_std(&event_loop.handle(), theirs.try_clone().unwrap()).unwrap();
    ours.set_ttl(17).unwrap();
    ours.set_multicast_ttl(23).unwrap();
    ours.set_multicast_loop(false).unwrap();
    let system = socket2::SockRef::from(&theirs);
    assert_eq!((system.unicast_hops_v6().unwrap(), system.multicast_hops_v6().unwrap()), (17, 23));
    assert!(!system.multicast_loop_v6().unwrap());
    // The family of a setting decides what a socket is bound to that was not bound before.
    let unbound = UdpSocket::new(&event_loop.handle()).unwrap();
    unbound.set_multicast_interface_v6(0).unwrap();
    assert!(unbound.local_addr().unwrap().is_ipv6());
    unbound.leave_multicast_v6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x1234), 0).unwrap_err();
}

#[test]
fn what_is_sent_to_a_group_reaches_each_member_until_it_leaves() {
    let group = Ipv4Addr::new(239, 255, 77, 7);
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let first = UdpSocket::options().reuse_address(true).bind(&lp, any).unwrap();
    let port = first.local_addr().unwrap().port();
    let shared = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
    let second = UdpSocket::options().reuse_address(true).bind(&lp, shared).unwrap();
    for member in [&first, &second] {
        if let Err(error) = member.join_multicast_v4(group, Ipv4Addr::LOCALHOST) {
            println!("skipped: no groups on this machine's own interface: {error}");
            return;
        }
    }
    first.join_multicast_v4(group, Ipv4Addr::LOCALHOST).expect_err("a member already");
    let sender = UdpSocket::bind(&lp, addr(0)).unwrap();
    sender.set_multicast_interface_v4(Ipv4Addr::LOCALHOST).unwrap();
    sender.try_send_to(b"to all", SocketAddr::from((group, port))).unwrap();
    assert_eq!(receive(&event_loop, &first, 1), "to all");
    assert_eq!(receive(&event_loop, &second, 1), "to all");

    first.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
    second.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
    sender.try_send_to(b"to nobody", SocketAddr::from((group, port))).unwrap();
    sender.try_send_to(b"direct", addr(port)).unwrap();
    // The one that was bound last gets what is sent to the port itself.
    assert_eq!(receive(&event_loop, &second, 1), "direct");
}

#[test]
fn an_address_or_a_port_is_shared_by_those_who_say_so() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let first = UdpSocket::options().reuse_address(true).bind(&lp, addr(0)).unwrap();
    let taken = first.local_addr().unwrap();
    let error = UdpSocket::bind(&lp, taken).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    UdpSocket::options().reuse_address(true).bind(&lp, taken).unwrap();

    let shares = UdpSocket::options().reuse_port(true);
    match shares.bind(&lp, addr(0)) {
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
            println!("skipped: this system does not share ports out");
        }
        Ok(first) => {
            let second = shares.bind(&lp, first.local_addr().unwrap()).unwrap();
            assert_eq!(second.local_addr().unwrap(), first.local_addr().unwrap());
            assert!(UdpSocket::bind(&lp, first.local_addr().unwrap()).is_err());
        }
    }
}

#[test]
fn a_socket_that_keeps_to_ipv6_leaves_the_port_of_ipv4_free() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let any = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
    let Ok(six) = UdpSocket::options().only_v6(true).bind(&lp, any) else {
        println!("skipped: no IPv6");
        return;
    };
    let port = six.local_addr().unwrap().port();
    UdpSocket::bind(&lp, SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))).unwrap();
    UdpSocket::options().only_v6(true).bind(&lp, addr(0)).expect_err("an address of IPv4");
}

#[test]
fn an_inherited_socket_keeps_its_peer_and_what_waits_in_it() {
    let event_loop = EventLoop::new().unwrap();
    let peer = std::net::UdpSocket::bind(addr(0)).unwrap();
    let inherited = std::net::UdpSocket::bind(addr(0)).unwrap();
    inherited.connect(peer.local_addr().unwrap()).unwrap();
    peer.send_to(b"waits", inherited.local_addr().unwrap()).unwrap();
    let socket = UdpSocket::from_std(&event_loop.handle(), inherited).unwrap();
    assert_eq!(socket.peer_addr().unwrap(), peer.local_addr().unwrap());
    assert_eq!(receive(&event_loop, &socket, 1), "waits");
    socket.try_send(b"back").unwrap();
    let mut buffer = [0; 8];
    assert_eq!(peer.recv(&mut buffer).unwrap(), 4);
    assert!(socket.try_send_to(b"x", peer.local_addr().unwrap()).is_err());
}

#[cfg(unix)]
#[test]
fn a_descriptor_is_taken_over_if_it_is_a_udp_socket_and_its_duplicate_lives_on() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let stream = std::net::TcpListener::bind(addr(0)).unwrap();
    let (unix, _other) = std::os::unix::net::UnixDatagram::pair().unwrap();
    for wrong in [stream.into(), unix.into()] {
        let error = UdpSocket::from_fd(&lp, wrong).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput, "{error}");
    }
    assert!(lp.handles().is_empty());
    UdpSocket::new(&lp).unwrap().duplicate().expect_err("not bound yet");

    let socket = UdpSocket::from_fd(&lp, std::net::UdpSocket::bind(addr(0)).unwrap().into()).unwrap();
    let local = socket.local_addr().unwrap();
    let heir = UdpSocket::from_fd(&lp, socket.duplicate().unwrap()).unwrap();
    socket.recv_start(|_, event| panic!("it is closed: {event:?}")).unwrap();
    socket.close();
    UdpSocket::bind(&lp, addr(0)).unwrap().try_send_to(b"to the heir", local).unwrap();
    assert_eq!(receive(&event_loop, &heir, 1), "to the heir");
}

/// Answers each datagram with its bytes reversed until an empty one comes; ends by itself when nothing does.
const PYTHON_PEER: &str = "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(20)
s.bind(('127.0.0.1', 0))
print(s.getsockname()[1], flush=True)
while True:
    data, sender = s.recvfrom(65536)
    if not data:
        break
    s.sendto(data[::-1], sender)
";

#[test]
fn the_loop_exchanges_datagrams_with_sockets_of_cpython() {
    let started = Command::new("python3").args(["-c", PYTHON_PEER]).stdout(Stdio::piped()).spawn();
    let Ok(mut python) = started else {
        println!("skipped: no python3");
        return;
    };
    let mut line = String::new();
    BufReader::new(python.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let Ok(port) = line.trim().parse() else {
        println!("skipped: no python3 that works");
        drop(python.wait());
        return;
    };
    let event_loop = EventLoop::new().unwrap();
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    for text in ["abc", "hello, snake", "Z"] {
        socket.send_to(text.as_bytes().to_vec(), addr(port), |_, result| result.unwrap());
    }
    assert_eq!(receive(&event_loop, &socket, 3), "cba, ekans ,olleh, Z");
    socket.connect(addr(port)).unwrap();
    socket.try_send(&vec![b'x'; 60_000]).unwrap();
    assert_eq!(receive(&event_loop, &socket, 1).len(), 60_000);
    socket.try_send(b"").unwrap();
    assert!(python.wait().unwrap().success());
}
