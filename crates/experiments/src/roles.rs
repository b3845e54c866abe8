//! The roles in which a program is started again by its own experiments.
//!
//! # Model
//! | role | who starts it | what it does |
//! |---|---|---|
//! | load client | a load | sends requests on a schedule, ends with its standard input |
//! | guard | a program of a real runtime | runs it, kills it when the lab is gone |
//! | child of `multiprocessing` | a Python program on our interpreter | runs its task, ends with its socket |
//! | part of an experiment | `command` | runs a function of this crate, ends with its standard input |

use std::process::{Command, ExitCode};
use std::sync::Arc;

use experiment_kit::group;
use experiment_kit::load::{ROLE_VARIABLE, client, this_program};

use crate::event_loop;
use crate::global_lock::interpreter;

/// A part of an experiment that is a process of its own.
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// What it does, with its arguments.
    pub main: fn(&[String]) -> anyhow::Result<()>,
}

/// What the variable begins with for a part of an experiment.
const PREFIX: &str = "experiment:";

/// Does what this process was started for, if that is a role; call it first in `main`.
pub fn take() -> Option<ExitCode> {
    if client::is_my_role() {
        return Some(client::main());
    }
    if group::is_guard() {
        return Some(group::guard_main());
    }
    if let Some(code) = interpreter::take_role() {
        return Some(code);
    }
    let role = std::env::var(ROLE_VARIABLE).ok();
    if let Some(name) = role.as_deref().and_then(|role| role.strip_prefix(PREFIX)) {
        return Some(run_part(name));
    }
    group::use_guards();
    None
}

fn run_part(name: &str) -> ExitCode {
    let Some(part) = event_loop::PARTS.iter().find(|part| part.name == name) else {
        eprintln!("there is no part of an experiment called {name}");
        return ExitCode::from(2);
    };
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match (part.main)(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The command that runs `part` in a process of its own.
pub(crate) fn command(part: &Part, arguments: &[String]) -> Command {
    let mut command = Command::new(this_program());
    command.env_remove("RUNTIME_LAB_TRACE"); // The trace is the lab's: a part would write over it.
    command.env(ROLE_VARIABLE, format!("{PREFIX}{}", part.name)).args(arguments);
    command
}

/// The thread of a part that waits for the end of its standard input.
pub(crate) const WATCHER: &str = "part-stdin";

/// Ends this process when its standard input does, so that a part never outlives who started it.
///
/// # Errors
/// When the system refuses a thread.
pub(crate) fn end_with_stdin() -> anyhow::Result<()> {
    let wait = || {
        // Nothing is written to it: it ends, or breaks, which is the same.
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        std::process::exit(0);
    };
    std::thread::Builder::new().name(WATCHER.to_owned()).spawn(wait)?;
    Ok(())
}

/// The command for children of `multiprocessing` on our interpreter.
pub(crate) fn spawner(words: Vec<String>) -> gil_interpreter::Spawner {
    Arc::new(move || {
        let mut command = Command::new(this_program());
        command.env(ROLE_VARIABLE, interpreter::ROLE).args(&words);
        command
    })
}
