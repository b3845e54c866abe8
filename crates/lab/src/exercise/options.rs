//! The options of `lab exercise`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

const EXAMPLES: &str = "\
Examples:
  lab exercise                        which exercises there are, and what to do next
  lab exercise watch                  check the next one again at each save
  lab exercise check timer_heap       build it, run it under a time limit, say whether it passes
  lab exercise hint timer_heap        a first hint; --level 2 says more

Exit codes: 0 passed or done, 1 failed, 2 bad usage, 130 stopped by Ctrl-C.";

/// Solve exercises that are graded by what your program does
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExerciseOptions {
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    /// The folder with info.toml; without it, `exercises` here or in a folder above
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Speak Korean, as also when LANG begins with ko
    #[arg(long, global = true)]
    pub(crate) ko: bool,
}

/// What to do with exercises.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Action {
    List(ListOptions),
    Check(CheckOptions),
    Watch(WatchOptions),
    Hint(HintOptions),
    Reset(ResetOptions),
}

/// List the exercises, and which are done
#[derive(Args, Clone, Debug)]
pub(crate) struct ListOptions {
    /// Print one JSON object instead of the table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Build an exercise, run it under a time limit, and say whether it passes
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckOptions {
    /// The exercise: its name, number or file; the next one that is not done without
    pub(crate) name: Option<String>,
    /// Check every exercise; what was done and fails now is taken back
    #[arg(long, conflicts_with = "name")]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) trial: Trial,
    /// Print the result as one JSON object; places in it are told from the folder of the exercises
    #[arg(long)]
    pub(crate) json: bool,
}

/// How a program is tried.
#[derive(Args, Clone, Debug)]
pub(crate) struct Trial {
    /// Repeat the values and schedules of this seed; a fresh one without
    #[arg(long)]
    pub(crate) seed: Option<u64>,
    /// Seconds that the program may run
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) limit: u64,
}

/// Check an exercise again at each save
#[derive(Args, Clone, Debug)]
pub(crate) struct WatchOptions {
    /// The exercise: its name, number or file; the next one that is not done without
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) trial: Trial,
    /// Look at the file a few times a second, where the system does not report saves (network folders, containers)
    #[arg(long)]
    pub(crate) poll: bool,
}

/// Show a hint; the first of several levels
#[derive(Args, Clone, Debug)]
pub(crate) struct HintOptions {
    /// The exercise: its name, number or file; the next one that is not done without
    pub(crate) name: Option<String>,
    /// Which hint; each says more than the one before
    #[arg(long, default_value_t = 1)]
    pub(crate) level: usize,
}

/// Put the original file of an exercise back; yours is kept beside the set
#[derive(Args, Clone, Debug)]
pub(crate) struct ResetOptions {
    /// The exercise: its name, number or file
    pub(crate) name: String,
}
