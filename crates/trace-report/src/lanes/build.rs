//! From a recording to rows: flattens nested slices, finds stalls, counts what waits.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use runtime_trace::{EventKind, Recording, Slice};

use crate::lanes::{Class, Interval, Mark, Row, Timeline, Window, Words};

/// What to show of a recording.
#[derive(Clone, Debug, Default)]
pub struct TimelineOptions {
    /// A callback longer than this is a stall even if the loop did not report one; `None` trusts the loop.
    pub stall_after: Option<Duration>,
    /// Shows moments of kind `Mark`.
    pub marks: bool,
}

pub(super) fn timeline(recording: &Recording, window: Window, options: &TimelineOptions) -> Timeline {
    let names: Vec<Arc<str>> = recording.names.iter().map(|name| name.as_str().into()).collect();
    let slices = recording.slices();
    let mut by_lane: Vec<&[Slice]> = vec![&[]; recording.lanes.len()];
    for lane in slices.chunk_by(|left, right| left.lane == right.lane) {
        if let Some(place) = by_lane.get_mut(usize::from(lane[0].lane)) {
            *place = lane;
        }
    }
    let (mut loops, mut others) = (Vec::new(), Vec::new());
    for (info, slices) in recording.lanes.iter().zip(by_lane) {
        if slices.is_empty() && info.dropped == 0 {
            continue;
        }
        let is_loop = slices.iter().any(|slice| belongs_to_a_loop(slice.kind));
        let mut flat = flatten(slices, &names);
        if is_loop {
            mark_stalls(&mut flat, recording, info.id, &names, options.stall_after);
        }
        let row = Row { name: info.name.clone(), intervals: clip(flat, window), dropped: info.dropped };
        if is_loop { loops.push(row) } else { others.push(row) }
    }
    let waits = queue_waits(recording, window);
    if !waits.is_empty() {
        loops.push(Row::overlapping("waiting jobs", Class::Wait, "jobs wait", window, waits));
    }
    loops.append(&mut others);
    let marks = if options.marks { marks(recording, window) } else { Vec::new() };
    Timeline { window, rows: loops, marks, dropped: recording.dropped(), words: Words::LOOPS }
}

fn belongs_to_a_loop(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::TickBegin | EventKind::PollBegin | EventKind::CallbackBegin | EventKind::TaskPollBegin
    )
}

/// The class of a slice, `None` for those that only group others (ticks and phases).
fn class_of(kind: EventKind) -> Option<Class> {
    match kind {
        EventKind::PollBegin => Some(Class::Idle),
        EventKind::CallbackBegin | EventKind::TaskPollBegin | EventKind::SpanBegin => Some(Class::Busy),
        EventKind::JobBegin => Some(Class::Job),
        _ => None,
    }
}

/// An interval and where its begin is in the recording.
struct Flat {
    begin_index: Option<usize>,
    interval: Interval,
}

/// The outermost slices that have a class, each named after the innermost one that takes half of its time.
fn flatten(slices: &[Slice], names: &[Arc<str>]) -> Vec<Flat> {
    let mut flat: Vec<Flat> = Vec::new();
    let mut rest = slices;
    while let Some((outer, after)) = rest.split_first() {
        rest = after;
        let Some(class) = class_of(outer.kind) else { continue };
        let inner_count = after.iter().take_while(|inner| inner.depth > outer.depth).count();
        let (inner, after) = after.split_at(inner_count);
        rest = after;
        let culprit = inner
            .iter()
            .filter(|slice| {
                slice.duration_ns() * 2 >= outer.duration_ns() && name_of(slice.arg, names).is_some()
            })
            .max_by_key(|slice| slice.depth)
            .unwrap_or(outer);
        let label = match class {
            Class::Idle => Arc::from(""),
            _ => name_of(culprit.arg, names).or_else(|| name_of(outer.arg, names)).unwrap_or_default(),
        };
        let interval = Interval { start_ns: outer.start_ns, end_ns: outer.end_ns, class, depth: 1, label };
        flat.push(Flat { begin_index: outer.begin_index, interval });
    }
    flat
}

fn name_of(arg: u32, names: &[Arc<str>]) -> Option<Arc<str>> {
    names.get(arg as usize).filter(|name| !name.is_empty()).cloned()
}

/// Turns the busy intervals that the loop complained about, or that are longer than `stall_after`, into stalls.
fn mark_stalls(
    flat: &mut [Flat],
    recording: &Recording,
    lane: u16,
    names: &[Arc<str>],
    stall_after: Option<Duration>,
) {
    if let Some(limit) = stall_after {
        let is_long =
            |one: &Interval| one.class == Class::Busy && u128::from(one.duration_ns()) > limit.as_nanos();
        for interval in flat.iter_mut().map(|one| &mut one.interval).filter(|one| is_long(one)) {
            interval.class = Class::Stall;
        }
    }
    let complaints = recording.records.iter().enumerate();
    for (index, complaint) in complaints.filter(|(_, one)| one.lane == lane && one.kind == EventKind::Stall) {
        // The loop complains around the end of the slice: it is the last one that was begun before.
        let position = flat.partition_point(|one| one.begin_index.is_none_or(|begin| begin < index));
        let before = flat[..position].iter_mut().map(|one| &mut one.interval);
        let mut before = before.rev().filter(|one| matches!(one.class, Class::Busy | Class::Stall));
        if let Some(interval) = before.next() {
            interval.class = Class::Stall;
            if let Some(culprit) = name_of(complaint.arg, names) {
                interval.label = culprit;
            }
        }
    }
}

/// V1: what lies in the window, without empty intervals.
fn clip(flat: Vec<Flat>, window: Window) -> Vec<Interval> {
    let inside = flat.into_iter().filter_map(|Flat { interval, .. }| {
        let (start_ns, end_ns) = window.clip(interval.start_ns, interval.end_ns)?;
        Some(Interval { start_ns, end_ns, ..interval })
    });
    inside.collect()
}

/// From submission to start, or to cancellation, or to the end of the window.
fn queue_waits(recording: &Recording, window: Window) -> Vec<(u64, u64)> {
    let mut waiting: HashMap<u64, u64> = HashMap::new();
    let mut waits = Vec::new();
    for record in &recording.records {
        match record.kind {
            EventKind::JobSubmit => {
                waiting.insert(record.id, record.t_ns);
            }
            EventKind::JobBegin | EventKind::JobComplete => {
                waits.extend(waiting.remove(&record.id).map(|since_ns| (since_ns, record.t_ns)));
            }
            _ => (),
        }
    }
    // After drops a missing start says nothing, and waiting for ever would be a wrong picture.
    if recording.dropped() == 0 {
        waits.extend(waiting.into_values().map(|since_ns| (since_ns, window.to_ns)));
    }
    waits
}

/// V1: a step function, how many of the spans are open at each time.
pub(super) fn count_overlaps(
    class: Class,
    label: &str,
    window: Window,
    spans_ns: impl IntoIterator<Item = (u64, u64)>,
) -> Vec<Interval> {
    let mut steps: BTreeMap<u64, i64> = BTreeMap::new();
    for (start_ns, end_ns) in spans_ns.into_iter().filter_map(|(start, end)| window.clip(start, end)) {
        *steps.entry(start_ns).or_default() += 1;
        *steps.entry(end_ns).or_default() -= 1;
    }
    let label: Arc<str> = label.into();
    let mut intervals: Vec<Interval> = Vec::new();
    let (mut depth, mut since_ns) = (0_i64, window.from_ns);
    for (at_ns, change) in steps.into_iter().filter(|(_, change)| *change != 0) {
        if depth > 0 {
            let depth = depth as u32;
            intervals.push(Interval {
                start_ns: since_ns,
                end_ns: at_ns,
                class,
                depth,
                label: label.clone(),
            });
        }
        depth += change;
        since_ns = at_ns;
    }
    intervals
}

fn marks(recording: &Recording, window: Window) -> Vec<Mark> {
    let marks = recording.records.iter().filter(|record| record.kind == EventKind::Mark);
    let inside = marks.filter(|record| (window.from_ns..window.to_ns).contains(&record.t_ns));
    inside.map(|record| Mark { at_ns: record.t_ns, label: recording.name(record.arg).to_owned() }).collect()
}
