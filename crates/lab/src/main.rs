//! The `lab` command: each part of the laboratory by one word, beginning with `lab py`.
//!
//! # Model
//! ```text
//! words --cli--> what is asked for --py--> exit code
//! ```
//! Exit codes of every command: 0 done, 1 something went wrong, 2 bad usage; a program that ran ends with its own.

mod cli;
mod py;

use std::process::ExitCode;

/// A program of the interpreter makes and frees small objects all the time, and frees them in sweeps: the system's
/// allocator spends a third of such a run, this one half as much. CPython has an allocator of its own too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use owo_colors::OwoColorize;

fn main() -> ExitCode {
    let options = match cli::parse(std::env::args_os().collect()) {
        Ok(options) => options,
        Err(refused) => refused.exit(), // Help ends with 0, bad usage with 2.
    };
    match py::command(&options) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            anstream::eprintln!("{} {error:#}", "error:".red().bold());
            ExitCode::from(1)
        }
    }
}
