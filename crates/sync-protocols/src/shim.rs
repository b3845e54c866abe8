//! The shim: one set of names for locks, atomics and parking, real ones or loom's under `--cfg loom`.
//!
//! # Model
//! Protocols in this crate name only what is here. A normal build gets std's atomics and parking_lot's locks;
//! a build with `RUSTFLAGS="--cfg loom"` gets loom's, which run every interleaving that the memory model
//! allows. The locks have parking_lot's shape: no poisoning, guards without `Result`. A panic while a lock of
//! this crate is held would be a bug of this crate: no code of the caller runs under one, except the two words of
//! `gil::Requests`.
//!
//! What a real thread waits for, a modelled one is told: [`Condvar::wait_for`] times out when a modelled timer says
//! so, and a [`Futex`] sleeps on a condition variable where there is no futex (under loom, and outside Linux).

#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
    thread::{Thread, current, park, yield_now},
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence},
    thread::{Thread, current, park, yield_now},
};

#[cfg(not(loom))]
pub(crate) use real::{Condvar, Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use modelled::{Condvar, Mutex, MutexGuard};

pub(crate) use futex::Futex;

#[cfg(not(loom))]
mod real {
    use std::time::Duration;

    pub(crate) use parking_lot::{Mutex, MutexGuard};

    pub(crate) struct Condvar(parking_lot::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(parking_lot::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, mut guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(&mut guard);
            guard
        }

        /// Waits at most this long; `true` means that nobody notified this thread in time.
        pub(crate) fn wait_for<'a, T>(
            &self,
            mut guard: MutexGuard<'a, T>,
            timeout: Duration,
        ) -> (MutexGuard<'a, T>, bool) {
            let timed_out = self.0.wait_for(&mut guard, timeout).timed_out();
            (guard, timed_out)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}

#[cfg(loom)]
mod modelled {
    use std::sync::atomic::Ordering::SeqCst;
    use std::time::Duration;

    pub(crate) use loom::sync::MutexGuard;

    use super::AtomicUsize;

    const POISONED: &str = "a protocol panicked while it held its lock";

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect(POISONED)
        }
    }

    pub(crate) struct Condvar {
        inner: loom::sync::Condvar,
        /// Time-outs that the modelled timer fired and no waiter has noticed yet.
        fired: AtomicUsize,
    }

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar { inner: loom::sync::Condvar::new(), fired: AtomicUsize::new(0) }
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.inner.wait(guard).expect(POISONED)
        }

        /// Waits until notified, or until `time_out` picks this thread; the duration is the model's business.
        pub(crate) fn wait_for<'a, T>(
            &self,
            guard: MutexGuard<'a, T>,
            _timeout: Duration,
        ) -> (MutexGuard<'a, T>, bool) {
            let guard = self.wait(guard);
            let timed_out = self.fired.fetch_update(SeqCst, SeqCst, |fired| fired.checked_sub(1)).is_ok();
            (guard, timed_out)
        }

        /// The time of the thread that has waited longest is up. One that is notified at the same moment may count
        /// itself as the one that timed out, as a real one may.
        pub(crate) fn time_out(&self) {
            self.fired.fetch_add(1, SeqCst);
            self.inner.notify_one();
        }

        pub(crate) fn notify_one(&self) {
            self.inner.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.inner.notify_all();
        }
    }
}

#[cfg(all(target_os = "linux", not(loom)))]
mod futex {
    use rustix::thread::futex::{Flags, wait, wake};

    use super::AtomicU32;

    /// A word that threads sleep on.
    pub(crate) struct Futex(AtomicU32);

    impl Futex {
        pub(crate) fn new(value: u32) -> Futex {
            Futex(AtomicU32::new(value))
        }

        #[inline]
        pub(crate) fn word(&self) -> &AtomicU32 {
            &self.0
        }

        /// Sleeps unless the word is another one than `value`; may return at any time.
        pub(crate) fn sleep_while(&self, value: u32) {
            // Woken, interrupted or too late: the caller looks at the word in each case.
            let _ = wait(&self.0, Flags::PRIVATE, value, None);
        }

        /// Wakes one thread that sleeps, if there is one.
        pub(crate) fn wake_one(&self) {
            let _ = wake(&self.0, Flags::PRIVATE, 1);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(loom))))]
mod futex {
    use std::sync::atomic::Ordering::SeqCst;

    use super::{AtomicU32, Condvar, Mutex};

    /// A word that threads sleep on.
    pub(crate) struct Futex {
        word: AtomicU32,
        /// Held by whoever looks before it sleeps, and by whoever wakes: so no look is outdated.
        looking: Mutex<()>,
        woken: Condvar,
    }

    impl Futex {
        pub(crate) fn new(value: u32) -> Futex {
            Futex { word: AtomicU32::new(value), looking: Mutex::new(()), woken: Condvar::new() }
        }

        #[inline]
        pub(crate) fn word(&self) -> &AtomicU32 {
            &self.word
        }

        /// Sleeps unless the word is another one than `value`; may return at any time.
        pub(crate) fn sleep_while(&self, value: u32) {
            let looking = self.looking.lock();
            if self.word.load(SeqCst) == value {
                drop(self.woken.wait(looking));
            }
        }

        /// Wakes one thread that sleeps, if there is one.
        pub(crate) fn wake_one(&self) {
            let _looking = self.looking.lock();
            self.woken.notify_one();
        }
    }
}

/// Waiting for another thread's few instructions: a pause first, then the rest of the time slice.
#[derive(Default)]
pub(crate) struct Spin(u32);

impl Spin {
    const PAUSES: u32 = 64;

    #[inline]
    pub(crate) fn once(&mut self) {
        self.0 += 1;
        if cfg!(not(loom)) && self.0 < Spin::PAUSES {
            std::hint::spin_loop();
        } else {
            // Its owner may have been put off its processor in the middle; loom, too, wants to be told.
            yield_now();
        }
    }
}
