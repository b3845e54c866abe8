//! Runs every program of `corpus`, `compute` and `refused` on the interpreter and, where installed, on CPython.
//!
//! # Model
//! ```text
//! corpus/NN_topic.py  --one child process per policy--> outcome --+
//!                     --python3.11, python3.13 if found--> outcome --+--> each equal to corpus/NN_topic.out
//! ```
//! An outcome is the standard output, the exit code and the last line of standard error. The `.out` file
//! beside a program holds the outcome of CPython 3.11, so that a machine without CPython still tests.
//! Each program under each policy is a case of its own; every failure is shown at the end with a diff.
//!
//! Record the expected outcomes anew, after a program was added or changed, with both versions installed:
//! ```text
//! RECORD=1 cargo test -p gil-interpreter --test corpus
//! ```
//! A program whose outcome differs between 3.11 and 3.13 is not recorded but reported.
//!
//! The programs of `differs` are those in which the interpreter is known to do something else than CPython;
//! their outcomes are written by hand, and CPython must not do the same.
//!
//! # Headers of programs
//! - `# policies: tick gil310`: run under these only; without the line, under all six. Programs that share
//!   objects between threads leave out `per-interp`.
//! - `# refused: 7:5 yield`: line and column of the first refusal, and what its message must contain.

mod harness;

use std::collections::VecDeque;
use std::process::ExitCode;
use std::sync::{Mutex, mpsc};
use std::thread;

use harness::{Case, Options, cases, child, too_few};

fn main() -> ExitCode {
    if let Some(code) = child::role() {
        return code;
    }
    let options = Options::from_args();
    let (cases, notes) = cases(&options);
    if options.list {
        cases.iter().for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    let count = cases.len();
    println!("\nrunning {count} tests");
    notes.iter().for_each(|note| println!("note: {note}"));
    let mut failures = run_all(cases, options.threads);
    failures.extend(too_few());
    failures.sort();
    for (name, why) in &failures {
        println!("\n---- {name} ----\n{why}");
    }
    // The line that the standard harness ends with, for whoever adds the tests up.
    let (verdict, failed) = (if failures.is_empty() { "ok" } else { "FAILED" }, failures.len());
    let passed = count.saturating_sub(failed);
    println!(
        "\ntest result: {verdict}. {passed} passed; {failed} failed; 0 ignored; 0 measured; 0 filtered out\n"
    );
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(101) }
}

/// Runs the cases on a few threads, says each result as it comes, and returns the failures.
fn run_all(cases: Vec<Case>, threads: usize) -> Vec<(String, String)> {
    let waiting = Mutex::new(VecDeque::from(cases));
    let (said, results) = mpsc::channel();
    thread::scope(|scope| {
        for n in 0..threads {
            let (waiting, said) = (&waiting, said.clone());
            let work = move || {
                while let Some(case) = { waiting.lock().expect("no case panics here").pop_front() } {
                    let result = case.run();
                    said.send((case.name, result)).expect("the results are read to the end");
                }
            };
            thread::Builder::new().name(format!("corpus-{n}")).spawn_scoped(scope, work).expect("a thread");
        }
        drop(said);
        let mut failures = Vec::new();
        for (name, result) in results {
            println!("test {name} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
            failures.extend(result.err().map(|why| (name, why)));
        }
        failures
    })
}
