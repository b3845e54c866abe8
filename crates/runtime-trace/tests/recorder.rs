//! Lanes write, the recorder collects: nothing is lost uncounted, whoever runs when.

use std::sync::mpsc;
use std::thread;

use runtime_trace::{EventKind, Lane, Recorder, Recording};

mod support;
use support::at_ns;

fn mark(lane: &Lane, t_ns: u64, id: u64) {
    lane.record(at_ns(t_ns), EventKind::Mark, id, 0, 0);
}

fn ids(recording: &Recording) -> Vec<u64> {
    recording.records.iter().map(|record| record.id).collect()
}

#[test]
fn a_recorder_that_is_off_records_nothing() {
    let recorder = Recorder::off();
    let lane = recorder.lane("loop");
    mark(&lane, 1, 1);
    assert!(!recorder.is_on() && !lane.is_on() && !Lane::off().is_on());
    assert_eq!(recorder.intern("anything"), 0);
    assert_eq!(recorder.collect(), Recording::default());
    assert!(!Recorder::default().is_on());
}

#[test]
fn records_of_all_lanes_come_in_order_of_time_and_ties_in_order_of_lane_then_of_writing() {
    let recorder = Recorder::new(16);
    let (first, second) = (recorder.lane("first"), recorder.lane("second"));
    mark(&second, 1, 1);
    mark(&second, 5, 4);
    mark(&second, 5, 5);
    mark(&first, 5, 2);
    mark(&first, 5, 3);
    mark(&first, 9, 6);
    let recording = recorder.collect();
    assert_eq!(ids(&recording), [1, 2, 3, 4, 5, 6]);
    assert_eq!(
        recording.lanes.iter().map(|lane| lane.name.as_str()).collect::<Vec<_>>(),
        ["first", "second"]
    );
    assert_eq!(recording.records[0].lane, 1);
}

#[test]
fn r1_a_full_lane_drops_the_new_and_the_totals_accumulate() {
    let recorder = Recorder::new(8);
    let (full, quiet) = (recorder.lane("full"), recorder.lane("quiet"));
    (0..20).for_each(|id| mark(&full, id, id));
    mark(&quiet, 0, 100);
    let first = recorder.collect();
    assert_eq!(ids(&first), [0, 100, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(first.lanes.iter().map(|lane| lane.dropped).collect::<Vec<_>>(), [12, 0]);
    (20..30).for_each(|id| mark(&full, id, id));
    let second = recorder.collect();
    assert_eq!(ids(&second), (20..28).collect::<Vec<_>>());
    assert_eq!(second.dropped(), 14);
    assert_eq!(recorder.collect().dropped(), 14, "a total stays when nothing is new");
}

#[test]
fn a_lane_that_its_thread_dropped_keeps_its_records_until_they_are_collected() {
    let recorder = Recorder::new(4);
    let lane = recorder.lane("short-lived");
    thread::spawn(move || (0..6).for_each(|id| mark(&lane, id, id))).join().expect("the thread only records");
    assert_eq!(ids(&recorder.collect()), [0, 1, 2, 3]);
    let later = recorder.collect();
    assert_eq!((later.records.len(), later.lanes[0].dropped), (0, 2));
}

#[test]
fn parts_that_are_appended_make_the_whole() {
    let recorder = Recorder::new(16);
    let (first, second) = (recorder.lane("first"), recorder.lane("second"));
    mark(&first, 5, 1);
    let mut whole = recorder.collect();
    mark(&first, 9, 3);
    // The lane was drained before this was written, although it is older than what was collected.
    mark(&second, 4, 0);
    let name = recorder.intern("late");
    whole.append(recorder.collect());
    assert_eq!(ids(&whole), [0, 1, 3]);
    assert_eq!(whole.name(name), "late");
    whole.append(recorder.collect());
    assert_eq!(ids(&whole), [0, 1, 3]);
}

#[test]
fn a_name_has_one_number_and_0_is_the_empty_one() {
    let recorder = Recorder::new(1);
    let (a, b) = (recorder.intern("a"), recorder.intern("b"));
    assert_eq!((recorder.intern(""), recorder.intern("a"), recorder.clone().intern("b")), (0, a, b));
    assert_ne!(a, b);
    let recording = recorder.collect();
    assert_eq!(recording.names, ["", "a", "b"]);
    assert_eq!((recording.name(b), recording.name(77)), ("b", ""));
}

#[test]
fn r1_r2_nothing_is_lost_uncounted_while_writers_and_a_collector_run_at_once() {
    const WRITERS: u64 = 3;
    const EACH: u64 = 20_000;
    let recorder = Recorder::new(256);
    let (done, finished) = mpsc::channel();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (lane, done) = (recorder.lane(&format!("writer-{writer}")), done.clone());
            thread::spawn(move || {
                // All four words carry the same number, so that a torn record would be seen.
                (1..=EACH).for_each(|n| lane.record(at_ns(n), EventKind::Mark, n, n, n as u32));
                done.send(()).expect("the test waits for every writer");
            })
        })
        .collect();
    drop(done);
    let mut parts = Vec::new();
    let mut running = WRITERS;
    while running > 0 {
        parts.push(recorder.collect());
        running -= finished.try_iter().count() as u64;
    }
    writers.into_iter().for_each(|writer| writer.join().expect("writers only record"));
    parts.push(recorder.collect());
    let dropped = parts[parts.len() - 1].dropped();
    let mut last = [0; WRITERS as usize];
    let mut seen = 0;
    for record in parts.iter().flat_map(|part| &part.records) {
        let before = &mut last[usize::from(record.lane)];
        assert!(record.id > *before, "each record once, in order");
        assert_eq!((record.t_ns, record.parent, u64::from(record.arg)), (record.id, record.id, record.id));
        (*before, seen) = (record.id, seen + 1);
    }
    assert_eq!(seen + dropped, WRITERS * EACH);
    assert!(dropped > 0 || seen == WRITERS * EACH);
}

#[test]
fn handles_say_what_they_are() {
    let recorder = Recorder::new(1);
    let lane = recorder.lane("loop");
    assert_eq!(format!("{recorder:?} {lane:?}"), "Recorder(1 lanes) Lane(0)");
    assert_eq!(format!("{:?} {:?}", Recorder::off(), Lane::off()), "Recorder(off) Lane(off)");
}
