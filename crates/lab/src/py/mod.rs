//! `lab py`: runs a Python file under a chosen lock, and shows what the lock did.
//!
//! # Model
//! ```text
//! options --read, compile--> program --run--> exit code
//!               |               |       '---> stats, pictures, trace
//!           refusals (2)     listing
//! ```

pub(crate) mod options;
pub(crate) mod words;
mod cpython;
mod listing;
mod spread;
pub(crate) mod lock_lanes;
mod calibration;
mod pictures;
mod hint;
mod ctrl_c;
mod run;
mod child;

use std::fs::File;
use std::io::{Read, Write};

use anyhow::Context;
use gil_interpreter::{Program, Refusal};
use owo_colors::OwoColorize;

use listing::Unit;
use options::PyOptions;

/// The exit code of bad usage and of programs outside the subset.
const REFUSED: u8 = 2;
/// More is not even read; what the language allows is less.
const SOURCE_MAX_BYTES: u64 = 16 << 20;

/// Does what was asked for and says with which code the process ends.
pub(crate) fn command(options: &PyOptions) -> anyhow::Result<u8> {
    let source = read(options)?;
    let Some(program) = compile(options, &source) else { return Ok(REFUSED) };
    if options.dis { show_listing(options, &source, &program) } else { run::run(options, &program) }
}

fn read(options: &PyOptions) -> anyhow::Result<String> {
    let shown = options.file.display();
    let mut bytes = Vec::new();
    let file = File::open(&options.file).with_context(|| format!("cannot read {shown}"))?;
    file.take(SOURCE_MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {shown}"))?;
    anyhow::ensure!(
        bytes.len() as u64 <= SOURCE_MAX_BYTES,
        "{shown} is larger than 16 MiB, so it is no program"
    );
    String::from_utf8(bytes).map_err(|_| anyhow::anyhow!("{shown} is not UTF-8, as Python source must be"))
}

/// `None` when it was refused, which has been said.
fn compile(options: &PyOptions, source: &str) -> Option<Program> {
    let compiled = Program::compile(&options.file.display().to_string(), source);
    compiled.map_err(|refusals| say_refused(&refusals)).ok()
}

/// Every place that is outside the subset, as compilers show them.
fn say_refused(refusals: &[Refusal]) {
    for refusal in refusals {
        let text = refusal.to_string();
        let (head, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let end = if rest.trim().is_empty() { "\n" } else { "\n\n" };
        anstream::eprint!("{}\n{}{end}", head.bold(), rest.trim_end());
    }
    let places =
        if refusals.len() == 1 { "1 place".to_owned() } else { format!("{} places", refusals.len()) };
    anstream::eprintln!("{} the program was not started: {places} to change", "refused:".red().bold());
}

fn show_listing(options: &PyOptions, source: &str, program: &Program) -> anyhow::Result<u8> {
    let ours = program.listing().into_iter().map(|code| {
        let mut unit = Unit::new(&code.name);
        for one in code.instructions {
            unit.push(one.line, &format!("{:>4} {}", one.index, one.text));
        }
        unit
    });
    let ours: Vec<Unit> = ours.collect();
    let theirs = cpython::bytecode(&options.file);
    let beside = theirs.as_ref().ok().map(|theirs| (theirs.version.as_str(), theirs.units.as_slice()));
    let page = listing::beside(source, &ours, beside);
    if let Err(error) = std::io::stdout().write_all(page.as_bytes()) {
        // Whoever pages through it may stop reading.
        return if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(0) } else { Err(error.into()) };
    }
    if let Err(reason) = theirs {
        anstream::eprintln!("note: {reason}");
    }
    Ok(0)
}
