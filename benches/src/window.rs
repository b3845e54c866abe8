//! How many jobs are in flight, and the wait of the submitter until there is room for more.
//!
//! # Model
//! The submitter fills the window, sleeps until half of it has ended, and fills it again. So between half of the
//! window and all of it is in flight, and the submitter is woken once for each half, not for each job.
//!
//! | submitter | pool thread |
//! |---|---|
//! | adds what it is about to submit | runs a job, subtracts 1 |
//! | reads the count; at most half: goes on | found half, or 0, after it: unparks the submitter |
//! | otherwise parks, and reads again | |
//!
//! An unpark between the read and the park makes that park return at once, so none is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, Thread};

/// The jobs in flight of one submitter: the thread that made the window.
#[derive(Debug)]
pub struct Window {
    limit: usize,
    in_flight: AtomicUsize,
    submitter: Thread,
}

impl Window {
    /// A window for at most `limit` jobs, filled by the calling thread. It is never freed, so that a job carries a
    /// plain reference: a counted one would cost as much as the job.
    pub fn new(limit: usize) -> &'static Window {
        Box::leak(Box::new(Window { limit, in_flight: AtomicUsize::new(0), submitter: thread::current() }))
    }

    /// Waits until at most half of the window is in flight; how many jobs may be added now, at least 1.
    ///
    /// # Panics
    /// On another thread than the one that made the window: it would never be woken.
    pub fn wait_for_room(&self) -> usize {
        self.limit.saturating_sub(self.wait_for(self.limit / 2)).max(1)
    }

    /// Counts `jobs` that the caller will submit next.
    pub fn add(&self, jobs: usize) {
        self.in_flight.fetch_add(jobs, Ordering::Relaxed);
    }

    /// One job has ended.
    #[inline]
    pub fn ended(&self) {
        // AcqRel: what the jobs did is visible to the submitter that reads the last count (Acquire in `wait_for`).
        let left = self.in_flight.fetch_sub(1, Ordering::AcqRel) - 1;
        if left == self.limit / 2 || left == 0 {
            self.submitter.unpark();
        }
    }

    /// Waits until every job has ended.
    ///
    /// # Panics
    /// As [`Window::wait_for_room`].
    pub fn wait_until_empty(&self) {
        self.wait_for(0);
    }

    fn wait_for(&self, at_most: usize) -> usize {
        assert_eq!(
            thread::current().id(),
            self.submitter.id(),
            "only the thread that made a window waits for it"
        );
        loop {
            let in_flight = self.in_flight.load(Ordering::Acquire);
            if in_flight <= at_most {
                return in_flight;
            }
            thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_room_for_its_limit_and_then_for_what_has_ended() {
        let window = Window::new(8);
        assert_eq!(window.wait_for_room(), 8);
        window.add(8);
        (0..5).for_each(|_| window.ended());
        assert_eq!(window.wait_for_room(), 5);
        (0..3).for_each(|_| window.ended());
        window.wait_until_empty();
    }

    #[test]
    fn the_submitter_sleeps_until_other_threads_have_ended_the_jobs() {
        let window = Window::new(64);
        window.add(64);
        let threads: Vec<_> =
            (0..2).map(|_| thread::spawn(move || (0..32).for_each(|_| window.ended()))).collect();
        assert!(window.wait_for_room() >= 32);
        window.wait_until_empty();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(window.in_flight.load(Ordering::SeqCst), 0);
    }
}
