//! What a job waits for: the queue wait of every job, the first result of a cold pool, the time for all of them.
//!
//! # Model
//! The bench reads the clock itself, before it submits and as the first thing in the job, so that every contender is
//! measured by the same ruler, whatever it measures of its own. A round begins with a pool that has no thread yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use clock::Clock;
use runtime_trace::LatencyHistogram;

use crate::contender::{Contender, Pool};
use crate::window::Window;
use crate::workload::{Load, Workload};

/// The figures of one combination, over all its rounds.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was run.
    pub workload: Workload,
    /// Who ran it.
    pub contender: Contender,
    /// On how many threads.
    pub threads: usize,
    /// How many jobs a round has.
    pub jobs: usize,
    /// The most jobs in flight.
    pub in_flight: usize,
    /// From submission to start, of every job of every round.
    pub queue_wait: LatencyHistogram,
    /// From the first submission to the end of the first job, one for each round: with it, the start of a thread.
    pub first_results: Vec<Duration>,
    /// From the first submission to the end of the last job, one for each round.
    pub totals: Vec<Duration>,
}

impl Row {
    /// A row without rounds.
    pub fn new(workload: Workload, contender: Contender, threads: usize, load: &Load) -> Row {
        Row {
            workload,
            contender,
            threads,
            jobs: load.jobs(),
            in_flight: load.in_flight,
            queue_wait: LatencyHistogram::new(),
            first_results: Vec::new(),
            totals: Vec::new(),
        }
    }

    /// Runs one round and adds what it shows.
    pub fn add_round(&mut self, load: &Load, clock: &Clock) {
        let samples = Arc::new(Samples::new(load.jobs()));
        let pool = Pool::build(self.contender, self.threads, Window::new(load.in_flight));
        let begun = clock.now();
        let (probe_clock, probe_samples) = (clock.clone(), Arc::clone(&samples));
        load.run(&pool, move || {
            let (clock, samples) = (probe_clock.clone(), Arc::clone(&probe_samples));
            let submitted = clock.now();
            move |work| {
                samples.add_wait(clock.now() - submitted);
                work.run();
                samples.set_first_result(|| clock.now() - begun);
            }
        });
        self.totals.push(clock.now() - begun);
        drop(pool);
        samples.waits_ns().for_each(|wait_ns| self.queue_wait.record(Duration::from_nanos(wait_ns)));
        self.first_results.push(Duration::from_nanos(samples.first_result_ns.load(Ordering::Relaxed)));
    }

    /// The median of the rounds.
    pub fn total(&self) -> Duration {
        median(&self.totals)
    }

    /// The median of the rounds.
    pub fn first_result(&self) -> Duration {
        median(&self.first_results)
    }

    /// Jobs that ended in a second, in the median round.
    pub fn jobs_per_second(&self) -> f64 {
        self.jobs as f64 / self.total().as_secs_f64().max(1e-9)
    }
}

/// The upper median, so that it is a time that was measured; 0 of nothing.
fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// One place for each job, taken in the order in which jobs start.
///
/// All orderings are Relaxed: it is read only after the window has seen every job end, which carries the stores.
struct Samples {
    next: AtomicUsize,
    waits_ns: Box<[AtomicU64]>,
    /// 0 until the first job has ended.
    first_result_ns: AtomicU64,
}

impl Samples {
    fn new(jobs: usize) -> Samples {
        let waits_ns = (0..jobs).map(|_| AtomicU64::new(0)).collect();
        Samples { next: AtomicUsize::new(0), waits_ns, first_result_ns: AtomicU64::new(0) }
    }

    fn add_wait(&self, wait: Duration) {
        let place = self.next.fetch_add(1, Ordering::Relaxed);
        self.waits_ns[place].store(wait.as_nanos() as u64, Ordering::Relaxed);
    }

    fn set_first_result(&self, elapsed: impl FnOnce() -> Duration) {
        if self.first_result_ns.load(Ordering::Relaxed) == 0 {
            let ns = elapsed().as_nanos() as u64;
            // The loser of a race ended its job at the same moment, so it does not matter who wins.
            let _ = self.first_result_ns.compare_exchange(0, ns, Ordering::Relaxed, Ordering::Relaxed);
        }
    }

    fn waits_ns(&self) -> impl Iterator<Item = u64> {
        let added = self.next.load(Ordering::Relaxed);
        self.waits_ns[..added].iter().map(|wait_ns| wait_ns.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_has_a_wait_for_every_job_and_a_first_result_before_the_last() {
        let clock = Clock::real();
        let load = Workload::Nested.load(&clock).shortened();
        let mut row = Row::new(Workload::Nested, Contender::Stealing, 2, &load);
        row.add_round(&load, &clock);
        row.add_round(&load, &clock);
        assert_eq!(row.queue_wait.count(), 2 * load.jobs() as u64);
        assert_eq!((row.first_results.len(), row.totals.len()), (2, 2));
        assert!(row.first_results.iter().zip(&row.totals).all(|(first, total)| first <= total), "{row:?}");
        assert!(row.first_result() > Duration::ZERO);
    }

    #[test]
    fn the_median_is_one_of_the_times() {
        let ms = |values: &[u64]| values.iter().map(|&ms| Duration::from_millis(ms)).collect::<Vec<_>>();
        assert_eq!(median(&ms(&[9, 1, 5])), Duration::from_millis(5));
        assert_eq!(median(&ms(&[9, 1])), Duration::from_millis(9));
        assert_eq!(median(&[]), Duration::ZERO);
    }
}
