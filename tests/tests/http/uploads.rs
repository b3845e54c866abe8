//! Bodies of requests that are read while they come: order, back-pressure, limits, and routes that do not read.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{self, BodyError, Limits, Request, RequestBody, Response, Server};
use runtime_lab::{RunMode, Runtime, sleep};

use crate::support::{TestServer, start_with};

/// How long the body is, and the sum of its bytes.
async fn weigh(_request: Request, mut body: RequestBody) -> Result<Response, Response> {
    let (mut length, mut sum) = (0, 0);
    while let Some(chunk) = body.chunk().await? {
        length += chunk.len();
        sum += chunk.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    Ok(http::text(format!("{length} {sum}")))
}

fn server(change: impl FnOnce(&mut Limits)) -> TestServer {
    let mut limits = Limits::default();
    change(&mut limits);
    let routes = |server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route_streaming("POST /weigh", weigh)
            .route_streaming("POST /echo", |_request, body| {
                let announced = body.announced_bytes();
                let echo = http::stream(|sender| async move {
                    let mut body = body;
                    while let Some(chunk) = body.chunk().await? {
                        sender.send(chunk).await?;
                    }
                    Ok(())
                });
                match announced {
                    Some(bytes) => echo.length(bytes),
                    None => echo,
                }
            })
            .route_streaming("POST /ignore", |_request, _body| http::text("ignored"))
            .route_streaming("POST /whole", |_request, body| async move {
                match body.whole().await {
                    Ok(body) => http::text(body),
                    Err(error) => error.into(),
                }
            })
    };
    start_with(limits, |builder| builder, routes)
}

fn post_in_chunks(path: &str, chunks: &[&str]) -> String {
    let body: String = chunks.iter().map(|chunk| format!("{:x}\r\n{chunk}\r\n", chunk.len())).collect();
    format!("POST {path} HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n{body}0\r\n\r\n")
}

#[test]
fn a_body_is_read_in_pieces_by_length_and_in_chunks() {
    let server = server(|_limits| ());
    let mut client = server.connect();
    assert_eq!(client.post("/weigh", &"a".repeat(500_000)).text(), format!("500000 {}", 500_000 * 97));
    assert_eq!(client.post("/weigh", "").text(), "0 0");
    client.send(post_in_chunks("/weigh", &["a", "bc"]));
    assert_eq!(client.answer().text(), format!("3 {}", 97 + 98 + 99));
    client.send(post_in_chunks("/whole", &["one ", "two ", "three"]));
    assert_eq!(client.answer().text(), "one two three");
    assert_eq!(client.get("/ping").text(), "pong", "on the same connection");
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.requests, stats.answered), (1, 5, 5));
}

#[test]
fn a_body_may_come_back_before_it_has_ended() {
    let server = server(|_limits| ());
    let mut client = server.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for part in ["first", "second"] {
        client.send(format!("{:x}\r\n{part}\r\n", part.len()));
        if part == "first" {
            assert_eq!(client.answer_to_head().status, 200);
        }
        assert_eq!(client.chunk(), part.as_bytes(), "while the request goes on");
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.chunk(), b"");
    assert_eq!(client.post("/echo", "by length").text(), "by length");
    server.stop();
}

#[test]
fn the_limits_are_those_of_whole_bodies() {
    let patient = server(|limits| limits.body_bytes = 1000);
    // Announced: refused before it is sent.
    let mut client = patient.connect();
    client.send("POST /weigh HTTP/1.1\r\nHost: test\r\nContent-Length: 1001\r\n\r\n");
    assert_eq!(client.answer().status, 413);
    // Not announced: refused when it passes the limit.
    let mut client = patient.connect();
    client.send(post_in_chunks("/weigh", &["x".repeat(900).as_str(), "x".repeat(900).as_str()]));
    assert_eq!(client.answer().status, 413);
    // No chunk at all.
    let mut client = patient.connect();
    client.send("POST /weigh HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    assert_eq!(client.answer().status, 400);
    patient.assert_alive();
    let stats = patient.stop().stats;
    assert_eq!((stats.too_large, stats.open, stats.ended()), (2, 0, stats.accepted));
    let hurried = server(|limits| limits.body_time = Duration::from_millis(30));
    // Half of it, and then nothing.
    let mut client = hurried.connect();
    client.send("POST /weigh HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    assert_eq!(client.answer().status, 408);
    let stats = hurried.stop().stats;
    assert_eq!((stats.too_slow, stats.open, stats.ended()), (1, 0, stats.accepted));
}

#[test]
fn a_route_that_does_not_read_lets_its_client_read_the_answer() {
    let server = server(|_limits| ());
    let mut client = server.connect();
    assert_eq!(client.post("/ignore", &"x".repeat(300_000)).text(), "ignored");
    server.assert_alive();
    server.stop();
}

/// A client that sends `sent` at once to a route that reads a chunk, does something else for a while, and reads the rest.
fn read_slowly(pause: Duration, late: Option<Duration>) -> (usize, Result<usize, BodyError>) {
    let script = Script::new();
    let begun = script.clock().now();
    script.connects(Duration::ZERO, Peer(1), 80);
    script.sends(Duration::ZERO, Peer(1), b"POST / HTTP/1.1\r\nHost: test\r\nContent-Length: 200000\r\n\r\n");
    script.sends(Duration::ZERO, Peer(1), &[b'x'; 150_000]);
    script.sends(late.unwrap_or(Duration::ZERO), Peer(1), &[b'x'; 50_000]);
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let (first, outcome) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(Err(BodyError::Broken))));
    let (first_seen, outcome_seen) = (first.clone(), outcome.clone());
    let route = move |_request, mut body: RequestBody| {
        let (first, outcome) = (first.clone(), outcome.clone());
        async move {
            let chunk = body.chunk().await?.expect("a first chunk");
            first.set(chunk.len());
            sleep(pause).await;
            let rest = body.whole().await;
            outcome.set(rest.map(|rest| rest.len()));
            Ok::<Response, Response>(http::text("read"))
        }
    };
    let limits = Limits { body_time: Duration::from_secs(10), ..Limits::default() };
    let server = Server::on("127.0.0.1:80").unwrap().route_streaming("/", route).limits(limits);
    let server = server.serve(&lp).unwrap();
    lp.set_timeout(Duration::from_secs(100), move |_lp| server.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert!(script.clock().now() > begun);
    (first_seen.get(), outcome_seen.get())
}

#[test]
fn the_time_that_counts_is_the_clients() {
    let seconds = Duration::from_secs;
    // The route takes its time: nothing is lost, and no more than a buffer was read ahead.
    let (first, rest) = read_slowly(seconds(60), None);
    assert!(first <= 64 * 1024, "{first} bytes in one chunk");
    assert_eq!(rest, Ok(200_000 - first));
    // The client takes its time.
    assert!(read_slowly(Duration::ZERO, Some(seconds(9))).1.is_ok());
    assert_eq!(read_slowly(Duration::ZERO, Some(seconds(11))).1, Err(BodyError::TooSlow));
}
