//! Spans of `tracing` become slices: nested, each thread on its own lane or on the lane that it adopted.

use std::rc::Rc;
use std::thread;
use std::time::Duration;

use clock::{Clock, ManualClock};
use runtime_trace::EventKind::{CallbackBegin, CallbackEnd, SpanBegin};
use runtime_trace::{Recorder, Recording, TraceLayer, adopt_lane, adopted_lane};
use tracing::{Dispatch, dispatcher, info, info_span};
use tracing_subscriber::layer::SubscriberExt;

fn subscriber(recorder: &Recorder) -> (Dispatch, Clock, ManualClock) {
    let (clock, hands) = Clock::manual();
    let layer = TraceLayer::with_clock(recorder.clone(), clock.clone());
    (Dispatch::new(tracing_subscriber::registry().with(layer)), clock, hands)
}

/// `(lane, name, start, end, depth)` in nanoseconds.
fn outline(recording: &Recording) -> Vec<(String, String, u64, u64, u16)> {
    let slices = recording.slices();
    let row = |lane: u16| recording.lanes[usize::from(lane)].name.clone();
    slices
        .iter()
        .map(|s| (row(s.lane), recording.name(s.arg).to_owned(), s.start_ns, s.end_ns, s.depth))
        .collect()
}

fn named(slices: &[(&str, &str, u64, u64, u16)]) -> Vec<(String, String, u64, u64, u16)> {
    slices
        .iter()
        .map(|&(row, name, start, end, depth)| (row.to_owned(), name.to_owned(), start, end, depth))
        .collect()
}

#[test]
fn spans_nest_on_a_lane_of_their_thread() {
    let recorder = Recorder::new(64);
    let (dispatch, _, hands) = subscriber(&recorder);
    let work = move || {
        dispatcher::with_default(&dispatch, || {
            let _outer = info_span!("request", path = "/ping").entered();
            hands.advance(Duration::from_nanos(10));
            info_span!("parse").in_scope(|| hands.advance(Duration::from_nanos(5)));
            info!("events are for the log and are not recorded");
            hands.advance(Duration::from_nanos(1));
        });
    };
    thread::Builder::new().name("web".to_owned()).spawn(work).expect("a thread").join().expect("only spans");
    let recording = recorder.collect();
    assert_eq!(recording.check(), Ok(()));
    let expected = [("web spans", "request", 0, 16, 0), ("web spans", "parse", 10, 15, 1)];
    assert_eq!(outline(&recording), named(&expected));
    let slices = recording.slices();
    assert_eq!(slices[1].parent, slices[0].id, "the inner span was caused by the outer one");
}

#[test]
fn a_span_that_is_entered_again_keeps_its_id() {
    let recorder = Recorder::new(64);
    let (dispatch, _, _hands) = subscriber(&recorder);
    dispatcher::with_default(&dispatch, || {
        let span = info_span!("future");
        (0..3).for_each(|_| span.in_scope(|| ()));
    });
    let recording = recorder.collect();
    let ids: Vec<u64> = recording.slices().iter().map(|slice| slice.id).collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0] != 0 && ids.iter().all(|id| *id == ids[0]));
}

#[test]
fn each_thread_has_its_own_lane() {
    let recorder = Recorder::new(64);
    let (dispatch, _, _hands) = subscriber(&recorder);
    for name in ["a", "b"] {
        let dispatch = dispatch.clone();
        let work = move || dispatcher::with_default(&dispatch, || info_span!("work").in_scope(|| ()));
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(work)
            .expect("a thread")
            .join()
            .expect("only spans");
    }
    let recording = recorder.collect();
    let rows: Vec<&str> = recording.lanes.iter().map(|lane| lane.name.as_str()).collect();
    assert_eq!(rows, ["a spans", "b spans"]);
    assert_eq!(recording.records.iter().map(|record| record.lane).collect::<Vec<_>>(), [0, 0, 1, 1]);
}

#[test]
fn an_adopted_lane_shows_spans_inside_callbacks() {
    let recorder = Recorder::new(64);
    let (dispatch, clock, hands) = subscriber(&recorder);
    let lane = Rc::new(recorder.lane("loop"));
    dispatcher::with_default(&dispatch, || {
        info_span!("before").in_scope(|| ());
        let adopted = adopt_lane(&lane);
        lane.record(clock.now(), CallbackBegin, 7, 0, recorder.intern("connection"));
        info_span!("GET /ping").in_scope(|| hands.advance(Duration::from_nanos(3)));
        lane.record(clock.now(), CallbackEnd, 7, 0, 0);
        drop(adopted);
        info_span!("after").in_scope(|| ());
    });
    let recording = recorder.collect();
    assert_eq!(recording.check(), Ok(()));
    let on_loop: Vec<_> = outline(&recording).into_iter().filter(|slice| slice.0 == "loop").collect();
    assert_eq!(on_loop, named(&[("loop", "connection", 0, 3, 0), ("loop", "GET /ping", 0, 3, 1)]));
    let elsewhere = recording.slices().iter().filter(|slice| slice.lane != 0).count();
    assert_eq!(elsewhere, 2, "before and after the adoption spans have a lane of their own");
}

#[test]
fn others_on_the_thread_find_the_lane_that_was_adopted_for_their_recording() {
    let (recorder, other) = (Recorder::new(8), Recorder::new(8));
    let lanes = [Rc::new(recorder.lane("outer")), Rc::new(recorder.lane("inner"))];
    let found = |recorder: &Recorder| adopted_lane(recorder).map(|lane| format!("{lane:?}"));
    let (dispatch, _, _hands) = subscriber(&recorder);
    dispatcher::with_default(&dispatch, || {
        info_span!("a lane made for spans is not adopted").in_scope(|| ())
    });
    assert_eq!(found(&recorder), None);
    let outer = adopt_lane(&lanes[0]);
    let inner = adopt_lane(&lanes[1]);
    assert_eq!(
        (found(&recorder), found(&other), found(&Recorder::off())),
        (Some("Lane(1)".to_owned()), None, None)
    );
    drop(inner);
    assert_eq!(found(&recorder), Some("Lane(0)".to_owned()));
    drop(outer);
    assert_eq!(found(&recorder), None);
}

#[test]
fn two_recordings_on_one_thread_do_not_mix() {
    let (left, right) = (Recorder::new(8), Recorder::new(8));
    for (recorder, count) in [(&left, 1), (&right, 2), (&left, 3)] {
        let (dispatch, _, _hands) = subscriber(recorder);
        dispatcher::with_default(&dispatch, || (0..count).for_each(|_| info_span!("work").in_scope(|| ())));
    }
    let spans =
        |recorder: &Recorder| recorder.collect().records.iter().filter(|r| r.kind == SpanBegin).count();
    assert_eq!((spans(&left), spans(&right)), (4, 2));
}

#[test]
fn a_layer_without_a_recording_does_nothing() {
    let (dispatch, _, _hands) = subscriber(&Recorder::off());
    dispatcher::with_default(&dispatch, || info_span!("work").in_scope(|| ()));
    let lane = Rc::new(Recorder::off().lane("loop"));
    drop(adopt_lane(&lane));
    assert_eq!(Rc::strong_count(&lane), 1);
}
