//! Who held the loop: spans, self times, the report of stalls, and the cost of not looking.

mod common;

use std::panic::Location;
use std::time::Duration;

use common::{Scripted, ms};
use event_loop::{DriverLog, Idle, LoopHandle, RunMode, SpanSite, StallReport, Timer};
use runtime_trace::{EventKind, Recorder};

fn watched(threshold: Duration) -> Scripted {
    Scripted::with(|options| options.stall_threshold(threshold))
}

fn only(lp: &LoopHandle) -> StallReport {
    let stalls = lp.stalls();
    assert_eq!(stalls.len(), 1, "{stalls:?}");
    stalls.into_iter().next().unwrap()
}

/// Runs `code` in a callback of the loop and returns the place where the callback was given.
#[track_caller]
fn in_a_callback(world: &Scripted, code: impl FnOnce(&LoopHandle) + 'static) -> &'static Location<'static> {
    world.lp.set_immediate(code);
    world.run(RunMode::Default);
    Location::caller()
}

#[test]
fn a_callback_that_holds_the_loop_is_reported_with_its_place() {
    let world = watched(ms(10));
    let hands = world.script.hands();
    let line = line!() + 1;
    world.lp.set_immediate(move |_| hands.advance(ms(25)));
    world.run(RunMode::Default);
    let stall = only(&world.lp);
    assert_eq!((stall.name.as_str(), stall.location.line()), ("immediate", line));
    assert_eq!(stall.location.file(), file!());
    assert_eq!((stall.count, stall.longest, stall.total), (1, ms(25), ms(25)));
}

#[test]
fn a_callback_below_the_threshold_is_not_reported() {
    let world = watched(ms(10));
    let hands = world.script.hands();
    in_a_callback(&world, move |_| hands.advance(ms(9)));
    assert_eq!(world.lp.stalls(), []);
    let hands = world.script.hands();
    in_a_callback(&world, move |_| hands.advance(ms(10)));
    assert_eq!(world.lp.stalls().len(), 1, "as long as the threshold is too long");
}

#[test]
fn without_a_threshold_nothing_is_reported() {
    let world = Scripted::new();
    let hands = world.script.hands();
    in_a_callback(&world, move |lp| {
        lp.in_span(&SpanSite::new("route"), || hands.advance(ms(1_000)));
    });
    assert_eq!(world.lp.stalls(), []);
}

#[test]
fn the_report_follows_the_line_that_did_it() {
    let world = watched(ms(10));
    let (before, after) = (SpanSite::new("route /here"), SpanSite::new("route /there"));
    for (slow, expected) in [(0, "route /here"), (1, "route /there")] {
        let world = watched(ms(10));
        let (hands, sites) = (world.script.hands(), [before.clone(), after.clone()]);
        in_a_callback(&world, move |lp| {
            for (n, site) in sites.iter().enumerate() {
                lp.in_span(site, || hands.advance(if n == slow { ms(30) } else { ms(1) }));
            }
        });
        let stall = only(&world.lp);
        assert_eq!((stall.name.as_str(), stall.longest, stall.total), (expected, ms(31), ms(30)));
    }
    assert_eq!(world.lp.stalls(), []);
}

#[test]
fn the_innermost_span_by_self_time_is_named() {
    let world = watched(ms(10));
    let (hands, outer, inner) = (world.script.hands(), SpanSite::new("outer"), SpanSite::new("inner"));
    let task = world.lp.spawn(async move {
        let lp = LoopHandle::current().unwrap();
        hands.advance(ms(2));
        lp.in_span(&outer, || {
            hands.advance(ms(3));
            lp.in_span(&inner, || hands.advance(ms(20)));
            hands.advance(ms(3));
        });
    });
    world.run(RunMode::Default);
    assert!(task.is_finished());
    let stall = only(&world.lp);
    assert_eq!((stall.name.as_str(), stall.longest, stall.total), ("inner", ms(28), ms(20)));
}

#[test]
fn b1_self_times_of_one_callback_add_up_to_its_time() {
    // Each place in turn is the worst by a hair, so the reports show the self time of each.
    let shares = [[20_u64, 7, 9], [7, 20, 9], [7, 9, 20]];
    for share in shares {
        let world = watched(ms(1));
        let (hands, outer, inner) = (world.script.hands(), SpanSite::new("outer"), SpanSite::new("inner"));
        in_a_callback(&world, move |lp| {
            let [own, middle, innermost] = share.map(Duration::from_millis);
            hands.advance(own / 2);
            lp.in_span(&outer, || {
                lp.in_span(&inner, || hands.advance(innermost));
                hands.advance(middle);
            });
            hands.advance(own / 2);
        });
        let stall = only(&world.lp);
        let worst = share.iter().position(|ms| *ms == 20).unwrap();
        assert_eq!(stall.name, ["immediate", "outer", "inner"][worst]);
        assert_eq!((stall.total, stall.longest), (ms(20), ms(36)));
    }
}

#[test]
fn b1_a_place_that_is_entered_often_has_the_sum() {
    let world = watched(ms(10));
    let (hands, site) = (world.script.hands(), SpanSite::new("many small"));
    in_a_callback(&world, move |lp| {
        hands.advance(ms(5));
        for _ in 0..10 {
            lp.in_span(&site, || hands.advance(ms(1)));
        }
    });
    let stall = only(&world.lp);
    assert_eq!((stall.name.as_str(), stall.total, stall.longest), ("many small", ms(10), ms(15)));
}

#[test]
fn b1_a_span_that_panics_is_left_like_any_other() {
    let world = Scripted::with(|options| {
        options.stall_threshold(ms(10)).panic_policy(event_loop::PanicPolicy::CountAndGoOn)
    });
    let (hands, site) = (world.script.hands(), SpanSite::new("fails"));
    in_a_callback(&world, move |lp| {
        lp.in_span(&site, || {
            hands.advance(ms(12));
            panic!("on purpose");
        });
    });
    let hands = world.script.hands();
    in_a_callback(&world, move |_| hands.advance(ms(11)));
    let names: Vec<_> = world.lp.stalls().into_iter().map(|stall| (stall.name, stall.total)).collect();
    assert_eq!(names, [("fails".to_owned(), ms(12)), ("immediate".to_owned(), ms(11))]);
}

#[test]
fn stalls_of_one_place_are_one_report_and_the_worst_comes_first() {
    let world = watched(ms(10));
    let hold = |wait: Duration, mut left: u32| {
        let hands = world.script.hands();
        move |lp: &LoopHandle| {
            hands.advance(wait);
            left -= 1;
            if left == 0 {
                lp.stop();
            }
        }
    };
    let (often, once) = (Timer::new(&world.lp), Timer::new(&world.lp));
    often.start(ms(1), ms(1), hold(ms(12), 3)).unwrap();
    world.run(RunMode::Default);
    often.close();
    once.start(ms(1), ms(1), hold(ms(50), 1)).unwrap();
    world.run(RunMode::Default);
    let stalls: Vec<_> = world.lp.stalls().into_iter().map(|s| (s.count, s.longest, s.total)).collect();
    assert_eq!(stalls, [(1, ms(50), ms(50)), (3, ms(12), ms(36))]);
}

#[test]
fn b2_an_empty_pass_reads_the_clock_once_and_callbacks_add_none() {
    let reads = |handles: usize, set: fn(event_loop::LoopOptions) -> event_loop::LoopOptions| {
        let log = DriverLog::new();
        let world = Scripted::with(|options| set(options.log(&log)));
        let keep = Timer::new(&world.lp);
        keep.start(ms(1_000), ms(0), |_| {}).unwrap();
        for _ in 0..handles {
            Idle::new(&world.lp).start(|_| {}).unwrap();
        }
        world.run(RunMode::NoWait);
        let before = log.clock_reads();
        for _ in 0..100 {
            world.run(RunMode::NoWait);
        }
        log.clock_reads() - before
    };
    // Poll returns, the clock is read; nothing else happened, so the timers need no second reading.
    let empty = reads(0, |options| options);
    assert_eq!(empty, 100);
    // User code ran before poll, which is why the reading after poll is enough again.
    assert_eq!(reads(1, |options| options), 100);
    assert_eq!(reads(50, |options| options), 100);
    // Looking adds no reading of the loop's own; what it reads for itself is its own affair.
    assert_eq!(reads(50, |options| options.stall_threshold(Duration::from_millis(5))), 100);
}

#[test]
fn a_recording_of_a_busy_loop_is_free_of_contradictions() {
    let recorder = Recorder::new(1 << 16);
    let log = DriverLog::new();
    let world = Scripted::with(|options| options.recorder(recorder.clone()).stall_threshold(ms(5)).log(&log));
    let (hands, site) = (world.script.hands(), SpanSite::new("route"));
    let timer = Timer::new(&world.lp);
    let stopped = Timer::new(&world.lp);
    stopped.start(ms(100), ms(0), |_| {}).unwrap();
    timer
        .start(ms(2), ms(0), move |lp| {
            lp.in_span(&site, || hands.advance(ms(9)));
            lp.next_tick(|_| {});
            stopped.stop();
        })
        .unwrap();
    world.lp.spawn(async { event_loop::yield_now().await });
    assert!(!world.run(RunMode::Default));
    let recording = recorder.collect();
    assert_eq!(recording.check(), Ok(()));
    let kinds = |kind: EventKind| recording.records.iter().filter(|record| record.kind == kind).count();
    assert_eq!(
        (kinds(EventKind::TimerFire), kinds(EventKind::TimerStop), kinds(EventKind::Stall)),
        (1, 1, 1)
    );
    assert_eq!((kinds(EventKind::TaskPollBegin), kinds(EventKind::SpanBegin)), (2, 1));
    let stall = recording.records.iter().find(|record| record.kind == EventKind::Stall).unwrap();
    assert!(recording.name(stall.arg).starts_with("route ("));
    let begins = recording.records.iter().filter(|record| record.kind == EventKind::CallbackBegin);
    assert!(begins.map(|record| record.id).any(|id| id == stall.id), "the id of the callback it is about");
}
