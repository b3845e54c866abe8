//! Signals: real ones, sent to this process. Each test has a signal of its own, for the tests run side by side.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::rc::Rc;
use std::sync::{Arc, Barrier};

use common::{Notes, trace};
use event_loop::{Check, DriverLog, EventLoop, LoopHandle, RunMode, Signal};
use signal_hook::consts::{
    SIGALRM, SIGCONT, SIGHUP, SIGIO, SIGKILL, SIGPROF, SIGSEGV, SIGSTOP, SIGTERM, SIGTTIN, SIGTTOU, SIGURG,
    SIGUSR1, SIGUSR2, SIGVTALRM, SIGWINCH,
};
use signal_hook::low_level::raise;

/// Sends it to this thread, so that it is delivered before the call ends and none is merged with another.
fn send(signal: i32, times: usize) {
    (0..times).for_each(|_| raise(signal).unwrap());
}

#[test]
fn b85_each_of_ten_signals_reaches_every_watcher_and_one_for_one_time_only_the_first() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let note = |text: &'static str| {
        let notes = notes.clone();
        move |_: &LoopHandle, signal: i32| {
            assert_eq!(signal, SIGUSR1);
            notes.add(text);
        }
    };
    let [once, first, second] = std::array::from_fn(|_| Signal::new(&lp));
    once.start_once(SIGUSR1, note("once")).unwrap();
    first.start(SIGUSR1, note("first")).unwrap();
    second.start(SIGUSR1, note("second")).unwrap();
    assert_eq!((once.signal(), first.is_active()), (Some(SIGUSR1), true));
    assert_eq!(lp.handles().iter().map(|handle| handle.kind).collect::<Vec<_>>(), ["signal watcher"; 3]);
    send(SIGUSR1, 10);
    assert_eq!(notes.take(), "", "callbacks come from the loop");
    while notes.count("second") < 10 {
        assert!(event_loop.run(RunMode::Once).unwrap());
    }
    assert!(notes.take().starts_with("first, second, once, first, second, first, second"));
    assert_eq!((once.is_active(), once.signal()), (false, None));
    first.stop();
    second.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn b85_several_loops_in_several_threads_each_get_each_signal() {
    const LOOPS: usize = 3;
    let ready = Arc::new(Barrier::new(LOOPS + 1));
    let threads: Vec<_> = (0..LOOPS)
        .map(|_| {
            let ready = ready.clone();
            std::thread::spawn(move || {
                let event_loop = EventLoop::new().unwrap();
                let watcher = Signal::new(&event_loop.handle());
                let (itself, left) = (watcher.clone(), Cell::new(5));
                let on_signal = move |_: &LoopHandle, _| {
                    left.set(left.get() - 1);
                    if left.get() == 0 {
                        itself.close();
                    }
                };
                watcher.start(SIGUSR2, on_signal).unwrap();
                ready.wait();
                event_loop.run(RunMode::Default).unwrap()
            })
        })
        .collect();
    ready.wait();
    send(SIGUSR2, 5);
    assert!(threads.into_iter().all(|thread| !thread.join().unwrap()));
}

#[test]
fn s1_a_watcher_that_is_closed_with_a_signal_on_its_way_hears_only_its_close() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let [closed, stopped, other] = std::array::from_fn(|_| Signal::new(&lp));
    let note = |text: &'static str| {
        let notes = notes.clone();
        move |_: &LoopHandle, _| notes.add(text)
    };
    // The first one stops the two behind it, which the same signal is about to reach.
    let (first, victims, heard) = (Signal::new(&lp), [closed.clone(), stopped.clone()], notes.clone());
    let itself = first.clone();
    let closing = notes.cb("close");
    let closing = RefCell::new(Some(closing));
    let on_signal = move |_: &LoopHandle, _| {
        heard.add("first");
        let [closed, stopped] = &victims;
        let mut told = closing.take().unwrap();
        closed.close_then(move |lp| told(lp));
        stopped.stop();
        itself.close();
    };
    first.start(SIGALRM, on_signal).unwrap();
    closed.start(SIGALRM, note("closed")).unwrap();
    stopped.start(SIGALRM, note("stopped")).unwrap();
    other.start_once(SIGALRM, note("other")).unwrap();
    send(SIGALRM, 1);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "first, other, close");

    // Now with the byte still in the pipe.
    closed.close();
    let late = Signal::new(&lp);
    late.start(SIGALRM, note("late")).unwrap();
    send(SIGALRM, 1);
    late.close_then(notes.cb("late close"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "late close");
}

#[test]
fn a_watcher_changes_its_callback_or_its_signal_from_within_its_callback() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let watcher = Signal::new(&lp);
    let (itself, heard) = (watcher.clone(), notes.clone());
    watcher
        .start(SIGHUP, move |_, _| {
            heard.add("first callback");
            let (again, heard) = (itself.clone(), heard.clone());
            let changed = move |_: &LoopHandle, signal| {
                heard.add(format!("second callback {}", signal == SIGHUP));
                let (last, heard) = (again.clone(), heard.clone());
                let other = move |_: &LoopHandle, signal| {
                    heard.add(format!("another signal {}", signal == SIGIO));
                    last.close();
                };
                again.start_once(SIGIO, other).unwrap();
                send(SIGIO, 1);
            };
            itself.start(SIGHUP, changed).unwrap();
        })
        .unwrap();
    send(SIGHUP, 3);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "first callback, second callback true, another signal true");
}

#[test]
fn what_cannot_be_watched_is_refused_and_the_watcher_goes_on_as_it_was() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let watcher = Signal::new(&lp);
    let heard = Rc::new(Cell::new(0));
    let count = heard.clone();
    watcher.start(SIGWINCH, move |_, _| count.set(count.get() + 1)).unwrap();
    for signal in [0, -1, SIGKILL, SIGSTOP, SIGSEGV, 10_000] {
        let refused = watcher.start(signal, |_, _| {}).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput, "{signal}");
    }
    watcher.unref();
    send(SIGWINCH, 2);
    assert!(!event_loop.run(RunMode::Default).unwrap(), "without a reference it does not hold the loop");
    watcher.set_ref(true);
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!((heard.get(), watcher.signal()), (2, Some(SIGWINCH)));
    watcher.close();
    assert_eq!(watcher.start(SIGWINCH, |_, _| {}).unwrap_err().kind(), ErrorKind::InvalidInput);
    drop(event_loop);
    assert_eq!(watcher.start(SIGWINCH, |_, _| {}).unwrap_err().kind(), ErrorKind::NotConnected);
    assert!(Signal::new(&lp).start(SIGWINCH, |_, _| {}).is_err());
}

#[test]
fn a_thousand_signals_are_a_thousand_callbacks() {
    let event_loop = EventLoop::new().unwrap();
    let watcher = Signal::new(&event_loop.handle());
    let (itself, left) = (watcher.clone(), Cell::new(1_000));
    let on_signal = move |_: &LoopHandle, _| {
        left.set(left.get() - 1);
        if left.get() == 0 {
            itself.close();
        }
    };
    watcher.start(SIGPROF, on_signal).unwrap();
    send(SIGPROF, 1_000);
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn a_panic_in_one_watcher_leaves_the_others_for_the_next_run() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let [bad, good] = std::array::from_fn(|_| Signal::new(&lp));
    let (itself, heard) = (good.clone(), notes.clone());
    bad.start(SIGVTALRM, |_, _| panic!("of this watcher")).unwrap();
    good.start_once(SIGVTALRM, move |_, _| {
        heard.add("good");
        itself.close();
    })
    .unwrap();
    send(SIGVTALRM, 1);
    let error = event_loop.run(RunMode::Default).unwrap_err().to_string();
    assert!(error.contains("of this watcher"), "{error}");
    assert_eq!(notes.take(), "");
    bad.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "good");
}

/// In a process of its own, which this test starts: there a signal ends it once nobody watches.
#[test]
fn s2_when_nobody_watches_any_more_a_signal_does_what_it_does_by_default() {
    const ROLE: &str = "SIGNAL_TEST_CHILD";
    if std::env::var_os(ROLE).is_some() {
        let event_loop = EventLoop::new().unwrap();
        let [one, other] = std::array::from_fn(|_| Signal::new(&event_loop.handle()));
        for watcher in [&one, &other] {
            let itself = watcher.clone();
            watcher.start(SIGTERM, move |_, _| itself.stop()).unwrap();
        }
        send(SIGTERM, 1);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        one.start(SIGTERM, |_, _| {}).unwrap();
        send(SIGTERM, 1);
        drop(event_loop);
        send(SIGTERM, 1);
        unreachable!("ended by the signal");
    }
    let name = "s2_when_nobody_watches_any_more_a_signal_does_what_it_does_by_default";
    let mut child = Command::new(std::env::current_exe().unwrap());
    let ended = child.args(["--exact", name, "--nocapture"]).env(ROLE, "1").output().unwrap();
    assert_eq!(ended.status.signal(), Some(SIGTERM), "{ended:?}");
}

#[test]
fn d2_a_log_with_signals_replays_to_the_same_trace() {
    let program = |event_loop: &EventLoop, sends: bool| {
        let lp = event_loop.handle();
        let watcher = Signal::new(&lp);
        let (itself, left) = (watcher.clone(), Cell::new(2));
        let on_signal = move |_: &LoopHandle, _| {
            left.set(left.get() - 1);
            if left.get() == 0 {
                itself.close();
            }
        };
        watcher.start(SIGCONT, on_signal).unwrap();
        if sends {
            send(SIGCONT, 2);
        }
        assert!(!event_loop.run(RunMode::Default).unwrap());
        trace(&lp)
    };
    let log = DriverLog::new();
    let seen = program(&EventLoop::options().log(&log).phase_trace(true).build().unwrap(), true);
    let again = program(&EventLoop::options().replay(&log).phase_trace(true).build().unwrap(), false);
    assert!(seen.contains("signal"), "{seen}");
    assert_eq!(seen, again);
}

#[test]
fn s1_a_watcher_hears_nothing_of_what_came_before_it_started() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let note = |text: &'static str| {
        let notes = notes.clone();
        move |_: &LoopHandle, _| notes.add(text)
    };
    let [there, again, new] = std::array::from_fn(|_| Signal::new(&lp));
    there.start(SIGURG, note("there")).unwrap();
    again.start(SIGURG, note("before")).unwrap();
    send(SIGURG, 40);
    again.stop();
    again.start(SIGURG, note("again")).unwrap();
    new.start(SIGURG, note("new")).unwrap();
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!(notes.take(), ["there"; 40].join(", "));
    send(SIGURG, 1);
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!(notes.take(), "there, again, new");
    assert!([there, again, new].iter().all(Signal::close));
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn a_watcher_may_start_itself_for_one_time_in_its_callback() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let watcher = Signal::new(&event_loop.handle());
    let (itself, heard) = (watcher.clone(), notes.clone());
    let first = move |_: &LoopHandle, _| {
        heard.add("first");
        let heard = heard.clone();
        itself.start_once(SIGTTIN, move |_, _| heard.add("last")).unwrap();
    };
    watcher.start(SIGTTIN, first).unwrap();
    send(SIGTTIN, 3);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((notes.take().as_str(), watcher.is_active()), ("first, last", false));
}

#[test]
fn s3_a_storm_of_signals_lets_others_have_their_turn_after_32_of_them() {
    const ALL: usize = 500;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let told = Rc::new(Cell::new(0));
    let (watcher, check) = (Signal::new(&lp), Check::new(&lp));
    let (count, itself) = (told.clone(), watcher.clone());
    let on_signal = move |_: &LoopHandle, _| {
        count.set(count.get() + 1);
        // There is always a next one, as when others send without end.
        if count.get() < ALL {
            send(SIGTTOU, 1);
        } else {
            itself.close();
        }
    };
    watcher.start(SIGTTOU, on_signal).unwrap();
    let turns = Rc::new(RefCell::new(Vec::new()));
    let (shared, itself) = (turns.clone(), check.clone());
    check
        .start(move |_| {
            let mut turns = shared.borrow_mut();
            let before: usize = turns.iter().sum();
            turns.push(told.get() - before);
            if told.get() == ALL {
                itself.close();
            }
        })
        .unwrap();
    send(SIGTTOU, 100);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let turns = turns.take();
    assert_eq!(turns.iter().sum::<usize>(), ALL);
    assert!(turns.iter().all(|told| *told <= 32), "{turns:?}");
}
