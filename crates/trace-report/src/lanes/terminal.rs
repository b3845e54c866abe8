//! The timeline on a terminal: one character for each moment, a line below for who held the loop.
//!
//! # Model
//! A lane's character rises with the share of its moment that was taken: `▁` to `▇`. Only a stall fills the whole
//! character, `█`, so that it stands out without colour, and its length and name are written below it. A row of
//! waiting things shows how many there are, `1` to `9`, then `+`.

use std::collections::HashSet;
use std::fmt::Write;

use crate::lanes::{Class, Interval, Row, Timeline, dropped_sentence};
use crate::text::{columns, duration, plain, shorten};

/// Whether colours may be used; the caller knows the terminal and `NO_COLOR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// Colours as ANSI sequences.
    Always,
    /// Plain text.
    Never,
}

/// Which characters may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// Block characters.
    Unicode,
    /// Only ASCII.
    Ascii,
}

/// How to draw on a terminal.
#[derive(Clone, Copy, Debug)]
pub struct TerminalStyle {
    /// The columns of a line, at least 40.
    pub width: usize,
    /// Colours or none.
    pub color: Color,
    /// Block characters or ASCII.
    pub charset: Charset,
}

/// Longer names of rows are cut.
const NAME_COLUMNS_MAX: usize = 16;
/// Lines below a row that may name stalls.
const NOTE_LINES: usize = 2;

impl Timeline {
    /// The timeline as lines of text, each ended by a line feed and at most `style.width` columns wide.
    pub fn terminal(&self, style: &TerminalStyle) -> String {
        let names = self.rows.iter().map(|row| columns(&shorten(&row.name, NAME_COLUMNS_MAX)));
        let gutter = names.max().unwrap_or(0) + 2;
        let cells = style.width.max(40).saturating_sub(gutter);
        let canvas = Canvas { timeline: self, style, gutter, cells };
        let mut out = String::new();
        canvas.axis(&mut out);
        for row in &self.rows {
            canvas.row(row, &mut out);
        }
        canvas.legend(&mut out);
        out
    }
}

struct Canvas<'a> {
    timeline: &'a Timeline,
    style: &'a TerminalStyle,
    gutter: usize,
    cells: usize,
}

/// What happens in one moment of a row.
#[derive(Clone, Copy, Default)]
struct Cell {
    taken_ns: [u64; Class::ALL.len()],
    depth: u32,
}

impl Canvas<'_> {
    fn axis(&self, out: &mut String) {
        let length_ns = self.timeline.window.length_ns();
        let step_ns = crate::chart::nice_step_ns(length_ns, (self.cells / 14).max(1));
        let ticks =
            (0..length_ns).step_by(step_ns as usize).map(|at_ns| (at_ns, format!("|{}", duration(at_ns))));
        self.labels(ticks, out);
        let marks = self.timeline.marks.iter();
        let marks =
            marks.map(|mark| (mark.at_ns - self.timeline.window.from_ns, format!("|{}", plain(&mark.label))));
        self.labels(marks, out);
    }

    /// A line of labels at their times; what does not fit is left out.
    fn labels(&self, labels: impl Iterator<Item = (u64, String)>, out: &mut String) {
        let mut line: Vec<(usize, String)> = Vec::new();
        let mut free_from = 0;
        for (at_ns, label) in labels {
            let (at, width) = (self.cell_of(at_ns), columns(&label));
            if at >= free_from && at + width <= self.cells {
                free_from = at + width + 1;
                line.push((at, label));
            }
        }
        if !line.is_empty() {
            let _ = writeln!(out, "{:gutter$}{}", "", placed_text(line), gutter = self.gutter);
        }
    }

    fn row(&self, row: &Row, out: &mut String) {
        let name = shorten(&row.name, NAME_COLUMNS_MAX);
        let _ = write!(out, "{name}{:pad$}", "", pad = self.gutter - columns(&name));
        let mut before = None;
        let mut line = String::new();
        for cell in self.fill(row) {
            let (class, glyph) = self.glyph(&cell);
            if self.style.color == Color::Always && class != before {
                line.push_str(ansi(class));
                before = class;
            }
            line.push(glyph);
        }
        if before.is_some() {
            line.push_str(ansi(None));
        }
        let _ = writeln!(out, "{}", line.trim_end_matches(' '));
        self.notes(row, out);
    }

    fn fill(&self, row: &Row) -> Vec<Cell> {
        let mut cells = vec![Cell::default(); self.cells];
        for interval in &row.intervals {
            let (from_ns, to_ns) = self.relative(interval);
            for (index, cell) in
                cells.iter_mut().enumerate().take(self.cell_of(to_ns - 1) + 1).skip(self.cell_of(from_ns))
            {
                let taken_ns =
                    to_ns.min(self.start_of(index + 1)).saturating_sub(from_ns.max(self.start_of(index)));
                cell.taken_ns[interval.class as usize] += taken_ns;
                cell.depth = cell.depth.max(interval.depth);
            }
        }
        cells
    }

    /// The character of a cell and the class that gives it its colour.
    fn glyph(&self, cell: &Cell) -> (Option<Class>, char) {
        let taken_ns = |class: Class| cell.taken_ns[class as usize];
        let ascii = self.style.charset == Charset::Ascii;
        if taken_ns(Class::Stall) > 0 {
            return (Some(Class::Stall), if ascii { '#' } else { '█' });
        }
        if taken_ns(Class::Wait) > 0 {
            let digit = char::from_digit(cell.depth, 10).filter(|_| cell.depth < 10);
            return (Some(Class::Wait), digit.unwrap_or('+'));
        }
        let class = if taken_ns(Class::Job) > taken_ns(Class::Busy) { Class::Job } else { Class::Busy };
        let working_ns = taken_ns(Class::Job) + taken_ns(Class::Busy);
        if working_ns > 0 {
            let levels = if ascii {
                [':', '-', '=', '+', 'x', 'X', '*']
            } else {
                ['▁', '▂', '▃', '▄', '▅', '▆', '▇']
            };
            let cell_ns = (self.timeline.window.length_ns() / self.cells as u64).max(1);
            let level = (working_ns * 7).div_ceil(cell_ns).clamp(1, 7) as usize;
            return (Some(class), levels[level - 1]);
        }
        match taken_ns(Class::Idle) {
            0 => (None, ' '),
            _ => (Some(Class::Idle), if ascii { '.' } else { '·' }),
        }
    }

    /// The stalls of a row by name, the longest first as far as there is room.
    fn notes(&self, row: &Row, out: &mut String) {
        let mut stalls: Vec<&Interval> =
            row.intervals.iter().filter(|one| one.class == Class::Stall).collect();
        stalls.sort_by_key(|stall| (std::cmp::Reverse(stall.duration_ns()), stall.start_ns));
        let mut lines: Vec<Vec<(usize, String)>> = vec![Vec::new(); NOTE_LINES];
        let (mut named, mut unnamed) = (HashSet::new(), 0);
        for stall in stalls {
            let corner = if self.style.charset == Charset::Ascii { '^' } else { '└' };
            let length = format!("{corner} {}", duration(stall.duration_ns()));
            // A name is written once; where it was written or does not fit, the length alone still may.
            let is_new = named.insert(&stall.label);
            let full = format!("{length} {}", stall.label).trim_end().to_owned();
            let placed = is_new.then_some(full).into_iter().chain([length]).any(|note| {
                let note = shorten(&note, self.cells);
                let at = self.cell_of(self.relative(stall).0).min(self.cells - columns(&note));
                let free = lines.iter_mut().find(|line| is_free(line, at, at + columns(&note)));
                free.map(|line| line.push((at, note))).is_some()
            });
            unnamed += u32::from(!placed);
        }
        if unnamed > 0 {
            lines.push(vec![(
                0,
                format!("and {unnamed} more {}", if unnamed == 1 { "stall" } else { "stalls" }),
            )]);
        }
        for mut line in lines.into_iter().filter(|line| !line.is_empty()) {
            line.sort();
            let mut text = String::new();
            for (at, note) in line {
                let _ = write!(text, "{:width$}{note}", "", width = at - columns(&text));
            }
            let _ =
                writeln!(out, "{:gutter$}{}", "", self.colored(Class::Stall, &text), gutter = self.gutter);
        }
    }

    fn legend(&self, out: &mut String) {
        let ascii = self.style.charset == Charset::Ascii;
        let (stall, busy, idle) =
            if ascii { ("#", ":-=+xX*", ".") } else { ("█", "▁▂▃▄▅▆▇", "·") };
        let has = |class: Class| self.timeline.rows.iter().any(|row| row.total_ns(class) > 0);
        let mut parts = Vec::new();
        let entries = [
            (Class::Stall, format!("{stall} stalled")),
            (Class::Busy, format!("{busy} busy, by share of the time")),
            (Class::Job, format!("{busy} runs jobs")),
            (Class::Idle, format!("{idle} idle in poll")),
            (Class::Wait, "1-9+ waiting".to_owned()),
        ];
        for (class, entry) in entries.into_iter().filter(|(class, _)| has(*class)) {
            parts.push((class, entry));
        }
        let mut used = 0;
        for (class, entry) in parts {
            let width = columns(&entry) + 3;
            if used > 0 && used + width > self.style.width.max(40) {
                out.push('\n');
                used = 0;
            }
            let _ = write!(out, "{}{}", if used > 0 { "   " } else { "" }, self.colored(class, &entry));
            used += width;
        }
        if used > 0 {
            out.push('\n');
        }
        let _ = writeln!(out, "{}", dropped_sentence(self.timeline.dropped));
    }

    fn colored(&self, class: Class, text: &str) -> String {
        match self.style.color {
            Color::Always => format!("{}{text}{}", ansi(Some(class)), ansi(None)),
            Color::Never => text.to_owned(),
        }
    }

    fn relative(&self, interval: &Interval) -> (u64, u64) {
        (interval.start_ns - self.timeline.window.from_ns, interval.end_ns - self.timeline.window.from_ns)
    }

    /// The cell in which the time is, counted from the window's begin.
    fn cell_of(&self, at_ns: u64) -> usize {
        let position = u128::from(at_ns) * self.cells as u128 / u128::from(self.timeline.window.length_ns());
        (position as usize).min(self.cells - 1)
    }

    /// The first nanosecond of the cell, rounded up so that `cell_of(start_of(n)) == n`.
    fn start_of(&self, cell: usize) -> u64 {
        (cell as u128 * u128::from(self.timeline.window.length_ns())).div_ceil(self.cells as u128) as u64
    }
}

/// The pieces of a line, each at its column.
fn placed_text(mut line: Vec<(usize, String)>) -> String {
    line.sort();
    let mut text = String::new();
    for (at, piece) in line {
        let _ = write!(text, "{:width$}{piece}", "", width = at.saturating_sub(columns(&text)));
    }
    text
}

/// Whether nothing in the line is within two columns of `from..to`.
fn is_free(line: &[(usize, String)], from: usize, to: usize) -> bool {
    line.iter().all(|(at, note)| to + 2 <= *at || at + columns(note) + 2 <= from)
}

/// The colour of a class; `None` ends colours.
fn ansi(class: Option<Class>) -> &'static str {
    match class {
        None => "\x1b[0m",
        Some(Class::Idle) => "\x1b[0;2m",
        Some(Class::Busy) => "\x1b[0;36m",
        Some(Class::Job) => "\x1b[0;32m",
        Some(Class::Wait) => "\x1b[0;33m",
        Some(Class::Stall) => "\x1b[0;1;31m",
    }
}
