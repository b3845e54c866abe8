//! `RUNTIME_LAB_TRACE=FILE.json`: the trace of any program that uses a runtime, without a line of code in it.
//!
//! # Model
//! ```text
//! Runtime::builder() --the variable is set--> the process's recorder, unless the code names one of its own
//! drop of a Runtime  --> everything recorded so far --chrome::write--> FILE.json
//! ```
//! All runtimes of a process share the file, so that one after another they add to one picture; each writes it anew when
//! it goes, and what is in it then is complete for those that are gone. A trace must never be the reason why a program
//! fails: what goes wrong is said on standard error.
//!
//! A lane keeps its first million records of each runtime and counts the rest as dropped: this is for a run to look at,
//! not for a service.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use runtime_trace::{Recorder, Recording};

/// The variable that names the file.
const VARIABLE: &str = "RUNTIME_LAB_TRACE";
/// Records that a lane holds.
const LANE_RECORDS: usize = 1 << 20;

/// The file of this process and what belongs into it.
pub(crate) struct TraceFile {
    path: PathBuf,
    recorder: Recorder,
    /// What runtimes that are gone have left.
    so_far: Mutex<Recording>,
    /// Whose file it is: the child of a fork writes none, or it would replace its parent's.
    process: u32,
}

impl TraceFile {
    /// The file that the environment of the process asks for; the variable is read once.
    pub(crate) fn of_process() -> Option<&'static TraceFile> {
        static FILE: OnceLock<Option<TraceFile>> = OnceLock::new();
        FILE.get_or_init(|| TraceFile::named(std::env::var_os(VARIABLE))).as_ref()
    }

    /// The file that the variable names, when it does.
    pub(crate) fn named(value: Option<OsString>) -> Option<TraceFile> {
        let path = PathBuf::from(value.filter(|value| !value.is_empty())?);
        let (recorder, so_far) = (Recorder::new(LANE_RECORDS), Mutex::default());
        Some(TraceFile { path, recorder, so_far, process: std::process::id() })
    }

    /// Where the runtimes record.
    pub(crate) fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    fn write(&self) -> io::Result<()> {
        if self.process != std::process::id() {
            return Ok(());
        }
        // A holder that panicked has at worst not appended its part.
        let mut so_far = self.so_far.lock().unwrap_or_else(PoisonError::into_inner);
        so_far.append(self.recorder.collect());
        let out = BufWriter::new(File::create(&self.path)?);
        trace_report::chrome::write(&so_far, std::process::id(), out)
    }
}

/// Writes the file when it is dropped: the last field of a runtime, so that loop and pool have ended by then.
pub(crate) struct WriteAtEnd(pub(crate) &'static TraceFile);

impl Drop for WriteAtEnd {
    fn drop(&mut self) {
        if let Err(error) = self.0.write() {
            // Not `eprintln!`, which panics when standard error is closed.
            let _ = writeln!(io::stderr(), "{VARIABLE}: cannot write {}: {error}", self.0.path.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_variable_with_a_name_in_it_asks_for_a_file() {
        assert!(TraceFile::named(None).is_none());
        assert!(TraceFile::named(Some(OsString::new())).is_none());
        let file = TraceFile::named(Some("trace.json".into())).expect("a file");
        assert!(file.recorder().is_on());
    }

    #[test]
    fn a_file_that_cannot_be_written_is_an_error_and_no_panic() {
        let file = TraceFile::named(Some("no-such-folder/trace.json".into())).expect("a file");
        assert_eq!(file.write().map_err(|error| error.kind()), Err(io::ErrorKind::NotFound));
    }
}
