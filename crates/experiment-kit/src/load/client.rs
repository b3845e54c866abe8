//! The main function of the load client process: acts come in on stdin, messages go out on stdout.
//!
//! # Threads
//! The main thread runs the acts; `load-stdin` reads stdin and ends the process at its end of file, so that a
//! client whose parent died, even by SIGKILL, is gone at once (C1 of [`crate::load`]).
//!
//! SIGINT goes to the whole group of the terminal; the parent decides what it means, so the client ignores it.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;

use clock::Clock;

use crate::load::engine::run_act;
use crate::load::{ActSpec, Message, ROLE, ROLE_VARIABLE};

/// Whether this process was started as a load client.
pub fn is_my_role() -> bool {
    std::env::var_os(ROLE_VARIABLE).is_some_and(|role| role == ROLE)
}

/// Runs acts until stdin ends.
pub fn main() -> ExitCode {
    // A handler that only sets a flag nobody reads: the signal no longer ends the process.
    if let Err(error) =
        signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::new(AtomicBool::new(false)))
    {
        eprintln!("load client: cannot ignore SIGINT: {error}");
        return ExitCode::FAILURE;
    }
    let (sender, specs) = mpsc::channel();
    let reader = std::thread::Builder::new().name("load-stdin".to_owned()).spawn(move || read_specs(&sender));
    if let Err(error) = reader {
        eprintln!("load client: cannot start a thread: {error}");
        return ExitCode::FAILURE;
    }
    let clock = Clock::real();
    for spec in specs {
        if let Err(message) = run_act(&spec, &clock, &mut emit)
            && emit(&Message::Error { message }).is_err()
        {
            return ExitCode::FAILURE; // Nobody listens any more.
        }
    }
    ExitCode::SUCCESS
}

fn read_specs(specs: &mpsc::Sender<ActSpec>) {
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        match serde_json::from_str(&line) {
            Ok(spec) => {
                if specs.send(spec).is_err() {
                    break;
                }
            }
            Err(error) => {
                eprintln!("load client: cannot understand its orders: {error}");
                std::process::exit(1);
            }
        }
    }
    std::process::exit(0);
}

fn emit(message: &Message) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    out.write_all(&line)?;
    out.flush()
}
