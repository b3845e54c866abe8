//! Tables that a reader may sort and filter: by pointer or keyboard, with the order said aloud.

use std::fmt::Write;

use crate::chart::{LatencyChart, Series};
use crate::html::{Tone, anchor_id};
use crate::text::{escape, milliseconds, number};

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    name: String,
    is_number: bool,
}

impl Column {
    /// A column of texts.
    pub fn text(name: impl Into<String>) -> Column {
        Column { name: name.into(), is_number: false }
    }

    /// A column of numbers, aligned right; its name says the unit.
    pub fn number(name: impl Into<String>) -> Column {
        Column { name: name.into(), is_number: true }
    }
}

/// What is in one place of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    shown: String,
    /// What to sort by, if not the text.
    key: Option<f64>,
    tone: Option<Tone>,
    is_code: bool,
    /// The anchor of the page that the text leads to.
    to: Option<String>,
}

impl Cell {
    /// A number as it is to be shown; sorted by its value.
    pub fn number(value: f64, shown: impl Into<String>) -> Cell {
        Cell { key: Some(value).filter(|value| value.is_finite()), ..Cell::from(shown) }
    }

    /// A latency in milliseconds with three digits.
    pub fn ms(value: f64) -> Cell {
        Cell::number(value, milliseconds(value))
    }

    /// A count.
    pub fn count(value: u64) -> Cell {
        Cell::number(value as f64, value.to_string())
    }

    /// A verdict in a word, such as `holds`, `fails`, `depends`, `inconclusive` or `skipped`: a sign and a colour say its
    /// tone, and a ledger can be filtered by the word.
    pub fn verdict(tone: Tone, word: impl Into<String>) -> Cell {
        Cell { tone: Some(tone), ..Cell::from(word) }
    }

    /// A command or another text as it is typed.
    pub fn code(text: impl Into<String>) -> Cell {
        Cell { is_code: true, ..Cell::from(text) }
    }

    /// The same, leading to the section that [`Page::section`](super::Page::section) made for this anchor.
    pub fn to(self, anchor: &str) -> Cell {
        Cell { to: Some(anchor_id(anchor)), ..self }
    }

    /// The attributes of the cell and what is in it.
    fn markup(&self, column: &Column, label: bool) -> (String, String) {
        let mut attributes = String::new();
        if column.is_number {
            attributes.push_str(" class=\"number\"");
        }
        if let Some(key) = self.key {
            let _ = write!(attributes, " data-key=\"{key}\"");
        }
        if label {
            let _ = write!(attributes, " data-label=\"{}\"", escape(&column.name));
        }
        let mut inside = escape(&self.shown);
        if self.is_code {
            inside = format!("<code>{inside}</code>");
        }
        if let Some(anchor) = &self.to {
            inside = format!("<a href=\"#{anchor}\">{inside}</a>");
        }
        if let Some(tone) = self.tone {
            let _ = write!(
                attributes,
                " data-tone=\"{}\" data-verdict=\"{}\"",
                tone.class(),
                escape(&self.shown)
            );
            inside = format!("<span class=\"sign\" aria-hidden=\"true\">{}</span> {inside}", tone.sign());
        }
        (attributes, inside)
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell { shown: text.into(), key: None, tone: None, is_code: false, to: None }
    }
}

/// A table with a caption; the first cell of each row is its header.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    is_ledger: bool,
}

impl Table {
    /// An empty table.
    pub fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Table {
        Table {
            caption: caption.into(),
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            is_ledger: false,
        }
    }

    /// Makes it a ledger: a reader may also filter its rows, by words and by the verdicts of [`Cell::verdict`], and on a
    /// phone each row is a card.
    pub fn ledger(mut self) -> Table {
        self.is_ledger = true;
        self
    }

    /// Adds a row; missing cells are empty.
    ///
    /// # Panics
    /// When there are more cells than columns.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) -> &mut Table {
        let mut cells: Vec<Cell> = cells.into_iter().collect();
        let (count, columns) = (cells.len(), self.columns.len());
        assert!(count <= columns, "a row of {count} cells in a table of {columns} columns");
        cells.resize_with(columns, || Cell::from(""));
        self.rows.push(cells);
        self
    }

    pub(super) fn markup(&self) -> String {
        let caption = escape(&self.caption);
        let class = if self.is_ledger { "sortable ledger" } else { "sortable" };
        let mut out = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\">\
             <table class=\"{class}\"><caption>{caption}</caption>\n<thead><tr>"
        );
        for column in &self.columns {
            let class = if column.is_number { " class=\"number\"" } else { "" };
            let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escape(&column.name));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (index, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                let (open, close) = if index == 0 { ("th scope=\"row\"", "th") } else { ("td", "td") };
                let (attributes, inside) = cell.markup(column, self.is_ledger && index > 0);
                let _ = write!(out, "<{open}{attributes}>{inside}</{close}>");
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody></table></div>\n");
        out
    }
}

/// The figures of latencies, in milliseconds, as a table.
pub fn latency_table(caption: impl Into<String>, series: &[Series]) -> Table {
    figures(caption, "act", "ms", series)
}

/// The figures of a chart as a table, in the chart's unit and under its title.
pub fn chart_table(chart: &LatencyChart, first_column: &str) -> Table {
    figures(&chart.title, first_column, &chart.unit, &chart.series)
}

fn figures(caption: impl Into<String>, first: &str, unit: &str, series: &[Series]) -> Table {
    let figures = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("max", 100.0)];
    let columns = figures.iter().map(|(name, _)| Column::number(format!("{name} {unit}").trim_end()));
    let columns = columns.chain([Column::number("count")]);
    let mut table = Table::new(caption, [Column::text(first)].into_iter().chain(columns));
    for one in series {
        let cell = |value| Cell::number(value, number(value));
        let cells = figures.iter().map(|(_, percent)| one.at(*percent).map_or(Cell::from("–"), cell));
        table.row([Cell::from(one.name.as_str())].into_iter().chain(cells).chain([Cell::count(one.count)]));
    }
    table
}
