//! A mixed load on one loop: every kind of callback notes on which thread and when it ran.
//!
//! # Model
//! ```text
//! http       a server and clients on the loop; the handler's callbacks are counted
//! timer      chains of time-outs           immediate  a chain; each sets a tick and a microtask
//! promise    a task that yields            fs, dns, crypto  chains of requests for the pool
//! ```
//! Each callback computes for a moment, so that two at once would overlap. When the last chain ends, the server stops and so
//! does the loop.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::rc::Rc;
use std::thread::ThreadId;
use std::time::Duration;

use anyhow::{Result, anyhow};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use runtime_lab::{
    LoopHandle, OwnedTcpStream, Recorder, Request, RunMode, Runtime, crypto, dns, fs, http, yield_now,
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
    begun_ns: u64,
    ended_ns: u64,
}

/// Runs the load and puts what it showed into `sink`.
pub(super) fn measure(setup: &Setup, sink: &mut Sink<'_>) -> Result<()> {
    let each = setup.knob("each") as usize;
    let (clock, interrupt) = (setup.clock.clone(), setup.interrupt.clone());
    let second = setup.has_flaw("two-loops").then(|| {
        let (clock, interrupt) = (clock.clone(), interrupt.clone());
        let run = move || run(each, clock, interrupt, Recorder::off());
        std::thread::Builder::new().name("second-loop".to_owned()).spawn(run)
    });
    let mut stamps = run(each, clock, interrupt, setup.recorder.clone())?;
    if let Some(second) = second {
        stamps.extend(second?.join().map_err(|_| anyhow!("the second loop panicked"))??);
    }
    if setup.interrupt.came() {
        return Ok(());
    }
    let here = std::thread::current().id();
    let counts = counts(&stamps);
    sink.add("callbacks", stamps.len() as f64);
    sink.add("elsewhere", stamps.iter().filter(|stamp| stamp.thread != here).count() as f64);
    sink.add("overlaps", overlaps(&stamps) as f64);
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

/// Runs a loop on the calling thread until it has had `each` callbacks of every kind.
fn run(each: usize, clock: Clock, interrupt: Interrupt, recorder: Recorder) -> Result<Vec<Stamp>> {
    let runtime = Runtime::builder().pool_threads(4).recorder(recorder).build()?;
    let lp = runtime.handle();
    let load = Rc::new(Load {
        clock,
        stamps: RefCell::default(),
        open: Cell::new(0),
        server: RefCell::default(),
        failed: RefCell::default(),
    });
    let watch = lp.set_interval(LOOK, move |lp| {
        if interrupt.came() {
            lp.stop();
        }
    });
    lp.set_timeout_ref(watch, false);
    load.begin(&lp, each.div_ceil(CHAINS))?;
    runtime.run(RunMode::Default)?;
    match load.failed.take() {
        Some(what) => Err(anyhow!(what)),
        None => Ok(load.stamps.take()),
    }
}

/// What the callbacks of one loop share.
struct Load {
    clock: Clock,
    stamps: RefCell<Vec<Stamp>>,
    /// Chains that have not ended.
    open: Cell<usize>,
    server: RefCell<Option<http::ServerHandle>>,
    failed: RefCell<Option<String>>,
}

impl Load {
    fn begin(self: &Rc<Self>, lp: &LoopHandle, length: usize) -> Result<()> {
        let load = self.clone();
        let handler = move |_request| {
            load.stamp("http");
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

    /// Notes a callback and computes a little.
    fn stamp(&self, kind: &'static str) {
        let begun = self.clock.now();
        let mut ended = begun;
        while ended.saturating_duration_since(begun) < WORK {
            ended = self.clock.now();
        }
        let ns = clock::since_start_ns;
        let thread = std::thread::current().id();
        self.stamps.borrow_mut().push(Stamp { kind, thread, begun_ns: ns(begun), ended_ns: ns(ended) });
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
            load.stamp("timer");
            if left > 1 { load.timers(lp, left - 1) } else { load.end() }
        });
    }

    fn immediates(self: &Rc<Self>, lp: &LoopHandle, left: usize) {
        let load = self.clone();
        lp.set_immediate(move |lp| {
            load.stamp("immediate");
            let (tick, microtask) = (load.clone(), load.clone());
            lp.next_tick(move |_lp| tick.stamp("tick"));
            lp.microtask(move |_lp| microtask.stamp("microtask"));
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
            load.stamp(kind);
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
                load.stamp("promise");
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
        Stamp { kind, thread: std::thread::current().id(), begun_ns, ended_ns }
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

    #[test]
    fn the_whole_load_runs_on_the_calling_thread() {
        let stamps = run(8, Clock::real(), Interrupt::default(), Recorder::off()).unwrap();
        let here = std::thread::current().id();
        assert!(stamps.iter().all(|stamp| stamp.thread == here));
        assert!(counts(&stamps).values().all(|&count| count >= 8), "{:?}", counts(&stamps));
        assert_eq!(overlaps(&stamps), 0);
    }
}
