//! Exceptions to the workspace's lints live in named modules only.

use crate::lexer;
use crate::repo::{self, Finding, Source};

/// Lints that a file may switch off only when it is listed here; each entry is there for a reason.
const EXCEPTIONS: [(&str, &[&str]); 2] = [
    // The thread sanitizer is tried on a race first, and safe Rust cannot express one.
    // A fork has no safe form: whoever forks must know what the other threads do.
    // An allocator has no safe form either, and memory is counted to the byte.
    (
        "unsafe_code",
        &["xtask/tsan/race.rs", "tests/src/bin/forks/processes.rs", "tests/tests/memory/counting.rs"],
    ),
    // The one reader of the clocks of the operating system.
    ("clippy::disallowed_methods", &["crates/clock/src/lib.rs"]),
];

fn check(file: &Source) -> Vec<Finding> {
    let code = lexer::split(&file.text).code;
    let mut findings = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let is_attribute = line.contains("allow(") || line.contains("expect(");
        for (lint, places) in EXCEPTIONS {
            if is_attribute
                && line.contains('#')
                && line.contains(lint)
                && !places.contains(&file.path.as_str())
            {
                findings.push(Finding::new(
                    &file.path,
                    index + 1,
                    format!("`{lint}` may be allowed only in {places:?}"),
                ));
            }
        }
        let has_block = line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe");
        let allowed = EXCEPTIONS[0].1.contains(&file.path.as_str());
        if has_block && !allowed {
            findings.push(Finding::new(&file.path, index + 1, "unsafe code outside the listed modules"));
        }
    }
    findings
}

#[test]
fn unsafe_code_and_clock_readings_stay_in_their_modules() {
    repo::assert_clean(&repo::rust_files().iter().flat_map(check).collect::<Vec<_>>());
}

#[test]
fn an_exception_elsewhere_is_found() {
    let says = |path: &str, text: &str| check(&Source::fixture(path, text)).len();
    assert_eq!(says("src/a.rs", "#![allow(unsafe_code)]\n"), 1);
    assert_eq!(says("src/a.rs", "#[expect(clippy::disallowed_methods)]\nfn a() {}\n"), 1);
    assert_eq!(says("src/a.rs", "fn a() { unsafe { b() } }\n"), 1);
    assert_eq!(says("crates/clock/src/lib.rs", "#[allow(clippy::disallowed_methods)]\n"), 0);
    assert_eq!(says("src/a.rs", "// unsafe is a word\nfn unsafe_looking() { say(\"unsafe\") }\n"), 0);
}
