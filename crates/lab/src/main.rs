//! The `lab` command: each part of the laboratory by one word.
//!
//! # Model
//! ```text
//! words --cli--> what is asked for --evidence, py or exercise--> exit code
//! ```
//! Exit codes of every command: 0 done, 1 something went wrong, 2 bad usage, 3 a verdict is not the expected one; a
//! program that ran ends with its own. This program is also started again in the roles of its experiments.

mod cli;
mod evidence;
mod py;
mod exercise;
#[cfg(test)]
mod printed;

use std::process::ExitCode;

/// A program of the interpreter makes and frees small objects all the time, and frees them in sweeps: the system's
/// allocator spends a third of such a run, this one half as much. CPython has an allocator of its own too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use cli::Command;
use owo_colors::OwoColorize;

fn main() -> ExitCode {
    if let Some(code) = experiments::roles::take() {
        return code;
    }
    clock::process_start();
    let command = match cli::parse(std::env::args_os().collect()) {
        Ok(command) => command,
        Err(refused) => refused.exit(), // Help ends with 0, bad usage with 2.
    };
    let done = match &command {
        Command::List(options) => evidence::list::command(options),
        Command::Run(options) => evidence::run::command(options),
        Command::Verify(options) => evidence::verify::command(options),
        Command::Crosscheck(options) => evidence::crosscheck::command(options),
        Command::Report(options) => evidence::report::command(options),
        Command::Py(options) => py::command(options),
        Command::Exercise(options) => exercise::command(options),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("{} {error:#}", "error:".red().bold());
            ExitCode::from(1)
        }
    }
}
