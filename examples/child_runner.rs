//! Several programs at once on one thread: what they print, line by line, and how each ended.
//!
//! ```sh
//! cargo run --example child_runner
//! cargo run --example child_runner -- 'echo one; sleep 1; echo two' 'ls nowhere' 'exit 7'
//! ```
//!
//! Each argument is a command for `sh`. Nobody waits for a child here: its output is a pipe in the poll set of the loop,
//! its end wakes the loop as well. Ctrl-C is a signal that the loop watches: the first one asks all children to end
//! (SIGTERM), the second one ends them (SIGKILL), but not what they have started themselves. When nobody reads our output
//! any more, we read no more of theirs, and their writes fail in turn. The exit code is 1 when a command that you gave did
//! not end well. Unix only.

use clap::Parser;

/// Runs commands side by side and says how they ended.
#[derive(Parser)]
struct Options {
    /// Commands for `sh`, each in quotes; without any, three that show something
    commands: Vec<String>,
}

/// What is run when nothing was asked for.
const SHOWN: [&str; 3] = ["echo a line; sleep 0.2; echo another", "echo an error >&2; exit 7", "kill -9 $$"];

#[cfg(unix)]
fn main() -> anyhow::Result<std::process::ExitCode> {
    let Options { commands } = Options::parse();
    if commands.is_empty() {
        on_the_loop::run(&SHOWN.map(str::to_owned))?;
        return Ok(std::process::ExitCode::SUCCESS);
    }
    let is_well = on_the_loop::run(&commands)?;
    Ok(if is_well { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}

#[cfg(not(unix))]
fn main() {
    let Options { commands: _ } = Options::parse();
    println!("this example needs Unix: {} commands for sh", SHOWN.len());
}

#[cfg(unix)]
mod on_the_loop {
    use std::cell::{Cell, RefCell};
    use std::io::{self, Write};
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus, Stdio};
    use std::rc::Rc;

    use runtime_lab::{Child, LoopHandle, Pipe, ReadEvent, RunMode, Runtime, Signal};

    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;
    /// A line that goes on for longer is shown in pieces.
    const LINE_MAX: usize = 4096;

    /// Runs all commands to their end; whether all ended well.
    pub(super) fn run(commands: &[String]) -> anyhow::Result<bool> {
        let runtime = Runtime::new()?;
        let lp = runtime.handle();
        let children = Rc::new(RefCell::new(Vec::new()));
        let is_well = Rc::new(Cell::new(true));
        for (number, command) in (1..).zip(commands) {
            say(&format!("{number}: starts: {command}"));
            match spawn(&lp, number, command, is_well.clone()) {
                Ok(child) => children.borrow_mut().push(child),
                Err(error) => {
                    // Nobody is left behind, for example where no descriptor is left for the next one.
                    children.borrow().iter().try_for_each(Child::kill)?;
                    runtime.run(RunMode::Default)?;
                    return Err(error.context(format!("cannot start {command:?}")));
                }
            }
        }
        let ctrl_c = Signal::new(&lp);
        let asked = Cell::new(false);
        ctrl_c.start(SIGINT, move |_, _| {
            for child in children.borrow().iter() {
                // One that has ended meanwhile needs no signal.
                let _ = if asked.get() { child.kill() } else { child.send_signal(SIGTERM) };
            }
            if !asked.replace(true) {
                say("Ctrl-C: the children are asked to end; one more ends them");
            }
        })?;
        // Children and pipes keep the loop alive; the wish to hear of Ctrl-C does not.
        ctrl_c.unref();
        runtime.run(RunMode::Default)?;
        Ok(is_well.get())
    }

    fn spawn(
        lp: &LoopHandle,
        number: usize,
        command: &str,
        is_well: Rc<Cell<bool>>,
    ) -> anyhow::Result<Child> {
        let mut shell = Command::new("sh");
        shell.args(["-c", command]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = Child::spawn(lp, shell, move |_, status| {
            let ended = status.map_or_else(|error| error.to_string(), |status| told(status, &is_well));
            say(&format!("{number}: {ended}"));
        })?;
        if let Some(stdout) = child.take_stdout() {
            show_lines(&Pipe::new(lp, stdout)?, format!("{number}| "))?;
        }
        if let Some(stderr) = child.take_stderr() {
            show_lines(&Pipe::new(lp, stderr)?, format!("{number}! "))?;
        }
        Ok(child)
    }

    fn told(status: ExitStatus, is_well: &Cell<bool>) -> String {
        is_well.set(is_well.get() && status.success());
        match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with {code}"),
            (None, Some(signal)) => format!("was ended by signal {signal}"),
            (None, None) => "ended".to_owned(),
        }
    }

    /// Prints what comes through the pipe in whole lines, then closes it.
    fn show_lines(pipe: &Pipe, before: String) -> anyhow::Result<()> {
        let (itself, mut rest) = (pipe.clone(), Vec::new());
        pipe.read_start(move |_, event| {
            match event {
                ReadEvent::Data(bytes) => rest.extend_from_slice(bytes),
                ReadEvent::End | ReadEvent::Failed(_) => {
                    itself.close();
                    if !rest.is_empty() {
                        rest.push(b'\n');
                    }
                }
            }
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n').or_else(|| too_long(&rest)) {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if !say(&format!("{before}{}", String::from_utf8_lossy(&line).trim_end())) {
                    itself.close();
                }
            }
        })?;
        Ok(())
    }

    /// Prints a line, and says whether that went well. The children are looked after in any case.
    fn say(line: &str) -> bool {
        writeln!(io::stdout(), "{line}").is_ok()
    }

    fn too_long(rest: &[u8]) -> Option<usize> {
        (rest.len() > LINE_MAX).then_some(LINE_MAX)
    }
}
