//! The starvation experiment: one call from the example's `main` does all the measuring.

pub mod acts;
pub mod figures;
pub mod rules;
pub mod published;
mod options;
mod run;
mod progress;
mod picture;
mod screen;
mod files;
mod raw;
mod serve;

use std::io::ErrorKind;
use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::json;

use crate::contender::Contender;
use crate::interrupt::Interrupt;
use crate::load::client;
use crate::machine::{Machine, load_average};
use crate::report::{Raw, Report, Versions, histogram_text, timestamp};
use acts::Act;
use figures::Figures;
use options::{Options, Params};
use progress::Progress;
use run::Ran;

/// Runs the whole program: role of the load client, options, acts, verdicts, report.
///
/// `burn` does `n` iterations of the real work (pbkdf2). The first contender is the default of `--runtime`. Call this
/// first in `main`: the program is started a second time to be the load client, and what runs before runs twice.
///
/// # Panics
/// When there is no contender.
pub fn main(burn: fn(u64), contenders: &[Contender]) -> ExitCode {
    if client::is_my_role() {
        return client::main();
    }
    clock::process_start();
    let options = Options::from_arguments(contenders);
    let contender = (contenders.iter().find(|contender| contender.name == options.runtime))
        .expect("the options know the names of all contenders, of which there is at least one");
    match measure_or_serve(&options, contender, burn) {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn measure_or_serve(options: &Options, contender: &Contender, burn: fn(u64)) -> Result<ExitCode> {
    let interrupt = Interrupt::listen().context("cannot listen to signals")?;
    if options.serve.is_some() {
        serve::serve(options, contender, burn, &interrupt)?;
        return Ok(ExitCode::SUCCESS); // A signal is how serving ends.
    }
    let error = measure(options, contender, burn, &interrupt)?;
    if let Some(error) = error {
        complain(&error);
        return Ok(ExitCode::FAILURE);
    }
    Ok(interrupt.exit_code().map_or(ExitCode::SUCCESS, ExitCode::from))
}

/// Measures and reports; returns what cut the run short, after what was measured until then has been reported.
fn measure(
    options: &Options,
    contender: &Contender,
    burn: fn(u64),
    interrupt: &Interrupt,
) -> Result<Option<anyhow::Error>> {
    let progress = Progress::on_stderr();
    progress.say(&screen::question(options, screen::width()));
    files::check(&options.out)?;
    let (started, load_before) = (timestamp(clock::wall_now()), load_average());
    let ran = run::run(options, contender, burn, interrupt, &progress)?;
    progress.end();
    if options.json {
        let report = report(&ran, options, started, load_before);
        screen::print(&format!("{}\n", serde_json::to_string(&report)?))?;
    } else {
        screen::print(&screen::result(&ran, options, screen::width()))?;
    }
    files::write(&ran, options)?;
    if let Some(first) = options.out.first().filter(|_| options.open) {
        files::open(&first.path)?;
    }
    Ok(ran.error)
}

fn report(ran: &Ran, options: &Options, started_at: String, load_before: Option<f64>) -> Report {
    let histogram =
        |act: &Act| histogram_text(act.name(), ran.measured.of(*act).pings_ms.iter().flatten().copied());
    Report {
        schema: crate::report::VERSION,
        experiment: "starvation".to_owned(),
        started_at,
        complete: ran.measured.complete,
        rounds: ran.measured.rounds,
        seed: options.seed,
        params: json!(Params {
            runtime: options.runtime.clone(),
            block_ms: options.block_ms,
            rate: options.rate,
            duration_s: options.duration,
            pool_size: options.pool_size,
            chunk_us: options.chunk_us,
            act_ms: ran.plan.act.as_secs_f64() * 1e3,
            pings_per_act: ran.plan.pings,
            blocks_per_act: ran.plan.works,
            iterations_per_ms: ran.calibration.iterations_per_ms,
        }),
        cells: Act::ALL.iter().map(|act| act.name().to_owned()).collect(),
        claims: ran.claims.clone(),
        figures: json!(Figures::new(&ran.measured, &ran.server, options.block_ms as f64)),
        against: Vec::new(),
        raw: Raw {
            histograms: Act::ALL.iter().map(histogram).collect::<Vec<String>>().join("; "),
            path: options.raw.as_ref().map(|path| path.display().to_string()),
        },
        load_before,
        machine: Machine::here(),
        versions: Versions::here(),
    }
}

/// The error on stderr, with what to do about the usual ones.
fn complain(error: &anyhow::Error) {
    eprintln!("error: {}", causes(error));
    if let Some(advice) = advice(error) {
        eprintln!("{advice}");
    }
}

/// What went wrong and why, each text once: some errors repeat their cause in their own words.
fn causes(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            text.push_str(if text.is_empty() { "" } else { ": " });
            text.push_str(&cause);
        }
    }
    text
}

fn advice(error: &anyhow::Error) -> Option<&'static str> {
    let system = error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>());
    match system.map(std::io::Error::kind) {
        Some(ErrorKind::AddrInUse) => {
            Some("Another program listens on that port: choose another one, or 0 for any.")
        }
        Some(ErrorKind::PermissionDenied) => {
            Some("You may not do that: choose a port of 1024 or above, and files in a folder of yours.")
        }
        // EMFILE has this number on Linux and on macOS. The client's errors come as text, so this looks at the text.
        _ if format!("{error:#}").contains("(os error 24)") => {
            Some("No descriptors are left: raise the limit with `ulimit -n 4096`, or lower --rate.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::KitError;

    #[test]
    fn a_cause_that_is_repeated_is_printed_once() {
        let error = anyhow::anyhow!("Address already in use (os error 98)")
            .context("cannot listen on 127.0.0.1:80: Address already in use (os error 98)")
            .context("cannot start the server");
        let once =
            "cannot start the server: cannot listen on 127.0.0.1:80: Address already in use (os error 98)";
        assert_eq!(causes(&error), once);
    }

    #[test]
    fn the_usual_errors_come_with_advice() {
        let advised = |error: std::io::Error| advice(&anyhow::Error::new(error).context("cannot start"));
        assert!(advised(ErrorKind::AddrInUse.into()).unwrap().contains("choose another one"));
        assert!(advised(ErrorKind::PermissionDenied.into()).unwrap().contains("1024 or above"));
        assert!(advised(std::io::Error::from_raw_os_error(24)).unwrap().contains("ulimit -n"));
        assert_eq!(advised(std::io::Error::other("something else")), None);
        let of_the_client =
            KitError::ActFailed { message: "cannot connect: no files (os error 24)".to_owned() };
        assert!(advice(&of_the_client.into()).unwrap().contains("ulimit -n"));
    }
}
