//! The threads of a pool: started when needed, retired when too many, joined at the end.
//!
//! # Model
//! A pool of size N has N places. A place is filled when a job finds nobody to call (see `Sleepers`), so a pool
//! that is never used has no thread and one that is used a little has few. The place's number is in the thread's
//! name, and what a place has counted stays with it when its thread goes and another comes.
//!
//! # Invariants
//! - T1: never more threads exist than the pool's size, save those that are about to leave after a shrink.
//! - T2: a pool has no thread before its first job, and no more than it has had jobs at once.
//! - T3: every thread that left is joined: by the next one in its place, or by the shutdown.
//!
//! # Threads
//! `left` is signalled by each thread as its last act; `wait` listens. Lock order: the crew's lock is innermost.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::metrics::ThreadStats;
use crate::shared::Shared;
use crate::worker;

pub(crate) struct Crew {
    prefix: String,
    stack_bytes: Option<usize>,
    /// For tests: the place from which on threads cannot be started.
    fail_from: Option<usize>,
    /// Whether a first thread was started, so that submitters need not take the lock to know.
    any: AtomicBool,
    state: Mutex<State>,
    left: Condvar,
}

/// Guarded by `Crew::state`.
struct State {
    places: Vec<Place>,
    /// Threads that have not decided to leave.
    live: usize,
    wanted: usize,
    closed: bool,
    start_error: Option<String>,
}

struct Place {
    stats: Arc<ThreadStats>,
    handle: Option<JoinHandle<()>>,
    taken: bool,
}

/// What the crew looks like now.
pub(crate) struct Roll {
    pub(crate) wanted: usize,
    pub(crate) live: usize,
    pub(crate) start_error: Option<String>,
    /// The blocks of all places, filled or not.
    pub(crate) stats: Vec<Arc<ThreadStats>>,
}

impl Crew {
    pub(crate) fn new(
        prefix: String,
        wanted: usize,
        stack_bytes: Option<usize>,
        fail_from: Option<usize>,
    ) -> Crew {
        let state = State { places: Vec::new(), live: 0, wanted, closed: false, start_error: None };
        Crew {
            prefix,
            stack_bytes,
            fail_from,
            any: AtomicBool::new(false),
            state: Mutex::new(state),
            left: Condvar::new(),
        }
    }

    pub(crate) fn thread_name(&self, index: usize) -> String {
        format!("{}-{index}", self.prefix)
    }

    /// Sees to it that there is a thread before the first job is queued. `Ok(false)`: the pool is closed.
    #[inline]
    pub(crate) fn ensure_first(&self, shared: &Arc<Shared>) -> io::Result<bool> {
        if self.any.load(Ordering::Acquire) {
            return Ok(true);
        }
        self.start_first(shared)
    }

    #[cold]
    fn start_first(&self, shared: &Arc<Shared>) -> io::Result<bool> {
        let mut state = self.state.lock();
        if state.closed {
            return Ok(false);
        }
        if state.live == 0 {
            self.start_in(&mut state, shared)?;
            state.start_error = None;
            shared.sleepers.set_spare(state.wanted - 1);
        }
        self.any.store(true, Ordering::Release);
        Ok(true)
    }

    /// Starts one more thread; `Ok(false)` when none is wanted any more.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> io::Result<bool> {
        let mut state = self.state.lock();
        if state.closed || state.live >= state.wanted {
            return Ok(false);
        }
        let started = self.start_in(&mut state, shared);
        state.start_error = started.as_ref().err().map(ToString::to_string);
        started.map(|()| true)
    }

    fn start_in(&self, state: &mut MutexGuard<'_, State>, shared: &Arc<Shared>) -> io::Result<()> {
        let index = state.places.iter().position(|place| !place.taken).unwrap_or(state.places.len());
        if self.fail_from.is_some_and(|from| index >= from) {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "no thread as the test wishes"));
        }
        if index == state.places.len() {
            state.places.push(Place { stats: Arc::default(), handle: None, taken: false });
        }
        let mut builder = thread::Builder::new().name(self.thread_name(index));
        if let Some(bytes) = self.stack_bytes {
            builder = builder.stack_size(bytes);
        }
        let (shared, stats) = (Arc::clone(shared), Arc::clone(&state.places[index].stats));
        let handle = builder.spawn(move || worker::run(&shared, index, stats))?;
        let place = &mut state.places[index];
        place.taken = true;
        if let Some(gone) = place.handle.replace(handle) {
            // It freed its place as its last act; a pool thread does not panic outside of jobs.
            let _ = gone.join();
        }
        state.live += 1;
        Ok(())
    }

    /// Changes the size; how many further threads may be started, and whether some are too many.
    pub(crate) fn resize(&self, wanted: usize) -> Option<(usize, bool)> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        state.wanted = wanted;
        state.start_error = None;
        // Without any thread the first job starts the first one, and only then others may follow.
        let spare = if state.live == 0 { 0 } else { wanted.saturating_sub(state.live) };
        Some((spare, state.live > wanted))
    }

    pub(crate) fn live(&self) -> usize {
        self.state.lock().live
    }

    /// Whether the calling pool thread is one too many; it then must leave. The second value: there are more.
    pub(crate) fn retire(&self) -> (bool, bool) {
        let mut state = self.state.lock();
        let excess = state.live > state.wanted;
        if excess {
            state.live -= 1;
        }
        (excess, state.live > state.wanted)
    }

    /// A pool thread goes home because the pool is closed.
    pub(crate) fn go_home(&self) {
        self.state.lock().live -= 1;
    }

    /// The last act of a pool thread: its place is free.
    pub(crate) fn leave(&self, index: usize) {
        self.state.lock().places[index].taken = false;
        self.left.notify_all();
    }

    pub(crate) fn roll(&self) -> Roll {
        let state = self.state.lock();
        Roll {
            wanted: state.wanted,
            live: state.live,
            start_error: state.start_error.clone(),
            stats: state.places.iter().map(|place| Arc::clone(&place.stats)).collect(),
        }
    }

    /// No thread is started from now on.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
    }

    /// Waits until `enough`, which is asked again whenever a thread has left and at least every `patience`.
    /// It gets the blocks of the places that are still taken by others than this thread, with their numbers.
    pub(crate) fn wait(
        &self,
        patience: Duration,
        mut enough: impl FnMut(&[(usize, Arc<ThreadStats>)]) -> bool,
    ) {
        let me = thread::current().id();
        let mut state = self.state.lock();
        loop {
            let left: Vec<_> = state.others(me).collect();
            if enough(&left) {
                return;
            }
            self.left.wait_for(&mut state, patience);
        }
    }

    /// Joins every thread that has left; how many.
    pub(crate) fn join_left(&self) -> usize {
        let handles: Vec<_> = {
            let mut state = self.state.lock();
            state
                .places
                .iter_mut()
                .filter(|place| !place.taken)
                .filter_map(|place| place.handle.take())
                .collect()
        };
        let joined = handles.len();
        for handle in handles {
            let _ = handle.join(); // A pool thread does not panic outside of jobs.
        }
        joined
    }
}

impl State {
    fn others(&self, me: ThreadId) -> impl Iterator<Item = (usize, Arc<ThreadStats>)> {
        let is_me =
            move |place: &Place| place.handle.as_ref().is_some_and(|handle| handle.thread().id() == me);
        self.places
            .iter()
            .enumerate()
            .filter(move |(_, place)| place.taken && !is_me(place))
            .map(|(index, place)| (index, Arc::clone(&place.stats)))
    }
}
