//! One act as a picture: what the server recorded, with the pings that the client had in flight above it.

use std::time::Duration;

use runtime_trace::Recording;
use trace_report::lanes::{Class, Row, Timeline, TimelineOptions, Window};

use crate::load::Outcome;
use crate::starvation::acts::Act;

/// An act of one round, ready to be drawn.
pub(crate) struct Scene {
    pub(crate) act: Act,
    pub(crate) recording: Recording,
    window: Window,
    /// From the intended send time to the answer, on the clock of the recording.
    pings_ns: Vec<(u64, u64)>,
}

impl Scene {
    /// The scene of `act`, which was to last `length`.
    ///
    /// Client and server are two processes: the client says when its schedule began by the wall clock, and the wall
    /// time of this process's own start puts that on the clock of the recording.
    pub(crate) fn new(act: Act, outcome: &Outcome, length: Duration, recording: Recording) -> Scene {
        let process_start =
            clock::process_start_wall().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let from_ns = outcome.started_wall_ns.saturating_sub(process_start.as_nanos() as u64);
        let window = Window::new(from_ns, from_ns + length.as_nanos() as u64);
        let pings = outcome.samples.iter().filter(|sample| sample.stream == 0);
        let pings_ns = pings.map(|ping| {
            let intended_ns = from_ns + ping.intended_ns;
            (intended_ns, intended_ns + ping.latency_ns)
        });
        Scene { act, recording, window, pings_ns: pings_ns.collect() }
    }

    /// The lanes of the server (those that recorded anything) and the waiting pings.
    pub(crate) fn timeline(&self, stall_after: Duration) -> Timeline {
        let options = TimelineOptions { stall_after: Some(stall_after), marks: false };
        let mut timeline = Timeline::new(&self.recording, self.window, &options);
        timeline.rows.retain(|row| row.intervals.iter().any(|interval| interval.class != Class::Idle));
        let pings =
            Row::overlapping("pings", Class::Wait, "pings wait", self.window, self.pings_ns.iter().copied());
        timeline.rows.push(pings);
        timeline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Sample, Totals};

    #[test]
    fn the_pings_of_the_client_stand_on_the_clock_of_the_recording() {
        let start = clock::process_start_wall().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ms = |ms: u64| ms * 1_000_000;
        let ping = |stream, intended_ms, latency_ms| Sample {
            stream,
            intended_ns: ms(intended_ms),
            handed_ns: ms(intended_ms),
            sent_ns: ms(intended_ms),
            latency_ns: ms(latency_ms),
            work: None,
        };
        let outcome = Outcome {
            complete: true,
            started_wall_ns: start.as_nanos() as u64 + ms(5_000),
            samples: vec![ping(0, 100, 50), ping(0, 120, 30), ping(1, 100, 200)],
            failures: Vec::new(),
            totals: Totals::default(),
        };
        let scene = Scene::new(Act::Inline, &outcome, Duration::from_secs(1), Recording::default());
        let timeline = scene.timeline(Duration::from_millis(50));
        assert_eq!(timeline.window, Window::new(ms(5_000), ms(6_000)));
        let row = &timeline.rows[0];
        assert_eq!((row.name.as_str(), row.depth_max()), ("pings", 2));
        assert_eq!(row.intervals[0].start_ns, ms(5_100));
        assert_eq!(row.intervals.last().unwrap().end_ns, ms(5_150));
    }
}
