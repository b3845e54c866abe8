//! Which waits with a time limit lasted their whole interval, for graders that ask when somebody may complain.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

static NOW: AtomicU64 = AtomicU64::new(1);
/// The beginning of that wait, among those that have passed, that began last.
static BEGUN: AtomicU64 = AtomicU64::new(0);
/// When the last of them passed.
static ENDED: AtomicU64 = AtomicU64::new(0);
/// Intervals that began before this moment do not pass.
static STRETCHED: AtomicU64 = AtomicU64::new(0);

/// A moment; each call gives a later one.
pub(crate) fn now() -> u64 {
    NOW.fetch_add(1, SeqCst)
}

/// From now on who waits with a limit already must be notified: its interval does not pass.
pub(crate) fn stretch() {
    STRETCHED.store(now(), SeqCst);
}

/// Intervals pass again.
pub(crate) fn let_pass() {
    STRETCHED.store(0, SeqCst);
}

pub(crate) fn is_stretched(begun: u64) -> bool {
    begun < STRETCHED.load(SeqCst)
}

pub(crate) fn passed(begun: u64) {
    BEGUN.fetch_max(begun, SeqCst);
    ENDED.store(now(), SeqCst);
}

/// Whether a whole interval has passed that began after `moment`.
pub(crate) fn has_passed_since(moment: u64) -> bool {
    BEGUN.load(SeqCst) > moment
}

/// Whether an interval has come to its end after `moment`, whenever it began.
pub(crate) fn has_ended_since(moment: u64) -> bool {
    ENDED.load(SeqCst) > moment
}
