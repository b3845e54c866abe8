//! Every interleaving of threads at the lock that is given up by count, under `--cfg loom`.
#![cfg(loom)]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Plain;

use loom::model::Builder;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicUsize, fence};
use loom::sync::{Condvar, Mutex};
use loom::thread;
use sync_protocols::gil::TickLock;

/// What the model asks of the lock, so that broken ones can take its place.
trait Protocol: Send + Sync + 'static {
    fn take(&self) -> Arc<AtomicUsize>;
    fn give(&self, payload: Arc<AtomicUsize>);
}

impl Protocol for TickLock<Arc<AtomicUsize>> {
    fn take(&self) -> Arc<AtomicUsize> {
        TickLock::take(self, 0).payload
    }
    fn give(&self, payload: Arc<AtomicUsize>) {
        TickLock::give(self, payload);
    }
}

/// Threads that take and give `turns` times each; one that sleeps beside the payload is a deadlock.
fn model<P: Protocol>(
    preemptions: usize,
    turns: &'static [usize],
    make: impl Fn() -> P + Send + Sync + 'static,
) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let lock = Arc::new(make());
        let threads: Vec<_> = turns
            .iter()
            .map(|&turns| {
                let lock = lock.clone();
                thread::spawn(move || {
                    for _ in 0..turns {
                        let payload = lock.take();
                        assert_eq!(payload.fetch_add(1, Relaxed), 0, "two threads hold the lock");
                        payload.fetch_sub(1, Relaxed);
                        lock.give(payload);
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

fn real() -> TickLock<Arc<AtomicUsize>> {
    TickLock::new(Arc::new(AtomicUsize::new(0)))
}

#[test]
fn y2_nobody_is_left_asleep_beside_the_payload() {
    model(4, &[2, 1], real);
}

#[test]
fn y1_three_threads_take_turns_one_at_a_time() {
    model(2, &[1, 1, 1], real);
}

/// Between give and take another thread may get in, and need not.
#[test]
fn y1_the_window_between_give_and_take_is_real() {
    let seen: Arc<[Plain; 2]> = Arc::default();
    let counts = seen.clone();
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(move || {
        let lock = Arc::new(real());
        let payload = lock.take(0).payload;
        let other = {
            let lock = lock.clone();
            thread::spawn(move || lock.give(lock.take(1).payload))
        };
        let had_company = lock.waiting() == 1;
        lock.give(payload);
        let again = lock.take(0);
        if had_company {
            counts[usize::from(again.switched)].fetch_add(1, SeqCst);
        }
        lock.give(again.payload);
        other.join().unwrap();
    });
    assert!(seen.iter().all(|count| count.load(SeqCst) > 0), "both ends of the race: {seen:?}");
}

/// The protocol again, in little, with one part taken out.
struct Broken {
    free: AtomicUsize,
    sleepers: AtomicUsize,
    slot: Mutex<Option<Arc<AtomicUsize>>>,
    looking: Mutex<()>,
    woken: Condvar,
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// For comparison: the copy itself is right.
    None,
    NoFence,
    LooksForSleepersFirst,
    SleepsWithoutALook,
}

impl Broken {
    fn new(flaw: Flaw) -> Broken {
        Broken {
            free: AtomicUsize::new(1),
            sleepers: AtomicUsize::new(0),
            slot: Mutex::new(Some(Arc::new(AtomicUsize::new(0)))),
            looking: Mutex::new(()),
            woken: Condvar::new(),
            flaw,
        }
    }

    fn fence(&self) {
        if self.flaw != Flaw::NoFence {
            fence(SeqCst);
        }
    }

    fn try_count_down(&self) -> bool {
        self.free.compare_exchange(1, 0, Acquire, Relaxed).is_ok()
    }
}

impl Protocol for Broken {
    fn take(&self) -> Arc<AtomicUsize> {
        if !self.try_count_down() {
            self.sleepers.fetch_add(1, Relaxed);
            self.fence();
            while !self.try_count_down() {
                let looking = self.looking.lock().unwrap();
                if self.flaw == Flaw::SleepsWithoutALook || self.free.load(Relaxed) == 0 {
                    drop(self.woken.wait(looking).unwrap());
                }
            }
            self.sleepers.fetch_sub(1, Relaxed);
        }
        self.slot.lock().unwrap().take().expect("whoever counts down finds the payload")
    }

    fn give(&self, payload: Arc<AtomicUsize>) {
        *self.slot.lock().unwrap() = Some(payload);
        let early = self.sleepers.load(Relaxed);
        self.free.store(1, Release);
        self.fence();
        let sleepers =
            if self.flaw == Flaw::LooksForSleepersFirst { early } else { self.sleepers.load(Relaxed) };
        if sleepers > 0 {
            let _looking = self.looking.lock().unwrap();
            self.woken.notify_one();
        }
    }
}

#[test]
fn the_copy_without_a_flaw_passes() {
    model(4, &[2, 1], || Broken::new(Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_the_missing_fence() {
    model(4, &[2, 1], || Broken::new(Flaw::NoFence));
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_giver_that_looks_for_sleepers_first() {
    model(4, &[2, 1], || Broken::new(Flaw::LooksForSleepersFirst));
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_sleeper_that_does_not_look_again() {
    model(4, &[2, 1], || Broken::new(Flaw::SleepsWithoutALook));
}
