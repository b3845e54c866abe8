//! Runs a program as the options say, and says afterwards what was asked for.

use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use clock::Clock;
use gil_interpreter::{Interrupt, Program, RunOptions};
use owo_colors::OwoColorize;
use runtime_trace::Recorder;

use super::calibration;
use super::ctrl_c;
use super::hint;
use super::options::PyOptions;
use super::pictures::Pictures;

/// Records that each thread may leave; older ones are not overwritten, and what is lost is counted.
const RECORDS_PER_THREAD: usize = 1 << 17;

/// Runs the program to its end; the result is the exit code of the process.
pub(crate) fn run(options: &PyOptions, program: &Program) -> anyhow::Result<u8> {
    let interrupt = Interrupt::default();
    ctrl_c::listen(interrupt.clone()).context("cannot listen to Ctrl-C")?;
    let recorder =
        if options.wants_recording() { Recorder::new(RECORDS_PER_THREAD) } else { Recorder::off() };
    let run_options = run_options(options, interrupt, recorder.clone())?;
    let report = gil_interpreter::run(program, run_options.clone());
    if options.wants_recording() {
        let pictures = Pictures::new(options, &report, recorder.collect());
        if options.stats {
            anstream::eprint!("{}", pictures.screen(terminal_width()));
            if let Some(calibration) = calibration::measure(&run_options) {
                let line = calibration.line(options.gil, run_options.interval, run_options.check_interval);
                anstream::eprintln!("{line}");
            }
        }
        pictures.write_files()?;
    }
    if report.exit_code == 0 && !options.quiet && std::io::stderr().is_terminal() {
        let by_cargo = std::env::var_os("CARGO").is_some();
        anstream::eprint!("{}", hint::next(options, by_cargo).dimmed());
    }
    let code = if report.timed_out && report.exit_code == 0 { 1 } else { report.exit_code };
    Ok((code & 0xff) as u8) // As the system does with the argument of exit().
}

/// What the library is told.
fn run_options(options: &PyOptions, interrupt: Interrupt, recorder: Recorder) -> anyhow::Result<RunOptions> {
    let defaults = RunOptions::default();
    Ok(RunOptions {
        policy: options.gil,
        ablations: options.ablations().map_err(anyhow::Error::msg)?,
        interval: options.interval.map_or(defaults.interval, Duration::from_micros),
        check_interval: options.check_interval.unwrap_or(defaults.check_interval),
        memory_limit_bytes: (options.memory as usize) << 20,
        time_limit: options.time_limit,
        timing: options.wants_recording(),
        recorder,
        args: options.args.clone(),
        interrupt,
        spawner: Some(super::child::spawner(options)?),
        clock: Clock::real(),
        ..defaults
    })
}

/// The columns of the terminal, as the shell tells them; 100 where nobody does.
fn terminal_width() -> usize {
    std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_usize).clamp(60, 200)
}
