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
const DUE: Token = Token(usize::MAX - 1);
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
        let mut pacer = Pacer::start(times, self.clock.clone(), (&self.poll, DUE), &self.waker)
            .map_err(|error| format!("cannot start the pacer: {error}"))?;
        self.say(&Message::Started { wall_ns: wall_ns(self.start) })?;
        let mut dues = dues.into_iter().peekable();
        let mut events = Events::with_capacity(256);
        let mut sent_until = self.clock.now();
        while dues.peek().is_some() || self.in_flight > 0 || !self.waiting.is_empty() {
            pacer.arm(sent_until).map_err(|error| format!("cannot set the pacer: {error}"))?;
            self.pass(&mut events)?;
            sent_until = self.send_due(&mut dues);
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
        for event in events.iter().filter(|event| ![WAKE, DUE].contains(&event.token())) {
            self.on_ready(event.token().0, now);
        }
        self.give_up_late(now);
        self.hand_waiting();
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        if now.saturating_duration_since(self.reported) >= REPORT_EVERY { self.report() } else { Ok(()) }
    }

    // ANCHOR: send_due
    /// Sends what is due, and says until which time everything was.
    fn send_due(&mut self, dues: &mut std::iter::Peekable<std::vec::IntoIter<Due>>) -> Instant {
        let now = self.clock.now();
        while let Some(due) = dues.next_if(|due| self.start + due.at <= now) {
            let intended = self.start + due.at;
            self.hand(Flight { stream: Some(due.stream), intended, handed: now, sent: None });
        }
        now
    }
    // ANCHOR_END: send_due

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
mod tests;
