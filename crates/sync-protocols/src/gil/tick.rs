//! The lock of CPython 2.7: a semaphore of one, without owner, queue or request; it owns what it guards.
//!
//! # Model
//! The flow of glibc's `sem_wait` and `sem_post`: whoever wants the lock first tries to count down, and sleeps only
//! when there is nothing to take.
//!
//! ```text
//! take                                    give
//! free 1 -> 0? have it                    put the payload into the slot
//! sleepers += 1                           free = 1
//! fence(SeqCst)                           fence(SeqCst)
//! until free 1 -> 0:                      sleepers > 0? wake one
//!   sleep while free == 0
//! sleepers -= 1
//! take the payload out of the slot
//! ```
//!
//! The race is Dekker's: the giver writes `free` and looks at `sleepers`, the sleeper writes `sleepers` and looks at
//! `free` (the kernel looks once more, as it puts the thread to sleep). The two fences are totally ordered, so at
//! least one of them sees the other. A thread that gives and takes at once usually has the lock back before the woken thread is on a
//! processor. That window is what 2.7 does every hundred ticks, and nothing here narrows it.
//!
//! | word     | means                         | raised by     | lowered by    |
//! |----------|-------------------------------|---------------|---------------|
//! | free     | 1: the payload is in the slot | give, Release | take, Acquire |
//! | sleepers | threads in the slow path      | take, Relaxed | take, Relaxed |
//! | holder   | a thread's key, for pictures  | take, Relaxed | never         |
//!
//! Release and Acquire on `free` are each other's partners; the Relaxed ones are ordered by the fences, or order
//! nothing (`holder`).
//!
//! # Fairness
//! None: a running thread beats a sleeping one, always. The slot's mutex is never contended, because only the thread
//! that counted down, or the one that has not counted up yet, goes there.
//!
//! # Invariants
//! - Y1: the payload is in one place: with one holder, or in the slot.
//! - Y2: no wake-up is lost: while the payload is in the slot, nobody who waits stays asleep.
//!
//! # Source
//! CPython 2.7.18 `Python/thread_pthread.h` (`USE_SEMAPHORES`), glibc 2.36 `nptl/sem_waitcommon.c`.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use crate::shim::{AtomicU32, Futex, Mutex, fence};

use super::Taken;

/// The lock with its payload; see the file's header for the protocol.
pub struct TickLock<T> {
    free: Futex,
    sleepers: AtomicU32,
    /// Who took it last: only for the answer, nothing is decided by it.
    holder: AtomicU32,
    slot: Mutex<Option<T>>,
}

impl<T> TickLock<T> {
    /// A free lock.
    pub fn new(payload: T) -> TickLock<T> {
        TickLock {
            free: Futex::new(1),
            sleepers: AtomicU32::new(0),
            holder: AtomicU32::new(u32::MAX),
            slot: Mutex::new(Some(payload)),
        }
    }

    /// Takes the lock for the thread `me`, waiting as long as it takes.
    pub fn take(&self, me: u32) -> Taken<T> {
        let waited = !self.try_count_down();
        let behind = if waited { self.wait() } else { None };
        // Every holder before wrote its key before it gave, so this is the last one.
        let switched = self.holder.load(Relaxed) != me;
        if switched {
            self.holder.store(me, Relaxed);
        }
        let payload = self.slot.lock().take().expect("whoever counts down finds the payload");
        Taken { payload, waited, timeouts: 0, requests: 0, switched, behind }
    }

    /// Returns who had the lock when the wait began, as far as that thread has said so.
    #[cold]
    fn wait(&self) -> Option<u32> {
        let holder = self.holder.load(Relaxed);
        self.sleepers.fetch_add(1, Relaxed);
        fence(SeqCst); // Partner: the fence in `give`.
        while !self.try_count_down() {
            self.free.sleep_while(0);
        }
        self.sleepers.fetch_sub(1, Relaxed); // Too many sleepers cost a giver one call, too few cannot be.
        (holder != u32::MAX).then_some(holder)
    }

    fn try_count_down(&self) -> bool {
        self.free.word().compare_exchange(1, 0, Acquire, Relaxed).is_ok()
    }

    /// Gives the lock back and wakes one sleeper, without looking whether it comes.
    pub fn give(&self, payload: T) {
        {
            let mut slot = self.slot.lock();
            debug_assert!(slot.is_none(), "a lock that nobody holds was given back");
            *slot = Some(payload);
        }
        self.free.word().store(1, Release); // A store will do: while it is 0 nobody but the holder writes it.
        fence(SeqCst); // Partner: the fence in `wait`.
        if self.sleepers.load(Relaxed) > 0 {
            self.free.wake_one();
        }
    }

    /// How many threads wait in `take` now.
    pub fn waiting(&self) -> u32 {
        self.sleepers.load(Relaxed)
    }
}
