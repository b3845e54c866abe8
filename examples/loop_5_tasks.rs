//! An event loop, step 5 of 5: tasks, so that what was one callback for each wait reads from top to bottom.
//!
//! ```sh
//! cargo run --example loop_5_tasks
//! ```
//!
//! The server of step 3 again: connections ask for primes. What a connection does is now one `async fn` with two waits
//! in it, for a thread and for a timer. Watch that the waits of one task do not hold up the other.
//!
//! # Model
//! ```text
//! await -> poll says "pending" and leaves its waker -> the task is put aside, the loop goes on
//!          a timer or thread gives the value and wakes -> the waker posts the task's number -> tasks phase: poll again
//! ```
//!
//! # Length
//! Each step is a whole program, so that it can be read, run and compared with the one before; the last holds all five ideas.
//!
//! # Source
//! A waker is a number and a way into the inbox, as in the loop of this project; the contract is `std::task::Wake`.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Context, Wake};
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
    tasks: HashMap<usize, Task>,
    ready: Vec<usize>,
    spawned: usize,
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
            tasks: HashMap::new(),
            ready: Vec::new(),
            spawned: 0,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        self.run_timers()?;
        while self.is_alive() {
            self.run_poll()?;
            self.run_tasks();
            self.run_immediates()?;
            self.run_closing()?;
            self.run_timers()?;
        }
        self.threads.drain(..).for_each(|thread| thread.join().expect("a job does not panic"));
        Ok(())
    }

    fn is_alive(&self) -> bool {
        let waits = !self.callbacks.is_empty() || !self.timers.is_empty() || self.jobs > 0;
        waits || !self.immediates.is_empty() || !self.tasks.is_empty()
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

    /// Not at all while an immediate or a task waits for its turn; else until the next timer is due, or for ever when there is none.
    fn time_to_sleep(&self) -> Option<Duration> {
        if !self.immediates.is_empty() || !self.ready.is_empty() {
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

// ANCHOR: waker
type Task = Pin<Box<dyn Future<Output = ()>>>;

/// What a future gets to call when it is worth polling again: the task's number, and the
/// way into the loop.
struct TaskWaker {
    number: usize,
    inbox: Arc<Inbox>,
}

impl Wake for TaskWaker {
    /// May be called on any thread, so it does no more than post.
    fn wake(self: Arc<Self>) {
        let number = self.number;
        let make_ready = move |lp: &mut EventLoop| {
            lp.ready.push(number);
            Ok(())
        };
        self.inbox.post(Box::new(make_ready)).expect("a loop with a task can be woken");
    }
}

impl EventLoop {
    fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        self.spawned += 1;
        self.tasks.insert(self.spawned, Box::pin(future));
        self.ready.push(self.spawned);
    }

    /// Polls each task that was woken. One that has finished is gone, and a late wake-up
    /// finds nobody.
    fn run_tasks(&mut self) {
        for number in std::mem::take(&mut self.ready) {
            let Some(mut task) = self.tasks.remove(&number) else { continue };
            let waker = task::Waker::from(Arc::new(TaskWaker { number, inbox: Arc::clone(&self.inbox) }));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
                self.tasks.insert(number, task);
            }
        }
    }
}
// ANCHOR_END: waker

/// A value that comes later, and the waker of the task that waits for it.
struct Answer<T>(Arc<Mutex<(Option<T>, Option<task::Waker>)>>);

impl<T> Answer<T> {
    /// The future, and the other end of it.
    fn pair() -> (Answer<T>, Answer<T>) {
        let state = Arc::new(Mutex::new((None, None)));
        (Answer(Arc::clone(&state)), Answer(state))
    }

    fn give(self, value: T) -> io::Result<()> {
        let mut state = self.0.lock().expect("nobody panics with the lock");
        state.0 = Some(value);
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}

impl<T> Future for Answer<T> {
    type Output = T;

    /// Looks and leaves the waker under one lock: a value that comes in between would wake nobody.
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> task::Poll<T> {
        let mut state = self.0.lock().expect("nobody panics with the lock");
        if let Some(value) = state.0.take() {
            return task::Poll::Ready(value);
        }
        state.1 = Some(context.waker().clone());
        task::Poll::Pending
    }
}

fn pause(inbox: &Inbox, after: Duration) -> io::Result<Answer<()>> {
    let (answer, end) = Answer::pair();
    inbox.post(Box::new(move |lp| {
        lp.start_timer(after, Box::new(|_| end.give(())));
        Ok(())
    }))?;
    Ok(answer)
}

fn compute<T: Send + 'static>(
    inbox: &Inbox,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Answer<T>> {
    let (answer, end) = Answer::pair();
    inbox.post(Box::new(|lp| lp.compute(work, |_, value| end.give(value))))?;
    Ok(answer)
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
        Ok(After::Close(Box::new(|_| Ok(()))))
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

fn serve(lp: &mut EventLoop, mut stream: TcpStream, number: usize) -> io::Result<()> {
    let token = lp.watch(&mut stream)?;
    let stream = Arc::new(stream);
    let callback = move |lp: &mut EventLoop| {
        let (text, ended) = read_what_is_there(&stream)?;
        if text.is_empty() && !ended {
            return Ok(After::Watch);
        }
        println!("connection {number} asks for the primes below {text}");
        let below = text.parse().expect("the client sends a number");
        let conversation = answer(Arc::clone(&lp.inbox), Arc::clone(&stream), number, below);
        lp.spawn(async { conversation.await.expect("the client is there until the end") });
        // The question is read; from now on the stream is the task's.
        Ok(After::Close(Box::new(|_| Ok(()))))
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

// ANCHOR: answer
/// What a connection is told: three steps with two waits between them, and no callback.
async fn answer(inbox: Arc<Inbox>, stream: Arc<TcpStream>, number: usize, below: u64) -> io::Result<()> {
    let primes = compute(&inbox, move || count_primes(below))?.await;
    println!("connection {number} is told that there are {primes}");
    (&*stream).write_all(primes.to_string().as_bytes())?;
    pause(&inbox, Duration::from_millis(20))?.await;
    println!("connection {number} is told goodbye");
    (&*stream).write_all(b", goodbye")
}
// ANCHOR_END: answer

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
    println!("no task is left, and nothing else, so the loop has ended");
    client.join().expect("the client does not panic")
}
