//! A condition variable under the scheduler.
//!
//! # Model
//! It is made of one semaphore for each wait, the bell of who sleeps. To give the lock back and to lie down is one step, and
//! so is a notification: it takes a bell out and rings it. So each notification finds exactly those who sleep at that moment,
//! with a limit or without.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use shuttle::future::batch_semaphore::{BatchSemaphore, Fairness};
use shuttle::rand::RngCore as _;
use shuttle::sync as under;

use super::{MutexGuard, note, note_sleep, ours, thread};
use crate::intervals;

/// A place to wait for a change of what a [`Mutex`] guards.
#[derive(Debug)]
pub struct Condvar {
    /// The bells of those who wait here now; who is notified is taken out and has its bell rung, in one step.
    sleepers: std::sync::Mutex<Vec<Arc<BatchSemaphore>>>,
    /// Read before each notification, to let the scheduler change threads there.
    turn: under::atomic::AtomicBool,
}

impl Default for Condvar {
    fn default() -> Condvar {
        Condvar::new()
    }
}

impl Condvar {
    /// Nobody waits.
    pub fn new() -> Condvar {
        Condvar { sleepers: std::sync::Mutex::default(), turn: under::atomic::AtomicBool::new(false) }
    }

    /// Gives the lock back, waits until notified, and takes the lock again. It may return without a notification, as the one
    /// of the standard library may.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        note_sleep("waits in Condvar::wait");
        // One wait in eight ends by itself: a program that looks only once must not get away with it.
        let ends_by_itself = shuttle::rand::thread_rng().next_u64().is_multiple_of(8);
        let MutexGuard { inside, of } = guard;
        drop(inside);
        if ends_by_itself {
            thread::pause();
        } else {
            self.lie_down().acquire_blocking(1).expect("nobody closes a bell");
        }
        let inside = ours(of.lock());
        note("has returned from Condvar::wait");
        MutexGuard { inside, of }
    }

    /// As in `std`: waits while `condition` says so.
    #[track_caller]
    pub fn wait_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        while condition(&mut guard) {
            guard = self.wait(guard);
        }
        guard
    }

    /// As [`Condvar::wait`], for an interval at most; whether the interval passed. Time here is turns of others: the interval
    /// passes after a few of them, how many is drawn.
    #[track_caller]
    pub fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _interval: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        note("waits in Condvar::wait_timeout");
        let MutexGuard { inside, of } = guard;
        let begun = intervals::now();
        let mut turns = 1 + shuttle::rand::thread_rng().next_u64() % 6;
        drop(inside);
        let bell = self.lie_down();
        let inside = loop {
            thread::pause();
            let inside = ours(of.lock());
            turns = turns.saturating_sub(1);
            let is_over = turns == 0 && !intervals::is_stretched(begun);
            if is_over || bell.available_permits() > 0 {
                break inside;
            }
        };
        let has_passed = bell.available_permits() == 0;
        if has_passed {
            self.sleepers().retain(|other| !Arc::ptr_eq(other, &bell));
            intervals::passed(begun);
        }
        note("has returned from Condvar::wait_timeout");
        (MutexGuard { inside, of }, has_passed)
    }

    /// Wakes one that waits, if there is one.
    #[track_caller]
    pub fn notify_one(&self) {
        self.turn.load(under::atomic::Ordering::SeqCst);
        let mut sleepers = self.sleepers();
        if sleepers.is_empty() {
            return;
        }
        let chosen = shuttle::rand::thread_rng().next_u64() % sleepers.len() as u64;
        sleepers.swap_remove(chosen as usize).release_no_scheduling_point(1);
    }

    /// Wakes all that wait.
    #[track_caller]
    pub fn notify_all(&self) {
        self.turn.load(under::atomic::Ordering::SeqCst);
        self.sleepers().drain(..).for_each(|bell| bell.release_no_scheduling_point(1));
    }

    /// From here on a notification finds the caller, which has just given its lock back: the scheduler changes threads before
    /// that and not after it, so both are one step.
    fn lie_down(&self) -> Arc<BatchSemaphore> {
        let bell = Arc::new(BatchSemaphore::new(0, Fairness::Unfair));
        self.sleepers().push(bell.clone());
        bell
    }

    fn sleepers(&self) -> std::sync::MutexGuard<'_, Vec<Arc<BatchSemaphore>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explore::explore;
    use crate::sync::Mutex;

    #[test]
    fn a_notification_for_nobody_takes_nothing_from_the_next_ones() {
        let ended = explore(7, 400, || {
            let shared = Arc::new((Mutex::new(false), Condvar::new()));
            let waiting = ["with a limit", "without"].map(|name| {
                let shared = shared.clone();
                thread::spawn(name, move || {
                    let (is_set, changed) = &*shared;
                    let mut guard = is_set.lock();
                    while !*guard {
                        guard = match name {
                            "without" => changed.wait(guard),
                            _ => changed.wait_timeout(guard, Duration::ZERO).0,
                        };
                    }
                })
            });
            shared.1.notify_one();
            *shared.0.lock() = true;
            shared.1.notify_one();
            shared.1.notify_one();
            waiting.into_iter().for_each(thread::JoinHandle::join);
        });
        assert_eq!(ended, Ok(()));
    }
}
