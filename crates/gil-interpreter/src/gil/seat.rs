//! One thread at the lock: it takes and gives, counts, and writes to its lane what it waited for and what it held.
//!
//! # Model
//! ```text
//! give, about to block  LockRelease |  nothing of ours  | LockRequest ... wait ... LockAcquire  take
//! give, was asked       LockRelease, LockRequest | (forced wait) |   ... wait ... LockAcquire  take
//! ```
//! A thread that was asked wants the lock back at once, so its lane waits from then on; the histogram of waits, as the
//! forced wait has a counter of its own, begins with the take.
//! The clock is read only when durations or a lane are wanted; a take that did not wait needs one reading for both
//! its records. A release is stamped before the payload is back and an acquire after it was carried away, so on the
//! timeline two threads never hold the lock at the same time.

use std::time::{Duration, Instant};

use clock::Clock;
use runtime_trace::{EventKind, Lane};
use sync_protocols::gil::{Dropped, Gil, Parting, Requests, Taken, TickLock};

use super::ThreadCounters;

/// What a thread is to note besides its counts.
pub struct Watch {
    /// Reads the time of everything below.
    pub clock: Clock,
    /// Keep histograms of hold and wait times.
    pub timing: bool,
    /// Where requests, acquisitions and releases are written; [`Lane::off`] for nowhere.
    pub lane: Lane,
    /// The number of the lock in the recording (there are several under `per-interp`).
    pub lock_id: u64,
}

/// A thread's own side of the lock.
pub struct LockSeat {
    me: u32,
    watch: Watch,
    is_watched: bool,
    /// When the lock was taken, if anybody wants to know.
    held_since: Option<Instant>,
    /// The request for the next take is in the lane already.
    has_requested: bool,
    counters: ThreadCounters,
}

impl LockSeat {
    /// A seat for the thread with the key `me`.
    pub fn new(me: u32, watch: Watch) -> LockSeat {
        let is_watched = watch.timing || watch.lane.is_on();
        let counters = ThreadCounters::new(watch.timing);
        LockSeat { me, watch, is_watched, held_since: None, has_requested: false, counters }
    }

    /// The thread's key.
    pub fn me(&self) -> u32 {
        self.me
    }

    /// The lane, for what else the thread wants to write.
    pub fn lane(&self) -> &Lane {
        &self.watch.lane
    }

    /// What was counted so far.
    pub fn counters(&self) -> &ThreadCounters {
        &self.counters
    }

    /// What was counted, at the thread's end.
    pub fn into_counters(self) -> ThreadCounters {
        self.counters
    }

    /// Takes a lock that waiters ask for.
    #[inline]
    pub fn take<T>(&mut self, gil: &Gil<T>, requests: &impl Requests) -> T {
        let me = self.me;
        self.take_by(|| gil.take(me, requests))
    }

    /// Takes a lock that is given up by count.
    #[inline]
    pub fn take_tick<T>(&mut self, lock: &TickLock<T>) -> T {
        let me = self.me;
        self.take_by(|| lock.take(me))
    }

    /// Gives back a lock that waiters ask for.
    #[inline]
    pub fn give<T>(
        &mut self,
        gil: &Gil<T>,
        payload: T,
        parting: Parting,
        requests: &impl Requests,
    ) -> Dropped {
        let held = self.before_give(parting == Parting::Asked);
        let dropped = gil.give(self.me, payload, parting, requests);
        self.counters.gave(dropped, held);
        dropped
    }

    /// Gives back a lock that is given up by count.
    #[inline]
    pub fn give_tick<T>(&mut self, lock: &TickLock<T>, payload: T) {
        let held = self.before_give(false);
        lock.give(payload);
        self.counters.gave(Dropped::default(), held);
    }

    #[inline]
    fn take_by<T>(&mut self, take: impl FnOnce() -> Taken<T>) -> T {
        if self.is_watched {
            return self.take_watched(take);
        }
        let taken = take();
        self.counters.took(&taken, Duration::ZERO);
        taken.payload
    }

    fn take_watched<T>(&mut self, take: impl FnOnce() -> Taken<T>) -> T {
        let asked_at = self.watch.clock.now();
        if !std::mem::take(&mut self.has_requested) {
            self.watch.lane.record(asked_at, EventKind::LockRequest, self.watch.lock_id, 0, 0);
        }
        let taken = take();
        // After another thread's turn the time is read again, so that it is later than that thread's release.
        let had_at = if taken.waited || taken.switched { self.watch.clock.now() } else { asked_at };
        self.watch.lane.record(had_at, EventKind::LockAcquire, self.watch.lock_id, 0, taken.timeouts);
        self.held_since = Some(had_at);
        self.counters.took(&taken, had_at.saturating_duration_since(asked_at));
        taken.payload
    }

    #[inline]
    fn before_give(&mut self, wants_it_back: bool) -> Duration {
        match self.held_since.take() {
            Some(since) => self.released(since, wants_it_back),
            None => Duration::ZERO,
        }
    }

    fn released(&mut self, since: Instant, wants_it_back: bool) -> Duration {
        let now = self.watch.clock.now();
        self.watch.lane.record(now, EventKind::LockRelease, self.watch.lock_id, 0, 0);
        if wants_it_back {
            self.has_requested = true;
            self.watch.lane.record(now, EventKind::LockRequest, self.watch.lock_id, 0, 0);
        }
        now.saturating_duration_since(since)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc::{self, Sender};
    use std::thread;

    use parking_lot::Mutex;
    use runtime_trace::Recorder;
    use sync_protocols::gil::Rules;

    use super::*;

    /// Nobody is asked.
    struct Silent;

    impl Requests for Silent {
        fn raise(&self, _: u32) {}
        fn clear(&self, _: u32) {}
    }

    /// Tells a test that a request was raised, and against whom.
    struct Told(Mutex<Sender<u32>>);

    impl Requests for Told {
        fn raise(&self, holder: u32) {
            self.0.lock().send(holder).expect("the test listens");
        }
        fn clear(&self, _: u32) {}
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    fn watch(clock: &Clock, timing: bool, lane: Lane) -> Watch {
        Watch { clock: clock.clone(), timing, lane, lock_id: 1 }
    }

    #[test]
    fn holding_is_timed_and_written_to_the_lane() {
        let (clock, hands) = Clock::manual();
        let recorder = Recorder::new(64);
        let gil = Gil::new(7, HOUR, Rules::default());
        let mut seat = LockSeat::new(3, watch(&clock, true, recorder.lane("main")));
        let payload = seat.take(&gil, &Silent);
        hands.advance(Duration::from_millis(5));
        seat.give(&gil, payload, Parting::Voluntary, &Silent);
        hands.advance(Duration::from_millis(2));
        let payload = seat.take(&gil, &Silent);
        seat.give(&gil, payload, Parting::Last, &Silent);
        let counters = seat.into_counters();
        assert_eq!((counters.acquires, counters.releases, counters.waits, counters.switches), (2, 2, 0, 1));
        assert_eq!(counters.held_in_all(), Some(Duration::from_millis(5)));
        let recording = recorder.collect();
        let kinds: Vec<EventKind> = recording.records.iter().map(|record| record.kind).collect();
        let turn = [EventKind::LockRequest, EventKind::LockAcquire, EventKind::LockRelease];
        assert_eq!(kinds, [turn, turn].concat());
        let at: Vec<u64> =
            recording.records.iter().map(|record| record.t_ns - recording.records[0].t_ns).collect();
        assert_eq!(at, [0, 0, 5_000_000, 7_000_000, 7_000_000, 7_000_000]);
    }

    #[test]
    fn who_was_asked_waits_from_then_on() {
        let (clock, hands) = Clock::manual();
        let recorder = Recorder::new(64);
        let gil = Gil::new(7, HOUR, Rules::default());
        let mut seat = LockSeat::new(3, watch(&clock, true, recorder.lane("main")));
        let payload = seat.take(&gil, &Silent);
        seat.give(&gil, payload, Parting::Asked, &Silent);
        hands.advance(Duration::from_millis(2));
        let payload = seat.take(&gil, &Silent);
        seat.give(&gil, payload, Parting::Last, &Silent);
        let recording = recorder.collect();
        let kinds: Vec<EventKind> = recording.records.iter().map(|record| record.kind).collect();
        let turn = [EventKind::LockRequest, EventKind::LockAcquire, EventKind::LockRelease];
        assert_eq!(kinds, [turn, turn].concat(), "one request for each take");
        assert_eq!(recording.records[3].t_ns, recording.records[2].t_ns, "it is asked for with the release");
    }

    #[test]
    fn unwatched_it_counts_and_reads_no_clock() {
        let (clock, _hands) = Clock::manual();
        let lock = TickLock::new('p');
        let mut seat = LockSeat::new(0, watch(&clock, false, Lane::off()));
        for _ in 0..100 {
            let payload = seat.take_tick(&lock);
            seat.give_tick(&lock, payload);
        }
        assert!(seat.held_since.is_none() && !seat.counters().has_times());
        assert_eq!((seat.counters().acquires, seat.counters().releases), (100, 100));
        assert_eq!(seat.counters().switches, 1, "the first take, and no other");
    }

    #[test]
    fn who_waited_behind_whom_and_who_was_forced_to_wait() {
        let (clock, _hands) = Clock::manual();
        let gil = Arc::new(Gil::new('p', Duration::from_micros(1), Rules::default()));
        let (raised, was_raised) = mpsc::channel();
        let requests = Arc::new(Told(Mutex::new(raised)));
        let mut seat = LockSeat::new(0, watch(&clock, false, Lane::off()));
        let payload = seat.take(&gil, &*requests);
        let waiter = {
            let (gil, requests) = (gil.clone(), requests.clone());
            let watch = watch(&clock, false, Lane::off());
            thread::spawn(move || {
                let mut seat = LockSeat::new(1, watch);
                let payload = seat.take(&gil, &*requests);
                seat.give(&gil, payload, Parting::Last, &*requests);
                seat.into_counters()
            })
        };
        assert_eq!(was_raised.recv(), Ok(0), "the holder is asked");
        let dropped = seat.give(&gil, payload, Parting::Asked, &*requests);
        assert!(dropped.asked);
        let waiter = waiter.join().expect("it takes and gives");
        assert_eq!((waiter.waits, waiter.requests, waiter.switches), (1, 1, 1));
        assert!(waiter.timeouts >= 1);
        assert_eq!(waiter.waited_for()[&0].count, 1);
        let holder = seat.into_counters();
        assert_eq!((holder.asked, holder.forced_waits), (1, u64::from(dropped.forced_wait)));
    }

    /// Four threads that take their turns as fast as they can; the checker refuses two holders at once.
    #[track_caller]
    fn turns_are_told_apart(turn: impl Fn(&mut LockSeat) + Send + Sync + 'static) {
        let (clock, recorder, turn) = (Clock::real(), Recorder::new(1 << 14), Arc::new(turn));
        let threads = [0, 1, 2, 3].map(|me| {
            let watch = watch(&clock, true, recorder.lane(&format!("thread-{me}")));
            let turn = turn.clone();
            thread::spawn(move || {
                let mut seat = LockSeat::new(me, watch);
                for _ in 0..1_000 {
                    turn(&mut seat);
                }
                seat.into_counters()
            })
        });
        let mut all = ThreadCounters::default();
        for thread in threads {
            all.merge(&thread.join().expect("it ends"));
        }
        assert_eq!((all.acquires, all.releases), (4_000, 4_000));
        let recording = recorder.collect();
        // Requests are more: who gives way to a request asks again in the same moment, also after its last turn.
        let turns = recording.records.iter().filter(|record| record.kind != EventKind::LockRequest).count();
        assert_eq!((turns, recording.dropped()), (8_000, 0));
        assert_eq!(recording.check(), Ok(()));
    }

    #[test]
    fn the_recorded_turns_of_real_threads_never_overlap() {
        let gil = Gil::new('p', Duration::from_micros(1), Rules::default());
        turns_are_told_apart(move |seat| {
            let payload = seat.take(&gil, &Silent);
            seat.give(&gil, payload, Parting::Asked, &Silent);
        });
        let lock = TickLock::new('p');
        turns_are_told_apart(move |seat| {
            let payload = seat.take_tick(&lock);
            seat.give_tick(&lock, payload);
        });
    }
}
