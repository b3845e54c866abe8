//! Runs the real command, as a user would, in a folder of its own.

#![allow(dead_code)] // Each test file uses its own part of this module.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// A folder with one program.
pub(crate) struct Case {
    folder: TempDir,
}

impl Case {
    /// Writes the program as `a.py`.
    pub(crate) fn new(source: &str) -> Case {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("a.py"), source).expect("the program is written");
        Case { folder }
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command with these words, in the folder.
    pub(crate) fn command(&self, words: &str) -> Command {
        command_in(self.folder.path(), words)
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::from(self.command(words).output().expect("the command starts"))
    }
}

/// The command with these words, in any folder.
pub(crate) fn command_in(folder: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lab"));
    command.args(words.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command.env("COLUMNS", "100").env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

/// What a command left.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` after a signal.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).expect("text on standard output"),
            err: String::from_utf8(output.stderr).expect("text on standard error"),
        }
    }
}

impl Ended {
    /// The last line of standard error: the exception.
    pub(crate) fn last_error(&self) -> &str {
        self.err.trim_end().lines().last().unwrap_or("")
    }
}
