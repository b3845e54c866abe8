//! What the server refuses, with which words, and that a client can read them.

use std::time::Duration;

use runtime_lab::http::{self, Limits, Server};

use crate::support::{Client, TestServer, start_with};

fn server(change: impl FnOnce(&mut Limits)) -> TestServer {
    let mut limits = Limits::default();
    change(&mut limits);
    let routes = |server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/size", |request| http::text(format!("{}", request.body().len())))
    };
    start_with(limits, |builder| builder, routes)
}

#[test]
fn garbage_is_400() {
    let server = server(|_limits| ());
    let garbage = [
        "\0\r\n\r\n",
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET /ping HTTP/9.9\r\n\r\n",
        "GET /ping HTTP/1.1\r\nno colon\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: test\r\nContent-Length: many\r\n\r\n",
        "GET /ping HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fffd} a browser that speaks TLS\r\n\r\n",
    ];
    for bytes in garbage {
        let mut client = server.connect();
        assert_eq!(client.send(bytes).answer().status, 400, "{bytes:?}");
        client.assert_ends();
    }
    server.assert_alive();
    let stats = server.stop().stats;
    assert_eq!((stats.failed_connections, stats.requests), (garbage.len() as u64, 1));
}

#[test]
fn a_broken_chunk_is_400() {
    let server = server(|_limits| ());
    let mut client = server.connect();
    client.send("POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n");
    assert_eq!(client.answer().status, 400);
    client.assert_ends();
    server.assert_alive();
    server.stop();
}

#[test]
fn a_head_over_the_limit_is_431_and_can_be_read() {
    let server = server(|limits| limits.head_bytes = 8 * 1024);
    let mut client = server.connect();
    // Far more than the server reads, so that without care the end would be a reset that overtakes the answer.
    let huge = format!("GET /ping HTTP/1.1\r\nHost: test\r\nX-Huge: {}\r\n\r\n", "x".repeat(200 * 1024));
    assert_eq!(client.send(huge).answer().status, 431);
    client.stream().shutdown(std::net::Shutdown::Write).unwrap();
    client.assert_ends();
    server.assert_alive();
    server.stop();
}

#[test]
fn a_target_that_is_too_long_is_414() {
    let server = server(|limits| limits.head_bytes = 128 * 1024);
    let answer = server.connect().get(&format!("/{}", "x".repeat(70_000)));
    assert_eq!(answer.status, 414);
    server.assert_alive();
    server.stop();
}

#[test]
fn too_many_header_fields_are_431() {
    let head = |count: usize| {
        let fields: String = (0..count).map(|number| format!("X-{number}: y\r\n")).collect();
        format!("GET /ping HTTP/1.1\r\n{fields}\r\n")
    };
    // A hundred is what hyper has by itself.
    for headers in [4, 100, 150] {
        let server = server(move |limits| limits.headers = headers);
        assert_eq!(server.connect().send(head(headers)).answer().status, 200);
        assert_eq!(server.connect().send(head(headers + 1)).answer().status, 431);
        server.stop();
    }
}

#[test]
fn a_body_over_the_limit_is_413_whether_announced_or_not() {
    let server = server(|limits| limits.body_bytes = 1000);
    assert_eq!(server.connect().post("/size", &"x".repeat(1000)).text(), "1000");
    // Announced: refused before it is sent.
    let mut client = server.connect();
    client.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 1001\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    // Not announced: refused when it passes the limit.
    let mut client = server.connect();
    client.send("POST /size HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    for _ in 0..3 {
        client.send(&chunk);
    }
    assert_eq!(client.answer().status, 413);
    assert_eq!(server.stop().stats.too_large, 2);
}

#[test]
fn a_client_that_sends_on_can_read_why_it_was_refused() {
    let server = server(|limits| limits.body_bytes = 1000);
    for path in ["/size", "/missing"] {
        let mut client = server.connect();
        let expected = if path == "/size" { 413 } else { 404 };
        assert_eq!(client.post(path, &"x".repeat(300_000)).status, expected);
        client.stream().shutdown(std::net::Shutdown::Write).unwrap();
        client.assert_ends();
    }
    server.assert_alive();
    server.stop();
}

#[test]
fn half_a_head_and_then_nothing_ends_the_connection() {
    let server = server(|limits| limits.head_time = Duration::from_millis(30));
    for half in ["", "G", "GET /ping HTTP/1.1\r\n", "GET /ping HTTP/1.1\r\nHost: test\r\n"] {
        let mut client = server.connect();
        client.send(half).assert_ends();
    }
    assert_eq!(server.stop().stats.head_timeouts, 4);
}

#[test]
fn an_idle_connection_is_closed_after_the_head_time() {
    // Long enough that the request comes in time on any machine.
    let server = server(|limits| limits.head_time = Duration::from_secs(1));
    let mut client = server.connect();
    assert_eq!(client.get("/ping").text(), "pong");
    client.assert_ends();
    let stats = server.stop().stats;
    assert_eq!((stats.head_timeouts, stats.failed_connections, stats.requests), (1, 0, 1));
}

#[test]
fn half_a_body_and_then_nothing_is_408() {
    let server = server(|limits| limits.body_time = Duration::from_millis(30));
    let mut client = server.connect();
    client.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!(client.answer().status, 408);
    client.stream().shutdown(std::net::Shutdown::Write).unwrap();
    client.assert_ends();
    assert_eq!(server.stop().stats.too_slow, 1);
}

/// A refused request, whose client has read why, and the server's side ended.
fn refused(server: &TestServer) -> Client {
    let mut client = server.connect();
    client.send("POST /size HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    client.assert_ends();
    client
}

#[test]
fn a_refused_client_may_send_on_until_it_ends() {
    let server = server(|limits| limits.body_bytes = 10);
    let mut client = refused(&server);
    for _ in 0..10 {
        // A reset would have made the second of these fail.
        client.send("x".repeat(1000));
        assert_eq!(server.ask(|_lp, server| server.stats().open), 1);
    }
    drop(client);
    while server.ask(|_lp, server| server.stats().open) > 0 {
        server.assert_alive();
    }
    server.stop();
}

#[test]
fn a_refused_client_that_sends_without_end_is_cut_off() {
    use std::io::Write;
    let server = server(|limits| limits.body_bytes = 10);
    let client = refused(&server);
    let mut sent_bytes = 0_u64;
    while client.stream().write_all(&[b'x'; 64 * 1024]).is_ok() {
        sent_bytes += 64 * 1024;
        assert!(sent_bytes < 1 << 30, "the server reads for ever what it has refused");
    }
    server.assert_alive();
    server.stop();
}

#[test]
fn a_refused_client_that_stays_silent_is_given_up() {
    let change = |limits: &mut Limits| {
        limits.body_bytes = 10;
        limits.body_time = Duration::from_millis(30);
    };
    let server = server(change);
    let _silent = refused(&server);
    while server.ask(|_lp, server| server.stats().open) > 0 {
        server.assert_alive();
    }
    server.stop();
}

#[test]
fn w3_a_refused_client_that_stays_silent_does_not_hold_the_stop() {
    // Its time is far longer than this test may take.
    let change = |limits: &mut Limits| {
        limits.body_bytes = 10;
        limits.body_time = Duration::from_secs(3600);
    };
    let server = server(change);
    let _silent = refused(&server);
    let stats = server.stop().stats;
    assert_eq!((stats.open, stats.too_large), (0, 1));
}

#[test]
fn w2_a_connection_over_the_limit_is_closed_at_once_and_a_place_that_is_free_is_given_again() {
    let server = server(|limits| limits.connections = 2);
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!((first.get("/ping").status, second.get("/ping").status), (200, 200));
    for _ in 0..3 {
        server.connect().assert_ends();
    }
    assert_eq!(second.get("/ping").status, 200, "those inside are served on");
    first.send("GET /ping HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    first.answer();
    first.assert_ends();
    assert_eq!(server.connect().get("/ping").status, 200);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.turned_away, stats.open), (3, 3, 0));
}

#[test]
fn an_address_that_makes_no_sense_or_is_taken_is_refused_in_words() {
    use runtime_lab::{LoopError, Runtime, http::HttpError};
    let error = Server::on("nonsense").err().expect("no address").to_string();
    assert_eq!(error, "\"nonsense\" is not an address to listen on; write it like 127.0.0.1:8080");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let runtime = Runtime::new().unwrap();
    let error = Server::on(addr).unwrap().serve(&runtime.handle()).err().expect("a taken port");
    let HttpError::Listen { cause, .. } = &error else { panic!("{error:?}") };
    let words = error.to_string();
    assert_eq!(words.matches(&cause.to_string()).count(), 1, "{words}");
    assert!(words.contains(&addr.to_string()) && words.contains("another process has this port"), "{words}");
    assert!(std::error::Error::source(&error).is_none(), "the text has said it already");
    let ended: Result<bool, LoopError> = runtime.run(runtime_lab::RunMode::Default);
    assert!(!ended.unwrap(), "a server that does not listen does not hold the loop");
}
