//! What all threads lived through with the lock, as the tables of `--stats`.
//!
//! # Model
//! One row for each thread and one for all of them; then, if anybody waited, who waited for whom. Durations are shown
//! where they were measured, a dash elsewhere: a missing figure is not a zero.

use std::fmt::Write as _;
use std::time::Duration;

use runtime_trace::LatencyHistogram;

use super::{Ablations, Policy, ThreadCounters};

/// One thread of the program and its counters.
#[derive(Clone)]
pub struct ThreadRow {
    /// The key with which it took the lock.
    pub key: u32,
    /// Its name in the program.
    pub name: String,
    /// What it counted.
    pub counters: ThreadCounters,
}

/// What happened at the lock in one run.
#[derive(Clone)]
pub struct LockReport {
    policy: Policy,
    ablations: Ablations,
    threads: Vec<ThreadRow>,
}

const NAME_MAX: usize = 20;

impl LockReport {
    /// A report without threads.
    pub fn new(policy: Policy, ablations: Ablations) -> LockReport {
        LockReport { policy, ablations, threads: Vec::new() }
    }

    /// Adds what a thread counted; a thread that was added before goes on in its row.
    pub fn add(&mut self, key: u32, name: &str, counters: &ThreadCounters) {
        match self.threads.binary_search_by_key(&key, |row| row.key) {
            Ok(at) => self.threads[at].counters.merge(counters),
            Err(at) => {
                let row = ThreadRow { key, name: name.to_owned(), counters: counters.clone() };
                self.threads.insert(at, row);
            }
        }
    }

    /// The policy of the run.
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// What was different from the policy's own rules.
    pub fn ablations(&self) -> Ablations {
        self.ablations
    }

    /// The threads, in order of their keys.
    pub fn threads(&self) -> &[ThreadRow] {
        &self.threads
    }

    /// The sum over all threads.
    pub fn total(&self) -> ThreadCounters {
        let mut total = ThreadCounters::default();
        for row in &self.threads {
            total.merge(&row.counters);
        }
        total
    }

    /// The report as plain text, a line feed at the end of each line.
    pub fn render(&self) -> String {
        let mut out = format!("lock policy {}", self.policy);
        if !self.ablations.is_none() {
            let _ = write!(out, ", changed by {}", self.ablations);
        }
        let _ = writeln!(out, "\n{}\n", self.policy.description());
        let mut rows = vec![HEAD.map(str::to_owned).to_vec()];
        rows.extend(self.threads.iter().map(|row| cells(&self.shown_name(row.key), &row.counters)));
        if self.threads.len() > 1 {
            rows.push(cells("all", &self.total()));
        }
        table(&rows, &mut out);
        out.push_str(if self.policy.has_requests() { MEANING } else { "" });
        self.render_matrix(&mut out);
        out
    }

    fn render_matrix(&self, out: &mut String) {
        let pairs = self.threads.iter().flat_map(|row| row.counters.waited_for().keys().copied());
        let mut holders: Vec<u32> = pairs.collect();
        holders.sort_unstable();
        holders.dedup();
        if holders.is_empty() {
            return;
        }
        let _ = writeln!(
            out,
            "\nwho waited (rows) while whom had the lock (columns): times, and how long in all"
        );
        let mut rows = vec![vec!["thread".to_owned()]];
        rows[0].extend(holders.iter().map(|holder| self.shown_name(*holder)));
        for row in self.threads.iter().filter(|row| row.counters.waits > 0) {
            let mut line = vec![self.shown_name(row.key)];
            line.extend(holders.iter().map(|holder| match row.counters.waited_for().get(holder) {
                None => "-".to_owned(),
                Some(pair) if row.counters.has_times() => format!("{} / {}", pair.count, duration(pair.time)),
                Some(pair) => pair.count.to_string(),
            }));
            rows.push(line);
        }
        table(&rows, out);
    }

    fn shown_name(&self, key: u32) -> String {
        match self.threads.binary_search_by_key(&key, |row| row.key) {
            Ok(at) => {
                let name = self.threads[at].name.chars();
                name.map(|one| if one.is_control() { '\u{FFFD}' } else { one }).take(NAME_MAX).collect()
            }
            Err(_) => format!("thread {key}"),
        }
    }
}

/// What the columns between `waits` and `switches` say, for whoever sees them for the first time.
const MEANING: &str = "\
time-outs: intervals that it waited through; requests: times it then asked the holder for the lock;
asked: times it was asked and gave it up; forced: of these, until another thread had taken it
";

const HEAD: [&str; 13] = [
    "thread",
    "takes",
    "waits",
    "time-outs",
    "requests",
    "asked",
    "forced",
    "switches",
    "hold p50",
    "p99",
    "wait p50",
    "p99",
    "max",
];

fn cells(name: &str, counters: &ThreadCounters) -> Vec<String> {
    let counts = [
        counters.acquires,
        counters.waits,
        counters.timeouts,
        counters.requests,
        counters.asked,
        counters.forced_waits,
        counters.switches,
    ];
    let figure = |histogram: Option<&LatencyHistogram>, of: fn(&LatencyHistogram) -> Duration| {
        histogram.filter(|one| one.count() > 0).map_or("-".to_owned(), |one| duration(of(one)))
    };
    let (hold, wait) = (counters.hold(), counters.wait());
    let mut cells = vec![name.to_owned()];
    cells.extend(counts.map(|count| count.to_string()));
    cells.extend([
        figure(hold, LatencyHistogram::p50),
        figure(hold, LatencyHistogram::p99),
        figure(wait, LatencyHistogram::p50),
        figure(wait, LatencyHistogram::p99),
        figure(wait, LatencyHistogram::max),
    ]);
    cells
}

/// The first column to the left, the others to the right, two spaces between them.
fn table(rows: &[Vec<String>], out: &mut String) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(out, "{cell:<width$}"),
                _ => write!(out, "  {cell:>width$}"),
            };
        }
        out.push('\n');
    }
}

/// Three digits and the unit that suits them.
fn duration(time: Duration) -> String {
    let ns = time.as_nanos() as f64;
    let (value, unit) = match ns {
        small if small < 999.5 => return format!("{ns:.0} ns"),
        small if small < 999.5e3 => (ns / 1e3, "µs"),
        small if small < 999.5e6 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    let digits = match value {
        small if small < 9.995 => 2,
        small if small < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use sync_protocols::gil::{Dropped, Taken};

    use super::*;

    fn spinner_and_echo(timing: bool) -> LockReport {
        let mut report = LockReport::new(Policy::Gil310, Ablations::default());
        let mut spinner = ThreadCounters::new(timing);
        let taken =
            Taken { payload: (), waited: false, timeouts: 0, requests: 0, switched: true, behind: None };
        spinner.took(&taken, Duration::ZERO);
        spinner.gave(Dropped { asked: true, forced_wait: true }, Duration::from_micros(5_080));
        let mut echo = ThreadCounters::new(timing);
        let waited = Duration::from_micros(if timing { 5_080 } else { 0 });
        echo.took(&Taken { waited: true, timeouts: 1, requests: 1, behind: Some(1), ..taken }, waited);
        echo.gave(Dropped::default(), Duration::from_micros(3));
        report.add(2, "echo\u{7}", &echo);
        report.add(1, "spinner", &spinner);
        report
    }

    #[test]
    fn the_tables_are_as_expected() {
        let expected = "\
lock policy gil310
CPython 3.10-3.12: the same lock; the holder looks on backward jumps, calls and entries

thread   takes  waits  time-outs  requests  asked  forced  switches  hold p50      p99  wait p50      p99      max
spinner      1      0          0         0      1       1         1   5.08 ms  5.08 ms         -        -        -
echo\u{FFFD}        1      1          1         1      0       0         1   3.00 µs  3.00 µs   5.08 ms  5.08 ms  5.08 ms
all          2      1          1         1      1       1         2   3.00 µs  5.08 ms   5.08 ms  5.08 ms  5.08 ms
time-outs: intervals that it waited through; requests: times it then asked the holder for the lock;
asked: times it was asked and gave it up; forced: of these, until another thread had taken it

who waited (rows) while whom had the lock (columns): times, and how long in all
thread      spinner
echo\u{FFFD}   1 / 5.08 ms
";
        let shown = spinner_and_echo(true).render();
        assert!(shown == expected, "shown:\n{shown}\nexpected:\n{expected}");
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let shown = spinner_and_echo(false).render();
        assert!(!shown.contains(" ms") && !shown.contains("µs"), "{shown}");
        assert!(shown.contains("spinner      1      0"), "{shown}");
        assert!(shown.ends_with("echo\u{FFFD}         1\n"), "{shown}");
    }

    #[test]
    fn a_thread_that_is_added_twice_has_one_row() {
        let mut report = spinner_and_echo(false);
        let again = report.threads()[0].counters.clone();
        report.add(1, "spinner", &again);
        assert_eq!(report.threads().len(), 2);
        assert_eq!(report.threads()[0].counters.acquires, 2);
        assert_eq!(report.total().acquires, 3);
    }

    #[test]
    fn a_run_in_which_nobody_waited_has_no_second_table() {
        let ablations = "no-forced-switch".parse().expect("a name");
        let mut report = LockReport::new(Policy::Tick, ablations);
        report.add(0, "main", &ThreadCounters::new(false));
        let shown = report.render();
        assert!(shown.starts_with("lock policy tick, changed by no-forced-switch\n"), "{shown}");
        assert!(!shown.contains("who waited") && !shown.contains("\nall "), "{shown}");
    }

    #[test]
    fn durations_have_three_digits_and_a_unit() {
        let shown = [0, 999, 1_000, 9_994, 9_996, 99_960, 999_600, 5_080_000, 2_500_000_000]
            .map(|ns| duration(Duration::from_nanos(ns)));
        let expected =
            ["0 ns", "999 ns", "1.00 µs", "9.99 µs", "10.0 µs", "100 µs", "1.00 ms", "5.08 ms", "2.50 s"];
        assert_eq!(shown, expected);
    }
}
