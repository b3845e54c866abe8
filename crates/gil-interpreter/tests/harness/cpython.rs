//! The real CPython, where it is installed: it must do what is recorded too.

use std::path::Path;
use std::process::{Command, Stdio};

/// The versions that the corpus is compared with; the first one is recorded.
pub(crate) const VERSIONS: [&str; 2] = ["3.11", "3.13"];

/// Whether `python3.N` on the path starts and is that version.
pub(crate) fn is_installed(version: &str) -> bool {
    let check = format!("import sys; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')");
    let mut command = Command::new(format!("python{version}"));
    command.args(["-c", &check]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The command that runs a file, with UTF-8 whatever the locale is.
pub(crate) fn command(version: &str, file: &Path) -> Command {
    let mut command = Command::new(format!("python{version}"));
    command.arg(file).env("PYTHONUTF8", "1").env("PYTHONDONTWRITEBYTECODE", "1");
    command
}
