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
    /// A callback held the loop longer than the threshold; `arg` names the span to blame. Written on the loop's
    /// lane just before or just after the end of the outermost callback or task poll that it is about.
    Stall = 20,
    /// A thread wants a lock and may have to wait; `id` is the lock's, the lane says which thread, `arg` is 0.
    LockRequest = 21,
    /// A thread took the lock; `arg` is the number of whole intervals that it waited.
    LockAcquire = 22,
    /// A thread gave the lock back; `arg` is 0.
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
    /// A timer was stopped before it fired.
    TimerStop = 29,
}

impl EventKind {
    /// Every kind, in order of its code.
    pub const ALL: [EventKind; 29] = [
        EventKind::TickBegin,
        EventKind::TickEnd,
        EventKind::PhaseBegin,
        EventKind::PhaseEnd,
        EventKind::PollBegin,
        EventKind::PollEnd,
        EventKind::CallbackBegin,
        EventKind::CallbackEnd,
        EventKind::TaskPollBegin,
        EventKind::TaskPollEnd,
        EventKind::SpanBegin,
        EventKind::SpanEnd,
        EventKind::JobSubmit,
        EventKind::JobBegin,
        EventKind::JobEnd,
        EventKind::JobComplete,
        EventKind::TimerStart,
        EventKind::TimerFire,
        EventKind::Wake,
        EventKind::Stall,
        EventKind::LockRequest,
        EventKind::LockAcquire,
        EventKind::LockRelease,
        EventKind::MessageSend,
        EventKind::MessageReceive,
        EventKind::ConnectionOpen,
        EventKind::ConnectionClose,
        EventKind::Mark,
        EventKind::TimerStop,
    ];

    /// The kind with this code, the number that `kind as u8` gives.
    #[inline]
    pub fn from_code(code: u8) -> Option<EventKind> {
        EventKind::ALL.get(usize::from(code).wrapping_sub(1)).copied()
    }

    /// The kind that ends a slice that begins with this one; `None` for points and ends.
    pub fn slice_end(self) -> Option<EventKind> {
        match self {
            EventKind::TickBegin => Some(EventKind::TickEnd),
            EventKind::PhaseBegin => Some(EventKind::PhaseEnd),
            EventKind::PollBegin => Some(EventKind::PollEnd),
            EventKind::CallbackBegin => Some(EventKind::CallbackEnd),
            EventKind::TaskPollBegin => Some(EventKind::TaskPollEnd),
            EventKind::SpanBegin => Some(EventKind::SpanEnd),
            EventKind::JobBegin => Some(EventKind::JobEnd),
            _ => None,
        }
    }

    /// The kind that begins a slice that ends with this one; `None` for points and begins.
    pub fn slice_begin(self) -> Option<EventKind> {
        match self {
            EventKind::TickEnd => Some(EventKind::TickBegin),
            EventKind::PhaseEnd => Some(EventKind::PhaseBegin),
            EventKind::PollEnd => Some(EventKind::PollBegin),
            EventKind::CallbackEnd => Some(EventKind::CallbackBegin),
            EventKind::TaskPollEnd => Some(EventKind::TaskPollBegin),
            EventKind::SpanEnd => Some(EventKind::SpanBegin),
            EventKind::JobEnd => Some(EventKind::JobBegin),
            _ => None,
        }
    }

    /// A lower-case word or two for pictures and messages; a slice has one word for its begin and its end.
    pub fn word(self) -> &'static str {
        match self {
            EventKind::TickBegin | EventKind::TickEnd => "tick",
            EventKind::PhaseBegin | EventKind::PhaseEnd => "phase",
            EventKind::PollBegin | EventKind::PollEnd => "poll",
            EventKind::CallbackBegin | EventKind::CallbackEnd => "callback",
            EventKind::TaskPollBegin | EventKind::TaskPollEnd => "task poll",
            EventKind::SpanBegin | EventKind::SpanEnd => "span",
            EventKind::JobSubmit => "job submit",
            EventKind::JobBegin | EventKind::JobEnd => "job",
            EventKind::JobComplete => "job complete",
            EventKind::TimerStart => "timer start",
            EventKind::TimerFire => "timer fire",
            EventKind::TimerStop => "timer stop",
            EventKind::Wake => "wake",
            EventKind::Stall => "stall",
            EventKind::LockRequest => "lock request",
            EventKind::LockAcquire => "lock acquire",
            EventKind::LockRelease => "lock release",
            EventKind::MessageSend => "message send",
            EventKind::MessageReceive => "message receive",
            EventKind::ConnectionOpen => "connection open",
            EventKind::ConnectionClose => "connection close",
            EventKind::Mark => "mark",
        }
    }
}

/// A new id, unique in this process and never 0.
pub fn next_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_fills_32_bytes() {
        assert_eq!(std::mem::size_of::<Record>(), 32);
    }

    #[test]
    fn codes_and_kinds_are_the_same_list() {
        for (index, kind) in EventKind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index + 1);
            assert_eq!(EventKind::from_code(kind as u8), Some(kind));
        }
        assert_eq!(EventKind::from_code(0), None);
        assert_eq!(EventKind::from_code(EventKind::ALL.len() as u8 + 1), None);
    }

    #[test]
    fn begins_and_ends_name_each_other() {
        let mut pairs = 0;
        for kind in EventKind::ALL {
            if let Some(end) = kind.slice_end() {
                assert_eq!(end.slice_begin(), Some(kind));
                assert_eq!(end.word(), kind.word());
                pairs += 1;
            }
        }
        assert_eq!(pairs, EventKind::ALL.into_iter().filter(|kind| kind.slice_begin().is_some()).count());
    }

    #[test]
    fn ids_are_unique_and_never_0() {
        let (first, second) = (next_id(), next_id());
        assert!(first != 0 && second != 0 && first != second);
    }
}
