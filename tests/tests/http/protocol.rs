//! HTTP/1.1 as clients know it: keep-alive, pipelining, bodies, methods, parameters, and curl as the judge.

use std::process::Command;

use runtime_lab::http::{self, Request, Server, StatusCode};
use runtime_lab::{crypto, offload, sleep, yield_now};

use crate::support::{TestServer, start};

fn echo(request: Request) -> http::Response {
    let body = String::from_utf8_lossy(request.body());
    http::text(format!("{} {} {body}", request.method(), request.path()))
}

fn server() -> TestServer {
    start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/echo", echo)
            .route("/json", |_request| http::json("{\"ok\":true}"))
            .route("/teapot", |_request| http::with_status(StatusCode::IM_A_TEAPOT, "short and stout"))
            .route("/name", |request| http::text(request.param("name").unwrap_or_default()))
            .route("/host", |request| {
                let host = request.headers().get("host").and_then(|host| host.to_str().ok());
                http::text(host.unwrap_or("none").to_owned())
            })
            .route("/key", |_request| async {
                let key = crypto::pbkdf2(b"password", b"salt", 1).await.expect("the pool derives it");
                http::text(format!("{:02x}{:02x}", key[0], key[1]))
            })
            .route("/later", |_request| async {
                yield_now().await;
                sleep(std::time::Duration::from_millis(1)).await;
                let value = offload(|| 42).await.expect("the pool has a thread");
                http::text(format!("{value}"))
            })
    })
}

#[test]
fn one_connection_serves_many_requests() {
    let server = server();
    let mut client = server.connect();
    for _ in 0..100 {
        let answer = client.get("/ping");
        assert_eq!((answer.status, answer.text()), (200, "pong"));
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
    }
    drop(client);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.requests, stats.open), (1, 100, 0));
    assert_eq!((stats.failed_connections, stats.panics), (0, 0));
}

#[test]
fn a_client_that_asks_for_the_end_gets_it() {
    let server = server();
    let mut client = server.connect();
    client.send("GET /ping HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer().text(), "pong");
    client.assert_ends();
    let mut old = server.connect();
    old.send("GET /ping HTTP/1.0\r\n\r\n");
    let mut whole = String::new();
    std::io::Read::read_to_string(&mut old.stream(), &mut whole).unwrap();
    assert!(whole.starts_with("HTTP/1.0 200 OK\r\n") && whole.ends_with("\r\n\r\npong"), "{whole}");
    server.stop();
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server();
    let mut client = server.connect();
    let paths = ["/later", "/ping", "/missing", "/key", "/echo"];
    let burst: String =
        paths.iter().map(|path| format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n")).collect();
    client.send(burst);
    let answers: Vec<_> = paths.iter().map(|_| client.answer()).collect();
    let texts: Vec<_> = answers.iter().map(|answer| (answer.status, answer.text())).collect();
    let expected = [(200, "42"), (200, "pong"), (404, "no such page\n"), (200, "867f"), (200, "GET /echo ")];
    assert_eq!(texts, expected);
    server.stop();
}

#[test]
fn a_request_in_single_bytes_is_a_request() {
    let server = server();
    let mut client = server.connect();
    client.stream().set_nodelay(true).unwrap();
    for byte in b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nabc" {
        client.send([*byte]);
    }
    assert_eq!(client.answer().text(), "POST /echo abc");
    server.stop();
}

#[test]
fn bodies_come_by_length_and_in_chunks() {
    let server = server();
    let mut client = server.connect();
    assert_eq!(client.post("/echo", "hello").text(), "POST /echo hello");
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n");
    for chunk in ["4\r\nchun\r\n", "6;name=value\r\nked bo\r\n", "2\r\ndy\r\n", "0\r\n\r\n"] {
        client.send(chunk);
    }
    assert_eq!(client.answer().text(), "POST /echo chunked body");
    assert_eq!(client.get("/ping").text(), "pong", "the connection goes on after a chunked body");
    server.stop();
}

#[test]
fn a_client_that_expects_100_gets_it_before_it_sends_the_body() {
    let server = server();
    let mut client = server.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.answer_to_head().status, 100);
    assert_eq!(client.send("ok").answer().text(), "POST /echo ok");
    server.stop();
}

#[test]
fn a_page_that_does_not_exist_is_404_and_the_connection_goes_on() {
    let server = server();
    let mut client = server.connect();
    for path in ["/", "/Ping", "/ping/", "/ping/more", "/%70ing"] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    assert_eq!(client.get("/ping?a=b").status, 200, "the query is no part of the path");
    assert_eq!(client.get("http://elsewhere/ping").status, 200, "the absolute form of a target");
    assert_eq!(server.stop().stats.requests, 7);
}

#[test]
fn a_head_request_gets_the_head_alone() {
    let server = server();
    let mut client = server.connect();
    client.send("HEAD /ping HTTP/1.1\r\nHost: test\r\n\r\n");
    let answer = client.answer_to_head();
    assert_eq!((answer.status, answer.header("content-length")), (200, Some("4")));
    assert_eq!(client.get("/ping").text(), "pong");
    server.stop();
}

#[test]
fn routes_see_parameters_headers_and_set_status_and_type() {
    let server = server();
    let mut client = server.connect();
    assert_eq!(client.get("/name?x=1&name=a%20b+c&name=d").text(), "a b c");
    assert_eq!(client.get("/host").text(), "test");
    let json = client.get("/json");
    assert_eq!((json.header("content-type"), json.text()), (Some("application/json"), "{\"ok\":true}"));
    let teapot = client.get("/teapot");
    assert_eq!((teapot.status, teapot.text()), (418, "short and stout"));
    server.stop();
}

#[test]
fn curl_is_content() {
    if Command::new("curl").arg("--version").output().is_err() {
        eprintln!("skipped: curl not found");
        return;
    }
    let server = server();
    let curl = |arguments: &[&str]| {
        let output = Command::new("curl").args(["-sS", "--max-time", "60"]).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let url = |path: &str| format!("http://{}{path}", server.addr);
    assert_eq!(curl(&[&url("/ping")]), "pong");
    let head = curl(&["-i", &url("/missing")]);
    assert!(head.starts_with("HTTP/1.1 404 Not Found\r\n"), "{head}");
    assert_eq!(curl(&["-d", "a=1", &url("/echo")]), "POST /echo a=1");
    assert_eq!(
        curl(&["-H", "Transfer-Encoding: chunked", "-d", "chunks", &url("/echo")]),
        "POST /echo chunks"
    );
    assert_eq!(curl(&[&url("/ping"), &url("/later"), &url("/key")]), "pong42867f", "on one connection");
    assert_eq!(server.stop().stats.accepted, 5);
}

#[test]
fn a_thousand_connections_are_open_at_once() {
    const MANY: usize = 1000;
    raise_descriptor_limit(MANY as u64 * 2 + 200);
    let server = start(|server: Server| {
        let waiting = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        server.route("/together", move |_request| {
            // Nobody is answered before all have asked.
            let waiting = waiting.clone();
            let mut counted = false;
            async move {
                std::future::poll_fn(|cx| {
                    let mut waiting = waiting.borrow_mut();
                    if !std::mem::replace(&mut counted, true) {
                        waiting.push(cx.waker().clone());
                    }
                    if waiting.len() < MANY {
                        return std::task::Poll::Pending;
                    }
                    waiting.iter().for_each(std::task::Waker::wake_by_ref);
                    std::task::Poll::Ready(())
                })
                .await;
                http::text("all here")
            }
        })
    });
    let mut clients: Vec<_> = (0..MANY).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.ask_for("/together");
    }
    for client in &mut clients {
        assert_eq!(client.answer().text(), "all here");
    }
    assert_eq!(server.ask(|_lp, server| server.stats().open), MANY);
    drop(clients);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.requests, stats.failed_connections), (MANY as u64, MANY as u64, 0));
}

fn raise_descriptor_limit(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
            .expect("this test needs more descriptors: raise the hard limit (ulimit -Hn)");
    }
}
