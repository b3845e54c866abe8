//! Checks Chrome trace files by the rules of `trace_report::chrome::check`: what viewers would drop is refused.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde_json::Value;
use trace_report::chrome::{Summary, check};

/// Options of `cargo xtask check-trace`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The traces, as `-o trace.json` or RUNTIME_LAB_TRACE wrote them
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    for file in &options.files {
        println!("{}: {}", file.display(), words(&checked(file)?));
    }
    Ok(())
}

fn checked(file: &Path) -> Result<Summary> {
    let name = file.display();
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {name}"))?;
    let trace: Value =
        serde_json::from_str(&text).with_context(|| format!("{name} is not one JSON object"))?;
    match check(&trace) {
        Ok(summary) => Ok(summary),
        Err(problems) => {
            let listed: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
            bail!("{name} is refused:\n{}", listed.join("\n"))
        }
    }
}

fn words(summary: &Summary) -> String {
    let Summary { events, slices, asyncs, flows, instants, threads, dropped } = summary;
    format!(
        "{events} events on {threads} threads are good: {slices} slices, {asyncs} waits and timers, {flows} flows, \
         {instants} instants, {dropped} records dropped"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("trace.json");
        fs::write(&file, text).expect("written");
        (folder, file)
    }

    #[test]
    fn a_good_trace_is_summed_up() {
        let (_folder, file) = file(r#"{"otherData":{"dropped_records":2},"traceEvents":[]}"#);
        let told = words(&checked(&file).expect("accepted"));
        assert!(
            told.starts_with("0 events on 0 threads are good") && told.ends_with("2 records dropped"),
            "{told}"
        );
    }

    #[test]
    fn a_bad_trace_is_refused_with_its_problems() {
        let (_folder, file) = file(r#"{"traceEvents":[{"name":"x","ph":"E","ts":1,"pid":1,"tid":1}]}"#);
        let error = checked(&file).expect_err("refused").to_string();
        assert!(error.contains("trace.json is refused:\n  otherData.dropped_records is missing"), "{error}");
        assert!(error.contains("event 0: x ends, but nothing is open"), "{error}");
    }

    #[test]
    fn what_is_no_file_or_no_json_is_named() {
        let (folder, file) = file("[");
        assert!(
            checked(&file).expect_err("refused").to_string().ends_with("trace.json is not one JSON object")
        );
        let missing = checked(&folder.path().join("missing.json")).expect_err("refused").to_string();
        assert!(missing.starts_with("cannot read ") && missing.ends_with("missing.json"), "{missing}");
    }
}
