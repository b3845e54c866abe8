//! The bridge from `tracing`: a user's spans become slices of the same recording.
//!
//! # Model
//! Entering a span writes `SpanBegin`, leaving it `SpanEnd`, on a lane of the thread that enters. That lane is the
//! one which the thread adopted ([`adopt_lane`]: then spans nest inside the callbacks of the loop), or else a lane
//! of its own named `<thread> spans`. A span that is entered many times, like the span of a future, keeps its id.
//! Events (`info!` and so on) are for people to read in a log and are not recorded.
//!
//! # Threads
//! Lanes live in a thread-local, one for each recording that the thread writes spans to.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

use clock::Clock;
use tracing::Subscriber;
use tracing::span::{Attributes, Id};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::event::{EventKind, next_id};
use crate::recorder::{Lane, Recorder};

thread_local! {
    /// The lanes of this thread and whether they were adopted; the others were made here for spans.
    static LANES: RefCell<Vec<(Rc<Lane>, bool)>> = const { RefCell::new(Vec::new()) };
}

/// A `tracing_subscriber` layer that writes spans into a recording; one for each registry.
pub struct TraceLayer {
    recorder: Recorder,
    clock: Clock,
}

/// What the layer keeps with each span.
struct Named {
    id: u64,
    parent: u64,
    name: u32,
}

impl TraceLayer {
    /// A layer that writes into `recorder`, with times of the real clock.
    pub fn new(recorder: Recorder) -> TraceLayer {
        TraceLayer::with_clock(recorder, Clock::real())
    }

    /// The same with times of `clock`, which should be the clock of everything else in the recording.
    pub fn with_clock(recorder: Recorder, clock: Clock) -> TraceLayer {
        TraceLayer { recorder, clock }
    }

    fn record<S>(&self, kind: EventKind, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(recorder_id) = self.recorder.id() else { return };
        let Some(span) = context.span(id) else { return };
        let extensions = span.extensions();
        let Some(named) = extensions.get::<Named>() else { return };
        let now = self.clock.now();
        // Spans that end while the thread's locals are being destroyed have no lane any more.
        let _ = LANES.try_with(|lanes| {
            let mut lanes = lanes.borrow_mut();
            if !lanes.iter().any(|(lane, _)| lane.recorder_id() == recorder_id) {
                let thread = std::thread::current();
                let name = format!("{} spans", thread.name().unwrap_or("unnamed thread"));
                lanes.push((Rc::new(self.recorder.lane(&name)), false));
            }
            // The last one wins, so that an adopted lane hides one that was made before.
            if let Some((lane, _)) = lanes.iter().rfind(|(lane, _)| lane.recorder_id() == recorder_id) {
                lane.record(now, kind, named.id, named.parent, named.name);
            }
        });
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for TraceLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if !self.recorder.is_on() {
            return;
        }
        let parent =
            span.parent().and_then(|parent| parent.extensions().get::<Named>().map(|named| named.id));
        let name = self.recorder.intern(attributes.metadata().name());
        span.extensions_mut().replace(Named { id: next_id(), parent: parent.unwrap_or(0), name });
    }

    fn on_enter(&self, id: &Id, context: Context<'_, S>) {
        self.record(EventKind::SpanBegin, id, &context);
    }

    fn on_exit(&self, id: &Id, context: Context<'_, S>) {
        self.record(EventKind::SpanEnd, id, &context);
    }
}

/// Lets the calling thread's spans go to `lane`, where the thread writes its own records too, until the guard is
/// dropped. A lane that is off is ignored.
pub fn adopt_lane(lane: &Rc<Lane>) -> AdoptedLane {
    if lane.is_on() {
        LANES.with_borrow_mut(|lanes| lanes.push((lane.clone(), true)));
    }
    AdoptedLane { lane: lane.clone(), not_send: PhantomData }
}

/// The lane that the calling thread adopted for this recording, for code that is called on foreign threads and
/// should write where its caller writes (a job is submitted inside a callback of the loop).
pub fn adopted_lane(recorder: &Recorder) -> Option<Rc<Lane>> {
    let id = recorder.id()?;
    let adopted = |lanes: &Vec<(Rc<Lane>, bool)>| {
        lanes
            .iter()
            .rfind(|(lane, adopted)| *adopted && lane.recorder_id() == id)
            .map(|(lane, _)| lane.clone())
    };
    LANES.try_with(|lanes| adopted(&lanes.borrow())).ok().flatten()
}

/// Ends the adoption of a lane when dropped; stays on its thread.
#[must_use = "spans go to the lane until this is dropped"]
pub struct AdoptedLane {
    lane: Rc<Lane>,
    not_send: PhantomData<*const ()>,
}

impl Drop for AdoptedLane {
    fn drop(&mut self) {
        let _ = LANES.try_with(|lanes| {
            let mut lanes = lanes.borrow_mut();
            if let Some(position) = lanes.iter().rposition(|(lane, _)| Rc::ptr_eq(lane, &self.lane)) {
                lanes.remove(position);
            }
        });
    }
}
