//! What was recorded: records in order of time, with the names that their numbers stand for.
//!
//! # Model
//! A recording is a plain value: joined from parts, cut, checked and drawn long after the threads are gone.

use crate::event::{EventKind, Record};
use crate::slices::{self, Mismatch, Slice};

/// What was recorded: records in order of time, and the names of lanes and args.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Records lost because the ring was full, since the lane was made.
    pub dropped: u64,
}

impl Recording {
    /// The text that `arg` stands for; "" for a number that has none.
    pub fn name(&self, arg: u32) -> &str {
        self.names.get(arg as usize).map_or("", String::as_str)
    }

    /// Records lost on all lanes.
    pub fn dropped(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.dropped).sum()
    }

    /// The times of the first and the last record, in nanoseconds since [`clock::process_start`].
    pub fn time_range_ns(&self) -> Option<(u64, u64)> {
        Some((self.records.first()?.t_ns, self.records.last()?.t_ns))
    }

    /// Adds the next part of the same recording: what a later [`crate::Recorder::collect`] returned.
    ///
    /// Where a part between them was thrown away, call [`Recording::close_open_slices`] on both first: else a slice
    /// that was open at the gap may be tied to an end that is not its own.
    pub fn append(&mut self, later: Recording) {
        let joins = match (self.records.last(), later.records.first()) {
            (Some(last), Some(first)) => last.t_ns <= first.t_ns,
            _ => true,
        };
        self.records.extend(later.records);
        if !joins {
            self.records.sort_by_key(|record| record.t_ns); // Stable, as in `collect`.
        }
        self.lanes = later.lanes;
        self.names = later.names;
    }

    /// The nested stretches of time on each lane, ordered by lane, then by start, outer before inner.
    ///
    /// Slices that the recording cuts reach to its edge and say so; ends whose begin was dropped are left out.
    pub fn slices(&self) -> Vec<Slice> {
        slices::slices(self, &mut |_| ())
    }

    /// Completes the slices that the start or the end of the recording cut, so that all are closed.
    ///
    /// An open slice gets an end at `at_ns`, or at the last record when that is later; an end without a begin gets
    /// one at the first record. Jobs in flight stay as they are: [`crate::Edges::Cut`] is for them.
    pub fn close_open_slices(&mut self, at_ns: u64) {
        let Some((first_ns, last_ns)) = self.time_range_ns() else { return };
        let (mut begins, mut ends) = (Vec::new(), Vec::new());
        slices::slices(self, &mut |mismatch| match mismatch {
            Mismatch::BeganBefore(end) => begins.extend(counterpart(&end, end.kind.slice_begin(), first_ns)),
            Mismatch::OpenAtEnd(begin) => {
                ends.extend(counterpart(&begin, begin.kind.slice_end(), last_ns.max(at_ns)));
            }
            _ => (),
        });
        // Both were reported from the wrong end: the innermost began last, and the outermost ends last.
        let records = begins.into_iter().rev().chain(self.records.drain(..)).chain(ends.into_iter().rev());
        self.records = records.collect();
    }
}

/// The begin that belongs to an end, or the end that belongs to a begin.
fn counterpart(record: &Record, kind: Option<EventKind>, t_ns: u64) -> Option<Record> {
    Some(Record { t_ns, kind: kind?, arg: 0, ..*record })
}
