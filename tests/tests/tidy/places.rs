//! No file names a place of one machine or a host of a package registry: the project builds anywhere.

use crate::repo::{self, Finding, Source};

/// Texts that tie the project to one machine or one network. Written in two halves, so that this file
/// does not find itself.
fn forbidden() -> [(String, &'static str); 12] {
    let joined = |left: &str, right: &str, what| (format!("{left}{right}"), what);
    [
        joined("/wo", "rk/", "a path of one machine"),
        joined("/ro", "ot/", "a path of one machine"),
        joined("/ho", "me/", "a path of one machine"),
        joined("/Us", "ers/", "a path of one machine"),
        joined("/tmp/", "t-", "a path of one machine"),
        joined("C:", "\\Users", "a path of one machine"),
        joined("crates", ".io", "a host of a registry"),
        joined("pypi", ".org", "a host of a registry"),
        joined("npmjs", ".org", "a host of a registry"),
        joined("npmjs", ".com", "a host of a registry"),
        joined("debian", ".org", "a host of a registry"),
        joined("proxy.golang", ".org", "a host of a registry"),
    ]
}

fn check(file: &Source) -> Vec<Finding> {
    let forbidden = forbidden();
    let mut findings = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        for (text, what) in forbidden.iter().filter(|(text, _)| line.contains(text)) {
            findings.push(Finding::new(&file.path, index + 1, format!("`{text}` is {what}")));
        }
    }
    findings
}

#[test]
fn nothing_points_at_one_machine() {
    // Cargo writes the lock file, and its word for the registry is not a choice of ours.
    let files = repo::all_text();
    let ours = files.iter().filter(|file| !file.path.ends_with("Cargo.lock"));
    repo::assert_clean(&ours.flat_map(check).collect::<Vec<_>>());
}

#[test]
fn a_machine_path_or_a_registry_host_is_found() {
    for (text, _) in forbidden() {
        let file = Source::fixture("a.md", &format!("first\nsee {text}x\n"));
        assert_eq!(check(&file)[0].line, 2, "{text}");
    }
    assert_eq!(check(&Source::fixture("a.md", "the framework is at home; use target/tools\n")), []);
}
