//! What threads share in the exercises: the shapes of `std::sync` and `std::thread`, under the scheduler of
//! [`explore`](crate::explore::explore) and usable only in there.
//!
//! # Model
//! Each operation first notes who begins it and on which line, for the table of a deadlock, and is then shuttle's, which
//! decides who goes on. Locks are never poisoned here: a panic ends the judgement anyway. All atomic operations are
//! sequentially consistent: the exercises are about orders of steps, not about weak memory.

mod condvar;

use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::PoisonError;

use shuttle::sync as under;

pub use self::condvar::Condvar;
use crate::standing;

/// A mutual exclusion lock around a `T`.
#[derive(Debug, Default)]
pub struct Mutex<T>(under::Mutex<T>);

/// The right to the inside of a [`Mutex`]; dropped, it gives the lock back.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    inside: under::MutexGuard<'a, T>,
    of: &'a under::Mutex<T>,
}

impl<T> Mutex<T> {
    /// An open lock.
    pub fn new(value: T) -> Mutex<T> {
        Mutex(under::Mutex::new(value))
    }

    /// Waits until nobody has the lock and takes it.
    #[track_caller]
    pub fn lock(&self) -> MutexGuard<'_, T> {
        note("waits in Mutex::lock");
        let guard = MutexGuard { inside: ours(self.0.lock()), of: &self.0 };
        note("has taken a Mutex");
        guard
    }

    /// The value, when nobody else can reach it any more.
    pub fn into_inner(self) -> T {
        ours(self.0.into_inner())
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inside
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inside
    }
}

macro_rules! atomic {
    ($(#[$doc:meta])* $name:ident, $value:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(under::atomic::$name);

        impl $name {
            /// Begins with `value`.
            pub fn new(value: $value) -> Self {
                Self(under::atomic::$name::new(value))
            }

            /// Reads it.
            #[track_caller]
            pub fn load(&self) -> $value {
                note("reads an atomic");
                self.0.load(under::atomic::Ordering::SeqCst)
            }

            /// Writes it.
            #[track_caller]
            pub fn store(&self, value: $value) {
                note("writes an atomic");
                self.0.store(value, under::atomic::Ordering::SeqCst);
            }

            /// Writes it and returns what was there, in one step.
            #[track_caller]
            pub fn swap(&self, value: $value) -> $value {
                note("swaps an atomic");
                self.0.swap(value, under::atomic::Ordering::SeqCst)
            }

            /// Writes `new` if `current` is there, in one step; the error is what was there instead.
            #[track_caller]
            pub fn compare_exchange(&self, current: $value, new: $value) -> Result<$value, $value> {
                note("compares and exchanges an atomic");
                let order = under::atomic::Ordering::SeqCst;
                self.0.compare_exchange(current, new, order, order)
            }
        }
    };
}

macro_rules! counting {
    ($name:ident, $value:ty) => {
        impl $name {
            /// Adds and returns what was there, in one step. It wraps around.
            #[track_caller]
            pub fn fetch_add(&self, value: $value) -> $value {
                note("adds to an atomic");
                self.0.fetch_add(value, under::atomic::Ordering::SeqCst)
            }

            /// Subtracts and returns what was there, in one step. It wraps around.
            #[track_caller]
            pub fn fetch_sub(&self, value: $value) -> $value {
                note("subtracts from an atomic");
                self.0.fetch_sub(value, under::atomic::Ordering::SeqCst)
            }
        }
    };
}

atomic!(
    /// A flag that threads share.
    AtomicBool,
    bool
);
atomic!(
    /// A small number that threads share, such as a state.
    AtomicU8,
    u8
);
atomic!(
    /// A number that threads share.
    AtomicU64,
    u64
);
atomic!(
    /// A number that threads share, of the size of an index.
    AtomicUsize,
    usize
);
counting!(AtomicU8, u8);
counting!(AtomicU64, u64);
counting!(AtomicUsize, usize);

/// Threads that take turns under the scheduler.
pub mod thread {
    use super::{Location, note, note_sleep, standing, under_thread};

    /// A thread that can be joined.
    #[derive(Debug)]
    pub struct JoinHandle<T>(under_thread::JoinHandle<T>);

    impl<T> JoinHandle<T> {
        /// Waits for its end and returns what it returned.
        #[track_caller]
        pub fn join(self) -> T {
            note("waits in JoinHandle::join");
            // A panic of a thread ends the whole judgement before anybody could join it.
            let value = self.0.join().expect("a thread that panics ends the schedule");
            note("has joined a thread");
            value
        }

        /// The thread, to unpark it.
        pub fn thread(&self) -> Thread {
            Thread(self.0.thread().clone())
        }
    }

    /// A thread that can be unparked.
    #[derive(Clone, Debug)]
    pub struct Thread(under_thread::Thread);

    impl Thread {
        /// Lets [`park`] of that thread return: the one in which it waits, or else the next one. Several count as one.
        #[track_caller]
        pub fn unpark(&self) {
            note("unparks a thread");
            self.0.unpark();
        }

        /// The name that it was given.
        pub fn name(&self) -> String {
            self.0.name().unwrap_or("main").to_owned()
        }
    }

    /// Starts a thread.
    #[track_caller]
    pub fn spawn<T: Send + 'static>(name: &str, run: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        let place = *Location::caller();
        let named = name.to_owned();
        standing::note(name, "has not begun, started", &place);
        let run = move || {
            standing::note(&named, "runs, started", &place);
            let value = run();
            standing::forget(&named);
            value
        };
        let spawned = under_thread::Builder::new().name(name.to_owned()).spawn(run);
        JoinHandle(spawned.expect("the scheduler has a thread left"))
    }

    /// Waits until somebody unparks this thread, or has done so since the last time. It may return without that.
    #[track_caller]
    pub fn park() {
        note_sleep("waits in park");
        under_thread::park();
        note("has returned from park");
    }

    /// Lets others go on.
    #[track_caller]
    pub fn yield_now() {
        note("yields");
        under_thread::yield_now();
    }

    /// The thread that asks.
    pub fn current() -> Thread {
        Thread(under_thread::current())
    }

    pub(crate) fn pause() {
        under_thread::yield_now();
    }
}

use shuttle::thread as under_thread;

/// Notes what the current thread begins, with the line of whoever called the operation.
#[track_caller]
fn note(what: &str) {
    let current = under_thread::current();
    standing::note(current.name().unwrap_or("main"), what, Location::caller());
}

/// As [`note`], of an operation that sleeps until somebody wakes the thread.
#[track_caller]
fn note_sleep(what: &str) {
    note(what);
    let current = under_thread::current();
    standing::sleeps(current.name().unwrap_or("main"));
}

fn ours<G>(taken: Result<G, PoisonError<G>>) -> G {
    taken.unwrap_or_else(PoisonError::into_inner)
}
