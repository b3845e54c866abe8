//! Where each thread stands: the last thing that it began through this crate, with the line of the learner's code.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, PoisonError};

static STANDING: LazyLock<Mutex<BTreeMap<String, Stand>>> = LazyLock::new(Mutex::default);

/// What a thread did last, how many operations it has begun, and how many of those were to sleep.
#[derive(Default)]
struct Stand {
    what: String,
    operations: u64,
    sleeps: u64,
}

/// Notes that the thread `name` begins `what` at `place`, in place of what it did before.
pub fn note(name: &str, what: &str, place: &Location<'_>) {
    let mut standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
    let stand = standing.entry(name.to_owned()).or_default();
    stand.what = format!("{what} at {}:{}", place.file(), place.line());
    stand.operations += 1;
    stand.sleeps += u64::from(matches!(what, "waits in park" | "waits in Condvar::wait"));
}

/// How many operations the thread has begun, and how many of those were to sleep until somebody wakes it.
pub fn operations(name: &str) -> (u64, u64) {
    let standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
    standing.get(name).map_or((0, 0), |stand| (stand.operations, stand.sleeps))
}

/// Forgets the thread, which has ended.
pub fn forget(name: &str) {
    STANDING.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
}

/// Forgets all threads: a new schedule begins.
pub fn clear() {
    STANDING.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// One line for each thread that was noted, by name.
pub fn table() -> String {
    let standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
    let width = standing.keys().map(String::len).max().unwrap_or(0);
    standing.iter().map(|(name, stand)| format!("  {name:<width$}  {}\n", stand.what)).collect()
}
