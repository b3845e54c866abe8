//! The servers that are compared: one loop each, on a thread of its own, or in a process of its own (Node).

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clock::Clock;
use runtime_lab::http::{self, Response};
use runtime_lab::{LoopHandle, Recorder, RunMode, Runtime};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use super::{on_node, on_tokio};
use crate::child::KillOnDrop;

/// What the measured route answers, on every server.
pub(crate) const HELLO: &str = "hello";

/// Records that the lane of a server holds, so that a round fits; 16 MiB, which soon have all been written once: what the
/// first touch of memory costs is not what a recorder costs.
const LANE_RECORDS: usize = 1 << 19;

/// A callback that holds the loop longer is reported; hello takes a thousandth of it.
const STALL_THRESHOLD: Duration = Duration::from_millis(10);

/// How a server is instrumented, or that it is the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Setting {
    /// Our loop as it is built without options: counters and loop lag, which cannot be switched off.
    Default,
    /// The same once more: how far two equal servers differ is the noise of this run.
    DefaultAgain,
    /// Every callback timed, stalls reported with the line to blame.
    StallThreshold,
    /// Ticks, phases, callbacks and timers recorded.
    Recorder,
    /// tokio's current-thread runtime with the same hyper.
    Tokio,
    /// Node's own http server.
    Node,
}

impl Setting {
    /// All, in the order of the table; the first is what the others are compared with.
    pub const ALL: [Setting; 6] = [
        Setting::Default,
        Setting::DefaultAgain,
        Setting::StallThreshold,
        Setting::Recorder,
        Setting::Tokio,
        Setting::Node,
    ];

    /// Its part of a bench's name.
    pub fn name(self) -> &'static str {
        match self {
            Setting::Default => "default",
            Setting::DefaultAgain => "default-again",
            Setting::StallThreshold => "stall-threshold",
            Setting::Recorder => "recorder",
            Setting::Tokio => "tokio",
            Setting::Node => "node",
        }
    }
}

/// What a server says of itself: totals since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerStats {
    /// CPU time of the server's thread, on Node of its process, in nanoseconds.
    pub cpu_ns: u64,
    /// Passes of the loop; 0 on the peers, as are the others.
    pub passes: u64,
    /// Events from poll.
    pub events: u64,
    /// Calls of user code.
    pub callbacks: u64,
}

impl ServerStats {
    /// What was added since `before`.
    pub fn since(self, before: ServerStats) -> ServerStats {
        ServerStats {
            cpu_ns: self.cpu_ns - before.cpu_ns,
            passes: self.passes - before.passes,
            events: self.events - before.events,
            callbacks: self.callbacks - before.callbacks,
        }
    }
}

/// A server that runs; dropping it stops it and waits for its thread or process.
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    /// What it records into; off unless that is its setting.
    pub recorder: Recorder,
    place: Place,
}

/// Where a server runs.
enum Place {
    Thread {
        stop: Stop,
        thread: JoinHandle<Result<()>>,
    },
    Process(KillOnDrop),
    /// It was stopped.
    Nowhere,
}

impl Running {
    /// Starts a server and returns when it listens.
    ///
    /// # Errors
    /// When there is no thread, loop or port for it, or no Node.
    pub fn start(setting: Setting) -> Result<Running> {
        if setting == Setting::Node {
            let (addr, process) = on_node::start()?;
            return Ok(Running { addr, recorder: Recorder::off(), place: Place::Process(process) });
        }
        let recorder = match setting {
            Setting::Recorder => Recorder::new(LANE_RECORDS),
            _ => Recorder::off(),
        };
        let (ready, listening) = mpsc::channel();
        let for_server = recorder.clone();
        let thread = thread::Builder::new().name(setting.name().to_owned()).spawn(move || match setting {
            Setting::Tokio => on_tokio::serve(&ready),
            _ => serve(setting, for_server, &ready),
        })?;
        match listening.recv() {
            Ok((addr, stop)) => Ok(Running { addr, recorder, place: Place::Thread { stop, thread } }),
            // The thread has ended before it listened, so its result is the reason.
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error.context(format!("cannot start the server {}", setting.name())),
                _ => anyhow!("the server {} panicked while it started", setting.name()),
            }),
        }
    }

    /// Stops it and waits for its end.
    ///
    /// # Errors
    /// What ended the server early.
    pub fn stop(mut self) -> Result<()> {
        self.end()
    }

    fn end(&mut self) -> Result<()> {
        match std::mem::replace(&mut self.place, Place::Nowhere) {
            Place::Thread { stop, thread } => {
                stop();
                thread.join().unwrap_or_else(|_payload| Err(anyhow!("the server's thread panicked")))
            }
            Place::Process(process) => {
                drop(process);
                Ok(())
            }
            Place::Nowhere => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Whoever wants to know how it ended calls `stop`.
        let _ = self.end();
    }
}

/// How a server tells where it listens, and how to stop it.
pub(super) type Ready = mpsc::Sender<(SocketAddr, Stop)>;
type Stop = Box<dyn FnOnce() + Send>;

pub(super) fn tell(ready: &Ready, addr: SocketAddr, stop: Stop) -> Result<()> {
    ready.send((addr, stop)).map_err(|_| anyhow!("nobody waits for this server"))
}

fn serve(setting: Setting, recorder: Recorder, ready: &Ready) -> Result<()> {
    let builder = Runtime::builder().pool_threads(1).recorder(recorder);
    let builder = match setting {
        Setting::StallThreshold => builder.stall_threshold(STALL_THRESHOLD),
        _ => builder,
    };
    let runtime = builder.build()?;
    let lp = runtime.handle();
    let server = http::Server::on("127.0.0.1:0")?
        .route("/hello", |_request| http::text(HELLO))
        .route("/stats", |_request| stats())
        .serve(&lp)?;
    let remote = lp.remote();
    // A loop that has ended already has no need to be stopped.
    let stop = Box::new(move || drop(remote.stop()));
    tell(ready, server.local_addr(), stop)?;
    runtime.run(RunMode::Default)?;
    Ok(())
}

fn stats() -> Response {
    let lp = LoopHandle::current().expect("a route runs on the loop");
    let counted = lp.metrics().snapshot(Clock::real().now());
    http::json(to_json(ServerStats {
        cpu_ns: thread_cpu_ns(),
        passes: counted.iterations,
        events: counted.events,
        callbacks: counted.callbacks,
    }))
}

pub(super) fn to_json(stats: ServerStats) -> String {
    serde_json::to_string(&stats).expect("four numbers always make JSON")
}

/// What the calling thread has used of the CPU.
pub(super) fn thread_cpu_ns() -> u64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
