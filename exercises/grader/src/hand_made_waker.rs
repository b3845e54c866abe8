//! Judges `hand_made_waker`: a future is polled after each wake, never without one, and no wake is lost.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, Waker};

use crate::explore::{Wrong, alone, check, check_sleeps, explore};
use crate::run;
use crate::standing::{self, happened};
use crate::sync::{AtomicBool, AtomicUsize, Mutex, thread};

const SCHEDULES: usize = 400;

/// A future that can be sent to another thread.
pub type BoxFuture = Pin<Box<dyn Future<Output = u64> + Send>>;

/// What the learner writes.
pub trait Executor: 'static {
    /// Polls the future until it is ready, and returns what it gives. Between two polls the thread sleeps until the waker was
    /// called: it is not polled without a wake, and not twice for one.
    fn block_on(future: BoxFuture) -> u64;
}

/// Judges it.
pub fn grade<E: Executor>() {
    run::grade("hand_made_waker", |seed| {
        alone(ready_at_once::<E>)?;
        alone(wakes_itself::<E>).map_err(lost)?;
        explore(seed, SCHEDULES, woken_by_others::<E>).map_err(lost)?;
        explore(seed, SCHEDULES / 10, sleeps_until_woken::<E>).map_err(lost)?;
        explore(seed, SCHEDULES, woken_by_an_old_clone::<E>).map_err(lost)?;
        explore(seed, SCHEDULES, parks_inside::<E>).map_err(lost)?;
        explore(seed, SCHEDULES, unparked_by_mistake::<E>).map_err(lost)?;
        explore(seed, SCHEDULES, several_are_one::<E>).map_err(lost)?;
        Ok("wakes from inside, from other threads, before the sleep and after the end".to_owned())
    });
}

/// More words about a deadlock after the waker was called.
fn lost(wrong: Wrong) -> String {
    if wrong == Wrong::Deadlock && standing::has_happened(CALLED) {
        format!(
            "{wrong}The waker was called, and nobody goes on. If `block_on` sleeps, follow the last call: what did it change, \
             and could `block_on` still find that before it went to sleep?"
        )
    } else {
        wrong.into()
    }
}

/// A future from a function that is called at each poll.
fn future(mut poll: impl FnMut(&Waker) -> Poll<u64> + Send + 'static) -> BoxFuture {
    Box::pin(poll_fn(move |context| {
        happened("the future was polled");
        poll(context.waker())
    }))
}

const CALLED: &str = "the waker was called";

/// Calls the waker.
fn wake(waker: Waker) {
    happened(CALLED);
    waker.wake();
}

/// Calls the waker and keeps it.
fn wake_by_ref(waker: &Waker) {
    happened(CALLED);
    waker.wake_by_ref();
}

fn gives(found: u64, expected: u64) {
    check(found == expected, || format!("the future gives {expected}, block_on returned {found}"));
}

fn ready_at_once<E: Executor>() {
    gives(E::block_on(future(|_| Poll::Ready(5))), 5);
    gives(E::block_on(Box::pin(async { 6 })), 6);
}

/// The wake comes while the future is polled, before anybody could sleep.
fn wakes_itself<E: Executor>() {
    let mut polls = 0;
    let found = E::block_on(future(move |waker| {
        polls += 1;
        if polls == 4 {
            return Poll::Ready(polls);
        }
        wake_by_ref(waker);
        wake_by_ref(waker);
        Poll::Pending
    }));
    check(found == 4, || format!("the future was ready at its fourth poll, block_on returned {found}"));
}

/// Three threads each set a flag and wake; the future is ready when all are set.
fn woken_by_others<E: Executor>() {
    let state = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let mut begun = Vec::new();
    let mut polls = 0;
    let shared = state.clone();
    let found = E::block_on(future(move |waker| {
        polls += 1;
        if begun.is_empty() {
            for number in 1..=3 {
                let (waker, state) = (waker.clone(), shared.clone());
                begun.push(thread::spawn(&format!("waking {number}"), move || {
                    state.1.fetch_add(1);
                    state.0.fetch_add(1);
                    wake(waker);
                }));
            }
        }
        // The wakes are read last, so that their count is never too small.
        let (finished, wakes) = (shared.0.load(), shared.1.load());
        check(polls <= 1 + wakes, || {
            format!(
                "poll number {polls} after {wakes} wakes at most: a future is polled when it was woken, not in between"
            )
        });
        if finished == 3 { Poll::Ready(polls as u64) } else { Poll::Pending }
    }));
    check(found <= 4, || format!("three wakes, and the future was polled {found} times"));
}

/// The wake comes late.
fn sleeps_until_woken<E: Executor>() {
    let is_set = Arc::new(AtomicBool::new(false));
    let mut has_begun = false;
    let found = E::block_on(future(move |waker| {
        if !has_begun {
            has_begun = true;
            // Whichever thread polls is the one that has to sleep.
            let (waker, is_set, here) = (waker.clone(), is_set.clone(), thread::current().name());
            thread::spawn("waking", move || {
                check_sleeps(&here);
                is_set.store(true);
                wake(waker);
            });
        }
        if is_set.load() { Poll::Ready(10) } else { Poll::Pending }
    }));
    gives(found, 10);
}

/// The waker was cloned, the clone was cloned, and the original of the poll is long gone.
fn woken_by_an_old_clone<E: Executor>() {
    let place: Arc<Mutex<Option<Waker>>> = Arc::new(Mutex::new(None));
    let is_set = Arc::new(AtomicBool::new(false));
    let waking = {
        let (place, is_set) = (place.clone(), is_set.clone());
        thread::spawn("waking", move || {
            loop {
                let waker = place.lock().take();
                if let Some(waker) = waker {
                    is_set.store(true);
                    wake_by_ref(&waker.clone());
                    // Late and too often: nobody may mind.
                    wake_by_ref(&waker);
                    return waker;
                }
                thread::yield_now();
            }
        })
    };
    let found = E::block_on(future(move |waker| {
        if is_set.load() {
            return Poll::Ready(8);
        }
        *place.lock() = Some(waker.clone());
        Poll::Pending
    }));
    gives(found, 8);
    wake(waking.join()); // After the end.
}

/// What is called inside a poll may park and unpark this thread for reasons of its own, and eats the permission.
fn parks_inside<E: Executor>() {
    let is_set = Arc::new(AtomicBool::new(false));
    let mut has_begun = false;
    let found = E::block_on(future(move |waker| {
        if is_set.load() {
            return Poll::Ready(9);
        }
        if !has_begun {
            has_begun = true;
            let (waker, is_set) = (waker.clone(), is_set.clone());
            let here = thread::current();
            let woken = Arc::new(AtomicBool::new(false));
            let told = woken.clone();
            thread::spawn("waking", move || {
                is_set.store(true);
                wake(waker);
                told.store(true);
                here.unpark();
            });
            while !woken.load() {
                thread::park();
            }
        }
        Poll::Pending
    }));
    gives(found, 9);
}

/// Somebody unparks the thread who has nothing to do with the future.
fn unparked_by_mistake<E: Executor>() {
    let is_set = Arc::new(AtomicBool::new(false));
    let here = thread::current();
    let mut polls = 0;
    let mut has_begun = false;
    let stranger = thread::spawn("stranger", move || {
        for _ in 0..3 {
            here.unpark();
        }
    });
    let found = E::block_on(future(move |waker| {
        polls += 1;
        if is_set.load() {
            return Poll::Ready(polls);
        }
        if !has_begun {
            has_begun = true;
            let (waker, is_set) = (waker.clone(), is_set.clone());
            thread::spawn("waking", move || {
                thread::yield_now();
                is_set.store(true);
                wake(waker);
            });
        }
        Poll::Pending
    }));
    check(found <= 2, || {
        format!(
            "one wake, and the future was polled {found} times. A thread may return from its sleep though nobody called the \
             waker: look whether it was called, and sleep again"
        )
    });
    stranger.join();
}

/// Three wakes during the first poll call for one more poll; the next wake comes later.
fn several_are_one<E: Executor>() {
    let is_set = Arc::new(AtomicBool::new(false));
    let mut polls = 0;
    let found = E::block_on(future(move |waker| {
        polls += 1;
        match polls {
            1 => (0..3).for_each(|_| wake_by_ref(waker)),
            2 => {
                let (waker, is_set) = (waker.clone(), is_set.clone());
                thread::spawn("waking", move || {
                    is_set.store(true);
                    wake(waker);
                });
            }
            _ => check(is_set.load(), || {
                "three wakes came before the second poll, and none after it, but a third poll followed: several wakes before \
                 the next poll count as one"
                    .to_owned()
            }),
        }
        if polls == 3 { Poll::Ready(7) } else { Poll::Pending }
    }));
    gives(found, 7);
}
