//! Recording: the lab measures on this machine, and what belongs together is noted by its digests.
//!
//! # Model
//! `book/data/recorded.toml` names for each result the digest of its JSON and of its picture. It is written when something is
//! recorded and at no other time, so a picture of another run, or a result that was edited, is found.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::recorded::Recorded;
use super::{folder, write};
use crate::process;

const DIGESTS: &str = "recorded.toml";

/// What is to be recorded.
pub(super) struct Wish<'a> {
    pub(super) names: &'a [String],
    pub(super) quick: bool,
    pub(super) seed: Option<u64>,
    pub(super) from: Option<&'a Path>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
struct Digests {
    json: String,
    svg: String,
}

/// Where results come from.
enum Origin<'a> {
    /// They are measured by this lab.
    Lab(PathBuf),
    /// They lie in this folder.
    Folder(&'a Path),
}

/// Records what is wished. Each result is kept as soon as it is whole, so an interrupted run keeps what it has.
pub(super) fn record(wish: &Wish<'_>) -> Result<()> {
    let origin = match wish.from {
        Some(folder) => Origin::Folder(folder),
        None => Origin::Lab(build_lab()?),
    };
    let known = match &origin {
        Origin::Lab(lab) => listed(lab)?,
        Origin::Folder(folder) => names_in(folder)?,
    };
    ensure!(!known.is_empty(), "there is nothing to record");
    for name in wish.names {
        ensure!(known.contains(name), "there is no {name}; there are {}", known.join(", "));
    }
    let names: Vec<&String> =
        known.iter().filter(|name| wish.names.is_empty() || wish.names.contains(name)).collect();
    for (index, name) in names.iter().enumerate() {
        println!("{} of {}: {name}", index + 1, names.len());
        let (json, svg) = match &origin {
            Origin::Lab(lab) => measure(lab, name, wish)?,
            Origin::Folder(from) => {
                (read(&from.join(format!("{name}.json")))?, read(&from.join(format!("{name}.svg")))?)
            }
        };
        keep(name, &json, &svg)?;
    }
    Ok(())
}

fn build_lab() -> Result<PathBuf> {
    process::run(process::cargo().args(["build", "--release", "--package", "lab", "--locked"]))?;
    Ok(process::root().join("target/release/lab"))
}

/// Runs one experiment. Its progress goes to the terminal.
fn measure(lab: &Path, name: &str, wish: &Wish<'_>) -> Result<(Vec<u8>, Vec<u8>)> {
    let picture = process::root().join("target/book-data").join(format!("{name}.svg"));
    fs::create_dir_all(picture.parent().expect("it has a folder"))?;
    let mut command = Command::new(lab);
    command.current_dir(process::root()).args(["run", name, "--json", "-o"]).arg(&picture);
    if wish.quick {
        command.arg("--quick");
    }
    if let Some(seed) = wish.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("cannot start `{}`", process::shown(&command)))?;
    ensure!(output.status.success(), "`{}` ended with {}", process::shown(&command), output.status);
    Ok((output.stdout, read(&picture)?))
}

fn keep(name: &str, json: &[u8], svg: &[u8]) -> Result<()> {
    let text = std::str::from_utf8(json).context("a result is text")?;
    let result = Recorded::read(text).with_context(|| format!("{name} is not recorded"))?;
    ensure!(result.experiment == name, "{name}.json is a result of {}", result.experiment);
    let mut digests = digests(&folder())?;
    digests.insert(name.to_owned(), Digests { json: digest(json), svg: digest(svg) });
    write(&folder().join(format!("{name}.json")), json)?;
    write(&folder().join(format!("{name}.svg")), svg)?;
    write(&folder().join(DIGESTS), as_toml(&digests).as_bytes())
}

/// Fails when a result or its picture is not what was recorded, or one of them is missing.
pub(super) fn check_digests(folder: &Path) -> Result<()> {
    for (name, expected) in digests(folder)? {
        let found = Digests {
            json: digest(&read(&folder.join(format!("{name}.json")))?),
            svg: digest(&read(&folder.join(format!("{name}.svg")))?),
        };
        if found != expected {
            bail!(
                "book/data/{name}.json and {name}.svg are not what was recorded together; run `cargo xtask book-data {name}`"
            );
        }
    }
    Ok(())
}

/// The results that were recorded, by name.
pub(super) fn names(folder: &Path) -> Result<Vec<String>> {
    Ok(digests(folder)?.into_keys().collect())
}

fn digests(folder: &Path) -> Result<BTreeMap<String, Digests>> {
    let path = folder.join(DIGESTS);
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("{} is broken; record again", path.display()))
}

fn as_toml(digests: &BTreeMap<String, Digests>) -> String {
    let head = "# Which result and which picture were recorded together (SHA-256); written by `cargo xtask book-data`.\n";
    let entries = digests
        .iter()
        .map(|(name, Digests { json, svg })| format!("\n[{name}]\njson = \"{json}\"\nsvg = \"{svg}\"\n"));
    std::iter::once(head.to_owned()).chain(entries).collect()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The experiments that the lab has.
fn listed(lab: &Path) -> Result<Vec<String>> {
    let output = process::capture(Command::new(lab).args(["list", "--json"]))?;
    let listed: serde_json::Value = serde_json::from_slice(&output.stdout).context("`lab list --json`")?;
    let all = listed["experiments"].as_array().context("a list of experiments")?;
    Ok(all.iter().filter_map(|one| Some(one["name"].as_str()?.to_owned())).collect())
}

fn names_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let results = paths.filter(|path| path.extension().is_some_and(|extension| extension == "json"));
    let mut names: Vec<String> =
        results.filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned())).collect();
    names.sort();
    Ok(names)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_of_another_run_and_an_edited_result_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("e.json"), "{}").unwrap();
        fs::write(path("e.svg"), "<svg/>").unwrap();
        let both = Digests { json: digest(b"{}"), svg: digest(b"<svg/>") };
        fs::write(path(DIGESTS), as_toml(&BTreeMap::from([("e".to_owned(), both)]))).unwrap();
        assert_eq!(names(folder.path()).unwrap(), ["e"]);
        check_digests(folder.path()).unwrap();
        fs::write(path("e.svg"), "<svg>other</svg>").unwrap();
        assert!(check_digests(folder.path()).is_err());
        fs::write(path("e.svg"), "<svg/>").unwrap();
        fs::write(path("e.json"), "{ }").unwrap();
        assert!(check_digests(folder.path()).is_err());
        fs::remove_file(path("e.json")).unwrap();
        assert!(check_digests(folder.path()).is_err());
    }
}
