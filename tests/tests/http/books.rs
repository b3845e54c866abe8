//! The books balance: under abuse of every kind each connection and each request ends in exactly one column.

use std::time::Duration;

use runtime_lab::http::{self, Event, Limits, Server, ServerStats};
use runtime_lab::yield_now;

use crate::support::{Client, TestServer, start_with};

fn server(change: impl FnOnce(&mut Limits)) -> TestServer {
    let mut limits = Limits { body_bytes: 100_000, ..Limits::default() };
    change(&mut limits);
    let routes = |server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/later", |_request| async {
                yield_now().await;
                http::text("later")
            })
            .route("/never", |_request| std::future::pending::<http::Response>())
            .route("/panic", |_request| -> http::Response { panic!("this route panics, as it should") })
            .route("/large", |_request| http::text(vec![b'x'; 8 * 1024 * 1024]))
            .route("/echo", |request| http::text(request.body().to_vec()))
            .route_streaming("/upload", |_request, body| async move {
                body.whole().await.map_or_else(http::Response::from, http::text)
            })
            .route("/stream", |_request| {
                http::stream(|sender| async move {
                    loop {
                        sender.send(vec![0; 1024]).await?;
                        yield_now().await;
                    }
                })
            })
            .route("/events", |_request| {
                http::events(|sender| async move {
                    sender.send(Event::data("hello")).await?;
                    std::future::pending().await
                })
            })
    };
    start_with(limits, |builder| builder, routes)
}

#[track_caller]
fn assert_balanced(stats: &ServerStats) {
    assert_eq!(stats.accepted, stats.open as u64 + stats.ended(), "{stats:?}");
    assert_eq!(stats.requests, stats.answered + stats.abandoned + stats.in_work(), "{stats:?}");
}

/// Looks at the books while the server works, until no connection is open, and once more at its end.
fn settle(server: TestServer) -> ServerStats {
    loop {
        let stats = server.ask(|_lp, server| server.stats());
        assert_balanced(&stats);
        if stats.open == 0 {
            break;
        }
        std::thread::yield_now();
    }
    server.assert_alive();
    let stats = server.stop().stats;
    assert_balanced(&stats);
    assert_eq!((stats.open, stats.in_work(), stats.dropped), (0, 0, 0), "{stats:?}");
    stats
}

/// How far a client goes before it leaves, and what it had asked for.
const STATES: [&str; 14] = [
    "",
    "G",
    "GET /ping HTTP/1.1\r\nHost: te",
    "GET /ping HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /later HTTP/1.1\r\nHost: test\r\n\r\nGET /later HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /never HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /never HTTP/1.1\r\nHost: test\r\n\r\nGET /ping HTTP/1.1\r\n\r\n",
    "GET /large HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: test\r\n\r\n",
    "GET /events HTTP/1.1\r\nHost: test\r\n\r\n",
    "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf",
    "POST /upload HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
    "GET /panic HTTP/1.1\r\nHost: test\r\n\r\n",
];

#[test]
fn w8_a_reset_or_an_end_in_every_state_is_counted_once() {
    let server = server(|limits| limits.write_time = Duration::from_millis(200));
    for round in 0..5 {
        for state in STATES {
            for resets in [true, false] {
                let mut client = server.connect();
                client.send(state);
                // Half of the time the server has begun; the other half is a race, and any outcome is fine.
                if round % 2 == 0 && state.ends_with("\r\n\r\n") && !state.contains("never") {
                    client.line();
                }
                match resets {
                    true => client.reset(),
                    false => drop(client),
                }
            }
        }
    }
    // A route that never answers learns of its client's end only when nothing waits unread in front of that end; those
    // that pipelined a request behind it are cut by a stop.
    let stats = loop {
        let stats = server.ask(|_lp, server| server.stats());
        assert_balanced(&stats);
        if stats.open as u64 == stats.in_work() && stats.open <= 10 {
            break stats;
        }
        std::thread::yield_now();
    };
    assert_eq!(stats.accepted, 5 * 2 * STATES.len() as u64);
    server.assert_alive();
    let (told, is_told) = std::sync::mpsc::channel();
    server.ask(move |_lp, server| {
        let stopped = server.stop_within(Duration::from_millis(50));
        stopped.then(move |_lp, stats| told.send(stats).unwrap());
    });
    let stats = is_told.recv_timeout(crate::support::HANG).unwrap();
    server.ended();
    assert_balanced(&stats);
    assert_eq!((stats.open, stats.in_work()), (0, 0), "{stats:?}");
    assert!(stats.failed_connections > 0 && stats.finished > 0 && stats.abandoned > 0, "{stats:?}");
}

#[test]
fn w8_garbage_and_what_is_too_large_is_counted_once() {
    let server = server(|_limits| ());
    let huge_head = format!("GET /ping HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many_fields = format!("GET /ping HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(200));
    let huge_body = format!("POST /echo HTTP/1.1\r\nContent-Length: 200000\r\n\r\n{}", "x".repeat(200_000));
    let huge_chunk = format!(
        "POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n30d40\r\n{}\r\n0\r\n\r\n",
        "x".repeat(200_000)
    );
    let abuse = [
        ("\0\0\0\0\r\n\r\n", 400),
        ("GET /ping HTTP/1.1\r\nbad field\r\n\r\n", 400),
        (huge_head.as_str(), 431),
        (many_fields.as_str(), 431),
        (huge_body.as_str(), 413),
        (huge_chunk.as_str(), 413),
        ("POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\n", 400),
        ("POST /upload HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX", 400),
        ("POST /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
        ("POST /missing HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", 404),
    ];
    for (bytes, expected) in abuse {
        let mut client = server.connect();
        client.send(bytes);
        assert_eq!(client.answer_to_head().status, expected, "{}", &bytes[..bytes.len().min(80)]);
    }
    let stats = settle(server);
    assert_eq!((stats.too_large, stats.abandoned), (2, 0));
}

const EACH: usize = 20;

/// So many clients that send this and then nothing.
fn connect(server: &TestServer, request: &str) -> Vec<Client> {
    let client = |_| {
        let mut client = server.connect();
        client.send(request);
        client
    };
    (0..EACH).map(client).collect()
}

#[test]
fn w8_clients_that_are_slow_with_the_head_are_counted_as_such() {
    let server = server(|limits| limits.head_time = Duration::from_millis(300));
    let _heads = connect(&server, "GET /ping HTTP/1.1\r\nHost:");
    let _silent = connect(&server, "");
    let stats = settle(server);
    assert!(stats.head_timeouts >= 2 * EACH as u64, "{stats:?}");
    assert_eq!(stats.requests, 1, "the one that looks whether it is alive");
}

#[test]
fn w8_slow_readers_and_writers_are_counted_by_the_limit_that_ended_them() {
    let change = |limits: &mut Limits| {
        limits.body_time = Duration::from_millis(50);
        limits.write_time = Duration::from_millis(50);
    };
    let server = server(change);
    let _bodies = connect(&server, "POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    let _uploads = connect(&server, "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    let _answers = connect(&server, "GET /large HTTP/1.1\r\nHost: test\r\n\r\n");
    let _streams = connect(&server, "GET /stream HTTP/1.1\r\nHost: test\r\n\r\n");
    let (stats, each) = (settle(server), EACH as u64);
    assert_eq!((stats.too_slow, stats.write_timeouts), (2 * each, 2 * each), "{stats:?}");
    assert_eq!(stats.abandoned, each, "the streams; the large answers were handed over whole: {stats:?}");
}

#[test]
fn w8_a_flood_of_connections_over_the_limit_is_turned_away_and_the_rest_is_served() {
    let server = server(|limits| limits.connections = 50);
    // Half of a head each; those over the limit are closed at once.
    let flood: Vec<Client> = (0..200)
        .map(|_| {
            let client = server.connect();
            // It may be closed already.
            let _ = std::io::Write::write_all(&mut client.stream(), b"GET /ping HTTP/1.1\r\n");
            client
        })
        .collect();
    while server.ask(|_lp, server| server.stats().turned_away) < 150 {
        std::thread::yield_now();
    }
    drop(flood);
    let stats = settle(server);
    assert_eq!((stats.accepted, stats.turned_away, stats.failed_connections), (51, 150, 50));
}

#[test]
fn w8_a_flood_of_pipelined_requests_is_answered_or_abandoned() {
    let server = server(|_limits| ());
    let burst = "GET /later HTTP/1.1\r\nHost: test\r\n\r\n".repeat(2000);
    for reads in [2000, 10, 0] {
        let mut client = server.connect();
        client.send(&burst);
        for _ in 0..reads {
            assert_eq!(client.answer().text(), "later");
        }
        client.reset();
    }
    let stats = settle(server);
    assert!(stats.answered >= 2011, "{stats:?}");
}

#[test]
fn w8_connections_that_are_open_when_the_loop_ends_are_counted_as_dropped() {
    let runtime = runtime_lab::Runtime::new().unwrap();
    let lp = runtime.handle();
    let server = Server::on("127.0.0.1:0")
        .unwrap()
        .route("/stop", |_request| {
            runtime_lab::LoopHandle::current().unwrap().stop();
            std::future::pending::<http::Response>()
        })
        .serve(&lp)
        .unwrap();
    let mut client = Client::to(server.local_addr());
    client.ask_for("/stop");
    assert!(runtime.run(runtime_lab::RunMode::Default).unwrap());
    drop((lp, runtime));
    let stats = server.stats();
    assert_balanced(&stats);
    assert_eq!((stats.accepted, stats.dropped, stats.abandoned), (1, 1, 1));
    client.assert_ends();
}
