//! A server on its own thread and blocking clients that understand just enough HTTP.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use event_loop::{MetricsSnapshot, StallReport};
use runtime_lab::http::{Limits, Server, ServerHandle, ServerStats};
use runtime_lab::{LoopHandle, RemoteHandle, RunMode, Runtime, RuntimeBuilder};

/// How long anything may take before a test says that it hangs. Nothing waits this long unless it is broken.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A server that runs on a thread of its own.
pub(crate) struct TestServer {
    pub(crate) addr: SocketAddr,
    remote: RemoteHandle,
    ended: Receiver<Ended>,
    thread: JoinHandle<()>,
}

/// What a server knew when its loop had ended by itself.
pub(crate) struct Ended {
    pub(crate) stats: ServerStats,
    pub(crate) metrics: MetricsSnapshot,
    pub(crate) stalls: Vec<StallReport>,
}

/// A server with these routes and the default limits.
pub(crate) fn start(routes: impl FnOnce(Server) -> Server + Send + 'static) -> TestServer {
    start_with(Limits::default(), |builder| builder, routes)
}

/// A server with these limits and routes, on a runtime with these options.
pub(crate) fn start_with(
    limits: Limits,
    options: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder + Send + 'static,
    routes: impl FnOnce(Server) -> Server + Send + 'static,
) -> TestServer {
    let (started, has_started) = channel();
    let (ended, has_ended) = channel();
    let thread = std::thread::Builder::new().name("server".into()).spawn(move || {
        let runtime = options(Runtime::builder().pool_threads(1)).build().unwrap();
        let lp = runtime.handle();
        let server = routes(Server::on("127.0.0.1:0").unwrap()).limits(limits).serve(&lp).unwrap();
        lp.set_data(Rc::new(server.clone()));
        started.send((server.local_addr(), lp.remote())).unwrap();
        assert!(!runtime.run(RunMode::Default).unwrap());
        let metrics = lp.metrics().snapshot(lp.now());
        ended.send(Ended { stats: server.stats(), metrics, stalls: lp.stalls() }).unwrap();
    });
    let (addr, remote) = has_started.recv().expect("the server starts");
    TestServer { addr, remote, ended: has_ended, thread: thread.unwrap() }
}

impl TestServer {
    /// Runs `code` on the loop with the server's handle and returns what it gives.
    pub(crate) fn ask<T: Send + 'static>(
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

    /// Stops the server and waits until nothing keeps its loop alive.
    pub(crate) fn stop(self) -> Ended {
        self.ask(|_lp, server| server.stop());
        self.ended()
    }

    /// Asks until no connection is open.
    pub(crate) fn until_empty(&self) {
        while self.ask(|_lp, server| server.stats().open) > 0 {
            std::thread::yield_now();
        }
    }

    /// Waits until nothing keeps the loop alive.
    pub(crate) fn ended(self) -> Ended {
        let ended = self.ended.recv_timeout(HANG).expect("the loop ends when the server was stopped");
        self.thread.join().unwrap();
        ended
    }

    pub(crate) fn connect(&self) -> Client {
        Client::to(self.addr)
    }

    /// A fresh connection gets an answer: the server is alive.
    #[track_caller]
    pub(crate) fn assert_alive(&self) {
        let answer = self.connect().get("/ping");
        assert_eq!((answer.status, answer.text()), (200, "pong"));
    }
}

/// A blocking connection.
pub(crate) struct Client(BufReader<TcpStream>);

/// A response that was read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    /// The value of a header field; its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl Client {
    pub(crate) fn to(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).expect("the server accepts");
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.set_write_timeout(Some(HANG)).unwrap();
        Client(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.0.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Client {
        self.0.get_mut().write_all(bytes.as_ref()).expect("the server reads");
        self
    }

    pub(crate) fn ask_for(&mut self, path: &str) -> &mut Client {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"))
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask_for(path).answer()
    }

    pub(crate) fn post(&mut self, path: &str, body: &str) -> Answer {
        let length = body.len();
        self.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n{body}"))
            .answer()
    }

    /// Reads one response with a body of the announced length.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut answer = self.answer_to_head();
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        answer.body = vec![0; length];
        self.0.read_exact(&mut answer.body).expect("the whole body comes");
        answer
    }

    /// Reads one response without its body.
    pub(crate) fn answer_to_head(&mut self) -> Answer {
        let first = self.line();
        let status = first.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).map(str::parse);
        let Some(Ok(status)) = status else { panic!("no response: {first:?}") };
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            if line.is_empty() {
                return Answer { status, headers, body: Vec::new() };
            }
            let (name, value) = line.split_once(": ").expect("a header field");
            headers.push((name.to_ascii_lowercase(), value.to_owned()));
        }
    }

    /// Reads one chunk of a body without a length; an empty one is the end.
    pub(crate) fn chunk(&mut self) -> Vec<u8> {
        let size = self.line();
        let size =
            usize::from_str_radix(&size, 16).unwrap_or_else(|_| panic!("no size of a chunk: {size:?}"));
        let mut chunk = vec![0; size];
        self.0.read_exact(&mut chunk).expect("the whole chunk comes");
        assert_eq!(self.line(), "", "a chunk ends with its line");
        chunk
    }

    /// Reads one response with a body in chunks.
    pub(crate) fn answer_in_chunks(&mut self) -> Answer {
        let mut answer = self.answer_to_head();
        assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
        loop {
            let chunk = self.chunk();
            if chunk.is_empty() {
                return answer;
            }
            answer.body.extend(chunk);
        }
    }

    /// Closes it with a reset: what is on its way is thrown away.
    pub(crate) fn reset(self) {
        rustix::net::sockopt::set_socket_linger(self.stream(), Some(Duration::ZERO)).unwrap();
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line comes");
        assert!(line.ends_with("\r\n"), "the stream ended in a line: {line:?}");
        line.truncate(line.len() - 2);
        line
    }

    /// Asserts that the server ends the connection without another byte.
    #[track_caller]
    pub(crate) fn assert_ends(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => assert_eq!(String::from_utf8_lossy(&rest), ""),
            // A server that turns a client away may leave bytes unread, which makes the end a reset.
            Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
        }
    }
}

/// A test in another process: runs this test program again, for this one test, in the role `role`.
pub(crate) fn command_for(test: &str, role: &str) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command
}

const ROLE: &str = "LAB_TEST_ROLE";

/// The role that this process was started in by [`command_for`].
pub(crate) fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}
