//! Runs the tests of the thread protocols and of the pool under the thread sanitizer, where it works.
//!
//! # Model
//! The sanitizer is a compiler option that is not stable, so the chore first tries it on a control: a race
//! that must be reported, and the same program under a lock that must not. Where the control fails, the
//! chore says so and ends without an error, because nothing is wrong with the project.
//!
//! The standard library is not rebuilt, so the sanitizer sees only a part of what its locks and channels do
//! and reports races that are none. That is why this is a chore for people and no part of the gate, why it
//! runs in release (far fewer such reports), why tests run one after another, and why the runner of the tests
//! is suppressed.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process;

/// What is run, and which of its tests. The pool's own test programs meet at std's mutexes, condition variables and
/// channels, which the sanitizer reports though they are right; so of the pool only the tests inside the crate run.
const PACKAGES: [(&str, &[&str]); 3] = [
    ("sync-protocols", &["--lib", "--tests"]),
    ("runtime-trace", &["--lib", "--tests"]),
    ("blocking-pool", &["--lib"]),
];
const FLAGS: [&str; 2] = ["-Zsanitizer=thread", "-Cunsafe-allow-abi-mismatch=sanitizer"];
/// The exit code of a program in which the sanitizer found a race.
const RACE: i32 = 66;

pub(crate) fn run() -> Result<()> {
    let folder = process::root().join("target/tsan");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let host = host()?;
    if let Err(reason) = try_control(&host, &folder) {
        println!("the thread sanitizer is not available here: {reason:#}");
        return Ok(());
    }
    println!("thread sanitizer: the control race was found, and the guarded program is clean");
    for (package, targets) in PACKAGES {
        let mut command = process::cargo();
        command.args(["test", "--release", "--package", package]).args(targets);
        command.args(["--target", &host, "--target-dir"]).arg(&folder).args(["--", "--test-threads=1"]);
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", FLAGS.join(" "))
            .env("TSAN_OPTIONS", sanitizer_options());
        process::run(&mut command).with_context(|| {
            format!("{package}: the thread sanitizer reported a race, or a test failed; see above")
        })?;
        println!("thread sanitizer: no race in {package} ({})", targets.join(" "));
    }
    Ok(())
}

fn sanitizer_options() -> String {
    let suppressions = process::root().join("xtask/tsan/suppressions.txt");
    format!("exitcode={RACE} suppressions={}", suppressions.display())
}

/// The platform that the compiler builds for.
fn host() -> Result<String> {
    let output = process::capture(Command::new("rustc").arg("-vV"))?;
    let text = process::text(&output);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}

/// Compiles and runs the control both ways; an error is the reason why the sanitizer cannot be trusted.
fn try_control(host: &str, folder: &Path) -> Result<()> {
    let racing = control(host, folder, "race", &[])?;
    if racing != Some(RACE) {
        bail!("it did not report a race that is there (exit code {racing:?})");
    }
    let guarded = control(host, folder, "guarded", &["--cfg", "guarded"])?;
    if guarded != Some(0) {
        bail!("it reported a race that is not there (exit code {guarded:?})");
    }
    Ok(())
}

fn control(host: &str, folder: &Path, name: &str, extra: &[&str]) -> Result<Option<i32>> {
    let program = folder.join(name);
    let mut compiler = Command::new("rustc");
    compiler.args(["--edition", "2024", "-O", "--test", "--target", host]).args(FLAGS).args(extra);
    compiler
        .arg(process::root().join("xtask/tsan/race.rs"))
        .arg("-o")
        .arg(&program)
        .env("RUSTC_BOOTSTRAP", "1");
    let compiled = process::capture(&mut compiler)?;
    if !compiled.status.success() {
        let printed = process::text(&compiled);
        bail!(
            "the compiler refuses: {}",
            printed.lines().find(|line| line.contains("error")).unwrap_or("no message")
        );
    }
    let mut run = Command::new(&program);
    run.arg("--test-threads=1").env("TSAN_OPTIONS", sanitizer_options());
    Ok(process::capture(&mut run)?.status.code())
}
