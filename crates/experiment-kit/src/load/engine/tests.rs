//! The client against real servers: honest, broken, standing still, and none at all.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Condvar, Mutex};

use super::*;
use crate::load::StreamSpec;

/// A server with a thread for each connection; `answer` gets the path and the connection to write to, and
/// says whether to keep it.
fn serve(answer: impl Fn(&str, &mut TcpStream) -> bool + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut writer = stream.try_clone().unwrap();
                let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
                while let Some(request) = lines.next() {
                    while lines.next().is_some_and(|header| !header.is_empty()) {}
                    let path = request.split(' ').nth(1).unwrap_or_default();
                    if !answer(path, &mut writer) {
                        return;
                    }
                }
            });
        }
    });
    addr
}

fn ok(to: &mut TcpStream, body: &str) -> bool {
    write!(to, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).is_ok()
}

fn spec(addr: SocketAddr, streams: &[(&str, usize)]) -> ActSpec {
    let streams = streams.iter().map(|&(path, count)| StreamSpec::new(path, count)).collect();
    ActSpec {
        addr,
        seed: 1,
        length_ms: 20.0,
        streams,
        warm_connections: 2,
        max_connections: 64,
        timeout_ms: 60_000.0,
    }
}

fn run(spec: &ActSpec) -> Result<(Vec<Sample>, Vec<Failure>, Totals), String> {
    let (mut all, mut failed, mut totals) = (Vec::new(), Vec::new(), None);
    run_act(spec, &Clock::real(), &mut |message| {
        match message {
            Message::Samples { samples, failures } => {
                all.extend_from_slice(samples);
                failed.extend_from_slice(failures);
            }
            Message::Finished(finished) => totals = Some(*finished),
            Message::Started { .. } | Message::Error { .. } => {}
        }
        Ok(())
    })?;
    Ok((all, failed, totals.expect("the act said that it finished")))
}

#[test]
fn c2_every_request_ends_as_one_sample_or_one_failure() {
    let addr = serve(|path, to| match path {
        "/ping" => ok(to, "pong"),
        "/work" => ok(to, r#"{"iterations":7,"work_ms":1.5}"#),
        "/teapot" => write!(to, "HTTP/1.1 418 No\r\ncontent-length: 0\r\n\r\n").is_ok(),
        "/garbage" => write!(to, "220 mail.example ESMTP\r\n").is_ok(),
        "/half" => write!(to, "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").is_err(),
        _ => false,
    });
    let streams = [("/ping", 20), ("/work", 5), ("/teapot", 4), ("/garbage", 3), ("/half", 2), ("/close", 2)];
    let (samples, failures, totals) = run(&spec(addr, &streams)).unwrap();
    assert_eq!(totals.scheduled, 36);
    for (stream, &(path, count)) in streams.iter().enumerate() {
        let answered = samples.iter().filter(|sample| sample.stream == stream).count();
        let failed = failures.iter().filter(|failure| failure.stream == stream).count();
        assert_eq!(answered + failed, count, "{path}");
        assert_eq!(answered, if stream < 2 { count } else { 0 }, "{path}: {failures:?}");
    }
    let kind = |stream: usize| &failures.iter().find(|failure| failure.stream == stream).unwrap().kind;
    assert_eq!(kind(2), &FailureKind::Status(418));
    assert!(matches!(kind(3), FailureKind::Malformed(_)));
    assert_eq!((kind(4), kind(5)), (&FailureKind::Closed, &FailureKind::Closed));
    let work = samples.iter().find_map(|sample| sample.work).unwrap();
    assert_eq!((work.iterations, work.work_ms), (7, 1.5));
    assert!(samples.iter().all(|s| s.intended_ns <= s.handed_ns && s.handed_ns <= s.sent_ns));
}

#[test]
fn a_request_without_an_answer_times_out() {
    let addr = serve(|path, to| if path == "/ping" { ok(to, "pong") } else { true });
    let spec = ActSpec { timeout_ms: 150.0, ..spec(addr, &[("/ping", 0), ("/silence", 3)]) };
    let (samples, failures, _) = run(&spec).unwrap();
    assert_eq!(samples, []);
    assert_eq!(failures.len(), 3);
    assert!(failures.iter().all(|failure| failure.kind == FailureKind::TimedOut), "{failures:?}");
}

/// Answers nobody before `crowd` requests have arrived: a client that waits for answers never gets one.
fn serve_when_crowded(crowd: usize) -> SocketAddr {
    let (arrived, enough) = (Mutex::new(0), Condvar::new());
    serve(move |_, to| {
        let mut count = arrived.lock().unwrap();
        *count += 1;
        enough.notify_all();
        drop(enough.wait_while(count, |count| *count < crowd).unwrap());
        ok(to, "pong")
    })
}

#[test]
fn a_server_that_stands_still_does_not_delay_the_schedule() {
    let spec = ActSpec { warm_connections: 0, ..spec(serve_when_crowded(30), &[("/ping", 30)]) };
    let (samples, failures, totals) = run(&spec).unwrap();
    assert_eq!((samples.len(), failures.len()), (30, 0));
    assert_eq!((totals.connections, totals.waited_for_connection), (30, 0));
}

#[test]
fn connections_are_bounded_and_the_wait_for_one_is_counted() {
    let bounded = ActSpec {
        warm_connections: 0,
        max_connections: 10,
        ..spec(serve_when_crowded(10), &[("/ping", 30)])
    };
    let (samples, _, totals) = run(&bounded).unwrap();
    assert_eq!((samples.len(), totals.connections), (30, 10));
    assert!(totals.waited_for_connection <= 20, "{totals:?}");
    // So long that all 30 are due, on a busy machine too, before the first one is given up.
    let blocked = ActSpec { timeout_ms: 2_000.0, ..bounded };
    let (samples, failures, totals) = run(&ActSpec { addr: serve_when_crowded(11), ..blocked }).unwrap();
    assert_eq!((samples.len(), failures.len(), totals.waited_for_connection), (0, 30, 20));
}

#[test]
fn a_port_without_a_server_is_reported_before_the_schedule_begins() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = run(&spec(addr, &[("/ping", 5)])).unwrap_err();
    assert!(error.contains("does not serve: cannot connect"), "{error}");
}
