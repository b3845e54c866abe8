//! The walk over a recording: each record becomes the events that show it.

use std::borrow::Cow;
use std::collections::HashMap;

use runtime_trace::{EventKind, Record, Recording, Slice};

use crate::chrome::Process;
use crate::chrome::event::{Args, Event, Phase};

/// Adds the events of one process; events of one time are in the order in which viewers need them.
pub(super) fn events<'a>(process: &Process<'a>, into: &mut Vec<Event<'a>>) {
    let slices = process.recording.slices();
    let mut walk = Walk::new(process, &slices, into);
    for slice in slices.iter().filter(|slice| slice.begin_index.is_none()) {
        walk.begin(slice);
    }
    for (index, record) in process.recording.records.iter().enumerate() {
        if let Some(slice) = walk.ends.get(&index).copied() {
            walk.end(slice);
        } else if let Some(slice) = walk.begins.get(&index).copied() {
            walk.begin(slice);
        }
        walk.point(index, record);
    }
    walk.finish();
}

struct Walk<'a, 's> {
    recording: &'a Recording,
    pid: u32,
    offset_ns: u64,
    into: &'s mut Vec<Event<'a>>,
    /// The slices by the index of the record that begins or ends them.
    begins: HashMap<usize, &'s Slice>,
    ends: HashMap<usize, &'s Slice>,
    /// Open slices, `open[lane][depth]`.
    open: Vec<Vec<&'s Slice>>,
    /// Flow events by the index of the record at which they are.
    flows: HashMap<usize, Phase>,
    /// Begins of async events that have no end yet, by category and what they are about.
    pending: HashMap<(&'static str, u64), Event<'a>>,
    next_async: u64,
    /// By lane: whether it has nothing but the turns at one lock, which then may be slices.
    takes_turns: Vec<bool>,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(process: &Process<'a>, slices: &'s [Slice], into: &'s mut Vec<Event<'a>>) -> Walk<'a, 's> {
        let lanes = slices.last().map_or(0, |slice| usize::from(slice.lane) + 1);
        let highest = process.recording.records.iter().map(|record| usize::from(record.lane) + 1).max();
        Walk {
            recording: process.recording,
            pid: process.pid,
            offset_ns: process.offset_ns,
            into,
            begins: slices.iter().filter_map(|slice| Some((slice.begin_index?, slice))).collect(),
            ends: slices.iter().filter_map(|slice| Some((slice.end_index?, slice))).collect(),
            open: vec![Vec::new(); highest.unwrap_or(0).max(lanes)],
            flows: flows(process.recording),
            pending: HashMap::new(),
            next_async: 0,
            takes_turns: takes_turns(process.recording),
        }
    }

    fn event(&self, name: impl Into<Cow<'a, str>>, phase: Phase, t_ns: u64, lane: u16) -> Event<'a> {
        Event::new(name, phase, self.pid).at(t_ns + self.offset_ns).on(u32::from(lane) + 1)
    }

    fn begin(&mut self, slice: &'s Slice) {
        self.close_to(slice.lane, usize::from(slice.depth));
        let args = Args {
            id: Some(slice.id).filter(|id| *id != 0),
            parent: Some(slice.parent).filter(|parent| *parent != 0),
            count: (slice.kind == EventKind::TickBegin).then_some(slice.arg),
            cut: (slice.cut_start || slice.cut_end).then_some(true),
            ..Args::default()
        };
        let name = slice_name(self.recording, slice);
        let event = self.event(name, Phase::Begin, slice.start_ns, slice.lane);
        self.into.push(event.category(slice.kind.word()).args(args));
        self.open[usize::from(slice.lane)].push(slice);
    }

    fn end(&mut self, slice: &'s Slice) {
        self.close_to(slice.lane, usize::from(slice.depth));
    }

    /// Ends all open slices of the lane from this depth on, the innermost first.
    fn close_to(&mut self, lane: u16, depth: usize) {
        while self.open[usize::from(lane)].len() > depth {
            let Some(slice) = self.open[usize::from(lane)].pop() else { return };
            let args = match (slice.kind, slice.end_arg) {
                (EventKind::PollBegin, count) => Args { count, ..Args::default() },
                (EventKind::JobBegin, Some(end)) => {
                    Args { outcome: Some(if end == 0 { "done" } else { "panicked" }), ..Args::default() }
                }
                _ => Args::default(),
            };
            let name = slice_name(self.recording, slice);
            let event = self.event(name, Phase::End, slice.end_ns, slice.lane);
            self.into.push(event.category(slice.kind.word()).args(args));
        }
    }

    fn point(&mut self, index: usize, record: &Record) {
        if let Some(phase) = self.flows.get(&index).copied() {
            self.flow(record, phase);
        }
        let by_lane = record.id << 16 | u64::from(record.lane);
        match record.kind {
            EventKind::JobSubmit => self.start_async("queue", record.id, record, "waits in the queue"),
            EventKind::JobBegin | EventKind::JobComplete => self.end_async("queue", record.id, record.t_ns),
            EventKind::TimerStart => self.start_async("timer", record.id, record, "timer"),
            EventKind::TimerFire | EventKind::TimerStop => self.end_async("timer", record.id, record.t_ns),
            EventKind::ConnectionOpen => self.start_async("connection", record.id, record, "connection"),
            EventKind::ConnectionClose => self.end_async("connection", record.id, record.t_ns),
            EventKind::LockRequest => self.start_async("lock wait", by_lane, record, "waits for the lock"),
            EventKind::LockAcquire => {
                self.end_async("lock wait", by_lane, record.t_ns);
                self.start_async("lock", by_lane, record, "holds the lock");
            }
            EventKind::LockRelease => self.end_async("lock", by_lane, record.t_ns),
            EventKind::Stall => {
                self.instant(record, "t", format!("stall: {}", self.recording.name(record.arg)))
            }
            EventKind::Mark => self.instant(record, "g", self.recording.name(record.arg).to_owned()),
            EventKind::Wake | EventKind::MessageSend | EventKind::MessageReceive => {
                self.instant(record, "t", record.kind.word().to_owned());
            }
            _ => (),
        }
    }

    fn instant(&mut self, record: &Record, scope: &'static str, name: String) {
        let is_message = matches!(record.kind, EventKind::MessageSend | EventKind::MessageReceive);
        let args = Args {
            id: Some(record.id).filter(|id| *id != 0),
            count: is_message.then_some(record.arg),
            ..Args::default()
        };
        let event = self.event(name, Phase::Instant, record.t_ns, record.lane).category(record.kind.word());
        self.into.push(Event { scope: Some(scope), ..event.args(args) });
    }

    /// A flow event, inside the slice that is open there or inside one of length 0.
    fn flow(&mut self, record: &Record, phase: Phase) {
        let is_alone = self.open[usize::from(record.lane)].is_empty();
        let around = |phase| self.event(record.kind.word(), phase, record.t_ns, record.lane).category("job");
        let (before, after) = (around(Phase::Begin), around(Phase::End));
        let flow = self.event("job", phase, record.t_ns, record.lane).category("job").id(record.id);
        let flow = Event { bp: (phase == Phase::FlowEnd).then_some("e"), ..flow };
        match is_alone {
            true => self.into.extend([before, flow, after]),
            false => self.into.push(flow),
        }
    }

    /// Remembers the begin of something that overlaps; it is written when its end is known.
    fn start_async(&mut self, category: &'static str, key: u64, record: &Record, what: &'static str) {
        self.end_async(category, key, record.t_ns); // A timer that is started again ends its first wait.
        let name = match (category, self.recording.name(record.arg)) {
            ("queue", name) if !name.is_empty() => Cow::from(format!("{name} {what}")),
            _ => Cow::from(what),
        };
        self.next_async += 1;
        let event = self.event(name, Phase::AsyncBegin, record.t_ns, record.lane).category(category);
        let args = Args { id: Some(record.id), ..Args::default() };
        self.pending.insert((category, key), event.id(self.next_async).args(args));
    }

    fn end_async(&mut self, category: &'static str, key: u64, t_ns: u64) {
        if let Some(begin) = self.pending.remove(&(category, key)) {
            let lane = begin.tid as usize - 1;
            if matches!(category, "lock" | "lock wait") && self.takes_turns.get(lane) == Some(&true) {
                return self.turn(begin, t_ns);
            }
            let end = Event { phase: Phase::AsyncEnd, args: Args::default(), ..begin.clone() };
            self.into.extend([begin, end.at(t_ns + self.offset_ns)]);
        }
    }

    /// A turn at the lock, or a wait for one, on the track of its thread; what took no time is left out.
    fn turn(&mut self, begin: Event<'a>, t_ns: u64) {
        if t_ns + self.offset_ns > begin.t_ns {
            let begin = Event { phase: Phase::Begin, id: None, ..begin };
            let end = Event { phase: Phase::End, args: Args::default(), ..begin.clone() };
            self.into.extend([begin, end.at(t_ns + self.offset_ns)]);
        }
    }

    fn finish(mut self) {
        for lane in 0..self.open.len() {
            self.close_to(lane as u16, 0);
        }
        let Some((_, last_ns)) = self.recording.time_range_ns() else { return };
        let mut rest: Vec<_> = self.pending.keys().copied().collect();
        rest.sort_unstable();
        for (category, key) in rest {
            // A timer without an end may have been stopped before the recording knew how to say so; the others
            // really are still there, unless their end was dropped.
            if category == "timer" || self.recording.dropped() > 0 {
                self.pending.remove(&(category, key));
            } else {
                self.end_async(category, key, last_ns);
            }
        }
        for lane in self.recording.lanes.iter().filter(|lane| lane.dropped > 0) {
            let seen = self.recording.records.iter().rfind(|record| record.lane == lane.id);
            let name = format!("{} records dropped", lane.dropped);
            let args = Args { dropped: Some(lane.dropped), ..Args::default() };
            let at_ns = seen.map_or(last_ns, |record| record.t_ns);
            let event = self.event(name, Phase::Instant, at_ns, lane.id).category("dropped").args(args);
            self.into.push(Event { scope: Some("t"), ..event });
        }
    }
}

/// Turns at one lock do not overlap; with a second lock, or among callbacks, they need not nest.
fn takes_turns(recording: &Recording) -> Vec<bool> {
    let mut locks: Vec<Option<u64>> = vec![None; recording.lanes.len()];
    let mut takes_turns = vec![true; recording.lanes.len()];
    for record in &recording.records {
        let lane = usize::from(record.lane);
        let (Some(lock), Some(takes_turns)) = (locks.get_mut(lane), takes_turns.get_mut(lane)) else {
            continue;
        };
        let is_lock =
            matches!(record.kind, EventKind::LockRequest | EventKind::LockAcquire | EventKind::LockRelease);
        *takes_turns &= is_lock && *lock.get_or_insert(record.id) == record.id;
    }
    takes_turns
}

/// Where the arrows of each job begin, pass and end; a job of which only one stage is known has none.
fn flows(recording: &Recording) -> HashMap<usize, Phase> {
    let mut jobs: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, record) in recording.records.iter().enumerate() {
        if matches!(record.kind, EventKind::JobSubmit | EventKind::JobBegin | EventKind::JobComplete) {
            jobs.entry(record.id).or_default().push(index);
        }
    }
    let mut flows = HashMap::new();
    for stages in jobs.into_values().filter(|stages| stages.len() > 1) {
        let last = stages.len() - 1;
        for (position, index) in stages.into_iter().enumerate() {
            let phase = match position {
                0 => Phase::FlowStart,
                _ if position == last => Phase::FlowEnd,
                _ => Phase::FlowStep,
            };
            flows.insert(index, phase);
        }
    }
    flows
}

fn slice_name<'a>(recording: &'a Recording, slice: &Slice) -> Cow<'a, str> {
    match (slice.kind, recording.name(slice.arg)) {
        (EventKind::TickBegin | EventKind::PollBegin, _) | (_, "") => Cow::from(slice.kind.word()),
        (EventKind::PhaseBegin, name) => Cow::from(format!("phase {name}")),
        (_, name) => Cow::from(name),
    }
}
