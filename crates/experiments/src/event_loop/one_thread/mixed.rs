//! A mixed load on one loop: every kind of callback notes on which thread and when it ran.
//!
//! # Model
//! ```text
//! http       a server and clients on the loop; the handler's callbacks are counted
//! timer      chains of time-outs           immediate  a chain; each sets a tick and a microtask
//! promise    a task that yields            fs, dns, crypto  chains of requests for the pool
//! ```
//! Each callback computes for a moment, so that two at once would overlap. It is inside from its first line to its last, with
//! everything that it asks for, so that a callback that runs within another one is seen, too. When the last chain ends, the
//! server stops and so does the loop.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::ThreadId;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use runtime_lab::{
    EventLoop, LoopHandle, OwnedTcpStream, Recorder, Request, RunMode, Runtime, crypto, dns, fs, http,
    yield_now,
};

use super::kinds::{BODY, BYTES, FILE, ITERATIONS, NAME, get};

/// How long a callback computes: long enough that two on two threads would meet, short enough for hundreds.
const WORK: Duration = Duration::from_micros(30);
/// Every chain counts; they are split so that several callbacks of a kind wait at the same time.
const CHAINS: usize = 4;
/// How often a run looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(20);
/// The kinds of callbacks, as they are named in the pictures.
const KINDS: &[&str] = &["http", "timer", "immediate", "tick", "microtask", "promise", "fs", "dns", "crypto"];

/// One callback.
#[derive(Clone, Copy, Debug)]
struct Stamp {
    kind: &'static str,
    thread: ThreadId,
    /// Callbacks of the same loop that had begun and not ended when this one began.
    around: u32,
    begun_ns: u64,
    ended_ns: u64,
}

/// Runs the load and puts what it showed into `sink`.
pub(super) fn measure(setup: &Setup, sink: &mut Sink<'_>) -> Result<()> {
    let each = setup.knob("each") as usize;
    let (clock, interrupt) = (setup.clock.clone(), setup.interrupt.clone());
    let enough = Arc::new(AtomicBool::new(false));
    let second = setup.has_flaw("two-loops").then(|| {
        let (clock, enough) = (clock.clone(), enough.clone());
        std::thread::Builder::new().name("second-loop".to_owned()).spawn(move || timers_only(clock, enough))
    });
    let how = How { each, nested: setup.has_flaw("nested") };
    let ran = run(how, clock, interrupt, setup.recorder.clone());
    enough.store(true, Ordering::SeqCst);
    let more = second.map(|second| second?.join().map_err(|_| anyhow!("the second loop panicked"))?);
    let mut stamps = ran?;
    stamps.extend(more.transpose()?.into_iter().flatten());
    if setup.interrupt.came() {
        return Ok(());
    }
    let here = std::thread::current().id();
    let counts = counts(&stamps);
    sink.add("callbacks", stamps.len() as f64);
    sink.add("elsewhere", stamps.iter().filter(|stamp| stamp.thread != here).count() as f64);
    sink.add("overlaps", overlaps(&stamps) as f64);
    sink.add("nested", stamps.iter().filter(|stamp| stamp.around > 0).count() as f64);
    sink.add("fewest_of_a_kind", counts.values().copied().min().unwrap_or(0) as f64);
    sink.fact("kinds", counts.keys().copied().collect::<Vec<_>>().join(", "));
    Ok(())
}

/// How often each kind ran; kinds that never did count 0.
fn counts(stamps: &[Stamp]) -> BTreeMap<&'static str, usize> {
    let mut counts: BTreeMap<&'static str, usize> = KINDS.iter().map(|kind| (*kind, 0)).collect();
    for stamp in stamps {
        *counts.entry(stamp.kind).or_default() += 1;
    }
    counts
}

/// Callbacks that began before one that had begun earlier was over.
fn overlaps(stamps: &[Stamp]) -> usize {
    let mut times: Vec<(u64, u64)> = stamps.iter().map(|stamp| (stamp.begun_ns, stamp.ended_ns)).collect();
    times.sort_unstable();
    let mut busy_until = 0;
    let mut overlaps = 0;
    for (begun, ended) in times {
        overlaps += usize::from(begun < busy_until);
        busy_until = busy_until.max(ended);
    }
    overlaps
}

/// How the load is run.
#[derive(Clone, Copy)]
struct How {
    /// Callbacks of every kind.
    each: usize,
    /// The flaw: an immediate runs its tick and its microtask itself.
    nested: bool,
}

/// Runs a loop on the calling thread until it has had `each` callbacks of every kind.
fn run(how: How, clock: Clock, interrupt: Interrupt, recorder: Recorder) -> Result<Vec<Stamp>> {
    let runtime = Runtime::builder().pool_threads(4).recorder(recorder).build()?;
    let lp = runtime.handle();
    let load = Load::new(clock, how.nested);
    let watch = lp.set_interval(LOOK, move |lp| {
        if interrupt.came() {
            lp.stop();
        }
    });
    lp.set_timeout_ref(watch, false);
    load.begin(&lp, how.each.div_ceil(CHAINS))?;
    runtime.run(RunMode::Default)?;
    match load.failed.take() {
        Some(what) => Err(anyhow!(what)),
        None => Ok(load.stamps.take()),
    }
}

/// What the flaw does on the second thread: a loop without a pool runs a timer again and again, until it is enough.
fn timers_only(clock: Clock, enough: Arc<AtomicBool>) -> Result<Vec<Stamp>> {
    let event_loop = EventLoop::new()?;
    let load = Load::new(clock, false);
    let timer = load.clone();
    event_loop.handle().set_interval(Duration::from_millis(1), move |lp| {
        let _inside = timer.enter("timer");
        if enough.load(Ordering::SeqCst) {
            lp.stop();
        }
    });
    event_loop.run(RunMode::Default)?;
    Ok(load.stamps.take())
}

/// What the callbacks of one loop share.
struct Load {
    clock: Clock,
    nested: bool,
    stamps: RefCell<Vec<Stamp>>,
    /// Callbacks that have begun and not ended.
    inside: Cell<u32>,
    /// Chains that have not ended.
    open: Cell<usize>,
    server: RefCell<Option<http::ServerHandle>>,
    failed: RefCell<Option<String>>,
}

/// A callback that runs; it ends when this is dropped.
struct Inside<'l> {
    load: &'l Load,
    kind: &'static str,
    around: u32,
    begun_ns: u64,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        let Inside { load, kind, around, begun_ns } = *self;
        load.inside.set(around);
        let (thread, ended_ns) = (std::thread::current().id(), clock::since_start_ns(load.clock.now()));
        load.stamps.borrow_mut().push(Stamp { kind, thread, around, begun_ns, ended_ns });
    }
}

impl Load {
    fn new(clock: Clock, nested: bool) -> Rc<Load> {
        Rc::new(Load {
            clock,
            nested,
            stamps: RefCell::default(),
            inside: Cell::new(0),
            open: Cell::new(0),
            server: RefCell::default(),
            failed: RefCell::default(),
        })
    }

    fn begin(self: &Rc<Self>, lp: &LoopHandle, length: usize) -> Result<()> {
        let load = self.clone();
        let handler = move |_request| {
            let _inside = load.enter("http");
            http::text(BODY)
        };
        let server = http::Server::on("127.0.0.1:0")?.route("/", handler).serve(lp)?;
        let addr = server.local_addr();
        *self.server.borrow_mut() = Some(server);
        self.open.set(8 * CHAINS); // Eight for each pass of what follows.
        for _ in 0..CHAINS {
            self.timers(lp, length);
            self.immediates(lp, length);
            self.requests(lp, length, "fs", || fs::read(FILE));
            self.requests(lp, length, "dns", || dns::lookup(NAME, 80));
            self.requests(lp, length, "crypto", || crypto::pbkdf2(b"password", b"salt", ITERATIONS));
            self.requests(lp, 1, "crypto", || crypto::random(BYTES));
            self.promises(lp, length);
            self.client(lp, length, addr);
        }
        Ok(())
    }

    /// A callback has begun: it computes a little, and ends when the value is dropped.
    fn enter(&self, kind: &'static str) -> Inside<'_> {
        let begun = self.clock.now();
        let around = self.inside.replace(self.inside.get() + 1);
        while self.clock.now().saturating_duration_since(begun) < WORK {
            std::hint::spin_loop();
        }
        Inside { load: self, kind, around, begun_ns: clock::since_start_ns(begun) }
    }

    /// A chain has ended; with the last one the server stops.
    fn end(&self) {
        self.open.set(self.open.get() - 1);
        if self.open.get() == 0 {
            self.server.borrow().as_ref().map(http::ServerHandle::stop);
        }
    }

    fn fail(&self, lp: &LoopHandle, what: impl Display) {
        self.failed.borrow_mut().get_or_insert_with(|| what.to_string());
        lp.stop();
    }

    fn timers(self: &Rc<Self>, lp: &LoopHandle, left: usize) {
        let load = self.clone();
        lp.set_timeout(Duration::from_millis(1), move |lp| {
            let _inside = load.enter("timer");
            if left > 1 { load.timers(lp, left - 1) } else { load.end() }
        });
    }

    fn immediates(self: &Rc<Self>, lp: &LoopHandle, left: usize) {
        let load = self.clone();
        lp.set_immediate(move |lp| {
            let _inside = load.enter("immediate");
            let note = |kind| {
                let load = load.clone();
                move |_lp: &LoopHandle| drop(load.enter(kind))
            };
            let (tick, microtask) = (note("tick"), note("microtask"));
            if load.nested {
                tick(lp);
                microtask(lp);
            } else {
                lp.next_tick(tick);
                lp.microtask(microtask);
            }
            if left > 1 { load.immediates(lp, left - 1) } else { load.end() }
        });
    }

    fn requests<T: Send + 'static>(
        self: &Rc<Self>,
        lp: &LoopHandle,
        left: usize,
        kind: &'static str,
        request: fn() -> Request<T>,
    ) {
        let load = self.clone();
        let asked = request().then(lp, move |lp, outcome| {
            let _inside = load.enter(kind);
            match outcome {
                Err(error) => load.fail(lp, error),
                Ok(_) if left > 1 => load.requests(lp, left - 1, kind, request),
                Ok(_) => load.end(),
            }
        });
        if let Err(error) = asked {
            self.fail(lp, error);
        }
    }

    fn promises(self: &Rc<Self>, lp: &LoopHandle, length: usize) {
        let load = self.clone();
        lp.spawn(async move {
            for _ in 0..length {
                yield_now().await;
                drop(load.enter("promise")); // It asks for nothing: the next turn is the next callback.
            }
            load.end();
        });
    }

    fn client(self: &Rc<Self>, lp: &LoopHandle, length: usize, addr: SocketAddr) {
        let (load, handle) = (self.clone(), lp.clone());
        lp.spawn(async move {
            match ask(addr, length).await {
                Ok(()) => load.end(),
                Err(error) => load.fail(&handle, format!("{error:#}")),
            }
        });
    }
}

/// Sends requests on one connection, one after another.
async fn ask(addr: SocketAddr, requests: usize) -> Result<()> {
    let mut client = OwnedTcpStream::connect(addr).await?;
    for _ in 0..requests {
        get(&mut client).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(kind: &'static str, begun_ns: u64, ended_ns: u64) -> Stamp {
        Stamp { kind, thread: std::thread::current().id(), around: 0, begun_ns, ended_ns }
    }

    #[test]
    fn callbacks_that_touch_do_not_overlap() {
        let apart = [stamp("timer", 10, 20), stamp("fs", 0, 10), stamp("http", 25, 30)];
        assert_eq!(overlaps(&apart), 0);
        let nested =
            [stamp("timer", 0, 100), stamp("fs", 10, 20), stamp("http", 30, 40), stamp("dns", 100, 110)];
        assert_eq!(overlaps(&nested), 2);
    }

    #[test]
    fn a_kind_that_never_ran_counts_as_none() {
        let counts = counts(&[stamp("timer", 0, 1), stamp("timer", 1, 2)]);
        assert_eq!((counts["timer"], counts["http"], counts.len()), (2, 0, KINDS.len()));
    }

    fn ran(nested: bool) -> Vec<Stamp> {
        let how = How { each: 8, nested };
        run(how, Clock::real(), Interrupt::default(), Recorder::off()).unwrap()
    }

    #[test]
    fn the_whole_load_runs_on_the_calling_thread_and_one_after_another() {
        let stamps = ran(false);
        let here = std::thread::current().id();
        assert!(stamps.iter().all(|stamp| stamp.thread == here));
        assert!(counts(&stamps).values().all(|&count| count >= 8), "{:?}", counts(&stamps));
        assert_eq!((overlaps(&stamps), stamps.iter().filter(|stamp| stamp.around > 0).count()), (0, 0));
    }

    #[test]
    fn callbacks_within_others_are_seen_by_depth_and_by_time() {
        let stamps = ran(true);
        let nested: Vec<&Stamp> = stamps.iter().filter(|stamp| stamp.around > 0).collect();
        assert!(nested.iter().all(|stamp| ["tick", "microtask"].contains(&stamp.kind) && stamp.around == 1));
        assert!(nested.len() >= 16 && overlaps(&stamps) >= 16, "{} and {}", nested.len(), overlaps(&stamps));
    }

    #[test]
    fn a_loop_on_another_thread_brings_its_own_stamps() {
        let stamps = std::thread::spawn(|| timers_only(Clock::real(), Arc::new(AtomicBool::new(true))));
        let stamps = stamps.join().unwrap().unwrap();
        let here = std::thread::current().id();
        assert!(stamps.len() == 1 && stamps[0].thread != here, "{stamps:?}");
    }
}
