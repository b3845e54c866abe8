//! One trial of one exercise: built, run under limits, and judged.
//!
//! # Model
//! | what happened | verdict |
//! |---|---|
//! | the compiler refused it | did not compile |
//! | it ended with 0, and its grader wrote the token | passed |
//! | it ended with 0 without the token | main was edited: the grader was never called |
//! | it ended with 124, or its time was up and it had to be killed | timed out |
//! | anything else | failed |
//!
//! The token is a fresh number for each run. It guards against a `main` that was changed by mistake, not against somebody
//! who wants to cheat: that would be easy and of no use.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};
use experiment_kit::group::GUARD_FAILED;
use experiment_kit::supervised::{End, Rules, supervise};

use super::compile::{Built, FirstError, compile};
use super::options::Trial;
use super::output::plain;
use super::set::{Exercise, Set};
use super::threads::{self, Stood};

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    TimedOut,
    DidNotCompile,
    MainWasEdited,
}

/// A trial.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) verdict: Verdict,
    pub(crate) seed: u64,
    /// How long the program ran.
    pub(crate) took: Duration,
    /// What it printed, made safe; empty when it did not compile.
    pub(crate) output: String,
    /// When it did not compile.
    pub(crate) error: Option<FirstError>,
    /// When its own watchdog did not answer: where its threads stood (Linux).
    pub(crate) stood: Option<Vec<Stood>>,
    /// The signal that ended it.
    pub(crate) signal: Option<i32>,
}

/// The exit code with which the watchdog of the graders ends a program.
const TIME_WAS_UP: i32 = 124;
/// How much longer than its limit a program lives, so that its own watchdog speaks first.
const GRACE: Duration = Duration::from_secs(2);
const OUTPUT_BYTES: usize = 128 << 10;
/// The address space of the program: a `Vec` that grows for ever ends here, and not when the machine has no memory left.
/// Stacks of threads count, though nobody touches them, so it is generous.
pub(crate) const MEMORY_BYTES: u64 = 4 << 30;
/// What a program may know of its surroundings; who runs exercises may have secrets in the rest.
const VARIABLES: [&str; 8] =
    ["PATH", "TMPDIR", "TZ", "LANG", "LC_ALL", "TERM", "RUST_BACKTRACE", "RUST_MIN_STACK"];

/// Tries it; `None` when `stop` ended it. `show` lets the compiler speak.
pub(crate) fn try_out(
    set: &Set,
    exercise: &Exercise,
    trial: &Trial,
    show: bool,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Tried>> {
    // Six digits can be typed again by hand.
    let seed = trial.seed.unwrap_or_else(|| fresh() % 1_000_000);
    let program = match compile(set, exercise, show, stop)? {
        Built::Stopped => return Ok(None),
        Built::Refused(error) => {
            let verdict = Verdict::DidNotCompile;
            let took = Duration::ZERO;
            let output = String::new();
            return Ok(Some(Tried {
                verdict,
                seed,
                took,
                output,
                error: Some(error),
                stood: None,
                signal: None,
            }));
        }
        Built::Program(program) => program,
    };
    let token = format!("{:016x}", fresh());
    let limit = Duration::from_secs(trial.limit);
    let mut stood = None;
    let rules = Rules {
        time: limit + GRACE,
        keep_bytes: OUTPUT_BYTES,
        memory_bytes: Some(MEMORY_BYTES),
        with_errors: true,
        stop,
        last_look: &mut |processes| stood = Some(threads::of(processes)),
    };
    let done = supervise(command(&program, set, trial.limit, seed, &token), rules)?;
    let (output, has_token) = without_token(&done.output.text(), &exercise.name, &token);
    let start = format!("cannot start {}", program.display());
    if done.end == End::Exited(GUARD_FAILED.into()) && output.starts_with(&start) {
        bail!("{output}; is the folder of the builds one from which programs may run?");
    }
    let verdict = match done.end {
        End::Stopped => return Ok(None),
        End::TimeIsUp | End::Exited(TIME_WAS_UP) => Verdict::TimedOut,
        End::Exited(0) if has_token => Verdict::Passed,
        End::Exited(0) => Verdict::MainWasEdited,
        End::Exited(_) => Verdict::Failed,
    };
    let signal = match done.end {
        End::Exited(code @ 129..=192) => Some(code - 128),
        _ => None,
    };
    Ok(Some(Tried { verdict, seed, took: done.took, output, error: None, stood, signal }))
}

fn command(program: &Path, set: &Set, limit_s: u64, seed: u64, token: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(&set.root);
    for (name, _) in std::env::vars_os().filter(|(name, _)| !VARIABLES.iter().any(|known| name == known)) {
        command.env_remove(name);
    }
    command.env("LAB_SEED", seed.to_string()).env("LAB_TIME_LIMIT_S", limit_s.to_string());
    command.env("LAB_GRADE_TOKEN", token);
    command
}

/// The output without the line of the token, and whether it was there.
fn without_token(printed: &str, name: &str, token: &str) -> (String, bool) {
    let expected = format!("graded {name} {token}");
    let (is_it, rest): (Vec<&str>, Vec<&str>) = printed.lines().partition(|line| line.trim_end() == expected);
    (plain(rest.join("\n").trim_end()), !is_it.is_empty())
}

/// A number that nobody can guess: the standard library seeds its hash tables with such.
fn fresh() -> u64 {
    RandomState::new().hash_one(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_counts_only_as_a_whole_line_for_this_exercise() {
        let says = |printed: &str| without_token(printed, "a", "0f");
        assert_eq!(says("passed: a\ngraded a 0f\n"), ("passed: a".to_owned(), true));
        for not in ["graded a 0e", "graded b 0f", "x graded a 0f", "graded a 0f1", ""] {
            assert_eq!(says(not), (not.to_owned(), false));
        }
    }

    #[test]
    fn a_program_gets_few_variables_and_its_orders() {
        let set = Set { root: "/".into(), exercises: Vec::new() };
        let command = command(Path::new("p"), &set, 3, 5, "t");
        let set_here: Vec<_> =
            command.get_envs().filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?))).collect();
        assert_eq!(set_here, [("LAB_GRADE_TOKEN", "t"), ("LAB_SEED", "5"), ("LAB_TIME_LIMIT_S", "3")]);
        let removed = |name: &str| command.get_envs().any(|(one, value)| one == name && value.is_none());
        assert!(removed("CARGO_MANIFEST_DIR") && !removed("PATH"), "cargo sets the first one for tests");
    }
}
