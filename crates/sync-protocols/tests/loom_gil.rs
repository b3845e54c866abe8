//! Every interleaving of threads that take and give the global locks, under `--cfg loom`.
//!
//! # Model
//! A time-out is an event: a modelled timer tells one waiter that its interval is over, whenever loom likes. A
//! thread that sleeps beside a free lock, or waits for a switch that never comes, is a deadlock, which loom reports.
//! The words in which holders look are plain atomics of the model, as the eval loop's are.
#![cfg(loom)]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Plain;
use std::time::Duration;

use loom::model::Builder;
use loom::sync::atomic::Ordering::{Relaxed, SeqCst};
use loom::sync::atomic::{AtomicBool, AtomicUsize};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use sync_protocols::gil::{Gil, Order, Parting, Requests, Rules};

const INTERVAL: Duration = Duration::from_millis(5);

/// One word for each of three threads, as the eval breakers of CPython 3.13.
#[derive(Default)]
struct Words([AtomicBool; 3]);

impl Requests for Words {
    fn raise(&self, holder: u32) {
        self.0[holder as usize].store(true, Relaxed);
    }
    fn clear(&self, me: u32) {
        self.0[me as usize].store(false, Relaxed);
    }
}

impl Words {
    fn asked(&self, me: u32) -> bool {
        self.0[me as usize].load(Relaxed)
    }
}

/// What the lock owns: moved, never copied. It counts how many threads hold it.
struct Payload(Arc<AtomicUsize>);

/// What the model sees of one turn.
struct Turn {
    /// The request that the holder found in its word before it gave the lock back.
    in_word: bool,
    /// Whether a request stood against it when it gave the lock back.
    asked: bool,
}

/// What the models ask of a lock, so that broken ones can take its place.
trait Protocol: Send + Sync + 'static {
    fn take(&self, me: u32) -> Payload;
    fn give(&self, me: u32, payload: Payload, is_last: bool) -> Turn;
    fn expire(&self);
    fn switches(&self) -> u64;
    fn close(&self) {}
}

struct Real {
    gil: Gil<Payload>,
    words: Words,
}

impl Real {
    fn new(rules: Rules) -> Real {
        let payload = Payload(Arc::new(AtomicUsize::new(0)));
        Real { gil: Gil::new(payload, INTERVAL, rules), words: Words::default() }
    }
}

impl Protocol for Real {
    fn take(&self, me: u32) -> Payload {
        self.gil.take(me, &self.words).payload
    }
    fn give(&self, me: u32, payload: Payload, is_last: bool) -> Turn {
        let in_word = self.words.asked(me);
        let parting = match (is_last, in_word) {
            (true, _) => Parting::Last,
            (false, true) => Parting::Asked,
            (false, false) => Parting::Voluntary,
        };
        let dropped = self.gil.give(me, payload, parting, &self.words);
        Turn { in_word, asked: dropped.asked }
    }
    fn expire(&self) {
        self.gil.expire();
    }
    fn switches(&self) -> u64 {
        self.gil.switches()
    }
    fn close(&self) {
        self.gil.close();
    }
}

/// One turn of one thread with everything that must be true in it.
fn turn<P: Protocol>(lock: &P, me: u32, is_last: bool, forced: bool) -> Turn {
    let payload = lock.take(me);
    assert_eq!(payload.0.fetch_add(1, Relaxed), 0, "two threads hold the lock");
    let mine = lock.switches();
    payload.0.fetch_sub(1, Relaxed);
    let turn = lock.give(me, payload, is_last);
    assert!(turn.asked || !turn.in_word, "the word of a holder that nobody asked says that it was asked");
    if forced && turn.asked && !is_last {
        assert!(
            lock.switches() > mine,
            "a holder that was asked came back before anybody had taken the lock"
        );
    }
    turn
}

/// Each thread has so many turns; `timeouts` intervals pass, at any moments. Returns how many gives were asked for,
/// over all interleavings.
fn model<P: Protocol>(
    preemptions: usize,
    turns: &'static [usize],
    timeouts: usize,
    forced: bool,
    make: impl Fn() -> P + Send + Sync + 'static,
) -> usize {
    let asked = Arc::new(Plain::new(0));
    let counted = asked.clone();
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let lock = Arc::new(make());
        let threads: Vec<_> = (0u32..)
            .zip(turns)
            .map(|(me, &turns)| {
                let (lock, asked) = (lock.clone(), asked.clone());
                thread::spawn(move || {
                    for number in 1..=turns {
                        let turn = turn(&*lock, me, number == turns, forced);
                        asked.fetch_add(usize::from(turn.asked), SeqCst);
                    }
                })
            })
            .collect();
        for _ in 0..timeouts {
            lock.expire();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
    counted.load(SeqCst)
}

#[test]
fn g2_an_asked_holder_does_not_come_back_before_somebody_took() {
    let asked = model(3, &[2, 2], 2, true, || Real::new(Rules::default()));
    assert!(asked > 0, "in some interleaving a holder is asked");
}

#[test]
fn g1_three_threads_take_turns_and_nobody_is_left_asleep() {
    let asked = model(2, &[2, 2, 1], 1, true, || Real::new(Rules::default()));
    assert!(asked > 0, "in some interleaving a holder is asked");
}

#[test]
fn g3_no_wake_up_is_lost_without_the_forced_switch() {
    model(3, &[2, 2], 1, false, || Real::new(Rules { forced_switch: false, ..Rules::default() }));
}

#[test]
fn g7_no_wake_up_is_lost_with_tickets() {
    model(2, &[2, 2, 1], 1, true, || Real::new(Rules { order: Order::FairTicket, ..Rules::default() }));
}

#[test]
fn g8_no_wake_up_is_lost_with_io_first() {
    model(2, &[2, 2, 1], 1, true, || Real::new(Rules { order: Order::IoFirst, ..Rules::default() }));
}

/// The window between give and take: in some interleaving the giver has the lock back although another thread waits,
/// and in some it has not.
#[test]
fn g1_a_free_lock_goes_to_whoever_looks_first() {
    let seen: Arc<[Plain; 2]> = Arc::default();
    let counts = seen.clone();
    loom::model(move || {
        let lock = Arc::new(Real::new(Rules::default()));
        let payload = lock.take(0);
        let waiter = {
            let lock = lock.clone();
            thread::spawn(move || {
                let payload = lock.take(1);
                lock.give(1, payload, true);
            })
        };
        if lock.gil.waiting() == 1 {
            lock.give(0, payload, false);
            let again = lock.gil.take(0, &lock.words);
            counts[usize::from(again.switched)].fetch_add(1, SeqCst);
            lock.give(0, again.payload, true);
        } else {
            lock.give(0, payload, true);
        }
        waiter.join().unwrap();
    });
    assert!(seen.iter().all(|count| count.load(SeqCst) > 0), "both ends of the race: {seen:?}");
}

/// A holder was asked and gives; another thread closes the lock. Nobody waits for ever, and all get the lock.
#[test]
fn g6_a_close_lets_everybody_unwind() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let lock = Arc::new(Real::new(Rules::default()));
        let threads = [0, 1].map(|me| {
            let lock = lock.clone();
            thread::spawn(move || {
                for is_last in [false, true] {
                    let payload = lock.take(me);
                    lock.give(me, payload, is_last);
                }
            })
        });
        lock.expire();
        lock.close();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// The protocol again, in little, with one part taken out.
struct Broken {
    state: Mutex<State>,
    freed: Condvar,
    switch: Mutex<Option<u32>>,
    switched: Condvar,
    words: Words,
    fired: AtomicUsize,
    flaw: Flaw,
}

struct State {
    payload: Option<Payload>,
    last_holder: Option<u32>,
    number: u64,
    asked: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// For comparison: the copy itself is right.
    None,
    /// A give notifies only when a request stands.
    NotifiesOnlyWhenAsked,
    /// The request stays when the lock is taken.
    TakerDoesNotClear,
    /// The giver waits for any switch at all, also when it has happened already.
    WaitsForTheNextSwitch,
    /// The taker says that it took, but wakes nobody.
    TakerWakesNobody,
    /// A waiter asks without looking whether the lock is still held.
    AsksAFreeLock,
    /// The giver that was asked does not wait.
    ComesBackAtOnce,
}

impl Broken {
    fn new(flaw: Flaw) -> Broken {
        let payload = Some(Payload(Arc::new(AtomicUsize::new(0))));
        Broken {
            state: Mutex::new(State { payload, last_holder: None, number: 0, asked: false }),
            freed: Condvar::new(),
            switch: Mutex::new(None),
            switched: Condvar::new(),
            words: Words::default(),
            fired: AtomicUsize::new(0),
            flaw,
        }
    }
}

impl Protocol for Broken {
    fn take(&self, me: u32) -> Payload {
        let mut state = self.state.lock().unwrap();
        let payload = loop {
            if let Some(payload) = state.payload.take() {
                break payload;
            }
            let seen = state.number;
            state = self.freed.wait(state).unwrap();
            let timed_out = self.fired.fetch_update(SeqCst, SeqCst, |fired| fired.checked_sub(1)).is_ok();
            let is_held = state.payload.is_none() || self.flaw == Flaw::AsksAFreeLock;
            if timed_out && is_held && state.number == seen {
                state.asked = self.flaw != Flaw::AsksAFreeLock || state.payload.is_none();
                self.words.raise(state.last_holder.expect("somebody had it"));
            }
        };
        if state.last_holder != Some(me) {
            state.last_holder = Some(me);
            state.number += 1;
            *self.switch.lock().unwrap() = Some(me);
            if self.flaw != Flaw::TakerWakesNobody {
                self.switched.notify_one();
            }
        }
        state.asked = false;
        if self.flaw != Flaw::TakerDoesNotClear && self.flaw != Flaw::AsksAFreeLock {
            self.words.clear(me);
        }
        payload
    }

    fn give(&self, me: u32, payload: Payload, is_last: bool) -> Turn {
        let in_word = self.words.asked(me);
        let mut state = self.state.lock().unwrap();
        state.payload = Some(payload);
        let asked = state.asked;
        drop(state);
        if asked || self.flaw != Flaw::NotifiesOnlyWhenAsked {
            self.freed.notify_one();
        }
        if asked && !is_last && self.flaw != Flaw::ComesBackAtOnce {
            let mut switch = self.switch.lock().unwrap();
            if *switch == Some(me) && self.flaw != Flaw::TakerDoesNotClear {
                self.words.clear(me);
            }
            if self.flaw == Flaw::WaitsForTheNextSwitch {
                switch = self.switched.wait(switch).unwrap();
            }
            while *switch == Some(me) {
                switch = self.switched.wait(switch).unwrap();
            }
        }
        Turn { in_word, asked }
    }

    fn expire(&self) {
        self.fired.fetch_add(1, SeqCst);
        self.freed.notify_one();
    }

    fn switches(&self) -> u64 {
        self.state.lock().unwrap().number
    }
}

/// Two threads with two turns each, and one time-out, as the smallest of the models above.
fn flawed(flaw: Flaw) {
    model(3, &[2, 2], 1, true, move || Broken::new(flaw));
}

#[test]
fn the_copy_without_a_flaw_passes() {
    flawed(Flaw::None);
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_give_that_notifies_only_when_asked() {
    flawed(Flaw::NotifiesOnlyWhenAsked);
}

#[test]
#[should_panic(expected = "nobody asked")]
fn loom_finds_a_taker_that_leaves_the_request_standing() {
    flawed(Flaw::TakerDoesNotClear);
}

#[test]
#[should_panic(expected = "nobody asked")]
fn loom_finds_a_request_against_somebody_who_has_given_the_lock_back() {
    flawed(Flaw::AsksAFreeLock);
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_giver_that_waits_for_a_switch_that_has_been() {
    flawed(Flaw::WaitsForTheNextSwitch);
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_taker_that_does_not_wake_the_giver() {
    flawed(Flaw::TakerWakesNobody);
}

#[test]
#[should_panic(expected = "came back before")]
fn loom_finds_an_asked_giver_that_comes_back_at_once() {
    flawed(Flaw::ComesBackAtOnce);
}
