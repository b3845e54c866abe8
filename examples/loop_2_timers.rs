//! An event loop, step 2 of 5: timers, because the sleep of the loop has an end that the next of them sets.
//!
//! ```sh
//! cargo run --example loop_2_timers
//! ```
//!
//! Four timers are set at the start; watch that they come by their time, and with equal times in the order in which they
//! were set. The last one lets a client in with two connections: the first says goodbye, so its time-out
//! is stopped and never fires; the second falls silent, and its time-out closes it.
//!
//! # Source
//! The order of equal timers, and that due ones are collected before the first of them runs, are libuv's `timer.c`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clock::Clock;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// What a callback wants of its socket afterwards.
#[derive(PartialEq)]
enum After {
    Watch,
    Close,
}

type Callback = Box<dyn FnMut(&mut EventLoop) -> io::Result<After>>;
type Later = Box<dyn FnOnce(&mut EventLoop) -> io::Result<()>>;

/// When a timer is due, and the number of its start: in this order they fire.
type Due = (Instant, usize);

struct EventLoop {
    poll: Poll,
    callbacks: HashMap<Token, Callback>,
    tokens: usize,
    clock: Clock,
    timers: BTreeMap<Due, Later>,
    starts: usize,
}

impl EventLoop {
    // ANCHOR: timers
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while !self.callbacks.is_empty() || !self.timers.is_empty() {
            self.poll.poll(&mut events, self.time_to_sleep())?;
            for event in &events {
                self.call(event.token())?;
            }
            self.run_timers()?;
        }
        Ok(())
    }

    /// Until the next timer is due; for ever when there is none.
    fn time_to_sleep(&self) -> Option<Duration> {
        let ((at, _), _) = self.timers.first_key_value()?;
        Some(at.saturating_duration_since(self.clock.now()))
    }

    /// Runs what is due now. The list is made first, so a timer that a callback sets
    /// waits for the next pass; each is looked up again, so one that a callback has
    /// stopped does not run.
    fn run_timers(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        let due: Vec<Due> = self.timers.range(..=(now, usize::MAX)).map(|(due, _)| *due).collect();
        for due in due {
            if let Some(callback) = self.timers.remove(&due) {
                callback(self)?;
            }
        }
        Ok(())
    }
    // ANCHOR_END: timers

    fn start_timer(&mut self, after: Duration, callback: Later) -> Due {
        self.starts += 1;
        let due = (self.clock.now() + after, self.starts);
        self.timers.insert(due, callback);
        due
    }

    fn stop_timer(&mut self, due: Due) {
        self.timers.remove(&due);
    }

    /// The callback is out of the table while it runs, so that it may be given the whole loop.
    fn call(&mut self, token: Token) -> io::Result<()> {
        let Some(mut callback) = self.callbacks.remove(&token) else { return Ok(()) };
        if callback(self)? == After::Watch {
            self.callbacks.insert(token, callback);
        }
        Ok(())
    }

    fn watch(&mut self, source: &mut impl Source) -> io::Result<Token> {
        self.tokens += 1;
        self.poll.registry().register(source, Token(self.tokens), Interest::READABLE)?;
        Ok(Token(self.tokens))
    }
}

/// Accepts `count` connections, then stops to listen. The callback owns the listener, so it goes when the callback goes.
fn listen(lp: &mut EventLoop, mut listener: TcpListener, count: usize) -> io::Result<()> {
    let token = lp.watch(&mut listener)?;
    let mut accepted = 0;
    let callback = move |lp: &mut EventLoop| {
        while accepted < count {
            let (stream, _) = match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(After::Watch),
                accepted => accepted?,
            };
            accepted += 1;
            println!("connection {accepted} is accepted");
            serve(lp, stream, accepted)?;
        }
        Ok(After::Close)
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

/// A connection that says something and then nothing for this long is closed.
const SILENCE: Duration = Duration::from_millis(300);

fn serve(lp: &mut EventLoop, mut stream: TcpStream, number: usize) -> io::Result<()> {
    let token = lp.watch(&mut stream)?;
    let mut time_out: Option<Due> = None;
    let callback = move |lp: &mut EventLoop| {
        let (text, ended) = read_what_is_there(&mut stream)?;
        if let Some(old) = time_out.take() {
            lp.stop_timer(old);
        }
        if ended {
            println!("connection {number} has ended");
            return Ok(After::Close);
        }
        println!("connection {number} says {text}");
        stream.write_all(text.as_bytes())?;
        let close = move |lp: &mut EventLoop| {
            println!("connection {number} was silent for too long");
            lp.callbacks.remove(&token);
            Ok(())
        };
        time_out = Some(lp.start_timer(SILENCE, Box::new(close)));
        Ok(After::Watch)
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

/// Reads until the socket would block. mio tells that a socket *became* readable, once: what is left unread stays unread.
fn read_what_is_there(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        end => Ok((String::from_utf8_lossy(&bytes).into_owned(), end.is_ok())),
    }
}

/// The first connection ends as one should; the second says a word and waits until the server has had enough.
fn client(server: SocketAddr) -> io::Result<()> {
    let mut polite = std::net::TcpStream::connect(server)?;
    let mut silent = std::net::TcpStream::connect(server)?;
    say(&mut polite, "hello")?;
    polite.shutdown(Shutdown::Write)?;
    polite.read_to_end(&mut Vec::new())?;
    say(&mut silent, "hello?")?;
    silent.read_to_end(&mut Vec::new())?;
    Ok(())
}

fn say(stream: &mut std::net::TcpStream, word: &str) -> io::Result<()> {
    stream.write_all(word.as_bytes())?;
    stream.read_exact(&mut vec![0; word.len()])
}

fn main() -> io::Result<()> {
    let mut lp = EventLoop {
        poll: Poll::new()?,
        callbacks: HashMap::new(),
        tokens: 0,
        clock: Clock::real(),
        timers: BTreeMap::new(),
        starts: 0,
    };
    for (name, ms) in [("A", 20), ("B", 10), ("C", 10)] {
        let callback = move |_: &mut EventLoop| {
            println!("timer {name} of {ms} ms");
            Ok(())
        };
        lp.start_timer(Duration::from_millis(ms), Box::new(callback));
    }
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    listen(&mut lp, listener, 2)?;
    let (open, opened) = mpsc::channel();
    let client = thread::Builder::new().name("client".into()).spawn(move || {
        opened.recv().expect("the timer of the door fires");
        client(address)
    })?;
    let open_the_door = move |_: &mut EventLoop| {
        println!("timer D of 30 ms lets the client in");
        open.send(()).expect("the client waits for it");
        Ok(())
    };
    lp.start_timer(Duration::from_millis(30), Box::new(open_the_door));
    lp.run()?;
    println!("no socket and no timer is left, so the loop has ended");
    client.join().expect("the client does not panic")
}
