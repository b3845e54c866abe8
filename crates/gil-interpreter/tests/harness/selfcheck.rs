//! The harness before it judges others: each of its detectors is shown something that it must find.

use std::process::Command;
use std::time::Duration;

use super::diff::diff;
use super::outcome::outcome_of;

/// A check of the harness.
pub(crate) type Check = fn() -> Result<(), String>;

/// Each check by its name.
pub(crate) const CHECKS: [(&str, Check); 5] = [
    ("an_outcome_has_output_exit_code_and_last_line", outcome_has_three_parts),
    ("a_program_that_hangs_is_ended", hanging_is_ended),
    ("a_process_that_is_left_behind_is_found", left_behind_is_found),
    ("a_signal_is_not_an_exit_code", signal_is_a_failure),
    ("a_diff_shows_only_what_differs", diff_is_short),
];

/// Long enough for a shell to start on a loaded machine.
const PLENTY: Duration = Duration::from_secs(60);
/// Shorter than what must be found to take too long.
const SHORT: Duration = Duration::from_millis(200);

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn expect(found: Result<String, String>, expected: Result<&str, &str>) -> Result<(), String> {
    let same = match (&found, expected) {
        (Ok(found), Ok(expected)) => found == expected,
        (Err(found), Err(part)) => found.contains(part),
        _ => false,
    };
    if same { Ok(()) } else { Err(format!("expected {expected:?}, found {found:?}")) }
}

fn outcome_has_three_parts() -> Result<(), String> {
    let output = "echo one; printf two; echo first >&2; echo last >&2; exit 3";
    expect(outcome_of(shell(output), PLENTY), Ok("one\ntwo\n--- no newline at the end\n--- exit 3: last\n"))?;
    expect(outcome_of(shell("exit 0"), PLENTY), Ok("--- exit 0:\n"))
}

fn hanging_is_ended() -> Result<(), String> {
    expect(outcome_of(shell("while :; do :; done"), SHORT), Err("still running"))
}

fn left_behind_is_found() -> Result<(), String> {
    expect(outcome_of(shell("(while :; do :; done) & exit 0"), SHORT), Err("still running"))
}

fn signal_is_a_failure() -> Result<(), String> {
    expect(outcome_of(shell("kill -9 $$"), PLENTY), Err("ended by signal: 9"))
}

fn diff_is_short() -> Result<(), String> {
    let shown = |a, b| diff(a, b).ok_or_else(|| "nothing differs".to_owned());
    expect(shown("a\nb\nc\nd\n", "a\nb\nX\nd\n"), Ok("  b\n- c\n+ X\n"))?;
    expect(shown("a\nb\n", "a\nnew\nb\n"), Ok("  a\n+ new\n"))?;
    expect(shown("a\n", ""), Ok("- a\n"))?;
    expect(shown("same\n", "same\n"), Err("nothing differs"))
}
