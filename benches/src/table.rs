//! Plain text tables with aligned columns, and figures with a unit that suits them.

use std::fmt::Write;
use std::time::Duration;

/// A table: the first row is the header; the first column is text, the others are figures, aligned to the right.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these column titles.
    pub fn new(titles: &[&str]) -> Table {
        Table { rows: vec![titles.iter().map(|&title| title.to_owned()).collect()] }
    }

    /// Adds a row; cells beyond the titles are left out.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().take(self.rows[0].len()).collect());
    }

    /// The text, one line for each row.
    pub fn to_text(&self) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.rows[0].len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Writing to a string cannot fail.
                let _ = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Three digits and a unit: `870 ns`, `12.3 us`, `1.04 ms`.
pub fn duration(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    match ns {
        ns if ns < 999.5 => format!("{ns:.0} ns"),
        ns if ns < 999.5e3 => format!("{} us", three_digits(ns / 1e3)),
        ns if ns < 999.5e6 => format!("{} ms", three_digits(ns / 1e6)),
        ns => format!("{} s", three_digits(ns / 1e9)),
    }
}

/// Three digits and a letter for thousands or millions: `812`, `93.8 k`, `3.41 M`.
pub fn count(value: f64) -> String {
    match value {
        value if value < 999.5 => three_digits(value),
        value if value < 999.5e3 => format!("{} k", three_digits(value / 1e3)),
        value => format!("{} M", three_digits(value / 1e6)),
    }
}

fn three_digits(value: f64) -> String {
    match value {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_figures_stand_right() {
        let mut table = Table::new(&["who", "p50", "p99"]);
        table.row(["fifo".into(), "9 us".into(), "12 us".into()]);
        table.row(["a".into(), "10 us".into(), "1 us".into(), "too many".into()]);
        assert_eq!(table.to_text(), "who     p50    p99\nfifo   9 us  12 us\na     10 us   1 us\n");
    }

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown = |ns| duration(Duration::from_nanos(ns));
        for (ns, expected) in [
            (0, "0 ns"),
            (870, "870 ns"),
            (999, "999 ns"),
            (1_000, "1.00 us"),
            (12_345, "12.3 us"),
            (999_499, "999 us"),
            (999_500, "1.00 ms"),
            (1_040_000, "1.04 ms"),
            (61_000_000_000, "61.0 s"),
        ] {
            assert_eq!(shown(ns), expected, "{ns}");
        }
    }

    #[test]
    fn counts_have_three_digits_and_a_letter() {
        for (value, expected) in
            [(0.5, "0.50"), (812.0, "812"), (999.9, "1.00 k"), (93_800.0, "93.8 k"), (3_411_000.0, "3.41 M")]
        {
            assert_eq!(count(value), expected, "{value}");
        }
    }
}
