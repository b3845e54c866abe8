//! The process of `readiness`: connections within one loop that are all open and talk, or one file that is read.
//!
//! # Model
//! ```text
//! open: a few connects in flight at a time, until all are there and accepted
//! talk: every client sends a message; the server sends it back; after so many the client is done
//! count: when the last is done, with all still open
//! ```

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use anyhow::{Context, Result, anyhow, ensure};
use runtime_lab::{LoopHandle, ReadEvent, RunMode, Runtime, TcpListener, TcpStream, fs};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::counterpart::Words;
use crate::roles::{self, Part};
use crate::threads;

/// The process.
pub(crate) static PART: Part = Part { name: "readiness", main };

/// What is sent and sent back.
const MESSAGE: [u8; 64] = [b'x'; 64];

/// Connects in flight at a time: fewer than any system lets wait to be accepted.
const IN_FLIGHT: usize = 50;

/// Descriptors that are needed besides the sockets.
const SPARE: u64 = 40;

/// A small file that every Unix has.
const FILE: &str = "/etc/hosts";

fn main(words: &[String]) -> Result<()> {
    roles::end_with_stdin()?;
    let words = Words::new(words);
    if !threads::are_listed() {
        println!("FACT not_measured {}", threads::LINUX_ONLY);
        return Ok(());
    }
    let before = threads::list()?;
    let runtime = Runtime::new()?;
    match words.text("cell") {
        "sockets" => {
            let asked = words.count("sockets")? / 2;
            let pairs = affordable(asked)?;
            let limit = if pairs < asked { "fewer sockets than asked for" } else { "none" };
            println!("FACT limit {limit}");
            sockets(&runtime, pairs, words.count("exchanges")?, words.text("flaw") == "blocking-sockets")?;
        }
        _ => drop(runtime.block_on(async { fs::read(FILE).await })??),
    }
    println!("FIGURE threads_started {}", threads::started(&before, &threads::list()?).len());
    Ok(())
}

/// How many of `pairs` connections this process may have at once, after raising its limit as far as it may.
fn affordable(pairs: usize) -> Result<usize> {
    let limit = getrlimit(Resource::Nofile);
    // Refused on some systems; then the limit stays, and is read below.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX).saturating_sub(SPARE) / 2;
    ensure!(allowed > 0, "this process may open hardly any descriptor; raise `ulimit -n`");
    Ok(pairs.min(usize::try_from(allowed).unwrap_or(usize::MAX)))
}

fn sockets(runtime: &Runtime, pairs: usize, exchanges: usize, blocking: bool) -> Result<()> {
    let lp = runtime.handle();
    let listener = TcpListener::bind(&lp, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 1024)?;
    let talk = Rc::new(Talk {
        addr: listener.local_addr()?,
        pairs,
        exchanges,
        listener: listener.clone(),
        accepted: RefCell::default(),
        clients: RefCell::default(),
        asked: Cell::new(0),
        connected: Cell::new(0),
        done: Cell::new(0),
        watched: Cell::new(0),
        failed: RefCell::default(),
    });
    let server = talk.clone();
    listener.on_connection(move |lp, accepted| server.serve(lp, accepted));
    if blocking {
        for _ in 0..pairs {
            let (addr, talk) = (talk.addr, talk.clone());
            runtime.offload(
                move || blocking_client(addr, exchanges),
                move |lp, outcome| match outcome.done() {
                    Some(Ok(())) => talk.client_is_done(lp),
                    _ => talk.fail(lp, "a blocking client failed"),
                },
            )?;
        }
    } else {
        for _ in 0..IN_FLIGHT.min(pairs) {
            talk.connect(&lp);
        }
    }
    runtime.run(RunMode::Default)?;
    if let Some(failed) = talk.failed.take() {
        return Err(anyhow!(failed).context("the sockets did not talk to their end"));
    }
    let sockets = 2 * talk.done.get();
    println!("FIGURE sockets {sockets}");
    println!("FIGURE watched_share {}", talk.watched.get() as f64 / sockets as f64);
    Ok(())
}

/// Connections within this process.
struct Talk {
    addr: SocketAddr,
    pairs: usize,
    exchanges: usize,
    listener: TcpListener,
    accepted: RefCell<Vec<TcpStream>>,
    clients: RefCell<Vec<TcpStream>>,
    /// Connects that were begun.
    asked: Cell<usize>,
    connected: Cell<usize>,
    done: Cell<usize>,
    watched: Cell<usize>,
    failed: RefCell<Option<String>>,
}

impl Talk {
    /// Sends back whatever comes.
    fn serve(self: &Rc<Self>, lp: &LoopHandle, accepted: io::Result<TcpStream>) {
        let stream = match accepted {
            Ok(stream) => stream,
            Err(error) => return self.fail(lp, &format!("cannot accept: {error}")),
        };
        let echo = stream.clone();
        let read = stream.read_start(move |_lp, event| match event {
            ReadEvent::Data(bytes) => echo.write(bytes.to_vec(), |_lp, _outcome| ()),
            ReadEvent::End | ReadEvent::Failed(_) => drop(echo.close()),
        });
        self.accepted.borrow_mut().push(stream);
        if let Err(error) = read {
            self.fail(lp, &format!("cannot read: {error}"));
        }
        self.begin_when_all_are_there(lp);
    }

    fn connect(self: &Rc<Self>, lp: &LoopHandle) {
        if self.asked.get() == self.pairs {
            return;
        }
        self.asked.set(self.asked.get() + 1);
        let talk = self.clone();
        let connected = TcpStream::connect(lp, self.addr, move |lp, outcome| match outcome {
            Ok(()) => {
                talk.connected.set(talk.connected.get() + 1);
                talk.connect(lp);
                talk.begin_when_all_are_there(lp);
            }
            Err(error) => talk.fail(lp, &format!("cannot connect: {error}")),
        });
        match connected {
            Ok(stream) => self.clients.borrow_mut().push(stream),
            Err(error) => self.fail(lp, &format!("cannot make a socket: {error}")),
        }
    }

    fn begin_when_all_are_there(self: &Rc<Self>, lp: &LoopHandle) {
        if self.connected.get() < self.pairs || self.accepted.borrow().len() < self.pairs {
            return;
        }
        let clients = self.clients.borrow().clone();
        for client in clients {
            if let Err(error) = self.talk(&client) {
                self.fail(lp, &format!("cannot read: {error}"));
            }
        }
    }

    /// Sends a message, and the next one when it has come back.
    fn talk(self: &Rc<Self>, client: &TcpStream) -> io::Result<()> {
        let (talk, stream) = (self.clone(), client.clone());
        let (mut got, mut left) = (0, self.exchanges);
        client.read_start(move |lp, event| match event {
            ReadEvent::Data(bytes) => {
                got += bytes.len();
                if got == MESSAGE.len() {
                    (got, left) = (0, left - 1);
                    match left {
                        0 => talk.client_is_done(lp),
                        _ => stream.write(MESSAGE.to_vec(), |_lp, _outcome| ()),
                    }
                }
            }
            ReadEvent::End | ReadEvent::Failed(_) => talk.fail(lp, "a connection ended early"),
        })?;
        client.write(MESSAGE.to_vec(), |_lp, _outcome| ());
        Ok(())
    }

    fn client_is_done(&self, lp: &LoopHandle) {
        self.done.set(self.done.get() + 1);
        if self.done.get() < self.pairs {
            return;
        }
        match watched_sockets() {
            Ok(watched) => self.watched.set(watched),
            Err(error) => self.fail(lp, &format!("{error:#}")),
        }
        self.close();
    }

    fn fail(&self, lp: &LoopHandle, what: &str) {
        self.failed.borrow_mut().get_or_insert_with(|| what.to_owned());
        lp.stop();
    }

    fn close(&self) {
        self.listener.close();
        let streams = self.accepted.take().into_iter().chain(self.clients.take());
        for stream in streams {
            stream.close();
        }
    }
}

/// What the flaw does instead: a socket that makes a thread wait.
fn blocking_client(addr: SocketAddr, exchanges: usize) -> io::Result<()> {
    let mut socket = std::net::TcpStream::connect(addr)?;
    for _ in 0..exchanges {
        socket.write_all(&MESSAGE)?;
        socket.read_exact(&mut [0; MESSAGE.len()])?;
    }
    Ok(())
}

/// How many sockets the kernel watches for this process.
fn watched_sockets() -> Result<usize> {
    let link = |fd: &str| std::fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
    let mut watched = BTreeSet::new();
    for entry in std::fs::read_dir("/proc/self/fd").context("cannot list the descriptors")? {
        let fd = entry?.file_name().to_string_lossy().into_owned();
        if !link(&fd).to_string_lossy().contains("[eventpoll]") {
            continue;
        }
        // A descriptor that is closed meanwhile watches nothing.
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")).unwrap_or_default();
        watched.extend(
            watched_by(&info)
                .filter(|fd| link(fd).to_string_lossy().starts_with("socket:"))
                .map(str::to_owned),
        );
    }
    Ok(watched.len())
}

/// The descriptors in `tfd: NUMBER events: …` lines.
fn watched_by(fdinfo: &str) -> impl Iterator<Item = &str> {
    fdinfo.lines().filter_map(|line| line.strip_prefix("tfd:")?.split_whitespace().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_epoll_descriptor_watches_is_read_from_its_lines() {
        let info = "pos:\t0\nflags:\t02\ntfd:        5 events:       19 data: 5  pos:0 ino:1 sdev:9\ntfd: 17 events: 1\n";
        assert_eq!(watched_by(info).collect::<Vec<_>>(), ["5", "17"]);
    }

    #[test]
    fn no_more_sockets_are_asked_for_than_the_system_allows() {
        assert_eq!(affordable(1).unwrap(), 1);
        assert!(affordable(usize::MAX).unwrap() > 1);
    }
}
