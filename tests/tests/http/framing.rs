//! Requests whose end can be understood in two ways: where a proxy and a server differ, one request hides in another.
//!
//! # Source
//! RFC 9112, sections 2.2, 5.2, 6.1, 6.3 and 7.1. What is served here is served by the one reading that they allow.

use std::io::{Read, Write};
use std::net::TcpStream;

use runtime_lab::http::{self, Server};

use crate::support::{HANG, TestServer, start};

/// What a server answers to these bytes, until it ends the connection: the statuses and the bodies in brackets.
fn answers(server: &TestServer, bytes: &str) -> String {
    let mut stream = TcpStream::connect(server.addr).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream.write_all(bytes.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let mut seen = Vec::new();
    for answer in text.split("HTTP/1.1 ").skip(1) {
        let body = answer.find('[').map_or("", |at| &answer[at..]);
        seen.push(format!("{}{}", &answer[..3], body));
    }
    seen.join(" ")
}

#[test]
fn no_request_hides_in_the_body_of_another() {
    let server = start(|server: Server| {
        let echo =
            |request: http::Request| http::text(format!("[{}]", String::from_utf8_lossy(request.body())));
        server.route("POST /echo", echo).route("GET /hidden", |_request| http::text("[hidden]"))
    });
    const NEXT: &str = "GET /hidden HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    let cases = [
        // One reading, and what comes behind it is the next request.
        ("Content-Length: 2\r\n\r\nhi", "200[hi] 200[hidden]"),
        ("Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "200[hi] 200[hidden]"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", "200[hi] 200[hidden]"),
        ("Transfer-Encoding: chunked\r\n\r\n2;name=\"x\"\r\nhi\r\n0\r\n\r\n", "200[hi] 200[hidden]"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nTrailer: x\r\n\r\n", "200[hi] 200[hidden]"),
        // Chunks go before a length, and nothing comes behind a request that has both.
        ("Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200[]"),
        ("Transfer-Encoding: chunked\r\nContent-Length: 99\r\n\r\n0\r\n\r\n", "200[]"),
        // Lengths that are none.
        ("Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "400"),
        ("Content-Length: 2, 2\r\n\r\nhi", "400"),
        ("Content-Length: -1\r\n\r\nhi", "400"),
        ("Content-Length: +2\r\n\r\nhi", "400"),
        ("Content-Length: 0x2\r\n\r\nhi", "400"),
        ("Content-Length: 99999999999999999999\r\n\r\nhi", "400"),
        ("Content-Length : 2\r\n\r\nhi", "400"),
        // Lines that are folded.
        ("Content-Length:\r\n 2\r\n\r\nhi", "400"),
        ("X: y\r\n Content-Length: 2\r\n\r\nhi", "400"),
        // Encodings that do not say where the body ends.
        ("Transfer-Encoding: gzip\r\n\r\nhi", "400"),
        ("Transfer-Encoding: chunked, gzip\r\n\r\nhi", "400"),
        ("Transfer-Encoding: xchunked\r\n\r\nhi", "400"),
        // Chunks that are none.
        ("Transfer-Encoding: chunked\r\n\r\n-2\r\nhi\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n0x2\r\nhi\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n2;a\nhi\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\n2\r\nhi!\r\n0\r\n\r\n", "400"),
        ("Transfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFFF\r\nhi\r\n0\r\n\r\n", "400"),
    ];
    let expected: Vec<_> = cases.iter().map(|(fields, seen)| format!("{fields:?}: {seen}")).collect();
    let seen = cases.iter().map(|(fields, _)| {
        let request = format!("POST /echo HTTP/1.1\r\nHost: t\r\n{fields}{NEXT}");
        format!("{fields:?}: {}", answers(&server, &request))
    });
    assert_eq!(seen.collect::<Vec<_>>().join("\n"), expected.join("\n"));
    let stats = server.stop().stats;
    assert_eq!((stats.open, stats.panics), (0, 0));
    assert_eq!(stats.accepted, cases.len() as u64);
}
