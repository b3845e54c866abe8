//! Programs of real runtimes: started with a cell to measure, they print figures as lines, and never outlive us.
//!
//! # Model
//! ```text
//! kit                                              program (node FILE cell=… name=…, python FILE cell=… …)
//! starts it in a process group of its own    ──▶   does the workload of that cell once
//! reads its standard output                  ◀──   FIGURE metric number number …
//!                                            ◀──   FACT name text until the end of the line
//! Ctrl-C, time limit                         ──▶   the whole group is killed; of too much output the rest is not read
//! ```
//! A program that serves prints `PORT number` and serves until it is killed.
//!
//! # Invariants
//! - P1: a program and its children are gone when the call that ran it returns, or the server is dropped.
//! - P2: a line that is neither figure nor fact is an error that shows the line; nothing is skipped in silence.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};

use crate::experiment::{Bench, Family};
use crate::group::{Group, children};
use crate::interrupt::Interrupt;
use crate::measurements::Sink;
use crate::runtimes::Runtime;

/// How much a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// It is killed after this time.
    pub time: Duration,
    /// More than this is not read, and is an error when it has ended.
    pub output_bytes: u64,
}

impl Limits {
    /// For one cell of an experiment.
    pub const CELL: Limits = Limits { time: Duration::from_secs(60), output_bytes: 16 << 20 };
    /// For a question that is answered at once.
    pub const ASKING: Limits = Limits { time: Duration::from_secs(10), output_bytes: 4096 };
}

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A program that has closed its output ends at once, mostly: so it is looked for more often.
const LOOK_FOR_END_EVERY: Duration = Duration::from_millis(2);

/// Runs `command` to its end and returns what it printed.
///
/// # Errors
/// When it cannot be started, does not end in time, prints too much, ends with a failure (with what it wrote to standard
/// error), or was interrupted.
pub fn run_to_end(mut command: Command, limits: &Limits, interrupt: &Interrupt) -> Result<String> {
    let name = shown(&command);
    let mut group = Group::start(&mut command, Stdio::piped(), Stdio::piped())?;
    let (sender, ended) = mpsc::channel();
    let out = reader("program-out", group.child.stdout.take(), limits.output_bytes, sender.clone())?;
    let err = reader("program-err", group.child.stderr.take(), limits.output_bytes, sender)?;
    let mut waited = Duration::ZERO;
    let mut open = 2;
    let mut has_ended = false;
    while !has_ended && !interrupt.came() && waited < limits.time {
        if open == 0 {
            // A program may close its output and live on.
            has_ended = group.has_ended()?;
            if !has_ended {
                std::thread::park_timeout(LOOK_FOR_END_EVERY);
                waited += LOOK_FOR_END_EVERY;
            }
            continue;
        }
        match ended.recv_timeout(LOOK_EVERY) {
            Ok(()) => open -= 1,
            Err(RecvTimeoutError::Timeout) => waited += LOOK_EVERY,
            Err(RecvTimeoutError::Disconnected) => open = 0,
        }
    }
    let status = group.end().context("cannot wait for a program")?;
    let status = has_ended.then_some(status);
    ensure!(!interrupt.came(), "{name} was interrupted");
    let Some(status) = status else { bail!("{name} did not end within {:?}", limits.time) };
    // Only now: both readers have ended. Before, a process that left the group may hold the pipes, and they with it.
    let (out, err) = (text(out), text(err));
    ensure!(
        out.len() as u64 <= limits.output_bytes,
        "{name} printed more than {} bytes",
        limits.output_bytes
    );
    ensure!(status.success(), "{name} ended with {status}: {}", last_lines(&err));
    Ok(out)
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut text = words.join(" ");
    if let Some((index, _)) = text.char_indices().nth(200) {
        text.truncate(index);
        text.push('…');
    }
    text
}

type Reading = JoinHandle<Vec<u8>>;

fn reader(
    name: &str,
    pipe: Option<impl Read + Send + 'static>,
    limit: u64,
    ended: mpsc::Sender<()>,
) -> Result<Reading> {
    let read = move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error is what there is; the exit status tells the rest.
            let _ = pipe.take(limit + 1).read_to_end(&mut bytes);
        }
        let _ = ended.send(()); // Nobody waits any more when the time is over.
        bytes
    };
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(read)?)
}

fn text(reading: Reading) -> String {
    String::from_utf8_lossy(&reading.join().unwrap_or_default()).into_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" | ")
}

/// Puts the lines that a program printed into `sink` (P2).
///
/// # Errors
/// The line that is neither a figure nor a fact.
pub fn read_figures(printed: &str, sink: &mut Sink<'_>) -> Result<()> {
    for line in printed.lines().filter(|line| !line.trim().is_empty()) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match (kind, rest.trim().split_once(' ')) {
            ("FIGURE", Some((metric, numbers))) => {
                for number in numbers.split_whitespace() {
                    let number = number.parse().map_err(|_| anyhow!("no number: `{number}` in `{line}`"))?;
                    sink.add(metric, number);
                }
            }
            ("FACT", Some((name, text))) => sink.fact(name, text.trim()),
            _ => bail!("the program printed `{line}`, which is neither FIGURE nor FACT"),
        }
    }
    Ok(())
}

/// The command that runs `file` on `runtime`, with `name=value` words behind it.
pub fn command(runtime: &Runtime, file: &std::path::Path, words: &[(String, String)]) -> Command {
    let mut command = Command::new(&runtime.path);
    command.arg(file).args(words.iter().map(|(name, value)| format!("{name}={value}")));
    // What the user's shell says of the size of a pool is for other programs; who wants one sets it after this.
    command.env_remove("UV_THREADPOOL_SIZE");
    if runtime.family == Family::CPython {
        command.env("PYTHONDONTWRITEBYTECODE", "1").env("PYTHONUNBUFFERED", "1");
    }
    command
}

/// A bench that runs one program of a real runtime for each cell: `FILE cell=CELL name=value …`.
pub struct ProgramBench {
    /// The runtime.
    pub runtime: Runtime,
    /// The program, as a file.
    pub file: PathBuf,
    /// The cells of a round.
    pub cells: Vec<String>,
    /// What else the program is told.
    pub words: Vec<(String, String)>,
    /// Variables of its environment.
    pub environment: Vec<(String, String)>,
    /// Asks to stop.
    pub interrupt: Interrupt,
}

impl Bench for ProgramBench {
    fn cells(&self) -> Vec<String> {
        self.cells.clone()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let mut words = vec![("cell".to_owned(), cell.to_owned())];
        words.extend(self.words.iter().cloned());
        let mut command = command(&self.runtime, &self.file, &words);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let printed = run_to_end(command, &Limits::CELL, &self.interrupt)?;
        read_figures(&printed, sink).with_context(|| format!("{} {cell}", self.runtime.name()))
    }
}

/// A program that serves on a port of this machine until it is dropped.
pub struct ServerProgram {
    /// Where it listens.
    pub addr: SocketAddr,
    group: Group,
}

impl ServerProgram {
    /// Starts it and waits until it says `PORT number`.
    ///
    /// # Errors
    /// When it cannot be started, says something else, or nothing in time.
    pub fn start(mut command: Command, interrupt: &Interrupt) -> Result<ServerProgram> {
        let name = shown(&command);
        let mut group = Group::start(&mut command, Stdio::piped(), Stdio::inherit())?;
        let out = group.child.stdout.take().context("its standard output is a pipe")?;
        let (sender, said) = mpsc::channel();
        // It ends with the first line, or with the process.
        std::thread::Builder::new().name("server-port".to_owned()).spawn(move || {
            let mut line = String::new();
            let read = BufReader::new(out.take(Limits::ASKING.output_bytes)).read_line(&mut line);
            let _ = sender.send(read.map(|_| line)); // Nobody waits any more when the time is over.
        })?;
        let mut waited = Duration::ZERO;
        let line = loop {
            match said.recv_timeout(LOOK_EVERY) {
                Ok(line) => break line?,
                Err(RecvTimeoutError::Disconnected) => bail!("{name} ended before it served"),
                Err(RecvTimeoutError::Timeout) => waited += LOOK_EVERY,
            }
            ensure!(!interrupt.came(), "{name} was interrupted");
            ensure!(waited < Limits::ASKING.time, "{name} does not say on which port it serves");
        };
        let port = line.trim().strip_prefix("PORT ").and_then(|port| port.parse::<u16>().ok());
        let port = port.with_context(|| format!("{name} said `{}` instead of PORT", line.trim()))?;
        Ok(ServerProgram { addr: SocketAddr::from(([127, 0, 0, 1], port)), group })
    }

    /// Its processes: the guard, where there is one, and the program.
    pub fn processes(&self) -> Vec<u32> {
        let leader = self.group.child.id();
        std::iter::once(leader).chain(children(leader)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conduct::wait_for;
    use crate::measurements::Measurements;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    const SHORT: Limits = Limits { time: Duration::from_millis(200), output_bytes: 1_000 };

    #[test]
    fn figures_and_facts_are_read() {
        let mut measured = Measurements::new(2);
        read_figures("FIGURE ms 1 2.5\n\nFACT order a, b\n", &mut Sink::new(&mut measured, "c")).unwrap();
        assert_eq!(measured.samples(("ms", "c")).collect::<Vec<_>>(), [1.0, 2.5]);
        assert_eq!(measured.facts_of("order", "c"), ["a, b"]);
    }

    #[test]
    fn p2_a_line_of_another_kind_is_an_error_that_shows_it() {
        for line in
            ["Traceback (most recent call last):", "FIGURE", "FIGURE ms", "FIGURE ms one", "FACT order"]
        {
            let mut measured = Measurements::new(2);
            let error = read_figures(line, &mut Sink::new(&mut measured, "c")).unwrap_err().to_string();
            assert!(error.contains(line), "{error}");
        }
    }

    #[test]
    fn what_a_program_prints_and_how_it_fails_is_told() {
        let none = Interrupt::default();
        assert_eq!(run_to_end(shell("echo hello"), &Limits::ASKING, &none).unwrap(), "hello\n");
        let failed =
            run_to_end(shell("echo why >&2; exit 3"), &Limits::ASKING, &none).unwrap_err().to_string();
        assert!(failed.contains("exit status: 3") && failed.ends_with("why"), "{failed}");
        let missing = run_to_end(Command::new("/nowhere/node"), &SHORT, &none).unwrap_err().to_string();
        assert_eq!(missing, "cannot start /nowhere/node");
    }

    #[test]
    fn p1_a_program_that_does_not_end_is_killed_with_its_children() {
        // The child of the shell would hold the pipe for a minute: the readers end only when it is gone, too.
        let error = run_to_end(shell("sleep 60 & sleep 60"), &SHORT, &Interrupt::default()).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
        // Here the shell has ended, and only its child is left.
        let error = run_to_end(shell("sleep 60 &"), &SHORT, &Interrupt::default()).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");
        let interrupt = Interrupt::default();
        interrupt.ask();
        let error = run_to_end(shell("sleep 60 & sleep 60"), &Limits::CELL, &interrupt).unwrap_err();
        assert!(error.to_string().ends_with("was interrupted"), "{error}");
    }

    /// Runs it, and interrupts it when it has made the file `mark`.
    fn interrupted_at(mark: &std::path::Path, script: &str) -> String {
        let interrupt = Interrupt::default();
        let error = std::thread::scope(|scope| {
            scope.spawn(|| {
                let is_there = || mark.exists();
                wait_for(&Interrupt::default(), Limits::CELL.time, &clock::Clock::real(), is_there);
                interrupt.ask();
            });
            run_to_end(shell(script), &Limits::CELL, &interrupt).unwrap_err()
        });
        error.to_string()
    }

    /// Elsewhere no shell command leaves its group.
    #[cfg(target_os = "linux")]
    #[test]
    fn p1_a_process_that_left_the_group_with_the_output_is_not_waited_for() {
        let mark = std::env::temp_dir().join(format!("kit-left-{}", std::process::id()));
        let left = format!("echo $$ > \"{0}.new\"; mv \"{0}.new\" \"{0}\"; exec sleep 20", mark.display());
        let error = interrupted_at(&mark, &format!("setsid sh -c '{left}' &"));
        assert!(error.ends_with("was interrupted"), "{error}");
        let pid = std::fs::read_to_string(&mark).unwrap().trim().to_owned();
        std::fs::remove_file(&mark).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        assert!(!stat.is_empty() && !stat.contains(") Z"), "it slept to its end before: {stat}");
        let pid = rustix::process::Pid::from_raw(pid.parse().unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }

    #[test]
    fn p1_a_program_that_closes_its_output_and_lives_on_is_killed() {
        let error = run_to_end(shell("exec >&- 2>&-; sleep 100"), &SHORT, &Interrupt::default()).unwrap_err();
        assert!(error.to_string().contains("did not end within"), "{error}");

        let mark = std::env::temp_dir().join(format!("kit-closed-{}", std::process::id()));
        let script = format!("exec >&- 2>&-; : > '{}'; sleep 100", mark.display());
        let error = interrupted_at(&mark, &script);
        std::fs::remove_file(&mark).unwrap();
        assert!(error.ends_with("was interrupted"), "{error}");
    }

    #[test]
    fn a_program_that_prints_without_end_is_stopped() {
        let error = run_to_end(
            shell("yes"),
            &Limits { time: Duration::from_secs(20), ..SHORT },
            &Interrupt::default(),
        );
        let error = error.unwrap_err().to_string();
        assert!(error.contains("printed more"), "{error}");
    }

    #[test]
    fn a_server_says_its_port_first_and_is_gone_when_dropped() {
        let none = Interrupt::default();
        let server = ServerProgram::start(shell("echo PORT 4711; cat > /dev/null"), &none).unwrap();
        assert_eq!(server.addr.to_string(), "127.0.0.1:4711");
        drop(server);
        for (script, part) in [("echo hello", "said `hello` instead of PORT"), ("exit 1", "instead of PORT")]
        {
            let error = ServerProgram::start(shell(script), &none).err().expect(script).to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
