//! Several requests in one write: each is answered, in order, whatever its route takes, while the client stays.

use std::net::Shutdown;

use runtime_lab::http::{self, Server};
use runtime_lab::{sleep, yield_now};

use crate::support::{TestServer, start};

fn server() -> TestServer {
    start(|server: Server| {
        server
            .route("/now", |request| http::text(request.param("n").unwrap_or_default()))
            .route("/later", |request| async move {
                sleep(std::time::Duration::from_millis(1)).await;
                http::text(request.param("n").unwrap_or_default())
            })
            .route("/echo", |request| http::text(request.body().to_vec()))
            .route("/stream", |request| {
                http::stream(|sender| async move {
                    for part in [request.param("n").unwrap_or_default(), "!".to_owned()] {
                        sender.send(part).await?;
                        yield_now().await;
                    }
                    Ok(())
                })
            })
    })
}

#[test]
fn three_requests_in_one_write_are_answered_in_order() {
    let server = server();
    let mut client = server.connect();
    client.send(
        "GET /later?n=first HTTP/1.1\r\nHost: test\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\nsecond\
         GET /now?n=third HTTP/1.1\r\nHost: test\r\n\r\n",
    );
    let texts = [(); 3].map(|()| client.answer().text().to_owned());
    assert_eq!(texts, ["first", "second", "third"]);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.requests, stats.answered, stats.finished), (1, 3, 3, 1));
}

#[test]
fn a_hundred_requests_in_one_write_are_answered_in_order() {
    let server = server();
    let mut client = server.connect();
    let paths = ["now", "later", "stream"];
    let burst: String = (0..100)
        .map(|n| format!("GET /{}?n={n} HTTP/1.1\r\nHost: test\r\n\r\n", paths[n % paths.len()]))
        .collect();
    client.send(burst);
    for n in 0..100 {
        let (answer, expected) = match paths[n % paths.len()] {
            "stream" => (client.answer_in_chunks(), format!("{n}!")),
            _ => (client.answer(), n.to_string()),
        };
        assert_eq!((answer.status, answer.text()), (200, expected.as_str()));
    }
    assert_eq!(server.stop().stats.answered, 100);
}

#[test]
fn what_is_pipelined_behind_the_last_request_is_not_answered() {
    let server = server();
    let mut client = server.connect();
    client.send(
        "GET /now?n=1 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n\
         GET /now?n=2 HTTP/1.1\r\nHost: test\r\n\r\n",
    );
    assert_eq!(client.answer().text(), "1");
    client.assert_ends();
    let stats = server.stop().stats;
    assert_eq!((stats.requests, stats.answered, stats.ended()), (1, 1, 1));
}

#[test]
fn a_client_that_ends_its_side_gets_no_more_answers() {
    let server =
        start(|server: Server| server.route("/never", |_request| std::future::pending::<http::Response>()));
    let mut client = server.connect();
    client.ask_for("/never");
    client.stream().shutdown(Shutdown::Write).unwrap();
    client.assert_ends();
    server.until_empty();
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered, stats.ended()), (1, 0, 1));
}
