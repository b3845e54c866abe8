//! What a program did, as one text: standard output, exit code, last line of standard error.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// Runs a command to its end and returns its outcome.
///
/// # Errors
/// Fails with a text when the command cannot start, is ended by a signal, or runs over the limit; then it is
/// ended together with the processes that it started.
pub(crate) fn outcome_of(mut command: Command, limit: Duration) -> Result<String, String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(|e| format!("cannot start {command:?}: {e}"))?;
    let result = read_to_end(&mut child, limit);
    if result.is_err() {
        kill_process_group(Pid::from_child(&child), Signal::KILL)
            .map_err(|e| format!("cannot end it: {e}"))?;
    }
    let status = child.wait().map_err(|e| format!("cannot wait for it: {e}"))?;
    let (stdout, stderr) = result?;
    match status.code() {
        Some(code) => Ok(text(&stdout, code, &stderr)),
        None => Err(format!("ended by {status}; standard error:\n{stderr}")),
    }
}

fn read_to_end(child: &mut Child, limit: Duration) -> Result<(String, String), String> {
    let (done, finished) = mpsc::channel();
    read_in_background("stdout", child.stdout.take().expect("it is piped"), done.clone());
    read_in_background("stderr", child.stderr.take().expect("it is piped"), done);
    let mut texts = [String::new(), String::new()];
    for _ in 0..2 {
        let (name, bytes) = finished.recv_timeout(limit).map_err(|_| {
            let [stdout, stderr] = &texts;
            format!("still running or writing after {limit:?}; so far:\n{stdout}{stderr}")
        })?;
        let bytes = bytes.map_err(|e| format!("cannot read its {name}: {e}"))?;
        texts[usize::from(name == "stderr")] = String::from_utf8_lossy(&bytes).into_owned();
    }
    Ok(texts.into())
}

type Bytes = (&'static str, io::Result<Vec<u8>>);

/// The reader ends when the last process closes its end; after a time-out nobody waits for it.
fn read_in_background(name: &'static str, mut pipe: impl Read + Send + 'static, done: Sender<Bytes>) {
    let read = move || {
        let mut bytes = Vec::new();
        let result = pipe.read_to_end(&mut bytes).map(|_| bytes);
        // The receiver is gone after a time-out; the bytes are of no use then.
        let _ = done.send((name, result));
    };
    thread::Builder::new().name(format!("read-{name}")).spawn(read).expect("a thread");
}

/// The outcome as it is recorded.
fn text(stdout: &str, code: i32, stderr: &str) -> String {
    let gap = if stdout.is_empty() || stdout.ends_with('\n') { "" } else { "\n--- no newline at the end\n" };
    let last = stderr.trim_end().lines().next_back().unwrap_or_default();
    format!("{stdout}{gap}--- exit {code}: {last}").trim_end().to_owned() + "\n"
}
