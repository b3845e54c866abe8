//! The recorder: one ring for each thread, joined into a recording when asked.
//!
//! # Model
//! ```text
//! thread: Lane::record -> its own ring (no lock, no shared cache line while the ring has room)
//! anyone: Recorder::collect -> drains all rings -> Recording, sorted by time
//! ```
//! A lane's records are taken by the next `collect` also when its thread is long gone; then its ring is freed.
//!
//! # Threads
//! `lanes` and `names` are locked for moments only. `collecting` is held while the rings are drained, so that
//! there is one reader at a time; no lane waits for it.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::event::{EventKind, next_id};
use crate::recording::{LaneInfo, Recording};
use crate::ring::Ring;

/// More lanes than this have no number in [`crate::Record::lane`]; they record nothing.
const LANES_MAX: usize = 1 << 16;

/// A handle to a recording in progress, or to none; clones write into the same recording.
#[derive(Clone, Default)]
pub struct Recorder(Option<Arc<Shared>>);

struct Shared {
    /// Tells this recording from others of the process.
    id: u64,
    /// Records that a lane holds.
    capacity: usize,
    lanes: Mutex<Vec<LaneState>>,
    names: Mutex<Names>,
    collecting: Mutex<()>,
}

struct LaneState {
    info: LaneInfo,
    /// `None` when the thread is gone and its last record was collected.
    ring: Option<Arc<Ring>>,
}

#[derive(Default)]
struct Names {
    list: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Recorder {
    /// A recorder that records nothing; writing to its lanes costs one branch.
    pub fn off() -> Recorder {
        Recorder(None)
    }

    /// A recorder whose lanes hold up to `capacity` records each until they are collected.
    ///
    /// The capacity is rounded up to a power of two; a record takes 32 bytes, from when a lane first writes so many.
    pub fn new(capacity: usize) -> Recorder {
        let mut names = Names::default();
        names.number_of("");
        Recorder(Some(Arc::new(Shared {
            id: next_id(),
            capacity,
            lanes: Mutex::default(),
            names: Mutex::new(names),
            collecting: Mutex::default(),
        })))
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A new lane for the calling thread: one row of the timeline. The 65,537th and later record nothing.
    pub fn lane(&self, name: &str) -> Lane {
        let Some(shared) = &self.0 else { return Lane::off() };
        let mut lanes = shared.lanes.lock();
        if lanes.len() == LANES_MAX {
            return Lane::off();
        }
        let id = lanes.len() as u16;
        let ring = Arc::new(Ring::new(shared.capacity, id));
        lanes.push(LaneState {
            info: LaneInfo { id, name: name.to_owned(), dropped: 0 },
            ring: Some(ring.clone()),
        });
        Lane { ring: Some(ring), recorder_id: shared.id, not_sync: PhantomData }
    }

    /// The number that stands for `name` in `arg` fields; the same text gives the same number. 0 is "".
    ///
    /// It takes a lock and a look-up: keep the number where the name is used often.
    pub fn intern(&self, name: &str) -> u32 {
        self.0.as_ref().map_or(0, |shared| shared.names.lock().number_of(name))
    }

    /// Takes everything recorded since the last call, in order of time; recording goes on.
    ///
    /// Lanes, names and drop counts are those of the whole recording each time. [`Recording::append`] joins the
    /// parts. A part may cut through slices and jobs: see [`crate::Edges`].
    pub fn collect(&self) -> Recording {
        let Some(shared) = &self.0 else { return Recording::default() };
        let _one_reader = shared.collecting.lock();
        let rings: Vec<Arc<Ring>> = shared.lanes.lock().iter().filter_map(|lane| lane.ring.clone()).collect();
        let mut recording = Recording::default();
        let mut finished = Vec::new();
        for ring in &rings {
            if ring.is_closed() {
                finished.push(ring.lane());
            }
            ring.drain(&mut recording.records);
        }
        recording.records.sort_by_key(|record| record.t_ns); // Stable: ties stay in order of lane, then of writing.
        recording.lanes = shared.take_stock(&finished);
        // Last, so that the number in every record that was drained has its name.
        recording.names = shared.names.lock().list.iter().map(|name| name.to_string()).collect();
        recording
    }

    /// The number that tells this recording from others of the process, `None` when off.
    pub(crate) fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|shared| shared.id)
    }
}

impl Shared {
    /// Brings the drop counts up to date, frees the rings of `finished` lanes and returns a copy of the rows.
    fn take_stock(&self, finished: &[u16]) -> Vec<LaneInfo> {
        let mut lanes = self.lanes.lock();
        for lane in lanes.iter_mut() {
            if let Some(ring) = &lane.ring {
                lane.info.dropped = ring.dropped();
                if finished.contains(&ring.lane()) {
                    lane.ring = None;
                }
            }
        }
        lanes.iter().map(|lane| lane.info.clone()).collect()
    }
}

impl Names {
    fn number_of(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.list.len() as u32;
        let name: Arc<str> = name.into();
        self.list.push(name.clone());
        self.numbers.insert(name, number);
        number
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("Recorder(off)"),
            Some(shared) => write!(f, "Recorder({} lanes)", shared.lanes.lock().len()),
        }
    }
}

/// The writing end of one thread's ring: `Send`, but used by one thread at a time.
pub struct Lane {
    ring: Option<Arc<Ring>>,
    recorder_id: u64,
    /// The ring has one writer: a lane may move to another thread, but two may not share it.
    not_sync: PhantomData<Cell<()>>,
}

impl Lane {
    /// A lane that records nothing.
    pub fn off() -> Lane {
        Lane { ring: None, recorder_id: 0, not_sync: PhantomData }
    }

    /// Whether records are kept; ask before preparing anything that costs time.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.ring.is_some()
    }

    /// Writes one record; a full ring counts it as dropped instead.
    ///
    /// Times on one lane should not go back: the recording is sorted by time.
    #[inline]
    pub fn record(&self, at: Instant, kind: EventKind, id: u64, parent: u64, arg: u32) {
        if let Some(ring) = &self.ring {
            ring.push(clock::since_start_ns(at), kind, id, parent, arg);
        }
    }

    /// The recording that this lane belongs to, as [`Recorder::id`] gives it; 0 when off.
    pub(crate) fn recorder_id(&self) -> u64 {
        self.recorder_id
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(ring) = &self.ring {
            ring.close();
        }
    }
}

impl fmt::Debug for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ring {
            None => f.write_str("Lane(off)"),
            Some(ring) => write!(f, "Lane({})", ring.lane()),
        }
    }
}
