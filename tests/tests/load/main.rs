//! A server under load, in a process of its own tests: what was taken comes back, and nothing is lost.
//!
//! The bench `connections` does the same with ten thousand connections, for minutes, and weighs them.

#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use runtime_lab::http::{self, ServerHandle, ServerStats};
use runtime_lab::{LoopHandle, RemoteHandle, RunMode, Runtime};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How long anything may take before a test says that it hangs.
const HANG: Duration = Duration::from_secs(60);

/// Descriptors are counted for the whole process, so one test at a time opens some.
static ALONE: Mutex<()> = Mutex::new(());

const PING: &[u8] = b"GET /ping HTTP/1.1\r\nHost: test\r\n\r\n";

struct TestServer {
    addr: SocketAddr,
    remote: RemoteHandle,
    ended: Receiver<ServerStats>,
    thread: JoinHandle<()>,
}

impl TestServer {
    fn start() -> TestServer {
        let (started, has_started) = channel();
        let (ended, has_ended) = channel();
        let thread = std::thread::spawn(move || {
            let runtime = Runtime::builder().pool_threads(1).build().unwrap();
            let lp = runtime.handle();
            let server = http::Server::on("127.0.0.1:0").unwrap();
            let server = server.route("/ping", |_request| http::text("pong")).serve(&lp).unwrap();
            lp.set_data(Rc::new(server.clone()));
            started.send((server.local_addr(), lp.remote())).unwrap();
            runtime.run(RunMode::Default).unwrap();
            ended.send(server.stats()).unwrap();
        });
        let (addr, remote) = has_started.recv().expect("the server starts");
        TestServer { addr, remote, ended: has_ended, thread }
    }

    fn ask<T: Send + 'static>(
        &self,
        code: impl FnOnce(&LoopHandle, &ServerHandle) -> T + Send + 'static,
    ) -> T {
        let (answer, answered) = channel();
        let post = move |lp: &LoopHandle| {
            let server = lp.data::<ServerHandle>().expect("the server is attached to its loop");
            answer.send(code(lp, &server)).unwrap();
        };
        self.remote.post(post).unwrap();
        answered.recv_timeout(HANG).expect("the loop answers")
    }

    /// Handles and descriptors, once no connection is open; what closes in a pass is gone in the next.
    fn alone(&self) -> (usize, usize) {
        while self.ask(|_lp, server| server.stats().open) > 0 {
            std::thread::yield_now();
        }
        let handles = self.ask(|lp, _server| lp.handles().len());
        (handles, std::fs::read_dir("/dev/fd").unwrap().count())
    }

    fn stop(self) -> ServerStats {
        self.ask(|_lp, server| server.stop());
        let stats = self.ended.recv_timeout(HANG).expect("the loop ends when the server was stopped");
        self.thread.join().unwrap();
        assert_eq!(stats.accepted, stats.open as u64 + stats.ended(), "{stats:?}");
        assert_eq!((stats.open, stats.in_work(), stats.dropped), (0, 0, 0), "{stats:?}");
        stats
    }
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
    let server = TestServer::start();
    ask_once(&connect(server.addr));
    let before = server.alone();
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
        assert_eq!(server.alone(), before, "handles and descriptors of process and loop");
    }
    let stats = server.stop();
    let talking = many.div_ceil(10) * ROUNDS * PIPELINED;
    let silent = many.saturating_sub(5).div_ceil(10);
    assert_eq!(stats.answered as usize, 1 + 2 * (talking + silent), "{stats:?}");
    assert_eq!((stats.accepted as usize, stats.abandoned), (1 + 2 * many, 0), "{stats:?}");
}

#[test]
fn wrk_gets_an_answer_to_everything_it_asks() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = TestServer::start();
    let url = format!("http://{}/ping", server.addr);
    let wrk = Command::new("wrk").args(["-t1", "-c100", "-d1s", &url]).stdin(Stdio::null()).output();
    let Ok(wrk) = wrk else {
        println!("skipped: there is no `wrk` here (Debian and Ubuntu: apt install wrk)");
        server.stop();
        return;
    };
    let said = String::from_utf8_lossy(&wrk.stdout).into_owned();
    assert!(wrk.status.success(), "{said}{}", String::from_utf8_lossy(&wrk.stderr));
    assert!(!said.contains("Socket errors") && !said.contains("Non-2xx"), "{said}");
    let counted = said.lines().find_map(|line| line.trim().split_once(" requests in "));
    let counted: u64 =
        counted.and_then(|(count, _)| count.parse().ok()).expect("wrk says how many it counted");
    server.alone();
    let stats = server.stop();
    // wrk leaves while requests are under way; every one that it has counted was answered.
    assert!(counted > 0 && stats.answered >= counted, "{said} {stats:?}");
}
