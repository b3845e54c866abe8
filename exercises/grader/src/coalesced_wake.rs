//! Judges `coalesced_wake`: one wake-up for a burst, and never a sleeping loop with something in its inbox.

use std::sync::Arc;

use crate::explore::{alone, check, explore};
use crate::run;
use crate::seed::Rng;
use crate::standing::happened;
use crate::sync::{AtomicBool, AtomicUsize, thread};

const SCHEDULES: usize = 400;

/// What the learner writes.
pub trait Inbox: Send + Sync + 'static {
    /// An empty inbox.
    fn new() -> Self;
    /// Puts something in, from any thread. Says whether the caller must wake the loop: only the first push since the loop
    /// last began to take may say so, and it must.
    fn push(&self, item: u64) -> bool;
    /// Takes out everything. Only the loop calls it, each time it was woken.
    fn take(&self) -> Vec<u64>;
}

/// Judges it.
pub fn grade<I: Inbox>() {
    run::grade("coalesced_wake", |seed| {
        alone(one_thread::<Told<I>>)?;
        let mut random = Rng::new(seed);
        for round in 0..5 {
            // The first round is long, and of one size for all seeds: a loop that finds nothing when it wakes is rare.
            let (producers, each) =
                if round == 0 { (2, 3) } else { (1 + random.below(3), 1 + random.below(3)) };
            let schedules = if round == 0 { 4 * SCHEDULES } else { SCHEDULES };
            explore(random.next(), schedules, move || burst::<Told<I>>(producers, each))?;
        }
        Ok("one wake-up for each burst, nothing lost; under some thousand schedules".to_owned())
    });
}

/// The learner's inbox, which tells what happened to it.
struct Told<I>(I);

impl<I: Inbox> Inbox for Told<I> {
    fn new() -> Self {
        Told(I::new())
    }

    fn push(&self, item: u64) -> bool {
        let must_wake = self.0.push(item);
        happened(format!("push has returned {must_wake}"));
        must_wake
    }

    fn take(&self) -> Vec<u64> {
        let taken = self.0.take();
        happened("take has returned");
        taken
    }
}

fn one_thread<I: Inbox>() {
    let inbox = I::new();
    let answers: Vec<bool> = (1..=4).map(|item| inbox.push(item)).collect();
    check(answers == [true, false, false, false], || {
        format!(
            "four pushes in a row answered {answers:?}: the first wakes the loop, and one wake-up is enough"
        )
    });
    let taken = inbox.take();
    check(taken == [1, 2, 3, 4], || format!("1, 2, 3, 4 went in, take returned {taken:?}"));
    check(inbox.push(5), || {
        "the loop has taken everything and sleeps; the next push must wake it".to_owned()
    });
    let taken = inbox.take();
    check(taken == [5], || format!("5 went in, take returned {taken:?}"));
    let taken = inbox.take();
    check(taken.is_empty(), || format!("nothing went in, take returned {taken:?}"));
}

fn burst<I: Inbox>(producers: u64, each: u64) {
    let inbox = Arc::new(I::new());
    let wakes = Arc::new(AtomicUsize::new(0));
    let all_pushed = Arc::new(AtomicBool::new(false));
    let the_loop = {
        let (inbox, wakes, all_pushed) = (inbox.clone(), wakes.clone(), all_pushed.clone());
        thread::spawn("loop", move || {
            let (mut got, mut takes) = (Vec::new(), 0);
            loop {
                // Read before the wakes: what the last push said is among them then.
                let is_last_look = all_pushed.load();
                if wakes.load() == takes {
                    if is_last_look {
                        return got;
                    }
                    thread::park();
                    continue;
                }
                // A wake-up that came while the loop was awake is seen now; two at once would be one too many.
                let pending = wakes.load() - takes;
                check(pending == 1, || {
                    format!(
                        "{pending} threads woke the loop for the same burst; all but one did it for nothing"
                    )
                });
                takes += 1;
                got.extend(inbox.take());
            }
        })
    };
    let wake = the_loop.thread();
    let threads: Vec<_> = (1..=producers)
        .map(|number| {
            let (inbox, wakes, wake) = (inbox.clone(), wakes.clone(), wake.clone());
            thread::spawn(&format!("producer {number}"), move || {
                for item in 1..=each {
                    if inbox.push(number * 10 + item) {
                        wakes.fetch_add(1);
                        wake.unpark();
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|one| one.join());
    all_pushed.store(true);
    wake.unpark();
    let mut got = the_loop.join();
    // Here nobody would ever take again, and this look only finds the words for it.
    let left = inbox.take();
    check(left.is_empty(), || {
        format!(
            "a wake-up was lost: {left:?} is in the inbox, and the loop sleeps: it has taken once for each push that said \
             `true`, and nobody wakes it again"
        )
    });
    got.sort_unstable();
    let expected: Vec<u64> =
        (1..=producers).flat_map(|number| (1..=each).map(move |item| number * 10 + item)).collect();
    check(got == expected, || {
        format!("{expected:?} went in, the loop took {got:?}, and nothing is left in the inbox")
    });
}
