//! Every interleaving of a caller and two sleepers that share a queue, under `--cfg loom`.
//!
//! # Model
//! Two crew members run one job each and go home, like threads that are busy for ever; two jobs arrive. So both
//! must be woken, the second one by a call or by the first one's handing on. A lost wake-up leaves one asleep
//! beside a job: a deadlock, which loom reports.
#![cfg(loom)]

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Plain;

use loom::model::Builder;
use loom::sync::Mutex;
use loom::sync::atomic::AtomicBool;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use loom::sync::atomic::{AtomicUsize, fence};
use loom::thread::{self, Thread};
use sync_protocols::{Call, Seat, Sleepers};

/// What the model asks of the protocol, so that broken ones can take its place.
trait Protocol: Send + Sync + 'static {
    type Seat;
    fn seat() -> Self::Seat;
    /// `true` when the caller is to start one more thread.
    fn call_one(&self) -> bool;
    fn sleep(&self, seat: &Self::Seat, look: impl FnOnce() -> bool);
    fn arrive(&self);
    /// For the variant that arrives too late.
    fn after_look(&self) {}
}

impl Protocol for Sleepers {
    type Seat = Arc<Seat>;
    fn seat() -> Arc<Seat> {
        Seat::new()
    }
    fn call_one(&self) -> bool {
        Sleepers::call_one(self) == Call::Start
    }
    fn sleep(&self, seat: &Arc<Seat>, look: impl FnOnce() -> bool) {
        Sleepers::sleep(self, seat, look);
    }
    fn arrive(&self) {
        Sleepers::arrive(self);
    }
}

/// A counter of queued jobs. Relaxed, so that it orders nothing: the protocol's fences have to.
#[derive(Default)]
struct Queue(AtomicUsize);

impl Queue {
    fn push(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    fn take(&self) -> bool {
        self.0.fetch_update(Relaxed, Relaxed, |count| count.checked_sub(1)).is_ok()
    }

    fn has_work(&self) -> bool {
        self.0.load(Relaxed) > 0
    }
}

fn crew_member<P: Protocol>(crew: &P, queue: &Queue) {
    let seat = P::seat();
    loop {
        if queue.take() {
            if queue.has_work() {
                crew.call_one();
            }
            return;
        }
        crew.sleep(&seat, || queue.has_work());
    }
}

fn model<P: Protocol>(members: usize, preemptions: usize, make: impl Fn() -> P + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let (crew, queue) = (Arc::new(make()), Arc::new(Queue::default()));
        let threads: Vec<_> = (0..members)
            .map(|_| {
                let (crew, queue) = (crew.clone(), queue.clone());
                thread::spawn(move || crew_member(&*crew, &queue))
            })
            .collect();
        for _ in 0..members {
            queue.push();
            crew.call_one();
        }
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

/// One thread has been called for one job and is on its way; a second job arrives meanwhile. Somebody must call the
/// second thread: the one who adds the job, or the first thread when it looks.
fn model_of_handing_on<P: Protocol>(make: impl Fn(usize) -> P + Send + Sync + 'static) {
    loom::model(move || {
        let (crew, queue) = (Arc::new(make(2)), Arc::new(Queue::default()));
        queue.push();
        assert!(crew.call_one(), "the first thread is called");
        let first = {
            let (crew, queue) = (crew.clone(), queue.clone());
            thread::spawn(move || {
                crew.arrive();
                let (took, more) = (queue.take(), queue.has_work());
                crew.after_look();
                assert!(took, "nobody else takes");
                more && crew.call_one()
            })
        };
        queue.push();
        let by_adder = crew.call_one();
        let by_first = first.join().unwrap();
        assert!(by_adder || by_first, "a job was left beside a sleeper");
    });
}

#[test]
fn s1_a_job_that_arrives_while_a_thread_is_on_its_way_is_handed_on() {
    model_of_handing_on(Sleepers::new);
}

#[test]
fn s1_one_sleeper_is_never_left_beside_a_job() {
    model(1, 5, || Sleepers::new(0));
}

#[test]
fn s1_two_sleepers_are_both_woken_for_two_jobs() {
    model(2, 2, || Sleepers::new(0));
}

#[test]
fn s4_after_close_every_sleeper_stands_up() {
    loom::model(|| {
        let crew = Arc::new(Sleepers::new(0));
        let member = {
            let crew = crew.clone();
            thread::spawn(move || {
                let seat = Seat::new();
                while !crew.is_closed() {
                    crew.sleep(&seat, || false);
                }
            })
        };
        crew.close();
        member.join().unwrap();
    });
}

#[test]
fn s4_a_job_is_seen_by_who_closes_or_its_adder_is_told() {
    loom::model(|| {
        let (crew, queue) = (Arc::new(Sleepers::new(0)), Arc::new(Queue::default()));
        let adder = {
            let (crew, queue) = (crew.clone(), queue.clone());
            thread::spawn(move || {
                queue.push();
                crew.call_one() == Call::Closed
            })
        };
        crew.close();
        let seen = queue.has_work();
        let told = adder.join().unwrap();
        assert!(told || seen, "a job was left in a closed crew");
    });
}

#[test]
fn s2_calls_do_not_outnumber_jobs() {
    static MOST: Plain = Plain::new(0);
    let mut builder = Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| {
        let (crew, queue) = (Arc::new(Sleepers::new(0)), Arc::new(Queue::default()));
        let threads = [(); 2].map(|()| {
            let (crew, queue) = (crew.clone(), queue.clone());
            thread::spawn(move || {
                let seat = Seat::new();
                while !crew.is_closed() {
                    if queue.take() {
                        if queue.has_work() {
                            let _ = crew.call_one();
                        }
                        continue;
                    }
                    crew.sleep(&seat, || queue.has_work());
                }
            })
        });
        queue.push();
        let _ = crew.call_one();
        crew.close();
        for thread in threads {
            thread.join().unwrap();
        }
        MOST.fetch_max(crew.counts().1 as usize, SeqCst);
    });
    assert_eq!(MOST.load(SeqCst), 1, "one job, so at most one call, and in some interleaving it is made");
}

/// The protocol again, in little, with one part taken out.
struct Broken {
    word: AtomicUsize,
    state: Mutex<State>,
    flaw: Flaw,
}

struct State {
    asleep: Vec<Arc<Bed>>,
    spare: usize,
    waking: bool,
}

struct Bed {
    called: AtomicBool,
    thread: Thread,
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// For comparison: the copy itself is right.
    None,
    NoFence,
    ArrivesAfterTheLook,
    DoesNotLookAgain,
}

impl Broken {
    fn new(spare: usize, flaw: Flaw) -> Broken {
        let state = State { asleep: Vec::new(), spare, waking: false };
        Broken { word: AtomicUsize::new(usize::from(spare > 0)), state: Mutex::new(state), flaw }
    }

    fn fence(&self) {
        if self.flaw != Flaw::NoFence {
            fence(SeqCst);
        }
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.lock().unwrap();
        let result = change(&mut state);
        let anybody = state.spare > 0 || !state.asleep.is_empty();
        self.word.store(usize::from(!state.waking && anybody), Relaxed);
        result
    }

    fn arrived(&self) {
        self.change(|state| state.waking = false);
        self.fence();
    }
}

impl Protocol for Broken {
    type Seat = Arc<Bed>;
    fn seat() -> Arc<Bed> {
        Arc::new(Bed { called: AtomicBool::new(false), thread: thread::current() })
    }
    fn call_one(&self) -> bool {
        self.fence();
        if self.word.load(Relaxed) == 0 {
            return false;
        }
        let (called, start) = self.change(|state| {
            let called = if state.waking { None } else { state.asleep.pop() };
            let start = !state.waking && called.is_none() && state.spare > 0;
            state.waking |= called.is_some() || start;
            state.spare -= usize::from(start);
            (called, start)
        });
        if let Some(bed) = called {
            bed.called.store(true, Release);
            bed.thread.unpark();
        }
        start
    }
    fn sleep(&self, bed: &Arc<Bed>, look: impl FnOnce() -> bool) {
        self.change(|state| state.asleep.push(bed.clone()));
        self.fence();
        if self.flaw != Flaw::DoesNotLookAgain && look() {
            let stood_up = self.change(|state| {
                let at = state.asleep.iter().rposition(|other| Arc::ptr_eq(other, bed));
                at.map(|at| state.asleep.remove(at)).is_some()
            });
            if stood_up {
                return;
            }
        }
        while !bed.called.load(Acquire) {
            thread::park();
        }
        bed.called.store(false, Relaxed);
        self.arrive();
    }
    fn arrive(&self) {
        if self.flaw != Flaw::ArrivesAfterTheLook {
            self.arrived();
        }
    }
    fn after_look(&self) {
        if self.flaw == Flaw::ArrivesAfterTheLook {
            self.arrived();
        }
    }
}

#[test]
fn the_copy_without_a_flaw_passes() {
    model(1, 5, || Broken::new(0, Flaw::None));
    model(2, 2, || Broken::new(0, Flaw::None));
    model_of_handing_on(|spare| Broken::new(spare, Flaw::None));
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_the_missing_fence() {
    model(1, 5, || Broken::new(0, Flaw::NoFence));
}

#[test]
#[should_panic(expected = "deadlock")]
fn loom_finds_a_sleeper_that_does_not_look_again() {
    model(1, 5, || Broken::new(0, Flaw::DoesNotLookAgain));
}

#[test]
#[should_panic(expected = "left beside a sleeper")]
fn loom_finds_a_called_thread_that_arrives_after_its_look() {
    model_of_handing_on(|spare| Broken::new(spare, Flaw::ArrivesAfterTheLook));
}
