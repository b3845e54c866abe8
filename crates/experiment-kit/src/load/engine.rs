//! The client's own event loop: sends what is due, collects what is answered, and counts everything.
//!
//! # Model
//! `connections[token]` are all connections, `idle` those without a request (the last used is taken first),
//! `waiting` the requests for which `max_connections` left none. One pass: poll, handle what is ready, send
//! what is due, give up what is too old, report at least four times a second.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;
use mio::{Events, Poll, Token, Waker};

use crate::load::connection::{Connection, Flight, Ready};
use crate::load::pacer::Pacer;
use crate::load::schedule::{Due, schedule};
use crate::load::{ActSpec, Failure, FailureKind, Message, Sample, Totals};

const WAKE: Token = Token(usize::MAX);
const POLL_LIMIT: Duration = Duration::from_millis(50);
const REPORT_EVERY: Duration = Duration::from_millis(250);
const LEAD: Duration = Duration::from_millis(10);

/// Where messages to the parent go.
pub(super) type Emit<'e> = &'e mut dyn FnMut(&Message) -> std::io::Result<()>;

/// Runs one act and reports it.
///
/// # Errors
/// Why the act cannot be run, in words: no server, no descriptors, nobody who reads the messages.
pub(super) fn run_act(spec: &ActSpec, clock: &Clock, emit: Emit<'_>) -> Result<(), String> {
    let mut engine = Engine::new(spec, clock, emit).map_err(|error| format!("cannot poll: {error}"))?;
    engine.warm_up()?;
    engine.run()
}

struct Engine<'e> {
    spec: &'e ActSpec,
    clock: &'e Clock,
    emit: Emit<'e>,
    poll: Poll,
    waker: Arc<Waker>,
    requests: Vec<Vec<u8>>,
    start: Instant,
    connections: Vec<Option<Connection>>,
    idle: Vec<usize>,
    free: Vec<usize>,
    waiting: VecDeque<Flight>,
    in_flight: usize,
    warmed: usize,
    broken: Option<String>,
    samples: Vec<Sample>,
    failures: Vec<Failure>,
    reported: Instant,
    totals: Totals,
}

impl<'e> Engine<'e> {
    fn new(spec: &'e ActSpec, clock: &'e Clock, emit: Emit<'e>) -> std::io::Result<Engine<'e>> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let request = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", spec.addr).into_bytes();
        Ok(Engine {
            spec,
            clock,
            emit,
            poll,
            waker,
            requests: spec.streams.iter().map(|stream| request(&stream.path)).collect(),
            start: clock.now(),
            connections: Vec::new(),
            idle: Vec::new(),
            free: Vec::new(),
            waiting: VecDeque::new(),
            in_flight: 0,
            warmed: 0,
            broken: None,
            samples: Vec::new(),
            failures: Vec::new(),
            reported: clock.now(),
            totals: Totals::default(),
        })
    }

    /// Opens the first connections and waits for one answer on each: the server is up and has nothing left to do.
    fn warm_up(&mut self) -> Result<(), String> {
        let now = self.clock.now();
        for _ in 0..self.spec.warm_connections {
            self.hand(Flight { stream: None, intended: now, handed: now, sent: None });
        }
        let mut events = Events::with_capacity(256);
        while self.warmed < self.spec.warm_connections {
            self.pass(&mut events)?;
        }
        Ok(())
    }

    fn run(&mut self) -> Result<(), String> {
        let dues = schedule(&self.spec.streams, milliseconds(self.spec.length_ms), self.spec.seed);
        self.totals.scheduled = dues.len();
        self.start = self.clock.now() + LEAD;
        let times = dues.iter().map(|due| self.start + due.at).collect();
        let _pacer = Pacer::start(times, self.clock.clone(), Arc::clone(&self.waker))
            .map_err(|error| format!("cannot start the pacer: {error}"))?;
        self.say(&Message::Started { wall_ns: wall_ns(self.start) })?;
        let mut dues = dues.into_iter().peekable();
        let mut events = Events::with_capacity(256);
        while dues.peek().is_some() || self.in_flight > 0 || !self.waiting.is_empty() {
            self.pass(&mut events)?;
            self.send_due(&mut dues);
        }
        self.report()?;
        let totals = self.totals;
        self.say(&Message::Finished(totals))
    }

    fn pass(&mut self, events: &mut Events) -> Result<(), String> {
        match self.poll.poll(events, Some(POLL_LIMIT)) {
            Err(error) if error.kind() != std::io::ErrorKind::Interrupted => {
                return Err(format!("cannot poll: {error}"));
            }
            _ => {}
        }
        let now = self.clock.now();
        for event in events.iter().filter(|event| event.token() != WAKE) {
            self.on_ready(event.token().0, now);
        }
        self.give_up_late(now);
        self.hand_waiting();
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        if now.saturating_duration_since(self.reported) >= REPORT_EVERY { self.report() } else { Ok(()) }
    }

    fn send_due(&mut self, dues: &mut std::iter::Peekable<std::vec::IntoIter<Due>>) {
        let now = self.clock.now();
        while let Some(due) = dues.next_if(|due| self.start + due.at <= now) {
            let intended = self.start + due.at;
            self.hand(Flight { stream: Some(due.stream), intended, handed: now, sent: None });
        }
    }

    /// Gives the request to an idle connection, a new one, or the queue of those that wait for one.
    fn hand(&mut self, flight: Flight) {
        let warming = flight.stream.is_none();
        let reused = if warming { None } else { self.idle.pop() };
        let index = match reused {
            Some(index) => index,
            None if self.open_count() >= self.spec.max_connections => {
                self.totals.waited_for_connection += 1;
                self.waiting.push_back(flight);
                return;
            }
            None => match self.open() {
                Ok(index) => index,
                Err(error) => return self.fail(flight, FailureKind::Connect(error.to_string())),
            },
        };
        self.begin(index, flight);
    }

    fn begin(&mut self, index: usize, flight: Flight) {
        let request = &self.requests[flight.stream.unwrap_or(0)];
        let connection = self.connections[index].as_mut().expect("an idle connection is open");
        self.in_flight += 1;
        let ready = connection.begin(request, flight, self.clock.now());
        self.settle(index, ready);
    }

    fn open_count(&self) -> usize {
        self.connections.len() - self.free.len()
    }

    fn open(&mut self) -> std::io::Result<usize> {
        let index = self.free.last().copied().unwrap_or(self.connections.len());
        let connection = Connection::open(self.spec.addr, self.poll.registry(), Token(index))?;
        if index == self.connections.len() {
            self.connections.push(Some(connection));
        } else {
            self.free.pop();
            self.connections[index] = Some(connection);
        }
        self.totals.connections = self.totals.connections.max(self.open_count());
        Ok(index)
    }

    fn on_ready(&mut self, index: usize, now: Instant) {
        // An event for a connection that was closed earlier in this pass finds nothing, or finds a new
        // connection under the same token and is then a spurious one, which `ready` allows.
        if let Some(connection) = self.connections.get_mut(index).and_then(Option::as_mut) {
            let ready = connection.ready(now);
            self.settle(index, ready);
        }
    }

    fn settle(&mut self, index: usize, ready: Ready) {
        match ready {
            Ready::Waiting => {}
            Ready::IdleClosed => self.close(index),
            Ready::Failed { flight, kind } => {
                self.in_flight -= 1;
                self.close(index);
                self.fail(flight, kind);
            }
            Ready::Answered { flight, body, reusable } => {
                self.in_flight -= 1;
                self.answered(&flight, &body);
                if !reusable {
                    self.close(index);
                } else if let Some(next) = self.waiting.pop_front() {
                    self.begin(index, next);
                } else {
                    self.idle.push(index);
                }
            }
        }
    }

    fn close(&mut self, index: usize) {
        self.connections[index] = None;
        self.idle.retain(|&idle| idle != index);
        self.free.push(index);
    }

    /// Connections were closed meanwhile: new ones may be opened for the requests that wait.
    fn hand_waiting(&mut self) {
        while self.open_count() < self.spec.max_connections
            && let Some(next) = self.waiting.pop_front()
        {
            self.hand(next);
        }
    }

    fn answered(&mut self, flight: &Flight, body: &[u8]) {
        let Some(stream) = flight.stream else {
            self.warmed += 1;
            return;
        };
        let from_start = |at: Instant| nanoseconds(at.saturating_duration_since(self.start));
        self.samples.push(Sample {
            stream,
            intended_ns: from_start(flight.intended),
            handed_ns: from_start(flight.handed),
            sent_ns: from_start(flight.sent.unwrap_or(flight.handed)),
            latency_ns: nanoseconds(self.clock.now().saturating_duration_since(flight.intended)),
            work: serde_json::from_slice(body).ok(),
        });
    }

    fn fail(&mut self, flight: Flight, kind: FailureKind) {
        match flight.stream {
            None => self.broken = Some(format!("{} does not serve: {kind}", self.spec.addr)),
            Some(stream) => {
                let intended_ns = nanoseconds(flight.intended.saturating_duration_since(self.start));
                self.failures.push(Failure { stream, intended_ns, kind });
            }
        }
    }

    fn give_up_late(&mut self, now: Instant) {
        let limit = milliseconds(self.spec.timeout_ms);
        let late = |flight: &Flight| now.saturating_duration_since(flight.intended) > limit;
        while self.waiting.front().is_some_and(late) {
            let flight = self.waiting.pop_front().expect("there is a first one");
            self.fail(flight, FailureKind::TimedOut);
        }
        for index in 0..self.connections.len() {
            let Some(connection) = &mut self.connections[index] else { continue };
            if connection.flight().is_some_and(late) {
                let flight = connection.give_up().expect("it is in flight");
                self.settle(index, Ready::Failed { flight, kind: FailureKind::TimedOut });
            }
        }
    }

    fn report(&mut self) -> Result<(), String> {
        self.reported = self.clock.now();
        let samples = std::mem::take(&mut self.samples);
        let failures = std::mem::take(&mut self.failures);
        self.say(&Message::Samples { samples, failures })
    }

    fn say(&mut self, message: &Message) -> Result<(), String> {
        (self.emit)(message).map_err(|error| format!("cannot report: {error}"))
    }
}

fn milliseconds(ms: f64) -> Duration {
    Duration::from_secs_f64(ms.max(0.0) / 1_000.0)
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// The wall-clock time of a monotonic reading, by the anchor that both clocks share.
fn wall_ns(at: Instant) -> u64 {
    let anchor = clock::process_start_wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    nanoseconds(anchor) + clock::since_start_ns(at)
}

#[cfg(test)]
mod tests {
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
        let streams =
            streams.iter().map(|&(path, count)| StreamSpec { path: path.to_owned(), count }).collect();
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
        let streams =
            [("/ping", 20), ("/work", 5), ("/teapot", 4), ("/garbage", 3), ("/half", 2), ("/close", 2)];
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
        let blocked = ActSpec { timeout_ms: 150.0, ..bounded };
        let (samples, failures, totals) = run(&ActSpec { addr: serve_when_crowded(11), ..blocked }).unwrap();
        assert_eq!((samples.len(), failures.len(), totals.waited_for_connection), (0, 30, 20));
    }

    #[test]
    fn a_port_without_a_server_is_reported_before_the_schedule_begins() {
        let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = run(&spec(addr, &[("/ping", 5)])).unwrap_err();
        assert!(error.contains("does not serve: cannot connect"), "{error}");
    }
}
