//! Waiting without the lock, in a way that the end of the program and Ctrl-C can cut short.
//!
//! # Model
//! ```text
//! wait ── gives the lock away ── attempt(slice) ─┬─ ready ── takes the lock ── Some
//!                      ^                         ├─ deadline over ──────────── None
//!                      '──────── not yet ────────┤
//!                                                '─ the program stops, or Ctrl-C in its main thread ── unwinds
//! ```
//! An attempt blocks for at most a slice. Whoever has what it waits for wakes it at once; the slices are only for
//! those who cannot know on what it waits: the time limit and the signal handler.
//!
//! # Invariants
//! - W1: a wait ends with what its attempt found, at its deadline, or by the alarm, whichever comes first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;
use parking_lot::{Condvar, Mutex};

use crate::gil::Policy;
use crate::heap::Heap;
use crate::machine::{Machine, SLICE, Unwind};
use crate::types;

/// How a wait ended.
#[derive(Debug, PartialEq)]
enum Ended<R> {
    Ready(R),
    TimedOut,
    Rang,
}

/// Waits without the lock until `attempt` gives something; `None` when the deadline passes first.
pub(super) fn wait<R, H: Heap>(
    m: &mut Machine<H>,
    deadline: Option<Instant>,
    attempt: impl FnMut(Duration) -> Option<R>,
) -> Result<Option<R>, Unwind> {
    wait_until(m, deadline, attempt, false)
}

/// Waits for the deadline and for no other thread: where that rule is taken away, with the lock.
pub(super) fn pass_time<H: Heap>(
    m: &mut Machine<H>,
    deadline: Option<Instant>,
    mut pass: impl FnMut(Duration),
) -> Result<(), Unwind> {
    let attempt = |slice| {
        pass(slice);
        None::<()>
    };
    wait_until(m, deadline, attempt, true).map(|_| ())
}

fn wait_until<R, H: Heap>(
    m: &mut Machine<H>,
    deadline: Option<Instant>,
    mut attempt: impl FnMut(Duration) -> Option<R>,
    alone: bool,
) -> Result<Option<R>, Unwind> {
    let shared = Arc::clone(&m.shared);
    let settings = &shared.settings;
    let main = settings.is_main(m.thread);
    let rings = || settings.stopping() || (main && settings.interrupt.is_raised());
    loop {
        let here = || wait_here(&rings, &settings.clock, deadline, &mut attempt);
        let ended = if alone { m.allow_threads_alone(here) } else { m.allow_threads(here) };
        match ended {
            Ended::Ready(found) => return Ok(Some(found)),
            Ended::TimedOut => return Ok(None),
            Ended::Rang => answer(m)?,
        }
    }
}

/// Takes what `take` finds: at once and with the lock if it is there, else after waiting without the lock.
///
/// So CPython 3 acquires its locks; 2.7 gave the global lock away each time, and so does the tick policy.
pub(super) fn take_or_wait<T, R, H: Heap>(
    m: &mut Machine<H>,
    watched: &Watched<T>,
    blocking: bool,
    deadline: Option<Instant>,
    mut take: impl FnMut(&mut T) -> Option<R>,
) -> Result<Option<R>, Unwind> {
    if m.shared.settings.policy == Policy::Tick {
        let deadline = if blocking { deadline } else { Some(m.shared.settings.clock.now()) };
        return wait(m, deadline, |slice| watched.attempt(slice, &mut take));
    }
    match watched.with(&mut take) {
        None if blocking => wait(m, deadline, |slice| watched.attempt(slice, &mut take)),
        found => Ok(found),
    }
}

/// The end of the program, or Ctrl-C in its main thread.
fn answer<H: Heap>(m: &mut Machine<H>) -> Result<(), Unwind> {
    if m.shared.settings.stopping() {
        return Err(Unwind::Stopped);
    }
    if m.shared.settings.is_main(m.thread) && m.shared.settings.interrupt.take() {
        return Err(m.raise(types::KEYBOARD_INTERRUPT, String::new()));
    }
    Ok(())
}

fn wait_here<R>(
    rings: &impl Fn() -> bool,
    clock: &Clock,
    deadline: Option<Instant>,
    attempt: &mut impl FnMut(Duration) -> Option<R>,
) -> Ended<R> {
    loop {
        if rings() {
            return Ended::Rang;
        }
        let left = deadline.map(|deadline| deadline.saturating_duration_since(clock.now()));
        if let Some(found) = attempt(left.unwrap_or(SLICE).min(SLICE)) {
            return Ended::Ready(found);
        }
        if left.is_some_and(|left| left.is_zero()) {
            return Ended::TimedOut;
        }
    }
}

/// Something that others change and announce; what it says is told apart by the caller.
#[derive(Default)]
pub(super) struct Watched<T> {
    state: Mutex<T>,
    changed: Condvar,
}

impl<T> Watched<T> {
    pub(super) fn new(state: T) -> Watched<T> {
        Watched { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Looks or changes, without telling anybody.
    pub(super) fn with<R>(&self, look: impl FnOnce(&mut T) -> R) -> R {
        look(&mut self.state.lock())
    }

    /// Changes, and wakes one waiter.
    pub(super) fn change_one<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.state.lock());
        self.changed.notify_one();
        result
    }

    /// Changes, and wakes all waiters.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.state.lock());
        self.changed.notify_all();
        result
    }

    /// Takes what `take` finds, waiting at most this long for it: an attempt of [`wait`].
    pub(super) fn attempt<R>(&self, slice: Duration, mut take: impl FnMut(&mut T) -> Option<R>) -> Option<R> {
        let mut state = self.state.lock();
        take(&mut state).or_else(|| {
            if slice.is_zero() {
                return None;
            }
            self.changed.wait_for(&mut state, slice);
            take(&mut state)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w1_a_wait_ends_ready_at_its_deadline_or_by_the_alarm() {
        let (clock, hands) = Clock::manual();
        let rings = std::cell::Cell::new(false);
        let alarm = || rings.get();
        let soon = Some(clock.now() + Duration::from_millis(25));
        let mut slices = Vec::new();
        let ended = wait_here(&alarm, &clock, soon, &mut |slice| {
            slices.push(slice);
            hands.advance(slice);
            None::<()>
        });
        assert_eq!(ended, Ended::TimedOut);
        assert_eq!(
            slices.iter().sum::<Duration>(),
            Duration::from_millis(25),
            "and a last look with no wait"
        );
        let mut tries = 0;
        let ended = wait_here(&alarm, &clock, None, &mut |_| {
            tries += 1;
            (tries == 3).then_some(tries)
        });
        assert_eq!(ended, Ended::Ready(3));
        rings.set(true);
        assert_eq!(wait_here(&alarm, &clock, None, &mut |_| Some(1)), Ended::Rang);
    }

    #[test]
    fn an_attempt_takes_what_another_thread_leaves() {
        let watched = Arc::new(Watched::new(0));
        let giver = std::thread::spawn({
            let watched = Arc::clone(&watched);
            move || watched.change(|n| *n = 7)
        });
        let found = loop {
            if let Some(n) = watched.attempt(SLICE, |n| (*n > 0).then_some(*n)) {
                break n;
            }
        };
        assert_eq!(found, 7);
        giver.join().expect("the giver ends");
    }
}
