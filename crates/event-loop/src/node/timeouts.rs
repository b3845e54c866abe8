//! `set_timeout` and `set_interval`: Node's timers, a layer on one internal libuv timer.
//!
//! # Model
//! Durations are whole milliseconds; below 1 or above 2^31-1 becomes 1. Timers of one duration wait in one
//! FIFO list; the lists wait in a queue by expiry, then by the order in which they got it. One timer of the
//! loop is set to the first expiry. When it fires, lists that are due are emptied as far as their timers are
//! due; ticks and microtasks run between callbacks. An interval starts its next round from the time at which
//! its callback began.
//!
//! So after a stall timers run list by list, not by deadline: with 10 ms, 15 ms and, started at 8 ms, again
//! 10 ms, Node runs A C B where libuv's own timers run A B C.
//!
//! # Invariants
//! - N4: timers of one duration fire in the order in which they were set.
//! - N5: no callback runs before its whole milliseconds are over by the loop's time.
//!
//! # Source
//! Node 20 `lib/internal/timers.js`, read for its behaviour. Node truncates the start to milliseconds and so
//! may fire up to 1 ms early; here the start is rounded up.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::Location;
use std::time::Duration;

use slab::Slab;

use crate::blame::Site;
use crate::core::{Callback, LoopHandle};
use crate::handle::HandleId;
use crate::phase::Callee;
use crate::timer::Action;

const NS_PER_MS: u64 = 1_000_000;
const LONGEST_MS: u128 = (1 << 31) - 1;

/// A list is cleaned when it has this many stale places more than valid ones: cleared and refreshed time-outs
/// cost no search, and no memory that grows with their number.
const STALE_PLACES: usize = 64;

/// Names a time-out or an interval that may still be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeoutId {
    slot: u32,
    number: u32,
}

struct Timeout {
    number: u32,
    duration_ms: u64,
    start_ms: u64,
    /// Which place of its list is valid; refreshing a time-out leaves stale places behind.
    place: u64,
    repeats: bool,
    referenced: bool,
    /// Taken out while it runs.
    callback: Option<Callback>,
    location: &'static Location<'static>,
}

/// Timers of one duration, oldest first.
struct List {
    expiry_ms: u64,
    id: u64,
    places: VecDeque<(TimeoutId, u64)>,
    live: usize,
}

/// All time-outs and intervals of a loop.
#[derive(Default)]
pub(crate) struct Timeouts {
    slots: RefCell<Slab<Timeout>>,
    lists: RefCell<HashMap<u64, List>>,
    /// The lists by (expiry, list id), with their duration.
    queue: RefCell<BTreeSet<(u64, u64, u64)>>,
    timer: Cell<Option<HandleId>>,
    /// The expiry that the internal timer is set to.
    armed_ms: Cell<Option<u64>>,
    referenced: Cell<usize>,
    next_number: Cell<u32>,
    next_list: Cell<u64>,
    next_place: Cell<u64>,
}

/// Node's rule for durations.
fn whole_ms(duration: Duration) -> u64 {
    match duration.as_millis() {
        ms @ 1..=LONGEST_MS => ms as u64,
        _ => 1,
    }
}

impl Timeouts {
    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(crate) fn keep_alive(&self) -> bool {
        self.referenced.get() > 0
    }

    fn count(&self, more: bool) {
        let count = self.referenced.get();
        self.referenced.set(if more { count + 1 } else { count - 1 });
    }

    fn with<R>(&self, id: TimeoutId, access: impl FnOnce(&mut Timeout) -> R) -> Option<R> {
        let mut slots = self.slots.borrow_mut();
        slots.get_mut(id.slot as usize).filter(|timeout| timeout.number == id.number).map(access)
    }

    /// Appends the time-out to the list of its duration; a new list enters the queue.
    fn append(&self, id: TimeoutId, start_ms: u64) {
        let place = self.next_place.get() + 1;
        self.next_place.set(place);
        let set = self.with(id, |timeout| {
            timeout.start_ms = start_ms;
            timeout.place = place;
            timeout.duration_ms
        });
        let Some(duration_ms) = set else { return };
        let mut lists = self.lists.borrow_mut();
        let list = lists.entry(duration_ms).or_insert_with(|| {
            let list_id = self.new_list_id();
            let expiry_ms = start_ms + duration_ms;
            self.queue.borrow_mut().insert((expiry_ms, list_id, duration_ms));
            List { expiry_ms, id: list_id, places: VecDeque::new(), live: 0 }
        });
        list.places.push_back((id, place));
        list.live += 1;
        if list.places.len() > 2 * list.live + STALE_PLACES {
            list.places.retain(|&(id, place)| self.with(id, |timeout| timeout.place == place) == Some(true));
        }
    }

    fn new_list_id(&self) -> u64 {
        let id = self.next_list.get();
        self.next_list.set(id + 1);
        id
    }

    /// Takes the time-out's place out of its list; an empty list leaves the queue.
    fn detach(&self, id: TimeoutId) {
        let found = self.with(id, |timeout| (timeout.duration_ms, std::mem::take(&mut timeout.place)));
        let Some((duration_ms, place @ 1..)) = found else { return };
        let mut lists = self.lists.borrow_mut();
        let Some(list) = lists.get_mut(&duration_ms) else { return };
        list.live -= 1;
        if list.places.front() == Some(&(id, place)) {
            list.places.pop_front();
        }
        if list.live == 0 {
            self.queue.borrow_mut().remove(&(list.expiry_ms, list.id, duration_ms));
            lists.remove(&duration_ms);
        }
    }

    /// The first time-out of the list that is still valid, and when it started.
    fn first_of(&self, duration_ms: u64, list_id: u64) -> Option<(TimeoutId, u64)> {
        loop {
            let front = {
                let lists = self.lists.borrow();
                let list = lists.get(&duration_ms).filter(|list| list.id == list_id)?;
                *list.places.front()?
            };
            let (id, place) = front;
            let start =
                self.with(id, |timeout| (timeout.place == place).then_some(timeout.start_ms)).flatten();
            if let Some(start_ms) = start {
                return Some((id, start_ms));
            }
            if let Some(list) = self.lists.borrow_mut().get_mut(&duration_ms) {
                list.places.pop_front();
            }
        }
    }

    fn requeue(&self, duration_ms: u64, expiry_ms: u64) {
        let id = self.new_list_id();
        if let Some(list) = self.lists.borrow_mut().get_mut(&duration_ms) {
            let mut queue = self.queue.borrow_mut();
            queue.remove(&(list.expiry_ms, list.id, duration_ms));
            (list.expiry_ms, list.id) = (expiry_ms, id);
            queue.insert((expiry_ms, id, duration_ms));
        }
    }

    fn remove(&self, id: TimeoutId) -> Option<Timeout> {
        self.detach(id);
        self.with(id, |_| ())?;
        let timeout = self.slots.borrow_mut().remove(id.slot as usize);
        if timeout.referenced {
            self.count(false);
        }
        Some(timeout)
    }

    pub(crate) fn clear(&self, lp: &LoopHandle) {
        let ids: Vec<TimeoutId> = self
            .slots
            .borrow()
            .iter()
            .map(|(slot, timeout)| TimeoutId { slot: slot as u32, number: timeout.number })
            .collect();
        for id in ids {
            lp.clear_timeout(id);
        }
    }
}

impl LoopHandle {
    /// Calls `callback` once after `delay` in whole milliseconds.
    #[track_caller]
    pub fn set_timeout(&self, delay: Duration, callback: impl FnMut(&LoopHandle) + 'static) -> TimeoutId {
        self.add_timeout(delay, false, Box::new(callback), Location::caller())
    }

    /// Calls `callback` again and again, `delay` in whole milliseconds apart.
    #[track_caller]
    pub fn set_interval(&self, delay: Duration, callback: impl FnMut(&LoopHandle) + 'static) -> TimeoutId {
        self.add_timeout(delay, true, Box::new(callback), Location::caller())
    }

    /// Clears a time-out or an interval; `false` if it is over already.
    pub fn clear_timeout(&self, id: TimeoutId) -> bool {
        let removed = self.core.timeouts.remove(id);
        let was_there = removed.is_some();
        if let Some(timeout) = removed {
            self.dispose(timeout.location, timeout.callback);
        }
        was_there
    }

    /// The same as [`LoopHandle::clear_timeout`]; Node has both names for one thing.
    pub fn clear_interval(&self, id: TimeoutId) -> bool {
        self.clear_timeout(id)
    }

    /// Starts a time-out's duration anew, without a new callback.
    pub fn refresh_timeout(&self, id: TimeoutId) {
        let timeouts = &self.core.timeouts;
        if timeouts.with(id, |_| ()).is_some() {
            timeouts.detach(id);
            let start_ms = self.fresh_ms();
            timeouts.append(id, start_ms);
            self.arm_timeouts();
        }
    }

    /// Lets a time-out keep the loop alive (the default), or not.
    pub fn set_timeout_ref(&self, id: TimeoutId, referenced: bool) {
        let timeouts = &self.core.timeouts;
        let changed =
            timeouts.with(id, |timeout| std::mem::replace(&mut timeout.referenced, referenced) != referenced);
        if changed == Some(true) {
            timeouts.count(referenced);
        }
    }

    fn add_timeout(
        &self,
        delay: Duration,
        repeats: bool,
        callback: Callback,
        location: &'static Location<'static>,
    ) -> TimeoutId {
        let timeouts = &self.core.timeouts;
        let number = timeouts.next_number.get().wrapping_add(1);
        timeouts.next_number.set(number);
        if self.core.closed.get() {
            self.dispose(location, callback);
            return TimeoutId { slot: u32::MAX, number };
        }
        let timeout = Timeout {
            number,
            duration_ms: whole_ms(delay),
            start_ms: 0,
            place: 0,
            repeats,
            referenced: true,
            callback: Some(callback),
            location,
        };
        let id = TimeoutId { slot: timeouts.slots.borrow_mut().insert(timeout) as u32, number };
        timeouts.count(true);
        let start_ms = self.fresh_ms();
        timeouts.append(id, start_ms);
        self.arm_timeouts();
        id
    }

    /// The time now, read afresh as Node does, in milliseconds rounded up so that nothing fires early (N5).
    fn fresh_ms(&self) -> u64 {
        self.update_time();
        self.core.now_ns.get().div_ceil(NS_PER_MS)
    }

    /// Sets the internal timer to the first expiry.
    fn arm_timeouts(&self) {
        let timeouts = &self.core.timeouts;
        let first = timeouts.queue.borrow().first().map(|(expiry_ms, _, _)| *expiry_ms);
        let Some(expiry_ms) = first else { return };
        if timeouts.armed_ms.get().is_some_and(|armed_ms| armed_ms <= expiry_ms) {
            return;
        }
        let timer = timeouts.timer.get().unwrap_or_else(|| {
            let timer = self.timer_new_internal(Location::caller());
            timeouts.timer.set(Some(timer));
            timer
        });
        timeouts.armed_ms.set(Some(expiry_ms));
        let deadline_ns = expiry_ms.saturating_mul(NS_PER_MS);
        // It fails only when the loop is being dropped, and then nothing fires any more.
        let _ = self.timer_arm(timer, deadline_ns, Duration::ZERO, Action::Timeouts, false);
    }

    /// Called when the internal timer fires: empties the lists that are due.
    pub(crate) fn run_timeouts(&self) {
        let timeouts = &self.core.timeouts;
        // While lists run nothing is armed; what they add is found below.
        timeouts.armed_ms.set(Some(0));
        // A libuv timer of the same batch may have computed for long; Node reads the time here as well.
        self.core.refresh_now();
        let now_ms = self.core.now_ns.get() / NS_PER_MS;
        loop {
            let first = timeouts.queue.borrow().first().copied();
            let Some((_, list_id, duration_ms)) = first.filter(|(expiry_ms, ..)| *expiry_ms <= now_ms) else {
                break;
            };
            self.run_list(duration_ms, list_id, now_ms);
            if self.core.must_end() {
                break;
            }
        }
        timeouts.armed_ms.set(None);
        self.arm_timeouts();
    }

    fn run_list(&self, duration_ms: u64, list_id: u64, now_ms: u64) {
        let timeouts = &self.core.timeouts;
        while let Some((id, start_ms)) = timeouts.first_of(duration_ms, list_id) {
            if self.core.must_end() {
                return;
            }
            if now_ms.saturating_sub(start_ms) < duration_ms {
                timeouts.requeue(duration_ms, (start_ms + duration_ms).max(now_ms + 1));
                return;
            }
            self.run_timeout(id);
        }
    }

    fn run_timeout(&self, id: TimeoutId) {
        let timeouts = &self.core.timeouts;
        // The list stays in the queue while its callbacks run, even when this was its last entry; a timer of
        // the same duration set by the callback then joins the list, as in Node.
        let taken = timeouts.with(id, |timeout| {
            timeout.place = 0;
            timeout
                .callback
                .take()
                .map(|callback| (callback, timeout.repeats, timeout.location, timeout.duration_ms))
        });
        let Some(Some((mut callback, repeats, location, duration_ms))) = taken else { return };
        if let Some(list) = timeouts.lists.borrow_mut().get_mut(&duration_ms) {
            list.live -= 1;
            list.places.pop_front();
        }
        let start_ms = repeats.then(|| self.fresh_ms());
        let callee = if repeats { Callee::Interval } else { Callee::Timeout };
        // Ticks run after the interval has joined its list again: Node's order.
        self.call_without_ticks(Site::new(callee, id.number, location), || callback(self));
        // It is gone when its callback cleared it, and has a place when its callback refreshed it. An interval
        // counts from the begin of its callback in any case.
        let refreshed = timeouts.with(id, |timeout| timeout.place != 0);
        match (refreshed, start_ms) {
            (None, _) => self.dispose(location, callback),
            (Some(_), Some(start_ms)) => {
                self.return_callback(id, callback);
                timeouts.detach(id);
                timeouts.append(id, start_ms);
            }
            (Some(true), None) => self.return_callback(id, callback),
            (Some(false), None) => {
                timeouts.remove(id);
                self.dispose(location, callback);
            }
        }
        self.drop_empty_list(duration_ms);
        self.drain_ticks();
    }

    fn return_callback(&self, id: TimeoutId, callback: Callback) {
        self.core.timeouts.with(id, |timeout| timeout.callback = Some(callback));
    }

    fn drop_empty_list(&self, duration_ms: u64) {
        let timeouts = &self.core.timeouts;
        let mut lists = timeouts.lists.borrow_mut();
        if let Some(list) = lists.get(&duration_ms).filter(|list| list.live == 0) {
            timeouts.queue.borrow_mut().remove(&(list.expiry_ms, list.id, duration_ms));
            lists.remove(&duration_ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EventLoop, Script};

    #[test]
    fn refreshed_and_cleared_timeouts_leave_no_trail() {
        let event_loop = EventLoop::options().script(&Script::new()).build().unwrap();
        let lp = event_loop.handle();
        let minute = Duration::from_secs(60);
        // One that stays at the front keeps the list from being emptied from there.
        lp.set_timeout(minute, |_| {});
        let refreshed = lp.set_timeout(minute, |_| {});
        for _ in 0..10_000 {
            lp.refresh_timeout(refreshed);
            let cleared = lp.set_timeout(minute, |_| {});
            assert!(lp.clear_timeout(cleared));
        }
        let lists = lp.core.timeouts.lists.borrow();
        assert_eq!(lists[&60_000].live, 2);
        assert!(lists[&60_000].places.len() <= 2 * 3 + STALE_PLACES);
    }
}
