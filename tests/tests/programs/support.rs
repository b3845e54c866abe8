//! A program under test: its lines, as they come, its signals, and its end.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::built;

/// How long anything may take before a test says that it hangs. Nothing waits this long unless it is broken.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A running program, which ends with the test in any case.
pub(crate) struct Program {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    errors: Option<JoinHandle<String>>,
}

/// How a program has ended.
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// All lines of its standard output.
    pub(crate) lines: Vec<String>,
    pub(crate) errors: String,
}

impl Program {
    /// Starts an example.
    pub(crate) fn start(name: &str, arguments: &[&str]) -> Program {
        Program::spawn(Command::new(built::program(name)).args(arguments).stdin(Stdio::null()))
    }

    /// Starts a command whose lines and errors the test wants.
    pub(crate) fn spawn(command: &mut Command) -> Program {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let (stdout, mut stderr) =
            (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        let named = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let read_lines = move || {
            let lines = BufReader::new(stdout).lines();
            lines.map_while(Result::ok).try_for_each(|line| sender.send(line).map_err(drop))
        };
        // It ends when the program does; a test that has failed does not wait for it.
        drop(named("stdout").spawn(read_lines).expect("a thread"));
        let read_errors = move || {
            let mut text = Vec::new();
            let _ = stderr.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        };
        let errors = Some(named("stderr").spawn(read_errors).expect("a thread"));
        Program { child, lines, seen: Vec::new(), errors }
    }

    /// Writes to its standard input, which must be a pipe.
    pub(crate) fn type_in(&mut self, text: &str) {
        self.child.stdin.as_mut().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
    }

    pub(crate) fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// The next line that contains `part`; those before it are passed over.
    #[track_caller]
    pub(crate) fn line_with(&mut self, part: &str) -> String {
        loop {
            match self.lines.recv_timeout(HANG) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(part) {
                        return line;
                    }
                }
                Err(error) => {
                    let _ = self.child.kill();
                    let errors = self.errors.take().map(|errors| errors.join().expect("it reads"));
                    panic!("no line with {part:?}: {error}; {:#?}, errors: {errors:?}", self.seen);
                }
            }
        }
    }

    /// Where it listens, from the next line that says so.
    #[track_caller]
    pub(crate) fn addr(&mut self) -> SocketAddr {
        let line = self.line_with("listening on ");
        let addr =
            line.split("listening on ").nth(1).and_then(|rest| rest.split(' ').next()).expect("an address");
        let addr = addr.strip_prefix("http://").unwrap_or(addr);
        addr.parse().unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// Sends it a signal by its number.
    #[cfg(unix)]
    #[track_caller]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        // Not waited for yet, so the number is still its own.
        rustix::process::kill_process(pid, signal).expect("a process that runs");
    }

    /// Whether it has ended by now.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_some()
    }

    /// Waits for its end, which the test has brought about.
    #[track_caller]
    pub(crate) fn end(mut self) -> Ended {
        loop {
            match self.lines.recv_timeout(HANG) {
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end: {:#?}", self.seen),
            }
        }
        let status = self.child.wait().expect("a child");
        let errors = self.errors.take().expect("nobody has taken them").join().expect("it reads");
        Ended { status, lines: std::mem::take(&mut self.seen), errors }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended was waited for, and cannot be killed any more.
        let _ = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Ended {
    /// The last line, of a program that has ended well and has said nothing of errors.
    #[track_caller]
    pub(crate) fn well(&self) -> &str {
        assert!(
            self.status.success() && self.errors.is_empty(),
            "{}: {:#?} {}",
            self.status,
            self.lines,
            self.errors
        );
        self.lines.last().expect("a line")
    }
}

/// A connection whose reads and writes are bounded.
pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).expect("somebody listens");
    stream.set_read_timeout(Some(HANG)).expect("a time-out");
    stream.set_write_timeout(Some(HANG)).expect("a time-out");
    stream
}

/// The first of these programs that starts here; without one the test says that it is skipped.
pub(crate) fn peer(programs: &[&'static str], version: &str) -> Option<&'static str> {
    let starts = |program: &&'static str| {
        let mut command = Command::new(program);
        command.arg(version).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    let found = programs.iter().copied().find(starts);
    if found.is_none() {
        println!("skipped: no {}", programs.join(" or "));
    }
    found
}

/// Bytes that look random and are the same in each run.
pub(crate) fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// Writes `message` again and again until the system takes nothing for a while, and says how many bytes it took: the
/// other side does not read. One that takes `all_bytes`, far more than the system's buffers hold, would never be held
/// up.
#[track_caller]
pub(crate) fn write_until_held_up(stream: &mut TcpStream, message: &[u8], all_bytes: usize) -> usize {
    stream.set_write_timeout(Some(Duration::from_millis(500))).expect("a time-out");
    let mut sent_bytes = 0;
    while sent_bytes < all_bytes {
        match stream.write(&message[sent_bytes % message.len()..]) {
            Ok(written) => sent_bytes += written,
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
                stream.set_write_timeout(Some(HANG)).expect("a time-out");
                return sent_bytes;
            }
        }
    }
    panic!("nobody held up {sent_bytes} bytes");
}
