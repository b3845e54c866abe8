//! The loop and its run modes: what keeps it alive, how far a run goes, which phase comes when.

mod common;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use common::{Count, Notes, OnDrop, Scripted, ms, passes};
use event_loop::{
    AsyncHandle, Check, EventLoop, Idle, LoopError, LoopHandle, Peer, Prepare, ReadEvent, RunMode,
    TcpListener, TcpStream, Timer, TimerOrder,
};

#[test]
fn b01_alive_with_a_referenced_timer_or_a_request() {
    let world = Scripted::new();
    assert!(!world.lp.is_alive());
    let timer = Timer::new(&world.lp);
    assert!(!world.lp.is_alive());
    timer.start(ms(5), ms(0), |_| {}).unwrap();
    assert!(world.lp.is_alive());
    assert!(!world.run(RunMode::Default));
    assert!(!world.lp.is_alive());

    let done = Count::default();
    let counted = done.clone();
    let completion = world.lp.request(move |_, value: u32| assert_eq!(value as usize, counted.add()));
    assert!(world.lp.is_alive());
    completion.complete(1);
    assert!(!world.run(RunMode::Default));
    assert!(!world.lp.is_alive());
    assert_eq!(done.get(), 1);
}

#[test]
fn b02_no_wait_leaves_a_future_timer_alone() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    timer.start(ms(1_000), ms(0), notes.cb("timer")).unwrap();
    assert!(world.run(RunMode::NoWait));
    assert_eq!(notes.take(), "");
    assert_eq!(world.script.polls(), [Some(Duration::ZERO)]);
}

#[test]
fn b03_once_with_an_idle_handle_is_one_pass_a_call() {
    let world = Scripted::new();
    let idle = Idle::new(&world.lp);
    let (count, handle) = (Count::default(), idle.clone());
    let counted = count.clone();
    idle.start(move |_| {
        if counted.add() == 7 {
            handle.stop();
        }
    })
    .unwrap();
    let mut calls = 0;
    while world.run(RunMode::Once) {
        calls += 1;
        assert_eq!(count.get(), calls);
    }
    assert_eq!((count.get(), calls), (7, 6));
}

#[test]
fn b04_stop_from_a_timer_ends_the_run() {
    let world = Scripted::new();
    let prepared = Count::default();
    let prepare = Prepare::new(&world.lp);
    let counted = prepared.clone();
    prepare
        .start(move |_| {
            counted.add();
        })
        .unwrap();
    let timer = Timer::new(&world.lp);
    timer.start(ms(100), ms(0), |lp| lp.stop()).unwrap();
    assert!(world.run(RunMode::Default));
    assert_eq!((prepared.get(), world.lp.elapsed()), (1, ms(100)));

    assert!(world.run(RunMode::NoWait));
    assert_eq!(prepared.get(), 2);

    let (ticks, handle) = (Count::default(), prepare.clone());
    timer
        .start(ms(10), ms(10), move |lp| {
            if ticks.add() == 10 {
                handle.stop();
                lp.stop();
            }
        })
        .unwrap();
    assert!(world.run(RunMode::Default));
    assert_eq!(prepared.get(), 12);
    timer.stop();
    assert!(!world.run(RunMode::Default));
}

#[test]
fn b05_stop_before_the_run_lets_nothing_fire() {
    let world = Scripted::new();
    let notes = Notes::default();
    let timer = Timer::new(&world.lp);
    timer.start(ms(0), ms(0), notes.cb("timer")).unwrap();
    let mut tick = notes.cb("tick");
    world.lp.next_tick(move |lp| tick(lp));
    world.lp.stop();
    assert!(world.run(RunMode::Default));
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "tick, timer");
}

#[test]
fn b06_time_moves_on_across_no_wait_runs_of_an_empty_loop() {
    let world = Scripted::new();
    for step in 1..=10 {
        world.work(ms(3));
        assert!(!world.run(RunMode::NoWait));
        assert_eq!(world.lp.elapsed(), ms(3 * step));
    }
}

#[test]
fn b07_the_backend_timeout_is_zero_or_the_timers_delay() {
    let world = Scripted::new();
    assert_eq!(world.lp.backend_timeout(), Some(Duration::ZERO));
    let timer = Timer::new(&world.lp);
    timer.start(ms(1_000), ms(0), |_| {}).unwrap();
    assert_eq!(world.lp.backend_timeout(), Some(ms(1_000)));
    world.work(ms(400));
    assert!(world.run(RunMode::NoWait));
    assert_eq!(world.lp.backend_timeout(), Some(ms(600)));
    timer.close();
    assert_eq!(world.lp.backend_timeout(), Some(Duration::ZERO));
    let wake = AsyncHandle::wake_only(&world.lp);
    world.run(RunMode::NoWait);
    assert_eq!(world.lp.backend_timeout(), None);
    wake.close();
}

#[test]
fn b08_a_loop_with_an_open_handle_is_busy() {
    let world = Scripted::new();
    let lp = world.lp.clone();
    lp.set_data(Rc::new(42_u32));
    let timer = Timer::new(&lp);
    // Node's layer and sleeps hang on timers of the loop's own; those never count.
    lp.set_timeout(ms(1), |_| {});
    assert!(!world.run(RunMode::Default));
    let (event_loop, error) = world.event_loop.close().err().unwrap();
    assert!(matches!(error, LoopError::Busy { handles: 1, requests: 0, tasks: 0 }), "{error}");
    assert_eq!(lp.data::<u32>().as_deref(), Some(&42));
    let pending = lp.set_timeout(ms(50), |_| {});
    timer.close();
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    let (event_loop, error) = event_loop.close().err().unwrap();
    assert!(matches!(error, LoopError::Busy { handles: 0, requests: 1, tasks: 0 }), "{error}");
    lp.clear_timeout(pending);
    assert_eq!(lp.data::<u32>().as_deref(), Some(&42));
    assert!(event_loop.close().is_ok());
    assert_eq!(lp.data::<u32>(), None);
}

#[test]
fn b09_a_loop_may_go_while_work_is_out() {
    let world = Scripted::new();
    let completion = world.lp.request(|_, _: u32| panic!("its loop is gone"));
    let (event_loop, error) = world.event_loop.close().err().unwrap();
    assert!(matches!(error, LoopError::Busy { handles: 0, requests: 1, tasks: 0 }), "{error}");
    drop(event_loop);
    std::thread::spawn(move || completion.complete(1)).join().unwrap();
}

#[test]
fn b10_a_closed_loop_can_be_replaced() {
    for _ in 0..3 {
        let event_loop = EventLoop::new().unwrap();
        let fired = Rc::new(Cell::new(false));
        let seen = fired.clone();
        event_loop.handle().set_timeout(ms(1), move |_| seen.set(true));
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert!(fired.get());
        assert!(event_loop.close().is_ok());
    }
}

#[test]
fn b13_watchers_that_handle_one_another_keep_exact_counts() {
    let world = Scripted::new();
    let (first, second, check) = (Prepare::new(&world.lp), Prepare::new(&world.lp), Check::new(&world.lp));
    let [firsts, seconds, checks, idles, idle_closes] = std::array::from_fn(|_| Count::default());

    let (own, other, last, counted, seconds_counted) =
        (first.clone(), second.clone(), check.clone(), firsts.clone(), seconds.clone());
    first
        .start(move |_| {
            let pass = counted.add();
            if pass % 2 == 0 {
                let (itself, counted) = (other.clone(), seconds_counted.clone());
                let run = move |_: &_| {
                    counted.add();
                    itself.stop();
                };
                other.start(run).unwrap();
            }
            if pass == 20 {
                own.close();
                other.close();
                last.close();
            }
        })
        .unwrap();

    let (counted, idles_counted, closes_counted) = (checks.clone(), idles.clone(), idle_closes.clone());
    let mut idle = Idle::new(&world.lp);
    check
        .start(move |lp| {
            counted.add();
            if idle.is_closing() {
                idle = Idle::new(lp);
            }
            let (itself, counted, closes) = (idle.clone(), idles_counted.clone(), closes_counted.clone());
            let run = move |_: &_| {
                itself.stop();
                if counted.add() % 3 == 0 {
                    let closes = closes.clone();
                    itself.close_then(move |_| {
                        closes.add();
                    });
                }
            };
            idle.start(run).unwrap();
        })
        .unwrap();
    for _ in 0..40 {
        world.run(RunMode::NoWait);
    }
    // What a phase starts runs from the next pass on: the second prepare handle and the idle handle lag by one.
    assert_eq!((firsts.get(), seconds.get(), checks.get()), (20, 9, 19));
    assert_eq!((idles.get(), idle_closes.get()), (19, 6));
}

#[test]
fn b14_a_walk_sees_live_handles_only() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    let (handle, seen) = (timer.clone(), Count::default());
    let counted = seen.clone();
    timer
        .start(ms(1), ms(0), move |lp| {
            let handles = lp.handles();
            assert_eq!(handles.len(), 1);
            assert_eq!((handles[0].kind, handles[0].active, handles[0].closing), ("timer", false, false));
            handle.close();
            assert!(lp.handles()[0].closing);
            counted.add();
        })
        .unwrap();
    assert!(world.lp.handles()[0].active);
    assert!(!world.run(RunMode::Default));
    assert_eq!((seen.get(), world.lp.handles().len()), (1, 0));
}

#[test]
fn b17_callbacks_come_from_a_fresh_stack() {
    let world = Scripted::new();
    let (script, lp) = (&world.script, &world.lp);
    script.connects(ms(1), Peer(1), 80).sends(ms(2), Peer(1), b"ping");
    let inside = Rc::new(Cell::new(false));
    let notes = Notes::default();
    let fresh = |what: &'static str| {
        let (inside, notes) = (inside.clone(), notes.clone());
        move || {
            assert!(!inside.get(), "{what} came from inside the call");
            notes.add(what);
        }
    };
    let (written, shut, fired, closed, listener_closed) =
        (fresh("write"), fresh("shutdown"), fresh("timer"), fresh("close"), fresh("listener close"));
    let listener = TcpListener::bind(lp, "127.0.0.1:80".parse().unwrap(), 8).unwrap();
    let (handle, flag, read) = (listener.clone(), inside.clone(), fresh("read"));
    let serve = move |lp: &LoopHandle, stream: TcpStream| {
        flag.set(true);
        let timer = Timer::new(lp);
        let itself = timer.clone();
        let fire = move |_: &LoopHandle| {
            fired();
            itself.close();
        };
        timer.start(ms(0), ms(0), fire).unwrap();
        stream.write(b"pong".to_vec(), move |_, _| written());
        let last = stream.clone();
        stream.shutdown(move |_, _| {
            shut();
            last.close_then(move |_| closed());
        });
        handle.close_then(move |_| listener_closed());
        flag.set(false);
    };
    let mut serve = Some(serve);
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let (reader, mut serve, read) = (stream.clone(), serve.take(), read.clone());
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
            assert!(matches!(event, ReadEvent::Data(b"ping")));
            read();
            if let Some(serve) = serve.take() {
                serve(lp, reader.clone());
            }
        };
        stream.read_start(read).unwrap();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "read, write, shutdown, close, listener close, timer");
    assert_eq!(script.received_by(Peer(1)), b"pong");
}

#[test]
fn b43_an_empty_loop_returns_at_once() {
    let world = Scripted::new();
    for mode in [RunMode::Default, RunMode::Once, RunMode::NoWait] {
        assert!(!world.run(mode));
    }
    assert!(world.script.polls().is_empty());
}

/// One callback of every phase, and a second pass of those that repeat.
fn one_of_each(world: &Scripted) {
    let lp = &world.lp;
    let (idle, prepare, check, timer) = (Idle::new(lp), Prepare::new(lp), Check::new(lp), Timer::new(lp));
    let wake = AsyncHandle::new(lp, |_| {});
    idle.start(|_| {}).unwrap();
    prepare.start(|_| {}).unwrap();
    check.start(|_| {}).unwrap();
    timer.start(ms(0), ms(0), |_| {}).unwrap();
    lp.set_immediate(|_| {});
    lp.spawn(async {});
    wake.sender().send();
    let passes = Count::default();
    let handles = (idle, prepare, check.clone(), timer, wake);
    let last = Check::new(lp);
    let itself = last.clone();
    last.start(move |_| {
        if passes.add() == 2 {
            let (idle, prepare, check, timer, wake) = &handles;
            idle.close();
            prepare.close();
            check.close();
            timer.close();
            wake.close();
            itself.close_then(|_| {});
        }
    })
    .unwrap();
}

#[test]
fn e1_a_pass_runs_its_phases_in_order_since_145() {
    let world = Scripted::new();
    one_of_each(&world);
    assert!(!world.run(RunMode::Default));
    let expected = "\
        0: timer\n\
        1: idle prepare async task immediate check check\n\
        2: idle prepare check close";
    assert_eq!(passes(&world.lp), expected);
}

#[test]
fn e1_a_pass_runs_its_phases_in_order_before_145() {
    let world = Scripted::with(|options| options.timer_order(TimerOrder::Before145));
    one_of_each(&world);
    assert!(!world.run(RunMode::Default));
    let expected = "\
        1: timer idle prepare async task immediate check check\n\
        2: idle prepare check close";
    assert_eq!(passes(&world.lp), expected);
}

#[test]
fn e1_stop_in_a_pass_lets_its_later_phases_run() {
    let world = Scripted::new();
    one_of_each(&world);
    let idle = Idle::new(&world.lp);
    let itself = idle.clone();
    idle.start(move |lp| {
        lp.stop();
        itself.close_then(|_| {});
    })
    .unwrap();
    assert!(world.run(RunMode::Default));
    assert_eq!(passes(&world.lp), "0: timer\n1: idle idle prepare async task immediate check check close");
    assert_eq!(world.script.polls(), [Some(Duration::ZERO)]);
}

#[test]
fn e1_once_runs_timers_after_poll_in_both_orders() {
    let runs = [(TimerOrder::Since145, "1: timer"), (TimerOrder::Before145, "1: timer timer")];
    for (order, expected) in runs {
        let world = Scripted::with(|options| options.timer_order(order));
        let timer = Timer::new(&world.lp);
        timer.start(ms(0), ms(5), |_| {}).unwrap();
        assert!(world.run(RunMode::Once));
        assert_eq!(passes(&world.lp), expected, "{order:?}");
    }
}

#[test]
fn e2_a_dead_loop_calls_nothing() {
    let world = Scripted::new();
    let (timer, check) = (Timer::new(&world.lp), Check::new(&world.lp));
    timer.start(ms(0), ms(0), |_| panic!("not referenced")).unwrap();
    timer.unref();
    check.start(|_| panic!("not referenced")).unwrap();
    check.unref();
    world.work(ms(10));
    for mode in [RunMode::Default, RunMode::Once, RunMode::NoWait] {
        assert!(!world.run(mode));
    }
    assert_eq!((world.trace(), world.lp.elapsed()), (String::new(), ms(10)));
}

#[test]
fn run_inside_run_is_an_error() {
    let event_loop = Rc::new(EventLoop::new().unwrap());
    let (inner, seen) = (event_loop.clone(), Count::default());
    let counted = seen.clone();
    event_loop.handle().set_immediate(move |_| {
        assert!(matches!(inner.run(RunMode::NoWait), Err(LoopError::AlreadyRunning)));
        counted.add();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(seen.get(), 1);
}

#[test]
fn work_outside_the_run_does_not_lengthen_the_sleep() {
    let world = Scripted::new();
    let timer = Timer::new(&world.lp);
    timer.start(ms(50), ms(0), |_| {}).unwrap();
    world.work(ms(30));
    assert!(!world.run(RunMode::Once));
    assert_eq!(world.script.polls(), [Some(ms(20))]);
}

#[test]
fn work_after_a_clock_reading_does_not_lengthen_the_sleep() {
    let world = Scripted::new();
    let hands = world.script.hands();
    world.lp.set_immediate(move |lp| {
        lp.set_timeout(ms(50), |_| {});
        hands.advance(ms(30));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.script.polls().last(), Some(&Some(ms(20))));
}

#[test]
fn work_in_a_destructor_does_not_lengthen_the_sleep() {
    let world = Scripted::new();
    let hands = world.script.hands();
    let (timer, closed) = (Timer::new(&world.lp), Timer::new(&world.lp));
    timer.start(ms(50), ms(0), |_| {}).unwrap();
    let slow = OnDrop::new(move || hands.advance(ms(30)));
    let never = move |_: &LoopHandle| {
        let _held = &slow;
    };
    closed.start(ms(90), ms(0), never).unwrap();
    closed.close();
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.script.polls(), [Some(ms(0)), Some(ms(20))]);
}

#[test]
fn deferred_callbacks_get_eight_rounds_a_pass() {
    fn chain(stream: TcpStream, left: usize) {
        let next = stream.clone();
        stream.write(vec![0], move |_, result| {
            result.unwrap();
            if left == 1 {
                next.close();
            } else {
                chain(next, left - 1);
            }
        });
    }
    let world = Scripted::new();
    world.script.answers_connect(ms(1), Peer(1), true);
    let kept = Rc::new(std::cell::RefCell::new(None::<TcpStream>));
    let start = kept.clone();
    let stream = TcpStream::connect(&world.lp, "127.0.0.1:1".parse().unwrap(), move |_, result| {
        result.unwrap();
        let stream = start.take().unwrap();
        chain(stream, 20);
    });
    *kept.borrow_mut() = Some(stream.unwrap());
    assert!(!world.run(RunMode::Default));
    // Eight rounds after poll, and one in the phase before the next poll.
    let write = |n: usize| " write".repeat(n);
    let expected = format!("1: connect{}\n2:{}\n3:{}", write(8), write(9), write(3));
    assert_eq!(passes(&world.lp), expected);
}
