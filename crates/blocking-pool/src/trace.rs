//! The pool's rows in the timeline: one lane for each thread, and one for submitters from outside.
//!
//! # Model
//! A lane is written by one thread at a time. Pool threads own theirs. A submitter that has a lane of its own in the
//! same recording (an event loop, inside a callback) writes there, so that the arrow to the job starts where it was
//! submitted; all others share one lane under a lock, which is taken only while something is recorded. `JobSubmit`,
//! `JobBegin` and `JobEnd` are written here; `JobComplete` belongs to whoever receives the outcome.

use std::time::Instant;

use clock::Clock;
use parking_lot::Mutex;
use runtime_trace::{EventKind, Lane, Recorder, adopted_lane};

use crate::job::{JobHead, JobKind};

/// What `JobComplete` says of a job that was cancelled.
const CANCELLED: u32 = 1;

pub(crate) struct Tracer {
    recorder: Recorder,
    is_on: bool,
    outside: Mutex<Lane>,
    /// `kinds[kind]`, the interned names.
    kinds: [u32; 3],
}

impl Tracer {
    pub(crate) fn new(recorder: Recorder, thread_name: &str) -> Tracer {
        let outside = Mutex::new(recorder.lane(&format!("{thread_name} submit")));
        let kinds = JobKind::ALL.map(|kind| recorder.intern(kind.name()));
        Tracer { is_on: recorder.is_on(), recorder, outside, kinds }
    }

    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.is_on
    }

    pub(crate) fn lane(&self, thread: &str) -> Lane {
        self.recorder.lane(thread)
    }

    pub(crate) fn intern(&self, name: &str) -> u32 {
        self.recorder.intern(name)
    }

    /// Writes `JobSubmit` at `at`, or at the time of writing: on the shared lane time must not go back.
    #[cold]
    pub(crate) fn submit(&self, clock: &Clock, head: &mut JobHead, own: Option<&Lane>) {
        let kind = self.kinds[head.kind as usize];
        let write = |lane: &Lane| {
            let now = clock.now();
            lane.record(now, EventKind::JobSubmit, head.id, head.parent, kind);
            now
        };
        head.submitted = Some(match (own, adopted_lane(&self.recorder)) {
            (Some(lane), _) => write(lane),
            (None, Some(lane)) => write(&lane),
            (None, None) => write(&self.outside.lock()),
        });
    }

    /// The job was refused after `submit`: the recording must not wait for it.
    pub(crate) fn refused(&self, clock: &Clock, id: u64) {
        self.write_outside(|lane| lane.record(clock.now(), EventKind::JobComplete, id, 0, CANCELLED));
    }

    /// Writes the run of a job on the thread that submitted it.
    pub(crate) fn ran_outside(&self, id: u64, name: &str, begin: Instant, end: Instant, panicked: bool) {
        let name = self.intern(name);
        self.write_outside(|lane| {
            lane.record(begin, EventKind::JobBegin, id, 0, name);
            lane.record(end, EventKind::JobEnd, id, 0, u32::from(panicked));
        });
    }

    /// Writes on the lane of the calling thread, or on the shared one.
    fn write_outside(&self, write: impl FnOnce(&Lane)) {
        match adopted_lane(&self.recorder) {
            Some(lane) => write(&lane),
            None => write(&self.outside.lock()),
        }
    }
}
