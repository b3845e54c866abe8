//! One run of a program on our interpreter, in a process of its own: a child of the bench.
//!
//! # Model
//! ```text
//! bench --task--> child: compiles and runs the program, answers with what it printed
//!                   `--task, helper--> a process of the program's `multiprocessing`, runs the same file
//! ```
//! A helper is ended by the kernel with its parent on Linux; elsewhere it ends when its connection does.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use gil_interpreter::gil::{Ablations, Policy};
use gil_interpreter::{ChildTask, Output, Program, RunOptions, RunReport};
use serde::{Deserialize, Serialize};

use crate::child;

/// What a child is asked to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Task {
    file: PathBuf,
    args: Vec<String>,
    policy: String,
    ablations: String,
    /// A helper's parent; `None` in what the bench asks for.
    parent: Option<u32>,
}

/// What a run came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Ran {
    /// What it printed.
    pub output: String,
    /// Processor time of all its threads, helpers not counted.
    pub cpu: Duration,
    exit_code: i32,
    errors: String,
}

/// A hanging run is ended after this time.
const LIMIT: Duration = Duration::from_secs(120);

/// Runs a program under a policy, changed as the comma list of `ablations` says.
///
/// # Errors
/// When it cannot be started, is refused, fails, or does not end.
pub fn run(file: &Path, args: &[String], policy: Policy, ablations: &str) -> Result<Ran> {
    let task = Task {
        file: file.to_owned(),
        args: args.to_vec(),
        policy: policy.name().to_owned(),
        ablations: ablations.to_owned(),
        parent: None,
    };
    let ran: Ran = child::run_within(&task, Some(LIMIT)).with_context(|| task.name())?;
    ensure!(ran.exit_code == 0, "{} ended with {}: {}", task.name(), ran.exit_code, ran.errors.trim_end());
    Ok(ran)
}

/// In a child: does the task. A helper does not return.
///
/// # Errors
/// When the program cannot be read or is refused.
pub fn work(task: Task) -> Result<Ran> {
    let source = std::fs::read_to_string(&task.file)
        .with_context(|| format!("cannot read {}", task.file.display()))?;
    let program = Program::compile(&task.file.to_string_lossy(), &source)
        .map_err(|refusals| anyhow!("{}", refusals.first().map_or(String::new(), ToString::to_string)))?;
    if let Some(parent) = task.parent {
        die_with(parent)?;
        let options = RunOptions {
            main_name: "__mp_main__",
            child: ChildTask::of_this_process()
                .context("cannot talk to the program that started this one")?,
            ..task.options(Output::standard())?
        };
        std::process::exit(gil_interpreter::run(&program, options).exit_code);
    }
    let output = Output::captured();
    let before = clock::process_cpu_time();
    let RunReport { exit_code, .. } = gil_interpreter::run(&program, task.options(output.clone())?);
    let cpu = clock::process_cpu_time() - before;
    let (output, errors) = output.captured_text();
    Ok(Ran { output, cpu, exit_code, errors })
}

impl Task {
    fn name(&self) -> String {
        let changed = if self.ablations.is_empty() { "" } else { "/" };
        format!("{} under {}{changed}{}", self.file.display(), self.policy, self.ablations)
    }

    fn options(&self, output: Output) -> Result<RunOptions> {
        let helper = Task { parent: Some(std::process::id()), ..self.clone() };
        let start_helper = child::command(&helper)?;
        Ok(RunOptions {
            policy: self.policy.parse::<Policy>()?,
            ablations: self.ablations.parse::<Ablations>()?,
            args: self.args.clone(),
            spawner: Some(Arc::new(move || {
                let mut command = start_helper();
                // The answer of this process is on its standard output, so helpers keep off it.
                command.stdout(Stdio::null());
                command
            })),
            output,
            ..RunOptions::default()
        })
    }
}

fn die_with(parent: u32) -> Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("cannot ask the kernel to end this process with its parent")?;
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    ensure!(now == i32::try_from(parent).ok(), "the process that started this one has ended");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(source: &str, folder: &tempfile::TempDir) -> Task {
        let file = folder.path().join("program.py");
        std::fs::write(&file, source).unwrap();
        Task { file, args: vec!["7".into()], policy: "free".into(), ablations: String::new(), parent: None }
    }

    #[test]
    fn the_answer_is_what_the_program_printed() {
        let folder = tempfile::tempdir().unwrap();
        let ran = work(task("import sys\nprint(int(sys.argv[1]) * 6)\n", &folder)).unwrap();
        assert_eq!((ran.output.as_str(), ran.exit_code), ("42\n", 0));
    }

    #[test]
    fn a_failure_keeps_its_last_words_and_a_refusal_its_reason() {
        let folder = tempfile::tempdir().unwrap();
        let ran = work(task("1 // 0\n", &folder)).unwrap();
        assert_eq!(ran.exit_code, 1);
        assert!(ran.errors.contains("ZeroDivisionError"), "{}", ran.errors);
        assert!(work(task("{1, 2}\n", &folder)).unwrap_err().to_string().contains("program.py"));
    }

    #[test]
    fn unknown_policies_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let mut wrong = task("pass\n", &folder);
        wrong.policy = "none".into();
        assert!(work(wrong).is_err());
    }
}
