//! A process that plans a task, as the lab sees it: its lines, the processes of its group, its end.
//!
//! # Threads
//! `cron-lines` reads the pipe and ends with it.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clock::Clock;
use experiment_kit::Interrupt;

use super::part::{PLANNER, WATCH};
use crate::roles;

/// How long a process may take until its next line; a JVM compiles its program first.
const LINE_LIMIT: Duration = Duration::from_secs(30);

/// How often an interrupt is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A process that plans a task, as the lab sees it; dropping it ends it.
pub(super) struct Planner {
    child: Child,
    /// While it is open the process lives.
    lifeline: Option<ChildStdin>,
    lines: Receiver<String>,
    interrupt: Interrupt,
    _watch: Option<Watch>,
}

/// A process that kills a group when this one is gone; dropping it ends it before it does.
struct Watch(Child);

impl Watch {
    fn over(group: u32) -> Result<Watch> {
        let mut command = roles::command(&PLANNER, &[WATCH.to_owned(), group.to_string()]);
        // Its own standard input stays open as long as this process lives.
        Ok(Watch(command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?))
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // Killed first: waiting closes its standard input.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Planner {
    /// Starts the process; one that does not look at its standard input at once is to be `watched`.
    pub(super) fn start(mut command: Command, watched: bool, interrupt: &Interrupt) -> Result<Planner> {
        let mut child = command
            .process_group(0) // So that whatever it starts can be counted.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a process that plans a task")?;
        let (lifeline, out) = (child.stdin.take(), child.stdout.take());
        let (sender, lines) = mpsc::channel();
        let mut planner = Planner { child, lifeline, lines, interrupt: interrupt.clone(), _watch: None };
        planner._watch = watched.then(|| Watch::over(planner.id())).transpose()?;
        let out = out.context("its standard output is a pipe")?;
        std::thread::Builder::new().name("cron-lines".to_owned()).spawn(move || forward(out, &sender))?;
        Ok(planner)
    }

    /// Its number, which is that of its process group, too.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it says next.
    pub(super) fn line(&self) -> Result<Said> {
        let mut waited = Duration::ZERO;
        while !self.interrupt.came() {
            match self.lines.recv_timeout(LOOK_EVERY) {
                Ok(line) => return Ok(Said::Line(Line::read(&line)?)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Said::End),
                Err(RecvTimeoutError::Timeout) => waited += LOOK_EVERY,
            }
            ensure!(waited < LINE_LIMIT, "the planning process has said nothing for {LINE_LIMIT:?}");
        }
        Ok(Said::Interrupted)
    }

    /// Kills it and waits for its end; the shared clock after that.
    pub(super) fn kill(&mut self, clock: &Clock) -> Result<Duration> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(clock::monotonic(clock.now()))
    }

    /// What is still said by whoever holds its output, until nobody does or `limit` is over.
    pub(super) fn rest(&self, limit: Duration, clock: &Clock) -> Result<Vec<Line>> {
        let until = clock.now() + limit;
        let mut rest = Vec::new();
        while !self.interrupt.came() {
            let left = until.saturating_duration_since(clock.now());
            match self.lines.recv_timeout(left.min(LOOK_EVERY)) {
                Ok(line) => rest.push(Line::read(&line)?),
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        Ok(rest)
    }
}

impl Drop for Planner {
    fn drop(&mut self) {
        drop(self.lifeline.take());
        // Who was killed already is told so, which changes nothing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn forward(out: ChildStdout, sender: &mpsc::Sender<String>) {
    for line in BufReader::new(out).lines() {
        // A line that is no text, or that nobody waits for, ends it.
        let Ok(line) = line else { return };
        if sender.send(line).is_err() {
            return;
        }
    }
}

/// Where something is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) pid: u32,
    pub(super) thread: u64,
    /// Threads of the process then; 0 where the system does not tell.
    pub(super) threads: u64,
    pub(super) name: String,
}

/// What is heard of a planning process.
#[derive(Debug)]
pub(super) enum Said {
    /// Its next line.
    Line(Line),
    /// It has closed its output.
    End,
    /// A signal came before it said anything.
    Interrupted,
}

/// What a planning process says: where it planned, or where and when (by the shared clock) the task ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) run: Option<Duration>,
}

impl Line {
    fn read(line: &str) -> Result<Line> {
        Line::parse(line).with_context(|| format!("a planning process said `{line}`"))
    }

    fn parse(line: &str) -> Option<Line> {
        let mut words = line.split(' ');
        let kind = words.next()?;
        let (pid, thread) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        let threads = words.next()?.parse().ok()?;
        let run = match kind {
            "PLANNED" => None,
            "RAN" => Some(Duration::from_nanos(words.next()?.parse().ok()?)),
            _ => return None,
        };
        Some(Line { place: Place { pid, thread, threads, name: words.next()?.to_owned() }, run })
    }
}

/// Processes of the group that `leader` leads; `None` where the system does not tell.
pub(super) fn group_members(leader: u32) -> Option<usize> {
    let entries = std::fs::read_dir("/proc").ok()?;
    let stats = entries.flatten().filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let count = stats.filter(|stat| group_of(stat) == Some(leader)).count();
    (count > 0).then_some(count)
}

/// The process group in a line of `/proc/PID/stat`: the third field after the name in brackets.
fn group_of(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_planning_process_are_read_and_others_are_errors() {
        let plan = Line::read("PLANNED 7 8 1 main").unwrap();
        assert_eq!(
            plan,
            Line { place: Place { pid: 7, thread: 8, threads: 1, name: "main".into() }, run: None }
        );
        let run = Line::read("RAN 7 9 5 1500 blocking-1").unwrap();
        assert_eq!((run.run, run.place.thread), (Some(Duration::from_nanos(1_500)), 9));
        for wrong in ["", "RAN 7 9 5", "RAN 7 nine 5 1500 x", "HELLO 7 8 1 main"] {
            assert!(Line::read(wrong).unwrap_err().to_string().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn the_group_is_read_behind_any_name() {
        assert_eq!(group_of("12 (a) b) S 1 77 12 0 -1"), Some(77));
        assert_eq!(group_of("12 (short) S"), None);
    }
}
