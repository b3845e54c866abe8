//! Who sleeps and who is woken: a crew of threads that share a queue which this file does not know.
//!
//! # Model
//! A thread that finds the queue empty takes a seat and sleeps; whoever adds a job calls somebody. At most one
//! called thread is on its way at a time: it looks at the queue anyway, so further calls would only wake threads
//! for jobs that it takes. When it has taken its job and more are queued, it calls the next one: the calls are
//! handed on like a baton, as many as there are jobs to run, and never all at once. The thread that sat down last
//! is called first, because its cache is warm. A crew member that has not been started yet counts as one that
//! sleeps very deeply: to call it means to start it.
//!
//! ```text
//! adds a job                                wants to sleep
//! push the job                              sit down: asleep += me, word = CALL      (under the lock)
//! fence(SeqCst)                             fence(SeqCst)
//! load word: nobody to call? return         look at the queue: a job? stand up again
//! lock; seat = asleep.pop(); waking = true  park until called
//! unlock; seat.called = true; unpark   -->  waking = false                           (under the lock)
//!                                           fence(SeqCst)
//!                                           look at the queue; take; more left? call the next
//! ```
//!
//! The race is Dekker's: both write first and look second, and the two fences are totally ordered. Either the
//! sleeper's fence is later, then it sees the job; or the caller's fence is later, then it sees the sleeper.
//! Without the fences both looks may be stale, and the job waits for ever. For the same reason a called thread
//! clears `waking` before it looks at the queue, never after: a job that was pushed while `waking` was set called
//! nobody and relies on that look.
//!
//! | word bit | meaning                                          | set                      | cleared            |
//! |----------|--------------------------------------------------|--------------------------|--------------------|
//! | CALL     | somebody can be called and nobody is on his way  | sit down, arrive         | call, stand up     |
//! | CLOSED   | the crew goes home; what comes now is withdrawn  | `close`                  | never              |
//!
//! The word is stored under the lock, so stores need no order among themselves; it is loaded without the lock,
//! Relaxed, after the fence named above. `Seat::called` is stored with Release, its partner is the Acquire load
//! in `sleep`.
//!
//! # Invariants
//! - S1: no job is left: while one is queued and a thread sleeps, a called thread is on its way.
//! - S2: at most one called thread is on its way, however many jobs are added meanwhile.
//! - S3: the thread that sat down last is called first; one that is not started is called last.
//! - S4: after `close` every sleeper stands up, and whoever adds a job later is told.

use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

use crate::shim::{AtomicBool, AtomicUsize, Mutex, MutexGuard, Thread, current, fence, park};

const CALL: usize = 1;
const CLOSED: usize = 2;

/// The threads of a crew that have nothing to do; see the file's header for the protocol.
pub struct Sleepers {
    word: AtomicUsize,
    state: Mutex<State>,
}

/// Guarded by `Sleepers::state`.
#[derive(Default)]
struct State {
    asleep: Vec<Arc<Seat>>,
    spare: usize,
    waking: bool,
    closed: bool,
    calls: u64,
}

/// Where one thread of the crew sleeps; made by that thread, used by it alone.
pub struct Seat {
    called: AtomicBool,
    thread: Thread,
}

/// What the one who called must do next.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// Nothing: nobody sleeps, or a called thread is on its way.
    Nobody,
    /// Nothing: a thread was woken.
    Woken,
    /// Start one more thread, which begins with [`Sleepers::arrive`]; or say [`Sleepers::start_failed`].
    Start,
    /// The crew was closed: take the job back.
    Closed,
}

impl Seat {
    /// A seat for the calling thread.
    pub fn new() -> Arc<Seat> {
        Arc::new(Seat { called: AtomicBool::new(false), thread: current() })
    }

    fn call(&self) {
        self.called.store(true, Release); // Partner: the Acquire load in `wait`.
        self.thread.unpark();
    }

    fn wait(&self) {
        // A thread may be unparked for reasons of its own: only `called` counts.
        while !self.called.load(Acquire) {
            park();
        }
        // A seat is called once each time that it was taken, so no call can be wiped out here.
        self.called.store(false, Relaxed);
    }
}

impl Sleepers {
    /// A crew without threads, of which `spare` may be started when they are needed.
    pub fn new(spare: usize) -> Sleepers {
        let sleepers =
            Sleepers { word: AtomicUsize::new(0), state: Mutex::new(State { spare, ..State::default() }) };
        sleepers.publish(&sleepers.state.lock());
        sleepers
    }

    /// Calls one thread if there is one to call and nobody is on his way; to be used after each added job.
    #[inline]
    pub fn call_one(&self) -> Call {
        fence(SeqCst); // Partner: the fence in `sleep`.
        if self.word.load(Relaxed) == 0 {
            return Call::Nobody;
        }
        self.call_one_slow()
    }

    #[cold]
    fn call_one_slow(&self) -> Call {
        let mut state = self.state.lock();
        if state.closed {
            return Call::Closed;
        }
        if state.waking || (state.asleep.is_empty() && state.spare == 0) {
            return Call::Nobody;
        }
        state.waking = true;
        state.calls += 1;
        let seat = state.asleep.pop();
        if seat.is_none() {
            state.spare -= 1;
        }
        self.publish(&state);
        drop(state);
        match seat {
            Some(seat) => {
                seat.call();
                Call::Woken
            }
            None => Call::Start,
        }
    }

    /// Sleeps until called, unless `has_work` finds something after all; `true` means that the thread was called
    /// and must call the next one if it leaves jobs behind.
    pub fn sleep(&self, seat: &Arc<Seat>, has_work: impl FnOnce() -> bool) -> bool {
        let mut state = self.state.lock();
        if state.closed {
            return false;
        }
        state.asleep.push(Arc::clone(seat));
        self.publish(&state);
        drop(state);
        fence(SeqCst); // Partner: the fence in `call_one`.
        if has_work() && self.stand_up(seat) {
            return false;
        }
        seat.wait();
        self.arrive();
        true
    }

    /// Leaves the seat unasked; `false` when a call came first, which is then consumed by waiting for it.
    fn stand_up(&self, seat: &Arc<Seat>) -> bool {
        let mut state = self.state.lock();
        let Some(at) = state.asleep.iter().rposition(|other| Arc::ptr_eq(other, seat)) else { return false };
        state.asleep.remove(at);
        self.publish(&state);
        true
    }

    /// A started thread says that it is there, before it looks at the queue for the first time.
    pub fn arrive(&self) {
        let mut state = self.state.lock();
        state.waking = false;
        self.publish(&state);
        drop(state);
        fence(SeqCst); // Jobs pushed while `waking` was set called nobody; the look that follows must see them.
    }

    /// The thread that was to be started was not: no more are tried until `set_spare`. The caller then looks at the
    /// queue and, if a job is there, uses `call_one` again: it may have relied on this start.
    pub fn start_failed(&self) {
        let mut state = self.state.lock();
        state.spare = 0;
        state.waking = false;
        self.publish(&state);
        drop(state);
        fence(SeqCst); // As in `arrive`.
    }

    /// Says how many further threads may be started.
    pub fn set_spare(&self, spare: usize) {
        let mut state = self.state.lock();
        state.spare = spare;
        self.publish(&state);
    }

    /// Wakes every sleeper, so that each looks around: for jobs, or for a reason to leave.
    pub fn call_all(&self) {
        let called = {
            let mut state = self.state.lock();
            let called = std::mem::take(&mut state.asleep);
            self.publish(&state);
            called
        };
        for seat in called {
            seat.call();
        }
    }

    /// Closes the crew: nobody sleeps from now on, and `call_one` answers [`Call::Closed`].
    pub fn close(&self) {
        {
            let mut state = self.state.lock();
            state.closed = true;
            self.publish(&state);
        }
        fence(SeqCst); // Partner: the fence in `call_one`: a job is seen by the closer, or its adder sees CLOSED.
        self.call_all();
    }

    /// Whether `close` was called; exact for a thread that was woken by it.
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.word.load(Relaxed) & CLOSED != 0
    }

    /// How many threads sleep now, and how many calls were made so far.
    pub fn counts(&self) -> (usize, u64) {
        let state = self.state.lock();
        (state.asleep.len(), state.calls)
    }

    fn publish(&self, state: &MutexGuard<'_, State>) {
        let call = if !state.waking && (!state.asleep.is_empty() || state.spare > 0) { CALL } else { 0 };
        let closed = if state.closed { CLOSED } else { 0 };
        self.word.store(call | closed, Relaxed); // Ordered by the lock for writers, by the fences for readers.
    }
}
