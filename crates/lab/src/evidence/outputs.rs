//! The files of `-o`: pages, charts, results and traces; checked before anything is measured in vain.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use experiment_kit::results::{Results, write_whole};
use trace_report::chart::ranges_svg;

use super::options::{Output, OutputKind};
use super::page::{self, Chapter};
use super::pictures;

/// Makes sure that the files can be written.
///
/// # Errors
/// Which one cannot, and why.
pub(crate) fn check<'p>(paths: impl IntoIterator<Item = &'p Path>) -> Result<()> {
    for path in paths {
        let existed = path.exists();
        // Opened without truncation: an older file stays until there is a new one.
        (File::options().create(true).truncate(false).write(true).open(path))
            .with_context(|| format!("cannot write {}", path.display()))?;
        if !existed {
            // What was made only to see whether it can be made goes again: the run may end before it has anything.
            std::fs::remove_file(path).with_context(|| format!("cannot write {}", path.display()))?;
        }
    }
    Ok(())
}

/// Writes the files of one experiment.
///
/// # Errors
/// Which one cannot be written, and why.
pub(crate) fn write(outputs: &[Output], chapter: &Chapter) -> Result<()> {
    for Output { path, kind } in outputs {
        match kind {
            OutputKind::Html => write_whole(path, page::single(chapter).as_bytes())?,
            OutputKind::Svg => write_whole(path, svg(chapter).as_bytes())?,
            OutputKind::Json => write_whole(path, &serde_json::to_vec_pretty(&chapter.report)?)?,
            OutputKind::Trace => pictures::write_trace(path, &chapter.recordings)?,
        }
        anstream::eprintln!("wrote {}", path.display());
    }
    Ok(())
}

fn svg(chapter: &Chapter) -> String {
    let chart = chapter.experiment.charts.first();
    chart.map_or_else(String::new, |spec| {
        ranges_svg(&page::chart(spec, &chapter.report.cells, &chapter.measured))
    })
}

/// Writes the page of everything that was measured so far, to each of `paths`, and opens the first.
///
/// # Errors
/// What cannot be read or written.
pub(crate) fn write_whole_report(paths: &[PathBuf], open_first: bool, korean: bool) -> Result<()> {
    if paths.is_empty() {
        return Ok(());
    }
    let page = page::whole(&kept()?, korean);
    for path in paths {
        write_whole(path, page.as_bytes())?;
        anstream::eprintln!("wrote {}", path.display());
    }
    if open_first {
        open(&paths[0]);
    }
    Ok(())
}

/// Everything that was kept, in the order of the ledger.
///
/// # Errors
/// Which result cannot be read.
pub(crate) fn kept() -> Result<Vec<Chapter>> {
    let results = Results::usual();
    let mut chapters = Vec::new();
    for experiment in experiments::all() {
        if let Some((report, measured)) = results.read(experiment.name)? {
            let recordings = pictures::read(&results, experiment.name)?;
            chapters.push(Chapter { experiment, report, measured, recordings });
        }
    }
    Ok(chapters)
}

/// Opens `path` with the system's own opener and does not wait for it. The file is there without an opener, too: then it is
/// only said.
pub(crate) fn open(path: &Path) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = Command::new(opener);
    command.arg(path).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        anstream::eprintln!("cannot run {opener} ({error}); open {} yourself", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_is_found_before_and_none_is_left_behind() {
        let folder = std::env::temp_dir().join(format!("lab-outputs-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let fine = folder.join("a.html");
        check([fine.as_path()]).unwrap();
        assert!(!fine.exists());
        std::fs::write(&fine, "old").unwrap();
        check([fine.as_path()]).unwrap();
        assert_eq!(std::fs::read_to_string(&fine).unwrap(), "old");
        let error = check([folder.join("none").join("a.html").as_path()]).unwrap_err().to_string();
        assert!(error.starts_with("cannot write"), "{error}");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
