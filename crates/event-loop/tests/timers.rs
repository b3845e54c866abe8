//! libuv's timers: deadlines, order, repeats, and what a batch of due timers may do to itself.

mod common;

use std::time::Duration;

use clock::Clock;
use common::{Count, Notes, Scripted, ms, passes};
use event_loop::{Check, EventLoop, LoopError, Prepare, RunMode, Timer};

#[test]
fn b23_one_shots_repeats_and_stopped_timers_keep_exact_counts() {
    let world = Scripted::new();
    let shots = Count::default();
    for n in 0..10 {
        let timer = Timer::new(&world.lp);
        let (counted, itself) = (shots.clone(), timer.clone());
        let shot = move |_: &_| {
            counted.add();
            itself.close();
        };
        timer.start(ms(n * 50), ms(0), shot).unwrap();
    }
    let (repeats, repeater) = (Count::default(), Timer::new(&world.lp));
    let (counted, itself) = (repeats.clone(), repeater.clone());
    repeater
        .start(ms(100), ms(100), move |_| {
            if counted.add() == 5 {
                itself.close();
            }
        })
        .unwrap();
    let never = Timer::new(&world.lp);
    never.start(ms(100), ms(100), |_| panic!("it was stopped")).unwrap();
    never.stop();
    never.unref();
    assert!(!world.run(RunMode::Default));
    assert_eq!((shots.get(), repeats.get(), world.lp.elapsed()), (10, 5, ms(500)));
}

#[test]
fn b24_a_fresh_timer_neither_repeats_nor_runs() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    assert_eq!((timer.repeat(), timer.due_in()), (ms(0), ms(0)));
    assert!(!timer.is_active() && !timer.is_closing() && timer.has_ref());
}

#[test]
fn b25_starting_twice_replaces_the_first_deadline() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    timer.start(ms(86_400_000), ms(0), notes.cb("first")).unwrap();
    timer.start(ms(10), ms(0), notes.cb("second")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!((notes.take().as_str(), world.lp.elapsed()), ("second", ms(10)));
}

#[test]
fn b26_equal_deadlines_fire_in_start_order() {
    for forwards in [true, false] {
        let world = Scripted::new();
        let notes = Notes::default();
        let timers = [Timer::new(&world.lp), Timer::new(&world.lp)];
        let order = if forwards { [0, 1] } else { [1, 0] };
        for n in order {
            timers[n].start(ms(1), ms(0), notes.cb(format!("{n}"))).unwrap();
        }
        assert!(!world.run(RunMode::Default));
        assert_eq!(notes.take(), format!("{}, {}", order[0], order[1]));
    }
}

#[test]
fn b27_a_zero_timer_that_starts_itself_again_fires_once_a_pass() {
    let world = Scripted::new();
    fn start(timer: Timer, left: usize) {
        let again = timer.clone();
        let fire = move |_: &_| {
            if left > 1 {
                start(again.clone(), left - 1);
            }
        };
        timer.start(ms(0), ms(0), fire).unwrap();
    }
    start(Timer::new(&world.lp), 4);
    let check = Check::new(&world.lp);
    check.start(|_| {}).unwrap();
    check.unref();
    assert!(!world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "0: timer\n1: check timer\n2: check timer\n3: check timer");
}

#[test]
fn b28_huge_timeouts_do_not_wrap() {
    let world = Scripted::new();
    let notes = Notes::default();
    let [tiny, huge, hugest] = std::array::from_fn(|_| Timer::new(&world.lp));
    world.work(ms(7));
    world.run(RunMode::NoWait);
    let half = Duration::from_nanos(u64::MAX / 2);
    hugest.start(Duration::MAX, ms(0), notes.cb("hugest")).unwrap();
    huge.start(half, ms(0), notes.cb("huge")).unwrap();
    tiny.start(ms(1), ms(0), notes.cb("tiny")).unwrap();
    assert_eq!((tiny.due_in(), huge.due_in()), (ms(1), half));
    assert_eq!(hugest.due_in(), Duration::from_nanos(u64::MAX) - ms(7));
    assert!(world.run(RunMode::Once));
    assert_eq!(notes.take(), "tiny");
    assert!(world.run(RunMode::Once));
    assert_eq!((notes.take().as_str(), world.lp.elapsed()), ("huge", half + ms(7)));
}

#[test]
fn b29_a_huge_repeat_fires_once_beside_a_small_one() {
    let world = Scripted::new();
    let (tiny, huge) = (Timer::new(&world.lp), Timer::new(&world.lp));
    let (tinies, huges) = (Count::default(), Count::default());
    let counted = huges.clone();
    huge.start(ms(1), Duration::MAX, move |_| {
        counted.add();
    })
    .unwrap();
    let (counted, itself, other) = (tinies.clone(), tiny.clone(), huge.clone());
    tiny.start(ms(2), ms(2), move |_| {
        if counted.add() == 10 {
            itself.close();
            other.close();
        }
    })
    .unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!((tinies.get(), huges.get()), (10, 1));
}

#[test]
fn b30_once_fires_a_zero_timer_and_waits_for_one_of_a_millisecond() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    for timeout in [ms(0), ms(1)] {
        timer.start(timeout, ms(0), notes.cb("fired")).unwrap();
        assert!(!world.run(RunMode::Once));
        assert_eq!(notes.take(), "fired");
    }
    assert_eq!(world.script.polls(), [Some(ms(0)), Some(ms(1))]);
}

#[test]
fn b31_a_closing_timer_cannot_be_started() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    assert!(timer.close());
    assert!(!timer.close());
    let refused = timer.start(ms(1), ms(0), |_| panic!("it is closing"));
    assert!(matches!(refused, Err(LoopError::Closing { kind: "timer" })));
    assert!(matches!(timer.again(), Err(LoopError::Closing { kind: "timer" })));
    assert!(!world.run(RunMode::Default));
    assert!(matches!(timer.start(ms(1), ms(0), |_| {}), Err(LoopError::Closed)));
}

#[test]
fn b32_a_timer_without_a_callback_does_not_compile() {
    // The proof is the `compile_fail` example of `Timer`; here: the callback is not optional in the type.
    fn start_takes_a_callback<F: FnMut(&event_loop::LoopHandle) + 'static>(timer: &Timer, callback: F) {
        timer.start(ms(0), ms(0), callback).unwrap();
    }
    let world = Scripted::new();
    let notes = Notes::default();
    start_takes_a_callback(&Timer::new(&world.lp), notes.cb("called"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "called");
}

#[test]
fn b33_no_timer_fires_early_in_real_time() {
    let event_loop = EventLoop::new().unwrap();
    let clock = Clock::real();
    let fired = Count::default();
    for wait in 1..=25 {
        let (timer, counted) = (Timer::new(&event_loop.handle()), fired.clone());
        let (asked, clock) = (clock.now(), clock.clone());
        event_loop.handle().update_time();
        timer
            .start(ms(wait), ms(0), move |_| {
                assert!(clock.now() - asked >= ms(wait), "{wait} ms");
                counted.add();
            })
            .unwrap();
    }
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(fired.get(), 25);
}

fn an_overdue_repeater_fires_once(mode: RunMode) {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    let notes = Notes::default();
    timer.start(ms(10), ms(10), notes.cb("fired")).unwrap();
    world.work(ms(35));
    assert!(world.run(mode));
    assert_eq!(notes.take(), "fired");
    // Late ticks are skipped, not replayed: the next is a repeat away from now.
    assert_eq!(timer.due_in(), ms(10));
}

#[test]
fn b34_an_overdue_repeater_fires_once_in_a_once_run() {
    an_overdue_repeater_fires_once(RunMode::Once);
}

#[test]
fn b35_an_overdue_repeater_fires_once_in_a_no_wait_run() {
    an_overdue_repeater_fires_once(RunMode::NoWait);
}

#[test]
fn b36_a_due_timer_without_reference_does_not_run_alone() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    let notes = Notes::default();
    timer.start(ms(10), ms(0), notes.cb("fired")).unwrap();
    timer.unref();
    world.work(ms(20));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "");
    let other = Timer::new(&world.lp);
    other.start(ms(1), ms(0), notes.cb("other")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "fired, other");
}

#[test]
fn b37_again_pushes_a_repeater_back() {
    let world = Scripted::new();
    let dummy = Timer::new(&world.lp);
    assert!(matches!(dummy.again(), Err(LoopError::NeverStarted)));
    let (pusher, pushed) = (Timer::new(&world.lp), Timer::new(&world.lp));
    let (pushes, runs) = (Count::default(), Count::default());
    let (counted, itself, other, before) = (pushes.clone(), pusher.clone(), pushed.clone(), runs.clone());
    pusher
        .start(ms(50), ms(0), move |_| {
            assert_eq!(before.get(), 0, "the other was pushed back each time");
            other.again().unwrap();
            if counted.add() == 10 {
                itself.close();
            }
        })
        .unwrap();
    pusher.set_repeat(ms(50));
    let (counted, itself) = (runs.clone(), pushed.clone());
    pushed
        .start(ms(100), ms(100), move |_| {
            if counted.add() == 1 {
                itself.set_repeat(ms(0));
            }
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
    // Once at 600 ms; the repeat was armed before the callback set it to nothing, so once more at 700 ms.
    assert_eq!((pushes.get(), runs.get(), world.lp.elapsed()), (10, 2, ms(700)));
    pushed.again().unwrap();
    assert!(!pushed.is_active(), "without a repeat, again does nothing");
}

#[test]
fn b38_a_timer_restarted_from_check_fires_after_the_next_prepare() {
    let world = Scripted::new();
    let (prepare, check, timer) = (Prepare::new(&world.lp), Check::new(&world.lp), Timer::new(&world.lp));
    prepare.start(|_| {}).unwrap();
    let (itself, restarted) = (check.clone(), timer.clone());
    let closing = prepare.clone();
    check
        .start(move |_| {
            let prepare = closing.clone();
            restarted.stop();
            restarted
                .start(ms(50), ms(0), move |_| {
                    prepare.close();
                })
                .unwrap();
            itself.close();
        })
        .unwrap();
    timer.start(ms(50), ms(0), |_| panic!("the restart took it out")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "1: prepare check\n2: prepare timer");
    assert_eq!(world.lp.elapsed(), ms(100));
}

#[test]
fn b39_check_runs_before_close_and_a_due_timer_before_both() {
    let world = Scripted::new();
    let notes = Notes::default();
    let (timer, check) = (Timer::new(&world.lp), Check::new(&world.lp));
    let (closing, mut note, mut closed) = (timer.clone(), notes.cb("timer"), Some(notes.cb("close")));
    timer
        .start(ms(0), ms(0), move |lp| {
            note(lp);
            if let Some(closed) = closed.take() {
                closing.close_then(closed);
            }
        })
        .unwrap();
    check.start(notes.cb("check")).unwrap();
    check.unref();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "timer, check, close");
}

#[test]
fn b40_active_and_closing_answer_exactly() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    let state = || (timer.is_active(), timer.is_closing());
    assert_eq!(state(), (false, false));
    timer.start(ms(1_000), ms(0), |_| panic!("it was closed")).unwrap();
    assert_eq!(state(), (true, false));
    timer.stop();
    assert_eq!(state(), (false, false));
    timer.start(ms(1_000), ms(0), |_| panic!("it was closed")).unwrap();
    assert_eq!(state(), (true, false));
    timer.close_then(notes.cb("closed"));
    assert_eq!(state(), (false, true));
    assert!(!world.run(RunMode::Default));
    assert_eq!((state(), notes.take().as_str()), ((false, true), "closed"));
}

#[test]
fn t3_a_timer_fires_at_its_deadline_or_after_it() {
    let world = Scripted::new();
    let fired = Count::default();
    for wait_ns in [1, 999, 1_000_001, 2_500_000, 7_999_999] {
        let (timer, counted) = (Timer::new(&world.lp), fired.clone());
        let wait = Duration::from_nanos(wait_ns);
        timer
            .start(wait, ms(0), move |lp| {
                assert!(lp.elapsed() >= wait);
                counted.add();
            })
            .unwrap();
    }
    while world.run(RunMode::Once) {}
    assert_eq!((fired.get(), world.lp.elapsed()), (5, Duration::from_nanos(7_999_999)));
}

#[test]
fn t4_an_earlier_callback_of_the_batch_takes_out_due_timers() {
    let world = Scripted::new();
    let notes = Notes::default();
    let [first, stopped, closed, restarted, last] = std::array::from_fn(|_| Timer::new(&world.lp));
    let (a, b, c, new, mut note) =
        (stopped.clone(), closed.clone(), restarted.clone(), notes.clone(), notes.cb("first"));
    first
        .start(ms(1), ms(0), move |lp| {
            note(lp);
            a.stop();
            b.close();
            c.start(ms(0), ms(0), new.cb("restarted")).unwrap();
        })
        .unwrap();
    stopped.start(ms(2), ms(0), notes.cb("stopped")).unwrap();
    closed.start(ms(2), ms(0), notes.cb("closed")).unwrap();
    restarted.start(ms(2), ms(0), notes.cb("old")).unwrap();
    last.start(ms(3), ms(0), notes.cb("last")).unwrap();
    world.work(ms(10));
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "first, last");
    world.run(RunMode::NoWait);
    assert_eq!(notes.take(), "restarted");
}

#[test]
fn a_repeat_is_armed_before_its_callback() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    let (itself, seen) = (timer.clone(), Count::default());
    let counted = seen.clone();
    timer
        .start(ms(10), ms(3), move |_| {
            assert_eq!((itself.is_active(), itself.due_in()), (true, ms(3)));
            itself.close();
            counted.add();
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(seen.get(), 1);
}

#[test]
fn long_sleeps_outlast_what_the_system_can_wait_for_at_once() {
    // mio's poll takes at most 2^31 - 1 ms; the loop goes back to sleep for the rest.
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    let year = Duration::from_secs(365 * 24 * 3_600);
    timer.start(year, ms(0), |_| {}).unwrap();
    assert!(!world.run(RunMode::Once));
    assert_eq!(world.lp.elapsed(), year);
}
