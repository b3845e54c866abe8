//! Every single request as a line of JSON, for those who want to judge for themselves.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::load::Outcome;
use crate::starvation::acts::Act;

/// The file of `--raw`.
pub(crate) struct RawFile {
    path: PathBuf,
    out: BufWriter<File>,
}

/// One line.
#[derive(Serialize)]
struct Line<'l> {
    round: usize,
    act: &'static str,
    path: &'static str,
    intended_ms: f64,
    handed_ms: Option<f64>,
    sent_ms: Option<f64>,
    latency_ms: Option<f64>,
    work_ms: Option<f64>,
    failure: Option<&'l str>,
}

impl RawFile {
    /// Creates the file, before anything is measured in vain.
    pub(crate) fn create(path: &Path) -> Result<RawFile> {
        let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(RawFile { path: path.to_owned(), out: BufWriter::new(file) })
    }

    /// Adds the requests of one act of one round.
    pub(crate) fn write(&mut self, round: usize, act: Act, outcome: &Outcome) -> Result<()> {
        let path = |stream: usize| if stream == 0 { "/ping" } else { act.route().unwrap_or("/") };
        let ms = |ns: u64| ns as f64 / 1e6;
        for sample in &outcome.samples {
            self.line(&Line {
                round,
                act: act.name(),
                path: path(sample.stream),
                intended_ms: ms(sample.intended_ns),
                handed_ms: Some(ms(sample.handed_ns)),
                sent_ms: Some(ms(sample.sent_ns)),
                latency_ms: Some(ms(sample.latency_ns)),
                work_ms: sample.work.map(|work| work.work_ms),
                failure: None,
            })?;
        }
        for failure in &outcome.failures {
            self.line(&Line {
                round,
                act: act.name(),
                path: path(failure.stream),
                intended_ms: ms(failure.intended_ns),
                handed_ms: None,
                sent_ms: None,
                latency_ms: None,
                work_ms: None,
                failure: Some(&failure.kind.to_string()),
            })?;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) -> Result<()> {
        let written = serde_json::to_writer(&mut self.out, line).map_err(std::io::Error::from);
        written
            .and_then(|()| self.out.write_all(b"\n"))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Writes what is left.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.out.flush().with_context(|| format!("cannot write {}", self.path.display()))
    }
}
