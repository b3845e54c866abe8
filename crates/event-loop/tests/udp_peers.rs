//! Datagrams exchanged with sockets that are not ours: those of CPython and Node.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use common::addr;
use event_loop::{EventLoop, UdpSocket};

/// Says its port, answers each datagram with its bytes reversed, ends when an empty one comes or none does.
const PYTHON: &str = "
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

/// The same.
const NODE: &str = "
const socket = require('dgram').createSocket('udp4');
const late = setTimeout(() => process.exit(1), 20000);
socket.on('message', (data, sender) => {
    if (data.length === 0) {
        clearTimeout(late);
        socket.close();
    } else {
        socket.send(Buffer.from(data).reverse(), sender.port, sender.address);
    }
});
socket.bind(0, '127.0.0.1', () => console.log(socket.address().port));
";

/// A peer and its port, if the program is here and works.
fn start(program: &str, code: [&str; 2]) -> Option<(Child, u16)> {
    let mut peer = Command::new(program).args(code).stdout(Stdio::piped()).spawn().ok()?;
    let mut line = String::new();
    BufReader::new(peer.stdout.take()?).read_line(&mut line).ok()?;
    match line.trim().parse() {
        Ok(port) => Some((peer, port)),
        Err(_) => {
            drop(peer.wait());
            None
        }
    }
}

fn exchange(mut peer: Child, port: u16) {
    let event_loop = EventLoop::new().unwrap();
    let socket = UdpSocket::new(&event_loop.handle()).unwrap();
    for text in ["abc", "hello, snake", "Z"] {
        socket.send_to(text.as_bytes().to_vec(), addr(port), |_, result| result.unwrap());
    }
    assert_eq!(common::datagrams(&event_loop, &socket, 3), "cba, ekans ,olleh, Z");
    socket.connect(addr(port)).unwrap();
    socket.try_send(&vec![b'x'; 60_000]).unwrap();
    assert_eq!(common::datagrams(&event_loop, &socket, 1).len(), 60_000);
    socket.try_send(b"").unwrap();
    assert!(peer.wait().unwrap().success());
}

#[test]
fn the_loop_exchanges_datagrams_with_sockets_of_cpython() {
    match start("python3", ["-c", PYTHON]) {
        Some((peer, port)) => exchange(peer, port),
        None => println!("skipped: no python3"),
    }
}

#[test]
fn the_loop_exchanges_datagrams_with_sockets_of_node() {
    match start("node", ["-e", NODE]) {
        Some((peer, port)) => exchange(peer, port),
        None => println!("skipped: no node"),
    }
}
