//! Real CPU work in amounts of milliseconds, calibrated in the build profile that runs.
//!
//! # Model
//! The kit needs no cryptography of its own: whoever measures passes a function that does `n` iterations of
//! something real (pbkdf2). Calibration finds how many iterations one millisecond takes when nothing else
//! runs; after that every act gets the same number of iterations, however long they then take.
//!
//! # Invariants
//! - K1: the pieces of a chunked work add up to exactly the iterations of the whole.

use std::time::Duration;

use clock::Clock;
use serde::{Deserialize, Serialize};

use crate::error::KitError;

/// How fast this machine and this build do the work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Iterations that take one millisecond.
    pub iterations_per_ms: f64,
    /// (median try - fast try) / fast try: above 0.2 something else was running.
    pub spread: f64,
}

/// So many tries, each short enough to fit between two interruptions of a busy machine.
const TRIES: usize = 51;
/// The try that counts, from the fastest: other programs can only make a try slower, never faster.
const FAST: usize = TRIES / 10;
const TRY: Duration = Duration::from_millis(3);
const MOST_DOUBLINGS: u32 = 40;

impl Calibration {
    /// Times `burn`: doubles the amount until it takes about 3 ms (which warms up, too), then takes a fast one of many
    /// tries. That takes about 0.2 s.
    ///
    /// # Errors
    /// `KitError::Calibration` when more iterations do not take more time.
    pub fn measure(burn: impl Fn(u64), clock: &Clock) -> Result<Calibration, KitError> {
        let amount = find_amount(&burn, clock)?;
        let mut took: Vec<f64> = (0..TRIES).map(|_| time(&burn, amount, clock).as_secs_f64() * 1e3).collect();
        took.sort_unstable_by(f64::total_cmp);
        let (fast_ms, median_ms) = (took[FAST], took[TRIES / 2]);
        Ok(Calibration {
            iterations_per_ms: amount as f64 / fast_ms,
            spread: (median_ms - fast_ms) / fast_ms,
        })
    }
}

fn find_amount(burn: &impl Fn(u64), clock: &Clock) -> Result<u64, KitError> {
    let mut amount = 16;
    for _ in 0..MOST_DOUBLINGS {
        if time(burn, amount, clock) >= TRY {
            return Ok(amount);
        }
        amount *= 2;
    }
    Err(KitError::Calibration { iterations: amount / 2, took: time(burn, 1, clock) })
}

fn time(burn: &impl Fn(u64), iterations: u64, clock: &Clock) -> Duration {
    let start = clock.now();
    burn(iterations);
    clock.now() - start
}

/// Calibrated work: what the three heavy routes of a contender do.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    burn: fn(u64),
    calibration: Calibration,
}

impl Work {
    /// Work that does `calibration.iterations_per_ms` iterations of `burn` for each millisecond asked.
    pub fn new(burn: fn(u64), calibration: Calibration) -> Work {
        Work { burn, calibration }
    }

    /// How fast it was when calibrated.
    pub fn calibration(&self) -> Calibration {
        self.calibration
    }

    /// The number of iterations that take `want` on a quiet machine, at least 1.
    pub fn iterations(&self, want: Duration) -> u64 {
        let iterations = self.calibration.iterations_per_ms * want.as_secs_f64() * 1_000.0;
        (iterations.round() as u64).max(1)
    }

    /// Does `iterations` of the work on the calling thread.
    pub fn run(&self, iterations: u64) {
        (self.burn)(iterations);
    }

    /// The iterations of `want`, cut into equal pieces of at most `chunk` each (K1).
    pub fn pieces(&self, want: Duration, chunk: Duration) -> impl Iterator<Item = u64> + Send + use<> {
        let total = self.iterations(want);
        let count = total.div_ceil(self.iterations(chunk));
        (0..count).map(move |piece| total * (piece + 1) / count - total * piece / count)
    }
}

/// What a heavy route answers: how much it did and how long that took on the server.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct WorkDone {
    /// Iterations done.
    pub iterations: u64,
    /// Milliseconds from the begin of the first piece to the end of the last, without the time in a queue.
    pub work_ms: f64,
}

impl WorkDone {
    /// `iterations` done in `took`.
    pub fn new(iterations: u64, took: Duration) -> WorkDone {
        WorkDone { iterations, work_ms: took.as_secs_f64() * 1_000.0 }
    }

    /// The body of the answer, `{"iterations":…,"work_ms":…}`; its type is `application/json`.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("two numbers always make JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(iterations_per_ms: f64) -> Work {
        Work::new(|_| {}, Calibration { iterations_per_ms, spread: 0.0 })
    }

    #[test]
    fn k1_pieces_add_up_to_the_whole() {
        for (per_ms, want_us, chunk_us) in
            [(7.3, 200_000, 500), (1_000.0, 200_000, 333), (0.01, 1_000, 1), (5.0, 1, 900)]
        {
            let (want, chunk) = (Duration::from_micros(want_us), Duration::from_micros(chunk_us));
            let work = work(per_ms);
            let pieces: Vec<u64> = work.pieces(want, chunk).collect();
            assert_eq!(pieces.iter().sum::<u64>(), work.iterations(want));
            assert!(pieces.iter().all(|&piece| piece >= 1 && piece <= work.iterations(chunk)), "{pieces:?}");
        }
    }

    #[test]
    fn calibration_finds_the_speed_of_a_machine_on_a_manual_clock() {
        let (clock, hands) = Clock::manual();
        let found = Calibration::measure(|n| hands.advance(Duration::from_nanos(n * 2_500)), &clock).unwrap();
        assert!((found.iterations_per_ms - 400.0).abs() < 1e-6, "{found:?}");
        assert_eq!(found.spread, 0.0);
    }

    #[test]
    fn calibration_shrugs_off_other_programs() {
        // Four of five tries are interrupted for as long as they work.
        let (clock, hands) = Clock::manual();
        let tries = std::cell::Cell::new(0);
        let burn = |n: u64| {
            tries.set(tries.get() + 1);
            hands.advance(Duration::from_micros(if tries.get() % 5 == 0 { n } else { 2 * n }));
        };
        let found = Calibration::measure(burn, &clock).unwrap();
        assert!((found.iterations_per_ms - 1_000.0).abs() < 1e-6, "{found:?}");
        assert!((found.spread - 1.0).abs() < 1e-6, "{found:?}");
    }

    #[test]
    fn calibration_refuses_work_that_takes_no_time() {
        let (clock, _hands) = Clock::manual();
        let error = Calibration::measure(|_| {}, &clock).unwrap_err();
        assert!(error.to_string().starts_with("cannot calibrate the work"), "{error}");
    }

    #[test]
    fn the_answer_survives_the_wire() {
        let done = WorkDone::new(12_345, Duration::from_micros(200_250));
        assert_eq!(done.to_json(), r#"{"iterations":12345,"work_ms":200.25}"#);
        assert_eq!(serde_json::from_str::<WorkDone>(&done.to_json()).unwrap(), done);
    }
}
