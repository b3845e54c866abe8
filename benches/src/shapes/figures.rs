//! The last line of a program, `RESULT key=value ...`, as figures.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

/// The figures of one run, by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    values: BTreeMap<String, f64>,
}

/// A figure that a table shows, made of those of the line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Its name in tables and rules.
    pub name: &'static str,
    /// The figure.
    pub key: &'static str,
    /// What it is divided by.
    pub per: Option<&'static str>,
    /// What it is multiplied by.
    pub scale: f64,
}

impl Metric {
    /// A figure as it is.
    pub const fn plain(name: &'static str, key: &'static str) -> Metric {
        Metric { name, key, per: None, scale: 1.0 }
    }

    /// A figure divided by another.
    pub const fn per(name: &'static str, key: &'static str, per: &'static str) -> Metric {
        Metric { name, key, per: Some(per), scale: 1.0 }
    }

    /// Percent of the additions that are missing, of this many threads that add `times / part` times each.
    pub const fn percent(name: &'static str, key: &'static str, threads: f64, part: f64) -> Metric {
        Metric { name, key, per: Some("times"), scale: 100.0 * part / threads }
    }

    /// Its value in one run; `None` when the line does not have it.
    pub fn of(&self, figures: &Figures) -> Option<f64> {
        let per = self.per.map_or(Some(1.0), |key| figures.get(key))?;
        Some(figures.get(self.key)? / per * self.scale)
    }
}

impl Figures {
    /// Reads what a program printed.
    ///
    /// # Errors
    /// When its last line is no such line.
    pub fn parse(output: &str) -> Result<Figures> {
        let line = output.trim_end().lines().last().unwrap_or_default();
        let words =
            line.strip_prefix("RESULT ").with_context(|| format!("the last line is {line:?}, not RESULT"))?;
        let pairs = words.split_whitespace().filter_map(|word| word.split_once('='));
        // Words and lists are for people.
        let values = pairs.filter_map(|(key, value)| Some((key.to_owned(), value.parse().ok()?))).collect();
        Ok(Figures { values })
    }

    fn get(&self, key: &str) -> Option<f64> {
        self.values.get(key).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str =
        "a table\nRESULT program=counter times=1000 lost=500 k1_runs_x=1.0,2.0 p99_ms=12.5 interval_ms=5\n";

    #[test]
    fn the_last_line_has_the_figures() {
        let figures = Figures::parse(OUTPUT).unwrap();
        assert_eq!(Metric::plain("lost", "lost").of(&figures), Some(500.0));
        assert_eq!(Metric::per("p99", "p99_ms", "interval_ms").of(&figures), Some(2.5));
        assert_eq!(Metric::percent("lost", "lost", 2.0, 1.0).of(&figures), Some(25.0));
        assert_eq!(Metric::percent("lost", "lost", 4.0, 5.0).of(&figures), Some(62.5));
    }

    #[test]
    fn what_is_no_number_or_not_there_is_no_figure() {
        let figures = Figures::parse(OUTPUT).unwrap();
        for key in ["program", "k1_runs_x", "speedup"] {
            assert_eq!(Metric::plain("", key).of(&figures), None, "{key}");
        }
        assert_eq!(Metric::per("", "lost", "speedup").of(&figures), None);
    }

    #[test]
    fn another_last_line_is_an_error() {
        assert!(Figures::parse("RESULT a=1\nTraceback").unwrap_err().to_string().contains("Traceback"));
        assert!(Figures::parse("").is_err());
    }
}
