//! After a fork the loop of the child works on, and that of the parent is not touched.
//!
//! The scenarios are those of libuv's tests and more; `tests/src/bin/forks` has them, for a process that forks should have one
//! thread, and a test has several.

#![cfg(unix)]

use std::process::Command;

/// Runs scenarios of the program, each in a process of its own. It ends by itself when it takes too long.
#[track_caller]
fn forks(scenarios: &[&str]) {
    for scenario in scenarios {
        let output = Command::new(env!("CARGO_BIN_EXE_forks")).arg(scenario).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{scenario}: {}\n{said}", output.status);
    }
}

#[test]
fn b88_after_a_fork_the_loop_of_the_child_works_on_and_the_parent_is_not_touched() {
    forks(&["timers", "new-sockets", "started-sockets", "signal", "closed-signal", "pool"]);
}

#[test]
fn jobs_of_the_parent_neither_run_in_the_child_nor_hold_its_loop() {
    forks(&["busy-pool"]);
}

#[test]
fn children_of_the_parent_are_not_the_childs() {
    forks(&["children", "children-by-signal"]);
}

#[test]
fn tasks_and_writes_go_on_and_sends_reach_the_process_in_which_they_were_sent() {
    forks(&["tasks", "writes", "sends"]);
}

#[test]
fn a_connection_that_the_child_goes_on_with_leaves_the_parent_alone_and_may_come_back() {
    forks(&["handed-back"]);
}

#[test]
fn a_running_loop_goes_on_in_both_processes() {
    forks(&["in-a-callback"]);
}

#[test]
fn a_signal_that_only_a_thread_of_the_parent_watches_does_in_the_child_what_it_does_by_default() {
    forks(&["signal-of-another-thread"]);
}
