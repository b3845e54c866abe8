//! Ctrl-C and the time limit end a program wherever its threads are, and no thread of it is left behind.

mod support;

use std::time::Duration;

use gil_interpreter::gil::Policy;
use gil_interpreter::{Interrupt, Output};
use support::{HANGS, Limits, Outcome, run_beside};

const POLICIES: [Policy; 6] =
    [Policy::Tick, Policy::Gil32, Policy::Gil310, Policy::Gil313, Policy::PerInterp, Policy::Free];

/// What a program does for ever; each is the body of a function.
const FOREVER: [(&str, &str); 15] = [
    ("loop", "while True:\n        pass"),
    ("call", "while True:\n        len('')"),
    ("sleep", "time.sleep(100000)"),
    ("lock", "lock = threading.Lock()\n    lock.acquire()\n    lock.acquire()"),
    ("semaphore", "threading.Semaphore(0).acquire()"),
    ("event", "threading.Event().wait()"),
    ("condition", "condition = threading.Condition()\n    with condition:\n        condition.wait()"),
    ("barrier", "threading.Barrier(2).wait()"),
    ("queue get", "queue.Queue().get()"),
    ("priority get", "queue.PriorityQueue().get()"),
    ("queue put", "q = queue.Queue(1)\n    q.put(1)\n    q.put(2)"),
    ("queue join", "q = queue.Queue()\n    q.put(1)\n    q.join()"),
    ("recv", "a, b = socket.socketpair()\n    a.recv(1)"),
    ("accept", "s = socket.socket()\n    s.bind(('127.0.0.1', 0))\n    s.listen()\n    s.accept()"),
    ("select", "selectors.DefaultSelector().select()"),
];

const IMPORTS: &str = "import queue\nimport selectors\nimport socket\nimport threading\nimport time\n\n";

fn program(body: &str, rest: &str) -> String {
    format!("{IMPORTS}def forever():\n    print('begun')\n    {body}\n\n{rest}")
}

/// Waits until the program has said so often that it has begun, then presses Ctrl-C.
fn press_after(times: usize) -> impl FnOnce(&Output, &Interrupt) {
    move |output, interrupt| {
        while output.captured_text().0.matches("begun").count() < times {
            std::thread::yield_now();
        }
        interrupt.raise();
    }
}

#[test]
fn ctrl_c_ends_a_program_wherever_it_waits() {
    for (name, body) in FOREVER {
        for policy in POLICIES {
            let Outcome { exit_code, timed_out, out, err } =
                run_beside(&program(body, "forever()\n"), &Limits::plenty(policy), press_after(1));
            assert_eq!(
                (exit_code, timed_out, &*out),
                (130, false, "begun\n"),
                "{name} under {}: {err}",
                policy.name()
            );
            assert!(err.ends_with("\nKeyboardInterrupt\n"), "{name} under {}: {err}", policy.name());
        }
    }
}

#[test]
fn ctrl_c_can_be_caught_and_the_program_goes_on() {
    let rest = "try:\n    forever()\nexcept KeyboardInterrupt:\n    print('caught')\nprint('goes on')\n";
    for (name, body) in FOREVER {
        for policy in [Policy::Gil310, Policy::Free] {
            let found = run_beside(&program(body, rest), &Limits::plenty(policy), press_after(1));
            let out = "begun\ncaught\ngoes on\n".into();
            let wanted = Outcome { exit_code: 0, timed_out: false, out, err: String::new() };
            assert_eq!(found, wanted, "{name} under {}", policy.name());
        }
    }
}

/// The first Ctrl-C ends the main program, which then waits for its threads, as in Python; the second ends the wait.
#[test]
fn a_second_ctrl_c_ends_the_threads_that_the_end_of_the_program_waits_for() {
    let rest = "threads = [threading.Thread(target=forever) for _ in range(3)]\nfor t in threads:\n    t.start()\n\
                for t in threads:\n    t.join()\n";
    for (name, body) in FOREVER {
        for policy in POLICIES {
            let Outcome { exit_code, timed_out, err, .. } =
                run_beside(&program(body, rest), &Limits::plenty(policy), press_twice_after(3));
            assert_eq!((exit_code, timed_out), (130, false), "{name} under {}: {err}", policy.name());
        }
    }
}

#[test]
fn daemons_end_with_the_program_wherever_they_wait() {
    let rest = "for _ in range(3):\n    threading.Thread(target=forever, daemon=True, name='left-over-d').start()\nprint('end')\n";
    for (name, body) in FOREVER {
        for policy in POLICIES {
            let found = run_beside(&program(body, rest), &Limits::plenty(policy), |_, _| ());
            assert_eq!((found.exit_code, found.timed_out), (0, false), "{name} under {}", policy.name());
            assert!(found.out.contains("end\n"), "{name}: {found:?}");
        }
    }
    assert_eq!(threads_named("left-over-d"), 0);
}

#[test]
fn the_time_limit_ends_every_thread_in_real_time() {
    let rest = "for daemon in [True, False]:\n    threading.Thread(target=forever, daemon=daemon, name='left-over-t').start()\nforever()\n";
    for (name, body) in FOREVER {
        for policy in POLICIES {
            let limits = Limits { time: Duration::from_millis(20), ..Limits::plenty(policy) };
            let found = run_beside(&program(body, rest), &limits, |_, _| ());
            assert_eq!(
                (found.exit_code, found.timed_out),
                (1, true),
                "{name} under {}: {found:?}",
                policy.name()
            );
            assert!(found.err.contains("the time limit of 20ms is over"), "{}", found.err);
        }
    }
    assert_eq!(threads_named("left-over-t"), 0);
}

#[test]
fn threads_that_start_threads_without_end_are_stopped_in_real_time() {
    let source = "import threading\n\ndef more():\n    threading.Thread(target=more).start()\n    while True:\n        pass\n\nmore()\n";
    for policy in [Policy::Gil313, Policy::PerInterp, Policy::Free] {
        let limits = Limits { time: Duration::from_millis(30), ..Limits::plenty(policy) };
        let found = run_beside(source, &limits, |_, _| ());
        assert!(found.timed_out, "{}: {found:?}", policy.name());
    }
}

#[test]
fn an_uncaught_stop_is_no_exception_that_a_program_sees() {
    let source =
        "while True:\n    try:\n        while True:\n            pass\n    finally:\n        print('seen')\n";
    let limits = Limits { time: Duration::from_millis(20), ..Limits::plenty(Policy::Gil310) };
    let found = run_beside(source, &limits, |_, _| ());
    assert_eq!((found.timed_out, &*found.out), (true, ""));
    assert!(limits.time < HANGS);
}

/// The second time when the program has printed what became of the first.
fn press_twice_after(times: usize) -> impl FnOnce(&Output, &Interrupt) {
    move |output, interrupt| {
        press_after(times)(output, interrupt);
        while !output.captured_text().1.contains("KeyboardInterrupt") {
            std::thread::yield_now();
        }
        interrupt.raise();
    }
}

/// How many threads of this process have a name; none on systems that do not say.
fn threads_named(name: &str) -> usize {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return 0 };
    let named = |path: std::path::PathBuf| {
        std::fs::read_to_string(path.join("comm")).is_ok_and(|comm| comm.trim_end() == name)
    };
    tasks.filter(|task| task.as_ref().is_ok_and(|task| named(task.path()))).count()
}
