//! Descriptors and resets exchanged with sockets that are not ours: those of CPython.

#![cfg(unix)]

mod common;

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::TcpStream as Client;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::rc::Rc;

use common::addr;
use event_loop::{EventLoop, LoopHandle, OwnedUnixStream, ReadEvent, RunMode, TcpListener, UnixStream};

/// Its standard input is a Unix socket. It gets a connection, answers on it in capitals, and sends back both ends of a pipe in
/// which a line waits, behind as many bytes as the line has. Then it connects to the port that it is told and says what came.
const PYTHON: &str = "
import os, socket
s = socket.socket(fileno=0)
s.settimeout(20)
data, fds, flags, _ = socket.recv_fds(s, 100, 8)
assert data == b'one connection' and len(fds) == 1, (data, fds)
c = socket.socket(fileno=fds[0])
c.setblocking(True)
c.sendall(c.recv(100).upper())
c.close()
r, w = os.pipe()
line = b'a line of a pipe'
os.write(w, line)
s.sendall(b'.' * len(line))
socket.send_fds(s, [line], [r, w])
os.close(r)
os.close(w)
port = int(s.recv(100))
try:
    # A reset may be there before the connect is through.
    c = socket.create_connection(('127.0.0.1', port), 20)
    c.recv(100)
    s.sendall(b'an end')
except ConnectionResetError:
    s.sendall(b'a reset')
";

/// Whether there is a CPython that passes descriptors, which 3.9 was the first to do by itself.
fn is_here() -> bool {
    let mut python = Command::new("python3");
    let asked = python.args(["-c", "import socket; socket.send_fds"]).stderr(Stdio::null()).status();
    let here = asked.is_ok_and(|status| status.success());
    if !here {
        println!("skipped: no python3 of 3.9 or later");
    }
    here
}

/// The parent's part; the answer is what the child says of the connection that was reset, or closed.
async fn talk(mut to_child: OwnedUnixStream, connection: OwnedFd, resets: bool) -> String {
    use std::os::fd::AsFd;
    to_child.write_all_with_descriptors(b"one connection", &[connection.as_fd()]).await.unwrap();
    drop(connection);
    let (mut buffer, mut bytes, mut pipe) = ([0; 256], 0, Vec::new());
    while pipe.is_empty() || bytes < 32 {
        let (read, descriptors) = to_child.read_with_descriptors(&mut buffer).await.unwrap();
        assert!(read > 0, "the child has ended");
        bytes += read;
        pipe.extend(descriptors);
    }
    assert_eq!((bytes, pipe.len()), (32, 2));
    // The writing end first: without it the pipe ends behind the line.
    drop(pipe.pop());
    let mut line = String::new();
    std::fs::File::from(pipe.remove(0)).read_to_string(&mut line).unwrap();
    assert_eq!(line, "a line of a pipe");

    let lp = LoopHandle::current().unwrap();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let itself = listener.clone();
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        if resets {
            stream.close_reset().unwrap();
        } else {
            stream.close();
        }
        itself.close();
    });
    to_child.write_all(port.as_bytes()).await.unwrap();
    let read = to_child.read(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

#[test]
fn the_loop_passes_descriptors_to_cpython_and_back_and_cpython_sees_a_reset_as_one() {
    if !is_here() {
        return;
    }
    for (resets, expected) in [(true, "a reset"), (false, "an end")] {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON]).stdin(OwnedFd::from(theirs)).stdout(Stdio::null());
        let mut child = python.spawn().unwrap();
        // The command holds the other end until it is dropped.
        drop(python);
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let mut client = Client::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"hello").unwrap();
        let connection = OwnedFd::from(listener.accept().unwrap().0);
        let to_child = OwnedUnixStream::new(UnixStream::from_std(&lp, ours).unwrap());
        let said = lp.spawn(talk(to_child, connection, resets));
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "HELLO");
        assert_eq!(said.try_take().unwrap().unwrap(), expected);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn what_cpython_sends_without_waiting_is_read_with_its_descriptors() {
    /// A hundred messages, each with its number and a pipe that tells it.
    const FLOOD: &str = "
import os, socket
s = socket.socket(fileno=0)
s.settimeout(20)
for n in range(100):
    r, w = os.pipe()
    os.write(w, b'%d' % n)
    socket.send_fds(s, [b'x' * (n * 50 + 1)], [r])
    os.close(r)
    os.close(w)
";
    if !is_here() {
        return;
    }
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let mut python = Command::new("python3");
    python.args(["-c", FLOOD]).stdin(OwnedFd::from(theirs));
    let mut child = python.spawn().unwrap();
    drop(python);
    let stream = UnixStream::from_std(&lp, ours).unwrap();
    let (seen, itself) = (Rc::new(RefCell::new((0, Vec::new()))), stream.clone());
    let into = seen.clone();
    let read = move |_: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| {
        let (bytes, numbers) = &mut *into.borrow_mut();
        match event {
            ReadEvent::Data(data) => *bytes += data.len(),
            ReadEvent::End => {
                itself.close();
            }
            ReadEvent::Failed(error) => panic!("{error}"),
        }
        for descriptor in descriptors {
            let mut text = String::new();
            std::fs::File::from(descriptor).read_to_string(&mut text).unwrap();
            numbers.push(text.parse::<usize>().unwrap());
        }
    };
    stream.read_start_with_descriptors(read).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert!(child.wait().unwrap().success());
    let (bytes, numbers) = seen.take();
    assert_eq!(bytes, (0..100).map(|n| n * 50 + 1).sum::<usize>());
    assert!(numbers.into_iter().eq(0..100));
}
