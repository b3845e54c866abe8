//! The pacer: what wakes the client's loop when the next request is due.
//!
//! A poll of the operating system takes whole milliseconds through mio and rounds up, which would add up to a
//! millisecond to every latency. On Linux a timer of the kernel is one more thing to poll: it has no slack, and its
//! expiry wakes the client's thread itself. Elsewhere a parked thread wakes the poll: two wake-ups instead of one.
//!
//! # Threads
//! Elsewhere than on Linux `load-pacer`, started with the act and joined when the pacer is dropped.

#[cfg(not(target_os = "linux"))]
pub(super) use on_thread::Pacer;
#[cfg(target_os = "linux")]
pub(super) use on_timer::Pacer;

#[cfg(target_os = "linux")]
mod on_timer {
    use std::os::fd::{AsRawFd, OwnedFd};
    use std::sync::Arc;
    use std::time::Instant;

    use clock::Clock;
    use mio::unix::SourceFd;
    use mio::{Interest, Poll, Token, Waker};
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    /// Wakes a poll at given times until it is dropped.
    pub(in crate::load) struct Pacer {
        timer: OwnedFd,
        times: std::iter::Peekable<std::vec::IntoIter<Instant>>,
        armed: Option<Instant>,
        clock: Clock,
    }

    impl Pacer {
        /// A pacer that wakes `poll` under `token` at each of `times`, which are in order; call [`Pacer::arm`] before
        /// each poll.
        pub(in crate::load) fn start(
            times: Vec<Instant>,
            clock: Clock,
            (poll, token): (&Poll, Token),
            _waker: &Arc<Waker>,
        ) -> std::io::Result<Pacer> {
            let timer =
                timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
            // Closing the timer, which nobody else holds, ends the registration.
            poll.registry().register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
            Ok(Pacer { timer, times: times.into_iter().peekable(), armed: None, clock })
        }

        /// Sets the timer to the first time that is after `sent_until`. Setting it also takes back an expiry that was
        /// not read, so that the next one is an edge again.
        pub(in crate::load) fn arm(&mut self, sent_until: Instant) -> std::io::Result<()> {
            while self.times.next_if(|&time| time <= sent_until).is_some() {}
            let next = self.times.peek().copied();
            let Some(time) = next.filter(|_| next != self.armed) else { return Ok(()) };
            // Zero would switch the timer off.
            let left = time.saturating_duration_since(self.clock.now()).as_nanos().max(1);
            let (secs, nanos) = ((left / 1_000_000_000) as i64, (left % 1_000_000_000) as i64);
            let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
            let it_value = Timespec { tv_sec: secs, tv_nsec: nanos };
            timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value })?;
            self.armed = next;
            Ok(())
        }
    }
}

#[cfg(any(not(target_os = "linux"), test))]
mod on_thread {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread::JoinHandle;
    use std::time::Instant;

    use clock::Clock;
    use mio::{Poll, Token, Waker};

    /// Wakes a poll at given times until it is dropped.
    pub(in crate::load) struct Pacer {
        stop: Arc<AtomicBool>,
        thread: Option<JoinHandle<()>>,
    }

    impl Pacer {
        /// A pacer that wakes `waker` at each of `times`, which are in order; keep another clone of `waker`, because a
        /// poll forgets the wake-ups of a waker that is gone.
        pub(in crate::load) fn start(
            times: Vec<Instant>,
            clock: Clock,
            _poll: (&Poll, Token),
            waker: &Arc<Waker>,
        ) -> std::io::Result<Pacer> {
            let (stop, waker) = (Arc::new(AtomicBool::new(false)), Arc::clone(waker));
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

        /// Nothing to do: the thread knows all times.
        #[allow(clippy::unnecessary_wraps, reason = "as on Linux, where the kernel may refuse")]
        pub(in crate::load) fn arm(&mut self, _sent_until: Instant) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Drop for Pacer {
        fn drop(&mut self) {
            self.stop.store(true, Ordering::SeqCst);
            if let Some(thread) = self.thread.take() {
                thread.thread().unpark();
                // The thread runs no code that can panic; if it did, the missing wake-ups were counted as lateness.
                let _ = thread.join();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use clock::Clock;
    use mio::{Events, Poll, Token, Waker};

    use super::{Pacer, on_thread};

    fn poll_with_waker() -> (Poll, Arc<Waker>) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        (poll, waker)
    }

    #[test]
    fn the_poll_is_woken_at_each_time_and_not_before() {
        let clock = Clock::real();
        let (mut poll, waker) = poll_with_waker();
        let first = clock.now() + Duration::from_millis(2);
        let times = vec![first, first + Duration::from_millis(1)];
        let mut pacer = Pacer::start(times.clone(), clock.clone(), (&poll, Token(1)), &waker).unwrap();
        let mut sent_until = clock.now();
        for due in times {
            while sent_until < due {
                pacer.arm(sent_until).unwrap();
                poll.poll(&mut Events::with_capacity(1), None).unwrap();
                sent_until = clock.now();
            }
        }
    }

    #[test]
    fn a_thread_wakes_the_poll_not_before_the_time() {
        let clock = Clock::real();
        let (mut poll, waker) = poll_with_waker();
        let due = clock.now() + Duration::from_millis(2);
        let mut pacer = on_thread::Pacer::start(vec![due], clock.clone(), (&poll, Token(1)), &waker).unwrap();
        pacer.arm(clock.now()).unwrap();
        let mut events = Events::with_capacity(1);
        while events.is_empty() {
            poll.poll(&mut events, None).unwrap();
        }
        assert!(clock.now() >= due);
    }

    #[test]
    fn a_pacer_with_an_hour_left_can_be_dropped() {
        let clock = Clock::real();
        let (poll, waker) = poll_with_waker();
        let due = clock.now() + Duration::from_secs(3_600);
        drop(Pacer::start(vec![due], clock.clone(), (&poll, Token(1)), &waker).unwrap());
        drop(on_thread::Pacer::start(vec![due], clock, (&poll, Token(1)), &waker).unwrap());
    }
}
