//! Who held the loop: spans around callbacks, tasks and routes, and the report of stalls.
//!
//! # Model
//! Spans nest. The self time of a span is its time less that of the spans inside; a place that is entered
//! several times within one outermost span has the sum. When an outermost span has held the loop for as long as
//! the threshold, the report names the place with the largest self time in it: of a route called by a task
//! called by the loop, the route. Of equals the innermost is named.
//!
//! Nothing here reads the clock unless a threshold is set or a recorder is on, and a recorder alone keeps no frames:
//! the recording has the nesting, and only a report of stalls needs self times.
//!
//! # Invariants
//! - B1: self times of one outermost span add up to its time.
//! - B2: without a threshold and a recorder no clock is read for a callback.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::panic::Location;
use std::rc::Rc;
use std::time::{Duration, Instant};

use clock::Clock;
use runtime_trace::{AdoptedLane, EventKind, Lane, Recorder, adopt_lane};

use crate::core::LoopHandle;
use crate::options::LoopOptions;
use crate::phase::{Callee, Phase, PhaseEvent};

/// A call of user code: what kind, which one, and where it was given to the loop.
#[derive(Clone, Copy)]
pub(crate) struct Site {
    pub(crate) callee: Callee,
    pub(crate) id: u32,
    pub(crate) location: &'static Location<'static>,
}

impl Site {
    pub(crate) fn new(callee: Callee, id: u32, location: &'static Location<'static>) -> Site {
        Site { callee, id, location }
    }
}

/// A named place in the user's code, for spans that are entered often: a route, a kind of work.
#[derive(Clone, Debug)]
pub struct SpanSite {
    inner: Rc<SpanInner>,
}

#[derive(Debug)]
struct SpanInner {
    name: String,
    location: &'static Location<'static>,
}

impl SpanSite {
    /// A span named `name` at the place of the caller.
    #[track_caller]
    pub fn new(name: &str) -> SpanSite {
        SpanSite::at(name, Location::caller())
    }

    /// A span named `name` at a place known earlier.
    pub fn at(name: &str, location: &'static Location<'static>) -> SpanSite {
        SpanSite { inner: Rc::new(SpanInner { name: name.to_owned(), location }) }
    }
}

/// All the times that one place held the loop for too long.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StallReport {
    /// The name of the span to blame: a route, or the kind of callback.
    pub name: String,
    /// The place in the source to blame.
    pub location: &'static Location<'static>,
    /// How often.
    pub count: u64,
    /// The longest time that the loop was held.
    pub longest: Duration,
    /// The self time of this place over all its stalls.
    pub total: Duration,
}

struct Frame {
    /// The id of the slice in the recording.
    id: u64,
    name: Name,
    location: &'static Location<'static>,
    begun: Instant,
    inside: Duration,
}

#[derive(Clone)]
enum Name {
    Callee(Callee),
    Span(SpanSite),
}

impl Name {
    fn text(&self) -> &str {
        match self {
            Name::Callee(callee) => callee.name(),
            Name::Span(site) => &site.inner.name,
        }
    }
}

#[derive(Default)]
struct Blame {
    frames: Vec<Frame>,
    /// The self times of the places within the outermost span, in the order in which they first ended.
    places: Vec<(Duration, Name, &'static Location<'static>)>,
    stalls: Vec<StallReport>,
}

/// What is watched in this loop, and where it is written.
pub(crate) struct Instruments {
    clock: Clock,
    recorder: Recorder,
    lane: Rc<Lane>,
    threshold: Option<Duration>,
    /// A threshold is set or the lane is on: callbacks are timed.
    timed: bool,
    blame: RefCell<Blame>,
    /// Numbers of "name (file:line)" in the recording, by the address of the place and then by name. To hash or compare
    /// what a place says would cost more than the record; a place with two addresses is only asked for twice.
    names: RefCell<BTreeMap<usize, Vec<(String, u32)>>>,
    phase_names: [u32; Phase::ALL.len()],
    trace: Option<RefCell<Vec<PhaseEvent>>>,
    phase: Cell<Option<Phase>>,
    tick: Cell<u64>,
    id_base: u64,
}

/// The time at which a span began, when anybody wants to know.
pub(crate) type Begun = Option<Instant>;

impl Instruments {
    pub(crate) fn new(options: &LoopOptions) -> Instruments {
        let lane = if options.recorder.is_on() { options.recorder.lane(&options.name) } else { Lane::off() };
        let lane = Rc::new(lane);
        let phase_names = Phase::ALL.map(|phase| options.recorder.intern(phase.name()));
        Instruments {
            clock: options.clock(),
            recorder: options.recorder.clone(),
            timed: lane.is_on() || options.stall_threshold.is_some(),
            lane,
            threshold: options.stall_threshold,
            blame: RefCell::default(),
            names: RefCell::default(),
            phase_names,
            trace: options.phase_trace.then(RefCell::default),
            phase: Cell::new(None),
            tick: Cell::new(0),
            id_base: runtime_trace::next_id() << 32,
        }
    }

    /// While the loop runs, spans and submitted jobs of its thread are written into its lane.
    pub(crate) fn adopt_lane(&self) -> AdoptedLane {
        adopt_lane(&self.lane)
    }

    pub(crate) fn begin_tick(&self) {
        self.tick.set(self.tick.get() + 1);
        if self.lane.is_on() {
            self.write(EventKind::TickBegin, 0, self.tick.get() as u32);
        }
    }

    pub(crate) fn end_tick(&self) {
        if self.lane.is_on() {
            self.write(EventKind::TickEnd, 0, 0);
        }
    }

    pub(crate) fn enter_phase(&self, phase: Phase) {
        self.phase.set(Some(phase));
        if self.lane.is_on() {
            self.write(EventKind::PhaseBegin, 0, self.phase_names[phase as usize]);
        }
    }

    pub(crate) fn leave_phase(&self, phase: Phase) {
        self.phase.set(None);
        if self.lane.is_on() {
            self.write(EventKind::PhaseEnd, 0, self.phase_names[phase as usize]);
        }
    }

    /// A point event, when something is recorded at all.
    pub(crate) fn point(&self, kind: EventKind, id: u32, arg: u32) {
        if self.lane.is_on() {
            self.write(kind, u64::from(id), arg);
        }
    }

    pub(crate) fn timer(&self, kind: EventKind, slot: u32, ns: u64) {
        if self.lane.is_on() {
            self.write(kind, u64::from(slot), u32::try_from(ns / 1_000).unwrap_or(u32::MAX));
        }
    }

    fn write(&self, kind: EventKind, id: u64, arg: u32) {
        self.lane.record(self.clock.now(), kind, self.id_base | id, 0, arg);
    }

    pub(crate) fn begin(&self, site: Site) -> Begun {
        if let Some(trace) = &self.trace {
            let (tick, phase) = (self.tick.get(), self.phase.get());
            trace.borrow_mut().push(PhaseEvent { tick, phase, callee: site.callee, id: site.id });
        }
        if !self.timed {
            return None;
        }
        let begun = self.clock.now();
        if self.lane.is_on() {
            let arg = self.name_of(site.callee.name(), site.location);
            let (kind, _) = slice_of(site.callee);
            self.lane.record(begun, kind, self.id_base | u64::from(site.id), 0, arg);
        }
        self.push(u64::from(site.id), || Name::Callee(site.callee), site.location, begun);
        Some(begun)
    }

    pub(crate) fn end(&self, site: Site, begun: Begun) {
        if begun.is_none() {
            return;
        }
        let now = self.clock.now();
        if self.lane.is_on() {
            let (_, kind) = slice_of(site.callee);
            self.lane.record(now, kind, self.id_base | u64::from(site.id), 0, 0);
        }
        self.pop(now);
    }

    /// Opens a frame, where anybody will ask for self times.
    fn push(
        &self,
        id: u64,
        name: impl FnOnce() -> Name,
        location: &'static Location<'static>,
        begun: Instant,
    ) {
        if self.threshold.is_none() {
            return;
        }
        let name = name();
        let frame = Frame { id: self.id_base | id, name, location, begun, inside: Duration::ZERO };
        self.blame.borrow_mut().frames.push(frame);
    }

    /// Ends the innermost span; when it was the outermost too, judges it.
    fn pop(&self, now: Instant) {
        if self.threshold.is_none() {
            return;
        }
        let mut blame = self.blame.borrow_mut();
        let Some(frame) = blame.frames.pop() else { return };
        let held = now.saturating_duration_since(frame.begun);
        let own = held.saturating_sub(frame.inside);
        blame.add_self_time(own, frame.name, frame.location);
        if let Some(outer) = blame.frames.last_mut() {
            outer.inside += held;
            return;
        }
        if self.threshold.is_some_and(|threshold| held >= threshold)
            && let Some((own, name, location)) = blame.worst()
        {
            if self.lane.is_on() {
                let arg = self.name_of(name.text(), location);
                self.lane.record(now, EventKind::Stall, frame.id, 0, arg);
            }
            blame.report(name.text(), location, held, own);
        }
        blame.places.clear();
    }

    /// The recording's number for "name (file:line)".
    fn name_of(&self, name: &str, location: &'static Location<'static>) -> u32 {
        let address = std::ptr::from_ref(location) as usize;
        if let Some(known) = self.names.borrow().get(&address)
            && let Some((_, number)) = known.iter().find(|(known, _)| known == name)
        {
            return *number;
        }
        let number = self.recorder.intern(&format!("{name} ({}:{})", location.file(), location.line()));
        self.names.borrow_mut().entry(address).or_default().push((name.to_owned(), number));
        number
    }
}

impl Blame {
    fn add_self_time(&mut self, own: Duration, name: Name, location: &'static Location<'static>) {
        let known =
            self.places.iter_mut().find(|(_, known, at)| *at == location && known.text() == name.text());
        match known {
            Some((sum, ..)) => *sum += own,
            None => self.places.push((own, name, location)),
        }
    }

    /// The place with the largest self time; an inner span ends before the outer one, so it wins a tie.
    fn worst(&self) -> Option<(Duration, Name, &'static Location<'static>)> {
        self.places.iter().reduce(|worst, place| if place.0 > worst.0 { place } else { worst }).cloned()
    }

    fn report(&mut self, name: &str, location: &'static Location<'static>, held: Duration, own: Duration) {
        let known = self.stalls.iter_mut().find(|stall| stall.location == location && stall.name == name);
        match known {
            Some(stall) => {
                stall.count += 1;
                stall.longest = stall.longest.max(held);
                stall.total += own;
            }
            None => self.stalls.push(StallReport {
                name: name.to_owned(),
                location,
                count: 1,
                longest: held,
                total: own,
            }),
        }
    }
}

fn slice_of(callee: Callee) -> (EventKind, EventKind) {
    match callee {
        Callee::Task => (EventKind::TaskPollBegin, EventKind::TaskPollEnd),
        _ => (EventKind::CallbackBegin, EventKind::CallbackEnd),
    }
}

impl LoopHandle {
    /// The places that held the loop for longer than the threshold, worst first.
    pub fn stalls(&self) -> Vec<StallReport> {
        let mut stalls = self.core.instruments.blame.borrow().stalls.clone();
        stalls.sort_by_key(|stall| std::cmp::Reverse(stall.total));
        stalls
    }

    /// Whether a recorder writes down what this loop does.
    pub fn is_recording(&self) -> bool {
        self.core.instruments.lane.is_on()
    }

    /// Writes one event into the loop's lane, with an id that is unique in the process (a job's, a message's).
    pub fn record(&self, kind: EventKind, id: u64, parent: u64, arg: u32) {
        let instruments = &self.core.instruments;
        if instruments.lane.is_on() {
            instruments.lane.record(instruments.clock.now(), kind, id, parent, arg);
        }
    }

    /// What ran in which phase since the last call, when the loop keeps a phase trace.
    pub fn take_phase_trace(&self) -> Vec<PhaseEvent> {
        self.core.instruments.trace.as_ref().map(RefCell::take).unwrap_or_default()
    }

    /// Runs `code` inside a span, so that time spent in it is blamed on the span's place.
    pub fn in_span<R>(&self, site: &SpanSite, code: impl FnOnce() -> R) -> R {
        let instruments = &self.core.instruments;
        if !instruments.timed {
            return code();
        }
        let _leave = enter_span(self, site);
        code()
    }
}

struct LeaveSpan<'a>(&'a Instruments);

impl Drop for LeaveSpan<'_> {
    fn drop(&mut self) {
        let now = self.0.clock.now();
        if self.0.lane.is_on() {
            self.0.lane.record(now, EventKind::SpanEnd, self.0.id_base, 0, 0);
        }
        self.0.pop(now);
    }
}

fn enter_span<'a>(lp: &'a LoopHandle, site: &SpanSite) -> LeaveSpan<'a> {
    let instruments = &lp.core.instruments;
    let begun = instruments.clock.now();
    if instruments.lane.is_on() {
        let arg = instruments.name_of(&site.inner.name, site.inner.location);
        instruments.lane.record(begun, EventKind::SpanBegin, instruments.id_base, 0, arg);
    }
    instruments.push(0, || Name::Span(site.clone()), site.inner.location, begun);
    LeaveSpan(instruments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(options: LoopOptions) -> bool {
        let instruments = Instruments::new(&options);
        let begun = instruments.begin(Site::new(Callee::Timer, 0, Location::caller()));
        begun.is_some()
    }

    #[test]
    fn b2_only_a_threshold_or_a_recorder_makes_a_callback_read_the_clock() {
        assert!(!begins(LoopOptions::default()));
        assert!(!begins(LoopOptions::default().phase_trace(true)));
        assert!(begins(LoopOptions::default().stall_threshold(Duration::from_secs(1))));
        assert!(begins(LoopOptions::default().recorder(Recorder::new(64))));
    }
}
