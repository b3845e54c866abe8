//! The strict queue against libuv's, written down as plainly as libuv has it: one list with a marker in it.
//!
//! # Source
//! libuv `src/threadpool.c`, `worker` and `post`.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;
use sync_protocols::{Cancel, JobWord};

use super::Fifo;
use crate::job::{Job, JobCell, JobHead, JobKind, JobOutcome};

/// libuv's queue: `wq` with `None` for `run_slow_work_message`, and `slow_io_pending_wq`.
#[derive(Default)]
struct Libuv {
    wq: VecDeque<Option<u64>>,
    slow_pending: VecDeque<u64>,
    slow_running: usize,
}

impl Libuv {
    fn post(&mut self, id: u64, kind: JobKind) {
        if kind != JobKind::SlowIo {
            self.wq.push_back(Some(id));
            return;
        }
        self.slow_pending.push_back(id);
        if !self.wq.contains(&None) {
            self.wq.push_back(None);
        }
    }

    /// What one turn of a worker takes; `None` where libuv's worker would wait.
    fn take(&mut self, threshold: usize) -> Option<(u64, bool)> {
        loop {
            if self.slow_running >= threshold && self.wq.iter().eq([&None]) {
                return None;
            }
            match self.wq.pop_front()? {
                Some(id) => return Some((id, false)),
                None if self.slow_running >= threshold => self.wq.push_back(None),
                None => {
                    let Some(id) = self.slow_pending.pop_front() else { continue };
                    self.slow_running += 1;
                    if !self.slow_pending.is_empty() {
                        self.wq.push_back(None);
                    }
                    return Some((id, true));
                }
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Post(JobKind),
    Take,
    SlowDone,
    HasWork,
    Limit(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Post(JobKind::Cpu)),
        3 => Just(Step::Post(JobKind::SlowIo)),
        5 => Just(Step::Take),
        2 => Just(Step::SlowDone),
        1 => Just(Step::HasWork),
        1 => (1_usize..4).prop_map(Step::Limit),
    ];
    proptest::collection::vec(step, 0..300)
}

fn job(id: u64, kind: JobKind) -> Arc<dyn Job> {
    let head = JobHead { word: JobWord::default(), id, parent: 0, kind, name: "", submitted: None };
    JobCell::new(head, || (), |_: JobOutcome<()>| ())
}

proptest! {
    #[test]
    fn f3_the_order_is_that_of_libuv(steps in steps()) {
        let (mut model, mut limit) = (Libuv::default(), 2);
        let queue = Fifo::new(limit);
        for (id, step) in (1..).zip(steps) {
            match step {
                Step::Post(kind) => {
                    model.post(id, kind);
                    queue.push(job(id, kind));
                }
                Step::Take => {
                    let taken = queue.take().map(|taken| (taken.job.head().id, taken.slow));
                    prop_assert_eq!(taken, model.take(limit));
                }
                Step::SlowDone if model.slow_running > 0 => {
                    model.slow_running -= 1;
                    queue.slow_done();
                }
                Step::SlowDone => (),
                Step::HasWork => {
                    let waits = model.wq.is_empty() || model.slow_running >= limit && model.wq.iter().eq([&None]);
                    prop_assert_eq!(queue.has_work(), !waits);
                }
                Step::Limit(new) => {
                    limit = new;
                    queue.set_slow_limit(new);
                }
            }
        }
        let left: Vec<_> = queue.drain().iter().map(|job| job.head().id).collect();
        let mut expected: Vec<_> = model.wq.into_iter().flatten().chain(model.slow_pending).collect();
        expected.sort_unstable();
        prop_assert_eq!(left, expected);
    }
}

#[test]
fn a_purge_throws_out_what_has_ended_and_nothing_else() {
    let queue = Fifo::new(1);
    let jobs: Vec<_> =
        (1..=6).map(|id| job(id, if id % 2 == 0 { JobKind::SlowIo } else { JobKind::Cpu })).collect();
    jobs.iter().for_each(|job| queue.push(job.clone()));
    for ended in [2, 3, 4, 6] {
        assert_eq!(jobs[ended - 1].head().word.withdraw(), Cancel::Won);
    }
    assert_eq!(jobs[0].head().word.cancel(), Cancel::Won); // Not told yet, so it stays.
    assert_eq!(queue.purge(), (4, 2));
    queue.push(job(7, JobKind::SlowIo));
    let order: Vec<_> = std::iter::from_fn(|| queue.take()).map(|taken| taken.job.head().id).collect();
    assert_eq!(order, [1, 5, 7]);
}
