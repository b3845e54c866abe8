//! Timelines: what a recording becomes, and the very text that a terminal shows.

use std::time::Duration;

use proptest::prelude::*;
use runtime_trace::Recording;
use trace_report::lanes::{
    Charset, Class, Color, Interval, Row, TerminalStyle, Timeline, TimelineOptions, Window, Words,
};
use trace_report::text::columns;

mod synthetic;

const ASCII: TerminalStyle = TerminalStyle { width: 80, color: Color::Never, charset: Charset::Ascii };
const UNICODE: TerminalStyle = TerminalStyle { width: 80, color: Color::Never, charset: Charset::Unicode };

fn acts() -> (Recording, Timeline) {
    let recording = synthetic::Stage::new(1 << 16).play();
    let options = TimelineOptions { stall_after: None, marks: true };
    let timeline = Timeline::new(&recording, Window::all(&recording), &options);
    (recording, timeline)
}

fn row<'a>(timeline: &'a Timeline, name: &str) -> &'a Row {
    timeline.rows.iter().find(|row| row.name == name).expect("the row is there")
}

#[track_caller]
fn assert_v1(row: &Row, window: Window) {
    let mut before_ns = window.from_ns;
    for Interval { start_ns, end_ns, .. } in &row.intervals {
        assert!(*start_ns >= before_ns && start_ns < end_ns, "{start_ns}..{end_ns} after {before_ns}");
        before_ns = *end_ns;
    }
    assert!(before_ns <= window.to_ns);
}

#[test]
fn the_terminal_shows_the_acts_as_expected() {
    let (_, timeline) = acts();
    for (style, expected) in [
        (ASCII, include_str!("expected/timeline.ascii.txt")),
        (UNICODE, include_str!("expected/timeline.unicode.txt")),
    ] {
        let shown = timeline.terminal(&style);
        assert!(shown == expected, "shown:\n{shown}\nexpected:\n{expected}");
    }
}

#[test]
fn colours_change_nothing_but_colour() {
    let (_, timeline) = acts();
    let colored = timeline.terminal(&TerminalStyle { color: Color::Always, ..UNICODE });
    let mut plain = String::new();
    let mut inside = false;
    for character in colored.chars() {
        match character {
            '\x1b' => inside = true,
            'm' if inside => inside = false,
            other if !inside => plain.push(other),
            _ => (),
        }
    }
    let trim = |text: &str| text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n");
    assert_eq!(trim(&plain), trim(&timeline.terminal(&UNICODE)));
    assert!(colored.contains("\x1b[0;1;31m█"), "a stall is bold and red");
}

#[test]
fn stalls_are_named_after_the_line_that_held_the_loop() {
    let (_, timeline) = acts();
    let stalls = timeline.stalls();
    assert_eq!(stalls.len(), 3);
    for (row, stall) in stalls {
        assert_eq!((row, &*stall.label), ("loop", synthetic::ROUTE));
        assert_eq!(stall.duration_ns(), synthetic::BLOCK.as_nanos() as u64);
    }
    let summary = timeline.summary();
    assert!(
        summary.contains(&format!("the longest held loop for 120 ms by {}", synthetic::ROUTE)),
        "{summary}"
    );
    assert!(summary.ends_with("No records were dropped."));
}

#[test]
fn a_complaint_is_about_the_slice_before_it_even_when_all_clocks_stand_still() {
    use runtime_trace::EventKind::{CallbackBegin, CallbackEnd, Stall};
    let recorder = runtime_trace::Recorder::new(16);
    let lane = recorder.lane("loop");
    let at = |ms| clock::process_start() + Duration::from_millis(ms);
    let (first, second) = (recorder.intern("first"), recorder.intern("second"));
    for (ms, kind, id, arg) in [
        (0, CallbackBegin, 1, first),
        (200, CallbackEnd, 1, 0),
        (200, Stall, 0, first),
        (200, CallbackBegin, 2, second),
        (300, CallbackEnd, 2, 0),
    ] {
        lane.record(at(ms), kind, id, 0, arg);
    }
    let recording = recorder.collect();
    let timeline = Timeline::new(&recording, Window::all(&recording), &TimelineOptions::default());
    assert_eq!(timeline.stalls().iter().map(|(_, stall)| &*stall.label).collect::<Vec<_>>(), ["first"]);
}

#[test]
fn a_threshold_finds_stalls_that_the_loop_did_not_report() {
    let (mut recording, _) = acts();
    recording.records.retain(|record| record.kind != runtime_trace::EventKind::Stall);
    let stalls = |stall_after| {
        let options = TimelineOptions { stall_after, marks: false };
        Timeline::new(&recording, Window::all(&recording), &options).stalls().len()
    };
    assert_eq!(stalls(None), 0);
    assert_eq!(stalls(Some(Duration::from_millis(119))), 3);
    assert_eq!(stalls(Some(synthetic::BLOCK)), 0, "longer than, not as long as");
}

#[test]
fn a_callback_is_named_after_the_innermost_span_that_takes_half_of_it() {
    let (_, timeline) = acts();
    let names: Vec<&str> = row(&timeline, "loop").intervals.iter().map(|interval| &*interval.label).collect();
    assert!(names.contains(&"GET /ping (examples/starvation.rs:71)"));
    assert!(!names.contains(&"connection (src/http.rs:41)"), "the outer name says less");
}

#[test]
fn loops_come_first_then_what_waits_then_the_pool() {
    let (_, timeline) = acts();
    let names: Vec<&str> = timeline.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["loop", "waiting jobs", "pool-1", "pool-2", "pool-3", "pool-4"]);
    assert!(
        row(&timeline, "pool-1")
            .intervals
            .iter()
            .all(|one| one.class == Class::Job && &*one.label == "pbkdf2")
    );
    assert_eq!(
        timeline.marks.iter().map(|mark| mark.label.as_str()).collect::<Vec<_>>(),
        ["idle", "inline", "offloaded", "chunked"]
    );
}

#[test]
fn v1_rows_of_every_window_are_in_order_and_inside() {
    let (recording, whole) = acts();
    let length_ns = whole.window.length_ns();
    for part in 0..20 {
        let window = Window::new(
            whole.window.from_ns + length_ns * part / 25,
            whole.window.from_ns + length_ns * (part + 3) / 22,
        );
        let timeline = Timeline::new(&recording, window, &TimelineOptions::default());
        timeline.rows.iter().for_each(|row| assert_v1(row, window));
        let picture = timeline.terminal(&UNICODE);
        assert!(picture.lines().all(|line| columns(line) <= 80), "{picture}");
    }
}

#[test]
fn lost_records_are_said_in_every_picture() {
    let recording = synthetic::Stage::new(256).play();
    let dropped = recording.dropped();
    assert!(dropped > 0);
    let timeline = Timeline::new(&recording, Window::all(&recording), &TimelineOptions::default());
    let sentence = format!("{dropped} records were dropped: the picture has holes.");
    assert!(timeline.terminal(&ASCII).contains(&sentence));
    assert!(timeline.svg("lost", 900).contains(&format!(">{sentence}<")));
    assert!(timeline.summary().contains(&sentence));
}

#[test]
fn what_overlaps_is_counted() {
    let window = Window::new(0, 100);
    let spans = [(10, 30), (20, 40), (20, 25), (90, 300), (30, 30), (200, 400)];
    let row = Row::overlapping("requests", Class::Wait, "requests wait", window, spans);
    assert_v1(&row, window);
    let steps: Vec<_> = row.intervals.iter().map(|one| (one.start_ns, one.end_ns, one.depth)).collect();
    assert_eq!(steps, [(10, 20, 1), (20, 25, 3), (25, 30, 2), (30, 40, 1), (90, 100, 1)]);
    assert_eq!(row.depth_max(), 3);
    assert_eq!(row.intervals[1].describe(&Words::LOOPS), "3 requests wait: 5 ns");
}

#[test]
fn a_job_that_never_starts_waits_to_the_end_unless_its_start_may_have_been_lost() {
    let stage = synthetic::Stage::new(64);
    let (recorder, lane) = (stage.recorder.clone(), stage.recorder.lane("submitter"));
    lane.record(clock::process_start(), runtime_trace::EventKind::JobSubmit, 1, 0, 0);
    let mut recording = recorder.collect();
    let window = Window::new(0, 1_000);
    let waits = |recording: &Recording| {
        let timeline = Timeline::new(recording, window, &TimelineOptions::default());
        timeline.rows.iter().map(|row| row.total_ns(Class::Wait)).sum::<u64>()
    };
    assert_eq!(waits(&recording), 1_000);
    recording.lanes[0].dropped = 1;
    assert_eq!(waits(&recording), 0);
}

#[test]
fn an_empty_recording_has_an_empty_picture() {
    let empty = Recording::default();
    let timeline = Timeline::new(&empty, Window::all(&empty), &TimelineOptions::default());
    assert_eq!(timeline.rows.len(), 0);
    assert!(timeline.terminal(&UNICODE).ends_with("No records were dropped.\n"));
    assert!(timeline.svg("nothing", 0).starts_with("<svg"));
}

#[test]
fn names_cannot_move_the_terminal() {
    let (_, mut timeline) = acts();
    timeline.rows[0].name = "\x1b[2Jloop\n스레드 이름이 아주 길다".to_owned();
    timeline.rows[0].intervals.iter_mut().for_each(|one| one.label = "\x1b]0;title\x07\n".into());
    timeline.marks[0].label = "\r\x1b[31m".to_owned();
    let shown = timeline.terminal(&UNICODE);
    assert!(shown.chars().all(|character| character == '\n' || !character.is_control()), "{shown:?}");
    assert!(shown.lines().all(|line| columns(line) <= 80), "{shown}");
}

proptest! {
    #[test]
    fn v1_counts_agree_with_counting_at_each_moment(
        spans in proptest::collection::vec((0_u64..60, 0_u64..60), 0..20), from in 0_u64..30, length in 1_u64..40,
    ) {
        let window = Window::new(from, from + length);
        let row = Row::overlapping("x", Class::Wait, "x", window, spans.iter().copied());
        assert_v1(&row, window);
        for moment in window.from_ns..window.to_ns {
            let open = spans.iter().filter(|(start, end)| (*start..*end).contains(&moment)).count() as u32;
            let shown = row.intervals.iter().find(|one| (one.start_ns..one.end_ns).contains(&moment));
            prop_assert_eq!(open, shown.map_or(0, |one| one.depth));
        }
    }
}
