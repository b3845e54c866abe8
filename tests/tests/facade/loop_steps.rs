//! The five steps of the event loop in the book do what their headers say: each prints the expected text and ends.
//!
//! # Model
//! The programs speak of orders, not of times. Three of them run against real time with a wide margin (a time-out that a
//! descheduled client could meet, a short computation beside a long one), so an odd run is tried again, at most three
//! times.

use std::process::Command;

use crate::built::program;

const TRIES: usize = 3;

/// What the program prints, when it ends well.
fn output(name: &str) -> String {
    let output = Command::new(program(name)).output().expect("the program can be started");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{name}: {}: {errors}", output.status);
    String::from_utf8(output.stdout).expect("the programs print text")
}

#[track_caller]
fn prints(name: &str, expected: &str) {
    let expected = expected.trim_start();
    let mut printed = output(name);
    for _ in 1..TRIES {
        if printed == expected {
            break;
        }
        printed = output(name);
    }
    assert_eq!(printed, expected, "{name}, tried {TRIES} times");
}

#[test]
fn step_1_serves_whoever_is_ready() {
    prints(
        "loop_1_poll",
        "
connection 1 is accepted
connection 2 is accepted
connection 3 is accepted
connection 3 says three
connection 1 says one
connection 2 says two
connection 1 says one again
connection 1 has ended
connection 2 has ended
connection 3 has ended
nothing is left to watch, so the loop has ended
",
    );
}

#[test]
fn step_2_runs_timers_by_deadline_then_by_start_real_time() {
    prints(
        "loop_2_timers",
        "
timer B of 10 ms
timer C of 10 ms
timer A of 20 ms
timer D of 30 ms lets the client in
connection 1 is accepted
connection 2 is accepted
connection 1 says hello
connection 1 has ended
connection 2 says hello?
connection 2 was silent for too long
no socket and no timer is left, so the loop has ended
",
    );
}

#[test]
fn step_3_answers_the_short_question_first_real_time() {
    prints(
        "loop_3_wake",
        "
connection 1 asks for the primes below 500000
connection 2 asks for the primes below 100
connection 2 is told that there are 25
connection 1 is told that there are 41538
no socket, no timer and no job is left, so the loop has ended
",
    );
}

#[test]
fn step_4_runs_each_thing_in_its_phase() {
    prints(
        "loop_4_phases",
        "
timers: the timer of the main program
check: the immediate of the main program, which lets the client in
poll: a connection is accepted
closing: the listener
poll: the connection says go, and its callback asks for a timer, an immediate and a close
check: the immediate of the connection, which sets another one
closing: the connection
timers: the timer of the connection
check: the second immediate, a pass later; it hands a job to a thread
poll: the thread has the result, 500000500000
no phase has anything left to do, so the loop has ended
",
    );
}

#[test]
fn step_5_puts_a_waiting_task_aside_real_time() {
    prints(
        "loop_5_tasks",
        "
connection 1 asks for the primes below 500000
connection 2 asks for the primes below 100
connection 2 is told that there are 25
connection 2 is told goodbye
connection 1 is told that there are 41538
connection 1 is told goodbye
no task is left, and nothing else, so the loop has ended
",
    );
}
