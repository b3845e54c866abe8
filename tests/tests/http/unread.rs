//! Clients that do not read their answer: they lose their connection after the write time, and hold no stop.
//!
//! # Model
//! When exactly a client is given up is told in a scripted world, whose peers make room by the agenda. Two tests
//! show the same on real sockets, with more bytes than the buffers on the way hold.

use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{self, Limits, Server, ServerStats};
use runtime_lab::{RunMode, Runtime, sleep};

use crate::support::{TestServer, start_with};

const WRITE_TIME: Duration = Duration::from_secs(10);
const ANSWER: usize = 100_000;
/// What a peer's window holds before it reads.
const WINDOW: usize = 10_000;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// What a scripted client saw, and when the server forgot it.
struct Seen {
    received: usize,
    stats: ServerStats,
    ended: Duration,
}

/// A client that asks for the answer at 0 s and then reads by the agenda, at a server that stops at `stop`.
fn seen(stop: Duration, agenda: impl FnOnce(&Script)) -> Seen {
    seen_after("GET /large HTTP/1.1\r\nHost: test\r\n\r\n", stop, agenda)
}

/// As [`seen`], for another request.
fn seen_after(request: &str, stop: Duration, agenda: impl FnOnce(&Script)) -> Seen {
    let script = Script::new();
    let begun = script.clock().now();
    script.connects(at(0), Peer(1), 80).window(Peer(1), WINDOW);
    script.sends(at(0), Peer(1), request.as_bytes());
    agenda(&script);
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let server = Server::on("127.0.0.1:80")
        .unwrap()
        .route("/large", |_request| http::text(vec![b'x'; ANSWER]))
        .route("/late", |_request| async {
            sleep(at(20)).await;
            http::text(vec![b'x'; ANSWER])
        })
        .limits(Limits { write_time: WRITE_TIME, ..Limits::default() })
        .serve(&lp)
        .unwrap();
    let stopping = server.clone();
    lp.set_timeout(stop, move |_lp| stopping.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    Seen {
        received: script.received_by(Peer(1)).len(),
        stats: server.stats(),
        ended: script.clock().now() - begun,
    }
}

#[track_caller]
fn assert_given_up(seen: &Seen) {
    assert_eq!((seen.stats.write_timeouts, seen.stats.failed_connections, seen.stats.open), (1, 0, 0));
    assert!(seen.received < ANSWER, "it took all");
}

#[track_caller]
fn assert_served(seen: &Seen) {
    assert_eq!((seen.stats.write_timeouts, seen.stats.failed_connections, seen.stats.open), (0, 0, 0));
    assert!(seen.received > ANSWER, "it took only {} bytes", seen.received);
}

#[test]
fn w4_a_client_that_does_not_read_is_given_up_after_the_write_time() {
    let mut open = Vec::new();
    for stop in [9, 11] {
        // A stop after 9 s starts a last write time; after 11 s there is nothing left to wait for.
        let seen = seen(at(stop), |_script| {});
        assert_given_up(&seen);
        assert_eq!(seen.received, WINDOW);
        open.push(seen.ended);
    }
    assert_eq!(open, [at(19), at(11)]);
}

#[test]
fn w4_a_slow_client_that_reads_is_served() {
    // Eleven windows, 9 s apart: ten times the write time in all, and never without progress for so long.
    let seen = seen(at(100), |script| {
        for window in 1..=10 {
            script.takes(at(window * 9), Peer(1), WINDOW);
        }
    });
    assert_served(&seen);
    assert_eq!(seen.ended, at(100));
}

#[test]
fn w4_the_write_time_begins_anew_with_each_progress() {
    let seen = seen(at(100), |script| {
        script.takes(at(9), Peer(1), WINDOW).takes(at(20), Peer(1), ANSWER);
    });
    assert_given_up(&seen);
    assert_eq!(seen.received, 2 * WINDOW, "it came a second too late");
}

#[test]
fn w3_a_client_that_reads_now_and_then_does_not_hold_the_stop() {
    let seen = seen(at(5), |script| {
        for second in 1..1000 {
            script.takes(at(second), Peer(1), 1);
        }
    });
    assert_given_up(&seen);
    assert_eq!(seen.ended, at(15), "the write time counts from the stop");
}

#[test]
fn w3_a_client_that_takes_its_answer_within_the_write_time_after_the_stop_gets_all() {
    let seen = seen(at(5), |script| {
        script.takes(at(14), Peer(1), ANSWER);
    });
    assert_served(&seen);
    assert_eq!(seen.ended, at(14));
}

#[test]
fn w3_the_time_that_a_route_takes_is_not_the_clients() {
    const HEAD: &str =
        "POST /late HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    // The client takes the "100 Continue" a second after the stop; the route answers long after that write time.
    let seen = seen_after(HEAD, at(5), |script| {
        script.window(Peer(1), 0);
        script.takes(at(6), Peer(1), WINDOW).sends(at(7), Peer(1), b"body").takes(at(30), Peer(1), ANSWER);
    });
    assert_served(&seen);
    assert_eq!((seen.stats.requests, seen.ended), (1, at(30)));
}

/// A real server whose `/large` is more than the buffers on the way hold.
fn server(write_time: Duration) -> TestServer {
    const ENOUGH: usize = 64 * 1024 * 1024;
    let limits = Limits { write_time, ..Limits::default() };
    start_with(
        limits,
        |builder| builder,
        |server: Server| {
            let server = server.route("/ping", |_request| http::text("pong"));
            server.route("/large", |_request| http::text(vec![0; ENOUGH]))
        },
    )
}

#[test]
fn w3_a_client_that_does_not_read_does_not_hold_the_stop() {
    // Long enough that the stop usually finds the answer begun; the scripted tests above do not depend on it.
    let server = server(Duration::from_secs(1));
    let mut lazy = server.connect();
    lazy.ask_for("/large");
    assert_eq!(lazy.answer_to_head().status, 200, "the answer has begun");
    let stats = server.stop().stats;
    assert_eq!((stats.write_timeouts, stats.failed_connections, stats.open), (1, 0, 0));
}

#[test]
fn w4_on_a_real_socket_a_client_that_does_not_read_loses_its_place() {
    let server = server(Duration::from_millis(30));
    let mut lazy = server.connect();
    lazy.ask_for("/large");
    while server.ask(|_lp, server| server.stats().write_timeouts) == 0 {
        server.assert_alive();
    }
    let stats = server.stop().stats;
    assert_eq!((stats.write_timeouts, stats.failed_connections, stats.open), (1, 0, 0));
}
