//! What a pool thread does, from its start to its end.
//!
//! # Model
//! One loop, one job a round: look at the rare things, take a job, run it, or sleep. The clock is read once for
//! each timed job: the end of one is the start of the next when the thread goes straight on. So what a thread does
//! between two jobs (its `complete`, the queue) counts to the next job's run time; a `complete` that hands the
//! outcome over takes a fraction of a microsecond.
//!
//! # Invariants
//! - X1: a job's start is never before its submission, and its end never before its start.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use runtime_trace::{EventKind, Lane, adopt_lane};
use sync_protocols::Seat;

use crate::job::{Job, JobHead};
use crate::metrics::{ThreadStats, Times};
use crate::names::LastName;
use crate::queue::{Local, Taken};
use crate::shared::Shared;

/// What a pool thread has for itself; submissions from its jobs use it, too.
pub(crate) struct Here {
    pool: *const Shared,
    pub(crate) stats: Arc<ThreadStats>,
    pub(crate) local: Option<Local>,
    pub(crate) lane: Rc<Lane>,
    /// The job that runs, 0 for none: the parent of what it submits.
    pub(crate) job_id: Cell<u64>,
    last_name: LastName,
}

thread_local! {
    static HERE: RefCell<Option<Rc<Here>>> = const { RefCell::new(None) };
}

/// What the calling thread has for itself if it is a thread of this pool.
#[inline]
pub(crate) fn here(shared: &Arc<Shared>) -> Option<Rc<Here>> {
    // `try_with`: a job may be submitted from a destructor of the thread's own locals.
    HERE.try_with(|here| here.borrow().clone()).ok().flatten().filter(|here| here.pool == Arc::as_ptr(shared))
}

/// The life of the pool thread in place `index`.
pub(crate) fn run(shared: &Arc<Shared>, index: usize, stats: Arc<ThreadStats>) {
    let here = Rc::new(Here {
        pool: Arc::as_ptr(shared),
        stats,
        local: shared.queue.join(index),
        lane: Rc::new(shared.tracer.lane(&shared.crew.thread_name(index))),
        job_id: Cell::new(0),
        last_name: LastName::new(),
    });
    HERE.set(Some(Rc::clone(&here)));
    let adopted = adopt_lane(&here.lane);
    let retired = work(shared, &here);
    shared.queue.leave(here.local.as_ref());
    // A thread that was called and leaves hands the call on; in a pool that was closed meanwhile it does the rest.
    if shared.has_work() && !shared.call_one() {
        work(shared, &here);
    }
    if !retired {
        shared.crew.go_home();
    }
    drop(adopted);
    HERE.set(None);
    drop(here);
    shared.crew.leave(index);
}

/// Works until there is a reason to leave; `true` when that is a pool which has become smaller.
fn work(shared: &Arc<Shared>, here: &Here) -> bool {
    let seat = Seat::new();
    shared.sleepers.arrive();
    // Whether this thread has to call the next one if it leaves work behind.
    let mut called = true;
    // The end of the job before, while the thread goes straight on.
    let mut last_end = None;
    loop {
        if shared.attention.lower() && attend(shared) {
            return true;
        }
        match shared.queue.take(here.local.as_ref()) {
            Some(taken) => {
                if std::mem::take(&mut called) && shared.has_work() {
                    shared.call_one();
                }
                let slow = taken.slow;
                last_end = run_taken(shared, here, taken, last_end);
                if slow {
                    shared.queue.slow_done();
                    called = true; // Another slow job may run now, besides the one taken next.
                }
            }
            None => {
                last_end = None;
                if shared.sleepers.is_closed() {
                    return false;
                }
                called = shared.sleepers.sleep(&seat, || shared.has_work());
            }
        }
    }
}

/// The rare things; `true` when this thread is one too many and must leave.
#[cold]
fn attend(shared: &Arc<Shared>) -> bool {
    shared.deliver_cancelled();
    let (leave, more) = shared.crew.retire();
    if more {
        shared.attention.raise();
        shared.sleepers.call_all();
    }
    leave
}

/// Runs a job from the queue; its end if it was timed.
fn run_taken(shared: &Arc<Shared>, here: &Here, taken: Taken, last_end: Option<Instant>) -> Option<Instant> {
    let job = taken.job;
    let head = job.head();
    if !head.word.begin() {
        shared.bury(&job);
        return None;
    }
    shared.give_place_back();
    let (name_index, traced_name) = here.last_name.numbers(head.name, &shared.names, &shared.tracer);
    let start = head.submitted.map(|submitted| last_end.unwrap_or_else(|| shared.clock.now()).max(submitted));
    here.stats.count_started(head.kind);
    here.stats.busy_with(head.id, name_index);
    here.job_id.set(head.id);
    if let Some(start) = start {
        here.lane.record(start, EventKind::JobBegin, head.id, 0, traced_name);
    }
    let mut end = None;
    let completed = job.run(&mut |panicked| {
        end = start.map(|start| shared.clock.now().max(start));
        here.stats.count_ended(head.kind, panicked, times(head, start, end));
        if let Some(end) = end {
            here.lane.record(end, EventKind::JobEnd, head.id, 0, u32::from(panicked));
        }
    });
    here.job_id.set(0);
    here.stats.busy_with(0, name_index);
    if !completed {
        shared.stats.count_complete_panic();
    }
    end
}

/// Runs a job on the thread that submits it, because the queue is full.
#[cold]
pub(crate) fn run_on_caller(shared: &Arc<Shared>, job: &Arc<dyn Job>) {
    let head = job.head();
    if !head.word.begin() {
        return; // Nobody else has the job yet, so this does not happen.
    }
    shared.stats.callers.lock().count_started(head.kind);
    let start = head.submitted.map(|submitted| shared.clock.now().max(submitted));
    let completed = job.run(&mut |panicked| {
        let end = start.map(|start| shared.clock.now().max(start));
        shared.stats.callers.lock().count_ended(head.kind, panicked, times(head, start, end));
        if let (Some(start), Some(end), true) = (start, end, shared.tracer.is_on()) {
            shared.tracer.ran_outside(head.id, head.name, start, end, panicked);
        }
    });
    if !completed {
        shared.stats.count_complete_panic();
    }
}

fn times(head: &JobHead, start: Option<Instant>, end: Option<Instant>) -> Option<Times> {
    let (submitted, start, end) = (head.submitted?, start?, end?);
    Some(Times { queue_wait: start - submitted, run: end - start })
}
