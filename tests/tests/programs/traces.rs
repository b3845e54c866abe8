//! A program that is told to end leaves the trace that its environment asked for.

use std::process::{Command, Stdio};

use rustix::process::Signal;
use trace_report::chrome;

use crate::built::program;
use crate::support::Program;

#[test]
fn programs_that_are_told_to_end_leave_a_trace_that_viewers_accept() {
    let folder = tempfile::tempdir().unwrap();
    for (name, arguments, ready) in [
        ("echo_server", ["0"].as_slice(), "listening on"),
        ("port_forwarder", &["--forward", "0:127.0.0.1:9"], "listening on"),
        ("cron", &[], "tick"),
        ("signals", &[], "works"),
    ] {
        let file = folder.path().join(format!("{name}.json"));
        let mut command = Command::new(program(name));
        command.args(arguments).env("RUNTIME_LAB_TRACE", &file).stdin(Stdio::null());
        let mut program = Program::spawn(&mut command);
        program.line_with(ready);
        program.signal(Signal::TERM);
        program.end().well();
        let trace = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let summary = chrome::check(&trace).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"));
        assert!(summary.slices >= 1 && summary.dropped == 0, "{name}: {summary:?}");
    }
}
