//! A crate depends on lower layers only, and the first `cargo run --example` builds only what it needs.
//!
//! # Model
//! Each Cargo.toml states `[package.metadata.lab] layer = N`. Edges are the dependencies that the manifests
//! declare, of every target and feature, as `cargo metadata` prints them; development dependencies may
//! point anywhere, because they are not part of what a user builds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::repo::{self, Finding};

/// What the examples use. All of it is built before the first example runs, so each entry needs a reason.
const ROOT_DEV_DEPENDENCIES: [&str; 7] = [
    "anyhow",         // `main` returns one error type.
    "clap",           // Options of the starvation example.
    "experiment-kit", // The load client and the report of the starvation example.
    "http-body-util", // The bodies of tokio's server in the starvation example.
    "mio",            // The five steps of the book's loop stand on it directly.
    "rustix",         // Signals to the process groups of `cron`; the loop has it anyway.
    "tokio",          // The same acts on another runtime: `--runtime tokio`.
];

/// Heavy tools that belong to packages which no example builds.
const NOT_FOR_EXAMPLES: [&str; 6] =
    ["cargo_metadata", "criterion", "loom", "proptest", "ruff_python_parser", "shuttle"];

/// What the rules need to know about one package of the workspace.
#[derive(Clone, Debug, Default)]
struct Crate {
    layer: Option<u64>,
    /// Normal and build dependencies that are built without any `--cfg`.
    uses: BTreeSet<String>,
    dev_uses: BTreeSet<String>,
}

type Workspace = BTreeMap<String, Crate>;

fn load(root: &Path) -> Workspace {
    // `no_deps` keeps this offline and quick: the declared dependencies are part of each package.
    let mut command = MetadataCommand::new();
    command.manifest_path(root.join("Cargo.toml")).no_deps().other_options(vec!["--offline".to_owned()]);
    from_metadata(&command.exec().expect("cargo metadata reads the workspace"))
}

fn from_metadata(metadata: &Metadata) -> Workspace {
    let mut workspace = Workspace::new();
    for package in &metadata.packages {
        let mut known = Crate { layer: package.metadata["lab"]["layer"].as_u64(), ..Crate::default() };
        for dependency in &package.dependencies {
            // `cfg(loom)` is switched on by hand for model checking and never in an ordinary build.
            let is_model = dependency.target.as_ref().is_some_and(|target| target.to_string() == "cfg(loom)");
            if dependency.kind == DependencyKind::Development {
                known.dev_uses.insert(dependency.name.clone());
            } else if !is_model {
                known.uses.insert(dependency.name.clone());
            }
        }
        workspace.insert(package.name.to_string(), known);
    }
    workspace
}

fn check_layers(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, known) in workspace {
        let Some(layer) = known.layer else {
            findings.push(Finding::new(
                name,
                0,
                "state `[package.metadata.lab] layer = N` in its Cargo.toml",
            ));
            continue;
        };
        for used in &known.uses {
            let Some(below) = workspace.get(used).and_then(|used| used.layer) else { continue };
            if below >= layer {
                let message = format!(
                    "layer {layer} depends on {used} of layer {below}; only lower layers are allowed"
                );
                findings.push(Finding::new(name, 0, message));
            }
        }
    }
    findings
}

fn check_examples(workspace: &Workspace, root: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let package = &workspace[root];
    for used in package.dev_uses.iter().filter(|used| !ROOT_DEV_DEPENDENCIES.contains(&used.as_str())) {
        let message = format!("every example would build {used}; move it, or list it here with its reason");
        findings.push(Finding::new(root, 0, message));
    }
    let mut reached = BTreeSet::new();
    let mut open: Vec<&String> = package.uses.iter().chain(&package.dev_uses).collect();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(workspace.get(name).iter().flat_map(|known| &known.uses));
        }
    }
    for heavy in NOT_FOR_EXAMPLES.iter().filter(|heavy| reached.contains(&heavy.to_string())) {
        findings.push(Finding::new(root, 0, format!("examples reach {heavy} through their dependencies")));
    }
    findings
}

#[test]
fn a_crate_depends_on_lower_layers_only() {
    repo::assert_clean(&check_layers(&load(&repo::root())));
}

#[test]
fn examples_build_only_what_they_need() {
    repo::assert_clean(&check_examples(&load(&repo::root()), "runtime-lab"));
}

#[test]
fn every_crate_of_the_plan_sits_in_its_layer() {
    let plan = [
        ("clock", 0),
        ("sync-protocols", 0),
        ("runtime-trace", 1),
        ("event-loop", 2),
        ("blocking-pool", 2),
        ("trace-report", 2),
        ("runtime-lab", 4),
        ("experiment-kit", 5),
        ("benches", 6),
        ("lab-tests", 8),
        ("xtask", 8),
    ];
    let workspace = load(&repo::root());
    let layer_of = |name: &str| workspace.get(name).and_then(|known| known.layer);
    for (name, layer) in plan {
        assert_eq!(layer_of(name), Some(layer), "{name}");
    }
}

#[cfg(test)]
mod controls {
    use super::*;

    fn package(layer: Option<u64>, uses: &[&str], dev_uses: &[&str]) -> Crate {
        let owned = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Crate { layer, uses: owned(uses), dev_uses: owned(dev_uses) }
    }

    fn workspace(packages: &[(&str, Crate)]) -> Workspace {
        packages.iter().map(|(name, known)| (name.to_string(), known.clone())).collect()
    }

    #[test]
    fn siblings_and_upward_edges_are_found() {
        let good = workspace(&[
            ("clock", package(Some(0), &["libc"], &["lab"])),
            ("loop", package(Some(2), &["clock"], &["pool"])),
            ("pool", package(Some(2), &["clock"], &[])),
            ("lab", package(Some(4), &["loop", "pool"], &[])),
        ]);
        assert_eq!(check_layers(&good), []);
        let mut sibling = good.clone();
        sibling.get_mut("loop").unwrap().uses.insert("pool".to_owned());
        assert!(check_layers(&sibling)[0].message.contains("depends on pool of layer 2"));
        let mut upward = good.clone();
        upward.get_mut("clock").unwrap().uses.insert("lab".to_owned());
        assert!(check_layers(&upward)[0].message.contains("depends on lab of layer 4"));
        let mut silent = good;
        silent.get_mut("pool").unwrap().layer = None;
        assert_eq!(check_layers(&silent).len(), 1);
    }

    #[test]
    fn a_heavy_tool_in_reach_of_the_examples_is_found() {
        let lab = |dev: &[&str]| ("lab", package(Some(4), &["loop"], dev));
        let event_loop = |uses: &[&str]| ("loop", package(Some(2), uses, &["proptest"]));
        assert_eq!(check_examples(&workspace(&[lab(&["clap"]), event_loop(&[])]), "lab"), []);
        assert_eq!(check_examples(&workspace(&[lab(&["rand"]), event_loop(&[])]), "lab").len(), 1);
        let through_a_crate = check_examples(&workspace(&[lab(&[]), event_loop(&["criterion"])]), "lab");
        assert!(through_a_crate[0].message.contains("criterion"));
    }

    #[test]
    fn edges_come_from_the_manifests_themselves() {
        let world = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = world.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let manifest = |name: &str, layer: u64, rest: &str| {
            format!(
                "[package]\nname = \"{name}\"\nedition = \"2024\"\n[package.metadata.lab]\nlayer = {layer}\n{rest}"
            )
        };
        write("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"a\", \"b\"]\n");
        write(
            "a/Cargo.toml",
            &manifest("a", 1, "[dependencies]\nother = { package = \"b\", path = \"../b\" }\n"),
        );
        write("b/Cargo.toml", &manifest("b", 1, "[dev-dependencies]\na = { path = \"../a\" }\n"));
        write("a/src/lib.rs", "");
        write("b/src/lib.rs", "");
        let findings = check_layers(&load(world.path()));
        assert_eq!(findings.len(), 1, "the renamed edge counts, the development one does not: {findings:?}");
        assert_eq!(findings[0].path, "a");
    }
}
