//! Tables that a reader may sort: by pointer or keyboard, with the order said aloud.

use std::fmt::Write;

use crate::chart::{LatencyChart, Series};
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
}

impl Cell {
    /// A number as it is to be shown; sorted by its value.
    pub fn number(value: f64, shown: impl Into<String>) -> Cell {
        Cell { shown: shown.into(), key: Some(value).filter(|value| value.is_finite()) }
    }

    /// A latency in milliseconds with three digits.
    pub fn ms(value: f64) -> Cell {
        Cell::number(value, milliseconds(value))
    }

    /// A count.
    pub fn count(value: u64) -> Cell {
        Cell::number(value as f64, value.to_string())
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell { shown: text.into(), key: None }
    }
}

/// A table with a caption; the first cell of each row is its header.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    caption: String,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// An empty table.
    pub fn new(caption: impl Into<String>, columns: impl IntoIterator<Item = Column>) -> Table {
        Table { caption: caption.into(), columns: columns.into_iter().collect(), rows: Vec::new() }
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
        let mut out = format!(
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{caption}\">\
             <table class=\"sortable\"><caption>{caption}</caption>\n<thead><tr>"
        );
        for column in &self.columns {
            let class = if column.is_number { " class=\"number\"" } else { "" };
            let _ = write!(out, "<th scope=\"col\"{class}>{}</th>", escape(&column.name));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (index, (cell, column)) in row.iter().zip(&self.columns).enumerate() {
                let class = if column.is_number { " class=\"number\"" } else { "" };
                let key = cell.key.map_or(String::new(), |key| format!(" data-key=\"{key}\""));
                let (open, close) = if index == 0 { ("th scope=\"row\"", "th") } else { ("td", "td") };
                let _ = write!(out, "<{open}{class}{key}>{}</{close}>", escape(&cell.shown));
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
