//! A timeline: what each lane was doing in a window of time, ready to be drawn.
//!
//! # Model
//! A row is a lane, or something that many things do at once (waiting in a queue, requests in flight). Its
//! intervals do not overlap and are in order of time: nested slices are flattened to the outermost thing that
//! matters, overlapping ones to a count. The same value is drawn for the terminal, as SVG, and in the page's viewer.
//!
//! # Invariants
//! - V1: the intervals of a row are ordered, do not overlap, are not empty and lie in the window.

mod words;
mod build;
mod coarse;
mod terminal;
mod picture;

use std::sync::Arc;

use runtime_trace::Recording;

pub use build::TimelineOptions;
pub(crate) use coarse::{Piece, coarsen};
pub use terminal::{Charset, Color, TerminalStyle};
pub use words::Words;

use crate::text;

/// A stretch of time, in nanoseconds since the start of the process that recorded it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first nanosecond that is shown.
    pub from_ns: u64,
    /// The end, not shown itself; always after `from_ns`.
    pub to_ns: u64,
}

impl Window {
    /// The window from `from_ns` to `to_ns`, at least 1 ns long.
    pub fn new(from_ns: u64, to_ns: u64) -> Window {
        Window { from_ns, to_ns: to_ns.max(from_ns + 1) }
    }

    /// Everything that was recorded.
    pub fn all(recording: &Recording) -> Window {
        let (first_ns, last_ns) = recording.time_range_ns().unwrap_or((0, 0));
        Window::new(first_ns, last_ns)
    }

    /// `length_ns` around the moment `at_ns`, a third of it before.
    pub fn around(at_ns: u64, length_ns: u64) -> Window {
        let from_ns = at_ns.saturating_sub(length_ns / 3);
        Window::new(from_ns, from_ns + length_ns)
    }

    /// How long it is.
    pub fn length_ns(&self) -> u64 {
        self.to_ns - self.from_ns
    }

    /// The part of `from_ns..to_ns` that is inside, `None` when nothing is.
    pub fn clip(&self, from_ns: u64, to_ns: u64) -> Option<(u64, u64)> {
        let (from_ns, to_ns) = (from_ns.max(self.from_ns), to_ns.min(self.to_ns));
        (from_ns < to_ns).then_some((from_ns, to_ns))
    }
}

/// What a lane is doing, from least to most worrying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// The loop sleeps in poll: free for the next event.
    Idle,
    /// A callback, task or span runs.
    Busy,
    /// A pool thread runs a job.
    Job,
    /// Something waits: a job for a thread, a request for its answer.
    Wait,
    /// One callback holds the loop for too long.
    Stall,
}

impl Class {
    /// Every class, in order.
    pub const ALL: [Class; 5] = [Class::Idle, Class::Busy, Class::Job, Class::Wait, Class::Stall];

    /// The name of the class in CSS and JSON.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Class::Idle => "idle",
            Class::Busy => "busy",
            Class::Job => "job",
            Class::Wait => "wait",
            Class::Stall => "stall",
        }
    }
}

/// A stretch of a row in which one thing happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interval {
    /// When it begins.
    pub start_ns: u64,
    /// When it ends.
    pub end_ns: u64,
    /// What happens.
    pub class: Class,
    /// How many things do it at once; 1 on a lane.
    pub depth: u32,
    /// What runs, for example `GET /block`; may be empty.
    pub label: Arc<str>,
}

impl Interval {
    /// How long it lasts.
    pub fn duration_ns(&self) -> u64 {
        self.end_ns - self.start_ns
    }

    /// One line for a tooltip.
    pub fn describe(&self, words: &Words) -> String {
        let word = words.of(self.class);
        let what = match (&*self.label, self.depth) {
            ("", 1) => word.to_owned(),
            ("", depth) => format!("{depth} {word}"),
            (label, 1) => format!("{label} ({word})"),
            (label, depth) => format!("{depth} {label}"),
        };
        format!("{what}: {}", text::duration(self.duration_ns()))
    }
}

/// One line of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name of the thread, or of what is counted.
    pub name: String,
    /// What happens, V1.
    pub intervals: Vec<Interval>,
    /// Records that this lane lost.
    pub dropped: u64,
}

impl Row {
    /// A row of things that may overlap, for example requests in flight: it shows how many there are at once.
    pub fn overlapping(
        name: impl Into<String>,
        class: Class,
        label: &str,
        window: Window,
        spans_ns: impl IntoIterator<Item = (u64, u64)>,
    ) -> Row {
        Row {
            name: name.into(),
            intervals: build::count_overlaps(class, label, window, spans_ns),
            dropped: 0,
        }
    }

    /// The most things at once.
    pub fn depth_max(&self) -> u32 {
        self.intervals.iter().map(|interval| interval.depth).max().unwrap_or(0)
    }

    /// The time that intervals of this class take.
    pub fn total_ns(&self, class: Class) -> u64 {
        self.intervals.iter().filter(|one| one.class == class).map(Interval::duration_ns).sum()
    }
}

/// A moment with a name, for example the begin of an act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub at_ns: u64,
    /// Its name.
    pub label: String,
}

/// What each lane was doing in a window of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// The time that is shown.
    pub window: Window,
    /// Loops first, then what waits, then the other lanes. Rows may be renamed, removed and added.
    pub rows: Vec<Row>,
    /// Moments with names, in order.
    pub marks: Vec<Mark>,
    /// Records lost on all lanes of the recording, shown or not.
    pub dropped: u64,
    /// What the classes are called; [`Words::LOOPS`] unless the rows are something else.
    pub words: Words,
}

impl Timeline {
    /// The timeline of a recording: all lanes that have slices, and the queue of waiting jobs if there is one.
    pub fn new(recording: &Recording, window: Window, options: &TimelineOptions) -> Timeline {
        build::timeline(recording, window, options)
    }

    /// The stalls with the name of their row, in order of time.
    pub fn stalls(&self) -> Vec<(&str, &Interval)> {
        self.of_class(Class::Stall)
    }

    /// What the reader looks for, with the name of its row, in order of time.
    pub fn sought(&self) -> Vec<(&str, &Interval)> {
        self.of_class(self.words.sought)
    }

    fn of_class(&self, class: Class) -> Vec<(&str, &Interval)> {
        let all = self.rows.iter().flat_map(|row| row.intervals.iter().map(|one| (row.name.as_str(), one)));
        let mut found: Vec<(&str, &Interval)> = all.filter(|(_, one)| one.class == class).collect();
        found.sort_by_key(|(_, interval)| interval.start_ns);
        found
    }

    /// The picture in words: what a reader who does not see it must know. Plain text, one sentence for each row.
    pub fn summary(&self) -> String {
        let length_ns = self.window.length_ns();
        let mut sentences = vec![format!("{} of {} rows.", text::duration(length_ns), self.rows.len())];
        for row in &self.rows {
            sentences.push(row_sentence(row, length_ns, &self.words));
        }
        sentences.extend(self.longest_sentence());
        sentences.push(dropped_sentence(self.dropped));
        sentences.join(" ")
    }

    /// How many of what the reader looks for, and the longest.
    fn longest_sentence(&self) -> Option<String> {
        let found = self.sought();
        let (row, longest) = found.iter().max_by_key(|(_, one)| one.duration_ns())?;
        let (at, length) =
            (text::duration(longest.start_ns - self.window.from_ns), text::duration(longest.duration_ns()));
        let row = text::plain(row);
        let count = match found.len() {
            1 => format!("1 {}", self.words.one),
            count => format!("{count} {}", self.words.many),
        };
        let by = |word: &str| match &*longest.label {
            "" => String::new(),
            label => format!(" {word} {}", text::plain(label)),
        };
        Some(match self.words.sought {
            Class::Stall => format!("{count}; the longest held {row} for {length}{}, at {at}.", by("by")),
            _ => format!("{count}; the longest is of {row}, {length}{}, at {at}.", by("behind")),
        })
    }
}

fn row_sentence(row: &Row, length_ns: u64, words: &Words) -> String {
    let mut parts = Vec::new();
    for class in Class::ALL {
        let total_ns = row.total_ns(class);
        if total_ns > 0 {
            parts.push(format!("{} {:.0} %", words.of(class), total_ns as f64 * 100.0 / length_ns as f64));
        }
    }
    if row.depth_max() > 1 {
        parts.push(format!("at most {} at once", row.depth_max()));
    }
    if parts.is_empty() {
        parts.push("nothing recorded".to_owned());
    }
    format!("{}: {}.", text::plain(&row.name), parts.join(", "))
}

/// The sentence about lost records that every picture carries.
pub(crate) fn dropped_sentence(dropped: u64) -> String {
    match dropped {
        0 => "No records were dropped.".to_owned(),
        1 => "1 record was dropped: the picture has a hole.".to_owned(),
        count => format!("{count} records were dropped: the picture has holes."),
    }
}
