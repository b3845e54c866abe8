//! Every interleaving of running, cancelling and telling one job, under `--cfg loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};
use loom::thread;
use sync_protocols::{Cancel, JobState, JobWord};

/// What the model asks of a state word, so that a broken one can take its place.
trait Word: Send + Sync + 'static {
    fn begin(&self) -> bool;
    fn cancel(&self) -> bool;
}

impl Word for JobWord {
    fn begin(&self) -> bool {
        JobWord::begin(self)
    }
    fn cancel(&self) -> bool {
        JobWord::cancel(self) == Cancel::Won
    }
}

/// A pool thread begins while two others cancel: one of three wins.
fn model<W: Word>(make: impl Fn() -> W + Send + Sync + 'static) {
    loom::model(move || {
        let word = Arc::new(make());
        let rivals = [(); 2].map(|()| {
            let word = word.clone();
            thread::spawn(move || word.cancel())
        });
        let began = word.begin();
        let won = rivals.map(|rival| rival.join().unwrap());
        let winners = usize::from(began) + won.into_iter().filter(|won| *won).count();
        assert_eq!(winners, 1, "winners of one job");
    });
}

#[test]
fn j1_of_running_and_cancelling_exactly_one_wins() {
    model(JobWord::default);
}

#[test]
fn j1_withdrawing_is_cancelling_in_one_step() {
    loom::model(|| {
        let word = Arc::new(JobWord::default());
        let rival = {
            let word = word.clone();
            thread::spawn(move || word.withdraw() == Cancel::Won)
        };
        let began = word.begin();
        let told = word.deliver();
        assert!(!told, "a withdrawn job has nothing to deliver");
        assert_ne!(began, rival.join().unwrap());
    });
}

#[test]
fn j2_a_cancellation_is_delivered_once() {
    loom::model(|| {
        let word = Arc::new(JobWord::default());
        assert_eq!(word.cancel(), Cancel::Won);
        let other = {
            let word = word.clone();
            thread::spawn(move || word.deliver())
        };
        let here = word.deliver();
        assert_ne!(here, other.join().unwrap());
        assert_eq!(word.state(), JobState::Finished);
    });
}

#[test]
fn j3_the_result_is_visible_to_who_reads_finished() {
    loom::model(|| {
        let word = Arc::new(JobWord::default());
        let result = Arc::new(AtomicUsize::new(0));
        let runner = {
            let (word, result) = (word.clone(), result.clone());
            thread::spawn(move || {
                assert!(word.begin());
                result.store(7, Relaxed);
                word.finish();
            })
        };
        if word.state() == JobState::Finished {
            assert_eq!(result.load(Relaxed), 7);
        }
        runner.join().unwrap();
    });
}

/// Looks at the state and changes it in two steps.
#[derive(Default)]
struct LooksFirst(AtomicUsize);

impl LooksFirst {
    fn change(&self, to: usize) -> bool {
        let free = self.0.load(Acquire) == 0;
        if free {
            self.0.swap(to, AcqRel);
        }
        free
    }
}

impl Word for LooksFirst {
    fn begin(&self) -> bool {
        self.change(1)
    }
    fn cancel(&self) -> bool {
        self.change(2)
    }
}

#[test]
#[should_panic(expected = "winners of one job")]
fn loom_finds_a_word_that_is_looked_at_before_it_is_changed() {
    model(LooksFirst::default);
}
