//! Clients that send nonsense, go away in the middle, or are killed: the others do not notice.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use proptest::prelude::*;
use runtime_lab::http::{self, Limits, Server};
use runtime_lab::{BlockingPool, JobKind, offload};

use crate::support::{Client, HANG, TestServer, command_for, role, start, start_with};

fn echo_server() -> TestServer {
    start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/echo", |request| http::text(request.body().to_vec()))
            .route("/large", |_request| http::text(vec![b'x'; 1024 * 1024]))
    })
}

/// Asks until the server has no other connection than the one it is asked on.
fn until_alone(server: &TestServer) {
    while server.ask(|_lp, server| server.stats().open) > 0 {
        server.assert_alive();
    }
}

#[test]
fn a_client_that_goes_in_the_middle_is_forgotten() {
    let server = echo_server();
    for half in ["GET /pi", "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf"] {
        let mut client = server.connect();
        client.send(half);
        drop(client);
    }
    until_alone(&server);
    assert_eq!(server.stop().stats.failed_connections, 2);
}

#[test]
fn a_client_that_resets_is_forgotten() {
    let server = echo_server();
    for request in
        ["GET /ping HTTP/1.1\r\nHost: test\r\n\r\n", "GET /large HTTP/1.1\r\nHost: test\r\n\r\n", "GET"]
    {
        let mut client = server.connect();
        client.send(request);
        // No linger means that closing discards what is on its way and sends a reset.
        rustix::net::sockopt::set_socket_linger(client.stream(), Some(std::time::Duration::ZERO)).unwrap();
        drop(client);
    }
    until_alone(&server);
    server.stop();
}

#[test]
fn a_client_that_does_not_read_holds_only_itself() {
    let server = echo_server();
    let mut lazy = server.connect();
    // More than the buffers on the way can hold, so that the server cannot write it all.
    for _ in 0..8 {
        lazy.ask_for("/large");
    }
    for _ in 0..20 {
        server.assert_alive();
    }
    for _ in 0..8 {
        assert_eq!(lazy.answer().body.len(), 1024 * 1024, "and it gets all when it reads at last");
    }
    server.stop();
}

#[test]
fn a_client_that_is_killed_in_the_middle_is_forgotten() {
    const TEST: &str = "hostile::a_client_that_is_killed_in_the_middle_is_forgotten";
    if let Some(addr) = role() {
        // The client: half a request, word to the parent, and then nothing until it is killed.
        let mut client = Client::to(addr.parse::<SocketAddr>().unwrap());
        client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
        println!("\nsent");
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
        return;
    }
    let server = echo_server();
    let mut command = command_for(TEST, &server.addr.to_string());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.into_iter().any(|line| line == "sent"));
    assert_eq!(server.ask(|_lp, server| server.stats().open), 1);
    child.kill().unwrap();
    child.wait().unwrap();
    until_alone(&server);
    assert_eq!(server.stop().stats.failed_connections, 1);
}

#[test]
fn a_client_that_goes_takes_its_queued_job_along() {
    let pool = BlockingPool::builder().threads(1).build().unwrap();
    let (release, released) = channel::<()>();
    pool.submit(JobKind::Cpu, "busy", move || released.recv().is_err(), drop).unwrap();
    let (begun, has_begun) = channel();
    let runs = Arc::new(AtomicUsize::new(0));
    let (shared, counter) = (pool.clone(), runs.clone());
    let server = start_with(
        Limits::default(),
        move |builder| builder.shared_pool(shared),
        move |server: Server| {
            server.route("/ping", |_request| http::text("pong")).route("/offload", move |_request| {
                let counter = counter.clone();
                let work = offload(move || counter.fetch_add(1, Ordering::SeqCst));
                let begun = begun.clone();
                async move {
                    let work = std::future::IntoFuture::into_future(work);
                    begun.send(()).unwrap();
                    http::text(format!("{:?}", work.await))
                }
            })
        },
    );
    let mut client = server.connect();
    client.ask_for("/offload");
    has_begun.recv().unwrap();
    drop(client);
    until_alone(&server);
    drop(release);
    let (done, is_done) = channel();
    pool.submit(JobKind::Cpu, "marker", move || done.send(()).unwrap(), drop).unwrap();
    is_done.recv().unwrap();
    assert_eq!(runs.load(Ordering::SeqCst), 0);
    server.stop();
}

/// Bytes that are often almost a request.
fn almost_requests() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"GET ",
        b"POST ",
        b"/ping",
        b"/echo",
        b"/large",
        b"*",
        b" HTTP/1.1\r\n",
        b" HTTP/1.0\r\n",
        b"Host: test\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close\r\n",
        b"Upgrade: h2c\r\nConnection: upgrade\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
        b"GET /ping HTTP/1.1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    let word = prop::sample::select(words).prop_map(<[u8]>::to_vec);
    let noise = prop::collection::vec(any::<u8>(), 0..64);
    let piece = prop_oneof![8 => word, 1 => noise];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

#[test]
fn random_bytes_never_kill_the_server() {
    let server = echo_server();
    let config = ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let outcome = runner.run(&(almost_requests(), any::<prop::sample::Index>()), |(bytes, cut)| {
        let mut stream = TcpStream::connect(server.addr).unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        // In two pieces; the server may have ended the connection before the second.
        let (first, second) = bytes.split_at(cut.index(bytes.len() + 1));
        let _ = stream.write_all(first).and_then(|()| stream.write_all(second));
        let _ = stream.shutdown(Shutdown::Write);
        let mut answers = Vec::new();
        let read = stream.read_to_end(&mut answers);
        let timed_out = read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        prop_assert!(!timed_out, "the server neither answers nor ends the connection");
        prop_assert!(answers.is_empty() || answers.starts_with(b"HTTP/1."), "{:?}", answers);
        let ping = server.connect().get("/ping");
        prop_assert_eq!(ping.text(), "pong");
        Ok(())
    });
    outcome.unwrap();
    let ended = server.stop();
    assert_eq!((ended.stats.open, ended.stats.panics, ended.metrics.panics), (0, 0, 0));
}
