//! The client: a closed loop over 64 connections in a process of its own, this program started again.
//!
//! # Model
//! Each connection sends a request, waits for the whole answer, and sends the next. So the server is never without work
//! and never has more than 64 requests; the figure is how fast it goes, not how long one request takes.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use clock::Clock;
use mio::{Events, Interest, Poll, Token};
use serde::{Deserialize, Serialize};

use super::servers::ServerStats;

/// The connections of a client.
pub const CONNECTIONS: usize = 64;

/// Asks for what is measured.
pub(crate) const GET_HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nHost: bench\r\n\r\n";
const GET_STATS: &[u8] = b"GET /stats HTTP/1.1\r\nHost: bench\r\n\r\n";

/// A server that does not answer for so long is broken.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a client is asked to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Task {
    /// The server.
    pub addr: SocketAddr,
    /// Requests before this time do not count.
    pub warm_up: Duration,
    /// How long requests count.
    pub measured: Duration,
}

/// What a client found, of the measured time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Answers.
    pub requests: u64,
    /// The time that they took.
    pub elapsed: Duration,
    /// What the server did meanwhile.
    pub server: ServerStats,
}

/// Runs `task` on the calling thread.
///
/// # Errors
/// When the server cannot be reached, stays silent, or answers something else than expected.
pub fn run(task: &Task) -> Result<Found> {
    let clock = Clock::real();
    let mut crowd = Crowd::connect(task.addr)?;
    let mut stats = TcpStream::connect(task.addr)?;
    stats.set_read_timeout(Some(PATIENCE))?;
    crowd.run_for(task.warm_up, &clock)?;
    let before = ask_stats(&mut stats)?;
    let start = clock.now();
    let requests = crowd.run_for(task.measured, &clock)?;
    let elapsed = clock.now() - start;
    let server = ask_stats(&mut stats)?.since(before);
    Ok(Found { requests, elapsed, server })
}

fn ask_stats(stream: &mut TcpStream) -> Result<ServerStats> {
    stream.write_all(GET_STATS)?;
    let mut answer = Vec::new();
    let mut chunk = [0; 1024];
    loop {
        let bytes = stream.read(&mut chunk).context("the server does not answer /stats")?;
        ensure!(bytes > 0, "the server closed the connection");
        answer.extend_from_slice(&chunk[..bytes]);
        if let Some(body) = body_of(&answer)? {
            return Ok(serde_json::from_slice(body)?);
        }
    }
}

/// The connections, all of them with a request under way.
struct Crowd {
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
}

struct Connection {
    stream: mio::net::TcpStream,
    answer: Vec<u8>,
}

impl Crowd {
    fn connect(addr: SocketAddr) -> Result<Crowd> {
        let poll = Poll::new()?;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for index in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(addr).with_context(|| format!("cannot reach {addr}"))?;
            stream.set_nodelay(true)?;
            stream.write_all(GET_HELLO)?;
            stream.set_nonblocking(true)?;
            let mut stream = mio::net::TcpStream::from_std(stream);
            poll.registry().register(&mut stream, Token(index), Interest::READABLE)?;
            connections.push(Connection { stream, answer: Vec::new() });
        }
        Ok(Crowd { poll, events: Events::with_capacity(CONNECTIONS), connections })
    }

    /// Answers that came within `time`.
    fn run_for(&mut self, time: Duration, clock: &Clock) -> Result<u64> {
        let end = clock.now() + time;
        let mut answers = 0;
        loop {
            match self.poll.poll(&mut self.events, Some(PATIENCE)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            ensure!(!self.events.is_empty(), "the server has been silent for {PATIENCE:?}");
            for event in &self.events {
                answers += self.connections[event.token().0].advance()?;
            }
            if clock.now() >= end {
                return Ok(answers);
            }
        }
    }
}

impl Connection {
    /// Reads what is there and sends the next request after each whole answer; how many answers.
    fn advance(&mut self) -> Result<u64> {
        let mut chunk = [0; 4096];
        let mut answers = 0;
        loop {
            let bytes = match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the server closed a connection"),
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(answers),
                Err(error) => return Err(error.into()),
            };
            self.answer.extend_from_slice(&chunk[..bytes]);
            if body_of(&self.answer)?.is_some() {
                answers += 1;
                self.answer.clear();
                // One small request into an empty send buffer: it is taken whole.
                self.stream.write_all(GET_HELLO)?;
            }
        }
    }
}

/// The body of the answer in `bytes`, `None` while a part of it is missing. Nothing may follow it, for no client here
/// sends a second request before the first is answered.
pub(crate) fn body_of(bytes: &[u8]) -> Result<Option<&[u8]>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut head = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head_bytes) = head.parse(bytes)? else { return Ok(None) };
    ensure!(head.code == Some(200), "the server answered {:?}", head.code);
    let length = head.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.ok_or_else(|| anyhow!("an answer without content-length"))?;
    let length: usize = std::str::from_utf8(length.value)?.parse()?;
    let body = &bytes[head_bytes..];
    ensure!(body.len() <= length, "the server answered more than it was asked");
    Ok((body.len() == length).then_some(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_when_its_body_is() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(body_of(answer).unwrap(), Some(&b"hello"[..]));
        for cut in 0..answer.len() {
            assert_eq!(body_of(&answer[..cut]).unwrap(), None, "{cut}");
        }
    }

    #[test]
    fn a_wrong_answer_is_an_error_and_no_request() {
        for wrong in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello and more",
            "garbage\r\n\r\n",
        ] {
            assert!(body_of(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
