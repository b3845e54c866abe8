//! The chart on a terminal: for each series a histogram of one line, with its figures beside it.
//!
//! # Model
//! ```text
//! title (unit)                            p50     p99     max   count
//! name  histogram on the axis below    figures
//!       ----+---------+---------+--    the axis of values, logarithmic or linear
//!           1 ms      10 ms     100 ms
//!                          ^ limit
//! ```
//! A column of a histogram is as high as its share of the values, and the fullest column of a series fills its line;
//! a column with a single value among millions is still one eighth high, because the tail is the point.

use std::fmt::Write;

use crate::chart::axis::ValueAxis;
use crate::chart::{LatencyChart, Series, quantity};
use crate::lanes::{Charset, Color, TerminalStyle};
use crate::text::{columns, number, shorten};

const WIDTH_MIN: usize = 60;
const WIDTH_MAX: usize = 200;
/// Longer names of series are cut.
const NAME_COLUMNS_MAX: usize = 20;
/// Narrower histograms than this would show nothing; names are cut further for them.
const CELLS_MIN: usize = 16;
/// Between two columns of figures.
const GAP: usize = 2;

/// The chart as lines of text, each ended by a line feed and at most `style.width` columns wide, which is taken as
/// 60 to 200.
pub fn terminal(chart: &LatencyChart, style: &TerminalStyle) -> String {
    let rows: Vec<[String; 4]> = chart.series.iter().map(figures).collect();
    let heads = ["p50", "p99", "max", "count"].map(str::to_owned);
    let widths: Vec<usize> = (0..4)
        .map(|column| rows.iter().chain([&heads]).map(|row| columns(&row[column])).max().unwrap_or(0))
        .collect();
    let width = style.width.clamp(WIDTH_MIN, WIDTH_MAX);
    let figures_width: usize = widths.iter().map(|width| width + GAP).sum();
    let wanted = chart.series.iter().map(|series| columns(&series.name)).max().unwrap_or(0);
    let room = width.saturating_sub(figures_width + CELLS_MIN + 2);
    let name_width = wanted.min(NAME_COLUMNS_MAX).min(room).max(4);
    let gutter = name_width + 2;
    let cells = width.saturating_sub(gutter + figures_width).max(1);
    let axis = chart.axis(0.0, (cells - 1) as f64);
    let picture = Picture { style, gutter, cells, axis };

    let mut out = String::new();
    let title =
        if chart.unit.is_empty() { chart.title.clone() } else { format!("{} ({})", chart.title, chart.unit) };
    let title = shorten(&title, gutter + cells);
    let pad = gutter + cells - columns(&title);
    let _ = writeln!(out, "{title}{:pad$}{}", "", aligned(&heads, &widths));
    for (series, row) in chart.series.iter().zip(&rows) {
        let name = shorten(&series.name, name_width);
        let pad = gutter - columns(&name);
        let _ = writeln!(out, "{name}{:pad$}{}{}", "", picture.strip(series), aligned(row, &widths));
    }
    picture.axis_lines(&mut out);
    for limit in &chart.limits {
        picture.limit(
            limit.value,
            &format!("{}: {}", limit.label, quantity(limit.value, &chart.unit)),
            &mut out,
        );
    }
    match style.charset {
        Charset::Unicode => out,
        Charset::Ascii => out.replace('µ', "u").replace('…', "~"),
    }
}

fn figures(series: &Series) -> [String; 4] {
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), number);
    let [p50, p99] = [50.0, 99.0].map(|percent| figure(series.at(percent)));
    [p50, p99, figure(series.max()), series.count.to_string()]
}

fn aligned(row: &[String; 4], widths: &[usize]) -> String {
    row.iter().zip(widths).map(|(cell, width)| format!("{:GAP$}{cell:>width$}", "")).collect()
}

struct Picture<'a> {
    style: &'a TerminalStyle,
    gutter: usize,
    cells: usize,
    axis: ValueAxis,
}

impl Picture<'_> {
    /// The histogram of one series.
    fn strip(&self, series: &Series) -> String {
        let mut shares = vec![0.0_f64; self.cells];
        let mut below = 0.0;
        for (percent, value) in &series.points {
            shares[self.cell(*value)] += percent - below;
            below = *percent;
        }
        let fullest = shares.iter().copied().fold(0.0, f64::max);
        if fullest <= 0.0 {
            return self.padded("nothing measured");
        }
        let levels = match self.style.charset {
            Charset::Unicode => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Charset::Ascii => ['.', ':', '-', '=', '+', 'x', 'X', '#'],
        };
        let glyphs = shares.iter().map(|share| match (share / fullest * 8.0).ceil() as usize {
            0 => ' ',
            level => levels[level.min(8) - 1],
        });
        self.colored("\x1b[0;36m", &glyphs.collect::<String>())
    }

    /// The axis, and the labels below it.
    fn axis_lines(&self, out: &mut String) {
        let (line, tick) = match self.style.charset {
            Charset::Unicode => ('─', '┴'),
            Charset::Ascii => ('-', '+'),
        };
        let (mut axis, mut labels) = (vec![line; self.cells], String::new());
        for (at, label) in self.axis.ticks(7.0_f64.min((self.cells - 1).max(1) as f64)) {
            let (at, width) = (at.round() as usize, columns(&label));
            // A label begins at its tick; one that would not fit ends at the edge.
            let from = at.min(self.cells.saturating_sub(width));
            let used = columns(&labels);
            if from >= used + usize::from(used > 0) && from + width <= self.cells {
                let _ = write!(labels, "{:pad$}{label}", "", pad = from - used);
                axis[at.min(self.cells - 1)] = tick;
            }
        }
        let axis = self.colored("\x1b[0;2m", &axis.into_iter().collect::<String>());
        let _ = writeln!(out, "{:gutter$}{axis}", "", gutter = self.gutter);
        let _ = writeln!(out, "{:gutter$}{}", "", self.colored("\x1b[0;2m", &labels), gutter = self.gutter);
    }

    /// An arrow at the value, with its words where there is room.
    fn limit(&self, value: f64, words: &str, out: &mut String) {
        let arrow = if self.style.charset == Charset::Unicode { '▲' } else { '^' };
        let at = self.cell(value);
        let words = shorten(words, (self.cells + self.gutter).saturating_sub(4));
        let line = if at + 2 + columns(&words) <= self.cells {
            format!("{:at$}{arrow} {words}", "", at = self.gutter + at)
        } else {
            let pad = (self.gutter + at).saturating_sub(columns(&words) + 1);
            format!("{:pad$}{words} {arrow}", "")
        };
        let _ = writeln!(out, "{line}");
    }

    fn cell(&self, value: f64) -> usize {
        (self.axis.at(value).round().max(0.0) as usize).min(self.cells - 1)
    }

    fn padded(&self, text: &str) -> String {
        let text = shorten(text, self.cells);
        format!("{text}{:pad$}", "", pad = self.cells - columns(&text))
    }

    fn colored(&self, ansi: &str, text: &str) -> String {
        match self.style.color {
            Color::Always => format!("{ansi}{text}\x1b[0m"),
            Color::Never => text.to_owned(),
        }
    }
}
