//! What a loop takes over is not left to the programs that this one starts. A file of its own, for a program that another
//! test starts at the same time would get what is not taken over yet.

#![cfg(unix)]

use std::io::Read;
use std::process::{Command, Stdio};

use event_loop::{EventLoop, Pipe, RunMode};
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio};

#[test]
fn an_end_of_a_pipe_that_is_taken_over_is_not_left_to_children() {
    let event_loop = EventLoop::new().unwrap();
    let (mut reader, writer) = std::io::pipe().unwrap();
    // As a parent leaves it to a program that it starts.
    fcntl_setfd(&writer, FdFlags::empty()).unwrap();
    let pipe = Pipe::new(&event_loop.handle(), writer).unwrap();
    let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    pipe.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    ioctl_fionbio(&reader, true).unwrap();
    assert_eq!(reader.read(&mut [0]).expect("the end: nobody else can write"), 0);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}
