//! Child processes of `multiprocessing`: this program again, with a role.
//!
//! # Model
//! ```text
//! parent: spawner --> lab py-child PARENT [the parent's options] -- FILE ARGS
//! child:  tells the kernel to end it with its parent, compiles FILE, runs it as `__mp_main__`, then its task
//! ```
//!
//! # Invariants
//! - M1: a child runs under the rules of its parent: policy, interval, ablations, memory, arguments.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use gil_interpreter::Spawner;

use super::options::PyOptions;

/// The word that stands for the role.
pub(crate) const ROLE: &str = "py-child";

/// Makes the commands that start children of this process.
pub(crate) fn spawner(options: &PyOptions) -> anyhow::Result<Spawner> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let mut words: Vec<OsString> = vec![ROLE.into(), std::process::id().to_string().into()];
    words.extend(rules(options));
    words.extend(["--".into(), options.file.clone().into_os_string()]);
    words.extend(options.args.iter().map(OsString::from));
    Ok(Arc::new(move || {
        let mut command = Command::new(&program);
        command.args(&words);
        command
    }))
}

/// M1.
fn rules(options: &PyOptions) -> Vec<OsString> {
    let mut words = vec!["--gil".to_owned(), options.gil.name().to_owned()];
    words.extend(["--memory".to_owned(), options.memory.to_string()]);
    let interval = options.interval.map(|us| ["--interval".to_owned(), us.to_string()]);
    words.extend(interval.into_iter().flatten());
    let ticks = options.check_interval.map(|ticks| ["--check-interval".to_owned(), ticks.to_string()]);
    words.extend(ticks.into_iter().flatten());
    if !options.ablate.is_empty() {
        words.extend(["--ablate".to_owned(), options.ablate.join(",")]);
    }
    words.into_iter().map(OsString::from).collect()
}

/// Lets the kernel end this process with the parent that started it.
///
/// # Errors
/// Fails when the parent has gone already.
pub(crate) fn die_with(parent: u32) -> anyhow::Result<()> {
    #[cfg(target_os = "linux")]
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
        .context("cannot ask the kernel to end this process with its parent")?;
    // Elsewhere a child notices the end of its parent when the connection closes.
    let now = rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get());
    anyhow::ensure!(now == i32::try_from(parent).ok(), "the process that started this one has ended");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Asked};

    #[test]
    fn m1_a_child_gets_the_rules_of_its_parent() {
        let line = "lab py --gil gil32 --interval 700 --ablate no-forced-switch --memory 64 a.py x --gil -- -h --stats";
        let line = line.replace("--gil -- ", "-- --gil ");
        let parse = |words: Vec<OsString>| cli::parse(words).expect("valid");
        let Asked::Py(parent) = parse(line.split(' ').map(OsString::from).collect()) else {
            panic!("lab py")
        };
        let command = spawner(&parent).expect("the path of the tests")();
        let words = std::iter::once("lab".into()).chain(command.get_args().map(OsString::from)).collect();
        let Asked::Child { parent: pid, options: child } = parse(words) else { panic!("a child") };
        assert_eq!(pid, std::process::id());
        assert_eq!((child.gil, child.interval, child.memory), (parent.gil, parent.interval, parent.memory));
        assert_eq!((&child.ablate, &child.file, &child.args), (&parent.ablate, &parent.file, &parent.args));
        assert_eq!(child.args, ["x", "--gil", "-h", "--stats"]);
        assert!(!child.stats, "what the parent shows is of the parent");
    }
}
