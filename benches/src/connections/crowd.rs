//! The clients: many connections from one thread, of which some talk.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};
use rustix::fd::AsRawFd;
use rustix::process::{Resource, getrlimit, setrlimit};

use super::Subject;

/// A server that does not answer for so long is broken.
const PATIENCE: Duration = Duration::from_secs(30);

/// Descriptors that a process needs beside its connections.
const OTHERS: u64 = 64;

/// Open connections.
pub(super) struct Crowd {
    subject: Subject,
    connections: Vec<TcpStream>,
}

/// What some of them did.
pub(super) struct Talk {
    pub(super) answers: u64,
    pub(super) elapsed: Duration,
    pub(super) longest_wait: Duration,
}

/// A request under way.
struct Asked {
    at: Instant,
    answer: Vec<u8>,
}

impl Crowd {
    /// Opens `count` connections; each has got one answer.
    pub(super) fn connect(addr: SocketAddr, subject: Subject, count: usize) -> Result<Crowd> {
        let mut crowd = Crowd { subject, connections: Vec::with_capacity(count) };
        for number in 0..count {
            let stream = TcpStream::connect(addr)
                .with_context(|| format!("connection {} of {count} was refused", number + 1))?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            crowd.connections.push(stream);
        }
        crowd.talk_once()?;
        Ok(crowd)
    }

    /// Each connection asks once and waits for its answer.
    pub(super) fn talk_once(&mut self) -> Result<()> {
        let mut answer = Vec::new();
        let mut chunk = [0; 1024];
        for mut stream in &self.connections {
            stream.write_all(self.subject.request())?;
            answer.clear();
            while !self.subject.is_answer(&answer)? {
                let bytes = stream.read(&mut chunk).context("an answer did not come")?;
                ensure!(bytes > 0, "the server closed a connection");
                answer.extend_from_slice(&chunk[..bytes]);
            }
        }
        Ok(())
    }

    /// The first `talking` connections ask again and again for `time`, and wait for their last answers.
    pub(super) fn talk(&mut self, talking: usize, time: Duration, clock: &Clock) -> Result<Talk> {
        let talking = &self.connections[..talking.min(self.connections.len())];
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(1024);
        let start = clock.now();
        let mut asked = Vec::with_capacity(talking.len());
        for (index, mut stream) in talking.iter().enumerate() {
            stream.set_nonblocking(true)?;
            poll.registry().register(&mut SourceFd(&stream.as_raw_fd()), Token(index), Interest::READABLE)?;
            stream.write_all(self.subject.request())?;
            asked.push(Some(Asked { at: clock.now(), answer: Vec::new() }));
        }
        let end = start + time;
        let mut under_way = talking.len();
        let (mut answers, mut longest_wait) = (0, Duration::ZERO);
        while under_way > 0 {
            match poll.poll(&mut events, Some(PATIENCE)) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            }
            ensure!(!events.is_empty(), "{under_way} answers did not come within {PATIENCE:?}");
            let now = clock.now();
            for event in &events {
                let (mut stream, slot) = (&talking[event.token().0], &mut asked[event.token().0]);
                let Some(request) = slot else { bail!("an answer that nobody asked for") };
                if !read_answer(self.subject, stream, request)? {
                    continue;
                }
                answers += 1;
                longest_wait = longest_wait.max(now.saturating_duration_since(request.at));
                if now < end {
                    request.answer.clear();
                    request.at = now;
                    // One small request into an empty send buffer: it is taken whole.
                    stream.write_all(self.subject.request())?;
                } else {
                    *slot = None;
                    under_way -= 1;
                }
            }
        }
        talking.iter().try_for_each(|stream| stream.set_nonblocking(false))?;
        Ok(Talk { answers, elapsed: clock.now() - start, longest_wait })
    }
}

/// Reads what is there; whether the answer is whole.
fn read_answer(subject: Subject, mut stream: &TcpStream, asked: &mut Asked) -> Result<bool> {
    let mut chunk = [0; 1024];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => bail!("the server closed a connection"),
            Ok(bytes) => asked.answer.extend_from_slice(&chunk[..bytes]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    subject.is_answer(&asked.answer)
}

/// Raises this process's limit on descriptors as far as it may and its children inherit it; how many connections fit.
pub fn raise_limit(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = wanted as u64 + OTHERS;
    let allowed = limit.maximum.unwrap_or(u64::MAX).min(needed.max(limit.current.unwrap_or(needed)));
    if limit.current.is_some_and(|current| current < allowed) {
        // A refusal leaves the limit as it was, which is what is looked at below.
        let _ = setrlimit(Resource::Nofile, rustix::process::Rlimit { current: Some(allowed), ..limit });
    }
    let now = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    wanted.min(now.saturating_sub(OTHERS) as usize)
}
