//! The gate and the papers are there: `.ci/run` runs every check, and the documents that people look for exist.

use crate::repo::{self, Finding, Source};

/// What the gate must run, as it is written in `.ci/run`.
const STEPS: [&str; 13] = [
    "cargo fmt --all --check",
    "cargo clippy --workspace --all-targets",
    "-D warnings",
    "cargo test --workspace",
    "cargo doc --workspace --no-deps",
    "cargo xtask loom",
    "cargo xtask book",
    "cargo xtask browser --require",
    "cargo xtask check-trace",
    "cargo build --examples",
    "cargo bench --no-run",
    "cargo run --release --example starvation",
    "lab verify --quick",
];

const PAPERS: [&str; 10] = [
    "README.md",
    "README.ko.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "Cargo.lock",
    "book/en/book.toml",
    "book/ko/book.toml",
];

fn check_gate(file: &Source) -> Vec<Finding> {
    let commands: String =
        file.text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n");
    let missing = STEPS.iter().filter(|step| !commands.contains(*step));
    missing.map(|step| Finding::new(&file.path, 0, format!("the gate does not run `{step}`"))).collect()
}

#[test]
fn the_gate_runs_every_check() {
    repo::assert_clean(&check_gate(&repo::read(".ci/run")));
}

#[cfg(unix)]
#[test]
fn the_gate_is_executable() {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(repo::root().join(".ci/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111, "chmod +x .ci/run");
}

#[test]
fn the_papers_are_there() {
    for path in PAPERS {
        assert!(!repo::read(path).text.trim().is_empty(), "{path} is empty");
    }
    let ignored = repo::read(".gitignore").text;
    assert!(!ignored.lines().any(|line| line.contains("Cargo.lock")), "the lock file is committed");
    assert!(repo::read("LICENSE-MIT").text.contains("Permission is hereby granted, free of charge"));
    assert!(repo::read("LICENSE-APACHE").text.contains("Version 2.0, January 2004"));
}

#[test]
fn a_gate_that_drops_a_check_is_found() {
    let all: Vec<&str> = STEPS.to_vec();
    assert_eq!(check_gate(&Source::fixture(".ci/run", &all.join("\n"))), []);
    let without_fmt = all[1..].join("\n");
    assert_eq!(check_gate(&Source::fixture(".ci/run", &without_fmt)).len(), 1);
    let commented_out = format!("# {}\n{without_fmt}", all[0]);
    assert_eq!(check_gate(&Source::fixture(".ci/run", &commented_out)).len(), 1);
}
