//! Programs whose output nobody reads any more: that is no reason to leave work undone, and none to complain.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;

use rustix::process::{Pid, Signal, kill_process};

use crate::built;
use crate::support::HANG;

/// Starts an example, reads its output until `part` comes and no further, sends the signal, and waits for its end.
#[track_caller]
fn end_of(name: &str, arguments: &[&str], part: &str, signal: Option<Signal>) -> (ExitStatus, String) {
    let mut command = Command::new(built::program(name));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(part)), "{name}: no {part:?}");
    drop(lines);
    if let Some(signal) = signal {
        kill_process(Pid::from_child(&child), signal).unwrap();
    }
    let (sender, errors) = channel();
    let mut stderr = child.stderr.take().unwrap();
    let read = move || {
        let mut text = String::new();
        stderr.read_to_string(&mut text).unwrap();
        let _ = sender.send(text);
    };
    // It ends with the program.
    drop(std::thread::Builder::new().name("stderr".to_owned()).spawn(read).unwrap());
    let Ok(errors) = errors.recv_timeout(HANG) else {
        child.kill().unwrap();
        panic!("{name} does not end");
    };
    (child.wait().unwrap(), errors)
}

#[test]
fn services_end_as_they_should() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for (name, arguments, part) in [
        ("echo_server", &["0"][..], "listening"),
        ("port_forwarder", &["--forward", "0:localhost:1"], "listening"),
        ("static_files", &[folder, "--port", "0"], "listening"),
        ("signals", &[], "works"),
        ("cron", &[], "jobs"),
    ] {
        let (status, errors) = end_of(name, arguments, part, Some(Signal::TERM));
        assert!(status.success() && errors.is_empty(), "{name}: {status} {errors}");
    }
}

#[test]
fn jobs_of_the_scheduler_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("table");
    let runs = folder.path().join("runs").display().to_string();
    // The ninth run, long after the first line that nobody reads, ends the scheduler.
    let command = format!("echo run >> {runs}; test $(wc -l < {runs}) -lt 9 || kill $PPID");
    std::fs::write(&table, format!("every 10ms {command}\n")).unwrap();
    let (status, errors) = end_of("cron", &[table.to_str().unwrap()], "jobs", None);
    assert!(status.success() && errors.is_empty(), "{status} {errors}");
}

#[test]
fn children_that_say_too_much_are_heard_no_more_and_their_end_is_waited_for() {
    let (status, errors) = end_of("child_runner", &["yes"], "1| y", None);
    assert_eq!((status.code(), errors.as_str()), (Some(1), ""));
}
