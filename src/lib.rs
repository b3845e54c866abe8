//! The runtime of the lab: one event loop and one blocking pool, joined.
//!
//! ```
//! use runtime_lab::{RunMode, Runtime, crypto};
//! use std::time::Duration;
//!
//! let runtime = Runtime::builder().pool_threads(4).build()?;
//! let lp = runtime.handle();
//! lp.set_timeout(Duration::from_millis(1), |lp| println!("due after {:?}", lp.elapsed()));
//! runtime.offload(|| 6 * 7, |_lp, outcome| assert_eq!(outcome.done(), Some(42)))?;
//! lp.spawn(async { println!("{:02x?}", crypto::pbkdf2(b"password", b"salt", 1_000).await) });
//! runtime.run(RunMode::Default)?;
//! # Ok::<(), runtime_lab::RuntimeError>(())
//! ```
//!
//! # A trace of any program
//! With `RUNTIME_LAB_TRACE=FILE.json` in its environment a program that uses a [`Runtime`] writes what its loops and pools
//! did into that file, for ui.perfetto.dev; its code need not know.
//!
//! # Layout
//! [`Runtime`] owns loop and pool; `join` is the place where they meet, and the lesson; `request` is work that a
//! callback or a future can wait for; [`fs`], [`dns`] and [`crypto`] are such work; [`http`] is a server and a client.

mod runtime;
mod trace_file;
mod join;
mod request;
pub mod fs;
pub mod dns;
pub mod crypto;
pub mod http;

pub use blocking_pool::{
    BlockingPool, CancelError, JobKind, JobOutcome, JobState, PoolError, Scheduler, SubmitError, WhenFull,
};
pub use event_loop::{
    Accepted, AsyncHandle, AsyncSender, Check, Completion, Drained, Either, EventLoop, HandleInfo, Idle,
    ImmediateId, Interval, JoinError, JoinHandle, KeepAlive, ListenOptions, LoopError, LoopHandle,
    LoopMetrics, LoopOptions, MetricsSnapshot, OneshotReceiver, OneshotSender, OwnedTcpStream,
    OwnedUdpSocket, PanicPolicy, Phase, PhaseEvent, Prepare, ReadEvent, ReceivedDatagram, Receiver,
    RemoteHandle, RunMode, Sender, Shutdown, Sleep, SpanSite, StallReport, TaskSet, TcpListener, TcpStream,
    TimedOut, TimeoutId, Timer, TimerOrder, UdpEvent, UdpOptions, UdpSocket, YieldNow, channel, interval,
    join, join_all, oneshot, select, select_all, sleep, sleep_until, timeout, yield_now,
};
#[cfg(unix)]
pub use event_loop::{Child, OwnedPipe, OwnedUnixStream, Pipe, Signal, UnixListener, UnixStream};
pub use join::{JobHandle, offload};
pub use request::{Request, RequestError, RequestFuture};
pub use runtime::{Runtime, RuntimeBuilder, RuntimeError};
pub use runtime_trace::{Recorder, Recording};
