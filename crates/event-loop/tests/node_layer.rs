//! Node's layer: time-outs in lists by duration, immediates, ticks and microtasks, in Node's order.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use common::{Count, Notes, OnDrop, Scripted, ms, passes};
use event_loop::{Check, LoopHandle, Prepare, RunMode, TimeoutId, Timer};

/// A note for callbacks that take the loop's handle once.
fn once(notes: &Notes, text: &str) -> impl FnOnce(&LoopHandle) + 'static {
    let mut note = notes.cb(text);
    move |lp| note(lp)
}

#[test]
fn n1_both_queues_are_empty_between_two_callbacks() {
    let world = Scripted::new();
    let notes = Notes::default();
    for name in ["a", "b"] {
        let (timer, all) = (Timer::new(&world.lp), notes.clone());
        timer
            .start(ms(0), ms(0), move |lp| {
                all.add(format!("timer {name}"));
                let inner = all.clone();
                lp.next_tick(move |lp| {
                    inner.add(format!("tick {name}"));
                    let last = inner.clone();
                    lp.microtask(move |_| last.add(format!("micro {name}")));
                });
            })
            .unwrap();
    }
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "timer a, tick a, micro a, timer b, tick b, micro b");
}

#[test]
fn n1_what_a_destructor_queues_comes_before_the_next_callback() {
    let world = Scripted::new();
    let notes = Notes::default();
    let (first, second) = (Timer::new(&world.lp), Timer::new(&world.lp));
    let (itself, lp, all) = (first.clone(), world.lp.clone(), notes.clone());
    let held = OnDrop::new(move || lp.next_tick(move |_| all.add("tick of a destructor")));
    first
        .start(ms(0), ms(0), move |_| {
            // A new callback takes this one's place, so this one is dropped when its call is over.
            let _held = &held;
            itself.start(ms(5), ms(0), |_| {}).unwrap();
        })
        .unwrap();
    second.start(ms(0), ms(0), notes.cb("timer")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "tick of a destructor, timer");
}

#[test]
fn n1_after_the_last_callback_too() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    let (lp, all) = (world.lp.clone(), notes.clone());
    let held = OnDrop::new(move || lp.next_tick(move |_| all.add("tick of a destructor")));
    timer
        .start(ms(0), ms(0), move |_| {
            let _held = &held;
        })
        .unwrap();
    timer.close();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "tick of a destructor");
}

#[test]
fn n2_ticks_run_before_microtasks_of_the_same_callback() {
    let world = Scripted::new();
    let notes = Notes::default();
    let all = notes.clone();
    world.lp.set_immediate(move |lp| {
        lp.microtask(once(&all, "micro 1"));
        let inner = all.clone();
        lp.next_tick(move |lp| {
            inner.add("tick 1");
            lp.microtask(once(&inner, "micro 3"));
            lp.next_tick(once(&inner, "tick 3"));
        });
        let inner = all.clone();
        lp.microtask(move |lp| {
            inner.add("micro 2");
            lp.next_tick(once(&inner, "tick 4"));
            lp.microtask(once(&inner, "micro 4"));
        });
        lp.next_tick(once(&all, "tick 2"));
    });
    assert!(!world.run(RunMode::Default));
    // As Node prints it: ticks until there are none, then microtasks until there are none, and again.
    assert_eq!(notes.take(), "tick 1, tick 2, tick 3, micro 1, micro 2, micro 3, micro 4, tick 4");
}

#[test]
fn n2_a_chain_of_ticks_starves_microtasks_and_the_loop() {
    fn chain(lp: &LoopHandle, left: u32) {
        if left > 0 {
            lp.next_tick(move |lp| chain(lp, left - 1));
        }
    }
    let world = Scripted::new();
    let notes = Notes::default();
    world.lp.set_timeout(ms(1), notes.cb("timeout"));
    world.lp.microtask(once(&notes, "micro"));
    chain(&world.lp, 1_000);
    world.work(ms(10));
    assert!(!world.run(RunMode::Default));
    let trace = world.trace();
    assert_eq!(trace.matches("next_tick").count(), 1_000);
    assert!(trace.ends_with("timers timeout#1\n"), "{trace}");
    assert_eq!(notes.take(), "micro, timeout");
}

#[test]
fn n3_a_cleared_immediate_does_not_run_even_in_its_own_batch() {
    let world = Scripted::new();
    let notes = Notes::default();
    let second = Rc::new(RefCell::new(None));
    let (known, mut note) = (second.clone(), notes.cb("first"));
    let first = world.lp.set_immediate(move |lp| {
        note(lp);
        assert!(lp.clear_immediate(known.take().unwrap()));
    });
    *second.borrow_mut() = Some(world.lp.set_immediate(once(&notes, "second")));
    world.lp.set_immediate(once(&notes, "third"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "first, third");
    assert!(!world.lp.clear_immediate(first), "it has run");
}

#[test]
fn n3_an_immediate_set_by_an_immediate_waits_for_the_next_pass() {
    let world = Scripted::new();
    world.lp.set_immediate(|lp| {
        lp.next_tick(|_| {});
        lp.set_immediate(|_| {});
    });
    world.lp.set_immediate(|_| {});
    assert!(!world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "1: immediate next_tick immediate\n2: immediate");
}

#[test]
fn n3_an_immediate_without_reference_runs_when_the_loop_passes_by() {
    let world = Scripted::new();
    let notes = Notes::default();
    let id = world.lp.set_immediate(once(&notes, "immediate"));
    world.lp.set_immediate_ref(id, false);
    world.lp.set_immediate_ref(id, false);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "", "alone it does not hold the loop");
    world.lp.set_timeout(ms(5), notes.cb("timeout"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "immediate, timeout");
    assert_eq!(world.script.polls(), [Some(ms(5))], "it does not keep poll from sleeping either");
}

#[test]
fn n4_timeouts_of_one_duration_fire_in_the_order_in_which_they_were_set() {
    let world = Scripted::new();
    let notes = Notes::default();
    for n in 0..5 {
        world.lp.set_timeout(ms(10), notes.cb(format!("ten {n}")));
        world.lp.set_timeout(ms(3), notes.cb(format!("three {n}")));
    }
    assert!(!world.run(RunMode::Default));
    let list = |name: &str| (0..5).map(|n| format!("{name} {n}")).collect::<Vec<_>>().join(", ");
    assert_eq!(notes.take(), format!("{}, {}", list("three"), list("ten")));
}

/// A at 0 for 10 ms, B at 0 for 15 ms, C at 8 ms for 10 ms; then the loop is stalled until all are due.
fn stalled(world: &Scripted, set: impl Fn(&LoopHandle, u64, &'static str) + 'static) {
    set(&world.lp, 10, "A");
    set(&world.lp, 15, "B");
    let hands = world.script.hands();
    let start = Timer::new(&world.lp);
    start
        .start(ms(8), ms(0), move |lp| {
            lp.update_time();
            set(lp, 10, "C");
            hands.advance(ms(50));
        })
        .unwrap();
    assert!(!world.run(RunMode::Default));
}

#[test]
fn n4_after_a_stall_node_runs_list_by_list_and_libuv_by_deadline() {
    let world = Scripted::new();
    let notes = Notes::default();
    let shared = notes.clone();
    stalled(&world, move |lp, after, name| {
        lp.set_timeout(ms(after), shared.cb(name));
    });
    assert_eq!(notes.take(), "A, C, B");

    let world = Scripted::new();
    let shared = notes.clone();
    stalled(&world, move |lp, after, name| {
        Timer::new(lp).start(ms(after), ms(0), shared.cb(name)).unwrap();
    });
    assert_eq!(notes.take(), "A, B, C");
}

#[test]
fn n5_durations_are_whole_milliseconds_and_nonsense_is_one() {
    let cases = [
        (Duration::ZERO, 1),
        (Duration::from_micros(999), 1),
        (Duration::from_micros(1_999), 1),
        (ms(2), 2),
        (ms((1 << 31) - 1), (1 << 31) - 1),
        (ms(1 << 31), 1),
        (Duration::MAX, 1),
    ];
    for (asked, expected_ms) in cases {
        let world = Scripted::new();
        world.lp.set_timeout(asked, |_| {});
        assert!(!world.run(RunMode::Default));
        assert_eq!(world.lp.elapsed(), ms(expected_ms), "{asked:?}");
    }
}

#[test]
fn n5_no_timeout_fires_before_its_whole_milliseconds_are_over() {
    let world = Scripted::new();
    let seen = Count::default();
    for step in 0..40_u64 {
        world.work(Duration::from_micros(step * 77));
        let (asked, after, counted) = (world.script.clock().now(), ms(1 + step % 7), seen.clone());
        world.lp.set_timeout(after, move |lp| {
            assert!(lp.now() - asked >= after);
            assert!(lp.now() - asked < after + ms(1) + ms(4), "not much later either");
            counted.add();
        });
        world.run(RunMode::NoWait);
    }
    assert!(!world.run(RunMode::Default));
    assert_eq!(seen.get(), 40);
}

#[test]
fn an_interval_counts_from_the_begin_of_its_callback_and_skips_what_it_missed() {
    let world = Scripted::new();
    let (notes, hands) = (Notes::default(), world.script.hands());
    let (all, kept) = (notes.clone(), Rc::new(RefCell::new(None::<TimeoutId>)));
    let (id, runs) = (kept.clone(), Count::default());
    let interval = world.lp.set_interval(ms(10), move |lp| {
        all.add(format!("{} ms", lp.elapsed().as_millis()));
        match runs.add() {
            1 => hands.advance(ms(4)),
            2 => hands.advance(ms(35)),
            3 => (),
            _ => assert!(lp.clear_interval(id.take().unwrap())),
        }
    });
    *kept.borrow_mut() = Some(interval);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "10 ms, 20 ms, 55 ms, 65 ms");
}

#[test]
fn clearing_works_in_every_position() {
    let world = Scripted::new();
    let notes = Notes::default();
    let set = |name: &str| world.lp.set_timeout(ms(5), notes.cb(name));
    let ids: Vec<TimeoutId> = ["first", "second", "third", "fourth", "last"].map(set).into();
    assert!(world.lp.clear_timeout(ids[0]));
    assert!(world.lp.clear_timeout(ids[2]));
    assert!(world.lp.clear_timeout(ids[4]));
    assert!(!world.lp.clear_timeout(ids[4]));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "second, fourth");
    assert!(!world.lp.clear_timeout(ids[1]), "it has run");

    // The only one of its list; then one from inside, due in the same batch; then itself.
    let only = world.lp.set_timeout(ms(9), notes.cb("only"));
    assert!(world.lp.clear_timeout(only));
    let later = Rc::new(RefCell::new(Vec::new()));
    let (victims, all) = (later.clone(), notes.clone());
    world.lp.set_timeout(ms(5), move |lp| {
        all.add("killer");
        for id in victims.borrow_mut().drain(..) {
            lp.clear_timeout(id);
        }
        lp.set_timeout(ms(5), all.cb("child"));
    });
    later.borrow_mut().extend([set("same list"), world.lp.set_timeout(ms(6), notes.cb("other list"))]);
    let itself = Rc::new(RefCell::new(None));
    let (id, mut note) = (itself.clone(), notes.cb("clears itself"));
    *itself.borrow_mut() = Some(world.lp.set_interval(ms(7), move |lp| {
        note(lp);
        assert!(lp.clear_timeout(id.take().unwrap()));
    }));
    world.work(ms(20));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "killer, clears itself, child");
    assert!(!world.lp.is_alive());
}

#[test]
fn refresh_starts_the_duration_anew() {
    let world = Scripted::new();
    let notes = Notes::default();
    let id = world.lp.set_timeout(ms(10), notes.cb("refreshed"));
    world.lp.set_timeout(ms(10), notes.cb("other"));
    let pusher = Timer::new(&world.lp);
    pusher.start(ms(6), ms(0), move |lp| lp.refresh_timeout(id)).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!((notes.take().as_str(), world.lp.elapsed()), ("other, refreshed", ms(16)));
    world.lp.refresh_timeout(id);
    assert!(!world.lp.is_alive(), "what is over stays over");
}

#[test]
fn a_timeout_may_refresh_itself() {
    let world = Scripted::new();
    let (notes, kept, runs) = (Notes::default(), Rc::new(RefCell::new(None)), Count::default());
    let (id, all) = (kept.clone(), notes.clone());
    *kept.borrow_mut() = Some(world.lp.set_timeout(ms(10), move |lp| {
        all.add(format!("{} ms", lp.elapsed().as_millis()));
        if runs.add() < 3 {
            lp.refresh_timeout(id.borrow().unwrap());
        }
    }));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "10 ms, 20 ms, 30 ms");
}

#[test]
fn unref_lets_the_loop_end_and_ref_takes_it_back() {
    let world = Scripted::new();
    let notes = Notes::default();
    let id = world.lp.set_interval(ms(5), notes.cb("interval"));
    world.lp.set_timeout_ref(id, false);
    assert!(!world.run(RunMode::Default));
    world.lp.set_timeout(ms(12), notes.cb("timeout"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "interval, interval, timeout");
    world.lp.set_timeout_ref(id, true);
    assert!(world.lp.is_alive());
    assert!(world.lp.clear_interval(id));
    assert!(!world.lp.is_alive());
}

#[test]
fn ticks_run_between_two_timeouts_of_one_batch_and_after_other_callbacks() {
    let world = Scripted::new();
    for _ in 0..2 {
        world.lp.set_timeout(ms(1), |lp| {
            lp.next_tick(|_| {});
            lp.microtask(|_| {});
        });
    }
    let (prepare, check) = (Prepare::new(&world.lp), Check::new(&world.lp));
    for start in [true, false] {
        let tick = |lp: &LoopHandle| lp.next_tick(|_| {});
        if start { prepare.start(tick).unwrap() } else { check.start(tick).unwrap() }
    }
    prepare.unref();
    check.unref();
    world.lp.set_immediate(|lp| lp.microtask(|_| {}));
    assert!(!world.run(RunMode::Default));
    let expected = "\
        1: prepare next_tick immediate microtask check next_tick\n\
        2: prepare next_tick check next_tick timeout next_tick microtask timeout next_tick microtask";
    assert_eq!(passes(&world.lp), expected);
}

#[test]
fn an_immediate_comes_before_a_timeout_that_is_set_beside_it_in_a_timeout() {
    let world = Scripted::new();
    let notes = Notes::default();
    let all = notes.clone();
    world.lp.set_timeout(ms(1), move |lp| {
        lp.set_timeout(ms(0), all.cb("timeout"));
        lp.set_immediate(once(&all, "immediate"));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "immediate, timeout");
}
