//! A global lock that a waiter asks for: timed wait, drop request, forced switch; it owns what it guards.
//!
//! # Model
//! The flow of CPython 3.2 and later. The lock holds a payload: to take the lock is to carry the payload away, to
//! give the lock back is to bring it, so "only the holder touches the objects" is ownership. Nobody's turn is
//! reserved: whoever looks while the payload lies there takes it. A waiter that has seen one holder for a whole
//! interval raises a request, which the holder reads in its eval-breaker word; a holder that was asked does not
//! return from [`Gil::give`] before somebody else has taken the lock.
//!
//! ```text
//! take(me)                                      give(me)
//! lock state                                    lock state
//! while the payload is away:                    payload = back
//!   seen = switch_number                        unlock; notify one waiter
//!   wait for `freed`, at most one interval      was I asked? then:
//!   timed out, still away, same number?           lock switch
//!     raise(last_holder); asked = true            while last_holder == me: wait for `switched`
//! carry the payload away
//! last_holder != me? lock switch:
//!   last_holder = me; switch_number += 1
//!   notify `switched`
//! asked = false; clear(me); unlock
//! ```
//!
//! What each part closes. The number keeps a fresh holder from being asked for what an older one did: after any
//! switch a waiter starts a whole interval again. The forced switch keeps the asked holder from taking the lock
//! back before the waiter that it has just notified is on a processor. Between give and take there is a window in
//! which anybody may take: that window is the subject of the experiments, and is kept.
//!
//! # Fairness
//! None, on purpose, with [`Order::Barging`]: neither this lock nor the parking_lot locks that it is made of (which
//! do not hand over, not even now and then) promise a waiter anything except what the forced switch gives. Each
//! give notifies one waiter, whichever the condition variable names. [`Order::FairTicket`] and [`Order::IoFirst`]
//! exist to show what changes when that rule does; they notify every waiter, because only one may go.
//!
//! # Invariants
//! - G1: the payload is in one place: with one holder, or in the lock.
//! - G2: a give that was asked returns only after another thread has taken (unless the lock is closed).
//! - G3: no wake-up is lost: while the payload lies in the lock, a waiter that may take it is awake.
//! - G4: a request stands only against the holder that it was raised for: whoever takes starts without one.
//! - G5: a request is raised only after one whole interval of a waiter without a switch.
//! - G6: after `close` nobody waits in `give`, and whoever takes still gets the lock in turn.
//! - G7: with tickets the lock is taken in the order in which threads came for it.
//! - G8: with I/O first, a thread that was forced off takes only when no I/O thread waits.
//!
//! # Threads
//! `state` may be held when `switch` is taken, never the other way round. [`Requests`] is called under one of them:
//! it sets or clears a bit, and neither blocks nor panics.
//!
//! # Source
//! CPython 3.9.2 `Python/ceval_gil.h`, 3.13.5 `Python/ceval_gil.c` (`take_gil`, `drop_gil`).

mod line;
mod tick;

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use crate::shim::{AtomicU32, Condvar, Mutex, MutexGuard};

use line::{Line, Place};
pub use line::{Order, Parting};
pub use tick::TickLock;

/// How a holder learns that it is asked, and how that is taken back: bits of eval-breaker words.
///
/// Both are called while the lock's own state is locked.
pub trait Requests {
    /// A waiter has waited a whole interval: set the request where `holder` looks.
    fn raise(&self, holder: u32);
    /// `me` took the lock, or has just given it back: what was set where `me` looks is no longer meant.
    fn clear(&self, me: u32);
}

/// The rules that can be taken away or changed, one at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// A holder that was asked waits until somebody else has taken the lock.
    pub forced_switch: bool,
    /// Who may take a lock that is free.
    pub order: Order,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { forced_switch: true, order: Order::Barging }
    }
}

/// The lock with its payload; see the file's header for the protocol.
pub struct Gil<T> {
    state: Mutex<State<T>>,
    freed: Condvar,
    switch: Mutex<Switch>,
    switched: Condvar,
    /// In microseconds. Relaxed: a setting, it orders nothing; a wait that has begun keeps the older one.
    interval_us: AtomicU32,
    rules: Rules,
}

/// Guarded by `Gil::state`.
struct State<T> {
    /// The payload while nobody holds the lock.
    payload: Option<T>,
    last_holder: Option<u32>,
    switch_number: u64,
    /// A request stands against the holder.
    asked: bool,
    waiting: u32,
    line: Line,
}

/// Guarded by `Gil::switch`; `last_holder` is written with both locks held.
struct Switch {
    last_holder: Option<u32>,
    closed: bool,
}

/// The payload, and what it took to get it.
#[derive(Debug)]
pub struct Taken<T> {
    /// What the lock guards, now the caller's.
    pub payload: T,
    /// Whether the lock was not to be had at once.
    pub waited: bool,
    /// Whole intervals without a wake-up.
    pub timeouts: u32,
    /// Requests that this thread raised.
    pub requests: u32,
    /// Whether another thread had the lock last.
    pub switched: bool,
    /// Who had the lock when the wait began; `None` when there was no wait.
    pub behind: Option<u32>,
}

/// What a give was like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// A request stood against this holder.
    pub asked: bool,
    /// The giver had to wait until somebody else had taken the lock.
    pub forced_wait: bool,
}

impl<T> Gil<T> {
    /// A free lock. `interval` is how long a waiter waits before it asks; below a microsecond counts as one.
    pub fn new(payload: T, interval: Duration, rules: Rules) -> Gil<T> {
        Gil {
            state: Mutex::new(State {
                payload: Some(payload),
                last_holder: None,
                switch_number: 0,
                asked: false,
                waiting: 0,
                line: Line::new(rules.order),
            }),
            freed: Condvar::new(),
            switch: Mutex::new(Switch { last_holder: None, closed: false }),
            switched: Condvar::new(),
            interval_us: AtomicU32::new(whole_microseconds(interval)),
            rules,
        }
    }

    /// Takes the lock for the thread `me`, waiting as long as it takes.
    ///
    /// The lock does not know its threads: `me` must be different for each that lives. A thread that holds the lock
    /// and takes it again waits for itself for ever.
    pub fn take(&self, me: u32, requests: &impl Requests) -> Taken<T> {
        let mut state = self.state.lock();
        let place = state.line.join(me);
        let mut taken = match state.take_if_my_turn(place) {
            Some(payload) => {
                Taken { payload, waited: false, timeouts: 0, requests: 0, switched: false, behind: None }
            }
            None => {
                let (guard, taken) = self.wait(state, place, requests);
                state = guard;
                taken
            }
        };
        state.line.leave(place);
        if state.last_holder != Some(me) {
            taken.switched = true;
            self.switch_to(me, &mut state);
        }
        state.asked = false;
        requests.clear(me);
        taken
    }

    #[cold]
    fn wait<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        place: Place,
        requests: &impl Requests,
    ) -> (MutexGuard<'a, State<T>>, Taken<T>) {
        let (mut timeouts, mut raised) = (0, 0);
        let behind = state.last_holder;
        state.waiting += 1;
        let payload = loop {
            let seen = state.switch_number;
            let (guard, timed_out) = self.freed.wait_for(state, self.interval());
            state = guard;
            if let Some(payload) = state.take_if_my_turn(place) {
                break payload;
            }
            if timed_out {
                timeouts += 1;
                raised += u32::from(state.ask(seen, requests));
            }
        };
        state.waiting -= 1;
        (state, Taken { payload, waited: true, timeouts, requests: raised, switched: false, behind })
    }

    fn switch_to(&self, me: u32, state: &mut State<T>) {
        let mut switch = self.switch.lock();
        state.last_holder = Some(me);
        state.switch_number += 1;
        switch.last_holder = Some(me);
        drop(switch);
        // One is enough: only the thread that was the last holder until now can be waiting for this.
        self.switched.notify_one();
    }

    /// Gives the lock back; waits until somebody else has taken it when the rules say so.
    ///
    /// [`Parting::Last`] never waits: the thread will not come back.
    pub fn give(&self, me: u32, payload: T, parting: Parting, requests: &impl Requests) -> Dropped {
        let (asked, waiting) = {
            let mut state = self.state.lock();
            debug_assert!(state.payload.is_none(), "a lock that nobody holds was given back");
            state.payload = Some(payload);
            state.line.parted(me, parting);
            (state.asked, state.waiting)
        };
        if waiting > 0 {
            match self.rules.order {
                Order::Barging => self.freed.notify_one(),
                Order::FairTicket | Order::IoFirst => self.freed.notify_all(),
            }
        }
        let force = asked && self.rules.forced_switch && parting != Parting::Last;
        Dropped { asked, forced_wait: force && self.wait_for_a_switch(me, requests) }
    }

    // ANCHOR: forced_switch
    #[cold]
    fn wait_for_a_switch(&self, me: u32, requests: &impl Requests) -> bool {
        let mut switch = self.switch.lock();
        if switch.last_holder != Some(me) || switch.closed {
            return false;
        }
        // Nobody has taken the lock since, so nobody can have been asked: the request is this thread's own.
        requests.clear(me);
        // This ends: whoever asked waits in `take`, and nobody leaves that without the lock.
        while switch.last_holder == Some(me) && !switch.closed {
            switch = self.switched.wait(switch);
        }
        true
    }
    // ANCHOR_END: forced_switch

    /// Ends the forced switches, now and from now on, so that every thread can unwind; the lock itself stays usable.
    pub fn close(&self) {
        self.switch.lock().closed = true;
        self.switched.notify_all();
    }

    /// How long a waiter waits before it asks.
    pub fn interval(&self) -> Duration {
        Duration::from_micros(u64::from(self.interval_us.load(Relaxed)))
    }

    /// Sets the interval for every wait that begins from now on.
    pub fn set_interval(&self, interval: Duration) {
        self.interval_us.store(whole_microseconds(interval), Relaxed);
    }

    /// The rules that it was made with.
    pub fn rules(&self) -> Rules {
        self.rules
    }

    /// How many threads wait in `take` now.
    pub fn waiting(&self) -> u32 {
        self.state.lock().waiting
    }

    /// How often the lock went to another thread than before.
    pub fn switches(&self) -> u64 {
        self.state.lock().switch_number
    }

    /// The modelled timer: one thread that waits in `take`, if there is one, has waited a whole interval.
    #[cfg(loom)]
    pub fn expire(&self) {
        self.freed.time_out();
    }
}

impl<T> State<T> {
    fn take_if_my_turn(&mut self, place: Place) -> Option<T> {
        if self.line.may_go(place) { self.payload.take() } else { None }
    }

    /// Asks the holder, unless the lock is free, went to another since `seen`, or its holder has been asked.
    fn ask(&mut self, seen: u64, requests: &impl Requests) -> bool {
        let Some(holder) = self.last_holder else { return false };
        if self.payload.is_some() || self.switch_number != seen || self.asked {
            return false;
        }
        self.asked = true;
        requests.raise(holder);
        true
    }
}

fn whole_microseconds(interval: Duration) -> u32 {
    u32::try_from(interval.as_micros()).unwrap_or(u32::MAX).max(1)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Counts the requests.
    #[derive(Default)]
    struct Count(Cell<u32>);

    impl Requests for Count {
        fn raise(&self, _: u32) {
            self.0.set(self.0.get() + 1);
        }
        fn clear(&self, _: u32) {}
    }

    #[test]
    fn g5_nobody_is_asked_twice_nor_for_what_an_older_holder_did() {
        let (gil, requests) = (Gil::new((), Duration::ZERO, Rules::default()), Count::default());
        assert!(!gil.state.lock().ask(0, &requests), "nobody has ever held it");
        let () = gil.take(1, &requests).payload;
        assert!(!gil.state.lock().ask(0, &requests), "it was taken since");
        assert!(gil.state.lock().ask(1, &requests));
        assert!(!gil.state.lock().ask(1, &requests), "the request stands");
        gil.give(1, (), Parting::Last, &requests);
        assert!(!gil.state.lock().ask(1, &requests), "it is free");
        assert_eq!(requests.0.get(), 1);
    }
}
