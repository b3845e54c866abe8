//! The starvation experiment on a server without an event loop: a thread for each connection, and one lock.
//!
//! # Model
//! Every request needs the lock, first come, first served: holding it is what holding the loop is elsewhere. So the
//! tests have real sockets and real time without the runtime under test, and they have two worlds: in `locked`
//! the claims are true; in `opposite` (the other contender) `/block` works without the lock, and `/offload` and
//! `/chunked` hold it all the time, so that the claims are false.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use anyhow::Result;
use experiment_kit::{Contender, RunningServer, ServerSpec, ServerStats, StallReport, WorkDone, starvation};

fn main() -> ExitCode {
    starvation::main(
        burn,
        &[
            Contender { name: "locked", start: start_locked },
            Contender { name: "opposite", start: start_opposite },
        ],
    )
}

/// Work that the compiler cannot leave out: a chain of multiplications.
fn burn(iterations: u64) {
    let mut mixed = iterations | 1;
    for round in 0..iterations * 64 {
        mixed = std::hint::black_box(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ round);
    }
}

fn start_locked(spec: &ServerSpec) -> Result<RunningServer> {
    start(spec, false)
}

fn start_opposite(spec: &ServerSpec) -> Result<RunningServer> {
    start(spec, true)
}

struct Server {
    spec: ServerSpec,
    opposite: bool,
    turn: Turnstile,
    held: Mutex<Vec<Duration>>,
    stop: AtomicBool,
}

fn start(spec: &ServerSpec, opposite: bool) -> Result<RunningServer> {
    let listener = TcpListener::bind(spec.addr)?;
    let addr = listener.local_addr()?;
    let turn = Turnstile::default();
    let server = Arc::new(Server {
        spec: spec.clone(),
        opposite,
        turn,
        held: Mutex::default(),
        stop: AtomicBool::new(false),
    });
    let shared = Arc::clone(&server);
    let acceptor =
        std::thread::Builder::new().name("acceptor".to_owned()).spawn(move || accept(&listener, &shared))?;
    let stop = Box::new(move || {
        server.stop.store(true, Ordering::SeqCst);
        drop(TcpStream::connect(addr)?); // Wakes the acceptor.
        acceptor.join().map_err(|_| anyhow::anyhow!("the acceptor panicked"))?;
        Ok(server.stats())
    });
    Ok(RunningServer { addr, stop })
}

fn accept(listener: &TcpListener, server: &Arc<Server>) {
    std::thread::scope(|scope| {
        let mut open = Vec::new();
        for stream in listener.incoming().map_while(Result::ok) {
            if server.stop.load(Ordering::SeqCst) {
                break;
            }
            // Small answers must not wait for acknowledgements.
            let _ = stream.set_nodelay(true);
            open.extend(stream.try_clone());
            scope.spawn(|| serve(stream, server));
        }
        for stream in open {
            // A client that has gone already has closed it.
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    });
}

fn serve(mut stream: TcpStream, server: &Server) {
    let Ok(reader) = stream.try_clone() else { return };
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    while let Some(request) = lines.next() {
        while lines.next().is_some_and(|header| !header.is_empty()) {}
        let body = server.answer(request.split(' ').nth(1).unwrap_or_default());
        let length = body.len();
        if write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}").is_err() {
            return;
        }
    }
}

impl Server {
    fn answer(&self, path: &str) -> String {
        let (route, query) = path.split_once('?').unwrap_or((path, ""));
        let ms = query.strip_prefix("ms=").and_then(|ms| ms.parse().ok()).unwrap_or(0);
        let want = Duration::from_millis(ms);
        match (route, self.opposite) {
            ("/block", false) | ("/offload" | "/chunked", true) => self.holding(|| self.work(want)),
            ("/offload", false) | ("/block", true) => self.work(want),
            ("/chunked", false) => self.pieces(want),
            _ => self.holding(|| "pong".to_owned()),
        }
    }

    fn work(&self, want: Duration) -> String {
        let (work, clock) = (&self.spec.work, &self.spec.clock);
        let (iterations, start) = (work.iterations(want), clock.now());
        work.run(iterations);
        WorkDone::new(iterations, clock.now() - start).to_json()
    }

    fn pieces(&self, want: Duration) -> String {
        let (work, clock) = (&self.spec.work, &self.spec.clock);
        let start = clock.now();
        for iterations in work.pieces(want, self.spec.chunk) {
            self.holding(|| work.run(iterations));
        }
        WorkDone::new(work.iterations(want), clock.now() - start).to_json()
    }

    fn holding<T>(&self, job: impl FnOnce() -> T) -> T {
        self.turn.enter();
        let start = self.spec.clock.now();
        let result = job();
        let held = self.spec.clock.now() - start;
        self.turn.leave();
        if held > self.spec.stall_threshold {
            self.held.lock().unwrap().push(held);
        }
        result
    }

    fn stats(&self) -> ServerStats {
        let held = self.held.lock().unwrap();
        let stall = held.iter().max().map(|&held_max| StallReport {
            location: format!("{}:{}", file!(), line!()),
            name: if self.opposite { "GET /offload" } else { "GET /block" }.to_owned(),
            count: held.len() as u64,
            held_max,
            held_total: held.iter().sum(),
        });
        ServerStats { stalls: stall.into_iter().collect(), ..ServerStats::default() }
    }
}

/// A lock that lets threads through in the order in which they came.
#[derive(Default)]
struct Turnstile {
    next: AtomicU64,
    serving: Mutex<u64>,
    moved: Condvar,
}

impl Turnstile {
    fn enter(&self) {
        let mine = self.next.fetch_add(1, Ordering::SeqCst);
        let serving = self.serving.lock().unwrap();
        drop(self.moved.wait_while(serving, |serving| *serving != mine).unwrap());
    }

    fn leave(&self) {
        *self.serving.lock().unwrap() += 1;
        self.moved.notify_all();
    }
}
