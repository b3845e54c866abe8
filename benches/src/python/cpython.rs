//! The CPythons that are found here, and a run of a program on one of them.
//!
//! They are looked for on the PATH by name and version, then among those of pyenv. Each is asked who it is, because a
//! name may lead to another version or to none.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gil_interpreter::gil::Policy;
use serde::Serialize;

use crate::child::{KillOnDrop, read_within};

/// A CPython.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CPython {
    /// Major and minor version.
    pub version: (u32, u32),
    /// `3.11.7`, and `t` where it has no lock.
    pub full_version: String,
    /// The file that is started.
    pub program: PathBuf,
    /// Built without a global lock, and running without it.
    pub free_threaded: bool,
}

/// A run of a program.
#[derive(Clone, Debug)]
pub struct Ran {
    /// What it printed.
    pub output: String,
    /// Processor time from before the program was read.
    pub cpu: Duration,
}

/// A run that hangs is ended after this time.
const LIMIT: Duration = Duration::from_secs(120);

/// Works on every version; one line with tabs.
const WHO: &str = "import os, sys
free = not getattr(sys, '_is_gil_enabled', lambda: True)()
version = '.'.join([str(part) for part in sys.version_info[:3]])
print('\\t'.join([version, str(int(free)), os.path.realpath(sys.executable)]))";

/// Runs the program of the first argument, then prints the processor time that it took.
const TIMED: &str = "import runpy, sys, time
sys.argv = sys.argv[1:]
before = time.process_time()
runpy.run_path(sys.argv[0], run_name='__main__')
print('CPU', time.process_time() - before)";

/// All that are found, oldest first; of each program file one. Of one version the one that the PATH names comes first.
pub fn find_all() -> Vec<CPython> {
    let names = ["python3.11", "python3", "python2.7", "python3.8", "python3.9", "python3.10", "python3.12"];
    let newer = ["python3.13", "python3.13t", "python3.14", "python3.14t"];
    let path: Vec<PathBuf> =
        env::var_os("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default();
    let on_path =
        names.iter().chain(&newer).flat_map(|name| path.iter().map(move |folder| folder.join(name)));
    let mut found: Vec<CPython> = Vec::new();
    for candidate in on_path.chain(of_pyenv()).filter(|candidate| candidate.exists()) {
        let Some(cpython) = ask(&candidate) else { continue };
        if !found.iter().any(|known| known.program == cpython.program) {
            found.push(cpython);
        }
    }
    found.sort_by_key(|cpython| (cpython.version, cpython.free_threaded));
    found
}

fn of_pyenv() -> Vec<PathBuf> {
    let home = || env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv"));
    let root = env::var_os("PYENV_ROOT").map(PathBuf::from).or_else(home);
    let entries = root.and_then(|root| std::fs::read_dir(root.join("versions")).ok());
    let mut programs: Vec<PathBuf> =
        entries.into_iter().flatten().flatten().map(|entry| entry.path().join("bin/python")).collect();
    programs.sort();
    programs
}

fn ask(candidate: &Path) -> Option<CPython> {
    let output = Command::new(candidate)
        .args(["-c", WHO])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    parse(String::from_utf8_lossy(&output.stdout).trim_end())
}

fn parse(answer: &str) -> Option<CPython> {
    let mut words = answer.split('\t');
    let (version, free, program) = (words.next()?, words.next()? == "1", words.next()?);
    let mut parts = version.split('.').map(str::parse);
    Some(CPython {
        version: (parts.next()?.ok()?, parts.next()?.ok()?),
        full_version: format!("{version}{}", if free { "t" } else { "" }),
        program: program.into(),
        free_threaded: free,
    })
}

impl CPython {
    /// The policy of ours that is the model of its lock; `None` for versions that none stands for.
    pub fn model(&self) -> Option<Policy> {
        match self.version {
            _ if self.free_threaded => Some(Policy::Free),
            (2, 7) => Some(Policy::Tick),
            (3, 2..=9) => Some(Policy::Gil32),
            (3, 10..=12) => Some(Policy::Gil310),
            (3, 13..) => Some(Policy::Gil313),
            _ => None,
        }
    }

    /// Its name in tables.
    pub fn name(&self) -> String {
        format!("CPython {}", self.full_version)
    }

    /// Runs a program and reads what it prints.
    ///
    /// # Errors
    /// When it cannot be started, fails, or does not end.
    pub fn run(&self, file: &Path, args: &[String]) -> Result<String> {
        self.start(Command::new(&self.program).arg(file).args(args), file)
    }

    /// The same, with the processor time that the program took.
    ///
    /// # Errors
    /// As [`CPython::run`].
    pub fn run_timed(&self, file: &Path, args: &[String]) -> Result<Ran> {
        let mut output =
            self.start(Command::new(&self.program).args(["-c", TIMED]).arg(file).args(args), file)?;
        let at = output.rfind("CPU ").context("the program has ended without its processor time")?;
        let seconds = output[at..].trim_end().trim_start_matches("CPU ").parse()?;
        output.truncate(at);
        Ok(Ran { output, cpu: Duration::from_secs_f64(seconds) })
    }

    /// In a process group of its own, so that helpers of the program end with it when it takes too long.
    fn start(&self, command: &mut Command, file: &Path) -> Result<String> {
        let what = || format!("{} on {}", file.display(), self.name());
        let command = command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUTF8", "1").process_group(0);
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(what)?;
        let mut child = KillOnDrop(child);
        match read_within(child.0.stdout.as_mut().expect("it is piped"), Some(LIMIT)) {
            Ok(output) => {
                let status = child.0.wait()?;
                ensure!(status.success(), "{} ended with {status}", what());
                Ok(output)
            }
            Err(error) => {
                let group = rustix::process::Pid::from_child(&child.0);
                // Fails only when all have ended already.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                bail!("{}: {error}", what())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_anything_else_is_no_cpython() {
        let found = parse("3.13.5\t1\t/opt/python3.13t").unwrap();
        assert_eq!((found.version, found.name().as_str()), ((3, 13), "CPython 3.13.5t"));
        assert_eq!(found.program, Path::new("/opt/python3.13t"));
        for answer in ["", "3.11.7", "three\t0\t/bin/python", "3.11.7\t0"] {
            assert_eq!(parse(answer), None, "{answer}");
        }
    }

    #[test]
    fn each_version_has_the_model_of_its_lock() {
        let model = |answer: &str| parse(answer).unwrap().model();
        for (version, policy) in [
            ("2.7.18\t0\tp", Policy::Tick),
            ("3.8.1\t0\tp", Policy::Gil32),
            ("3.9.2\t0\tp", Policy::Gil32),
            ("3.10.1\t0\tp", Policy::Gil310),
            ("3.12.1\t0\tp", Policy::Gil310),
            ("3.13.0\t0\tp", Policy::Gil313),
            ("3.14.0\t1\tp", Policy::Free),
        ] {
            assert_eq!(model(version), Some(policy), "{version}");
        }
        assert_eq!(model("3.1.5\t0\tp"), None);
    }

    #[test]
    fn a_program_that_is_not_there_is_no_cpython() {
        assert_eq!(ask(Path::new("/nowhere/python3.11")), None);
        assert_eq!(ask(Path::new("/bin/false")), None);
    }
}
