//! The shim: one set of names for locks, atomics and parking, real ones or loom's under `--cfg loom`.
//!
//! # Model
//! Protocols in this crate name only what is here. A normal build gets std's atomics and parking_lot's locks;
//! a build with `RUSTFLAGS="--cfg loom"` gets loom's, which run every interleaving that the memory model
//! allows. The locks have parking_lot's shape: no poisoning, guards without `Result`. A panic while a lock of
//! this crate is held would be a bug of this crate: no code of the caller runs under one.

#[cfg(not(loom))]
pub(crate) use std::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, fence},
    thread::{Thread, current, park},
};

#[cfg(loom)]
pub(crate) use loom::{
    sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, fence},
    thread::{Thread, current, park},
};

#[cfg(not(loom))]
pub(crate) use real::{Condvar, Mutex, MutexGuard};

#[cfg(loom)]
pub(crate) use modelled::{Condvar, Mutex, MutexGuard};

#[cfg(not(loom))]
mod real {
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
    pub(crate) use loom::sync::MutexGuard;

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

    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Condvar {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
            self.0.wait(guard).expect(POISONED)
        }

        pub(crate) fn notify_one(&self) {
            self.0.notify_one();
        }

        pub(crate) fn notify_all(&self) {
            self.0.notify_all();
        }
    }
}
