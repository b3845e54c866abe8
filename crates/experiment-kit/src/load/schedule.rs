//! The fixed schedule of an act: when each request of each stream is due.
//!
//! # Model
//! A stream of `count` moments cuts the act into `count` equal slots; each moment, with its request or requests, is a
//! random one in the first half of its slot. So the count is exact, the rate is even (unlike a Poisson process, whose own
//! bunches would show up in the p99 of the idle act), the requests do not fall into step with each other or
//! with a timer of the server, and a block that takes less than half a slot ends within it.

use std::time::Duration;

use crate::load::StreamSpec;
use crate::rng::Rng;

/// One request that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    /// When, from the begin of the act.
    pub(super) at: Duration,
    /// Index into the streams.
    pub(super) stream: usize,
}

/// All requests of the act in order of time.
pub(super) fn schedule(streams: &[StreamSpec], length: Duration, seed: u64) -> Vec<Due> {
    let mut dues = Vec::new();
    for (stream, spec) in streams.iter().enumerate() {
        let mut rng = Rng::new(seed.wrapping_add(stream as u64));
        let slot = length.as_secs_f64() / spec.count.max(1) as f64;
        for index in 0..spec.count {
            let at = Duration::from_secs_f64((index as f64 + 0.5 * rng.unit()) * slot);
            dues.extend(std::iter::repeat_n(Due { at, stream }, spec.at_once));
        }
    }
    dues.sort_by_key(|due| due.at);
    dues
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streams() -> Vec<StreamSpec> {
        vec![StreamSpec::new("/ping", 200), StreamSpec::new("/block?ms=200", 2)]
    }

    #[test]
    fn every_request_is_due_in_the_first_half_of_its_slot() {
        let dues = schedule(&streams(), Duration::from_secs(1), 3);
        assert_eq!(dues.len(), 202);
        assert!(dues.windows(2).all(|pair| pair[0].at <= pair[1].at));
        for (stream, slot_ms) in [(0, 5.0), (1, 500.0)] {
            let of_stream = dues.iter().filter(|due| due.stream == stream);
            for (index, due) in of_stream.enumerate() {
                let within = due.at.as_secs_f64() * 1_000.0 - index as f64 * slot_ms;
                assert!((0.0..slot_ms / 2.0).contains(&within), "{due:?}");
            }
        }
    }

    #[test]
    fn a_stream_keeps_its_times_whatever_runs_beside_it() {
        let both = schedule(&streams(), Duration::from_secs(1), 3);
        let alone = schedule(&streams()[..1], Duration::from_secs(1), 3);
        let pings: Vec<Due> = both.into_iter().filter(|due| due.stream == 0).collect();
        assert_eq!(pings, alone);
        assert_ne!(alone, schedule(&streams()[..1], Duration::from_secs(1), 4));
    }

    #[test]
    fn a_stream_of_nothing_has_an_empty_schedule() {
        let none = [StreamSpec::new("/ping", 0)];
        assert_eq!(schedule(&none, Duration::from_secs(1), 1), []);
    }

    #[test]
    fn requests_that_go_together_are_due_at_the_same_moments_as_one_would_be() {
        let alone = schedule(&streams()[1..], Duration::from_secs(1), 3);
        let three = [StreamSpec { at_once: 3, ..StreamSpec::new("/block?ms=200", 2) }];
        let together = schedule(&three, Duration::from_secs(1), 3);
        assert_eq!(together, [alone[0], alone[0], alone[0], alone[1], alone[1], alone[1]]);
    }
}
