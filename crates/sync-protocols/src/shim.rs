//! The shim: one set of names for locks and atomics, real ones or loom's under `--cfg loom`.
//!
//! # Model
//! Protocols in this crate name only what is here. A normal build gets std's atomics and parking_lot's locks;
//! a build with `RUSTFLAGS="--cfg loom"` gets loom's, which run every interleaving that the memory model
//! allows. The lock methods have parking_lot's shape: no poisoning, guards without `Result`. A panic while a
//! lock of this crate is held is a bug of this crate: no code of the caller runs under one.

#[cfg(not(loom))]
pub(crate) use std::sync::atomic::AtomicUsize;

#[cfg(loom)]
pub(crate) use loom::sync::atomic::AtomicUsize;

#[cfg(not(loom))]
pub(crate) use parking_lot::Mutex;

#[cfg(loom)]
pub(crate) use loomed::Mutex;

/// loom's locks in parking_lot's shape.
#[cfg(loom)]
mod loomed {
    pub(crate) use loom::sync::MutexGuard;

    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Mutex<T> {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("a protocol panicked while it held its lock")
        }
    }
}
