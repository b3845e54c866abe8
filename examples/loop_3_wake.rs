//! An event loop, step 3 of 5: other threads may hand it work and wake it.
//!
//! ```sh
//! cargo run --example loop_3_wake
//! ```
//!
//! Each connection sends a number and is told how many primes lie below it. Counting takes a while, so another thread
//! does it, and the answer is written by a callback on the loop's thread again. Watch that the second connection, which
//! asks for little, has its answer while the first one's is still being counted.
//!
//! # Model
//! | a thread | the loop |
//! |---|---|
//! | pushes its callback, under the lock | is woken in poll |
//! | the inbox was empty: wakes the loop | takes all callbacks at once, under the lock |
//! | it was not: another wake-up is on its way | runs them in order, without the lock |
//!
//! # Source
//! libuv's `uv_async_send`, which also makes one wake-up of many sends.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clock::Clock;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

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

// ANCHOR: inbox
/// Where other threads put callbacks for the loop.
struct Inbox {
    posted: Mutex<Vec<Posted>>,
    waker: Waker,
}

type Posted = Box<dyn FnOnce(&mut EventLoop) -> io::Result<()> + Send>;

impl Inbox {
    fn post(&self, callback: Posted) -> io::Result<()> {
        let mut posted = self.posted.lock().expect("nobody panics with the lock");
        posted.push(callback);
        // Who finds others there leaves the waking to the first of them: the loop has not
        // taken any of it yet.
        if posted.len() == 1 { self.waker.wake() } else { Ok(()) }
    }
}
// ANCHOR_END: inbox

struct EventLoop {
    poll: Poll,
    callbacks: HashMap<Token, Callback>,
    tokens: usize,
    clock: Clock,
    timers: BTreeMap<Due, Later>,
    starts: usize,
    inbox: Arc<Inbox>,
    threads: Vec<JoinHandle<()>>,
    jobs: usize,
}

/// No socket has this token: it is the inbox that is ready.
const WAKE: Token = Token(0);

impl EventLoop {
    fn new() -> io::Result<EventLoop> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        Ok(EventLoop {
            poll,
            callbacks: HashMap::new(),
            tokens: 0,
            clock: Clock::real(),
            timers: BTreeMap::new(),
            starts: 0,
            inbox: Arc::new(Inbox { posted: Mutex::new(Vec::new()), waker }),
            threads: Vec::new(),
            jobs: 0,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while !self.callbacks.is_empty() || !self.timers.is_empty() || self.jobs > 0 {
            self.poll.poll(&mut events, self.time_to_sleep())?;
            for event in &events {
                match event.token() {
                    WAKE => self.run_posted()?,
                    token => self.call(token)?,
                }
            }
            self.run_timers()?;
        }
        self.threads.drain(..).for_each(|thread| thread.join().expect("a job does not panic"));
        Ok(())
    }

    // ANCHOR: compute
    /// Takes everything at once, so that the lock is held for a moment and never while a
    /// callback runs.
    fn run_posted(&mut self) -> io::Result<()> {
        let posted = std::mem::take(&mut *self.inbox.posted.lock().expect("nobody panics with the lock"));
        posted.into_iter().try_for_each(|callback| callback(self))
    }

    /// Runs `work` on a thread of its own, then `done` with its result on the loop's
    /// thread.
    fn compute<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(&mut EventLoop, T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let inbox = Arc::clone(&self.inbox);
        // A job is neither a socket nor a timer; without this count the loop would end
        // before the result is there.
        self.jobs += 1;
        let job = move || {
            let result = work();
            let callback = move |lp: &mut EventLoop| {
                lp.jobs -= 1;
                done(lp, result)
            };
            inbox.post(Box::new(callback)).expect("a loop that waits for a job can be woken");
        };
        self.threads.push(thread::Builder::new().name("job".into()).spawn(job)?);
        Ok(())
    }
    // ANCHOR_END: compute

    /// Until the next timer is due; for ever when there is none.
    fn time_to_sleep(&self) -> Option<Duration> {
        let ((at, _), _) = self.timers.first_key_value()?;
        Some(at.saturating_duration_since(self.clock.now()))
    }

    /// Runs what is due now. The list is made first, so a timer that a callback sets waits for the next pass; each is
    /// looked up again, so one that a callback has stopped does not run.
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
            serve(lp, stream, accepted)?;
        }
        Ok(After::Close)
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

/// Longer than this, nobody waits for an answer.
const TOO_LONG: Duration = Duration::from_secs(30);

fn serve(lp: &mut EventLoop, mut stream: TcpStream, number: usize) -> io::Result<()> {
    let token = lp.watch(&mut stream)?;
    // Two callbacks need the stream: the one that reads the question, and the one that writes the answer.
    let stream = Arc::new(stream);
    let callback = move |lp: &mut EventLoop| {
        let (text, ended) = read_what_is_there(&stream)?;
        if text.is_empty() {
            return Ok(if ended { After::Close } else { After::Watch });
        }
        println!("connection {number} asks for the primes below {text}");
        let below = text.parse().expect("the client sends a number");
        let time_out = lp.start_timer(TOO_LONG, Box::new(|_| Err(io::ErrorKind::TimedOut.into())));
        let stream = Arc::clone(&stream);
        let done = move |lp: &mut EventLoop, primes: u64| {
            lp.stop_timer(time_out);
            println!("connection {number} is told that there are {primes}");
            (&*stream).write_all(primes.to_string().as_bytes())
        };
        lp.compute(move || count_primes(below), done)?;
        // The question is read; the stream stays open until the answer is written and drops it.
        Ok(After::Close)
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

/// A computation that takes its time, and never looks up.
fn count_primes(below: u64) -> u64 {
    let mut count = 0;
    for n in 2..below {
        let mut divisor = 2;
        while divisor * divisor <= n && !n.is_multiple_of(divisor) {
            divisor += 1;
        }
        count += u64::from(divisor * divisor > n);
    }
    count
}

/// Reads until the socket would block. mio tells that a socket *became* readable, once: what is left unread stays unread.
fn read_what_is_there(mut stream: &TcpStream) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        end => Ok((String::from_utf8_lossy(&bytes).into_owned(), end.is_ok())),
    }
}

/// Two questions, a long one and then a short one; the answer to the short one is there first.
fn client(server: SocketAddr) -> io::Result<()> {
    let mut long = std::net::TcpStream::connect(server)?;
    let mut short = std::net::TcpStream::connect(server)?;
    long.write_all(b"500000")?;
    short.write_all(b"100")?;
    for stream in [&mut short, &mut long] {
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut lp = EventLoop::new()?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    listen(&mut lp, listener, 2)?;
    let client = thread::Builder::new().name("client".into()).spawn(move || client(address))?;
    lp.run()?;
    println!("no socket, no timer and no job is left, so the loop has ended");
    client.join().expect("the client does not panic")
}
