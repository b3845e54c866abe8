//! Who had the lock when: one lane for each thread, on the terminal and as rows of a timeline.
//!
//! # Model
//! ```text
//! LockRequest --> waits --> LockAcquire --> has --> LockRelease --> no lock --> LockRequest ...
//! ```
//! A lane begins at its first record. After its last release it has ended: whether a thread that let go for ever was
//! still running is not recorded. Under `per-interp` each lane has a lock of its own, so several may have one at once.
//!
//! # Invariants
//! - K1: the spans of a lane are in order of time, touch each other, are not empty, and lie in the recording.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use runtime_trace::{EventKind, Recording};
use trace_report::lanes::{Class, Interval, Row, Timeline, Window, Words};
use trace_report::text;

/// How a thread stands to its lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It may run.
    Has,
    /// It wants to.
    Waits,
    /// It does something for which it needs no lock: sleeps, receives, hashes.
    Without,
}

/// A stretch of time in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from_ns: u64,
    pub(crate) to_ns: u64,
    pub(crate) state: State,
    /// Of a wait: the lane that had the lock when it began, or was the first to get it then.
    pub(crate) behind: Option<usize>,
}

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LockLane {
    pub(crate) name: String,
    /// K1.
    pub(crate) spans: Vec<Span>,
    pub(crate) dropped: u64,
}

/// The lanes of a recording, in the order in which the threads began; one that never met a lock has no spans.
pub(crate) fn lanes(recording: &Recording) -> Vec<LockLane> {
    let end_ns = recording.time_range_ns().map_or(0, |(_, last)| last);
    let mut open: Vec<Option<(u64, Span)>> = vec![None; recording.lanes.len()];
    let mut holders: HashMap<u64, usize> = HashMap::new();
    let names = recording.lanes.iter();
    let mut lanes: Vec<LockLane> = names
        .map(|lane| LockLane { name: lane.name.clone(), spans: Vec::new(), dropped: lane.dropped })
        .collect();
    for record in &recording.records {
        let at = usize::from(record.lane);
        let (mut state, mut behind) = (State::Waits, None);
        match record.kind {
            EventKind::LockRequest => {
                behind = holders.get(&record.id).copied().filter(|holder| *holder != at)
            }
            EventKind::LockAcquire => {
                holders.insert(record.id, at);
                // Whoever had to give it up waits for the one that gets it.
                for (lane, waiting) in open.iter_mut().enumerate() {
                    let Some((lock, span)) = waiting else { continue };
                    if lane != at && *lock == record.id && span.state == State::Waits {
                        span.behind = span.behind.or(Some(at));
                    }
                }
                state = State::Has;
            }
            EventKind::LockRelease => {
                if holders.get(&record.id) == Some(&at) {
                    holders.remove(&record.id);
                }
                state = State::Without;
            }
            _ => continue,
        }
        let (Some(lane), Some(open)) = (lanes.get_mut(at), open.get_mut(at)) else { continue };
        let span = Span { from_ns: record.t_ns, to_ns: record.t_ns, state, behind };
        if let Some((_, before)) = open.replace((record.id, span)) {
            lane.add(Span { to_ns: record.t_ns, ..before });
        }
    }
    for (lane, open) in lanes.iter_mut().zip(open) {
        if let Some((_, span)) = open.filter(|(_, span)| span.state != State::Without) {
            lane.add(Span { to_ns: end_ns, ..span });
        }
    }
    lanes
}

impl LockLane {
    /// K1: nothing is added for no time, and what goes on in the same state is one span.
    fn add(&mut self, span: Span) {
        match self.spans.last_mut() {
            _ if span.from_ns >= span.to_ns => {}
            Some(last) if last.state == span.state && last.to_ns == span.from_ns => last.to_ns = span.to_ns,
            _ => self.spans.push(span),
        }
    }

    fn longest_wait(&self) -> Option<Span> {
        let waits = self.spans.iter().filter(|span| span.state == State::Waits);
        waits.max_by_key(|span| span.to_ns - span.from_ns).copied()
    }
}

/// A window around the longest wait, wide enough to see the turns around it; `None` when nobody waited for long.
pub(crate) fn around_longest_wait(lanes: &[LockLane], all: Window) -> Option<Window> {
    let longest =
        lanes.iter().filter_map(LockLane::longest_wait).max_by_key(|span| span.to_ns - span.from_ns)?;
    let wait_ns = longest.to_ns - longest.from_ns;
    let length_ns = wait_ns.saturating_mul(5);
    let is_seen_anyway = length_ns.saturating_mul(2) > all.length_ns();
    if is_seen_anyway || wait_ns < 200_000 {
        return None;
    }
    let from_ns = longest.from_ns.saturating_sub(wait_ns * 2).max(all.from_ns);
    Some(Window::new(from_ns, (from_ns + length_ns).min(all.to_ns)))
}

/// Rows for the timelines of pictures and pages; a wait is named after the thread that had the lock then.
pub(crate) fn timeline(lanes: &[LockLane], window: Window, dropped: u64) -> Timeline {
    let names: Vec<Arc<str>> = lanes.iter().map(|lane| lane.name.as_str().into()).collect();
    let row = |lane: &LockLane| {
        let intervals = lane.spans.iter().filter_map(|span| {
            let (start_ns, end_ns) = window.clip(span.from_ns, span.to_ns)?;
            let class = match span.state {
                State::Has => Class::Busy,
                State::Waits => Class::Wait,
                State::Without => Class::Idle,
            };
            let label = span.behind.and_then(|holder| names.get(holder).cloned()).unwrap_or_default();
            Some(Interval { start_ns, end_ns, class, depth: 1, label })
        });
        Row { name: lane.name.clone(), intervals: intervals.collect(), dropped: lane.dropped }
    };
    let rows = lanes.iter().filter(|lane| !lane.spans.is_empty()).map(row).collect();
    Timeline { window, rows, marks: Vec::new(), dropped, words: Words::LOCK }
}

/// Which characters stand for the states: has, waits, no lock.
const UNICODE: [char; 3] = ['█', '░', '·'];
const ASCII: [char; 3] = ['#', '-', '.'];
const NAME_COLUMNS: usize = 14;

/// The lanes as text; each character shows the state that took most of its moment. `width` is at least 40.
pub(crate) fn terminal(lanes: &[LockLane], window: Window, width: usize, ascii: bool) -> String {
    let glyphs = if ascii { ASCII } else { UNICODE };
    let cells = width.max(40) - NAME_COLUMNS - 2;
    let cell_ns = window.length_ns().div_ceil(cells as u64);
    let mut out =
        format!("{:NAME_COLUMNS$}  |0{:>rest$}\n", "", text::duration(window.length_ns()), rest = cells - 2);
    for lane in lanes.iter().filter(|lane| !lane.spans.is_empty()) {
        let name: String = text::plain(&lane.name).chars().take(NAME_COLUMNS).collect();
        let line: String = most_of(lane, window, cells, cell_ns, glyphs);
        let _ = writeln!(out, "{name:<NAME_COLUMNS$}  {}", line.trim_end());
    }
    let cell = text::duration(cell_ns);
    let _ = writeln!(
        out,
        "{} has the lock   {} waits for it   {} does without; one character is {cell}",
        glyphs[0], glyphs[1], glyphs[2]
    );
    out
}

fn most_of(lane: &LockLane, window: Window, cells: usize, cell_ns: u64, glyphs: [char; 3]) -> String {
    let mut taken_ns = vec![[0_u64; 3]; cells];
    for span in &lane.spans {
        let Some((from_ns, to_ns)) = window.clip(span.from_ns, span.to_ns) else { continue };
        let (from_ns, to_ns) = (from_ns - window.from_ns, to_ns - window.from_ns);
        for cell in from_ns / cell_ns..=(to_ns - 1) / cell_ns {
            let part = to_ns.min((cell + 1) * cell_ns) - from_ns.max(cell * cell_ns);
            taken_ns[cell as usize][span.state as usize] += part;
        }
    }
    let glyph = |taken: &[u64; 3]| {
        let most = (0..3).max_by_key(|state| (taken[*state], 3 - state)).unwrap_or(0);
        if taken[most] == 0 { ' ' } else { glyphs[most] }
    };
    taken_ns.iter().map(glyph).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use runtime_trace::Recorder;

    use super::*;

    const MS: u64 = 1_000_000;

    /// Records `kinds[lane] = [(ms, kind), ...]` in order of time.
    fn record(lanes: &[(&str, &[(u64, EventKind)])]) -> Recording {
        let (clock, hands) = clock::Clock::manual();
        let start = clock.now();
        let recorder = Recorder::new(1 << 10);
        let handles: Vec<_> = lanes.iter().map(|(name, _)| recorder.lane(name)).collect();
        let mut all: Vec<(u64, usize, EventKind)> = Vec::new();
        for (at, (_, kinds)) in lanes.iter().enumerate() {
            all.extend(kinds.iter().map(|(ms, kind)| (*ms, at, *kind)));
        }
        all.sort_by_key(|(ms, ..)| *ms);
        for (ms, at, kind) in all {
            let now = Duration::from_millis(ms);
            hands.advance(now.saturating_sub(clock.now() - start));
            handles[at].record(clock.now(), kind, 1, 0, 0);
        }
        recorder.collect()
    }

    use EventKind::{LockAcquire as Took, LockRelease as Gave, LockRequest as Asked};

    fn turns() -> Recording {
        record(&[
            ("spinner", &[(0, Asked), (0, Took), (5, Gave), (5, Asked), (6, Took), (12, Gave)]),
            ("echo", &[(0, Asked), (5, Took), (6, Gave), (11, Asked), (12, Took)]),
            ("loop", &[]),
        ])
    }

    #[test]
    fn k1_spans_are_in_order_and_touch() {
        let found = lanes(&turns());
        let spans = |name: &str| {
            let lane = found.iter().find(|lane| lane.name == name).expect(name);
            lane.spans.iter().map(|span| ((span.to_ns - span.from_ns) / MS, span.state)).collect::<Vec<_>>()
        };
        assert_eq!(spans("spinner"), [(5, State::Has), (1, State::Waits), (6, State::Has)]);
        assert_eq!(
            spans("echo"),
            [(5, State::Waits), (1, State::Has), (5, State::Without), (1, State::Waits)]
        );
        assert_eq!(spans("loop"), [], "a thread that never met the lock");
        for lane in &found {
            assert!(
                lane.spans
                    .windows(2)
                    .all(|pair| pair[0].to_ns == pair[1].from_ns && pair[0].state != pair[1].state)
            );
            assert!(lane.spans.iter().all(|span| span.from_ns < span.to_ns));
        }
        assert!(lanes(&Recording::default()).is_empty());
    }

    #[test]
    fn each_character_is_the_state_of_most_of_its_moment() {
        let recording = turns();
        let found = lanes(&recording);
        let shown = terminal(&found, Window::all(&recording), 40, true);
        let expected = "                |0               12.0 ms
spinner         ##########--############
echo            ----------##..........--
# has the lock   - waits for it   . does without; one character is 500 µs
";
        assert_eq!(shown, expected);
        assert!(terminal(&found, Window::all(&recording), 40, false).contains("░░██··"));
    }

    #[test]
    fn the_longest_wait_is_shown_from_near_when_it_is_small() {
        let recording = record(&[
            ("a", &[(0, Asked), (0, Took), (500, Gave), (500, Asked), (505, Took), (1_000, Gave)]),
            ("b", &[(498, Asked), (500, Took), (505, Gave)]),
        ]);
        let found = lanes(&recording);
        let all = Window::all(&recording);
        let near = around_longest_wait(&found, all).expect("5 ms of a second");
        assert_eq!(near.length_ns(), 25 * MS);
        assert_eq!(near.from_ns, all.from_ns + 490 * MS);
        assert_eq!(around_longest_wait(&found, near), None, "it fills the picture already");
        assert_eq!(around_longest_wait(&[], all), None);
    }

    #[test]
    fn rows_say_what_the_lock_did() {
        let recording = turns();
        let timeline = timeline(&lanes(&recording), Window::all(&recording), 3);
        assert_eq!(timeline.dropped, 3);
        assert_eq!(timeline.rows[0].total_ns(Class::Busy), 11 * MS);
        assert_eq!(timeline.rows[1].total_ns(Class::Wait), 6 * MS);
        assert_eq!(timeline.rows[1].total_ns(Class::Idle), 5 * MS);
        assert_eq!(timeline.rows.len(), 2, "without the thread that never met the lock");
        let behind: Vec<&str> = timeline.sought().iter().map(|(_, wait)| &*wait.label).collect();
        assert_eq!(behind, ["spinner", "echo", "spinner"]);
        let summary = timeline.summary();
        assert!(summary.contains("3 waits; the longest is of echo, 5.00 ms behind spinner"), "{summary}");
    }
}
