//! Other programs, started from the root of the repository, with errors that name the command.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// The folder that holds the workspace's Cargo.toml.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lives below the root").to_owned()
}

/// The cargo that runs this chore, at the root, without the variables that describe this very run.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            command.env_remove(name);
        }
    }
    command
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs to the end with the terminal attached.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start `{}`", shown(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", shown(command));
    }
    Ok(())
}

/// Runs to the end and returns what it printed, whatever its exit code.
pub(crate) fn capture(command: &mut Command) -> Result<Output> {
    command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{}`", shown(command)))
}

/// Both streams of a finished program as text.
pub(crate) fn text(output: &Output) -> String {
    let streams = [&output.stdout, &output.stderr];
    streams.map(|bytes| String::from_utf8_lossy(bytes)).concat()
}

/// The number of tests that passed in everything that cargo's test runner printed.
pub(crate) fn passed_tests(printed: &str) -> usize {
    let results = printed.lines().filter_map(|line| line.trim().strip_prefix("test result: ok. "));
    results.filter_map(|rest| rest.split_once(" passed")?.0.parse::<usize>().ok()).sum()
}

#[test]
fn passed_tests_are_added_up() {
    let printed =
        "running 2 tests\ntest result: ok. 2 passed; 0 failed;\n\ntest result: ok. 13 passed; 0 failed\n";
    assert_eq!(passed_tests(printed), 15);
    assert_eq!(passed_tests("test result: FAILED. 2 passed; 1 failed"), 0);
    assert_eq!(passed_tests("no tests at all"), 0);
}

#[test]
fn a_program_that_fails_is_an_error_that_names_it() {
    let error = run(cargo().args(["no-such-command-here"]).stderr(Stdio::null())).unwrap_err();
    assert!(error.to_string().contains("no-such-command-here"), "{error}");
}
