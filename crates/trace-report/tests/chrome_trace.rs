//! The Chrome trace is what viewers accept: the JSON is parsed again and must pass the checker.

use runtime_trace::EventKind::{self, *};
use runtime_trace::{LaneInfo, Record, Recorder, Recording};
use serde_json::{Value, json};
use trace_report::chrome::{self, Process, check};

mod synthetic;

fn written(recording: &Recording) -> Value {
    let mut json = Vec::new();
    chrome::write(recording, 4_242, &mut json).expect("a vector takes everything");
    serde_json::from_slice(&json).expect("valid JSON")
}

fn events<'a>(trace: &'a Value, phase: &str) -> Vec<&'a Value> {
    let events = trace["traceEvents"].as_array().expect("events");
    events.iter().filter(|event| event["ph"] == phase).collect()
}

fn recording(lanes: &[&str], records: &[(u64, u16, EventKind, u64, u32)]) -> Recording {
    let lanes = lanes.iter().enumerate();
    let lanes = lanes.map(|(id, name)| LaneInfo { id: id as u16, name: (*name).to_owned(), dropped: 0 });
    let records = records.iter();
    Recording {
        records: records
            .map(|&(t_ns, lane, kind, id, arg)| Record { t_ns, id, parent: 0, arg, lane, kind })
            .collect(),
        lanes: lanes.collect(),
        names: ["", "cpu", "a <b> \"c\" \u{1}"].map(str::to_owned).to_vec(),
    }
}

#[test]
fn v6_the_four_acts_make_a_trace_that_viewers_accept() {
    let recording = synthetic::Stage::new(1 << 16).play();
    assert_eq!(recording.check(), Ok(()), "the script itself must be right");
    let trace = written(&recording);
    check(&trace).expect("accepted");
    let jobs = recording.records.iter().filter(|record| record.kind == JobSubmit).count();
    assert!(jobs > 2);
    for phase in ["s", "t", "f"] {
        assert_eq!(events(&trace, phase).len(), jobs, "{phase}");
    }
    assert_eq!(events(&trace, "b").len(), jobs, "each wait in the queue");
    assert_eq!(events(&trace, "B").len(), recording.slices().len());
    let threads: Vec<&str> = events(&trace, "M")
        .into_iter()
        .filter(|event| event["name"] == "thread_name")
        .filter_map(|event| event["args"]["name"].as_str())
        .collect();
    assert_eq!(threads, ["loop", "pool-1", "pool-2", "pool-3", "pool-4"]);
    let stalls = events(&trace, "i").into_iter().filter(|event| event["cat"] == "stall").count();
    assert_eq!(stalls, recording.records.iter().filter(|record| record.kind == Stall).count());
    assert_eq!(trace["otherData"]["dropped_records"], 0);
}

#[test]
fn a_job_is_one_arrow_from_the_callback_through_the_pool_to_the_completion() {
    let trace = written(&recording(
        &["loop", "pool-1"],
        &[
            (1_000, 0, CallbackBegin, 1, 0),
            (2_000, 0, JobSubmit, 9, 1),
            (2_000, 0, CallbackEnd, 1, 0),
            (4_500, 1, JobBegin, 9, 1),
            (9_001, 1, JobEnd, 9, 1),
            (9_500, 0, JobComplete, 9, 2),
        ],
    ));
    check(&trace).expect("accepted");
    let id = format!("{:#x}", 4_242_u64 << 40 | 9);
    let arrow: Vec<_> = ["s", "t", "f"].iter().flat_map(|phase| events(&trace, phase)).collect();
    let told: Vec<_> =
        arrow.iter().map(|event| (event["ts"].as_f64(), event["tid"].as_u64(), &event["id"])).collect();
    let id = json!(id);
    assert_eq!(told, [(Some(2.0), Some(1), &id), (Some(4.5), Some(2), &id), (Some(9.5), Some(1), &id)]);
    assert_eq!(arrow[2]["bp"], "e");
    let wait: Vec<_> = ["b", "e"].iter().flat_map(|phase| events(&trace, phase)).collect();
    assert_eq!(
        (&wait[0]["name"], &wait[0]["ts"], &wait[1]["ts"]),
        (&json!("cpu waits in the queue"), &json!(2.0), &json!(4.5))
    );
    let ends = events(&trace, "E");
    assert!(ends.iter().any(|end| end["args"]["outcome"] == "panicked" && end["ts"] == 9.001));
}

#[test]
fn a_cancelled_job_waits_until_its_cancellation() {
    let trace = written(&recording(&["loop"], &[(1_000, 0, JobSubmit, 9, 1), (3_000, 0, JobComplete, 9, 1)]));
    check(&trace).expect("accepted");
    assert_eq!(events(&trace, "e")[0]["ts"], 3.0);
    assert_eq!(events(&trace, "f").len(), 1);
}

#[test]
fn v6_timers_locks_and_connections_overlap_as_async_events() {
    let trace = written(&recording(
        &["loop", "thread-2"],
        &[
            (1, 0, TimerStart, 1, 0),
            (2, 0, TimerStart, 2, 0),
            (2, 0, TimerStart, 4, 0),
            (3, 0, TimerFire, 1, 0),
            (4, 0, TimerStart, 2, 0),
            (5, 0, TimerStop, 2, 0),
            (6, 0, LockRequest, 7, 0),
            (6, 1, LockRequest, 7, 0),
            (7, 0, LockAcquire, 7, 0),
            (8, 0, LockRelease, 7, 0),
            (8, 1, LockAcquire, 7, 0),
            (9, 0, ConnectionOpen, 3, 0),
            (9, 0, TimerFire, 99, 0),
            (9, 0, ConnectionClose, 77, 0),
            (10, 0, MessageSend, 5, 640),
            (11, 1, Wake, 0, 0),
        ],
    ));
    check(&trace).expect("accepted");
    let spans: Vec<_> =
        events(&trace, "b").into_iter().map(|event| (event["cat"].clone(), event["ts"].clone())).collect();
    let expected = [
        ("timer", 0.001),
        ("timer", 0.002),
        ("timer", 0.004),
        ("lock wait", 0.006),
        ("lock wait", 0.006),
        ("lock", 0.007),
        ("lock", 0.008),
        ("connection", 0.009),
    ];
    assert_eq!(spans, expected.map(|(category, ts)| (json!(category), json!(ts))));
    let points = events(&trace, "i");
    assert_eq!((&points[0]["args"]["count"], &points[1]["name"]), (&json!(640), &json!("wake")));
}

#[test]
fn v6_turns_at_one_lock_are_slices_of_their_threads() {
    let trace = written(&recording(
        &["spinner", "echo", "two locks"],
        &[
            (1, 0, LockRequest, 7, 0),
            (1, 0, LockAcquire, 7, 0),
            (2, 1, LockRequest, 7, 0),
            (3, 0, LockRelease, 7, 0),
            (3, 0, LockRequest, 7, 0),
            (3, 1, LockAcquire, 7, 0),
            (4, 2, LockRequest, 7, 0),
            (4, 2, LockRequest, 8, 0),
            (5, 1, LockRelease, 7, 0),
            (5, 0, LockAcquire, 7, 0),
            (6, 0, LockRelease, 7, 0),
        ],
    ));
    check(&trace).expect("accepted");
    let spans = |phase| -> Vec<_> {
        let spans = events(&trace, phase).into_iter();
        spans.map(|event| (event["tid"].clone(), event["name"].clone(), event["ts"].clone())).collect()
    };
    let (holds, waits) = ("holds the lock", "waits for the lock");
    let expected =
        [(1, holds, 0.001), (2, waits, 0.002), (2, holds, 0.003), (1, waits, 0.003), (1, holds, 0.005)];
    assert_eq!(spans("B"), expected.map(|(track, name, ts)| (json!(track), json!(name), json!(ts))));
    assert_eq!(spans("b").len(), 2, "waits for two locks at once overlap");
}

#[test]
fn v6_any_cut_of_a_recording_is_accepted() {
    let whole = synthetic::Stage::new(1 << 16).play();
    let count = whole.records.len();
    for from in (0..count).step_by(197) {
        for length in [0, 1, 2, 7, 100] {
            let records = whole.records[from..(from + length).min(count)].to_vec();
            let trace = written(&Recording { records, ..whole.clone() });
            check(&trace).unwrap_or_else(|problem| panic!("{problem:?} in {length} records from {from}"));
        }
    }
    check(&written(&Recording::default())).expect("nothing at all is a trace too");
}

#[test]
fn v6_holes_are_accepted_and_counted() {
    let stage = synthetic::Stage::new(1 << 9);
    let recorder = stage.recorder.clone();
    let mut recording = stage.play();
    // Rings that were full, emptied in the middle: begins without ends and ends without begins.
    recording.append(recorder.collect());
    assert!(recording.dropped() > 1_000);
    let trace = written(&recording);
    check(&trace).expect("accepted");
    assert_eq!(trace["otherData"]["dropped_records"], recording.dropped());
    let told: Vec<_> = events(&trace, "i").into_iter().filter(|event| event["cat"] == "dropped").collect();
    assert_eq!(told.len(), recording.lanes.iter().filter(|lane| lane.dropped > 0).count());
    assert_eq!(told[0]["args"]["dropped"], recording.lanes[0].dropped);
}

#[test]
fn v6_every_second_record_lost_is_accepted() {
    let mut recording = synthetic::Stage::new(1 << 16).play();
    for step in 2..9 {
        let mut index = 0;
        recording.records.retain(|_| {
            index += 1;
            index % step != 0
        });
        recording.lanes.iter_mut().for_each(|lane| lane.dropped = 1);
        check(&written(&recording)).expect("accepted");
    }
}

#[test]
fn names_are_data_and_never_break_the_file() {
    let trace = written(&recording(&["a\"b</script>"], &[(0, 0, SpanBegin, 1, 2), (1, 0, SpanEnd, 1, 0)]));
    assert_eq!(events(&trace, "B")[0]["name"], "a <b> \"c\" \u{1}");
}

#[test]
fn processes_share_one_axis_and_keep_their_ids_apart() {
    let one = recording(&["loop"], &[(1_000, 0, JobSubmit, 9, 0), (3_000, 0, JobComplete, 9, 1)]);
    let processes = [
        Process { pid: 1, name: "server", recording: &one, offset_ns: 5_000 },
        Process { pid: 2, name: "client", recording: &one, offset_ns: 0 },
    ];
    let mut json = Vec::new();
    chrome::write_processes(&processes, &mut json).expect("a vector takes everything");
    let trace: Value = serde_json::from_slice(&json).expect("valid JSON");
    check(&trace).expect("accepted");
    let starts: Vec<_> =
        events(&trace, "s").into_iter().map(|event| (event["pid"].clone(), event["ts"].clone())).collect();
    assert_eq!(starts, [(json!(2), json!(1.0)), (json!(1), json!(6.0))]);
    assert_ne!(events(&trace, "s")[0]["id"], events(&trace, "s")[1]["id"]);
}

#[test]
fn a_recorder_that_is_off_gives_an_empty_trace() {
    let trace = written(&Recorder::off().collect());
    assert_eq!(events(&trace, "M").len(), 1);
}
