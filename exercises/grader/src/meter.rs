//! Counts work in units, and how many of them lie between two polls of the loop.
//!
//! # Model
//! A unit moves the clock of a scripted world by one millisecond, so the loop's own report of stalls speaks in units, and a
//! busy machine changes nothing. Between two polls nobody else is served; so what counts is the work of one pass of the
//! loop, however many callbacks, ticks or immediates it is spread over.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use event_loop::{EventLoop, LoopHandle, LoopMetrics, Script};

/// A scripted loop that reports callbacks of `limit` units and more.
pub(crate) fn loop_with_limit(script: &Script, limit: u64) -> EventLoop {
    let options = EventLoop::options().script(script).stall_threshold(Duration::from_millis(limit));
    options.build().expect("a scripted loop needs no descriptors")
}

/// What one part of a program has used; clones count together.
#[derive(Clone)]
pub(crate) struct Meter {
    script: Script,
    metrics: Arc<LoopMetrics>,
    counts: Rc<Counts>,
}

#[derive(Default)]
struct Counts {
    pass: Cell<u64>,
    this_pass: Cell<u64>,
    longest: Cell<u64>,
}

impl Meter {
    pub(crate) fn new(script: &Script, lp: &LoopHandle) -> Meter {
        Meter { script: script.clone(), metrics: lp.metrics(), counts: Rc::default() }
    }

    /// Does this much work.
    pub(crate) fn spend(&self, units: u64) {
        let counts = &self.counts;
        let pass = self.metrics.snapshot(self.script.clock().now()).iterations;
        if counts.pass.replace(pass) != pass {
            counts.this_pass.set(0);
        }
        counts.this_pass.set(counts.this_pass.get() + units);
        counts.longest.set(counts.longest.get().max(counts.this_pass.get()));
        self.script.hands().advance(Duration::from_millis(units));
    }

    /// The most units between two polls.
    pub(crate) fn longest(&self) -> u64 {
        self.counts.longest.get()
    }
}
