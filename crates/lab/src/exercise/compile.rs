//! Builds one exercise with cargo, and knows the first error.
//!
//! # Model
//! ```text
//! cargo build --bin NAME --message-format=json
//!   compiler-message  ──▶ shown as the compiler wrote it; the first error is kept with its place
//!   compiler-artifact ──▶ the path of the program
//! ```
//! Cargo goes by the times of files. A file that was put in place with the time of long ago (`mv` or `cp -p` of a
//! backup) is older than the program that was built from another text, and would not be built again: so it is touched.
//!
//! Cargo runs in a process group under the guard, as the exercise itself does, so that Ctrl-C and a save end it at once.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use experiment_kit::group::GUARD_FAILED;
use experiment_kit::supervised::{End, Rules, Supervised, supervise};
use serde::Deserialize;

use super::set::{Exercise, Set};

/// What came of a build.
#[derive(Debug)]
pub(crate) enum Built {
    /// The program.
    Program(PathBuf),
    /// It does not compile.
    Refused(FirstError),
    /// Somebody wanted it to stop.
    Stopped,
}

/// What the compiler said first.
#[derive(Debug)]
pub(crate) struct FirstError {
    /// File, line and column, where it has a place.
    pub(crate) place: Option<String>,
    /// In one line.
    pub(crate) message: String,
    /// Such as E0308.
    pub(crate) code: Option<String>,
}

/// A first build compiles the event loop and what it needs; more than an hour is no build any more.
const LIMIT: Duration = Duration::from_secs(3_600);
/// Cargo writes a line for each dependency, and a page for each error.
const MESSAGES_BYTES: usize = 64 << 20;

/// Builds it; `show` lets the compiler's words through to standard error.
pub(crate) fn compile(set: &Set, exercise: &Exercise, show: bool, stop: &dyn Fn() -> bool) -> Result<Built> {
    let file = set.file(exercise);
    let name = &exercise.name;
    ensure!(
        file.is_file(),
        "there is no file {}; `{} exercise reset {name}` brings the original back",
        super::shown(&file),
        super::lab()
    );
    let mut done = run_cargo(set, name, show, stop)?;
    let mut read = read(&done.output.text(), name);
    if done.end == End::Exited(0) && read.program.as_deref().is_some_and(|program| is_older(program, &file)) {
        touch(&file)?;
        done = run_cargo(set, name, show, stop)?;
        read = self::read(&done.output.text(), name);
    }
    if show {
        anstream::eprint!("{}", super::told_from_here(set, exercise, &read.shown));
    }
    match (done.end, read.error, read.program) {
        (End::Stopped, _, _) => Ok(Built::Stopped),
        (End::Exited(0), _, Some(program)) => Ok(Built::Program(program)),
        (End::Exited(_), Some(error), _) => Ok(Built::Refused(error)),
        (End::Exited(code), None, _) => {
            let mut why = format!(
                "cargo could not build {name} in {} (it ended with {code})\n{}",
                super::shown(&set.root),
                read.cargo
            );
            why.truncate(why.trim_end().len());
            if code == i32::from(GUARD_FAILED) {
                why += "\nexercises are built with cargo: install Rust from https://rustup.rs, or put cargo into PATH";
            }
            bail!(why)
        }
        (End::TimeIsUp, _, _) => bail!("cargo did not finish the build of {name} within an hour"),
    }
}

/// Whether the program was there before the file became what it is. A change of the state counts, which `mv` makes, too.
fn is_older(program: &Path, file: &Path) -> bool {
    let (Ok(program), Ok(file)) = (fs::metadata(program), fs::metadata(file)) else { return false };
    (program.mtime(), program.mtime_nsec()) < (file.ctime(), file.ctime_nsec())
}

fn touch(file: &Path) -> Result<()> {
    let touched =
        File::options().append(true).open(file).and_then(|file| file.set_modified(clock::wall_now()));
    let shown = super::shown(file);
    touched.with_context(|| format!("{shown} looks older than the program built before; save it again"))
}

fn run_cargo(set: &Set, name: &str, show: bool, stop: &dyn Fn() -> bool) -> Result<Supervised> {
    let colours = show && anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(&set.root).args(["build", "--bin", name, "--message-format"]);
    cargo.arg(if colours { "json-diagnostic-rendered-ansi" } else { "json" });
    // Only the first build takes so long that the steps of cargo are worth reading while it goes on.
    let is_first = show && !set.root.join("target").is_dir();
    if !is_first {
        cargo.arg("--quiet");
    }
    // What an outer `cargo run` set for this program is not for the inner one.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let is_outer = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "LAB_"]
            .iter()
            .any(|start| text.starts_with(start));
        if is_outer || ["CARGO_MAKEFLAGS", "MAKEFLAGS"].contains(&&*text) {
            cargo.env_remove(name);
        }
    }
    let rules = Rules {
        time: LIMIT,
        keep_bytes: MESSAGES_BYTES,
        memory_bytes: None,
        with_errors: !is_first,
        stop,
        last_look: &mut |_| {},
    };
    supervise(cargo, rules)
}

/// What cargo printed, read.
#[derive(Default)]
struct Messages {
    /// What the compiler wrote.
    shown: String,
    /// What cargo wrote beside it; of use only when the compiler had nothing to say.
    cargo: String,
    error: Option<FirstError>,
    program: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum Line {
    CompilerMessage {
        message: Diagnostic,
    },
    CompilerArtifact {
        target: Target,
        executable: Option<PathBuf>,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

#[derive(Deserialize)]
struct Diagnostic {
    rendered: Option<String>,
    level: String,
    message: String,
    code: Option<Code>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    line_start: usize,
    column_start: usize,
    is_primary: bool,
}

fn read(printed: &str, name: &str) -> Messages {
    let mut messages = Messages::default();
    for line in printed.lines() {
        match serde_json::from_str(line) {
            Ok(Line::CompilerMessage { message }) => messages.add(message),
            Ok(Line::CompilerArtifact { target, executable: Some(program) })
                if target.name == name && target.kind.iter().any(|kind| kind == "bin") =>
            {
                messages.program = Some(program);
            }
            Ok(Line::CompilerArtifact { .. } | Line::Other) => {}
            Err(_) => messages.cargo.extend([line, "\n"]),
        }
    }
    messages
}

impl Messages {
    fn add(&mut self, message: Diagnostic) {
        let is_error = message.level.starts_with("error");
        // "aborting due to …" and "… warnings emitted" count what was said already; cargo leaves them out, too.
        let is_count =
            message.spans.is_empty() && (!is_error || message.message.starts_with("aborting due to"));
        if is_count {
            return;
        }
        self.shown.push_str(message.rendered.as_deref().unwrap_or(&message.message));
        if is_error && self.error.is_none() {
            let primary = message.spans.iter().find(|span| span.is_primary);
            let place =
                primary.map(|span| format!("{}:{}:{}", span.file_name, span.line_start, span.column_start));
            let code = message.code.map(|code| code.code);
            self.error = Some(FirstError { place, message: message.message, code });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_cargo_give_the_program_and_the_first_error_with_its_place() {
        let printed = r#"
{"reason":"compiler-artifact","target":{"name":"a","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"a","kind":["bin"]},"executable":"/x/a"}
{"reason":"compiler-artifact","target":{"name":"b","kind":["bin"]},"executable":"/x/b"}
error: cargo said this
{"reason":"compiler-message","message":{"rendered":"W\n","level":"warning","message":"unused","code":null,"spans":[{"file_name":"a.rs","line_start":1,"column_start":2,"is_primary":true}]}}
{"reason":"compiler-message","message":{"rendered":"E\n","level":"error","message":"mismatched types","code":{"code":"E0308"},"spans":[{"file_name":"o.rs","line_start":9,"column_start":9,"is_primary":false},{"file_name":"a.rs","line_start":3,"column_start":4,"is_primary":true}]}}
{"reason":"compiler-message","message":{"rendered":"F\n","level":"error","message":"another","code":null,"spans":[]}}
{"reason":"compiler-message","message":{"rendered":"N\n","level":"error","message":"aborting due to 2 previous errors","code":null,"spans":[]}}
{"reason":"build-finished","success":false}
"#;
        let read = read(printed, "a");
        assert_eq!((read.shown.as_str(), read.program), ("W\nE\nF\n", Some(PathBuf::from("/x/a"))));
        assert_eq!(read.cargo.trim(), "error: cargo said this");
        let error = read.error.expect("an error");
        assert_eq!(error.place.as_deref(), Some("a.rs:3:4"));
        assert_eq!((error.message.as_str(), error.code.as_deref()), ("mismatched types", Some("E0308")));
    }
}
