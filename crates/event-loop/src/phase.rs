//! The phases of a pass, the kinds of callbacks, and the trace of what ran where.

use std::fmt;

/// A part of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Timers and time-outs.
    Timers,
    /// Deferred callbacks.
    Pending,
    /// Idle handles.
    Idle,
    /// Prepare handles.
    Prepare,
    /// Sockets and work from other threads.
    Poll,
    /// Futures that were woken.
    Tasks,
    /// Immediates and check handles.
    Check,
    /// Close callbacks.
    Closing,
}

impl Phase {
    /// All phases, for tables indexed by phase.
    pub const ALL: [Phase; 8] = [
        Phase::Timers,
        Phase::Pending,
        Phase::Idle,
        Phase::Prepare,
        Phase::Poll,
        Phase::Tasks,
        Phase::Check,
        Phase::Closing,
    ];

    /// The word for it in traces and pictures.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Timers => "timers",
            Phase::Pending => "pending",
            Phase::Idle => "idle",
            Phase::Prepare => "prepare",
            Phase::Poll => "poll",
            Phase::Tasks => "tasks",
            Phase::Check => "check",
            Phase::Closing => "closing",
        }
    }
}

/// What kind of user code is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Callee {
    /// A libuv timer.
    Timer,
    /// An idle handle.
    Idle,
    /// A prepare handle.
    Prepare,
    /// A check handle.
    Check,
    /// An async handle.
    Async,
    /// Node's setTimeout.
    Timeout,
    /// Node's setInterval.
    Interval,
    /// Node's setImmediate.
    Immediate,
    /// Node's process.nextTick.
    NextTick,
    /// A microtask.
    Microtask,
    /// A closure posted by another thread.
    Posted,
    /// The after-callback of a request.
    Request,
    /// A waiting connection.
    Connection,
    /// Data, end or error of a stream.
    Read,
    /// A write request is done.
    Write,
    /// A connect request is done.
    Connect,
    /// A shutdown request is done.
    Shutdown,
    /// A datagram, or an error of receiving.
    Receive,
    /// A send request is done.
    Send,
    /// A child process has ended.
    Exit,
    /// A signal came.
    Signal,
    /// A close callback.
    Close,
    /// A poll of a local task.
    Task,
}

impl Callee {
    /// The word for it in traces and pictures.
    pub fn name(self) -> &'static str {
        match self {
            Callee::Timer => "timer",
            Callee::Idle => "idle",
            Callee::Prepare => "prepare",
            Callee::Check => "check",
            Callee::Async => "async",
            Callee::Timeout => "timeout",
            Callee::Interval => "interval",
            Callee::Immediate => "immediate",
            Callee::NextTick => "next_tick",
            Callee::Microtask => "microtask",
            Callee::Posted => "posted",
            Callee::Request => "request",
            Callee::Connection => "connection",
            Callee::Read => "read",
            Callee::Write => "write",
            Callee::Connect => "connect",
            Callee::Shutdown => "shutdown",
            Callee::Receive => "receive",
            Callee::Send => "send",
            Callee::Exit => "exit",
            Callee::Signal => "signal",
            Callee::Close => "close",
            Callee::Task => "task",
        }
    }
}

/// One callback of a pass, as the phase trace keeps it. Ids count within one loop, so that two runs compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseEvent {
    /// The pass, counted from 1; 0 before the first (the timers that run ahead of it).
    pub tick: u64,
    /// The phase; `None` outside of all phases.
    pub phase: Option<Phase>,
    /// What was called.
    pub callee: Callee,
    /// Which one of its kind, within the loop.
    pub id: u32,
}

impl fmt::Display for PhaseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let phase = self.phase.map_or("outside", Phase::name);
        write!(f, "{} {phase} {}#{}", self.tick, self.callee.name(), self.id)
    }
}
