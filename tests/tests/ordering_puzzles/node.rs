//! Finds the installed Node and runs programs on it.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Far more than any puzzle takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first version whose libuv (1.45 and later) runs timers at the end of a pass, as our loop does.
const OLDEST_MAJOR: u32 = 20;

/// An installed Node that is recent enough.
#[derive(Debug)]
pub(crate) struct Node {
    program: PathBuf,
    /// Such as `20.20.2`.
    pub(crate) version: String,
}

impl Node {
    /// The Node that `program` starts, or why there is nothing to compare with.
    pub(crate) fn find(program: &Path) -> Result<Node, String> {
        let output = Command::new(program).arg("--version").stdin(Stdio::null()).output();
        let Ok(output) = output else { return Err("node not found".to_owned()) };
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let version = answer.strip_prefix('v').filter(|_| output.status.success());
        let version = version.ok_or_else(|| format!("`node --version` says {answer:?}"))?.to_owned();
        match major(&version) {
            Some(OLDEST_MAJOR..) => Ok(Node { program: program.to_owned(), version }),
            _ => Err(format!("node {version} is older than {OLDEST_MAJOR}; its timers run in another phase")),
        }
    }

    /// Whether orders that another version gave are binding for this one.
    pub(crate) fn is_bound_by(&self, recorded_on: &str) -> bool {
        major(&self.version) == major(recorded_on)
    }

    /// Runs the program in a process of its own and returns the labels that it printed.
    pub(crate) fn run(&self, file: &Path) -> Result<Vec<String>, String> {
        let mut command = Command::new(&self.program);
        // Options and preloaded modules of the person who runs the tests would change the order.
        command.arg(file).env_remove("NODE_OPTIONS").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("cannot start node: {error}"))?;
        let (mut stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
        let (sender, receiver) = mpsc::channel();
        let reader = std::thread::Builder::new().name("puzzle-node".to_owned()).spawn(move || {
            let (mut printed, mut complaints) = (String::new(), String::new());
            let read = stdout.as_mut().map(|pipe| pipe.read_to_string(&mut printed));
            let read_too = stderr.as_mut().map(|pipe| pipe.read_to_string(&mut complaints));
            let failed = [read, read_too].into_iter().flatten().any(|result| result.is_err());
            let _ = sender.send((printed, complaints, failed));
        });
        let reader = reader.map_err(|error| error.to_string())?;
        let answer = receiver.recv_timeout(PATIENCE);
        if answer.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        reader.join().map_err(|_| "the reader of node's answer panicked".to_owned())?;
        let (printed, complaints, failed) = answer.map_err(|_| format!("did not end within {PATIENCE:?}"))?;
        if failed || !status.success() {
            return Err(format!("{status}: {complaints}"));
        }
        Ok(printed.split_whitespace().map(str::to_owned).collect())
    }
}

fn major(version: &str) -> Option<u32> {
    version.split('.').next()?.parse().ok()
}

#[test]
fn a_machine_without_node_is_told_so() {
    let missing = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no-such-node");
    assert_eq!(Node::find(&missing).unwrap_err(), "node not found");
}

#[cfg(unix)]
#[test]
fn an_old_node_is_not_asked() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let fake = |name: &str, version: &str| {
        let program = folder.path().join(name);
        std::fs::write(&program, format!("#!/bin/sh\necho {version}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Node::find(&program)
    };
    assert!(fake("old", "v18.20.4").unwrap_err().contains("older than 20"));
    assert!(fake("strange", "hello").unwrap_err().contains("hello"));
    let newer = fake("newer", "v24.1.0").unwrap();
    assert!(newer.is_bound_by("24.9.0") && !newer.is_bound_by("20.20.2"));
}
