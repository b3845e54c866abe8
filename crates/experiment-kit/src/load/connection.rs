//! One keep-alive connection of the load client: at most one request is in flight on it.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::load::FailureKind;
use crate::load::response::parse;

/// More than the longest head and body that the parser takes.
const INCOMING_LIMIT_BYTES: usize = 128 * 1024;

/// A connection and what is in flight on it.
pub(super) struct Connection {
    stream: TcpStream,
    connected: bool,
    outgoing: Vec<u8>,
    incoming: Vec<u8>,
    flight: Option<Flight>,
}

/// A request that waits for its answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flight {
    /// Index into the streams; `None` for a warm-up that is not counted.
    pub(super) stream: Option<usize>,
    /// When the schedule wanted it sent.
    pub(super) intended: Instant,
    /// When the client got to it.
    pub(super) handed: Instant,
    /// When its last byte was written.
    pub(super) sent: Option<Instant>,
}

/// What became of a connection after the system reported it ready.
#[derive(Debug)]
pub(super) enum Ready {
    /// Nothing complete yet.
    Waiting,
    /// The answer is there: status 200 and this body.
    Answered { flight: Flight, body: Vec<u8>, reusable: bool },
    /// The request failed and the connection is of no more use.
    Failed { flight: Flight, kind: FailureKind },
    /// The server closed an idle connection.
    IdleClosed,
}

impl Connection {
    /// Begins to connect; the outcome comes as readiness.
    pub(super) fn open(addr: SocketAddr, registry: &Registry, token: Token) -> std::io::Result<Connection> {
        let mut stream = TcpStream::connect(addr)?;
        registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
        Ok(Connection { stream, connected: false, outgoing: Vec::new(), incoming: Vec::new(), flight: None })
    }

    /// Sends `request` as soon as the connection is up.
    pub(super) fn begin(&mut self, request: &[u8], flight: Flight, now: Instant) -> Ready {
        debug_assert!(self.flight.is_none(), "one request at a time");
        self.outgoing.clear();
        self.outgoing.extend_from_slice(request);
        self.flight = Some(flight);
        self.write(now)
    }

    /// The request in flight.
    pub(super) fn flight(&self) -> Option<&Flight> {
        self.flight.as_ref()
    }

    /// Does all that the system has made possible; edge-triggered, so until it would block.
    pub(super) fn ready(&mut self, now: Instant) -> Ready {
        match self.write(now) {
            Ready::Waiting => self.read(),
            done => done,
        }
    }

    /// Gives up the request in flight.
    pub(super) fn give_up(&mut self) -> Option<Flight> {
        self.flight.take()
    }

    fn write(&mut self, now: Instant) -> Ready {
        if !self.connected {
            match self.finish_connect() {
                Ok(true) => self.connected = true,
                Ok(false) => return Ready::Waiting,
                Err(error) => return self.fail(FailureKind::Connect(error.to_string())),
            }
        }
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(0) => return self.fail(FailureKind::Closed),
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ready::Waiting,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return self.fail(FailureKind::Closed),
            }
            if self.outgoing.is_empty()
                && let Some(flight) = &mut self.flight
            {
                flight.sent = Some(now);
            }
        }
        Ready::Waiting
    }

    /// Whether the connection is up, by mio's recipe: no pending error, and a peer.
    fn finish_connect(&mut self) -> std::io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => self.stream.set_nodelay(true).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn read(&mut self) -> Ready {
        let mut ended = false;
        let mut chunk = [0; 4096];
        while self.connected && !ended {
            match self.stream.read(&mut chunk) {
                Ok(0) => ended = true,
                Ok(read) => self.incoming.extend_from_slice(&chunk[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => ended = true,
            }
            if self.incoming.len() > INCOMING_LIMIT_BYTES {
                return self.fail(FailureKind::Malformed("more bytes than any answer has".to_owned()));
            }
        }
        self.answer(ended)
    }

    fn answer(&mut self, ended: bool) -> Ready {
        let Some(flight) = self.flight else {
            return match (ended, self.incoming.is_empty()) {
                (false, true) => Ready::Waiting,
                _ => Ready::IdleClosed, // Bytes that nobody asked for make a connection useless, too.
            };
        };
        match parse(&self.incoming) {
            Err(reason) => self.fail(FailureKind::Malformed(reason)),
            Ok(None) if ended => self.fail(FailureKind::Closed),
            Ok(None) => Ready::Waiting,
            Ok(Some(response)) if response.status != 200 => {
                let kind = FailureKind::Status(response.status);
                self.fail(kind)
            }
            Ok(Some(response)) => {
                let body = response.body.to_vec();
                let reusable = !response.close && !ended && response.length == self.incoming.len();
                self.incoming.clear();
                self.flight = None;
                Ready::Answered { flight, body, reusable }
            }
        }
    }

    fn fail(&mut self, kind: FailureKind) -> Ready {
        match self.flight.take() {
            Some(flight) => Ready::Failed { flight, kind },
            None => Ready::IdleClosed,
        }
    }
}
