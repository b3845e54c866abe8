//! Programs as texts, run in this process with what they print kept in memory.

#![allow(dead_code, reason = "each file of tests uses a part of it")]

use std::time::Duration;

use gil_interpreter::gil::Policy;
use gil_interpreter::{Interrupt, Output, Program, RunOptions, run};

/// Long enough for every program here on a loaded machine; a program that needs it hangs.
pub(crate) const HANGS: Duration = Duration::from_secs(120);

/// What a run came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) exit_code: i32,
    pub(crate) timed_out: bool,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// How a program is run.
pub(crate) struct Limits {
    pub(crate) policy: Policy,
    pub(crate) memory_bytes: usize,
    pub(crate) time: Duration,
}

impl Limits {
    /// Enough of everything.
    pub(crate) fn plenty(policy: Policy) -> Limits {
        Limits { policy, memory_bytes: 1 << 30, time: HANGS }
    }
}

/// Runs a program to its end. `meanwhile` runs beside it and gets what it prints to and its Ctrl-C.
///
/// # Panics
/// Panics when the program is refused.
pub(crate) fn run_beside(
    source: &str,
    limits: &Limits,
    meanwhile: impl FnOnce(&Output, &Interrupt),
) -> Outcome {
    let program = match Program::compile("program.py", source) {
        Ok(program) => program,
        Err(refusals) => panic!("refused: {}\n{source}", refusals[0]),
    };
    let (output, interrupt) = (Output::captured(), Interrupt::default());
    let options = RunOptions {
        policy: limits.policy,
        memory_limit_bytes: limits.memory_bytes,
        time_limit: Some(limits.time),
        output: output.clone(),
        interrupt: interrupt.clone(),
        ..RunOptions::default()
    };
    let report = std::thread::scope(|scope| {
        let running = scope.spawn(|| run(&program, options));
        meanwhile(&output, &interrupt);
        running.join().expect("a run does not panic")
    });
    let (out, err) = output.captured_text();
    Outcome { exit_code: report.exit_code, timed_out: report.timed_out, out, err }
}

/// Runs a program to its end.
pub(crate) fn outcome(source: &str, limits: &Limits) -> Outcome {
    run_beside(source, limits, |_, _| ())
}
