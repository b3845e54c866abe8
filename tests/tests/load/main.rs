//! A server under load, in a process of its own tests: what was taken comes back, and nothing is lost.
//!
//! The bench `connections` does the same with ten thousand connections, for minutes, and weighs them.

#![cfg(unix)]

#[path = "../http/support.rs"]
#[allow(dead_code)] // It is the HTTP tests', and this one uses the server of it.
mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use runtime_lab::http::{self, Server, ServerStats};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use support::{HANG, TestServer};

/// Descriptors are counted for the whole process, so one test at a time opens some.
static ALONE: Mutex<()> = Mutex::new(());

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: test\r\n\r\n";

fn start() -> TestServer {
    support::start(|server: Server| server.route("/ping", |_request| http::text("pong")))
}

/// Handles and descriptors, once no connection is open; what closes in a pass is gone in the next.
fn alone(server: &TestServer) -> (usize, usize) {
    server.until_empty();
    let handles = server.ask(|lp, _server| lp.handles().len());
    (handles, std::fs::read_dir("/dev/fd").unwrap().count())
}

fn stop(server: TestServer) -> ServerStats {
    let stats = server.stop().stats;
    assert_eq!(stats.accepted, stats.open as u64 + stats.ended(), "{stats:?}");
    assert_eq!((stats.open, stats.in_work(), stats.dropped), (0, 0, 0), "{stats:?}");
    stats
}

/// As many connections as are wanted, or as this process may have: each is two descriptors here.
fn as_many_as(wanted: u64) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted * 2 + 100;
    let allowed = limit.maximum.unwrap_or(needed).min(needed.max(limit.current.unwrap_or(needed)));
    if limit.current.is_some_and(|current| current < allowed) {
        // A refusal leaves the limit as it was, which is what counts below.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: Some(allowed), ..limit });
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(needed);
    let fit = now.saturating_sub(100) / 2;
    if fit < wanted {
        println!("the limit on descriptors lets only {fit} of {wanted} connections open");
    }
    wanted.min(fit) as usize
}

fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("the server accepts");
    stream.set_read_timeout(Some(HANG)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn ask_once(mut stream: &TcpStream) {
    stream.write_all(PING).expect("the server reads");
    read_pongs(stream, 1);
}

/// Reads `count` answers, which nothing may follow.
fn read_pongs(mut stream: &TcpStream, count: usize) {
    let mut text = Vec::new();
    let mut chunk = [0; 4096];
    let pongs = |text: &[u8]| text.windows(8).filter(|window| window == b"\r\n\r\npong").count();
    while pongs(&text) < count {
        let bytes = stream.read(&mut chunk).expect("an answer comes");
        assert!(bytes > 0, "the server closed a connection after {} of {count} answers", pongs(&text));
        text.extend_from_slice(&chunk[..bytes]);
    }
    assert!(text.ends_with(b"pong"), "{}", String::from_utf8_lossy(&text));
}

#[test]
fn thousands_of_connections_come_and_go_and_everything_comes_back() {
    const ROUNDS: usize = 5;
    const PIPELINED: usize = 4;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let many = as_many_as(4_000);
    let server = start();
    ask_once(&connect(server.addr));
    let before = alone(&server);
    for _time in 0..2 {
        let clients: Vec<TcpStream> = (0..many).map(|_| connect(server.addr)).collect();
        // One of ten talks, several requests at once, while the others are silent.
        let talking: Vec<&TcpStream> = clients.iter().step_by(10).collect();
        for _round in 0..ROUNDS {
            for mut client in talking.iter().copied() {
                client.write_all(&PING.repeat(PIPELINED)).unwrap();
            }
            talking.iter().for_each(|client| read_pongs(client, PIPELINED));
        }
        // The silent ones are still there.
        clients.iter().skip(5).step_by(10).for_each(ask_once);
        assert_eq!(server.ask(|_lp, server| server.stats().open), many);
        for (number, client) in clients.into_iter().enumerate() {
            if number % 3 == 0 {
                rustix::net::sockopt::set_socket_linger(&client, Some(Duration::ZERO)).unwrap();
            }
        }
        assert_eq!(alone(&server), before, "handles and descriptors of process and loop");
    }
    let stats = stop(server);
    let talking = many.div_ceil(10) * ROUNDS * PIPELINED;
    let silent = many.saturating_sub(5).div_ceil(10);
    assert_eq!(stats.answered as usize, 1 + 2 * (talking + silent), "{stats:?}");
    assert_eq!((stats.accepted as usize, stats.abandoned), (1 + 2 * many, 0), "{stats:?}");
}

#[test]
fn wrk_gets_an_answer_to_everything_it_asks() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = start();
    let url = format!("http://{}/ping", server.addr);
    let wrk = Command::new("wrk").args(["-t1", "-c100", "-d1s", &url]).stdin(Stdio::null()).output();
    let Ok(wrk) = wrk else {
        println!("skipped: there is no `wrk` here (Debian and Ubuntu: apt install wrk)");
        stop(server);
        return;
    };
    let said = String::from_utf8_lossy(&wrk.stdout).into_owned();
    assert!(wrk.status.success(), "{said}{}", String::from_utf8_lossy(&wrk.stderr));
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let counted = said.lines().find_map(|line| line.trim().split_once(" requests in "));
    let counted: u64 =
        counted.and_then(|(count, _)| count.parse().ok()).expect("wrk says how many it counted");
    alone(&server);
    let stats = stop(server);
    // wrk leaves while requests are under way; every one that it has counted was answered.
    assert!(counted > 0 && stats.answered >= counted, "{said} {stats:?}");
}
