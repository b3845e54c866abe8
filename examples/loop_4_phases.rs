//! An event loop, step 4 of 5: a pass has phases, so there is an order that programs can rely on.
//!
//! ```sh
//! cargo run --example loop_4_phases
//! ```
//!
//! The main program and a callback of a connection each ask for several things in one breath. Watch that the order of
//! asking does not matter: what runs next is what the next phase is for. And what an immediate sets for the same
//! phase waits for the next pass, or two of them could keep everybody else out.
//!
//! # Model
//! ```text
//! timers | poll  check  closing  timers | poll  check  closing  timers | ...
//!          ------------ pass -----------
//! ```
//!
//! # Source
//! The order of libuv since 1.45, without its pending, idle and prepare phases: they would be three more lines in `run`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use clock::Clock;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};

/// What a callback wants of its socket afterwards.
enum After {
    Watch,
    /// Close it in the phase for that, and call this then.
    Close(Later),
}

type Callback = Box<dyn FnMut(&mut EventLoop) -> io::Result<After>>;
type Later = Box<dyn FnOnce(&mut EventLoop) -> io::Result<()>>;

/// When a timer is due, and the number of its start: in this order they fire.
type Due = (Instant, usize);

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
        // Who finds others there leaves the waking to the first of them: the loop has not taken any of it yet.
        if posted.len() == 1 { self.waker.wake() } else { Ok(()) }
    }
}

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
    immediates: Vec<Later>,
    /// Callbacks that are not called any more, with the sockets that they own, and what is called instead.
    closing: Vec<(Callback, Later)>,
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
            immediates: Vec::new(),
            closing: Vec::new(),
        })
    }

    // ANCHOR: pass
    fn run(&mut self) -> io::Result<()> {
        self.run_timers()?;
        while self.is_alive() {
            self.run_poll()?;
            self.run_immediates()?;
            self.run_closing()?;
            self.run_timers()?;
        }
        self.threads.drain(..).for_each(|thread| thread.join().expect("a job does not panic"));
        Ok(())
    }

    fn is_alive(&self) -> bool {
        let waits = !self.callbacks.is_empty() || !self.timers.is_empty() || self.jobs > 0;
        waits || !self.immediates.is_empty()
    }

    fn run_poll(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        self.poll.poll(&mut events, self.time_to_sleep())?;
        for event in &events {
            match event.token() {
                WAKE => self.run_posted()?,
                token => self.call(token)?,
            }
        }
        Ok(())
    }

    /// Takes the list as it is: an immediate that an immediate sets is for the next pass.
    fn run_immediates(&mut self) -> io::Result<()> {
        let immediates = std::mem::take(&mut self.immediates);
        immediates.into_iter().try_for_each(|callback| callback(self))
    }

    fn run_closing(&mut self) -> io::Result<()> {
        for (callback, closed) in std::mem::take(&mut self.closing) {
            drop(callback);
            closed(self)?;
        }
        Ok(())
    }
    // ANCHOR_END: pass

    /// Takes everything at once, so that the lock is held for a moment and never while a callback runs.
    fn run_posted(&mut self) -> io::Result<()> {
        let posted = std::mem::take(&mut *self.inbox.posted.lock().expect("nobody panics with the lock"));
        posted.into_iter().try_for_each(|callback| callback(self))
    }

    /// Runs `work` on a thread of its own, then `done` with its result on the loop's thread.
    fn compute<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> T + Send + 'static,
        done: impl FnOnce(&mut EventLoop, T) -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let inbox = Arc::clone(&self.inbox);
        // A job is neither a socket nor a timer; without this count the loop would end before the result is there.
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

    /// Not at all while an immediate waits; else until the next timer is due, or for ever when there is none.
    fn time_to_sleep(&self) -> Option<Duration> {
        if !self.immediates.is_empty() {
            return Some(Duration::ZERO);
        }
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
        match callback(self)? {
            After::Watch => _ = self.callbacks.insert(token, callback),
            After::Close(closed) => self.closing.push((callback, closed)),
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
            println!("poll: a connection is accepted");
            serve(lp, stream)?;
        }
        Ok(After::Close(say("closing: the listener")))
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

fn serve(lp: &mut EventLoop, mut stream: TcpStream) -> io::Result<()> {
    let token = lp.watch(&mut stream)?;
    let callback = move |lp: &mut EventLoop| {
        let (text, _) = read_what_is_there(&stream)?;
        println!(
            "poll: the connection says {text}, and its callback asks for a timer, an immediate and a close"
        );
        lp.start_timer(Duration::ZERO, say("timers: the timer of the connection"));
        lp.immediates.push(Box::new(first_immediate));
        Ok(After::Close(say("closing: the connection")))
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

fn first_immediate(lp: &mut EventLoop) -> io::Result<()> {
    println!("check: the immediate of the connection, which sets another one");
    lp.immediates.push(Box::new(second_immediate));
    Ok(())
}

/// A job whose result comes long before its time-out, which is then stopped.
fn second_immediate(lp: &mut EventLoop) -> io::Result<()> {
    println!("check: the second immediate, a pass later; it hands a job to a thread");
    let time_out = lp.start_timer(Duration::from_secs(30), say("timers: this is too long"));
    let done = move |lp: &mut EventLoop, sum: u64| {
        lp.stop_timer(time_out);
        println!("poll: the thread has the result, {sum}");
        Ok(())
    };
    lp.compute(|| (1..=1_000_000_u64).sum(), done)
}

fn say(text: &'static str) -> Later {
    Box::new(move |_| {
        println!("{text}");
        Ok(())
    })
}

/// Reads until the socket would block. mio tells that a socket *became* readable, once: what is left unread stays unread.
fn read_what_is_there(mut stream: &TcpStream) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        end => Ok((String::from_utf8_lossy(&bytes).into_owned(), end.is_ok())),
    }
}

/// Says a word, and waits until the server closes.
fn client(server: SocketAddr) -> io::Result<()> {
    let mut stream = std::net::TcpStream::connect(server)?;
    stream.write_all(b"go")?;
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}

fn main() -> io::Result<()> {
    let mut lp = EventLoop::new()?;
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    listen(&mut lp, listener, 1)?;
    let (open, opened) = mpsc::channel();
    let client = thread::Builder::new().name("client".into()).spawn(move || {
        opened.recv().expect("the immediate lets the client in");
        client(address)
    })?;
    lp.immediates.push(Box::new(move |_| {
        println!("check: the immediate of the main program, which lets the client in");
        open.send(()).expect("the client waits for it");
        Ok(())
    }));
    lp.start_timer(Duration::ZERO, say("timers: the timer of the main program"));
    lp.run()?;
    println!("no phase has anything left to do, so the loop has ended");
    client.join().expect("the client does not panic")
}
