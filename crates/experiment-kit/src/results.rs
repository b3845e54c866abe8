//! Results that are kept: one folder for each experiment, written whole or not at all.
//!
//! # Model
//! ```text
//! target/lab/NAME/result.json     the result, as `--json` prints it
//!                 samples.json    every sample by metric, cell and round
//! target/lab/programs/            the small programs that real runtimes ran
//! ```
//! A file is written beside its place and then renamed, so that whoever stops the program finds the old or the new one.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::conduct::Conducted;
use crate::experiment::{Experiment, Setup};
use crate::machine::Machine;
use crate::measurements::Measurements;
use crate::report::{Against, Raw, Report, VERSION, Versions, histogram_text};
use crate::runtimes::Runtime;

/// A file of results larger than this is not one of ours.
const FILE_MAX_BYTES: u64 = 256 << 20;

/// Where results are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Results {
    folder: PathBuf,
}

impl Results {
    /// `LAB_RESULTS`, or `target/lab` of the cargo project in which this runs, or `target/lab` here.
    pub fn usual() -> Results {
        if let Some(folder) = std::env::var_os("LAB_RESULTS").filter(|folder| !folder.is_empty()) {
            return Results { folder: folder.into() };
        }
        let here = std::env::current_dir().unwrap_or_default();
        let root = here.ancestors().filter(|folder| folder.join("Cargo.toml").is_file()).last();
        Results { folder: root.unwrap_or(&here).join("target").join("lab") }
    }

    /// In `folder`.
    pub fn within(folder: impl Into<PathBuf>) -> Results {
        Results { folder: folder.into() }
    }

    /// The folder of everything.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes `text` as the file `program` for real runtimes, unless it is there already, and returns its path.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn program(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join("programs").join(name);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(path);
        }
        write_whole(&path, text.as_bytes())?;
        Ok(path)
    }

    /// Keeps a result with its samples.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep(&self, report: &Report, measured: &Measurements) -> Result<()> {
        let folder = self.folder.join(&report.experiment);
        write_whole(&folder.join("samples.json"), &serde_json::to_vec(measured)?)?;
        write_whole(&folder.join("result.json"), &serde_json::to_vec_pretty(report)?)
    }

    /// Keeps a further file of the experiment `name`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn keep_file(&self, name: &str, file: &str, bytes: &[u8]) -> Result<()> {
        write_whole(&self.folder.join(name).join(file), bytes)
    }

    /// The kept result of the experiment `name`; `None` when there is none.
    ///
    /// # Errors
    /// When it is there but cannot be read.
    pub fn read(&self, name: &str) -> Result<Option<(Report, Measurements)>> {
        let folder = self.folder.join(name);
        let Some(report) = read_json::<Report>(&folder.join("result.json"))? else { return Ok(None) };
        anyhow::ensure!(
            report.schema == VERSION,
            "{} has version {} and this program reads {VERSION}; remove it and run again",
            folder.join("result.json").display(),
            report.schema
        );
        let measured = read_json(&folder.join("samples.json"))?.unwrap_or_default();
        Ok(Some((report, measured)))
    }
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let size = match fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    anyhow::ensure!(size <= FILE_MAX_BYTES, "{} is too large to be a result", path.display());
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed = serde_json::from_slice(&text).with_context(|| {
        format!("{} is not a result of this version; remove it and run again", path.display())
    });
    parsed.map(Some)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// When the folder or the file cannot be written.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let shown = || format!("cannot write {}", path.display());
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(shown)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = path.with_file_name(name);
    let written = fs::write(&part, bytes).and_then(|()| fs::rename(&part, path));
    if written.is_err() {
        // What was begun is of no use; that it cannot be removed either is told by the first error.
        let _ = fs::remove_file(&part);
    }
    written.with_context(shown)
}

/// The result of a run as it is published.
pub fn report(
    experiment: &Experiment,
    setup: &Setup,
    ran: &Conducted,
    started_at: String,
    load_before: Option<f64>,
    against: Vec<Against>,
) -> Report {
    let mut histograms = Vec::new();
    for chart in experiment.charts.iter().filter(|chart| chart.unit == "ms") {
        for cell in ran.measured.cells(chart.metric) {
            let name = format!("{}/{cell}", chart.metric);
            histograms.push(histogram_text(&name, ran.measured.samples((chart.metric, cell))));
        }
    }
    // What was broken on purpose, or is of another runtime, is shown and not kept.
    let is_kept = setup.flaw.is_none() && setup.real().is_none();
    let mut params = serde_json::to_value(setup.knobs()).unwrap_or_default();
    params["quick"] = setup.quick.into();
    params["flaw"] = setup.flaw.into();
    params["subject"] = setup.real().map_or_else(|| "runtime-lab".to_owned(), Runtime::name).into();
    Report {
        schema: VERSION,
        experiment: experiment.name.to_owned(),
        started_at,
        complete: ran.measured.complete,
        rounds: ran.measured.rounds,
        seed: setup.seed,
        params,
        cells: ran.cells.clone(),
        claims: ran.claims.clone(),
        figures: ran.measured.figures().into(),
        against,
        raw: Raw {
            histograms: histograms.join("; "),
            path: is_kept.then(|| format!("{}/samples.json", experiment.name)),
        },
        load_before,
        machine: Machine::here(),
        versions: Versions::here(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_leaves_nothing_beside_it() {
        let folder = std::env::temp_dir().join(format!("kit-results-{}", std::process::id()));
        let results = Results::within(&folder);
        let first = results.program("a.js", "one").unwrap();
        assert_eq!(results.program("a.js", "two").unwrap(), first);
        assert_eq!(fs::read_to_string(&first).unwrap(), "two");
        assert_eq!(fs::read_dir(first.parent().unwrap()).unwrap().count(), 1);
        fs::create_dir_all(folder.join("bad")).unwrap();
        fs::write(folder.join("bad/result.json"), "{").unwrap();
        assert!(results.read("bad").unwrap_err().to_string().contains("remove it and run again"));
        assert_eq!(results.read("none").unwrap(), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
