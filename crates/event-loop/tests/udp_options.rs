//! Options and settings of datagram sockets over the system, groups, and sockets of others.

mod common;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use common::addr;
use event_loop::{EventLoop, UdpSocket};

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
    assert_eq!(common::datagrams(&event_loop, &first, 1), "to all");
    assert_eq!(common::datagrams(&event_loop, &second, 1), "to all");

    first.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
    second.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
    sender.try_send_to(b"to nobody", SocketAddr::from((group, port))).unwrap();
    sender.try_send_to(b"direct", addr(port)).unwrap();
    // On Linux the one that was bound last gets what is sent to the port itself.
    if cfg!(target_os = "linux") {
        assert_eq!(common::datagrams(&event_loop, &second, 1), "direct");
    }
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

#[cfg(target_os = "linux")]
#[test]
fn sockets_that_share_a_port_get_a_part_of_its_senders_each() {
    use event_loop::{LoopHandle, RunMode, UdpEvent};

    const SENDERS: usize = 64;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let shares = UdpSocket::options().reuse_port(true);
    let first = shares.bind(&lp, addr(0)).unwrap();
    let to = first.local_addr().unwrap();
    let second = shares.bind(&lp, to).unwrap();
    let counts: [_; 2] = std::array::from_fn(|_| common::Count::default());
    for (socket, own) in [&first, &second].into_iter().zip(&counts) {
        let (own, all) = (own.clone(), counts.clone());
        let receive = move |lp: &LoopHandle, event: UdpEvent<'_>| {
            if matches!(event, UdpEvent::Datagram { .. }) {
                own.add();
            }
            if all.iter().map(common::Count::get).sum::<usize>() == SENDERS {
                lp.stop();
            }
        };
        socket.recv_start(receive).unwrap();
    }
    let senders: Vec<_> = (0..SENDERS).map(|_| std::net::UdpSocket::bind(addr(0)).unwrap()).collect();
    for sender in &senders {
        sender.send_to(b"x", to).unwrap();
    }
    event_loop.run(RunMode::Default).unwrap();
    assert!(counts.iter().all(|count| count.get() > 0), "{:?}", counts.map(|count| count.get()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_broadcast_needs_its_setting_and_reaches_who_is_bound_to_all_addresses() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let receiver = UdpSocket::bind(&lp, SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0))).unwrap();
    let to_all = SocketAddr::from(([127, 255, 255, 255], receiver.local_addr().unwrap().port()));
    let sender = UdpSocket::new(&lp).unwrap();
    let error = sender.try_send_to(b"x", to_all).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
    sender.set_broadcast(true).unwrap();
    sender.try_send_to(b"to all", to_all).unwrap();
    assert_eq!(common::datagrams(&event_loop, &receiver, 1), "to all");
}

#[cfg(target_os = "linux")]
#[test]
fn what_is_sent_to_a_group_of_ipv6_reaches_its_members() {
    // Groups of the machine itself, on the interface that leads nowhere else; Linux gives it the number 1.
    let (group, interface) = (Ipv6Addr::new(0xff01, 0, 0, 0, 0, 0, 0, 0x7777), 1);
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let member = UdpSocket::new(&lp).unwrap();
    if let Err(error) = member.join_multicast_v6(group, interface) {
        println!("skipped: no groups of IPv6 on this machine's own interface: {error}");
        return;
    }
    let port = member.local_addr().unwrap().port();
    let to = std::net::SocketAddrV6::new(group, port, 0, interface).into();
    let sender = UdpSocket::new(&lp).unwrap();
    sender.set_multicast_interface_v6(interface).unwrap();
    sender.set_multicast_ttl(1).unwrap();
    match sender.try_send_to(b"to all", to) {
        Ok(()) => assert_eq!(common::datagrams(&event_loop, &member, 1), "to all"),
        Err(error) => println!("skipped: no way to groups of IPv6: {error}"),
    }
    member.leave_multicast_v6(group, interface).unwrap();
    member.leave_multicast_v6(group, interface).expect_err("no member any more");
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
    assert_eq!(common::datagrams(&event_loop, &socket, 1), "waits");
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
    assert_eq!(common::datagrams(&event_loop, &heir, 1), "to the heir");
}
