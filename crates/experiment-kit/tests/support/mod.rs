//! What the tests share: the whole program as a child, its result, and the check of a result against the schema.

#![allow(dead_code)] // Each test file uses a part.

pub(crate) mod schema;

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use serde_json::Value;

/// The program: the experiment on threads that share one lock.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_starvation-on-threads");

/// Acts of a second, blocks of 50 ms.
pub(crate) const LONG: &[&str] = &["--json", "--block-ms", "50", "--duration", "40", "--rate", "300"];

/// How a program ended, and what it said.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// The exit code.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The result: the one line on stdout, checked against the schema.
    pub(crate) fn result(&self) -> Value {
        assert_eq!(
            self.stdout.lines().count(),
            1,
            "one object and nothing else: {}{}",
            self.stdout,
            self.stderr
        );
        let result = serde_json::from_str(&self.stdout).unwrap();
        assert_eq!(schema::violations(&result), Vec::<String>::new());
        result
    }
}

/// Runs the program to its end.
pub(crate) fn run(arguments: &[&str]) -> Ended {
    let output =
        Command::new(PROGRAM).args(arguments).env_remove("COLUMNS").stdin(Stdio::null()).output().unwrap();
    Ended {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The program while it runs; its load client has the same stderr, which therefore ends when both are gone.
pub(crate) struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    heard: String,
}

impl Running {
    /// Starts the program.
    pub(crate) fn start(arguments: &[&str]) -> Running {
        let mut child = Command::new(PROGRAM)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr, heard: String::new() }
    }

    /// Reads stderr up to a line that contains `text`, and returns that line.
    pub(crate) fn hear(&mut self, text: &str) -> String {
        loop {
            let mut line = String::new();
            assert_ne!(self.stderr.read_line(&mut line).unwrap(), 0, "no `{text}` in: {}", self.heard);
            self.heard.push_str(&line);
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Reads one line of stdout.
    pub(crate) fn line_of_stdout(&mut self) -> String {
        let mut line = Vec::new();
        let stdout = self.child.stdout.as_mut().unwrap();
        let mut byte = [0];
        while stdout.read(&mut byte).unwrap() == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        String::from_utf8(line).unwrap()
    }

    /// The process id of the load client, by the line that announces it.
    pub(crate) fn client_pid(&mut self) -> u32 {
        let line = self.hear("the load client is process");
        let rest = line.split("process ").nth(1).unwrap();
        rest.split(';').next().unwrap().parse().unwrap()
    }

    /// The process id of the program.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the program and its load client are gone.
    pub(crate) fn end(mut self) -> Ended {
        let mut stdout = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
        self.stderr.read_to_string(&mut self.heard).unwrap();
        Ended { status: self.child.wait().unwrap(), stdout, stderr: self.heard }
    }
}

/// Sends a signal, by the system's own kill(1).
pub(crate) fn signal(name: &str, pid: u32) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -s {name} {pid}");
}
