//! A script of records at hand-made times.

use std::time::Duration;

use runtime_trace::{EventKind, LaneInfo, Record, Recording};

/// A recording written by hand: `lanes` names its lanes, times are nanoseconds.
pub(crate) struct Script(pub(crate) Recording);

#[allow(dead_code)] // Each test file uses its own part.
impl Script {
    pub(crate) fn new(lanes: &[&str]) -> Script {
        let lanes = lanes.iter().enumerate();
        let lanes = lanes.map(|(id, name)| LaneInfo { id: id as u16, name: (*name).to_owned(), dropped: 0 });
        let names = ["", "connection", "GET /block"].map(str::to_owned).to_vec();
        Script(Recording { records: Vec::new(), lanes: lanes.collect(), names })
    }

    pub(crate) fn at(mut self, t_ns: u64, lane: u16, kind: EventKind, id: u64) -> Script {
        self.0.records.push(Record { t_ns, id, parent: 0, arg: 0, lane, kind });
        self
    }

    /// The same with an argument.
    pub(crate) fn with(mut self, t_ns: u64, lane: u16, kind: EventKind, id: u64, arg: u32) -> Script {
        self.0.records.push(Record { t_ns, id, parent: 0, arg, lane, kind });
        self
    }

    pub(crate) fn dropped(mut self, lane: u16, count: u64) -> Script {
        self.0.lanes[usize::from(lane)].dropped = count;
        self
    }
}

/// An instant so many nanoseconds after the zero of recorded times.
#[allow(dead_code)]
pub(crate) fn at_ns(ns: u64) -> std::time::Instant {
    clock::process_start() + Duration::from_nanos(ns)
}
