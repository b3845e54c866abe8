//! One program that is not trusted: run under a guard with limits, watched, and gone with its children afterwards.
//!
//! # Model
//! ```text
//! start ──▶ ended by itself ──────────────────────────────▶ the rest of its group is killed ──▶ what it printed
//!      ╰──▶ time is up ──▶ `last_look` at its processes ──▶ all of its group are killed ─────╯
//!      ╰──▶ stop ──────────────────────────────────────────▶ all of its group are killed ─────╯
//! ```
//! Of long output the beginning and the end are kept: the middle of an endless loop says nothing new. A program that
//! leaves its process group leaves this model, too; it is killed by nobody.
//!
//! # Threads
//! `program-output` reads the pipe to its end. It is not joined, because a process that left the group may hold the pipe
//! for ever; what it has read is shared, and is waited for a second at most.

use std::collections::VecDeque;
use std::io::{PipeReader, Read, pipe};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use clock::Clock;

use crate::group::{Group, code_of, limit_memory};

const LOOK_EVERY: Duration = Duration::from_millis(4);
const WAIT_FOR_THE_REST: Duration = Duration::from_secs(1);

/// What a program may take, and who watches it.
pub struct Rules<'r> {
    /// It is killed after this time.
    pub time: Duration,
    /// So much of its output is kept: half from the beginning, half from the end.
    pub keep_bytes: usize,
    /// The address space of each of its processes, where guards are used and the system (Linux) keeps to it.
    pub memory_bytes: Option<u64>,
    /// Whether standard error belongs to the output; else it is that of this process.
    pub with_errors: bool,
    /// Asked often: whether to end it now.
    pub stop: &'r dyn Fn() -> bool,
    /// Called with its processes when its time is up, before they are killed.
    pub last_look: &'r mut dyn FnMut(&[u32]),
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By itself, with this code; 128 and the number of the signal where a signal ended it.
    Exited(i32),
    /// Its time was up.
    TimeIsUp,
    /// `stop` said so.
    Stopped,
}

/// What a program left.
#[derive(Debug)]
pub struct Supervised {
    /// How it ended.
    pub end: End,
    /// What it printed.
    pub output: Kept,
    /// How long it ran.
    pub took: Duration,
}

/// The beginning and the end of an output.
#[derive(Debug, Default)]
pub struct Kept {
    room: usize,
    head: Vec<u8>,
    tail: VecDeque<u8>,
    left_out: u64,
}

impl Kept {
    fn with_room(bytes: usize) -> Kept {
        Kept { room: bytes / 2, ..Kept::default() }
    }

    fn add(&mut self, bytes: &[u8]) {
        let (first, rest) = bytes.split_at(bytes.len().min(self.room - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(rest);
        let above = self.tail.len().saturating_sub(self.room);
        self.tail.drain(..above);
        self.left_out += above as u64;
    }

    /// The text, with a line that says how much was left out; bytes that are no text are replaced.
    pub fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        if self.left_out == 0 {
            return String::from_utf8_lossy(&[self.head.as_slice(), &tail].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[… {} bytes left out …]\n{tail}", self.left_out)
    }
}

/// Runs `command` under `rules`; it and its group are gone afterwards.
///
/// # Errors
/// When it cannot be started or waited for.
pub fn supervise(mut command: Command, rules: Rules<'_>) -> Result<Supervised> {
    let clock = Clock::real();
    if let Some(bytes) = rules.memory_bytes {
        limit_memory(&mut command, bytes);
    }
    let (reader, writer) = pipe().context("cannot make a pipe")?;
    let errors = if rules.with_errors { writer.try_clone()?.into() } else { Stdio::inherit() };
    let mut group = Group::start(&mut command, writer.into(), errors)?;
    drop(command);
    let output = Arc::new(Mutex::new(Kept::with_room(rules.keep_bytes)));
    let ended = read(reader, Arc::clone(&output))?;
    let started = clock.now();
    let end = loop {
        let has_ended = group.has_ended()?;
        // Asked second, and it decides: until it has a group of its own a new process gets the Ctrl-C of the terminal,
        // too, and that is no way in which a program ends by itself.
        if (rules.stop)() {
            break Some(End::Stopped);
        }
        if has_ended {
            break None;
        }
        if clock.now() - started >= rules.time {
            (rules.last_look)(&group.processes());
            break Some(End::TimeIsUp);
        }
        // An end tells nobody without a handler for signals; a look costs a system call.
        std::thread::park_timeout(LOOK_EVERY);
    };
    let took = clock.now() - started;
    let status = group.end().context("cannot wait for a program")?;
    let _ = ended.recv_timeout(WAIT_FOR_THE_REST); // Who left the group may still hold the pipe.
    let output = std::mem::take(&mut *output.lock().unwrap_or_else(PoisonError::into_inner));
    Ok(Supervised { end: end.unwrap_or(End::Exited(code_of(status))), output, took })
}

fn read(mut pipe: PipeReader, output: Arc<Mutex<Kept>>) -> Result<Receiver<()>> {
    let (sender, ended) = mpsc::channel();
    let read = move || {
        let mut bytes = vec![0; 16 << 10];
        loop {
            match pipe.read(&mut bytes) {
                Ok(0) => break,
                Ok(count) => output.lock().unwrap_or_else(PoisonError::into_inner).add(&bytes[..count]),
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(_) => break, // What was read until then is what there is.
            }
        }
        let _ = sender.send(()); // Nobody waits any more after a second.
    };
    std::thread::Builder::new().name("program-output".to_owned()).spawn(read)?;
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, time: Duration, stop: bool) -> (Supervised, Vec<u32>) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        let mut seen = Vec::new();
        let rules = Rules {
            time,
            keep_bytes: 1_000,
            memory_bytes: None,
            with_errors: true,
            stop: &|| stop,
            last_look: &mut |pids| seen = pids.to_vec(),
        };
        (supervise(command, rules).expect("it runs"), seen)
    }

    const LONG: Duration = Duration::from_secs(60);
    const SHORT: Duration = Duration::from_millis(200);

    #[test]
    fn output_and_errors_come_in_their_order_with_the_exit_code() {
        let (done, _) = run("echo a; echo b >&2; echo c; exit 3", LONG, false);
        assert_eq!((done.end, done.output.text().as_str()), (End::Exited(3), "a\nb\nc\n"));
    }

    #[test]
    fn a_program_that_a_signal_ended_says_which() {
        assert_eq!(run("kill -9 $$", LONG, false).0.end, End::Exited(128 + 9));
    }

    #[test]
    fn a_child_that_is_left_behind_is_killed() {
        let (done, _) = run("sleep 100 & echo $!", LONG, false);
        assert_eq!(done.end, End::Exited(0));
        let pid = done.output.text().trim().to_owned();
        let is_gone = || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            state.is_empty() || state.contains(") Z")
        };
        crate::conduct::wait_for(&crate::Interrupt::default(), LONG, &Clock::real(), is_gone);
        assert!(is_gone(), "{pid} is alive");
    }

    /// Elsewhere no shell command leaves its group.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_left_the_group_with_the_output_is_not_waited_for() {
        let mark = std::env::temp_dir().join(format!("kit-away-{}", std::process::id()));
        let left = format!("echo $$; : > \"{}\"; exec sleep 20", mark.display());
        let script = format!("setsid sh -c '{left}' & until [ -e '{}' ]; do :; done; exit 4", mark.display());
        let (done, _) = run(&script, LONG, false);
        std::fs::remove_file(&mark).expect("it is there");
        assert_eq!(done.end, End::Exited(4));
        let pid = done.output.text().trim().to_owned();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(!stat.is_empty() && !stat.contains(") Z"), "it slept to its end before: {stat}");
        let pid = rustix::process::Pid::from_raw(pid.parse().expect("a number")).expect("not 0");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is ours");
    }

    #[test]
    fn a_program_whose_time_is_up_is_looked_at_and_killed() {
        // A busy machine may need longer to start them all than the first limits allow.
        let all_were_seen = [SHORT, 10 * SHORT, LONG].into_iter().any(|limit| {
            let (done, seen) = run("sleep 100 & sleep 100", limit, false);
            assert_eq!(done.end, End::TimeIsUp);
            seen.len() == 3
        });
        assert!(all_were_seen || !cfg!(target_os = "linux"), "the shell and two children");
        assert_eq!(run("sleep 100", LONG, true).0.end, End::Stopped);
    }

    /// Elsewhere nobody but the parent can see that a process has ended.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_stop_that_comes_with_the_end_is_a_stop() {
        let path = std::env::temp_dir().join(format!("kit-stop-{}", std::process::id()));
        let wait = |is_there: &dyn Fn() -> bool| {
            crate::conduct::wait_for(&crate::Interrupt::default(), LONG, &Clock::real(), is_there);
        };
        let was_asked = std::cell::Cell::new(false);
        let stop = || {
            if !was_asked.replace(true) {
                wait(&|| path.exists());
                let pid = std::fs::read_to_string(&path).expect("it is there");
                std::fs::remove_file(&path).expect("it is there"); // Now it may end.
                let stat = format!("/proc/{}/stat", pid.trim());
                wait(&|| std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z")));
                return false;
            }
            true
        };
        let script = format!(
            "echo $$ > '{0}.new'; mv '{0}.new' '{0}'; while [ -e '{0}' ]; do :; done",
            path.display()
        );
        let mut command = Command::new("/bin/sh");
        command.args(["-c", &script]);
        let rules = Rules {
            time: LONG,
            keep_bytes: 1_000,
            memory_bytes: None,
            with_errors: true,
            stop: &stop,
            last_look: &mut |_| {},
        };
        assert_eq!(supervise(command, rules).expect("it runs").end, End::Stopped);
    }

    #[test]
    fn of_endless_output_the_beginning_and_the_end_are_kept() {
        let (done, _) = run("echo first; yes | head -c 100000; echo last", LONG, false);
        let text = done.output.text();
        assert!(text.starts_with("first\n") && text.ends_with("last\n"), "{text}");
        assert!(text.len() < 1_100 && text.contains("bytes left out"), "{text}");
    }
}
