//! Judges `cancel_before_start`: a job runs or is cancelled, exactly one of both, exactly once.

use std::sync::Arc;

use crate::explore::{alone, check, explore};
use crate::run;
use crate::sync::{AtomicUsize, thread};
use crate::words::SECOND_CANCEL;

const SCHEDULES: usize = 500;

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran to its end.
    Done,
    /// It was cancelled and never began.
    Cancelled,
}

/// What the learner writes.
pub trait Job: Send + Sync + 'static {
    /// A job that waits in the queue.
    fn new() -> Self;
    /// A pool thread asks before it runs the job. `true` at most once, and never after a cancel that succeeded.
    fn start(&self) -> bool;
    /// The pool thread has run the job, to which `start` had said `true`.
    fn finish(&self);
    /// Takes the job back. `true` when it will never run because of this call; `false` when it runs already, has run, or was
    /// cancelled before.
    fn cancel(&self) -> bool;
    /// How it ended; `None` while it waits or runs.
    fn outcome(&self) -> Option<Outcome>;
}

/// Judges it.
pub fn grade<J: Job>() {
    run::grade("cancel_before_start", |seed| {
        alone(one_after_the_other::<J>)?;
        explore(seed, SCHEDULES, || race::<J>(1, 1))?;
        explore(seed ^ 1, SCHEDULES, || race::<J>(2, 1))?;
        explore(seed ^ 2, SCHEDULES, || race::<J>(1, 2))?;
        explore(seed ^ 3, SCHEDULES, || race::<J>(2, 2))?;
        Ok("start, cancel, outcome, and every race of them; under some thousand schedules".to_owned())
    });
}

fn one_after_the_other<J: Job>() {
    let job = J::new();
    let outcome = job.outcome();
    check(outcome.is_none(), || format!("a job that waits has the outcome {outcome:?}"));
    check(job.start(), || "a job that waits may start".to_owned());
    let outcome = job.outcome();
    check(outcome.is_none(), || format!("a job that runs has the outcome {outcome:?}"));
    check(!job.cancel(), || {
        "a job that runs was cancelled: nobody can stop a thread in the middle".to_owned()
    });
    job.finish();
    let outcome = job.outcome();
    check(outcome == Some(Outcome::Done), || format!("a job that has run has the outcome {outcome:?}"));
    check(!job.cancel(), || "a job that has run was cancelled".to_owned());

    let job = J::new();
    check(job.cancel(), || "a job that waits can be cancelled".to_owned());
    let outcome = job.outcome();
    check(outcome == Some(Outcome::Cancelled), || format!("a cancelled job has the outcome {outcome:?}"));
    check(!job.cancel(), || SECOND_CANCEL.to_owned());
    check(!job.start(), || "a cancelled job was started".to_owned());
}

fn race<J: Job>(pool_threads: usize, cancellers: usize) {
    let job = Arc::new(J::new());
    let (running, ran) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let pool: Vec<_> = (1..=pool_threads)
        .map(|number| {
            let (job, running, ran) = (job.clone(), running.clone(), ran.clone());
            thread::spawn(&format!("pool thread {number}"), move || {
                if job.start() {
                    let others = running.fetch_add(1);
                    check(others == 0, || "two pool threads run the same job".to_owned());
                    thread::yield_now();
                    let outcome = job.outcome();
                    check(outcome.is_none(), || {
                        format!("the job runs and has the outcome {outcome:?} already")
                    });
                    ran.fetch_add(1);
                    job.finish();
                }
            })
        })
        .collect();
    let cancelling: Vec<_> = (1..=cancellers)
        .map(|number| {
            let job = job.clone();
            thread::spawn(&format!("canceller {number}"), move || job.cancel())
        })
        .collect();
    pool.into_iter().for_each(|one| one.join());
    let cancelled = cancelling.into_iter().map(|one| one.join()).filter(|yes| *yes).count();
    let (ran, outcome) = (ran.load(), job.outcome());
    let expected = if ran == 1 { Outcome::Done } else { Outcome::Cancelled };
    check(ran + cancelled == 1, || {
        format!("the job ran {ran} times and {cancelled} cancels succeeded: it must be one of both, once")
    });
    check(outcome == Some(expected), || format!("the job ran {ran} times and its outcome is {outcome:?}"));
}
