//! The server's process: it serves on its main thread, and on another one answers what it holds.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};

use anyhow::{Context, Result, anyhow};
use runtime_lab::RemoteHandle;
use serde::{Deserialize, Serialize};

use super::Subject;
use crate::child::{self, KillOnDrop};

/// What a server's process is asked to do.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Task {
    subject: Subject,
    connections: usize,
}

/// What a server holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Connections, by the server's count.
    pub open: usize,
    /// Descriptors of its process.
    pub descriptors: usize,
    /// Handles of the loop; 0 on tokio.
    pub handles: usize,
    /// Bytes that the allocator has handed out and not got back.
    pub allocated: u64,
    /// Bytes of memory that the process occupies, where the system tells.
    pub resident: Option<u64>,
}

/// A server in a process of its own, which ends with this value.
pub(super) struct Server {
    pub(super) addr: SocketAddr,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
    _process: KillOnDrop,
}

impl Server {
    /// Starts it and returns when it listens.
    pub(super) fn start(subject: Subject, connections: usize) -> Result<Server> {
        let mut command = child::command(&Task { subject, connections })?();
        let process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut process = KillOnDrop(process.context("cannot start this program again")?);
        let ask = process.0.stdin.take().expect("it is piped");
        let mut answers = BufReader::new(process.0.stdout.take().expect("it is piped"));
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let addr = line.trim().parse().map_err(|_| anyhow!("the server {} has not begun", subject.name()))?;
        Ok(Server { addr, ask, answers, _process: process })
    }

    /// What it holds now.
    pub(super) fn state(&mut self) -> Result<State> {
        self.ask.write_all(b"state\n").context("the server has ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the server has ended")
    }
}

/// How a server says where it listens, and what of it another thread may look at.
pub(super) struct Ready {
    /// Its open connections.
    pub(super) open: Arc<AtomicUsize>,
    listening: mpsc::Sender<(SocketAddr, Option<RemoteHandle>)>,
}

impl Ready {
    pub(super) fn tell(&self, addr: SocketAddr, remote: Option<RemoteHandle>) -> Result<()> {
        self.listening.send((addr, remote)).map_err(|_| anyhow!("nobody waits for this server"))
    }
}

/// The server's process. `allocated` counts the bytes of its allocator. It ends with its standard input.
///
/// # Errors
/// When the server cannot begin.
pub fn serve(task: Task, allocated: impl Fn() -> u64 + Send + 'static) -> Result<()> {
    let (listening, told) = mpsc::channel();
    let open = Arc::new(AtomicUsize::new(0));
    let ready = Ready { open: open.clone(), listening };
    std::thread::Builder::new().name("states".to_owned()).spawn(move || {
        let Ok((addr, remote)) = told.recv() else { return };
        println!("{addr}");
        for _asked in std::io::stdin().lines().map_while(Result::ok) {
            let handles = remote.as_ref().map_or(0, handles_of); // First: what closes now holds memory, too.
            let state = State {
                open: open.load(Relaxed),
                descriptors: descriptors(),
                handles,
                allocated: allocated(),
                resident: resident(),
            };
            println!("{}", serde_json::to_string(&state).expect("numbers always make JSON"));
        }
        std::process::exit(0);
    })?;
    task.subject.serve(task.connections, &ready)
}

/// The loop's open handles. Those that close now are gone at the end of the pass, so it asks in the next.
fn handles_of(remote: &RemoteHandle) -> usize {
    let ask = || {
        let (answer, counted) = mpsc::channel();
        // A loop that has ended has no handles, and does not answer.
        let _ = remote.post(move |lp| {
            let _ = answer.send(lp.handles().len());
        });
        counted.recv().unwrap_or(0)
    };
    ask();
    ask()
}

/// The open descriptors of this process, the one that lists them not counted.
fn descriptors() -> usize {
    std::fs::read_dir("/dev/fd").map_or(0, |entries| entries.count().saturating_sub(1))
}

/// The resident memory of this process; only Linux says it in a file.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.trim().strip_suffix(" kB")?;
    Some(kib.parse::<u64>().ok()? * 1024)
}
