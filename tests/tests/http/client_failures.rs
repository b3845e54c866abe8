//! Servers that misbehave: each failure has its name, says what to do, and harms no other request.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread::JoinHandle;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use runtime_lab::http::{self, Client, ClientError, ClientLimits, ClientResponse, Method, Server};
use runtime_lab::{LoopHandle, Runtime};

use crate::support::start;

/// A server that reads a head on each connection, answers with these bytes, and ends the connection.
fn answering(answers: Vec<Vec<u8>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for answer in answers {
            let (stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            assert!(lines.any(|line| line.is_empty()), "a whole head comes");
            // The client may have enough before all is written.
            let _ = (&stream).write_all(&answer);
        }
    });
    (addr, thread)
}

fn limits() -> ClientLimits {
    ClientLimits { body_bytes: 1000, head_bytes: 8 * 1024, headers: 10, ..ClientLimits::default() }
}

/// What a client gets that asks a server with this answer.
fn outcome(answer: &[u8]) -> Result<String, ClientError> {
    let (addr, thread) = answering(vec![answer.to_vec()]);
    let runtime = Runtime::new().unwrap();
    let asked = runtime.block_on(async move {
        Client::with_limits(limits()).get(&format!("http://{addr}/")).await?.text().await
    });
    drop(runtime);
    thread.join().unwrap();
    asked.unwrap()
}

#[test]
fn answers_that_are_none_have_names() {
    type Is = fn(&ClientError) -> bool;
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(11));
    let huge = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "y".repeat(10_000));
    let long = format!("HTTP/1.1 200 OK\r\n\r\n{}", "y".repeat(1001));
    let cases: Vec<(&[u8], Is)> = vec![
        (b"", |error| matches!(error, ClientError::Closed { sent: true, .. })),
        (b"HTTP/1.1 200", |error| matches!(error, ClientError::Closed { sent: true, .. })),
        (b"SSH-2.0-OpenSSH_9.2\r\n", |error| matches!(error, ClientError::Garbage { .. })),
        (b"HTTP/1.1 OK 200\r\n\r\n", |error| matches!(error, ClientError::Garbage { .. })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n", |error| {
            matches!(error, ClientError::Garbage { .. })
        }),
        (many.as_bytes(), |error| matches!(error, ClientError::HeadTooLarge { headers: 10, .. })),
        (huge.as_bytes(), |error| matches!(error, ClientError::HeadTooLarge { bytes: 8192, .. })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", |error| {
            matches!(error, ClientError::BodyTooLarge { bytes: 1000, .. })
        }),
        (long.as_bytes(), |error| matches!(error, ClientError::BodyTooLarge { bytes: 1000, .. })),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", |error| {
            matches!(error, ClientError::Closed { .. })
        }),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", |error| {
            matches!(error, ClientError::Closed { .. })
        }),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", |error| {
            matches!(error, ClientError::Broken { .. })
        }),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n\xff", |error| {
            matches!(error, ClientError::NotText { .. })
        }),
    ];
    for (answer, is) in cases {
        let shown = String::from_utf8_lossy(&answer[..answer.len().min(60)]).into_owned();
        let error = outcome(answer).expect_err(&shown);
        assert!(is(&error), "{shown:?} gives {error:?}");
        assert!(
            std::error::Error::source(&error).is_none() && error.to_string().contains("127.0.0.1:"),
            "{error}"
        );
    }
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap(), "ok");
    assert_eq!(outcome(b"HTTP/1.1 200 OK\r\n\r\nuntil the end").unwrap(), "until the end");
    assert_eq!(outcome(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 None\r\n\r\n").unwrap(), "");
    let hints = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 304 Known\r\nContent-Length: 9\r\n\r\n";
    assert_eq!(
        outcome(hints).unwrap(),
        "",
        "an answer without a body may say the length of what it is about"
    );
}

/// What comes of a request to nobody.
fn refused(url: &str, method: Method, field: (&'static str, &'static str)) -> ClientError {
    let url = url.to_owned();
    let asked = Runtime::new().unwrap().block_on(async move {
        let request = Client::new().request(method, &url).header(field.0, field.1);
        request.await.map(|answer: ClientResponse| answer.status())
    });
    asked.unwrap().expect_err("nobody answers")
}

#[test]
fn what_cannot_be_asked_is_refused_in_words() {
    const FIELD: (&str, &str) = ("x-mine", "yes");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = refused(&format!("http://{taken}/"), Method::GET, FIELD);
    assert!(matches!(nobody, ClientError::Connect { .. }), "{nobody:?}");
    assert!(nobody.to_string().ends_with("; does a server listen on this port?"), "{nobody}");
    let https = refused("https://localhost/", Method::GET, FIELD);
    assert!(https.to_string().contains("no TLS; use http://, or a proxy"), "{https}");
    let name = refused("http://no-such-name.invalid/", Method::GET, FIELD);
    assert!(name.to_string().starts_with("cannot look up \"no-such-name.invalid\": "), "{name}");
    let tunnel = refused("http://127.0.0.1/", Method::CONNECT, FIELD);
    assert!(tunnel.to_string().starts_with("CONNECT cannot be sent: "), "{tunnel}");
    for field in [("x mine", "yes"), ("x-mine", "yes\r\nx-theirs: no"), ("", "")] {
        let error = refused("http://127.0.0.1/", Method::GET, field);
        assert!(matches!(error, ClientError::Request { .. }), "{error:?}");
    }
}

#[test]
fn a_body_that_fails_fails_its_request() {
    for (what, expected) in [
        ("error", "the producer of the body failed: out of luck"),
        ("panic", "the producer of the body panicked"),
        ("less", "the body is shorter than was said"),
        ("more", "the body is longer than was said"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let asked = Runtime::new().unwrap().block_on(async move {
            let request = Client::new().post(&format!("http://{addr}/")).stream(move |sender| async move {
                sender.send("begun").await?;
                match what {
                    "error" => Err("out of luck".into()),
                    "panic" => panic!("this producer panics, as it should"),
                    "more" => Ok(sender.send("more than was said").await?),
                    _ => Ok(()),
                }
            });
            request.length(10).await.map(|answer| answer.status())
        });
        let error = asked.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::Body(_)), "{error:?}");
        assert_eq!(error.to_string(), expected);
    }
}

/// Bytes that are often almost an answer.
fn almost_answers() -> impl Strategy<Value = Vec<u8>> {
    let words: Vec<&'static [u8]> = vec![
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"HTTP/1.1 204 None\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: h2c\r\nConnection: upgrade\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/9.9 999 \r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: 18446744073709551615\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive\r\n",
        b"\r\n",
        b"\n",
        b"hello",
        b"5\r\nhello\r\n",
        b"0\r\n\r\n",
        b"FFFFFFFFFFFFFFFFF\r\n",
    ];
    let word = prop::sample::select(words).prop_map(<[u8]>::to_vec);
    let noise = prop::collection::vec(any::<u8>(), 0..64);
    let piece = prop_oneof![8 => word, 1 => noise];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

#[test]
fn random_answers_end_each_request_and_harm_no_other() {
    const CASES: u32 = 200;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = prop::collection::vec(almost_answers(), CASES as usize);
    let mut answers = strategy.new_tree(&mut runner).unwrap().current();
    // The last one is in order.
    answers.push(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok".to_vec());
    let (addr, thread) = answering(answers);
    let runtime = Runtime::new().unwrap();
    let asked = runtime.block_on(async move {
        let client = Client::with_limits(limits());
        let mut last = None;
        // A retried request takes a second answer, so the end of the answers is what ends it.
        while client.stats().opened <= u64::from(CASES) {
            last = Some(match client.get(&format!("http://{addr}/")).await {
                Ok(answer) => answer.text().await,
                Err(error) => Err(error),
            });
            if let Some(Err(ClientError::Timeout { .. })) = last {
                panic!("a connection that has ended was waited for");
            }
        }
        last
    });
    assert_eq!(asked.unwrap().expect("an answer").unwrap(), "ok");
    thread.join().unwrap();
}

#[test]
fn of_many_requests_at_once_each_has_one_outcome_while_the_server_breaks_connections() {
    const MANY: usize = 300;
    let server = start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/large", |_request| http::text(vec![b'x'; 300_000]))
            .route("/fails", |_request| {
                http::stream(|sender| async move {
                    sender.send("begun").await?;
                    Err("out of luck".into())
                })
            })
            .route("/panics", |_request| -> http::Response { panic!("this route panics, as it should") })
    });
    let addr = server.addr;
    let outcomes = Runtime::new().unwrap().block_on(async move {
        let client = Client::new();
        let lp = LoopHandle::current().unwrap();
        let tasks: Vec<_> = (0..MANY)
            .map(|number| {
                let path = ["/ping", "/large", "/fails", "/panics", "/missing"][number % 5];
                let request = client.get(&format!("http://{addr}{path}"));
                lp.spawn(async move {
                    let answer = request.await?;
                    let status = answer.status().as_u16();
                    answer.bytes().await.map(|body| (status, body.len()))
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.expect("no task ends otherwise"));
        }
        outcomes
    });
    for (number, outcome) in outcomes.unwrap().into_iter().enumerate() {
        match (number % 5, outcome) {
            (0, Ok((200, 4))) | (1, Ok((200, 300_000))) | (3, Ok((500, _))) | (4, Ok((404, _))) => {}
            (2, Err(ClientError::Closed { sent: true, .. })) => {}
            (_, other) => panic!("request {number}: {other:?}"),
        }
    }
    server.until_empty();
    let stats = server.stop().stats;
    assert_eq!(
        (stats.requests, stats.abandoned, stats.panics),
        (MANY as u64, MANY as u64 / 5, MANY as u64 / 5)
    );
    assert_eq!((stats.accepted, stats.in_work()), (stats.ended(), 0));
}
