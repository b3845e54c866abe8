//! The child process in which one program runs on the interpreter, so that output and exit code are real ones.
//!
//! # Model
//! The test binary starts itself again with the policy in its environment; that copy is the interpreter and
//! nothing else. Processes of the program's `multiprocessing` are further copies, started the same way.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::Arc;

use gil_interpreter::{Program, Refusal, RunOptions, Spawner, gil::Policy, run};

/// Names the policy in a child; a process without it is the test itself.
const POLICY: &str = "GIL_CORPUS_POLICY";

/// The command that runs a file under a policy.
pub(crate) fn command(policy: &str, file: &Path) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test knows its own file"));
    command.arg(file).env(POLICY, policy);
    command
}

/// What the compiler refuses first; none when it compiles the source.
pub(crate) fn first_refusal(file_name: &str, source: &str) -> Option<Refusal> {
    Program::compile(file_name, source).err()?.into_iter().next()
}

/// In a child, runs its program and returns its exit code; in the test itself, nothing.
pub(crate) fn role() -> Option<ExitCode> {
    let policy = env::var(POLICY).ok()?.parse::<Policy>().expect("the test names a policy that exists");
    let file = env::args().nth(1).expect("the test names a file");
    let source = fs::read_to_string(&file).expect("the test names a file that can be read");
    let program = match Program::compile(&file, &source) {
        Ok(program) => program,
        Err(refusals) => {
            refusals.iter().for_each(|refusal| eprintln!("{refusal}"));
            return Some(ExitCode::from(2));
        }
    };
    let spawner: Spawner = Arc::new(move || command(policy.name(), Path::new(&file)));
    let options = RunOptions { policy, spawner: Some(spawner), ..RunOptions::default() };
    let code = run(&program, options).exit_code;
    Some(ExitCode::from(u8::try_from(code).expect("an exit code has 8 bits")))
}
