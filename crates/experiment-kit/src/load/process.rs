//! The parent's side of the load client: starts the process, orders acts, and notices when it is gone.
//!
//! # Threads
//! `load-messages` reads the client's stdout into a channel until it ends; dropping the client closes its
//! stdin, waits for the process (and kills it when it does not go), then joins the thread.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::KitError;
use crate::load::{ActSpec, Failure, Message, ROLE, ROLE_VARIABLE, Sample, Totals};

/// A load client process that waits for orders.
pub struct LoadClient {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Message>,
    reader: Option<JoinHandle<()>>,
}

/// What one act brought.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Whether the schedule was run to its end.
    pub complete: bool,
    /// When the schedule began, nanoseconds since the Unix epoch; 0 when it did not.
    pub started_wall_ns: u64,
    /// The answered requests in the order of their answers.
    pub samples: Vec<Sample>,
    /// The others.
    pub failures: Vec<Failure>,
    /// What the client counted; of a complete act only.
    pub totals: Totals,
}

/// The client reports four times a second, so this many empty waits mean that it hangs. Waits are counted, not
/// time: a program that was suspended and goes on must not take the pause for silence.
const EMPTY_WAITS_LIMIT: u32 = 400;
const WAIT: Duration = Duration::from_millis(25);

impl LoadClient {
    /// Starts this program once more in the role of the client.
    ///
    /// # Errors
    /// `KitError::StartClient` when the system refuses.
    pub fn start() -> Result<LoadClient, KitError> {
        LoadClient::start_program(&this_program())
    }

    /// Starts `program`, which must call the kit first in its main function.
    pub fn start_program(program: &PathBuf) -> Result<LoadClient, KitError> {
        let mut child = Command::new(program)
            .env(ROLE_VARIABLE, ROLE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|source| KitError::StartClient { program: program.clone(), source })?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("stdout was asked to be a pipe");
        let (sender, messages) = mpsc::channel();
        let reader = std::thread::Builder::new()
            .name("load-messages".to_owned())
            .spawn(move || read_messages(stdout, &sender));
        match reader {
            Ok(reader) => Ok(LoadClient { child, stdin, messages, reader: Some(reader) }),
            Err(source) => {
                end(&mut child);
                Err(KitError::StartClient { program: program.clone(), source })
            }
        }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Runs one act; `progress` hears how many requests have ended. When `stop` says so the act is left as it
    /// is, with what was measured so far, and the client is of no more use.
    ///
    /// # Errors
    /// `KitError::ClientDied`, `ClientSilent` or `ActFailed`.
    pub fn act(
        &mut self,
        spec: &ActSpec,
        stop: &dyn Fn() -> bool,
        progress: &mut dyn FnMut(&Outcome),
    ) -> Result<Outcome, KitError> {
        let mut order = serde_json::to_string(spec).expect("an act always makes JSON");
        order.push('\n');
        let stdin = self.stdin.as_mut().expect("stdin is open until the client is dropped");
        if stdin.write_all(order.as_bytes()).is_err() {
            return Err(self.died());
        }
        let mut outcome = Outcome::default();
        let mut empty_waits = 0;
        while !stop() {
            match self.messages.recv_timeout(WAIT) {
                Err(RecvTimeoutError::Timeout) if empty_waits < EMPTY_WAITS_LIMIT => {
                    empty_waits += 1;
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(KitError::ClientSilent { pid: self.id(), silent: WAIT * EMPTY_WAITS_LIMIT });
                }
                Err(RecvTimeoutError::Disconnected) => return Err(self.died()),
                Ok(Message::Error { message }) => return Err(KitError::ActFailed { message }),
                Ok(Message::Started { wall_ns }) => outcome.started_wall_ns = wall_ns,
                Ok(Message::Samples { samples, failures }) => {
                    outcome.samples.extend(samples);
                    outcome.failures.extend(failures);
                    progress(&outcome);
                }
                Ok(Message::Finished(totals)) => {
                    outcome.totals = totals;
                    outcome.complete = true;
                    return Ok(outcome);
                }
            }
            empty_waits = 0;
        }
        Ok(outcome)
    }

    fn died(&mut self) -> KitError {
        let pid = self.id();
        match end(&mut self.child) {
            Some(status) => KitError::ClientDied { pid, status: status.to_string() },
            None => KitError::ClientDied { pid, status: "unknown status".to_owned() },
        }
    }
}

impl Drop for LoadClient {
    fn drop(&mut self) {
        drop(self.stdin.take());
        end(&mut self.child);
        if let Some(reader) = self.reader.take() {
            // The pipe has ended with the process; the thread has nothing else to wait for.
            let _ = reader.join();
        }
    }
}

/// Waits a second for a process whose stdin is closed, then kills it.
fn end(child: &mut Child) -> Option<std::process::ExitStatus> {
    for _ in 0..200 {
        match child.try_wait() {
            Ok(None) => std::thread::sleep(Duration::from_millis(5)),
            Ok(Some(status)) => return Some(status),
            Err(_) => return None,
        }
    }
    // It may have ended by itself just now; either way wait collects it.
    let _ = child.kill();
    child.wait().ok()
}

fn read_messages(stdout: ChildStdout, messages: &mpsc::Sender<Message>) {
    for line in BufReader::new(stdout).lines() {
        let Ok(line) = line else { return };
        let message = serde_json::from_str(&line).unwrap_or_else(|error| Message::Error {
            message: format!("the load client wrote `{line}`: {error}"),
        });
        if messages.send(message).is_err() {
            return;
        }
    }
}

/// The running program, even when its file was replaced by a new build meanwhile (Linux).
pub fn this_program() -> PathBuf {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { running } else { std::env::current_exe().unwrap_or(running) }
}
