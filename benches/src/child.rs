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
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The task in this variable makes the program a child.
const TASK: &str = "RUNTIME_LAB_BENCH_TASK";

/// Runs `task` in a new process of this program and waits for what it found.
///
/// # Errors
/// When the process cannot be started, fails, or says something else.
pub fn run<T: Serialize, Found: DeserializeOwned>(task: &T) -> Result<Found> {
    let program = std::env::current_exe().context("cannot find this program to start it again")?;
    let child = Command::new(program)
        .env(TASK, serde_json::to_string(task)?)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start this program again")?;
    let mut child = KillOnDrop(child);
    let mut answer = String::new();
    child.0.stdout.take().expect("it is piped").read_to_string(&mut answer)?;
    let status = child.0.wait()?;
    ensure!(status.success(), "the child process ended with {status}");
    serde_json::from_str(&answer).with_context(|| format!("the child process said {answer:?}"))
}

struct KillOnDrop(Child);

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
