//! Idle, prepare and check handles: their order, and starting and stopping from inside their phase.

mod common;

use std::time::Duration;

use common::{Count, Notes, Scripted, ms, passes};
use event_loop::{Check, Idle, LoopError, Prepare, RunMode, Timer};

#[test]
fn b19_an_active_idle_handle_starves_neither_timers_nor_checks() {
    let world = Scripted::new();
    let (idle, check, timer) = (Idle::new(&world.lp), Check::new(&world.lp), Timer::new(&world.lp));
    let (idles, checks, timers) = (Count::default(), Count::default(), Count::default());
    let (counted, hands) = (idles.clone(), world.script.hands());
    idle.start(move |_| {
        counted.add();
        hands.advance(ms(1));
    })
    .unwrap();
    let counted = checks.clone();
    check
        .start(move |_| {
            counted.add();
        })
        .unwrap();
    let counted = timers.clone();
    timer
        .start(ms(50), ms(0), move |_| {
            counted.add();
            idle.close();
            check.close();
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!((idles.get(), checks.get(), timers.get()), (50, 50, 1));
    assert!(world.script.polls().iter().all(|timeout| *timeout == Some(Duration::ZERO)));
}

#[test]
fn b20_an_idle_handle_that_stops_itself_still_keeps_the_pass_awake() {
    let world = Scripted::new();
    let (idle, check, timer) = (Idle::new(&world.lp), Check::new(&world.lp), Timer::new(&world.lp));
    let itself = idle.clone();
    idle.start(move |_| itself.stop()).unwrap();
    check.start(|_| {}).unwrap();
    timer.start(ms(50), ms(0), |_| {}).unwrap();
    assert!(world.run(RunMode::Once));
    assert_eq!(passes(&world.lp), "1: idle check");
    assert_eq!(world.script.polls(), [Some(Duration::ZERO)]);
}

/// Starts three handles of one kind; the first to run, the newest, stops itself and the next one.
macro_rules! first_stops_itself_and_the_next {
    ($kind:ident, $name:literal) => {{
        let world = Scripted::new();
        let notes = Notes::default();
        let [first, second, third] = std::array::from_fn(|_| $kind::new(&world.lp));
        first.start(notes.cb("first")).unwrap();
        second.start(notes.cb("second")).unwrap();
        let (itself, next, mut note) = (third.clone(), second.clone(), notes.cb("third"));
        third
            .start(move |lp| {
                note(lp);
                itself.stop();
                next.stop();
            })
            .unwrap();
        assert!(world.run(RunMode::NoWait));
        assert_eq!(notes.take(), "third, first", $name);
        assert!(world.run(RunMode::NoWait));
        assert_eq!(notes.take(), "first", $name);
        assert!(!second.is_active() && !third.is_active());
    }};
}

#[test]
fn b21_the_first_to_run_stops_itself_and_the_next() {
    first_stops_itself_and_the_next!(Idle, "idle");
    first_stops_itself_and_the_next!(Prepare, "prepare");
    first_stops_itself_and_the_next!(Check, "check");
}

#[test]
fn b22_unref_of_the_only_prepare_handle_ends_the_run() {
    let world = Scripted::new();
    let prepare = Prepare::new(&world.lp);
    let (itself, notes) = (prepare.clone(), Notes::default());
    let mut note = notes.cb("prepare");
    prepare
        .start(move |lp| {
            note(lp);
            itself.unref();
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "prepare");
    assert!(prepare.is_active());
}

#[test]
fn watchers_run_newest_started_first_and_closes_newest_first() {
    let world = Scripted::new();
    let notes = Notes::default();
    let idles = [Idle::new(&world.lp), Idle::new(&world.lp)];
    let prepares = [Prepare::new(&world.lp), Prepare::new(&world.lp)];
    let checks = [Check::new(&world.lp), Check::new(&world.lp)];
    for n in 0..2 {
        idles[n].start(notes.cb(format!("idle{}", n + 1))).unwrap();
        prepares[n].start(notes.cb(format!("prepare{}", n + 1))).unwrap();
        checks[n].start(notes.cb(format!("check{}", n + 1))).unwrap();
    }
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "idle2, idle1, prepare2, prepare1, check2, check1");

    // The third is closed from a close callback, so its own comes in the next pass.
    let third = Timer::new(&world.lp);
    let (mut inner, mut outer) = (notes.cb("close 3"), notes.cb("close 2"));
    for n in 0..2 {
        idles[n].stop();
        prepares[n].stop();
    }
    checks[0].close_then(notes.cb("close 1"));
    checks[1].close_then(move |lp| {
        outer(lp);
        third.close_then(move |lp| inner(lp));
    });
    let (idle, mut note) = (idles[0].clone(), notes.cb("next pass"));
    idles[0]
        .start(move |lp| {
            note(lp);
            idle.stop();
        })
        .unwrap();
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "next pass, close 2, close 1");
    assert!(!world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "close 3");
}

#[test]
fn w1_what_was_stopped_or_closed_does_not_run_later_in_its_phase() {
    let world = Scripted::new();
    let notes = Notes::default();
    let [stopped, closed, restarted, killer] = std::array::from_fn(|_| Check::new(&world.lp));
    stopped.start(notes.cb("stopped")).unwrap();
    closed.start(notes.cb("closed")).unwrap();
    restarted.start(notes.cb("old")).unwrap();
    let (a, b, c, itself, new) =
        (stopped.clone(), closed.clone(), restarted.clone(), killer.clone(), notes.clone());
    killer
        .start(move |_| {
            a.stop();
            b.close();
            c.stop();
            c.start(new.cb("new")).unwrap();
            itself.close();
        })
        .unwrap();
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "");
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "new");
}

#[test]
fn w2_what_is_started_in_its_phase_runs_in_the_next_pass() {
    let world = Scripted::new();
    let notes = Notes::default();
    let (first, second) = (Idle::new(&world.lp), Idle::new(&world.lp));
    let (other, mut note, inner) = (second.clone(), notes.cb("first"), notes.clone());
    first
        .start(move |lp| {
            note(lp);
            other.start(inner.cb("second")).unwrap();
        })
        .unwrap();
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "first");
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "second, first");
}

#[test]
fn starting_an_active_handle_changes_nothing() {
    let world = Scripted::new();
    let notes = Notes::default();
    let prepare = Prepare::new(&world.lp);
    prepare.start(notes.cb("old")).unwrap();
    prepare.start(notes.cb("new")).unwrap();
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "old");
    prepare.close();
    assert!(matches!(prepare.start(|_| {}), Err(LoopError::Closing { kind: "prepare handle" })));
    world.run(RunMode::NoWait);
    assert!(matches!(prepare.start(|_| {}), Err(LoopError::Closed)));
}
