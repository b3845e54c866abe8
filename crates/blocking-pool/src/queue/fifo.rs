//! The strict queue: jobs start in the order of submission, slow ones in libuv's marker order.
//!
//! # Model
//! Two ends with a lock each. Submitters append to the back; pool threads take from the front and, when it is
//! empty, swap it with the back, which is two pointers whatever the length. So a submitter meets a pool thread at
//! a lock once in a batch and not once in a job, and the order is that of one queue.
//!
//! Slow jobs wait in a side queue. In the front they are represented by one marker: taking it takes one slow job,
//! and the marker goes to the tail if more wait. Slow work therefore gets one job in each trip through the queue,
//! and at most `slow_limit` threads; a marker that is met at the limit goes to the tail, too. The tail is behind
//! everything that was submitted so far, so the back is fetched before the marker is put there.
//!
//! # Invariants
//! - F1: jobs that are not slow are taken in the order of `push`.
//! - F2: never more than `slow_limit` slow jobs are out at the same time, unless the limit was lowered meanwhile.
//! - F3: with slow jobs, the order is that of libuv's queue with its marker.
//!
//! # Threads
//! Lock order: front, then back.
//!
//! # Source
//! libuv `src/threadpool.c`, `worker` and `post`, `run_slow_work_message`.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Taken;
use crate::job::{Job, JobKind};
use crate::shared::Padded;

pub(crate) struct Fifo {
    back: Padded<Mutex<Back>>,
    front: Padded<Mutex<Front>>,
}

/// What submitters append to. Guarded by `Fifo::back`.
#[derive(Default)]
struct Back {
    entries: VecDeque<Entry>,
    any_slow: bool,
}

/// What pool threads take from. Guarded by `Fifo::front`.
#[derive(Default)]
struct Front {
    entries: VecDeque<Entry>,
    slow: VecDeque<Arc<dyn Job>>,
    slow_running: usize,
    slow_limit: usize,
}

/// A job, or (`None`) the marker.
type Entry = Option<Arc<dyn Job>>;

impl Fifo {
    pub(crate) fn new(slow_limit: usize) -> Fifo {
        Fifo { back: Padded::default(), front: Padded(Mutex::new(Front { slow_limit, ..Front::default() })) }
    }

    #[inline]
    pub(crate) fn push(&self, job: Arc<dyn Job>) {
        let slow = job.head().kind == JobKind::SlowIo;
        let mut back = self.back.0.lock();
        back.any_slow |= slow;
        back.entries.push_back(Some(job));
    }

    pub(crate) fn take(&self) -> Option<Taken> {
        let mut front = self.front.0.lock();
        if front.entries.is_empty() {
            self.fetch(&mut front, false);
        }
        // Each marker met at the limit goes round once; `trips` ends that when there is nothing else.
        let mut trips = 0;
        loop {
            match front.entries.pop_front()? {
                Some(job) => return Some(Taken { job, slow: false }),
                None => {
                    self.fetch(&mut front, true);
                    let may_run = front.slow_running < front.slow_limit;
                    let job = if may_run { front.slow.pop_front() } else { None };
                    if !front.slow.is_empty() {
                        front.entries.push_back(None);
                    }
                    if let Some(job) = job {
                        front.slow_running += 1;
                        return Some(Taken { job, slow: true });
                    }
                    trips += 1;
                    if trips > 1 {
                        return None;
                    }
                }
            }
        }
    }

    /// Moves the back to the tail of the front. `marked` says that the marker is in the front or in somebody's hand;
    /// otherwise the first slow job leaves it in its place.
    fn fetch(&self, front: &mut Front, marked: bool) {
        let mut back = self.back.0.lock();
        if front.entries.is_empty() && !back.any_slow {
            mem::swap(&mut front.entries, &mut back.entries);
            return;
        }
        back.any_slow = false;
        let mut marked = marked || !front.slow.is_empty();
        for entry in back.entries.drain(..) {
            match entry {
                Some(job) if job.head().kind == JobKind::SlowIo => {
                    front.slow.push_back(job);
                    if !mem::replace(&mut marked, true) {
                        front.entries.push_back(None);
                    }
                }
                entry => front.entries.push_back(entry),
            }
        }
    }

    pub(crate) fn slow_done(&self) {
        self.front.0.lock().slow_running -= 1;
    }

    pub(crate) fn has_work(&self) -> bool {
        let mut front = self.front.0.lock();
        if front.entries.is_empty() || front.slow_running >= front.slow_limit {
            let marked = !front.slow.is_empty();
            self.fetch(&mut front, marked);
        }
        match front.entries.front() {
            None => false,
            Some(None) if front.entries.len() == 1 => front.slow_running < front.slow_limit,
            Some(_) => true,
        }
    }

    pub(crate) fn set_slow_limit(&self, limit: usize) {
        self.front.0.lock().slow_limit = limit;
    }

    pub(crate) fn drain(&self) -> Vec<Arc<dyn Job>> {
        let mut front = self.front.0.lock();
        let marked = !front.slow.is_empty();
        self.fetch(&mut front, marked);
        let mut jobs: Vec<_> = mem::take(&mut front.entries).into_iter().flatten().collect();
        jobs.extend(mem::take(&mut front.slow));
        jobs.sort_by_key(|job| job.head().id);
        jobs
    }

    pub(crate) fn purge(&self) -> (usize, usize) {
        let mut front = self.front.0.lock();
        let marked = !front.slow.is_empty();
        self.fetch(&mut front, marked);
        let jobs = |front: &Front| front.entries.iter().flatten().count() + front.slow.len();
        let before = jobs(&front);
        front.slow.retain(super::is_alive);
        let marker_stays = !front.slow.is_empty();
        front.entries.retain(|entry| entry.as_ref().map_or(marker_stays, super::is_alive));
        let kept = jobs(&front);
        (before - kept, kept)
    }
}
