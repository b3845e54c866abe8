//! Children: real processes whose end the loop is told, whatever became of the handle.

#![cfg(unix)]

mod common;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::time::Duration;

use common::Notes;
use event_loop::{Child, EventLoop, LoopHandle, OwnedPipe, Pipe, RunMode};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use rustix::process::{getpgid, getrlimit, kill_process, setrlimit, waitid};

/// Loops that learn of an end by pidfd, and by SIGCHLD.
fn both_ways() -> [EventLoop; 2] {
    [true, false].map(|pidfds| EventLoop::options().pidfds(pidfds).build().unwrap())
}

/// A program that lives until its standard input ends.
fn cat() -> Command {
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// An exit callback that notes code and signal.
fn exits(notes: &Notes, text: &'static str) -> impl FnOnce(&LoopHandle, io::Result<ExitStatus>) + use<> {
    let notes = notes.clone();
    move |_, result| {
        let status = result.unwrap();
        notes.add(format!("{text} code {:?} signal {:?}", status.code(), status.signal()));
    }
}

fn pid_of(child: &Child) -> Pid {
    Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap()
}

/// Returns when our child `pid` has ended, which stays to be reaped.
fn until_ended(pid: Pid) {
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
}

/// Returns when our child `pid` has ended and was reaped by the thread that it was left to.
fn until_reaped(pid: Pid) {
    let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    while !matches!(waitid(WaitId::Pid(pid), ended), Err(Errno::CHILD)) {
        std::thread::yield_now();
    }
}

#[test]
fn b48_a_child_without_reference_does_not_hold_the_loop() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let child = Child::spawn(&lp, cat(), exits(&notes, "cat")).unwrap();
        assert!(child.is_active() && child.has_ref() && lp.is_alive());
        child.unref();
        assert!(child.is_active() && !lp.is_alive());
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "", "it lives on");

        // With its reference back it holds the loop until its exit is told.
        child.set_ref(true);
        child.kill().unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "cat code None signal Some(9)");
        assert!(!child.is_active() && !child.is_closing());
    }
}

#[test]
fn c1_exit_code_and_signal_are_told_once() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let coded = Child::spawn(&lp, shell("exit 7"), exits(&notes, "sh")).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "sh code Some(7) signal None");
        coded.kill().unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "", "once");

        let killed = Child::spawn(&lp, cat(), exits(&notes, "cat")).unwrap();
        assert_eq!(lp.handles().iter().filter(|handle| handle.kind == "child process").count(), 2);
        kill_process(pid_of(&killed), Signal::TERM).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "cat code None signal Some(15)");
    }
}

#[test]
fn c1_the_exit_callback_finds_an_inactive_child_and_may_close_it_and_spawn_another() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let slot = Rc::new(RefCell::new(None::<Child>));
        let (itself, shared) = (slot.clone(), notes.clone());
        let on_exit = move |lp: &LoopHandle, result: io::Result<ExitStatus>| {
            assert!(result.unwrap().success());
            let child = itself.take().unwrap();
            assert!(!child.is_active());
            child.kill().unwrap();
            child.close_then(shared.cb("closed"));
            assert!(!child.close());
            assert_eq!(child.kill().unwrap_err().kind(), io::ErrorKind::NotConnected);
            let next = Child::spawn(lp, shell("exit 3"), exits(&shared, "next")).unwrap();
            next.take_stdin();
        };
        *slot.borrow_mut() = Some(Child::spawn(&lp, shell("exit 0"), on_exit).unwrap());
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "closed, next code Some(3) signal None");
    }
}

#[test]
fn c1_a_closed_handle_tells_nothing() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let child = Child::spawn(&lp, cat(), |_, _| panic!("its handle is closed")).unwrap();
        child.close_then(notes.cb("closed"));
        // Whoever takes the slot is not told of a stranger's end (H2).
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let other = Child::spawn(&lp, cat(), exits(&notes, "other")).unwrap();
        assert_eq!(format!("{child:?}"), format!("{other:?}"), "the slot is used again");
        until_reaped(pid_of(&child));
        other.kill().unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "closed, other code None signal Some(9)");
    }
}

#[test]
fn c2_a_child_is_reaped_after_its_handle_was_closed() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let child = Child::spawn(&lp, cat(), |_, _| panic!("its handle is closed")).unwrap();
        let pid = pid_of(&child);
        // It lives until this end goes; the close does not touch it.
        let stdin = child.take_stdin();
        assert!(stdin.is_some() && child.take_stdin().is_none());
        child.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        drop(stdin);
        until_reaped(pid);
    }
}

#[test]
fn c2_a_child_is_reaped_after_its_loop_was_dropped() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let child = Child::spawn(&lp, cat(), |_, _| panic!("the loop is gone")).unwrap();
        let pid = pid_of(&child);
        drop(event_loop);
        // Its input went with the loop, so it ends by itself.
        until_reaped(pid);
        assert_eq!(child.kill().unwrap_err().kind(), io::ErrorKind::NotConnected);
        let error = Child::spawn(&lp, cat(), |_, _| {}).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotConnected);
    }
}

#[test]
fn c3_a_kill_after_the_end_is_harmless_and_after_it_was_told_reaches_nobody() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let child = Child::spawn(&lp, shell("exit 0"), exits(&notes, "sh")).unwrap();
        until_ended(pid_of(&child));
        child.kill().unwrap();
        child.send_signal(0).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "sh code Some(0) signal None");
        // The number is free now, and no process is asked for.
        child.kill().unwrap();
        assert_eq!(child.send_signal(0).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(child.send_signal(15).unwrap_err().kind(), io::ErrorKind::NotFound);
        child.close();
        assert_eq!(child.send_signal(15).unwrap_err().kind(), io::ErrorKind::NotConnected);
    }
}

#[test]
fn b87_signals_reach_the_child_and_what_is_none_is_refused() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let child = Child::spawn(&lp, cat(), exits(&notes, "cat")).unwrap();
        assert_eq!(child.send_signal(10_000).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        child.send_signal(0).unwrap();
        child.send_signal(15).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "cat code None signal Some(15)");
    }
}

/// A child that ignores SIGTERM, and has said so.
fn stubborn(lp: &LoopHandle, notes: &Notes) -> Child {
    let mut command = shell("trap '' TERM; echo ready; while :; do read line; done");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = Child::spawn(lp, command, exits(notes, "stubborn")).unwrap();
    let mut ready = [0; 6];
    child.take_stdout().unwrap().read_exact(&mut ready).unwrap();
    child
}

#[test]
fn a_child_that_ignores_the_wish_to_end_is_ended_when_the_patience_is_over() {
    for event_loop in both_ways() {
        let (lp, notes) = (event_loop.handle(), Notes::default());
        let child = stubborn(&lp, &notes);
        child.terminate(Duration::from_millis(20)).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "stubborn code None signal Some(9)");
    }
}

#[test]
fn a_child_that_ends_when_it_is_asked_waits_for_no_patience() {
    for event_loop in both_ways() {
        let (lp, notes) = (event_loop.handle(), Notes::default());
        let child = Child::spawn(&lp, cat(), exits(&notes, "cat")).unwrap();
        // Its timer would keep a loop of real time here for an hour.
        child.terminate(Duration::from_secs(3600)).unwrap();
        child.terminate(Duration::MAX).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "cat code None signal Some(15)");
        child.terminate(Duration::ZERO).unwrap();
        child.close();
        assert_eq!(child.terminate(Duration::ZERO).unwrap_err().kind(), io::ErrorKind::NotConnected);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert!(lp.handles().is_empty());
        event_loop.close().map_err(|(_, error)| error).unwrap();
    }
}

#[test]
fn closing_the_handle_takes_the_threat_back() {
    for event_loop in both_ways() {
        let (lp, notes) = (event_loop.handle(), Notes::default());
        let child = stubborn(&lp, &notes);
        let (pid, mut stdin) = (pid_of(&child), child.take_stdin().unwrap());
        child.terminate(Duration::ZERO).unwrap();
        child.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "");
        // It still reads; then it ends by a signal that is ours.
        stdin.write_all(b"are you there?\n").unwrap();
        rustix::process::kill_process(pid, Signal::KILL).unwrap();
        until_reaped(pid);
    }
}

#[test]
fn b87_a_detached_child_has_a_group_of_its_own_and_does_not_hold_the_loop() {
    for event_loop in both_ways() {
        let mut command = cat();
        command.process_group(0).stdout(Stdio::null());
        let child = Child::spawn(&event_loop.handle(), command, |_, _| panic!("it lives on")).unwrap();
        child.unref();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let pid = pid_of(&child);
        assert_eq!(getpgid(Some(pid)).unwrap(), pid);
        assert_ne!(getpgid(None).unwrap(), pid);
        // It ends with its input, which closes with the handle.
        child.close();
        until_reaped(pid);
    }
}

#[test]
fn many_children_at_once_are_each_told_once() {
    // Other systems let a user have fewer processes.
    const CHILDREN: i32 = if cfg!(target_os = "linux") { 1000 } else { 200 };
    // Each child that runs has a pidfd here.
    let limit = getrlimit(Resource::Nofile);
    let wanted = Some(2000).min(limit.maximum.or(Some(2000)));
    if limit.current.is_some() && limit.current < wanted {
        setrlimit(Resource::Nofile, Rlimit { current: wanted, ..limit }).unwrap();
    }
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let codes = Rc::new(RefCell::new(Vec::new()));
        for code in 0..CHILDREN {
            let told = codes.clone();
            let on_exit = move |_: &LoopHandle, status: io::Result<ExitStatus>| {
                told.borrow_mut().push(status.unwrap().code());
            };
            Child::spawn(&lp, shell(&format!("exit {}", code % 256)), on_exit).unwrap();
        }
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let mut codes = codes.take();
        codes.sort_unstable();
        let mut expected: Vec<_> = (0..CHILDREN).map(|code| Some(code % 256)).collect();
        expected.sort_unstable();
        assert_eq!(codes, expected);
    }
}

#[test]
fn somebody_else_who_reaps_the_child_makes_its_exit_an_error() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let told = notes.clone();
        let on_exit = move |_: &LoopHandle, status: io::Result<ExitStatus>| {
            told.add(format!("{:?}", status.map_err(|error| error.raw_os_error())));
        };
        let child = Child::spawn(&lp, shell("exit 0"), on_exit).unwrap();
        waitid(WaitId::Pid(pid_of(&child)), WaitIdOptions::EXITED).unwrap();
        child.kill().unwrap();
        assert_eq!(child.send_signal(15).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), format!("Err(Some({}))", Errno::CHILD.raw_os_error()));
    }
}

#[test]
fn a_failed_spawn_says_why_at_once_and_leaves_no_handle() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let missing = Command::new("/no/such/program");
        let error = Child::spawn(&lp, missing, |_, _| panic!("never started")).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(lp.handles().is_empty() && !event_loop.run(RunMode::Default).unwrap());
        assert!(event_loop.close().is_ok());
    }
}

#[test]
fn pipes_are_handed_out_once_and_carry_data() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let child = Child::spawn(&lp, cat(), exits(&notes, "cat")).unwrap();
        let (mut stdin, mut stdout) = (child.take_stdin().unwrap(), child.take_stdout().unwrap());
        assert!(child.take_stdout().is_none() && child.take_stderr().is_none());
        stdin.write_all(b"there and back").unwrap();
        drop(stdin);
        let mut text = String::new();
        stdout.read_to_string(&mut text).unwrap();
        assert_eq!(text, "there and back");
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "cat code Some(0) signal None");
    }
}

#[test]
fn b87_a_child_has_its_streams_directory_and_environment_and_its_end_is_told_once() {
    for event_loop in both_ways() {
        let lp = event_loop.handle();
        let notes = Notes::default();
        let folder = std::fs::canonicalize(std::env::temp_dir()).unwrap();
        let mut command = shell("cat; pwd; echo \"$CHILD_WORD\"; echo said >&2; exit 5");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.current_dir(&folder).env("CHILD_WORD", "a word");
        let child = Child::spawn(&lp, command, exits(&notes, "sh")).unwrap();
        let stdin = Pipe::new(&lp, child.take_stdin().unwrap()).unwrap();
        stdin.write(b"given\n".to_vec(), |_, written| written.unwrap());
        stdin.shutdown(|_, ended| ended.unwrap());
        let collect = |end: Pipe| {
            lp.spawn(async move {
                let (mut end, mut all, mut buffer) = (OwnedPipe::new(end), Vec::new(), [0; 64]);
                while let read @ 1.. = end.read(&mut buffer).await.unwrap() {
                    all.extend_from_slice(&buffer[..read]);
                }
                String::from_utf8(all).unwrap()
            })
        };
        let out = collect(Pipe::new(&lp, child.take_stdout().unwrap()).unwrap());
        let errors = collect(Pipe::new(&lp, child.take_stderr().unwrap()).unwrap());
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let expected = format!("given\n{}\na word\n", folder.display());
        assert_eq!(out.try_take().unwrap().unwrap(), expected);
        assert_eq!(errors.try_take().unwrap().unwrap(), "said\n");
        assert_eq!(notes.take(), "sh code Some(5) signal None");
    }
}

#[test]
fn b87_output_and_errors_may_share_a_pipe_and_the_program_is_looked_for_in_the_childs_path() {
    use std::os::unix::process::CommandExt;
    let folder = std::env::temp_dir().join(format!("runtime-lab-child-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // A link: a program that was just written may still be open in another test's child, and then it is busy.
    std::os::unix::fs::symlink("/bin/sh", folder.join("only-the-child-finds-me")).unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap_or_default());
    for event_loop in both_ways() {
        let (lp, notes) = (event_loop.handle(), Notes::default());
        let missing = Child::spawn(&lp, Command::new("only-the-child-finds-me"), |_, _| ());
        // "Not found", or "not permitted" where a folder of our path may not be looked into.
        assert!(missing.is_err());
        let (mut ours, theirs) = std::io::pipe().unwrap();
        let mut command = Command::new("only-the-child-finds-me");
        command.arg0("sh").args(["-c", "echo out; echo error >&2; echo out again"]);
        command.env("PATH", &path).stdin(Stdio::null());
        command.stdout(theirs.try_clone().unwrap()).stderr(theirs);
        Child::spawn(&lp, command, exits(&notes, "it")).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let mut said = String::new();
        ours.read_to_string(&mut said).unwrap();
        assert_eq!(said, "out\nerror\nout again\n");
        assert_eq!(notes.take(), "it code Some(0) signal None");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn b87_a_child_of_another_user_is_refused_at_once() {
    use std::os::unix::process::CommandExt;
    let somebody = rustix::process::getuid();
    if somebody.is_root() {
        println!("skipped: root may become any user");
        return;
    }
    for event_loop in both_ways() {
        let mut command = cat();
        command.uid(0);
        let refused = Child::spawn(&event_loop.handle(), command, |_, _| ()).err().unwrap();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        assert!(event_loop.handle().handles().is_empty());
    }
}
