//! The threads of a pool: started when needed, retired when too many, joined at the end.
//!
//! # Model
//! A pool of size N has N places. A place is filled when a job finds nobody to call (see `Sleepers`), so a pool
//! that is never used has no thread and one that is used a little has few. The place's number is in the thread's
//! name, and what a place has counted stays with it when its thread goes and another comes.
//!
//! # Invariants
//! - T1: never more threads exist than the pool's size, save those that are about to leave after a shrink.
//! - T2: a pool has no thread before its first job; further ones start as jobs find nobody asleep.
//! - T3: every thread that left is joined: by the next one in its place, or by the shutdown.
//!
//! # Threads
//! `left` is signalled by each thread as its last act; `wait` listens. Lock order: the crew, then the queue
//! or the sleepers.

use std::io;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, ThreadId};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};
use sync_protocols::Call;

use crate::metrics::ThreadStats;
use crate::shared::{Shared, slow_limit};
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
    /// Threads that left a place which was filled again; joined without the lock, because a thread that ends runs
    /// destructors of its jobs' thread-locals.
    gone: Vec<JoinHandle<()>>,
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
        let state =
            State { places: Vec::new(), live: 0, wanted, closed: false, start_error: None, gone: Vec::new() };
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
            shared.sleepers.set_spare(state.wanted);
            // As if the job, which is not queued yet, had called: so it does not call another one.
            let call = shared.sleepers.call_one();
            debug_assert_eq!(call, Call::Start);
            self.start_in(&mut state, shared)?;
        }
        self.any.store(true, Ordering::Release);
        Ok(true)
    }

    /// Starts the thread that a call asked for; `false` when it cannot be or is not wanted any more.
    pub(crate) fn start(&self, shared: &Arc<Shared>) -> bool {
        let mut state = self.state.lock();
        if state.closed || state.live >= state.wanted {
            shared.sleepers.start_failed();
            return false;
        }
        let started = self.start_in(&mut state, shared).is_ok();
        let gone = mem::take(&mut state.gone);
        drop(state);
        join(gone);
        started
    }

    /// Fills a place. If that fails, the pool goes on with the threads that it has until it is resized.
    fn start_in(&self, state: &mut State, shared: &Arc<Shared>) -> io::Result<()> {
        let started = self.spawn(state, shared);
        state.start_error = started.as_ref().err().map(ToString::to_string);
        if started.is_err() {
            shared.queue.set_slow_limit(slow_limit(state.live));
            shared.sleepers.start_failed();
        }
        started
    }

    fn spawn(&self, state: &mut State, shared: &Arc<Shared>) -> io::Result<()> {
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
        let gone = place.handle.replace(handle);
        state.gone.extend(gone);
        state.live += 1;
        Ok(())
    }

    /// Changes the size; whether there are too many threads now, or `None` when the pool is closed.
    pub(crate) fn resize(&self, wanted: usize, shared: &Shared) -> Option<bool> {
        let mut state = self.state.lock();
        if state.closed {
            return None;
        }
        state.wanted = wanted;
        state.start_error = None;
        // Without any thread the first job starts the first one, and only then others may follow.
        let spare = if state.live == 0 { 0 } else { wanted.saturating_sub(state.live) };
        shared.sleepers.set_spare(spare);
        shared.queue.set_slow_limit(slow_limit(wanted));
        Some(state.live > wanted)
    }

    /// Whether the calling pool thread is one too many; it then must leave. The second value: there are more. In a
    /// closed pool nobody is: all work until the queue is empty.
    pub(crate) fn retire(&self) -> (bool, bool) {
        let mut state = self.state.lock();
        let excess = state.live > state.wanted && !state.closed;
        if excess {
            state.live -= 1;
        }
        (excess, state.live > state.wanted && !state.closed)
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

    /// Waits until `enough` says so, which is asked at first, whenever a thread has left, and after the time that it
    /// returned. It gets the blocks of the places that are taken by others than this thread, with their numbers.
    pub(crate) fn wait(&self, mut enough: impl FnMut(&[(usize, Arc<ThreadStats>)]) -> Wait) {
        let me = thread::current().id();
        let mut state = self.state.lock();
        loop {
            let left: Vec<_> = state.others(me).collect();
            match enough(&left) {
                Wait::Over => return,
                Wait::For(patience) => drop(self.left.wait_for(&mut state, patience)),
                Wait::On => self.left.wait(&mut state),
            }
        }
    }

    /// Joins every thread that has left; how many.
    pub(crate) fn join_left(&self) -> usize {
        let mut state = self.state.lock();
        let mut handles = mem::take(&mut state.gone);
        let left = state.places.iter_mut().filter(|place| !place.taken);
        handles.extend(left.filter_map(|place| place.handle.take()));
        drop(state);
        let joined = handles.len();
        join(handles);
        joined
    }
}

/// Whether to go on waiting, and for how long.
pub(crate) enum Wait {
    Over,
    For(Duration),
    On,
}

fn join(handles: Vec<JoinHandle<()>>) {
    for handle in handles {
        let _ = handle.join(); // A pool thread does not panic outside of jobs.
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use crate::{BlockingPool, JobKind, Scheduler};

    #[test]
    fn a_pool_whose_later_threads_cannot_be_started_goes_on_with_those_it_has() {
        for scheduler in [Scheduler::Fifo, Scheduler::WorkStealing] {
            let mut builder = BlockingPool::builder().threads(4).scheduler(scheduler);
            builder.fail_from = Some(2);
            let pool = builder.build().expect("the options are in range");
            let (enter, entered) = mpsc::channel();
            let (open, gate) = mpsc::channel::<()>();
            let gate = std::sync::Arc::new(parking_lot::Mutex::new(gate));
            let (end, ended) = mpsc::channel();
            for kind in [JobKind::Cpu, JobKind::Cpu, JobKind::SlowIo, JobKind::SlowIo, JobKind::Cpu] {
                let (enter, gate, end) = (enter.clone(), gate.clone(), end.clone());
                let work = move || {
                    enter.send(()).expect("the test waits for this");
                    gate.lock().recv().expect("the test opens the gate once for each job");
                };
                pool.submit(kind, "gated", work, move |_| end.send(()).expect("so"))
                    .expect("there is a thread");
            }
            (0..2).for_each(|_| entered.recv().expect("two threads run"));
            let metrics = pool.metrics();
            assert_eq!((metrics.threads_started, metrics.threads_wanted), (2, 4));
            assert_eq!((metrics.total().depth, metrics.total().rejected), (3, 0));
            assert_eq!(metrics.start_error.as_deref(), Some("no thread as the test wishes"));
            (0..5).for_each(|_| open.send(()).expect("jobs wait"));
            (0..5).for_each(|_| ended.recv().expect("all run on the two threads"));
            pool.resize(3).expect("it is open");
            assert_eq!(pool.metrics().start_error, None, "a resize tries again");
        }
    }
}
