//! A part of a bench in a process of its own: this program, started again with a task.
//!
//! # Model
//! | parent | child |
//! |---|---|
//! | starts its own program with the task, as JSON, in a variable | `main` finds the task first of all |
//! | reads what the child prints, to the end | does it, prints what it found as JSON, ends |
//!
//! A child gets tasks that end by themselves, so none is left behind when its parent is killed.

use std::io::Read;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The task in this variable makes the program a child.
const TASK: &str = "RUNTIME_LAB_BENCH_TASK";

/// Runs `task` in a new process of this program and waits for what it found.
///
/// # Errors
/// When the process cannot be started, fails, or says something else.
pub fn run<T: Serialize, Found: DeserializeOwned>(task: &T) -> Result<Found> {
    run_within(task, None)
}

/// The same for a task that may hang: its process is ended after `limit`.
///
/// # Errors
/// As [`run`], and when the time is over.
pub fn run_within<T: Serialize, Found: DeserializeOwned>(task: &T, limit: Option<Duration>) -> Result<Found> {
    let mut command = command(task)?();
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
    let mut child = KillOnDrop(child.context("cannot start this program again")?);
    let answer = read_within(child.0.stdout.as_mut().expect("it is piped"), limit)?;
    let status = child.0.wait()?;
    ensure!(status.success(), "the child process ended with {status}");
    serde_json::from_str(&answer).with_context(|| format!("the child process said {answer:?}"))
}

/// Makes commands that start this program again with `task`.
///
/// # Errors
/// When this program does not find itself, or the task cannot be written.
pub fn command<T: Serialize>(task: &T) -> Result<impl Fn() -> Command + Send + Sync + 'static> {
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let task = serde_json::to_string(task)?;
    Ok(move || {
        let mut command = Command::new(&program);
        command.env(TASK, &task);
        command
    })
}

/// Reads what a child prints, to the end; an error when that is later than `limit` from now.
///
/// # Errors
/// When the time is over, or the pipe breaks.
pub fn read_within(stdout: &mut ChildStdout, limit: Option<Duration>) -> Result<String> {
    let clock = Clock::real();
    let deadline = limit.map(|limit| clock.now() + limit);
    let mut text = Vec::new();
    let mut block = [0; 4096];
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(clock.now()));
        if left.is_some_and(|left| left.is_zero()) {
            bail!("it has not ended after {} s", limit.unwrap_or_default().as_secs());
        }
        let left = left.map(Timespec::try_from).transpose().context("the limit is too long")?;
        let ready = poll(&mut [PollFd::new(&*stdout, PollFlags::IN)], left.as_ref());
        if matches!(ready, Ok(0) | Err(rustix::io::Errno::INTR)) {
            continue;
        }
        ready?;
        match stdout.read(&mut block)? {
            0 => break,
            count => text.extend_from_slice(&block[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A child that does not outlive its owner.
pub(crate) struct KillOnDrop(pub(crate) Child);

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        // Both fail only when it has ended and been waited for already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// If this process is a child: does its task with `work`, prints what that found, and returns `true`. The first call in
/// `main`.
///
/// # Errors
/// Those of `work`, and a variable that another program has set.
pub fn main_if_child<T: DeserializeOwned, Found: Serialize>(
    work: impl FnOnce(T) -> Result<Found>,
) -> Result<bool> {
    let Ok(task) = std::env::var(TASK) else { return Ok(false) };
    let task = serde_json::from_str(&task).with_context(|| format!("{TASK} is set by this program only"))?;
    println!("{}", serde_json::to_string(&work(task)?)?);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_prints_is_read_to_its_end() {
        let child = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn().unwrap();
        let mut child = KillOnDrop(child);
        let text = read_within(&mut child.0.stdout.take().unwrap(), Some(Duration::from_secs(60))).unwrap();
        assert_eq!(text, "hello\n");
    }

    #[test]
    fn a_child_that_does_not_end_is_given_up() {
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut child = KillOnDrop(child);
        let error =
            read_within(&mut child.0.stdout.take().unwrap(), Some(Duration::from_millis(1))).unwrap_err();
        assert!(error.to_string().contains("has not ended"), "{error}");
    }
}
