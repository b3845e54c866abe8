//! Child processes of `multiprocessing`: this program again, on the same file.
//!
//! # Model
//! ```text
//! parent: spawner --> lab py [the parent's rules] -- FILE, its standard input a socket to the parent
//! child:  the interpreter sees its role in the environment, runs FILE as `__mp_main__`, then its task
//! ```
//! What the program gets in `sys.argv` comes with the task. A child ends when its socket does, so none outlives its
//! parent, however that ended.
//!
//! # Invariants
//! - M1: a child runs under the rules of its parent: policy, interval, ablations, memory.

use std::ffi::OsString;
use std::process::Command;
use std::sync::Arc;

use anyhow::Context;
use gil_interpreter::Spawner;

use super::options::PyOptions;

/// Makes the commands that start children of this process.
pub(crate) fn spawner(options: &PyOptions) -> anyhow::Result<Spawner> {
    let program = std::env::current_exe().context("cannot find the path of this program")?;
    let mut words: Vec<OsString> = vec!["py".into(), "--quiet".into()];
    words.extend(rules(options));
    words.extend(["--".into(), options.file.clone().into_os_string()]);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn m1_a_child_gets_the_rules_of_its_parent() {
        let parse = |words: Vec<OsString>| match cli::parse(words).expect("valid") {
            cli::Command::Py(options) => options,
            other => panic!("{other:?}"),
        };
        for rules in [
            "--gil gil32 --interval 700 --ablate no-forced-switch --memory 64",
            "--gil tick --check-interval 9",
        ] {
            let line = format!("lab py {rules} --stats --time-limit 5 a.py -- x --gil -h");
            let parent = parse(line.split(' ').map(OsString::from).collect());
            let command = spawner(&parent).expect("the path of the tests")();
            let words = std::iter::once("lab".into()).chain(command.get_args().map(OsString::from)).collect();
            let child = parse(words);
            assert_eq!(
                (child.gil, child.interval, child.memory),
                (parent.gil, parent.interval, parent.memory)
            );
            assert_eq!((&child.ablate, &child.file), (&parent.ablate, &parent.file));
            assert_eq!(child.check_interval, parent.check_interval);
            assert!(
                !child.stats && child.quiet && child.args.is_empty(),
                "what the parent shows is of the parent"
            );
        }
    }
}
