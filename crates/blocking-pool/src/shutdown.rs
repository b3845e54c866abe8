//! The end of a pool, in order: nothing new, the queue, the threads.
//!
//! # Model
//! ```text
//! 1. close: no thread starts, submissions and those who wait for a place are rejected, sleepers stand up
//! 2. the queue: cancelled here (shutdown, drop), or run by the threads (drain)
//! 3. threads leave when they find the queue empty; wait for them until the deadline
//! 4. the deadline: what is queued is cancelled; threads between two jobs are still waited for, they leave at once;
//!    threads in a job are named in the report, and end by themselves later
//! 5. join every thread that has left
//! ```
//!
//! # Invariants
//! - P3: after a shutdown nothing starts, nothing waits in the queue, and every thread that could end is joined.

use std::sync::Arc;
use std::time::{Duration, Instant};

use clock::Clock;

use crate::crew::Wait;
use crate::metrics::{self, RunningJob};
use crate::pool::running;
use crate::shared::Shared;

/// How often a shutdown looks, after its deadline, whether the threads that are between two jobs have gone.
const LAST_LOOK: Duration = Duration::from_millis(1);

/// What a shutdown found and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShutdownReport {
    /// Jobs that were queued and got `Cancelled`.
    pub cancelled: u64,
    /// Threads that ended and were joined.
    pub joined: usize,
    /// Jobs that the deadline found running, with their threads; those end by themselves, and nobody joins them.
    pub still_running: Vec<RunningJob>,
}

impl Shared {
    /// `deadline`: `None` waits as long as it takes. `drain`: what is queued is run.
    pub(crate) fn shut_down(self: &Arc<Self>, deadline: Option<Duration>, drain: bool) -> ShutdownReport {
        if self.is_of_parent() {
            return ShutdownReport { cancelled: 0, joined: 0, still_running: Vec::new() };
        }
        self.stop_purges();
        if drain {
            self.start_all_needed();
        }
        self.crew.close();
        if let Some(bound) = &self.bound {
            bound.permits.close();
        }
        self.sleepers.close();
        let mut cancelled = if drain { 0 } else { self.cancel_queued() };
        if !self.wait_for_threads(deadline) {
            cancelled += self.cancel_queued();
            self.wait_for_idle_threads();
        }
        let joined = self.crew.join_left();
        cancelled += self.cancel_queued();
        let mut still_running = Vec::new();
        self.crew.wait(|left| {
            still_running
                .extend(left.iter().filter_map(|(index, stats)| running(self, *index, stats.busy())));
            Wait::Over
        });
        ShutdownReport { cancelled, joined, still_running }
    }

    /// A closed pool starts no threads, so those that the queue deserves are started before.
    fn start_all_needed(self: &Arc<Self>) {
        let kinds = metrics::collect(&self.crew.roll().stats, &self.stats);
        let queued: u64 = kinds.iter().map(|kind| kind.depth).sum();
        for _ in 0..queued {
            if !self.crew.start(self) {
                break;
            }
        }
    }

    /// Waits until all threads have left; `false` when the deadline came first.
    fn wait_for_threads(&self, deadline: Option<Duration>) -> bool {
        let clock = Clock::real(); // A deadline is real time, whatever clock the jobs are measured by.
        // A deadline beyond the end of time is none.
        let until = deadline.and_then(|deadline| clock.now().checked_add(deadline));
        let mut all_left = false;
        self.crew.wait(|left| {
            all_left = left.is_empty();
            let remaining = |until: Instant| until.saturating_duration_since(clock.now());
            match until.map(remaining) {
                _ if all_left => Wait::Over,
                None => Wait::On,
                Some(Duration::ZERO) => Wait::Over,
                Some(remaining) => Wait::For(remaining),
            }
        });
        all_left
    }

    /// Waits, the queue being empty, until every thread has left or is in a job.
    fn wait_for_idle_threads(&self) {
        self.crew.wait(|left| {
            let all_busy = left.iter().all(|(_, stats)| stats.busy().is_some());
            if all_busy { Wait::Over } else { Wait::For(LAST_LOOK) }
        });
    }
}
