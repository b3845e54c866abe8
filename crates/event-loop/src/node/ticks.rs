//! `next_tick` and `microtask`: what runs after each callback, before the loop goes on.
//!
//! # Model
//! After every callback both queues are drained until they are empty: first all ticks, then all microtasks,
//! then again while either has more. An endless chain of either starves everything else; that is Node's
//! behaviour and a lesson, not an accident.
//!
//! # Invariants
//! - N1: between two callbacks of the loop both queues are empty.
//! - N2: ticks run before microtasks that were queued in the same callback.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::Location;

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::phase::Callee;

struct Job {
    code: Box<dyn FnOnce(&LoopHandle)>,
    location: &'static Location<'static>,
    number: u32,
}

/// The two queues.
#[derive(Default)]
pub(crate) struct Ticks {
    next_ticks: RefCell<VecDeque<Job>>,
    microtasks: RefCell<VecDeque<Job>>,
    draining: Cell<bool>,
    next_number: Cell<u32>,
}

impl LoopHandle {
    /// Runs `code` after the current callback, before any microtask and before the loop goes on.
    #[track_caller]
    pub fn next_tick(&self, code: impl FnOnce(&LoopHandle) + 'static) {
        let job = self.tick_job(Box::new(code), Location::caller());
        self.push_tick(&self.core.ticks.next_ticks, job);
    }

    /// Runs `code` after the current callback and all ticks: what a promise does with its reactions.
    #[track_caller]
    pub fn microtask(&self, code: impl FnOnce(&LoopHandle) + 'static) {
        let job = self.tick_job(Box::new(code), Location::caller());
        self.push_tick(&self.core.ticks.microtasks, job);
    }

    fn tick_job(&self, code: Box<dyn FnOnce(&LoopHandle)>, location: &'static Location<'static>) -> Job {
        let number = self.core.ticks.next_number.get().wrapping_add(1);
        self.core.ticks.next_number.set(number);
        Job { code, location, number }
    }

    fn push_tick(&self, queue: &RefCell<VecDeque<Job>>, job: Job) {
        if self.core.closed.get() {
            self.dispose(job.location, job.code);
        } else {
            queue.borrow_mut().push_back(job);
        }
    }

    /// Empties both queues; a call from inside one of their jobs leaves that to the outer call.
    pub(crate) fn drain_ticks(&self) {
        let ticks = &self.core.ticks;
        if ticks.draining.get()
            || (ticks.next_ticks.borrow().is_empty() && ticks.microtasks.borrow().is_empty())
        {
            return;
        }
        ticks.draining.set(true);
        while !self.core.must_end() {
            let tick = ticks.next_ticks.borrow_mut().pop_front();
            if let Some(job) = tick {
                self.run_tick(Callee::NextTick, job);
                continue;
            }
            let Some(job) = ticks.microtasks.borrow_mut().pop_front() else { break };
            self.run_tick(Callee::Microtask, job);
            // All microtasks run before the next tick, those that they queue included.
            while !self.core.must_end() {
                let Some(job) = ticks.microtasks.borrow_mut().pop_front() else { break };
                self.run_tick(Callee::Microtask, job);
            }
        }
        ticks.draining.set(false);
    }

    fn run_tick(&self, callee: Callee, job: Job) {
        let Job { code, location, number } = job;
        self.call_without_ticks(Site::new(callee, number, location), || code(self));
    }

    pub(crate) fn clear_ticks(&self) {
        let jobs = self.core.ticks.next_ticks.take().into_iter().chain(self.core.ticks.microtasks.take());
        for job in jobs.collect::<Vec<_>>() {
            self.dispose(job.location, job.code);
        }
    }
}
