//! From begins and ends to slices: the nested stretches of time on each lane.
//!
//! # Model
//! Each lane has a stack. A begin pushes, an end pops the slice of its kind. What cannot be matched is reported
//! and then repaired, so that pictures never break on a recording that was cut or has holes:
//!
//! | seen                                   | repaired as                                      | reported as      |
//! |----------------------------------------|--------------------------------------------------|------------------|
//! | end, nothing open on the lane          | slice from the recording's start, around all     | `BeganBefore`    |
//! | the same on a lane that dropped        | ignored: where it began is unknown               | `EndAlone`       |
//! | end of a slice below the top           | the slices above end here too                    | `NotClosed`      |
//! | end, something open, none of its kind  | ignored                                          | `EndAlone`       |
//! | begin without an end                   | slice until the recording's end                  | `OpenAtEnd`      |
//! | the same on a lane that dropped        | slice until the last record of the lane          | `OpenAtEnd`      |
//! | tick, poll or job begins inside its    | on a lane that dropped: the old one ended at the | `InsideItself`,  |
//! | own kind                               | record before; else they nest                    | not after drops  |
//!
//! The last row matters: without it one lost end would draw a loop that is busy until the end of the picture.

use crate::event::{EventKind, Record};
use crate::recording::Recording;

/// A stretch of time on one lane; slices of a lane nest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// The lane that it is on.
    pub lane: u16,
    /// How many slices of the lane are around it.
    pub depth: u16,
    /// The kind of its begin, for example [`EventKind::CallbackBegin`].
    pub kind: EventKind,
    /// What it is about.
    pub id: u64,
    /// What caused it, 0 for none.
    pub parent: u64,
    /// The `arg` of its begin; 0 when the begin is before the recording.
    pub arg: u32,
    /// The `arg` of its end; `None` when the end is not in the recording.
    pub end_arg: Option<u32>,
    /// When it began, or when the recording began.
    pub start_ns: u64,
    /// When it ended, or when the recording ended.
    pub end_ns: u64,
    /// It began before the recording did.
    pub cut_start: bool,
    /// Its end is not in the recording.
    pub cut_end: bool,
    /// Where its begin is in [`Recording::records`].
    pub begin_index: Option<usize>,
    /// Where its end is in [`Recording::records`].
    pub end_index: Option<usize>,
}

impl Slice {
    /// How long it lasted, as far as the recording knows.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }
}

/// What did not match; the record is the end that had no begin, or the begin that had no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    BeganBefore(Record),
    EndAlone(Record),
    NotClosed(Record),
    OpenAtEnd(Record),
    /// A callback or task poll begins inside itself, or a tick or poll inside another one.
    InsideItself(Record),
}

/// All slices, ordered by lane, then by start, outer before inner.
pub(crate) fn slices(recording: &Recording, report: &mut dyn FnMut(Mismatch)) -> Vec<Slice> {
    let Some((first_ns, last_ns)) = recording.time_range_ns() else { return Vec::new() };
    let mut lanes: Vec<LaneStack> = Vec::new();
    for (index, record) in recording.records.iter().enumerate() {
        let lane = usize::from(record.lane);
        while lanes.len() <= lane {
            let has_holes = recording.lanes.get(lanes.len()).is_some_and(|info| info.dropped > 0);
            lanes.push(LaneStack { first_ns, has_holes, ..LaneStack::default() });
        }
        let stack = &mut lanes[lane];
        if record.kind.slice_end().is_some() {
            stack.begin(index, record, report);
        } else if let Some(begin) = record.kind.slice_begin() {
            stack.end(index, record, begin, report);
        }
        stack.seen_ns = record.t_ns;
    }
    lanes.into_iter().flat_map(|lane| lane.finish(last_ns, report)).collect()
}

#[derive(Default)]
struct LaneStack {
    /// The start of the recording.
    first_ns: u64,
    /// The last slice record of this lane so far.
    seen_ns: u64,
    has_holes: bool,
    /// Open slices as `(index in done, begin)`, outermost first.
    open: Vec<(usize, Record)>,
    done: Vec<Slice>,
}

impl LaneStack {
    fn begin(&mut self, at: usize, record: &Record, report: &mut dyn FnMut(Mismatch)) {
        if let Some(position) = self.open.iter().position(|(_, open)| cannot_contain(open, record)) {
            if self.has_holes && never_nests(record.kind) {
                for (index, _) in self.open.drain(position..) {
                    self.done[index].end_ns = self.seen_ns;
                }
            } else if record.kind != EventKind::JobBegin {
                report(Mismatch::InsideItself(*record)); // A job may run a job: a full pool's caller does.
            }
        }
        self.open.push((self.done.len(), *record));
        self.done.push(Slice {
            lane: record.lane,
            depth: self.open.len() as u16 - 1,
            kind: record.kind,
            id: record.id,
            parent: record.parent,
            arg: record.arg,
            end_arg: None,
            start_ns: record.t_ns,
            end_ns: record.t_ns,
            cut_start: false,
            cut_end: true,
            begin_index: Some(at),
            end_index: None,
        });
    }

    fn end(&mut self, at: usize, end: &Record, begin_kind: EventKind, report: &mut dyn FnMut(Mismatch)) {
        let matches =
            |open: &Record| open.kind == begin_kind && (open.id == end.id || open.id == 0 || end.id == 0);
        let Some(position) = self.open.iter().rposition(|(_, open)| matches(open)) else {
            return self.end_alone(at, end, begin_kind, report);
        };
        for (index, unclosed) in self.open.drain(position + 1..) {
            report(Mismatch::NotClosed(unclosed));
            self.done[index].end_ns = end.t_ns;
        }
        if let Some((index, _)) = self.open.pop() {
            let slice = &mut self.done[index];
            (slice.end_ns, slice.end_arg, slice.end_index) = (end.t_ns, Some(end.arg), Some(at));
            slice.cut_end = false;
        }
    }

    fn end_alone(
        &mut self,
        at: usize,
        end: &Record,
        begin_kind: EventKind,
        report: &mut dyn FnMut(Mismatch),
    ) {
        if self.has_holes || !self.open.is_empty() {
            return report(Mismatch::EndAlone(*end));
        }
        report(Mismatch::BeganBefore(*end));
        for inner in &mut self.done {
            inner.depth += 1;
        }
        let around = Slice {
            lane: end.lane,
            depth: 0,
            kind: begin_kind,
            id: end.id,
            parent: end.parent,
            arg: 0,
            end_arg: Some(end.arg),
            start_ns: self.first_ns,
            end_ns: end.t_ns,
            cut_start: true,
            cut_end: false,
            begin_index: None,
            end_index: Some(at),
        };
        self.done.insert(0, around);
    }

    fn finish(mut self, last_ns: u64, report: &mut dyn FnMut(Mismatch)) -> Vec<Slice> {
        let end_ns = if self.has_holes { self.seen_ns } else { last_ns };
        for (index, open) in self.open {
            report(Mismatch::OpenAtEnd(open));
            self.done[index].end_ns = end_ns;
        }
        self.done
    }
}

/// Whether `inner` cannot really be inside `outer`: the same callback, or a second tick of the same loop.
fn cannot_contain(outer: &Record, inner: &Record) -> bool {
    let runs_alone = matches!(inner.kind, EventKind::CallbackBegin | EventKind::TaskPollBegin);
    outer.kind == inner.kind
        && (never_nests(inner.kind) || (runs_alone && inner.id != 0 && outer.id == inner.id))
}

fn never_nests(kind: EventKind) -> bool {
    matches!(kind, EventKind::TickBegin | EventKind::PollBegin | EventKind::JobBegin)
}
