//! Where each thread stands: the last thing that it began through this crate, with the line of the learner's code; and what
//! had happened before.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

static STANDING: LazyLock<Mutex<Standing>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Standing {
    threads: BTreeMap<String, Stand>,
    /// In the order in which each happened first, with how often it did.
    happened: Vec<(String, u64)>,
}

/// What a thread did last, how many operations it has begun, and how many of those were to sleep.
#[derive(Default)]
struct Stand {
    what: String,
    operations: u64,
    sleeps: u64,
}

fn standing() -> MutexGuard<'static, Standing> {
    STANDING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that the thread `name` begins `what` at `place`, in place of what it did before.
pub fn note(name: &str, what: &str, place: &Location<'_>) {
    let mut standing = standing();
    let stand = standing.threads.entry(name.to_owned()).or_default();
    stand.what = format!("{what} at {}:{}", place.file(), place.line());
    stand.operations += 1;
}

/// Notes that what the thread began last is to sleep until somebody wakes it.
pub fn sleeps(name: &str) {
    standing().threads.entry(name.to_owned()).or_default().sleeps += 1;
}

/// Notes that the one thread of an exercise begins `what`, which is the learner's.
pub fn note_call(what: &str) {
    standing().threads.entry("main".to_owned()).or_default().what = format!("is in {what}");
}

/// Notes what has happened, for one more line below the threads.
pub fn happened(what: impl Into<String>) {
    let what = what.into();
    let mut standing = standing();
    match standing.happened.iter_mut().find(|(known, _)| *known == what) {
        Some((_, times)) => *times += 1,
        None => standing.happened.push((what, 1)),
    }
}

/// Whether it has happened, in these words.
pub fn has_happened(what: &str) -> bool {
    standing().happened.iter().any(|(known, _)| known == what)
}

/// How many operations the thread has begun, and how many of those were to sleep until somebody wakes it; `None` about one
/// that has begun nothing yet, or has ended.
pub fn operations(name: &str) -> Option<(u64, u64)> {
    standing().threads.get(name).map(|stand| (stand.operations, stand.sleeps))
}

/// Forgets the thread, which has ended.
pub fn forget(name: &str) {
    standing().threads.remove(name);
}

/// Forgets everything: a new schedule begins.
pub fn clear() {
    *standing() = Standing::default();
}

/// One line for each thread that was noted, by name, and one for what had happened.
pub fn table() -> String {
    let standing = standing();
    let width = standing.threads.keys().map(String::len).max().unwrap_or(0);
    let mut text: String =
        standing.threads.iter().map(|(name, stand)| format!("  {name:<width$}  {}\n", stand.what)).collect();
    let times = |(what, times): &(String, u64)| match times {
        1 => what.clone(),
        _ => format!("{what} ({times} times)"),
    };
    let happened: Vec<String> = standing.happened.iter().map(times).collect();
    if !happened.is_empty() {
        text += &format!("What had happened: {}.\n", happened.join("; "));
    }
    text
}
