//! Keeping what was recorded beside a result, and drawing it: lanes of a loop, or of a lock.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result};
use experiment_kit::results::Results;
use runtime_trace::{EventKind, Recording};
use trace_report::chrome;
use trace_report::lanes::{Timeline, TimelineOptions, Window};

use crate::py::lock_lanes;

/// Pictures of one result at most: a folder with more was not written by this program.
const RECORDINGS_MAX: usize = 32;

/// Keeps the recordings of the experiment `name`, instead of those of an earlier run.
pub(crate) fn keep(results: &Results, name: &str, recordings: &[(String, Recording)]) -> Result<()> {
    // From the end, so that what a stop in between leaves is still read from the first on.
    for index in (0..RECORDINGS_MAX).rev() {
        let old = results.folder().join(name).join(file_name(index));
        match std::fs::remove_file(&old) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot replace {}", old.display())),
        }
    }
    for (index, (title, recording)) in recordings.iter().take(RECORDINGS_MAX).enumerate() {
        let mut bytes = format!("{}\n", title.replace('\n', " ")).into_bytes();
        recording.write(&mut bytes)?;
        results.keep_file(name, &file_name(index), &bytes)?;
    }
    Ok(())
}

/// The kept recordings of the experiment `name`, with their titles.
pub(crate) fn read(results: &Results, name: &str) -> Result<Vec<(String, Recording)>> {
    let mut found = Vec::new();
    for index in 0..RECORDINGS_MAX {
        let path = results.folder().join(name).join(file_name(index));
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        found.push(read_one(file).with_context(|| format!("{} is no recording", path.display()))?);
    }
    Ok(found)
}

fn read_one(file: File) -> Result<(String, Recording)> {
    let mut reader = BufReader::new(file);
    let mut title = String::new();
    std::io::BufRead::read_line(&mut std::io::Read::take(&mut reader, 1_000), &mut title)?;
    Ok((title.trim_end().to_owned(), Recording::read(reader)?))
}

fn file_name(index: usize) -> String {
    format!("recording-{index}.txt")
}

/// The lanes of a recording: who had the lock when, if it is about one; else what loop and pool did.
pub(crate) fn timeline(recording: &Recording) -> Timeline {
    let window = Window::all(recording);
    if recording.records.iter().any(|record| record.kind == EventKind::LockAcquire) {
        return lock_lanes::timeline(&lock_lanes::lanes(recording), window, recording.dropped());
    }
    Timeline::new(recording, window, &TimelineOptions { stall_after: None, marks: true })
}

/// Writes all recordings of a run as one trace for Perfetto.
pub(crate) fn write_trace(path: &Path, recordings: &[(String, Recording)]) -> Result<()> {
    let mut whole = Recording::default();
    for (_, recording) in recordings {
        // Between two cells nothing is kept: a slice must not reach across.
        let mut part = recording.clone();
        let (_, last_ns) = part.time_range_ns().unwrap_or_default();
        part.close_open_slices(last_ns);
        whole.append(part);
    }
    let write = || -> std::io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        chrome::write(&whole, std::process::id(), &mut out)?;
        out.flush()
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}
