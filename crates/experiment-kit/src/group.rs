//! A program and its children as one group: started together, killed together, and never left behind.
//!
//! # Model
//! ```text
//! lab ──starts──▶ guard (this program again, in a role) ──starts──▶ program ──▶ its children     one process group
//!      ╰─ its standard input: while it is open the guard lets them live ─╯
//! ```
//! When the group is dropped it is killed. When the lab itself is killed, nobody drops anything; then the guard's standard
//! input ends, and the guard kills the group that it is in. A program that leaves its process group leaves this model.

use std::ffi::OsString;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ChildStdin, Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitId, WaitIdOptions, kill_process_group, setrlimit, waitid,
};

use crate::load::{ROLE_VARIABLE, this_program};

/// A child in a process group of its own, which is killed as a whole when this is dropped.
pub(crate) struct Group {
    pub(crate) child: Child,
    /// While it is open the guard lets the program live; see [`guard_main`].
    lifeline: Option<ChildStdin>,
    /// Whether its first process was collected: from then on its number may be another's.
    ended: bool,
    /// Whether that first process is a guard.
    is_guarded: bool,
}

impl Group {
    pub(crate) fn start(command: &mut Command, stdout: Stdio, stderr: Stdio) -> Result<Group> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut guarded = under_guard(command);
        let mut child = guarded
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(stdout)
            .stderr(stderr)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let lifeline = child.stdin.take();
        let is_guarded =
            guarded.get_envs().any(|(name, value)| name == ROLE_VARIABLE && value == Some(GUARD.as_ref()));
        Ok(Group { child, lifeline, ended: false, is_guarded })
    }

    /// Whether the first process has ended. It is not collected yet: its number, which is the group's, cannot become
    /// another's meanwhile.
    pub(crate) fn has_ended(&self) -> Result<bool> {
        let Some(leader) = self.leader() else { return Ok(true) };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        Ok(waitid(WaitId::Pid(leader), options).context("cannot wait for a program")?.is_some())
    }

    fn leader(&self) -> Option<Pid> {
        Pid::from_raw(i32::try_from(self.child.id()).ok()?)
    }

    /// The processes of the program, without its guard (Linux; elsewhere none is told).
    pub(crate) fn processes(&self) -> Vec<u32> {
        let mut found = vec![self.child.id()];
        let mut next = 0;
        while let Some(pid) = found.get(next) {
            found.extend(children(*pid));
            next += 1;
        }
        if self.is_guarded || !cfg!(target_os = "linux") {
            found.remove(0);
        }
        found
    }

    pub(crate) fn end(&mut self) -> std::io::Result<ExitStatus> {
        drop(self.lifeline.take());
        if let Some(leader) = self.leader() {
            // Whoever has ended already need not be told.
            let _ = kill_process_group(leader, Signal::KILL);
        }
        self.ended = true;
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.ended {
            // Killed children are collected in any case; how they ended is of no use here.
            let _ = self.end();
        }
    }
}

/// The children of a process, whichever of its threads started them, as Linux tells them.
pub(crate) fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| std::fs::read_to_string(thread.path().join("children")));
    let words = lists
        .flat_map(|list| list.unwrap_or_default().split_whitespace().map(str::parse).collect::<Vec<_>>());
    words.flatten().collect()
}

/// The value of [`ROLE_VARIABLE`] for a guard.
const GUARD: &str = "guard";

static GUARDED: AtomicBool = AtomicBool::new(false);

/// From now on programs are started under a guard: this program again, which must call [`guard_main`] in its role.
pub fn use_guards() {
    GUARDED.store(true, Ordering::SeqCst);
}

/// Whether this process was started as a guard.
pub fn is_guard() -> bool {
    std::env::var_os(ROLE_VARIABLE).is_some_and(|role| role == GUARD)
}

/// The same command under a guard, where guards are used. This program in a role needs none: it ends with its standard
/// input by itself.
fn under_guard(command: &mut Command) -> Command {
    let (program, arguments) = (command.get_program().to_owned(), command.get_args().map(OsString::from));
    let arguments: Vec<OsString> = arguments.collect();
    let has_role = command.get_envs().any(|(name, value)| name == ROLE_VARIABLE && value.is_some());
    let mut outer = if GUARDED.load(Ordering::SeqCst) && !has_role {
        let mut outer = Command::new(this_program());
        outer.env(ROLE_VARIABLE, GUARD).arg(program);
        outer
    } else {
        Command::new(program)
    };
    outer.args(arguments);
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

/// Tells a guard how large the address space of its program may be, in bytes.
const MEMORY_VARIABLE: &str = "RUNTIME_LAB_MEMORY_BYTES";

/// Limits the address space of each process of `command`, if it runs under a guard.
pub(crate) fn limit_memory(command: &mut Command, bytes: u64) {
    command.env(MEMORY_VARIABLE, bytes.to_string());
}

/// The guard limits itself, and the program inherits that: so nothing runs between fork and exec. Only Linux keeps to it.
fn take_memory_limit() {
    let told = std::env::var(MEMORY_VARIABLE).ok().and_then(|bytes| bytes.parse().ok());
    if let Some(bytes) = told.filter(|_| cfg!(target_os = "linux")) {
        let limit = Rlimit { current: Some(bytes), maximum: Some(bytes) };
        // Where a lower limit stands already, that one holds.
        let _ = setrlimit(Resource::As, limit);
    }
}

/// The exit code, or 128 and the number of the signal that ended the program, as shells say it.
pub(crate) fn code_of(status: ExitStatus) -> i32 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.unwrap_or(GUARD_FAILED.into())
}

/// The main function of a guard: runs the command in its arguments, and kills the whole group, itself included, when its
/// standard input ends. So a program does not outlive a lab that was killed.
///
/// # Threads
/// `guard-lifeline` reads standard input to its end; the main thread waits for the program. Nobody joins the reader: it
/// ends with the process.
pub fn guard_main() -> ExitCode {
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else { return ExitCode::from(2) };
    let lifeline = std::thread::Builder::new().name("guard-lifeline".to_owned()).spawn(|| {
        // Nothing is ever written to it: it ends, or breaks, which is the same.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        let _ = kill_process_group(rustix::process::getpgrp(), Signal::KILL);
    });
    take_memory_limit();
    let mut child = Command::new(&program);
    child.args(words).env_remove(ROLE_VARIABLE).env_remove(MEMORY_VARIABLE).stdin(Stdio::null());
    // Without its guard the program is not started at all.
    if let Err(error) = lifeline {
        eprintln!("cannot start the thread of a guard: {error}");
        return ExitCode::from(GUARD_FAILED);
    }
    match child.status() {
        Ok(status) => ExitCode::from(u8::try_from(code_of(status)).unwrap_or(GUARD_FAILED)),
        Err(error) => {
            eprintln!("cannot start {}: {error}", program.to_string_lossy());
            ExitCode::from(GUARD_FAILED)
        }
    }
}

/// What a guard ends with when it could not start its program, and then the last line of standard error says why. A program may
/// end with it, too.
pub const GUARD_FAILED: u8 = 125;
