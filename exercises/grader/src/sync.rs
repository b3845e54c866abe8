//! What threads share in the exercises: the shapes of `std::sync` and `std::thread`, under the scheduler of
//! [`explore`](crate::explore::explore) and usable only in there.
//!
//! # Model
//! Each operation first notes who begins it and on which line, for the table of a deadlock, and is then shuttle's, which
//! decides who goes on. Locks are never poisoned here: a panic ends the judgement anyway. All atomic operations are
//! sequentially consistent: the exercises are about orders of steps, not about weak memory.

use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::sync::PoisonError;
use std::time::Duration;

use shuttle::sync as under;

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

/// A place to wait for a change of what a [`Mutex`] guards.
#[derive(Debug, Default)]
pub struct Condvar {
    inside: under::Condvar,
    sleepers: std::sync::Mutex<Sleepers>,
}

/// Who waits here now. Waits with a time limit are not the scheduler's, so their notifications are kept beside it.
#[derive(Debug, Default)]
struct Sleepers {
    without_limit: u64,
    /// The numbers of those with a limit that were not notified yet.
    with_limit: Vec<u64>,
}

impl Condvar {
    /// Nobody waits.
    pub fn new() -> Condvar {
        Condvar::default()
    }

    /// Gives the lock back, waits until notified, and takes the lock again. It may return without a notification, as the one
    /// of the standard library may.
    #[track_caller]
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        note("waits in Condvar::wait");
        let MutexGuard { inside, of } = guard;
        // One wait in eight ends by itself: a program that looks only once must not get away with it.
        let inside = if shuttle::rand::thread_rng().next_u64().is_multiple_of(8) {
            drop(inside);
            thread::pause();
            ours(of.lock())
        } else {
            self.sleepers().without_limit += 1;
            ours(self.inside.wait(inside))
        };
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
        let MutexGuard { mut inside, of } = guard;
        let number = intervals::now();
        self.sleepers().with_limit.push(number);
        let mut turns = 1 + shuttle::rand::thread_rng().next_u64() % 6;
        while turns > 0 || intervals::is_stretched(number) {
            turns = turns.saturating_sub(1);
            drop(inside);
            thread::pause();
            inside = ours(of.lock());
            if !self.sleepers().with_limit.contains(&number) {
                break;
            }
        }
        let mut sleepers = self.sleepers();
        let has_passed = sleepers.with_limit.contains(&number);
        sleepers.with_limit.retain(|other| *other != number);
        drop(sleepers);
        if has_passed {
            intervals::passed(number);
        }
        note("has returned from Condvar::wait_timeout");
        (MutexGuard { inside, of }, has_passed)
    }

    /// Wakes one that waits, if there is one.
    #[track_caller]
    pub fn notify_one(&self) {
        let mut sleepers = self.sleepers();
        let (with, without) = (sleepers.with_limit.len() as u64, sleepers.without_limit);
        if with + without == 0 {
            return;
        }
        let chosen = shuttle::rand::thread_rng().next_u64() % (with + without);
        if chosen < with {
            sleepers.with_limit.swap_remove(chosen as usize);
            return;
        }
        sleepers.without_limit -= 1;
        // The scheduler may change threads in here, and the next one must be able to take this lock.
        drop(sleepers);
        self.inside.notify_one();
    }

    /// Wakes all that wait.
    #[track_caller]
    pub fn notify_all(&self) {
        *self.sleepers() = Sleepers::default();
        self.inside.notify_all();
    }

    fn sleepers(&self) -> std::sync::MutexGuard<'_, Sleepers> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which waits with a time limit lasted their whole interval, for graders that ask when somebody may complain.
pub(crate) mod intervals {
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

    pub(super) fn is_stretched(begun: u64) -> bool {
        begun < STRETCHED.load(SeqCst)
    }

    pub(super) fn passed(begun: u64) {
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
    use super::{Location, note, standing, under_thread};

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
        note("waits in park");
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

use shuttle::rand::RngCore as _;
use shuttle::thread as under_thread;

/// Notes what the current thread begins, with the line of whoever called the operation.
#[track_caller]
fn note(what: &str) {
    let current = under_thread::current();
    standing::note(current.name().unwrap_or("main"), what, Location::caller());
}

fn ours<G>(taken: Result<G, PoisonError<G>>) -> G {
    taken.unwrap_or_else(PoisonError::into_inner)
}
