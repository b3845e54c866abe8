//! How much memory an idle keep-alive connection of the HTTP server takes, to the byte.
//!
//! ```sh
//! cargo test -p lab-tests --test memory -- --nocapture      # prints the figures
//! ```
//!
//! # Model
//! This program counts its allocations. Server and clients share it, and the clients are plain sockets, which allocate
//! nothing once they are there. hyper has two buffers of 8 KiB for each connection, one to read and one to write; they are
//! told by their size. What is left is the loop's, the server's, and hyper's own state.

mod counting;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::channel;
use std::time::Duration;

use counting::{BUFFER_BYTES, Counting, live};
use runtime_lab::http::{self, Server, ServerHandle, ServerStats};
use runtime_lab::{LoopHandle, RemoteHandle, RunMode, Runtime};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const CONNECTIONS: usize = 400;
/// What one may take besides hyper's two buffers.
const LIMIT_BYTES: usize = 4 * 1024;
const HANG: Duration = Duration::from_secs(60);

/// A server on a thread of its own that ends with the process.
fn server() -> (SocketAddr, RemoteHandle) {
    let (started, has_started) = channel();
    let serve = move || {
        let runtime = Runtime::new().unwrap();
        let lp = runtime.handle();
        let server = Server::on("127.0.0.1:0").unwrap().route("/ping", |_request| http::text("pong"));
        let server = server.serve(&lp).unwrap();
        lp.set_data(Rc::new(server.clone()));
        started.send((server.local_addr(), lp.remote())).unwrap();
        runtime.run(RunMode::Default).unwrap();
    };
    std::thread::Builder::new().name("server".into()).spawn(serve).unwrap();
    has_started.recv_timeout(HANG).unwrap()
}

fn stats(remote: &RemoteHandle) -> ServerStats {
    let (answer, answered) = channel();
    let ask = move |lp: &LoopHandle| answer.send(lp.data::<ServerHandle>().unwrap().stats()).unwrap();
    remote.post(ask).unwrap();
    answered.recv_timeout(HANG).unwrap()
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream
}

/// One request and its answer, without an allocation.
fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET /ping HTTP/1.1\r\nHost: test\r\nUser-Agent: memory\r\n\r\n").unwrap();
    let (mut answer, mut length) = ([0; 1024], 0);
    while !answer[..length].ends_with(b"\r\n\r\npong") {
        let read = stream.read(&mut answer[length..]).unwrap();
        assert!(read > 0, "the server ends the connection");
        length += read;
    }
}

#[test]
fn an_idle_connection_takes_less_than_4_kib_besides_hypers_buffers() {
    let (addr, remote) = server();
    // What grows once, and what asking for the counters takes, is there before it counts.
    let mut warm: Vec<TcpStream> = (0..10).map(|_| connect(addr)).collect();
    warm.iter_mut().for_each(ask);
    assert_eq!(stats(&remote).open, warm.len());
    let mut clients = Vec::with_capacity(CONNECTIONS);
    let (bytes_before, buffers_before) = live();
    clients.extend((0..CONNECTIONS).map(|_| connect(addr)));
    clients.iter_mut().for_each(ask);
    let stats = stats(&remote);
    assert_eq!((stats.open, stats.in_work()), (CONNECTIONS + warm.len(), 0));
    let (bytes, buffers) = live();
    let all_bytes = (bytes - bytes_before) / CONNECTIONS;
    let buffer_bytes = (buffers - buffers_before) * BUFFER_BYTES / CONNECTIONS;
    let own_bytes = all_bytes - buffer_bytes;
    println!("an idle connection: {all_bytes} bytes, {buffer_bytes} in hyper's buffers, {own_bytes} else");
    assert!((BUFFER_BYTES..=2 * BUFFER_BYTES + 100).contains(&buffer_bytes), "hyper's buffers have changed");
    assert!(own_bytes < LIMIT_BYTES, "{own_bytes} bytes");
}
