//! The threads of this process, as the kernel lists them: which were started in between, and how often each fell asleep.
//!
//! # Model
//! ```text
//! list() --something happens--> list() --started--> the threads that are new
//! ```
//! `/proc/self/task/TID/stat` has name and state, `status` counts how often the thread gave its processor up to wait. A pool
//! thread that sleeps costs nothing and counts nothing; each job that wakes it adds at least one.
//!
//! # Source
//! proc(5). Linux only: elsewhere the error says so.

use std::fs::ReadDir;

use anyhow::{Context, Result, ensure};

const TASKS: &str = "/proc/self/task";

/// What a part says as `FACT not_measured …` where [`are_listed`] says no.
pub(crate) const LINUX_ONLY: &str = "Linux only: nothing else lists the threads of a process";

/// Whether this system lists the threads of a process.
pub(crate) fn are_listed() -> bool {
    std::path::Path::new(TASKS).is_dir()
}

/// One thread of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    /// The kernel's number.
    pub(crate) id: u32,
    /// Its name; Linux keeps 15 bytes.
    pub(crate) name: String,
    /// Whether it waits for something.
    pub(crate) asleep: bool,
    /// How often it gave its processor up to wait, since it was started.
    pub(crate) sleeps: u64,
}

/// All threads of this process.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn list() -> Result<Vec<Thread>> {
    ensure!(
        cfg!(target_os = "linux"),
        "only Linux lists the threads of a process in {TASKS}; run this there"
    );
    let mut threads = Vec::new();
    for entry in std::fs::read_dir(TASKS).with_context(|| format!("cannot list {TASKS}"))? {
        let folder = entry?.path();
        let read = |file: &str| std::fs::read_to_string(folder.join(file));
        // A thread that has ended meanwhile is none.
        let (Ok(stat), Ok(status)) = (read("stat"), read("status")) else { continue };
        threads.push(parse(&stat, &status).with_context(|| format!("cannot read {}", folder.display()))?);
    }
    Ok(threads)
}

/// How many threads this process has; much cheaper than the list.
///
/// # Errors
/// Where there is no `/proc`.
pub(crate) fn count() -> Result<usize> {
    Ok(folder()?.count())
}

fn folder() -> Result<ReadDir> {
    ensure!(
        cfg!(target_os = "linux"),
        "only Linux lists the threads of a process in {TASKS}; run this there"
    );
    std::fs::read_dir(TASKS).with_context(|| format!("cannot list {TASKS}"))
}

/// The threads that are in `after` and not in `before`.
pub(crate) fn started(before: &[Thread], after: &[Thread]) -> Vec<Thread> {
    let known = |thread: &&Thread| before.iter().all(|one| one.id != thread.id);
    after.iter().filter(known).cloned().collect()
}

/// Their names, sorted, for people.
pub(crate) fn names(threads: &[Thread]) -> String {
    let mut names: Vec<&str> = threads.iter().map(|thread| thread.name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// Reads `ID (NAME) STATE …`, where the name may hold anything, and `voluntary_ctxt_switches: N`.
fn parse(stat: &str, status: &str) -> Option<Thread> {
    let (id, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let sleeps = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    Some(Thread {
        id: id.parse().ok()?,
        name: name.to_owned(),
        asleep: rest.starts_with('S'),
        sleeps: sleeps.trim().parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_may_be_named_anything() {
        let status = "Name:\tpool-0\nvoluntary_ctxt_switches:\t21\nnonvoluntary_ctxt_switches:\t4\n";
        let thread = parse("17 (a (b) c) S 1 2 3", status).unwrap();
        assert_eq!(thread, Thread { id: 17, name: "a (b) c".to_owned(), asleep: true, sleeps: 21 });
        assert!(!parse("17 (pool-0) R 1 2 3", status).unwrap().asleep);
        assert_eq!(parse("17 pool-0 R", status), None);
        assert_eq!(parse("17 (pool-0) R 1 2 3", "Name:\tpool-0\n"), None);
    }

    #[test]
    fn only_new_threads_were_started() {
        let thread = |id, name: &str| Thread { id, name: name.to_owned(), asleep: true, sleeps: 0 };
        let (main, two, one) = (thread(1, "main"), thread(3, "pool-1"), thread(2, "pool-0"));
        let new = started(std::slice::from_ref(&main), &[main.clone(), two.clone(), one.clone()]);
        assert_eq!(new, [two, one]);
        assert_eq!(names(&new), "pool-0, pool-1");
        assert_eq!(names(&[]), "none");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_thread_of_ours_is_listed_while_it_lives() {
        let before = list().unwrap();
        let (tell, told) = std::sync::mpsc::channel::<()>();
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("listed-here".to_owned()).spawn(move || {
            ready.send(()).unwrap();
            let _ = told.recv(); // Ends when the sender is dropped.
        });
        is_ready.recv().unwrap();
        let new = started(&before, &list().unwrap());
        drop(tell);
        thread.unwrap().join().unwrap();
        assert!(new.iter().any(|thread| thread.name == "listed-here"), "{new:?}");
    }
}
