//! Manifests say things once: versions, features and lints live in the workspace, profiles never abort.

use toml::{Table, Value};

use crate::repo::{self, Finding, Source};

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

fn check_manifest(file: &Source) -> Vec<Finding> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::new(&file.path, 0, error.to_string())],
    };
    let mut findings = Vec::new();
    let mut say = |message: String| findings.push(Finding::new(&file.path, 0, message));
    if manifest.contains_key("package") {
        if !is_true(manifest.get("lints").and_then(|lints| lints.get("workspace"))) {
            say("take the lints of the workspace: `[lints] workspace = true`".to_owned());
        }
        for (name, dependency) in dependencies(&manifest) {
            if !is_true(dependency.get("workspace")) {
                say(format!("{name} has a version of its own; write `{name}.workspace = true`"));
            }
        }
    }
    for (name, profile) in manifest.get("profile").and_then(Value::as_table).into_iter().flatten() {
        if profile.get("panic").and_then(Value::as_str) == Some("abort") {
            say(format!("profile {name} aborts on panic; the loop and the pool turn panics into values"));
        }
    }
    findings
}

fn is_true(value: Option<&Value>) -> bool {
    value.and_then(Value::as_bool) == Some(true)
}

/// Every dependency that a manifest names, those of `[target.….dependencies]` included.
fn dependencies(manifest: &Table) -> Vec<(&String, &Value)> {
    let targets = manifest.get("target").and_then(Value::as_table).into_iter().flatten();
    let tables = targets.filter_map(|(_, table)| table.as_table()).chain([manifest]);
    let named = tables.flat_map(|table| DEPENDENCY_TABLES.iter().filter_map(|name| table.get(*name)));
    named.filter_map(Value::as_table).flatten().collect()
}

#[test]
fn versions_and_lints_are_stated_once() {
    let files = repo::all_text();
    // The exercises are a workspace of their own, whose first manifest has the form that rustlings writes.
    let ours = files.iter().filter(|file| !file.path.starts_with("exercises/"));
    let manifests = ours.filter(|file| file.path.ends_with("Cargo.toml"));
    repo::assert_clean(&manifests.flat_map(check_manifest).collect::<Vec<_>>());
}

#[test]
fn unsafe_code_is_denied_and_clippy_refuses_the_clock() {
    let workspace: Table = repo::read("Cargo.toml").text.parse().unwrap();
    let lints = &workspace["workspace"]["lints"];
    for (tool, lint) in [
        ("rust", "unsafe_code"),
        ("rust", "unsafe_op_in_unsafe_fn"),
        ("clippy", "undocumented_unsafe_blocks"),
        ("clippy", "todo"),
        ("clippy", "unimplemented"),
        ("clippy", "dbg_macro"),
    ] {
        assert_eq!(lints[tool][lint].as_str(), Some("deny"), "{tool}::{lint}");
    }
    let clippy: Table = repo::read("clippy.toml").text.parse().unwrap();
    let refused: Vec<&str> = clippy["disallowed-methods"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|rule| rule["path"].as_str())
        .collect();
    let clocks = ["std::time::Instant::now", "std::time::Instant::elapsed", "std::time::SystemTime::now"];
    assert!(clocks.iter().all(|path| refused.contains(path)), "{refused:?}");
}

#[test]
fn a_manifest_with_its_own_version_lints_or_abort_is_found() {
    let says = |text: &str| check_manifest(&Source::fixture("x/Cargo.toml", text)).len();
    let good = "[package]\nname = \"x\"\n[lints]\nworkspace = true\n[dependencies]\nslab.workspace = true\n";
    assert_eq!(says(good), 0);
    assert_eq!(says(&good.replace("slab.workspace = true", "slab = \"0.4\"")), 1);
    assert_eq!(
        says(&format!("{good}[target.'cfg(unix)'.dependencies]\nlibc = {{ version = \"0.2\" }}\n")),
        1
    );
    assert_eq!(says(&good.replace("[lints]\nworkspace = true\n", "")), 1);
    assert_eq!(says(&format!("{good}[profile.release]\npanic = \"abort\"\n")), 1);
    assert_eq!(says("not a manifest"), 1);
}
