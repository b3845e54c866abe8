//! Where each thread stands: the last thing that it began through this crate, with the line of the learner's code.

use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::{LazyLock, Mutex, PoisonError};

static STANDING: LazyLock<Mutex<BTreeMap<String, String>>> = LazyLock::new(Mutex::default);

/// Notes that the thread `name` begins `what` at `place`, in place of what it did before.
pub fn note(name: &str, what: &str, place: &Location<'_>) {
    let mut standing = STANDING.lock().unwrap_or_else(PoisonError::into_inner);
    standing.insert(name.to_owned(), format!("{what} at {}:{}", place.file(), place.line()));
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
    standing.iter().map(|(name, what)| format!("  {name:<width$}  {what}\n")).collect()
}
