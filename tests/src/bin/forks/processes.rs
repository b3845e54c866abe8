//! The fork itself, and how a parent learns that its child has ended well.

use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::{Pid, WaitOptions, waitpid};

/// A process that takes longer than this is ended by SIGALRM.
const PATIENCE_S: u32 = 60;

/// Runs the scenario that the arguments name.
pub(crate) fn run(scenarios: &[(&str, fn())]) {
    let name = std::env::args().nth(1).expect("the name of a scenario");
    let (_, scenario) = scenarios.iter().find(|(known, _)| *known == name).expect("a scenario that exists");
    end_in_time();
    scenario();
}

#[allow(unsafe_code)]
fn end_in_time() {
    // SAFETY: `alarm` has no conditions.
    unsafe { libc::alarm(PATIENCE_S) };
}

/// Forks: `None` in the child, which ends with [`leave`], or by a panic.
#[allow(unsafe_code)]
pub(crate) fn fork() -> Option<Pid> {
    // SAFETY: other threads of this process, where there are some, sleep and hold no lock that the child takes.
    let forked = unsafe { libc::fork() };
    assert!(forked >= 0, "no process is left");
    let child = Pid::from_raw(forked);
    if child.is_none() {
        end_in_time();
    }
    child
}

/// The end of a child that has seen what it should.
pub(crate) fn leave() -> ! {
    std::process::exit(0)
}

/// How the child has ended.
pub(crate) fn ended(child: Pid) -> ExitStatus {
    let (_, status) = waitpid(Some(child), WaitOptions::empty()).unwrap().expect("it waits");
    ExitStatus::from_raw(status.as_raw())
}

#[track_caller]
pub(crate) fn ended_well(child: Pid) {
    let status = ended(child);
    assert!(status.success(), "the child has ended with {status}");
}

/// Where one process waits for the other.
pub(crate) struct Meeting(PipeReader, PipeWriter);

impl Meeting {
    pub(crate) fn new() -> Meeting {
        let (reader, writer) = std::io::pipe().unwrap();
        Meeting(reader, writer)
    }

    pub(crate) fn come(&self) {
        (&self.1).write_all(b"!").unwrap();
    }

    pub(crate) fn wait(&self) {
        (&self.0).read_exact(&mut [0]).unwrap();
    }
}
