//! The trace checker accepts what can be true and refuses, rule by rule, what cannot.

use runtime_trace::EventKind::*;
use runtime_trace::{Edges, Recording};

mod support;
use support::Script;

/// A loop that submits a job, a pool thread that runs it, and the completion.
fn whole() -> Script {
    Script::new(&["loop", "pool-1"])
        .at(0, 0, TickBegin, 1)
        .with(10, 0, CallbackBegin, 2, 1)
        .at(20, 0, JobSubmit, 3)
        .at(30, 0, CallbackEnd, 2)
        .at(40, 1, JobBegin, 3)
        .at(50, 1, JobEnd, 3)
        .at(60, 0, CallbackBegin, 4)
        .at(60, 0, JobComplete, 3)
        .at(70, 0, CallbackEnd, 4)
        .at(80, 0, TickEnd, 1)
}

fn without(mut recording: Recording, index: usize) -> Recording {
    recording.records.remove(index);
    recording
}

#[track_caller]
fn refused(recording: &Recording, edges: Edges, expected: &[&str]) {
    let problems = recording.check_edges(edges).expect_err("the checker must say no");
    assert_eq!(problems, expected);
}

#[test]
fn a_whole_recording_passes() {
    assert_eq!(whole().0.check(), Ok(()));
    assert_eq!(whole().0.check_edges(Edges::Cut), Ok(()));
    assert_eq!(Recording::default().check(), Ok(()));
}

#[test]
fn r3_time_that_goes_back_is_refused() {
    let mut recording = whole().0;
    recording.records[2].t_ns = 5;
    refused(
        &recording,
        Edges::Cut,
        &["record 2 (job submit 3 on lane 0 at 5 ns) is earlier than the one before it"],
    );
}

#[test]
fn r3_lanes_and_names_that_do_not_exist_are_refused() {
    let recording = Script::new(&["loop"]).at(0, 7, Wake, 0).with(1, 0, Mark, 0, 99).0;
    refused(
        &recording,
        Edges::Whole,
        &[
            "record 0 (wake 0 on lane 7 at 0 ns) is on a lane that does not exist",
            "record 1 (mark 0 on lane 0 at 1 ns) uses name 99, unknown",
        ],
    );
    let mut misnumbered = Script::new(&["loop", "pool"]).0;
    misnumbered.lanes[1].id = 5;
    refused(&misnumbered, Edges::Whole, &["lane 1 (pool) carries the number 5"]);
}

#[test]
fn r4_slices_that_are_not_closed_are_refused() {
    let recording = without(without(whole().0, 9), 8);
    refused(
        &recording,
        Edges::Whole,
        &[
            "tick 1 on lane 0 at 0 ns begins but never ends",
            "callback 4 on lane 0 at 60 ns begins but never ends",
        ],
    );
    assert_eq!(recording.check_edges(Edges::Cut), Ok(()), "at the edge of a cut this may be");
}

#[test]
fn r4_slices_that_cross_are_refused_even_at_a_cut() {
    let crossed = Script::new(&["loop"])
        .at(0, 0, TickBegin, 1)
        .at(1, 0, CallbackBegin, 2)
        .at(2, 0, TickEnd, 1)
        .at(3, 0, CallbackEnd, 2)
        .0;
    let expected = ["callback 2 on lane 0 at 1 ns is still open when the slice around it ends"];
    assert_eq!(crossed.check_edges(Edges::Cut).expect_err("crossed"), expected);
    refused(&crossed, Edges::Whole, &[expected[0], "callback 2 on lane 0 at 3 ns ends but never began"]);
}

#[test]
fn r4_an_end_of_something_else_is_refused() {
    let recording =
        Script::new(&["loop"]).at(0, 0, TickBegin, 1).at(1, 0, CallbackEnd, 2).at(2, 0, TickEnd, 1).0;
    refused(
        &recording,
        Edges::Cut,
        &["callback 2 on lane 0 at 1 ns ends inside a slice in which it did not begin"],
    );
}

#[test]
fn r4_a_callback_inside_itself_is_refused() {
    let inside = |outer: u64, inner: u64| {
        Script::new(&["loop"])
            .at(0, 0, CallbackBegin, outer)
            .at(1, 0, CallbackBegin, inner)
            .at(2, 0, CallbackEnd, inner)
            .at(3, 0, CallbackEnd, outer)
            .0
    };
    refused(&inside(7, 7), Edges::Whole, &["callback 7 on lane 0 at 1 ns begins inside itself"]);
    assert_eq!(inside(7, 8).check(), Ok(()));
    assert_eq!(inside(0, 0).check(), Ok(()), "without an id nobody knows");
}

#[test]
fn r4_a_tick_inside_a_tick_is_refused_but_a_job_inside_a_job_is_not() {
    let ticks = Script::new(&["loop"])
        .at(0, 0, TickBegin, 1)
        .at(1, 0, TickBegin, 2)
        .at(2, 0, TickEnd, 2)
        .at(3, 0, TickEnd, 1)
        .0;
    refused(&ticks, Edges::Whole, &["tick 2 on lane 0 at 1 ns begins inside itself"]);
    let jobs = Script::new(&["pool-1"])
        .at(0, 0, JobBegin, 1)
        .at(1, 0, JobBegin, 2)
        .at(2, 0, JobEnd, 2)
        .at(3, 0, JobEnd, 1)
        .0;
    assert_eq!(jobs.check_edges(Edges::Cut), Ok(()));
}

#[test]
fn r5_a_stage_that_happens_twice_is_refused_even_after_drops() {
    for (stage, word) in [(JobSubmit, "submitted"), (JobComplete, "completed")] {
        let recording = whole().at(90, 0, stage, 3).dropped(0, 1).0;
        let problems = recording.check().expect_err("twice");
        assert!(problems.contains(&format!("job 3 is {word} twice")), "{problems:?}");
    }
    let begun = whole().at(90, 1, JobBegin, 3).at(91, 1, JobEnd, 3).0;
    let problems = begun.check().expect_err("twice");
    assert_eq!(problems[..2], ["job 3 is begun twice", "job 3 is ended twice"]);
}

#[test]
fn r5_stages_out_of_order_are_refused() {
    let mut recording = whole().0;
    recording.records.retain(|record| record.kind != JobSubmit);
    let recording = Script(recording).at(90, 0, JobSubmit, 3).0;
    refused(&recording, Edges::Whole, &["job 3 is begun before it is submitted"]);
}

#[test]
fn r5_equal_times_on_different_lanes_are_no_disorder() {
    let recording = Script::new(&["loop", "pool-1"])
        .at(5, 0, JobComplete, 3)
        .at(5, 0, JobSubmit, 3)
        .at(5, 1, JobBegin, 3)
        .at(5, 1, JobEnd, 3)
        .0;
    assert_eq!(recording.check(), Ok(()));
}

#[test]
fn r5_an_outcome_that_changes_is_refused() {
    let mut recording = whole().0;
    recording.records[7].arg = 2;
    refused(&recording, Edges::Whole, &["job 3 ended with outcome 0 but completed with outcome 2"]);
    recording.records[5].arg = 1;
    assert_eq!(recording.check(), Ok(()), "panicked at both");
}

#[test]
fn r6_a_missing_stage_is_refused() {
    refused(&without(whole().0, 2), Edges::Whole, &["job 3 is never submitted"]);
    refused(&without(whole().0, 7), Edges::Whole, &["job 3 is never completed"]);
    // A hole in the middle cannot be the edge of a cut.
    let middle = without(without(whole().0, 5), 4);
    for edges in [Edges::Whole, Edges::Cut] {
        refused(&middle, edges, &["job 3 is never begun", "job 3 is never ended"]);
    }
    assert_eq!(without(whole().0, 2).check_edges(Edges::Cut), Ok(()));
    assert_eq!(without(whole().0, 7).check_edges(Edges::Cut), Ok(()));
}

#[test]
fn r6_a_cancelled_job_never_ran() {
    let cancelled = Script::new(&["loop"]).at(0, 0, JobSubmit, 3).with(9, 0, JobComplete, 3, 1);
    assert_eq!(cancelled.0.check(), Ok(()));
    let half = cancelled.at(10, 0, JobEnd, 3).0;
    assert!(half.check().is_err());
}

#[test]
fn r6_drops_explain_what_is_missing() {
    for index in 0..10 {
        let recording = Script(without(whole().0, index));
        assert!(recording.0.check().is_err(), "{index}");
        let explained = recording.dropped(0, 1).dropped(1, 1).0;
        assert_eq!(explained.check(), Ok(()), "{index}");
    }
}

#[test]
fn r4_drops_explain_only_their_own_lane() {
    let recording = Script(without(whole().0, 8)).dropped(1, 1).0;
    refused(
        &recording,
        Edges::Whole,
        &["callback 4 on lane 0 at 60 ns is still open when the slice around it ends"],
    );
}

#[test]
fn many_problems_are_counted_not_listed() {
    let mut script = Script::new(&["loop"]);
    for id in 1..=80 {
        script = script.at(id, 0, JobSubmit, id);
    }
    let problems = script.0.check().expect_err("no job ever runs");
    assert_eq!(problems.len(), 51);
    assert_eq!(problems[50], "and 190 more");
}

/// Two threads that take turns at lock 9; the second waits for the first.
fn turns_at_a_lock() -> Script {
    Script::new(&["spinner", "echo"])
        .at(0, 0, LockRequest, 9)
        .at(0, 0, LockAcquire, 9)
        .at(3, 1, LockRequest, 9)
        .at(5, 0, LockRelease, 9)
        .with(5, 1, LockAcquire, 9, 1)
        .at(6, 1, LockRelease, 9)
}

#[test]
fn r7_turns_at_a_lock_pass() {
    assert_eq!(turns_at_a_lock().0.check(), Ok(()));
    // Two locks have nothing to do with each other.
    let other = turns_at_a_lock().at(7, 0, LockAcquire, 9).at(8, 1, LockAcquire, 10);
    assert_eq!(other.at(9, 0, LockRelease, 9).at(9, 1, LockRelease, 10).0.check(), Ok(()));
}

#[test]
fn r7_two_holders_of_one_lock_are_refused() {
    let mut recording = turns_at_a_lock().0;
    recording.records[4].t_ns = 4;
    recording.records.swap(3, 4);
    refused(&recording, Edges::Cut, &["lane 1 takes lock 9 at 4 ns while lane 0 has it"]);
}

#[test]
fn r7_a_lock_is_given_back_once_and_by_its_holder() {
    let twice = turns_at_a_lock().at(7, 1, LockRelease, 9).0;
    refused(&twice, Edges::Cut, &["lane 1 gives back lock 9 at 7 ns, which it has not"]);
    let again =
        turns_at_a_lock().at(7, 1, LockAcquire, 9).at(8, 1, LockAcquire, 9).at(9, 1, LockRelease, 9).0;
    refused(&again, Edges::Whole, &["lane 1 takes lock 9 at 8 ns, which it has"]);
    let stranger = Script::new(&["main"]).at(1, 0, LockRelease, 9).0;
    refused(&stranger, Edges::Whole, &["lane 0 gives back lock 9 at 1 ns, which it has not"]);
}

#[test]
fn r7_what_is_held_at_the_edges_of_a_window_is_no_problem_there() {
    let held = turns_at_a_lock().at(7, 0, LockAcquire, 9).0;
    refused(&held, Edges::Whole, &["lane 0 never gives back lock 9, taken at 7 ns"]);
    assert_eq!(held.check_edges(Edges::Cut), Ok(()));
    let begun = without(without(turns_at_a_lock().0, 0), 0);
    assert_eq!(begun.check_edges(Edges::Cut), Ok(()));
    let overlap = turns_at_a_lock().at(7, 0, LockAcquire, 9).at(8, 1, LockAcquire, 9).0;
    refused(&overlap, Edges::Cut, &["lane 1 takes lock 9 at 8 ns while lane 0 has it"]);
}

#[test]
fn r7_a_lane_with_holes_says_nothing_about_its_turns() {
    let recording = without(turns_at_a_lock().0, 3);
    assert!(recording.check_edges(Edges::Cut).is_err());
    let mut with_hole = recording;
    with_hole.lanes[0].dropped = 1;
    assert_eq!(with_hole.check_edges(Edges::Cut), Ok(()));
}
