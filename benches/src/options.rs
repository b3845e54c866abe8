//! The command line of the benches that criterion does not run.
//!
//! # Model
//! `cargo bench -- ARGS` hands the same arguments to every bench, so each must accept what the others understand.
//! What is criterion's alone is accepted here and has no effect. As for criterion, `--bench`, which cargo adds, means
//! that it is to be measured; without it (`cargo test --benches`) everything runs once, shortly, to see that it works.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{ArgAction, Parser};

/// What the command line asks for.
#[derive(Debug, Parser)]
#[command(about = "One of the benches of runtime-lab", disable_version_flag = true)]
pub struct Options {
    /// Run only what has this text in its name
    #[arg(value_name = "FILTER")]
    filter: Option<String>,
    /// FILTER is the whole name
    #[arg(long)]
    exact: bool,
    /// Measure fewer rounds
    #[arg(long)]
    pub quick: bool,
    /// Also compare with every other CPython that is found
    #[arg(long)]
    pub all: bool,
    /// Also write the figures as JSON; a relative PATH counts from the target directory
    #[arg(long, value_name = "PATH")]
    json: Option<PathBuf>,
    /// Print the names and run nothing
    #[arg(long)]
    list: bool,
    #[arg(long, hide = true)]
    bench: bool,
    #[arg(long, hide = true)]
    test: bool,
    #[command(flatten)]
    of_criterion: OfCriterion,
}

/// Arguments that only criterion understands.
#[derive(Debug, clap::Args)]
struct OfCriterion {
    #[arg(short = 'v', long, hide = true)]
    verbose: bool,
    #[arg(long, hide = true)]
    quiet: bool,
    #[arg(short = 'n', long, hide = true)]
    noplot: bool,
    #[arg(long, hide = true)]
    discard_baseline: bool,
    #[arg(long, hide = true)]
    ignored: bool,
    #[arg(long, hide = true)]
    include_ignored: bool,
    #[arg(long, hide = true)]
    nocapture: bool,
    #[arg(long, hide = true)]
    show_output: bool,
    #[arg(long, hide = true)]
    profile_time: Option<f64>,
    #[arg(short = 'c', long, alias = "colour", hide = true)]
    color: Option<String>,
    #[arg(short = 's', long, hide = true)]
    save_baseline: Option<String>,
    #[arg(short = 'b', long, hide = true)]
    baseline: Option<String>,
    #[arg(long, hide = true)]
    baseline_lenient: Option<String>,
    #[arg(long, hide = true)]
    load_baseline: Option<String>,
    #[arg(long, hide = true)]
    format: Option<String>,
    #[arg(long, hide = true)]
    plotting_backend: Option<String>,
    #[arg(long, hide = true)]
    output_format: Option<String>,
    #[arg(long, hide = true, action = ArgAction::Append)]
    sample_size: Vec<usize>,
    #[arg(long, hide = true)]
    warm_up_time: Option<f64>,
    #[arg(long, hide = true)]
    measurement_time: Option<f64>,
    #[arg(long, hide = true)]
    nresamples: Option<usize>,
    #[arg(long, hide = true)]
    noise_threshold: Option<f64>,
    #[arg(long, hide = true)]
    confidence_level: Option<f64>,
    #[arg(long, hide = true)]
    significance_level: Option<f64>,
}

/// What to do with what the filter lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Measure it.
    Measure,
    /// Run it once, shortly.
    Try,
    /// Print its name.
    List,
    /// Nothing: the figures come from elsewhere (`--load-baseline`) or a profiler is looking at criterion's benches.
    Nothing,
}

impl Options {
    /// The options of this process; on bad usage it ends with clap's message.
    pub fn from_args() -> Options {
        Options::parse()
    }

    /// What to do.
    pub fn mode(&self) -> Mode {
        if self.list {
            Mode::List
        } else if self.of_criterion.profile_time.is_some() || self.of_criterion.load_baseline.is_some() {
            Mode::Nothing
        } else if self.bench && !self.test {
            Mode::Measure
        } else {
            Mode::Try
        }
    }

    /// Whether `name` is asked for.
    pub fn matches(&self, name: &str) -> bool {
        match &self.filter {
            None => true,
            Some(filter) if self.exact => filter == name,
            Some(filter) => name.contains(filter),
        }
    }

    /// Writes the figures where `--json` says; where that was, if it was given.
    ///
    /// # Errors
    /// When the file or its folders cannot be written.
    pub fn write_json(&self, figures: &impl serde::Serialize) -> Result<Option<PathBuf>> {
        let Some(asked) = &self.json else { return Ok(None) };
        let path = target_directory(&std::env::current_exe()?).join(asked);
        let text = serde_json::to_string_pretty(figures)? + "\n";
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(&path, text))
            .with_context(|| format!("cannot write {}; give --json another path", path.display()))?;
        Ok(Some(path))
    }
}

/// Cargo puts a bench at `target/release/deps/NAME-HASH` and starts it in the folder of its package.
fn target_directory(program: &Path) -> &Path {
    program.ancestors().nth(3).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(args: &[&str]) -> Options {
        Options::try_parse_from([&["bench"], args].concat()).unwrap()
    }

    #[test]
    fn cargo_bench_measures_and_anything_else_only_tries() {
        assert_eq!(options(&["--bench"]).mode(), Mode::Measure);
        assert_eq!(options(&[]).mode(), Mode::Try);
        assert_eq!(options(&["--bench", "--test"]).mode(), Mode::Try);
        assert_eq!(options(&["--bench", "--list", "--format", "terse"]).mode(), Mode::List);
        assert_eq!(options(&["--bench", "--profile-time", "5"]).mode(), Mode::Nothing);
    }

    #[test]
    fn what_criterion_understands_is_accepted() {
        for line in [
            "no-op --save-baseline main --bench",
            "-n -v -c never --measurement-time 2.5 --sample-size 10 --bench",
            "--baseline main --nresamples 1000 --noise-threshold 0.05 --bench",
        ] {
            assert_eq!(options(&line.split(' ').collect::<Vec<_>>()).mode(), Mode::Measure, "{line}");
        }
        assert!(Options::try_parse_from(["bench", "--no-such-thing"]).is_err());
    }

    #[test]
    fn the_filter_is_a_part_of_the_name_or_all_of_it() {
        assert!(options(&[]).matches("wait/no-op/fifo/8"));
        assert!(options(&["no-op/fifo"]).matches("wait/no-op/fifo/8"));
        assert!(!options(&["http"]).matches("wait/no-op/fifo/8"));
        assert!(!options(&["--exact", "no-op"]).matches("wait/no-op/fifo/8"));
        assert!(options(&["--exact", "wait/no-op/fifo/8"]).matches("wait/no-op/fifo/8"));
    }

    #[test]
    fn relative_paths_of_json_count_from_the_target_directory() {
        let program = Path::new("/lab/target/release/deps/pool_latency-0123");
        assert_eq!(target_directory(program).join("waits.json"), Path::new("/lab/target/waits.json"));
    }
}
