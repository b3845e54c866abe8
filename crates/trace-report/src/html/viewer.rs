//! The data of the page's timeline viewer, and the markup that it works on.

use serde::Serialize;

use crate::html::script_json;
use crate::lanes::{Class, Piece, Row, Timeline, coarsen, dropped_sentence};
use crate::text::{duration, escape, plain};

/// A page with more pieces than this would be slow to open; the rows are made coarser until they fit.
const PIECES_MAX: usize = 40_000;

/// What `viewer.js` reads. Times are in nanoseconds from the begin of the timeline.
#[derive(Serialize)]
struct Data {
    length: u64,
    rows: Vec<RowData>,
    labels: Vec<String>,
    marks: Vec<(u64, String)>,
    /// The sentence about lost records.
    dropped: String,
    /// Row, start, end, label.
    stalls: Vec<(usize, u64, u64, usize)>,
}

#[derive(Serialize)]
struct RowData {
    name: String,
    depth: u32,
    dropped: u64,
    /// Start, end, class, fill in eighths, depth, label, how many.
    pieces: Vec<(u64, u64, usize, u8, u32, usize, u32)>,
}

pub(super) fn markup(timeline: &Timeline, title: &str, number: usize) -> String {
    let json = serde_json::to_string(&data(timeline)).expect("numbers and strings are always JSON");
    let title_html = escape(title);
    format!(
        "<figure class=\"timeline\"><div class=\"still scroll\" tabindex=\"0\" role=\"group\" \
         aria-label=\"{title_html}\">{svg}</div>\n\
         <div class=\"viewer\" id=\"viewer{number}\" role=\"group\" aria-label=\"{title_html}, to move through\" \
         lang=\"en\" hidden></div>\n\
         <script type=\"application/json\" class=\"viewer-data\">{json}</script>\n\
         <figcaption>{title_html}</figcaption>\n{stalls}</figure>\n",
        svg = timeline.svg(title, 920),
        json = script_json(&json),
        stalls = stall_list(timeline),
    )
}

/// The stalls in words, the longest first; the picture says the same.
fn stall_list(timeline: &Timeline) -> String {
    let mut stalls = timeline.stalls();
    if stalls.is_empty() {
        return "<p>No stall in this window.</p>\n".to_owned();
    }
    let count = stalls.len();
    stalls.sort_by_key(|(_, stall)| std::cmp::Reverse(stall.duration_ns()));
    let items = stalls.iter().take(100).map(|(row, stall)| {
        let at = duration(stall.start_ns - timeline.window.from_ns);
        let label = if stall.label.is_empty() { "an unnamed callback" } else { &stall.label };
        format!("<li>{} at {at}: {} held {}</li>", duration(stall.duration_ns()), escape(label), escape(row))
    });
    let items: String = items.collect();
    let more = if count > 100 { format!("<p>and {} more</p>", count - 100) } else { String::new() };
    let noun = if count == 1 { "stall" } else { "stalls" };
    format!("<details><summary>{count} {noun}, the longest first</summary><ol>{items}</ol>{more}</details>\n")
}

fn data(timeline: &Timeline) -> Data {
    let window = timeline.window;
    let mut resolution_ns = 0;
    let mut rows: Vec<_> = pieces(timeline, resolution_ns);
    while rows.iter().map(Vec::len).sum::<usize>() > PIECES_MAX && resolution_ns < window.length_ns() {
        resolution_ns = (resolution_ns * 2).max(window.length_ns() / 1_000_000).max(1);
        rows = pieces(timeline, resolution_ns);
    }
    let mut labels = Labels::default();
    let rows = timeline.rows.iter().zip(rows).map(|(row, pieces)| {
        let pieces = pieces.into_iter().map(|piece| {
            let (start, end) = (piece.start_ns - window.from_ns, piece.end_ns - window.from_ns);
            let label = labels.number_of(&piece.label);
            (start, end, piece.class as usize, piece.fill, piece.depth, label, piece.count)
        });
        RowData {
            name: plain(&row.name),
            depth: row.depth_max(),
            dropped: row.dropped,
            pieces: pieces.collect(),
        }
    });
    let rows = rows.collect();
    let mut stalls = Vec::new();
    for (index, row) in timeline.rows.iter().enumerate() {
        for stall in row.intervals.iter().filter(|interval| interval.class == Class::Stall) {
            let (start, end) = (stall.start_ns - window.from_ns, stall.end_ns - window.from_ns);
            stalls.push((index, start, end, labels.number_of(&stall.label)));
        }
    }
    stalls.sort_by_key(|stall| stall.1);
    let marks = timeline.marks.iter().map(|mark| (mark.at_ns - window.from_ns, plain(&mark.label))).collect();
    let dropped = dropped_sentence(timeline.dropped);
    Data { length: window.length_ns(), rows, labels: labels.list, marks, dropped, stalls }
}

fn pieces(timeline: &Timeline, resolution_ns: u64) -> Vec<Vec<Piece>> {
    let coarse = |row: &Row| coarsen(row, timeline.window, resolution_ns);
    timeline.rows.iter().map(coarse).collect()
}

/// Each text once.
#[derive(Default)]
struct Labels {
    list: Vec<String>,
    numbers: std::collections::HashMap<String, usize>,
}

impl Labels {
    fn number_of(&mut self, label: &str) -> usize {
        if let Some(number) = self.numbers.get(label) {
            return *number;
        }
        let number = self.list.len();
        self.list.push(plain(label));
        self.numbers.insert(label.to_owned(), number);
        number
    }
}
