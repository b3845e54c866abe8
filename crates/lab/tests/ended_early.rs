//! A run that is stopped at any moment: what was measured is told, and no process of it is left.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

mod support;
use support::command_in;

/// A run in its own folder, whose processes can be told by a variable of their environment.
struct Run {
    child: Child,
    mark: String,
    folder: tempfile::TempDir,
}

impl Run {
    fn start(words: &str) -> Run {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mark = format!("LAB_TEST_MARK={}", folder.path().display());
        let mut command = command_in(folder.path(), words);
        command.env("LAB_RESULTS", folder.path().join("results")).env("LAB_TEST_MARK", folder.path());
        command.env("TMPDIR", folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().expect("the command starts");
        Run { child, mark, folder }
    }

    /// Reads standard error up to a line that contains `part`.
    fn until(&mut self, part: &str) {
        let err = self.child.stderr.take().expect("standard error is a pipe");
        let mut lines = BufReader::new(err).lines();
        let found = lines.by_ref().map_while(Result::ok).any(|line| line.contains(part));
        assert!(found, "the run never said `{part}`");
        // The rest must be read, or the run would stand still once the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("it is our own child");
    }

    /// The processes that carry the mark, as the kernel tells them (Linux).
    fn processes(&self) -> BTreeSet<u32> {
        let Ok(all) = std::fs::read_dir("/proc") else { return BTreeSet::new() };
        let pids = all.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let is_ours = |pid: &u32| {
            let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == self.mark.as_bytes())
        };
        pids.filter(is_ours).collect()
    }

    fn assert_nothing_is_left(&self) {
        for _ in 0..1_000 {
            if self.processes().is_empty() {
                let names = std::fs::read_dir(self.folder.path()).expect("the folder is there").flatten();
                let left: Vec<_> =
                    names.map(|entry| entry.file_name()).filter(|name| name != "results").collect();
                assert!(left.is_empty(), "files are left: {left:?}");
                return;
            }
            // sleep: the kernel tells nobody when the last process of a group is gone
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("processes are left: {:?}", self.processes());
    }
}

/// Runs that have a load client, children of Python programs, and a guarded real runtime where one is found.
const RUNS: [&str; 4] = [
    "run countdown --quick --json --budget 30",
    "run handlers --json --budget 30",
    "run starvation --json --budget 60",
    "run handlers --json --budget 30 --on node",
];

#[test]
fn ctrl_c_tells_what_was_measured_and_leaves_nothing() {
    for words in RUNS {
        let mut run = Run::start(words);
        if words.ends_with("node") && !node_is_found() {
            continue;
        }
        run.until("round 1 ");
        run.signal(Signal::INT);
        let mut out = String::new();
        run.child.stdout.take().expect("standard output is a pipe").read_to_string(&mut out).expect("text");
        assert_eq!(run.child.wait().expect("it ends").code(), Some(130), "{words}");
        let result: Value =
            serde_json::from_str(&out).unwrap_or_else(|error| panic!("{words}: {error}: {out}"));
        assert_eq!(result["complete"], false, "{words}");
        assert!(result["rounds"].as_u64() >= Some(1), "{words}: {result}");
        run.assert_nothing_is_left();
    }
}

#[test]
fn a_run_that_is_killed_leaves_no_process() {
    for words in RUNS {
        let mut run = Run::start(words);
        if words.ends_with("node") && !node_is_found() {
            continue;
        }
        run.until("round 1 ");
        run.signal(Signal::KILL);
        run.child.wait().expect("it is gone");
        run.assert_nothing_is_left();
    }
}

fn node_is_found() -> bool {
    let version = std::process::Command::new("node").arg("--version").stderr(Stdio::null()).output();
    let found = version.is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: node is not installed here");
    }
    found
}
