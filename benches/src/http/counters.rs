//! What the counters that are always on cost a request, at most.
//!
//! # Model
//! No build is without them, so there is nothing to switch off and compare. But how often a loop counts is known from
//! its own figures, and what one count costs can be measured: a relaxed load and store, done over and over on the same
//! counter, so that each waits for the last. That is dearer than in the loop, where it overlaps with other work, so the
//! product is an upper bound. The clock is read once for each return from poll, which timers need anyway; it is not in
//! the bound.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use clock::Clock;
use serde::Serialize;

use super::rounds::Rounds;

/// Counters that one pass of the loop changes at most: passes, events, events that waited, asleep since (set and
/// cleared), idle time, busy time, the longest busy time.
const PER_PASS: f64 = 8.0;

/// The bound, and what it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AlwaysOn {
    /// Passes of the loop for each request.
    pub passes_per_request: f64,
    /// Calls of user code for each request, counted one by one.
    pub callbacks_per_request: f64,
    /// Nanoseconds of one count.
    pub ns_per_count: f64,
    /// The share of the server's CPU time, at most.
    pub share_at_most: f64,
}

impl AlwaysOn {
    /// The bound for the server that these rounds measured.
    pub fn of(rounds: &Rounds, ns_per_count: f64) -> AlwaysOn {
        let passes_per_request = rounds.per_request(|server| server.passes);
        let callbacks_per_request = rounds.per_request(|server| server.callbacks);
        let counts = PER_PASS * passes_per_request + callbacks_per_request + 1.0; // 1: the server's own, of requests.
        let share_at_most = counts * ns_per_count / rounds.cpu_ns_per_request().max(1.0);
        AlwaysOn { passes_per_request, callbacks_per_request, ns_per_count, share_at_most }
    }
}

/// The time of one count, the fastest of some tries: what disturbs can only add.
pub fn ns_per_count(clock: &Clock) -> f64 {
    const COUNTS: u32 = 100_000;
    let counter = AtomicU64::new(0);
    let time = |_try| {
        let start = clock.now();
        for _ in 0..COUNTS {
            let counter = black_box(&counter);
            counter.store(counter.load(Relaxed) + 1, Relaxed);
        }
        (clock.now() - start).as_secs_f64() * 1e9 / f64::from(COUNTS)
    };
    (0..20).map(time).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::client::Found;
    use super::super::servers::{ServerStats, Setting};
    use super::*;

    #[test]
    fn the_bound_counts_passes_callbacks_and_the_request() {
        let server = ServerStats { cpu_ns: 1_000_000, passes: 50, events: 100, callbacks: 200 };
        let found = vec![Found { requests: 100, elapsed: Duration::from_secs(1), server }];
        let bound = AlwaysOn::of(&Rounds { setting: Setting::Default, found }, 2.0);
        // 8 x 0.5 passes + 2 callbacks + 1 request = 7 counts of 2 ns, of 10 us.
        assert!((bound.share_at_most - 0.0014).abs() < 1e-12, "{bound:?}");
    }

    #[test]
    fn a_count_takes_a_time() {
        let ns = ns_per_count(&Clock::real());
        assert!(ns > 0.0 && ns.is_finite());
    }
}
