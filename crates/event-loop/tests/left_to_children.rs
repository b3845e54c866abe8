//! What a loop takes over is not left to the programs that this one starts. A file of its own, for a program that another
//! test starts at the same time would get what is not taken over yet.

#![cfg(unix)]

mod common;

use std::process::{Command, Stdio};

use common::{Notes, ms};
use event_loop::{EventLoop, Pipe, RunMode};
use rustix::io::{FdFlags, fcntl_setfd};

#[test]
fn an_end_of_a_pipe_that_is_taken_over_is_not_left_to_children() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (reader, writer) = std::io::pipe().unwrap();
    // As a parent leaves it to a program that it starts.
    fcntl_setfd(&writer, FdFlags::empty()).unwrap();
    let writer = Pipe::new(&lp, writer).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    writer.close();
    let reader = Pipe::new(&lp, reader).unwrap();
    reader.read_start(notes.reads("read")).unwrap();
    let patience = lp.set_timeout(ms(10_000), |_| panic!("somebody else can write"));
    lp.set_timeout_ref(patience, false);
    event_loop.run(RunMode::Default).unwrap();
    assert_eq!(notes.take(), "read end");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
