//! The vocabulary: which things happen in a runtime, and the fixed record that each is written in.

use std::sync::atomic::{AtomicU64, Ordering};

/// One thing that happened, in 32 bytes.
///
/// `t_ns` counts from [`clock::process_start`]. `id` names the job, handle, task or span that the event is
/// about and is unique in the process (the process id is added on export). `parent` is the id of what caused
/// it, 0 when nothing did. What `arg` means depends on `kind`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Nanoseconds since [`clock::process_start`].
    pub t_ns: u64,
    /// What the event is about: a job, a handle, a task, a span.
    pub id: u64,
    /// The id of what caused it, 0 for none.
    pub parent: u64,
    /// A number whose meaning [`EventKind`] gives: a name of the recording, a phase, a count.
    pub arg: u32,
    /// The lane (thread) that wrote it.
    pub lane: u16,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen. Slices (`…Begin`, `…End`) nest on their lane; the rest are points.
///
/// `arg` is an interned name (see [`crate::Recorder::intern`]) unless the variant says otherwise.
#[non_exhaustive]
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EventKind {
    /// The loop begins a pass; `arg` is the pass number (wrapping).
    TickBegin = 1,
    /// The loop ends a pass.
    TickEnd = 2,
    /// A phase of the pass begins; `arg` names it.
    PhaseBegin = 3,
    /// A phase of the pass ends.
    PhaseEnd = 4,
    /// The loop enters the operating system's poll and may sleep.
    PollBegin = 5,
    /// Poll returned; `arg` is the number of events.
    PollEnd = 6,
    /// A callback begins; `arg` names its span (source location), `id` its handle or request.
    CallbackBegin = 7,
    /// The callback ends.
    CallbackEnd = 8,
    /// A local task is polled; `arg` names where it was spawned.
    TaskPollBegin = 9,
    /// The poll of a local task ends; `arg` is 1 when the task finished.
    TaskPollEnd = 10,
    /// A user's span (tracing, HTTP route) begins.
    SpanBegin = 11,
    /// A user's span ends.
    SpanEnd = 12,
    /// A job was submitted to a pool; `arg` names its kind.
    JobSubmit = 13,
    /// A pool thread starts the job: its queue wait ends.
    JobBegin = 14,
    /// The pool thread finished the job; `arg` is 0 done, 1 panicked.
    JobEnd = 15,
    /// The job's outcome reached the loop; `arg` is 0 done, 1 cancelled, 2 panicked.
    JobComplete = 16,
    /// A timer was started; `arg` is its timeout in microseconds (saturating).
    TimerStart = 17,
    /// A timer fired; `arg` is its lateness in microseconds (saturating).
    TimerFire = 18,
    /// Another thread woke the loop.
    Wake = 19,
    /// A callback held the loop longer than the threshold; `arg` names the span to blame.
    Stall = 20,
    /// A thread asks for a lock (reserved for the interpreter).
    LockRequest = 21,
    /// A thread took the lock (reserved for the interpreter).
    LockAcquire = 22,
    /// A thread released the lock (reserved for the interpreter).
    LockRelease = 23,
    /// A message was sent to another process (reserved); `arg` is its length in bytes.
    MessageSend = 24,
    /// A message from another process was received (reserved); `arg` is its length in bytes.
    MessageReceive = 25,
    /// A connection was accepted.
    ConnectionOpen = 26,
    /// A connection was closed.
    ConnectionClose = 27,
    /// A mark of an experiment (an act begins, a request is sent).
    Mark = 28,
}

/// A new id, unique in this process and never 0.
pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
