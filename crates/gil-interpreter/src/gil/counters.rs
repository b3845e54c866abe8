//! What one thread lived through with the lock: counts always, durations when they are asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use runtime_trace::LatencyHistogram;
use sync_protocols::gil::{Dropped, Taken};

/// The counters of one thread; plain numbers, written by that thread alone and merged when it ends.
#[derive(Clone, Default)]
pub struct ThreadCounters {
    /// How often it took the lock.
    pub acquires: u64,
    /// How often it gave the lock back.
    pub releases: u64,
    /// Takes that had to wait.
    pub waits: u64,
    /// Whole intervals that passed while it waited.
    pub timeouts: u64,
    /// Requests that it raised against a holder.
    pub requests: u64,
    /// Gives at which a request stood against it.
    pub asked: u64,
    /// Gives that had to wait until somebody else had taken the lock.
    pub forced_waits: u64,
    /// Takes after another thread had the lock.
    pub switches: u64,
    times: Option<Box<Times>>,
    /// By the key of the thread that had the lock when the wait began.
    waited_for: BTreeMap<u32, WaitedFor>,
}

/// About half a megabyte, so it is made only when durations are asked for.
#[derive(Clone)]
struct Times {
    hold: LatencyHistogram,
    wait: LatencyHistogram,
    held_in_all: Duration,
    waited_in_all: Duration,
}

/// How often, and for how long in all, one thread waited behind another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitedFor {
    /// Waits that began while the other had the lock.
    pub count: u64,
    /// Their length; zero when durations are not measured.
    pub time: Duration,
}

impl ThreadCounters {
    /// All zero; with `timing` durations are kept too.
    pub fn new(timing: bool) -> ThreadCounters {
        let times = timing.then(|| {
            let (hold, wait) = (LatencyHistogram::new(), LatencyHistogram::new());
            Box::new(Times { hold, wait, held_in_all: Duration::ZERO, waited_in_all: Duration::ZERO })
        });
        ThreadCounters { times, ..ThreadCounters::default() }
    }

    /// Whether durations are kept.
    pub fn has_times(&self) -> bool {
        self.times.is_some()
    }

    /// Counts a take that took `waited`; a take that did not wait has no place in the wait histogram.
    #[inline]
    pub fn took<T>(&mut self, taken: &Taken<T>, waited: Duration) {
        self.acquires += 1;
        self.switches += u64::from(taken.switched);
        if taken.waited {
            self.waited(taken.behind, taken.timeouts, taken.requests, waited);
        }
    }

    #[cold]
    fn waited(&mut self, behind: Option<u32>, timeouts: u32, requests: u32, waited: Duration) {
        self.waits += 1;
        self.timeouts += u64::from(timeouts);
        self.requests += u64::from(requests);
        if let Some(times) = &mut self.times {
            times.wait.record(waited);
            times.waited_in_all += waited;
        }
        if let Some(holder) = behind {
            let pair = self.waited_for.entry(holder).or_default();
            pair.count += 1;
            pair.time += waited;
        }
    }

    /// Counts a give after the lock was held for `held`.
    #[inline]
    pub fn gave(&mut self, dropped: Dropped, held: Duration) {
        self.releases += 1;
        self.asked += u64::from(dropped.asked);
        self.forced_waits += u64::from(dropped.forced_wait);
        if let Some(times) = &mut self.times {
            times.hold.record(held);
            times.held_in_all += held;
        }
    }

    /// Adds what `other` counted; durations are kept when either has them.
    pub fn merge(&mut self, other: &ThreadCounters) {
        self.acquires += other.acquires;
        self.releases += other.releases;
        self.waits += other.waits;
        self.timeouts += other.timeouts;
        self.requests += other.requests;
        self.asked += other.asked;
        self.forced_waits += other.forced_waits;
        self.switches += other.switches;
        match (&mut self.times, &other.times) {
            (Some(mine), Some(theirs)) => {
                mine.hold.merge(&theirs.hold);
                mine.wait.merge(&theirs.wait);
                mine.held_in_all += theirs.held_in_all;
                mine.waited_in_all += theirs.waited_in_all;
            }
            (mine @ None, Some(theirs)) => *mine = Some(theirs.clone()),
            (_, None) => {}
        }
        for (holder, theirs) in &other.waited_for {
            let pair = self.waited_for.entry(*holder).or_default();
            pair.count += theirs.count;
            pair.time += theirs.time;
        }
    }

    /// How long the lock was held, each time.
    pub fn hold(&self) -> Option<&LatencyHistogram> {
        self.times.as_ref().map(|times| &times.hold)
    }

    /// How long the waits were; takes that did not wait are not in it.
    pub fn wait(&self) -> Option<&LatencyHistogram> {
        self.times.as_ref().map(|times| &times.wait)
    }

    /// All the time that it held the lock.
    pub fn held_in_all(&self) -> Option<Duration> {
        self.times.as_ref().map(|times| times.held_in_all)
    }

    /// All the time that it waited for the lock.
    pub fn waited_in_all(&self) -> Option<Duration> {
        self.times.as_ref().map(|times| times.waited_in_all)
    }

    /// Behind whom it waited, by the other thread's key.
    pub fn waited_for(&self) -> &BTreeMap<u32, WaitedFor> {
        &self.waited_for
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn taken(waited: bool, behind: Option<u32>) -> Taken<()> {
        Taken { payload: (), waited, timeouts: 2, requests: 1, switched: true, behind }
    }

    #[test]
    fn a_take_at_once_is_no_wait() {
        let mut counters = ThreadCounters::new(true);
        counters.took(&Taken { timeouts: 0, requests: 0, ..taken(false, None) }, Duration::ZERO);
        assert_eq!((counters.acquires, counters.waits, counters.switches), (1, 0, 1));
        assert_eq!(counters.wait().map(LatencyHistogram::count), Some(0));
        assert!(counters.waited_for().is_empty());
    }

    #[test]
    fn without_timing_counts_remain() {
        let mut counters = ThreadCounters::new(false);
        counters.took(&taken(true, Some(4)), Duration::ZERO);
        counters.gave(Dropped { asked: true, forced_wait: true }, Duration::ZERO);
        assert!(counters.hold().is_none() && counters.wait().is_none() && !counters.has_times());
        assert_eq!((counters.timeouts, counters.requests), (2, 1));
        assert_eq!((counters.releases, counters.asked, counters.forced_waits), (1, 1, 1));
        assert_eq!(counters.waited_for()[&4], WaitedFor { count: 1, time: Duration::ZERO });
    }

    #[test]
    fn merged_counters_are_the_sum() {
        let mut all = ThreadCounters::default();
        for waited in [MS, 3 * MS] {
            let mut one = ThreadCounters::new(true);
            one.took(&taken(true, Some(7)), waited);
            one.gave(Dropped::default(), 5 * MS);
            all.merge(&one);
        }
        all.merge(&ThreadCounters::new(false));
        assert_eq!((all.acquires, all.releases, all.waits, all.timeouts), (2, 2, 2, 4));
        assert_eq!(all.waited_for()[&7], WaitedFor { count: 2, time: 4 * MS });
        assert_eq!((all.held_in_all(), all.waited_in_all()), (Some(10 * MS), Some(4 * MS)));
        assert_eq!(all.wait().map(LatencyHistogram::max), Some(3 * MS));
        assert_eq!(all.hold().map(LatencyHistogram::count), Some(2));
    }
}
