//! The pacer: a thread that wakes the client's loop when the next request is due.
//!
//! A poll of the operating system takes whole milliseconds through mio and rounds up, which would add up to a
//! millisecond to every latency. A parked thread is woken within about 0.1 ms (Linux' timer slack is 50 us).
//!
//! # Threads
//! `load-pacer`, started with the act and joined when the pacer is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use clock::Clock;
use mio::Waker;

/// Wakes a poll at given times until it is dropped.
pub(super) struct Pacer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Pacer {
    /// A pacer that wakes `waker` at each of `times`, which are in order; keep another clone of `waker`, because a
    /// poll forgets the wake-ups of a waker that is gone.
    pub(super) fn start(times: Vec<Instant>, clock: Clock, waker: Arc<Waker>) -> std::io::Result<Pacer> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("load-pacer".to_owned()).spawn(move || {
            for time in times {
                loop {
                    // SeqCst, like the store in drop: the unpark after it cannot be lost (park takes the token).
                    if stopped.load(Ordering::SeqCst) {
                        return;
                    }
                    let left = time.saturating_duration_since(clock.now());
                    if left.is_zero() {
                        break;
                    }
                    std::thread::park_timeout(left);
                }
                // A poll that is gone has no use for the wake-up; drop then stops this thread.
                let _ = waker.wake();
            }
        })?;
        Ok(Pacer { stop, thread: Some(thread) })
    }
}

impl Drop for Pacer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The thread runs no code that can panic; if it did, the missing wake-ups have been counted as lateness.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mio::{Events, Poll, Token};

    use super::*;

    fn poll_with_waker() -> (Poll, Arc<Waker>) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (poll, waker)
    }

    #[test]
    fn the_poll_is_woken_not_before_the_time() {
        let clock = Clock::real();
        let (mut poll, waker) = poll_with_waker();
        let due = clock.now() + Duration::from_millis(2);
        let _pacer = Pacer::start(vec![due], clock.clone(), Arc::clone(&waker)).unwrap();
        let mut events = Events::with_capacity(1);
        while events.is_empty() {
            poll.poll(&mut events, None).unwrap();
        }
        assert!(clock.now() >= due);
    }

    #[test]
    fn a_pacer_with_an_hour_left_can_be_dropped() {
        let clock = Clock::real();
        let (_poll, waker) = poll_with_waker();
        let due = clock.now() + Duration::from_secs(3_600);
        drop(Pacer::start(vec![due], clock, waker).unwrap());
    }
}
