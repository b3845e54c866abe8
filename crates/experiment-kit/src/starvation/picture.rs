//! The acts as pictures: what the server recorded, with the pings that had to wait, as the client saw them.

use std::time::Duration;

use runtime_trace::Recording;
use trace_report::lanes::{Class, Row, Timeline, TimelineOptions, Window, Words};

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

    /// The lanes of the server (those that did anything) and the pings that waited longer than `late`.
    pub(crate) fn timeline(&self, stall_after: Duration, late: Duration) -> Timeline {
        let options = TimelineOptions { stall_after: Some(stall_after), marks: false };
        let mut timeline = Timeline::new(&self.recording, self.window, &options);
        timeline.rows.retain(|row| row.intervals.iter().any(|interval| interval.class != Class::Idle));
        let late_ns = late.as_nanos() as u64;
        let waited = self.pings_ns.iter().copied().filter(|(from_ns, to_ns)| to_ns - from_ns > late_ns);
        timeline.rows.push(Row::overlapping("pings", Class::Wait, "pings wait", self.window, waited));
        timeline
    }
}

/// The acts below one another on one axis, in the order of the story.
pub(crate) fn together(scenes: &[Scene], stall_after: Duration, late: Duration) -> Option<Timeline> {
    let length_ns = scenes.iter().map(|scene| scene.window.length_ns()).max()?;
    let mut together = Timeline {
        window: Window::new(0, length_ns),
        rows: Vec::new(),
        marks: Vec::new(),
        dropped: 0,
        words: Words::LOOPS,
    };
    for act in Act::ALL {
        let Some(scene) = scenes.iter().find(|scene| scene.act == act) else { continue };
        let timeline = scene.timeline(stall_after, late);
        // Drops are counted from the begin of the recording: the last act knows them all.
        together.dropped = together.dropped.max(timeline.dropped);
        let from_ns = timeline.window.from_ns;
        let mut pool_threads = 0;
        for (index, mut row) in timeline.rows.into_iter().enumerate() {
            let of = if index == 0 { act.name() } else { "" };
            row.name = format!("{of:<9} {}", short_name(&row, &mut pool_threads));
            for interval in &mut row.intervals {
                interval.start_ns -= from_ns;
                interval.end_ns -= from_ns;
                interval.label = without_folder(&interval.label).into();
            }
            together.rows.push(row);
        }
    }
    Some(together)
}

/// A name that leaves room for the picture.
fn short_name(row: &Row, pool_threads: &mut u32) -> String {
    match row.intervals.first().map(|interval| interval.class) {
        Some(Class::Job) => {
            *pool_threads += 1;
            format!("pool {pool_threads}")
        }
        Some(Class::Wait) if row.name != "pings" => "queue".to_owned(),
        _ => row.name.clone(),
    }
}

/// `GET /block (examples/starvation.rs:1)` as `GET /block (starvation.rs:1)`, so that the line is seen on a small screen.
fn without_folder(label: &str) -> String {
    match label.rsplit_once('(') {
        Some((name, place)) => format!("{name}({}", place.rsplit('/').next().unwrap_or(place)),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Sample, Totals};

    const MS: u64 = 1_000_000;

    fn scene(act: Act, began_ms: u64) -> Scene {
        let start = clock::process_start_wall().duration_since(std::time::UNIX_EPOCH).unwrap();
        let ping = |stream, intended_ms, latency_ms| Sample {
            stream,
            intended_ns: intended_ms * MS,
            handed_ns: intended_ms * MS,
            sent_ns: intended_ms * MS,
            latency_ns: latency_ms * MS,
            work: None,
        };
        let outcome = Outcome {
            complete: true,
            started_wall_ns: start.as_nanos() as u64 + began_ms * MS,
            samples: vec![ping(0, 100, 50), ping(0, 120, 30), ping(0, 300, 1), ping(1, 100, 200)],
            failures: Vec::new(),
            totals: Totals::default(),
        };
        Scene::new(act, &outcome, Duration::from_secs(1), Recording::default())
    }

    #[test]
    fn the_pings_of_the_client_stand_on_the_clock_of_the_recording() {
        let timeline =
            scene(Act::Inline, 5_000).timeline(Duration::from_millis(50), Duration::from_millis(10));
        assert_eq!(timeline.window, Window::new(5_000 * MS, 6_000 * MS));
        let row = &timeline.rows[0];
        assert_eq!((row.name.as_str(), row.depth_max()), ("pings", 2));
        assert_eq!(row.intervals[0].start_ns, 5_100 * MS);
        assert_eq!(row.intervals.last().unwrap().end_ns, 5_150 * MS, "the ping of 1 ms did not wait");
    }

    #[test]
    fn the_place_of_a_stall_loses_its_folder_and_nothing_else() {
        assert_eq!(without_folder("GET /block (examples/starvation.rs:12)"), "GET /block (starvation.rs:12)");
        assert_eq!(without_folder("GET /block"), "GET /block");
    }

    #[test]
    fn acts_that_ran_one_after_another_stand_below_one_another() {
        let scenes = [scene(Act::Chunked, 2_000), scene(Act::Idle, 3_000)];
        let timeline = together(&scenes, Duration::from_millis(50), Duration::from_millis(10)).unwrap();
        let names: Vec<&str> = timeline.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names, ["idle      pings", "chunked   pings"]);
        assert_eq!(timeline.window, Window::new(0, 1_000 * MS));
        assert!(timeline.rows.iter().all(|row| row.intervals[0].start_ns == 100 * MS), "{timeline:?}");
        assert_eq!(together(&[], Duration::ZERO, Duration::ZERO), None);
    }
}
