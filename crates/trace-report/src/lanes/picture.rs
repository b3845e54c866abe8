//! The timeline as SVG: a stall is taller than its row, red, and says how long it was.
//!
//! # Model
//! Height tells what colour tells: idle is a thin line, work rises with the share of the time that it took, a
//! stall breaks out of the row at both ends. What is waiting rises with its number; on a lane that also works it
//! hangs from above, so that shares of work and of waiting in one moment do not cover each other.

use crate::lanes::coarse::Piece;
use crate::lanes::{Class, Interval, Row, Timeline, Words, coarsen, dropped_sentence};
use crate::svg::{Anchor, Svg};
use crate::text::{duration, pixels, shorten};

const ROW: f64 = 26.0;
const GAP: f64 = 12.0;
/// The room above a row for the names of its stalls.
const NOTE: f64 = 20.0;
const TOP: f64 = 34.0;
const LEGEND_LINE: f64 = 20.0;
/// The room of a colour sample before its word.
const SAMPLE: f64 = 20.0;

impl Timeline {
    /// The timeline as a picture that stands alone, `width` pixels wide (at least 480).
    pub fn svg(&self, title: &str, width: u32) -> String {
        let width = f64::from(width.max(480));
        let names: Vec<String> = self.rows.iter().map(|row| shorten(&row.name, 18)).collect();
        let left = names.iter().map(|name| pixels(name, 13.0)).fold(40.0, f64::max) + 22.0;
        let layout = Layout { timeline: self, left, right: width - 16.0 };
        let tops = layout.tops();
        let bottom = tops.last().map_or(TOP, |top| top + ROW);
        let legend_lines = layout.legend_entries().last().map_or(0, |entry| entry.1);
        let height = bottom + 78.0 + LEGEND_LINE * legend_lines as f64;
        let mut svg = Svg::new(width, height, title, &self.summary());
        svg.text("head", 12.0, 22.0, Anchor::Start, title);
        layout.axis(&mut svg, bottom + GAP);
        for ((row, name), top) in self.rows.iter().zip(&names).zip(tops) {
            svg.text("", left - 12.0, top + ROW / 2.0 + 4.0, Anchor::End, name);
            layout.row(&mut svg, row, top);
        }
        layout.marks(&mut svg, bottom + GAP);
        layout.legend(&mut svg, bottom + 62.0);
        svg.finish()
    }
}

struct Layout<'a> {
    timeline: &'a Timeline,
    left: f64,
    right: f64,
}

impl Layout<'_> {
    /// The upper edge of each row.
    fn tops(&self) -> Vec<f64> {
        let mut y = TOP + if self.timeline.marks.is_empty() { 0.0 } else { NOTE };
        let mut tops = Vec::new();
        for row in &self.timeline.rows {
            let has_stalls = row.intervals.iter().any(|interval| interval.class == Class::Stall);
            y += if has_stalls { NOTE } else { 0.0 };
            tops.push(y);
            y += ROW + GAP;
        }
        tops
    }

    fn x(&self, at_ns: u64) -> f64 {
        let window = self.timeline.window;
        let share = at_ns.saturating_sub(window.from_ns) as f64 / window.length_ns() as f64;
        self.left + share.min(1.0) * (self.right - self.left)
    }

    /// The time that one pixel and a half takes.
    fn resolution_ns(&self) -> u64 {
        (self.timeline.window.length_ns() as f64 * 1.5 / (self.right - self.left)) as u64
    }

    fn axis(&self, svg: &mut Svg, bottom: f64) {
        let window = self.timeline.window;
        let parts = ((self.right - self.left) / 90.0) as usize;
        let step_ns = crate::chart::nice_step_ns(window.length_ns(), parts);
        for at_ns in (0..=window.length_ns()).step_by(step_ns as usize) {
            let x = self.x(window.from_ns + at_ns);
            svg.line("grid", (x, TOP), (x, bottom));
            if x < self.right - 20.0 {
                svg.text("soft small", x, bottom + 16.0, Anchor::Middle, &duration(at_ns));
            }
        }
    }

    fn row(&self, svg: &mut Svg, row: &Row, top: f64) {
        svg.line("grid", (self.left, top + ROW), (self.right, top + ROW));
        let depth_max = row.depth_max().max(1);
        let works = row.intervals.iter().any(|one| one.class == Class::Busy);
        for piece in coarsen(row, self.timeline.window, self.resolution_ns()) {
            let share = f64::from(piece.fill) / 8.0 * f64::from(piece.depth) / f64::from(depth_max);
            let height = match piece.class {
                Class::Idle => 3.0,
                Class::Stall => ROW + 8.0,
                _ => (ROW * share).max(2.0),
            };
            let below = match piece.class {
                Class::Stall => 4.0,
                Class::Wait if works => height - ROW,
                _ => 0.0,
            };
            let (x, end) = (self.x(piece.start_ns), self.x(piece.end_ns));
            let width = (end - x).max(if piece.class == Class::Stall { 2.0 } else { 0.75 });
            svg.rect(
                piece.class.key(),
                x,
                top + ROW + below - height,
                width,
                height,
                Some(&tip(&piece, &self.timeline.words)),
            );
        }
        if depth_max > 1 {
            let text = format!("at most {depth_max}");
            svg.text("soft small", self.right, top - 2.0, Anchor::End, &text);
        }
        self.notes(svg, row, top - 8.0);
    }

    /// The names of the stalls above the row, the longest first as far as there is room.
    fn notes(&self, svg: &mut Svg, row: &Row, y: f64) {
        let mut stalls: Vec<&Interval> =
            row.intervals.iter().filter(|one| one.class == Class::Stall).collect();
        stalls.sort_by_key(|stall| (std::cmp::Reverse(stall.duration_ns()), stall.start_ns));
        let mut taken: Vec<(f64, f64)> = Vec::new();
        for stall in stalls {
            let full = format!("{} {}", duration(stall.duration_ns()), stall.label);
            // Where the name does not fit, the length alone still may.
            for note in [shorten(full.trim_end(), 60), duration(stall.duration_ns())] {
                let width = pixels(&note, 13.0) * 1.08; // Bold.
                let x = self.x(stall.start_ns).min(self.right - width).max(self.left);
                if taken.iter().all(|(from, to)| x + width + 10.0 < *from || to + 10.0 < x) {
                    taken.push((x, x + width));
                    svg.text("stalltext", x, y, Anchor::Start, &note);
                    break;
                }
            }
        }
    }

    fn marks(&self, svg: &mut Svg, bottom: f64) {
        let mut free_from = self.left - 4.0;
        for mark in &self.timeline.marks {
            let x = self.x(mark.at_ns);
            svg.line("mark", (x, TOP), (x, bottom));
            let label = shorten(&mark.label, 24);
            let width = pixels(&label, 12.0);
            if x > free_from && x + width < self.right {
                svg.text("soft small", x + 4.0, TOP + 10.0, Anchor::Start, &label);
                free_from = x + width + 12.0;
            }
        }
    }

    /// What the legend says, as `(x, line, class, text)`: an entry that does not fit begins the next line.
    fn legend_entries(&self) -> Vec<(f64, usize, Option<Class>, String)> {
        let classes = Class::ALL.into_iter().rev();
        let shown = classes.filter(|class| self.timeline.rows.iter().any(|row| row.total_ns(*class) > 0));
        let classes = shown.map(|class| (Some(class), self.timeline.words.of(class).to_owned()));
        let (mut x, mut line) = (self.left, 0);
        let mut entries = Vec::new();
        for (class, text) in classes.chain([(None, dropped_sentence(self.timeline.dropped))]) {
            let sample = if class.is_some() { SAMPLE } else { 0.0 };
            let width = sample + pixels(&text, 12.0);
            if x + width > self.right && x > self.left {
                (x, line) = (self.left, line + 1);
            }
            entries.push((x, line, class, text));
            x += width + 22.0;
        }
        entries
    }

    fn legend(&self, svg: &mut Svg, top: f64) {
        for (x, line, class, text) in self.legend_entries() {
            let y = top + LEGEND_LINE * line as f64;
            let Some(class) = class else {
                let style = if self.timeline.dropped > 0 { "small stalltext" } else { "soft small" };
                svg.text(style, x, y, Anchor::Start, &text);
                continue;
            };
            let height = match class {
                Class::Idle => 3.0,
                Class::Stall => 14.0,
                _ => 9.0,
            };
            svg.rect(class.key(), x, y - height + 1.0, 14.0, height, None);
            svg.text("small", x + SAMPLE, y, Anchor::Start, &text);
        }
    }
}

fn tip(piece: &Piece, words: &Words) -> String {
    let interval = Interval {
        start_ns: piece.start_ns,
        end_ns: piece.end_ns,
        class: piece.class,
        depth: piece.depth,
        label: piece.label.clone(),
    };
    match piece.count {
        1 => interval.describe(words),
        count => format!("{count} times {}, {} of 8 parts of {}", words.of(piece.class), piece.fill, {
            duration(piece.end_ns - piece.start_ns)
        }),
    }
}
