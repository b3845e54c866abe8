//! Runs the loom models of `sync-protocols`, in a build of their own.
//!
//! # Model
//! `--cfg loom` replaces the primitives of the whole build, so it has a target folder of its own: switching
//! back and forth then rebuilds nothing. Release, because a model runs the same code many thousand times.

use std::process::Stdio;

use anyhow::{Result, bail};

use crate::process;

/// Options of `cargo xtask loom`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Run only the models whose name contains this
    filter: Option<String>,
    /// Bound the number of forced switches of a model: quicker, and no longer a proof
    #[arg(long, value_name = "N")]
    preemptions: Option<u32>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut command = process::cargo();
    command.args(["test", "--release", "--package", "sync-protocols", "--lib", "--tests"]);
    command.args(["--target-dir", "target/loom"]).env("RUSTFLAGS", "--cfg loom").stderr(Stdio::inherit());
    command.env("CARGO_PROFILE_RELEASE_DEBUG", "0"); // A model names its place by itself; it compiles sooner without.
    command.arg("--").args(&options.filter);
    if let Some(bound) = options.preemptions {
        command.env("LOOM_MAX_PREEMPTIONS", bound.to_string());
    }
    let output = process::capture(&mut command)?;
    let printed = process::text(&output);
    print!("{printed}");
    if !output.status.success() {
        bail!("a model found an interleaving that breaks its protocol; see above");
    }
    match process::passed_tests(&printed) {
        0 => bail!("no model ran: check the name, and that the models are compiled with `--cfg loom`"),
        models => println!("loom: {models} tests and models passed"),
    }
    Ok(())
}
