//! The samples of the acts as measurements of an experiment, and back: the lab judges by the same rules as the example.
//!
//! # Model
//! A cell is an act. Its samples carry the names that the figures of the example have; what else the rules look at
//! stands beside them: iterations, failures, the time that was played, and what was asked for.

use crate::load::Outcome;
use crate::measurements::{Measurements, Sink};
use crate::starvation::acts::Act;
use crate::starvation::figures::{ActSamples, FailureKindText, Measured};
use crate::starvation::rules::{Setting, Words};

/// The latencies of the pings.
pub const PING_MS: &str = "ping_ms";
/// How long the heavy work took on the server.
pub const WORK_MS: &str = "work_ms";
/// From the intended send time of a heavy request to its answer.
pub const COMPLETION_MS: &str = "completion_ms";
/// How late the client was with its own schedule.
pub const CLIENT_LATE_MS: &str = "client_late_ms";
const ITERATIONS: &str = "iterations";
const PLAYED_MS: &str = "played_ms";
const PING_FAILURES: &str = "ping_failures";
const WORK_FAILURES: &str = "work_failures";
const WAITED: &str = "waited_for_connection";
const CHUNK_MS: &str = "asked_chunk_ms";
const ASKED_ITERATIONS: &str = "asked_iterations";
const SPREAD: &str = "calibration_spread";

/// What was asked of the heavy routes of a server.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// Iterations of the work of one heavy request.
    pub iterations: u64,
    /// How far the tries of its calibration were apart.
    pub calibration_spread: f64,
    /// How long a piece of the chunked work was to be.
    pub chunk_ms: f64,
}

/// Writes what one act of one round brought; `length_ms` is how long it was to last.
pub fn publish(sink: &mut Sink<'_>, outcome: &Outcome, length_ms: f64, asked: &Asked) {
    let mut samples = ActSamples::default();
    samples.add(outcome, length_ms);
    sink.extend(PING_MS, samples.pings_ms.into_iter().flatten());
    sink.extend(WORK_MS, samples.work_ms);
    sink.extend(COMPLETION_MS, samples.completion_ms);
    sink.extend(CLIENT_LATE_MS, samples.client_late_ms);
    sink.extend(ITERATIONS, samples.iterations.into_iter().map(|count| count as f64));
    sink.add(PLAYED_MS, samples.played_ms);
    sink.add(WAITED, samples.waited_for_connection as f64);
    for (metric, failures) in [(PING_FAILURES, samples.ping_failures), (WORK_FAILURES, samples.work_failures)]
    {
        sink.add(metric, failures.len() as f64);
        failures.into_iter().for_each(|failure| sink.fact(metric, failure));
    }
    sink.add(CHUNK_MS, asked.chunk_ms);
    sink.add(ASKED_ITERATIONS, asked.iterations as f64);
    sink.add(SPREAD, asked.calibration_spread);
}

/// The samples as the rules want them; other cells than acts are left out.
pub fn measured(measurements: &Measurements) -> Measured {
    Measured {
        acts: Act::ALL.map(|act| samples(measurements, act.name())),
        rounds: measurements.rounds,
        others_cores: measurements.others_cores,
        complete: measurements.complete,
    }
}

/// What else the rules must know.
pub fn setting(measurements: &Measurements, seed: u64) -> Setting {
    let asked = |metric| measurements.samples((metric, Act::Inline.name())).last().unwrap_or(0.0);
    Setting {
        cores: measurements.cores,
        chunk_ms: asked(CHUNK_MS),
        iterations: asked(ASKED_ITERATIONS) as u64,
        calibration_spread: asked(SPREAD),
        seed,
        words: Words::LAB,
    }
}

fn samples(measurements: &Measurements, cell: &str) -> ActSamples {
    let all = |metric| measurements.samples((metric, cell));
    ActSamples {
        pings_ms: measurements.rounds_of((PING_MS, cell)).to_vec(),
        work_ms: all(WORK_MS).collect(),
        completion_ms: all(COMPLETION_MS).collect(),
        client_late_ms: all(CLIENT_LATE_MS).collect(),
        iterations: all(ITERATIONS).map(|count| count as u64).collect(),
        ping_failures: failures(measurements, PING_FAILURES, cell),
        work_failures: failures(measurements, WORK_FAILURES, cell),
        played_ms: all(PLAYED_MS).sum(),
        waited_for_connection: all(WAITED).sum::<f64>() as usize,
    }
}

/// As many failures as were counted; the texts that were seen, the last one for those that repeat it.
fn failures(measurements: &Measurements, metric: &str, cell: &str) -> Vec<FailureKindText> {
    let count = measurements.samples((metric, cell)).sum::<f64>() as usize;
    let mut texts = measurements.facts_of(metric, cell);
    let last = texts.last().cloned().unwrap_or_default();
    texts.resize(count, last);
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Failure, FailureKind, Sample, Totals};
    use crate::work::WorkDone;

    #[test]
    fn what_is_published_comes_back_as_it_was() {
        let sample = |stream, intended_ns: u64, latency_ns, work| {
            let handed_ns = intended_ns + 50_000;
            Sample { stream, intended_ns, handed_ns, sent_ns: handed_ns, latency_ns, work }
        };
        let failure = |stream| Failure { stream, intended_ns: 1, kind: FailureKind::Closed };
        let outcome = Outcome {
            complete: true,
            started_wall_ns: 1,
            samples: vec![
                sample(0, 10_000_000, 250_000, None),
                sample(1, 20_000_000, 201_000_000, Some(WorkDone { iterations: 10, work_ms: 200.5 })),
            ],
            failures: vec![failure(0), failure(0), failure(1)],
            totals: Totals { scheduled: 5, connections: 3, waited_for_connection: 1 },
        };
        let asked = Asked { iterations: 10, calibration_spread: 0.1, chunk_ms: 0.5 };
        let (mut direct, mut measurements) = (Measured::default(), Measurements::new(2));
        for _ in 0..2 {
            for act in Act::ALL {
                direct.add(act, &outcome, 500.0);
                publish(&mut Sink::new(&mut measurements, act.name()), &outcome, 500.0, &asked);
            }
            measurements.end_round();
            direct.rounds += 1;
        }
        assert_eq!(measured(&measurements), direct);
        let setting = setting(&measurements, 7);
        assert_eq!((setting.iterations, setting.chunk_ms, setting.cores), (10, 0.5, 2));
        assert_eq!(setting.calibration_spread, 0.1);
        assert_eq!(measured(&Measurements::new(2)), Measured::default());
    }
}
