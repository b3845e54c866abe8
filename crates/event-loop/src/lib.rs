//! A single-threaded event loop with libuv's phases, Node's scheduling words and local tasks.
//!
//! # Layout
//! Read [`EventLoop`] first: its `pass` lists the phases. Then the table of handles (active, referenced,
//! closing), timers and their heap, watchers, the poll phase, sockets, the ways in from other threads, child
//! processes, Node's layer, tasks, and last who held the loop ([`LoopHandle::stalls`]).
//!
//! # Invariants
//! The files give theirs; the ids are unique in this crate.

mod event_loop;
mod phase;
mod core;
mod options;
mod handle;
mod shrink;
mod watcher;
mod timer;
mod timer_heap;
mod poll_phase;
mod stream;
mod udp;
mod remote;
#[cfg(unix)]
mod child;
#[cfg(unix)]
mod signal;
#[cfg(unix)]
mod fork;
mod node;
mod task;
mod blame;
mod metrics;
mod error;
mod driver;

pub use blame::{SpanSite, StallReport};
#[cfg(unix)]
pub use child::Child;
pub use core::LoopHandle;
pub use driver::{Call, DriverLog, KeepAlive, ListenOptions, Peer, ReceivedDatagram, Script};
pub use error::LoopError;
pub use event_loop::{EventLoop, RunMode};
pub use handle::HandleInfo;
pub use metrics::{LoopMetrics, MetricsSnapshot};
pub use node::{ImmediateId, TimeoutId};
pub use options::{LoopOptions, PanicPolicy, TimerOrder};
pub use phase::{Callee, Phase, PhaseEvent};
pub use remote::{AsyncHandle, AsyncSender, Completion, RemoteHandle};
#[cfg(unix)]
pub use signal::Signal;
pub use stream::{Accepted, OwnedTcpStream, ReadEvent, TcpListener, TcpStream};
#[cfg(unix)]
pub use stream::{OwnedPipe, OwnedUnixStream, Pipe, UnixListener, UnixStream};
pub use task::{
    Drained, Either, Interval, JoinError, JoinHandle, OneshotReceiver, OneshotSender, Receiver, Sender,
    Shutdown, Sleep, TaskSet, TimedOut, YieldNow, channel, interval, join, join_all, oneshot, select,
    select_all, sleep, sleep_until, timeout, yield_now,
};
pub use timer::Timer;
pub use udp::{OwnedUdpSocket, UdpEvent, UdpOptions, UdpSocket};
pub use watcher::{Check, Idle, Prepare};
