//! The data of the page's timeline viewer, and the markup that it works on.

use serde::Serialize;

use crate::html::script_json;
use crate::lanes::{Class, Piece, Row, Timeline, Words, coarsen, dropped_sentence};
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
    /// What the reader looks for: row, start, end, label.
    sought: Vec<(usize, u64, u64, usize)>,
    /// How many there are, with those that are too many to step through.
    count: usize,
    words: WordsData,
}

#[derive(Serialize)]
struct WordsData {
    classes: [&'static str; Class::ALL.len()],
    one: &'static str,
    many: &'static str,
    verb: &'static str,
    unnamed: &'static str,
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
         <figcaption>{title_html}</figcaption>\n{sought}</figure>\n",
        svg = timeline.svg(title, 920),
        json = script_json(&json),
        sought = sought_list(timeline),
    )
}

/// How many of what the reader looks for are listed, and how many a viewer steps through.
const LISTED_MAX: usize = 100;

/// Stalls or waits in words, the longest first; the picture says the same.
fn sought_list(timeline: &Timeline) -> String {
    let mut found = timeline.sought();
    let Words { one, many, verb, unnamed, .. } = timeline.words;
    if found.is_empty() {
        return format!("<p>No {one} in this window.</p>\n");
    }
    let count = found.len();
    found.sort_by_key(|(_, one)| std::cmp::Reverse(one.duration_ns()));
    let items = found.iter().take(LISTED_MAX).map(|(row, one)| {
        let at = duration(one.start_ns - timeline.window.from_ns);
        let label = if one.label.is_empty() { unnamed } else { &one.label };
        format!("<li>{} at {at}: {} {verb} {}</li>", duration(one.duration_ns()), escape(label), escape(row))
    });
    let items: String = items.collect();
    let more = match count.saturating_sub(LISTED_MAX) {
        0 => String::new(),
        more => format!("<p>and {more} more</p>"),
    };
    let noun = if count == 1 { one } else { many };
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
    let sought = sought(timeline, &mut labels);
    let marks = timeline.marks.iter().map(|mark| (mark.at_ns - window.from_ns, plain(&mark.label))).collect();
    let dropped = dropped_sentence(timeline.dropped);
    Data {
        length: window.length_ns(),
        rows,
        labels: labels.list,
        marks,
        dropped,
        sought,
        count: timeline.sought().len(),
        words: words(&timeline.words),
    }
}

/// In order of time; of very many only the longest.
fn sought(timeline: &Timeline, labels: &mut Labels) -> Vec<(usize, u64, u64, usize)> {
    let class = timeline.words.sought;
    let rows = timeline.rows.iter().enumerate();
    let all = rows.flat_map(|(index, row)| row.intervals.iter().map(move |interval| (index, interval)));
    let mut found: Vec<_> = all.filter(|(_, interval)| interval.class == class).collect();
    if class != Class::Stall {
        found.sort_by_key(|(_, interval)| std::cmp::Reverse(interval.duration_ns()));
        found.truncate(LISTED_MAX);
    }
    found.sort_by_key(|(_, interval)| interval.start_ns);
    let from_ns = timeline.window.from_ns;
    let found = found.into_iter().map(|(index, interval)| {
        let label = labels.number_of(&interval.label);
        (index, interval.start_ns - from_ns, interval.end_ns - from_ns, label)
    });
    found.collect()
}

fn words(words: &Words) -> WordsData {
    let Words { classes, one, many, verb, unnamed, .. } = *words;
    WordsData { classes, one, many, verb, unnamed }
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
