//! The result of an experiment as one JSON object, version 1.
//!
//! # Model
//! `schema/result-v1.json` describes it to other programs; a test checks real results against it. Readers
//! ignore keys that they do not know. In a claim, `id` and `verdict` come first.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::{Machine, rustc_version};
use crate::verdict::Claim;

/// The JSON Schema of [`Report`].
pub const SCHEMA: &str = include_str!("../schema/result-v1.json");

/// The version of results that this program writes and reads.
pub const VERSION: u32 = 1;

/// One result. Parameters and figures are those of the experiment, by name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this format: 1.
    pub schema: u32,
    /// The name of the experiment.
    pub experiment: String,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// False when it was stopped early: the figures are of what was measured until then.
    pub complete: bool,
    /// Rounds that were played to their end.
    pub rounds: usize,
    /// The seed of schedules, orders and intervals.
    pub seed: u64,
    /// What was asked for.
    pub params: Value,
    /// What was measured in turn, in the order of the story.
    #[serde(default)]
    pub cells: Vec<String>,
    /// The judged claims.
    pub claims: Vec<Claim>,
    /// What was measured.
    pub figures: Value,
    /// The same workload on real runtimes.
    pub against: Vec<Against>,
    /// Everything that was measured.
    pub raw: Raw,
    /// The load average of the minute before; null where the system does not tell.
    pub load_before: Option<f64>,
    /// On what it was measured.
    pub machine: Machine,
    /// With what.
    pub versions: Versions,
}

/// How a real runtime compares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Against {
    /// Name and version.
    pub runtime: String,
    /// `agrees`, `differs` or `skipped`.
    pub status: String,
    /// Its figures.
    pub figures: Value,
    /// Why it was skipped, or where it differs.
    pub reason: Option<String>,
}

/// The raw data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    /// One histogram for each act, see [`histogram_text`], separated by `; `.
    pub histograms: String,
    /// The file with every single sample: of the example the one that was asked for, of `lab` the one that is kept, seen
    /// from the folder of results (`target/lab`, or what `LAB_RESULTS` says).
    pub path: Option<String>,
}

/// The versions of what took part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Versions {
    /// This project.
    #[serde(rename = "runtime-lab")]
    pub runtime_lab: String,
    /// The compiler.
    pub rustc: String,
}

impl Versions {
    /// The versions that this program was built with.
    pub fn here() -> Versions {
        Versions { runtime_lab: env!("CARGO_PKG_VERSION").to_owned(), rustc: rustc_version().to_owned() }
    }
}

/// An hour: longer than any time-out.
const HISTOGRAM_MAX_US: u64 = 3_600_000_000;

/// A histogram as text: its name, then `microseconds:count` for each recorded value, to three significant digits.
pub fn histogram_text(name: &str, samples_ms: impl IntoIterator<Item = f64>) -> String {
    let mut histogram = hdrhistogram::Histogram::<u64>::new_with_bounds(1, HISTOGRAM_MAX_US, 3)
        .expect("the bounds are in order");
    for ms in samples_ms {
        histogram.saturating_record((ms * 1e3).round() as u64);
    }
    let mut text = name.to_owned();
    for value in histogram.iter_recorded() {
        text.push_str(&format!(" {}:{}", value.value_iterated_to(), value.count_at_value()));
    }
    text
}

/// `at` as RFC 3339 in UTC, whole seconds.
pub fn timestamp(at: SystemTime) -> String {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil_from_days(days);
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60)
}

/// The date of a day counted from 1970-01-01.
///
/// # Source
/// Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`, for days after 1970.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn timestamps_are_those_of_the_calendar() {
        let at = |seconds| timestamp(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_000_000_000), "2001-09-09T01:46:40Z");
        assert_eq!(at(4_107_542_399), "2100-02-28T23:59:59Z");
        assert_eq!(at(4_107_542_400), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn a_histogram_keeps_values_and_counts() {
        assert_eq!(histogram_text("idle", [0.1, 0.1, 0.25]), "idle 100:2 250:1");
        assert_eq!(histogram_text("idle", []), "idle");
        // Three significant digits: 200,300 us falls into the bucket that ends at 200,319.
        assert_eq!(histogram_text("inline", [200.3]), "inline 200319:1");
    }

    #[test]
    fn the_schema_is_json_and_of_this_version() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        assert_eq!(schema["properties"]["schema"]["const"], 1);
    }
}
