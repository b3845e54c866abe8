//! Judges `take_and_drop`: one holder at a time, who waits gets its turn, and who was asked does not take it back first.

use std::sync::Arc;
use std::time::Duration;

use crate::explore::{Wrong, alone, check, explore};
use crate::standing::{self, happened};
use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, thread};
use crate::{intervals, run};

const SCHEDULES: usize = 200;

/// How long one who waits lets the holder go on before it asks.
pub const INTERVAL: Duration = Duration::from_millis(5);

/// What the learner writes.
pub trait GlobalLock: Send + Sync + 'static {
    /// A lock that nobody has.
    fn new() -> Self;
    /// Waits until nobody has the lock and takes it. If an interval passes meanwhile and the lock did not change hands, the
    /// holder is asked to give it up.
    fn take(&self);
    /// Gives the lock back, as before a call that waits.
    fn release(&self);
    /// Whether the holder was asked. The holder looks at each check site.
    fn is_asked(&self) -> bool;
    /// What the holder does at a check site when it was asked: gives the lock back, waits until somebody else has taken it
    /// (forced switch), and takes it again.
    fn hand_over(&self);
}

/// Judges it.
pub fn grade<L: GlobalLock>() {
    run::grade("take_and_drop", |seed| {
        alone(nobody_asks::<L>)?;
        explore(seed, SCHEDULES, who_asks_is_served::<L>).map_err(never)?;
        explore(seed, SCHEDULES, who_waits_is_told::<L>)?;
        explore(seed, SCHEDULES, who_asked_is_told::<L>).map_err(not_told)?;
        explore(seed, SCHEDULES, every_holder_is_asked::<L>).map_err(not_again)?;
        explore(seed ^ 1, SCHEDULES, || everybody_computes::<L>(2))?;
        explore(seed ^ 2, SCHEDULES, || everybody_computes::<L>(3))?;
        explore(seed ^ 3, SCHEDULES, waits_in_between::<L>)?;
        Ok("one holder, asking, forced switch, waiting calls; under some hundred schedules".to_owned())
    });
}

fn never(wrong: Wrong) -> String {
    endless(
        wrong,
        "one thread computes and looks at each step whether it was asked; another waits, and never asks",
    )
}

fn not_again(wrong: Wrong) -> String {
    endless(
        wrong,
        "the lock changed hands while somebody waited for it; the new holder computes, and who still waits never asks it. \
         Each holder has to be asked anew",
    )
}

fn not_told(wrong: Wrong) -> String {
    endless(
        wrong,
        "the holder was asked and handed over, and the one that asked was not woken: it could find out only when its \
         interval was over",
    )
}

/// Says `instead` of a schedule without end. The advice about asking again and again is not for scenes in which the holder is
/// meant to compute.
fn endless(wrong: Wrong, instead: &str) -> String {
    if wrong != Wrong::Endless {
        return wrong.into();
    }
    format!("{instead}. Where each thread stood:\n{}", standing::table())
}

/// The lock with what proves that one thread at a time has it.
struct Watched<L> {
    lock: L,
    holders: AtomicUsize,
    /// How often it was taken.
    turns: AtomicUsize,
    /// When it was last given back, or begun with.
    freed: AtomicU64,
}

impl<L: GlobalLock> Watched<L> {
    fn new() -> Arc<Self> {
        Arc::new(Watched {
            lock: L::new(),
            holders: AtomicUsize::new(0),
            turns: AtomicUsize::new(0),
            freed: AtomicU64::new(intervals::now()),
        })
    }

    fn took(&self) {
        let others = self.holders.fetch_add(1);
        check(others == 0, || "two threads have the lock at once".to_owned());
        self.turns.fetch_add(1);
        happened("the lock was taken");
    }

    fn take(&self) {
        self.lock.take();
        self.took();
    }

    fn release(&self) {
        self.holders.fetch_sub(1);
        self.freed.store(intervals::now());
        self.lock.release();
        happened("release() has returned");
    }

    /// One check site; whether the lock went to somebody else and came back.
    fn check_site(&self) -> bool {
        if !self.lock.is_asked() {
            return false;
        }
        happened("a holder saw that it was asked");
        check(intervals::has_passed_since(self.freed.load()), || {
            "the holder was asked, but nobody has waited a whole interval since it took the lock. An interval in which the \
             lock changed hands, or at whose end somebody was notified, does not count"
                .to_owned()
        });
        let turns = self.turns.load();
        self.holders.fetch_sub(1);
        self.freed.store(intervals::now());
        self.lock.hand_over();
        happened("hand_over() has returned");
        self.took();
        let others = self.turns.load() - turns - 1;
        check(others > 0, || {
            "the thread that was asked gave the lock up and took it again before the one that asked could"
                .to_owned()
        });
        true
    }
}

fn nobody_asks<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    for _ in 0..3 {
        watched.take();
        check(!watched.lock.is_asked(), || "nobody waits, and the holder is asked".to_owned());
        watched.release();
    }
}

/// The holder gives the lock up only when asked.
fn who_asks_is_served<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    watched.take();
    let waiting = {
        let watched = watched.clone();
        thread::spawn("waiting", move || {
            watched.take();
            watched.release();
        })
    };
    while !watched.check_site() {
        thread::yield_now();
    }
    watched.release();
    waiting.join();
}

/// Who gives the lock back wakes who waits; nobody has to find out when its interval is over.
fn who_waits_is_told<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    watched.take();
    let waiting = {
        let watched = watched.clone();
        thread::spawn("waiting", move || {
            watched.take();
            watched.release();
        })
    };
    thread::yield_now();
    thread::yield_now();
    watched.release();
    // An interval may end while the lock is given back, and none may after that.
    let moment = intervals::now();
    waiting.join();
    check(!intervals::has_ended_since(moment), || {
        "the lock was given back, and who waited for it was not woken: it found out when its interval was over".to_owned()
    });
}

/// Who hands over wakes the one that asked, whose interval does not pass any more.
fn who_asked_is_told<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    watched.take();
    let waiting = {
        let watched = watched.clone();
        thread::spawn("waiting", move || {
            watched.take();
            watched.release();
        })
    };
    while !watched.lock.is_asked() {
        thread::yield_now();
    }
    // The one that asked begins its next interval meanwhile.
    thread::yield_now();
    thread::yield_now();
    intervals::stretch();
    watched.check_site();
    intervals::let_pass();
    watched.release();
    waiting.join();
}

/// Two wait for the lock since before it changed hands. Each computes until it was asked, which nobody but the other can do.
fn every_holder_is_asked<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    watched.take();
    let threads: Vec<_> = (1..=2)
        .map(|number| {
            let watched = watched.clone();
            thread::spawn(&format!("computing {number}"), move || {
                watched.take();
                while !watched.check_site() {
                    thread::yield_now();
                }
                watched.release();
            })
        })
        .collect();
    thread::yield_now();
    thread::yield_now();
    watched.release();
    threads.into_iter().for_each(|one| one.join());
}

fn everybody_computes<L: GlobalLock>(threads: usize) {
    let watched = Watched::<L>::new();
    let threads: Vec<_> = (1..=threads)
        .map(|number| {
            let watched = watched.clone();
            thread::spawn(&format!("computing {number}"), move || {
                watched.take();
                for _ in 0..8 {
                    watched.check_site();
                    thread::yield_now();
                }
                watched.release();
            })
        })
        .collect();
    threads.into_iter().for_each(|one| one.join());
}

/// One computes; the other gives the lock up around calls that wait, and wants it back each time.
fn waits_in_between<L: GlobalLock>() {
    let watched = Watched::<L>::new();
    let is_over = Arc::new(AtomicBool::new(false));
    let computing = {
        let (watched, is_over) = (watched.clone(), is_over.clone());
        thread::spawn("computing", move || {
            watched.take();
            while !is_over.load() {
                watched.check_site();
                thread::yield_now();
            }
            watched.release();
        })
    };
    for _ in 0..3 {
        watched.take();
        thread::yield_now();
        watched.release();
        thread::yield_now();
    }
    is_over.store(true);
    computing.join();
    watched.take();
    watched.release();
}
