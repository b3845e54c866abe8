//! What the latency table says: computed from its rows, so that it is true of the machine that it ran on.

use serde::Serialize;

use crate::contender::Contender;
use crate::latency::Row;
use crate::table;
use crate::workload::Workload;

/// A smaller size that is not more than this part slower is as good: threads cost memory.
const AS_GOOD: f64 = 0.95;

/// What the rows of one workload say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reading {
    /// Its name.
    pub workload: &'static str,
    /// The combination of ours with the most jobs per second.
    pub most_jobs: Best,
    /// The smallest size of that scheduler within 5 % of it.
    pub smallest_as_good: usize,
    /// The combination of ours with the shortest p99 of the queue wait.
    pub shortest_wait: Best,
    /// Jobs per second of the largest measured size over the smallest, for each contender.
    pub large_over_small: Vec<(&'static str, f64)>,
    /// The smallest and the largest of both sizes.
    pub sizes: (usize, usize),
    /// For each scheduler of ours, the lowest and highest ratio of its jobs per second to tokio's at the same size.
    pub over_tokio: Vec<(&'static str, f64, f64)>,
}

/// One combination.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Best {
    /// The contender's name.
    pub contender: &'static str,
    /// Its size.
    pub threads: usize,
    /// What it reached.
    pub jobs_per_second: f64,
    /// In microseconds.
    pub queue_wait_p99_us: f64,
}

impl Best {
    fn of(row: &Row) -> Best {
        Best {
            contender: row.contender.name(),
            threads: row.threads,
            jobs_per_second: row.jobs_per_second(),
            queue_wait_p99_us: row.queue_wait.p99().as_secs_f64() * 1e6,
        }
    }
}

/// Reads the rows of one workload; `None` when none of them is ours.
pub fn read(workload: Workload, rows: &[Row]) -> Option<Reading> {
    let rows: Vec<&Row> = rows.iter().filter(|row| row.workload == workload).collect();
    let ours = || rows.iter().copied().filter(|row| row.contender != Contender::Tokio);
    let most = ours().max_by(|a, b| a.jobs_per_second().total_cmp(&b.jobs_per_second()))?;
    let enough = most.jobs_per_second() * AS_GOOD;
    let as_good = ours().filter(|row| row.contender == most.contender && row.jobs_per_second() >= enough);
    let sizes = (rows.iter().map(|row| row.threads).min()?, rows.iter().map(|row| row.threads).max()?);
    let at = |contender, threads| {
        rows.iter()
            .find(|row| (row.contender, row.threads) == (contender, threads))
            .map(|row| row.jobs_per_second())
    };
    let over_tokio = |contender| {
        let mut ratios: Vec<f64> = rows
            .iter()
            .filter(|row| row.contender == contender)
            .filter_map(|row| Some(row.jobs_per_second() / at(Contender::Tokio, row.threads)?))
            .collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Some((Contender::name(contender), *ratios.first()?, *ratios.last()?))
    };
    Some(Reading {
        workload: workload.name(),
        most_jobs: Best::of(most),
        smallest_as_good: as_good.map(|row| row.threads).min()?,
        shortest_wait: Best::of(ours().min_by_key(|row| (row.queue_wait.p99(), row.threads))?),
        large_over_small: Contender::ALL
            .into_iter()
            .filter(|_| sizes.0 < sizes.1)
            .filter_map(|contender| {
                Some((contender.name(), at(contender, sizes.1)? / at(contender, sizes.0)?))
            })
            .collect(),
        sizes,
        over_tokio: [Contender::Fifo, Contender::Stealing].into_iter().filter_map(over_tokio).collect(),
    })
}

impl Reading {
    /// The same in words, a few lines.
    pub fn to_text(&self) -> String {
        let threads =
            |count: usize| if count == 1 { "1 thread".to_owned() } else { format!("{count} threads") };
        let mut text = format!(
            "{}\n  most jobs:      {} of {}, {} jobs/s; the smallest within 5 % of that: {}\n",
            self.workload,
            threads(self.most_jobs.threads),
            self.most_jobs.contender,
            table::count(self.most_jobs.jobs_per_second),
            threads(self.smallest_as_good),
        );
        let wait = std::time::Duration::from_secs_f64(self.shortest_wait.queue_wait_p99_us / 1e6);
        text += &format!(
            "  shortest wait:  {} of {}, p99 {}\n",
            threads(self.shortest_wait.threads),
            self.shortest_wait.contender,
            table::duration(wait),
        );
        if !self.large_over_small.is_empty() {
            let ratios = self.large_over_small.iter().map(|(name, ratio)| format!("{name} {ratio:.2}x"));
            let ratios = ratios.collect::<Vec<_>>().join(", ");
            text += &format!("  {} do of the jobs of {}: {ratios}\n", threads(self.sizes.1), self.sizes.0);
        }
        if !self.over_tokio.is_empty() {
            let ratios =
                self.over_tokio.iter().map(|(name, low, high)| format!("{name} {low:.2}x to {high:.2}x"));
            text += &format!(
                "  jobs/s over tokio's at the same size: {}\n",
                ratios.collect::<Vec<_>>().join(", ")
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::work::Work;
    use crate::workload::Load;

    /// A row of 1,000 jobs with this total and wait.
    fn row(contender: Contender, threads: usize, total_ms: u64, wait_us: u64) -> Row {
        let load = Load { work: Work::Nothing, units: 1_000, jobs_each: 1, in_flight: 10 };
        let mut row = Row::new(Workload::NoOp, contender, threads, &load);
        row.totals.push(Duration::from_millis(total_ms));
        row.queue_wait.record(Duration::from_micros(wait_us));
        row
    }

    fn rows() -> Vec<Row> {
        vec![
            row(Contender::Fifo, 1, 102, 900),
            row(Contender::Fifo, 8, 100, 300),
            row(Contender::Stealing, 1, 125, 800),
            row(Contender::Stealing, 8, 250, 200),
            row(Contender::Tokio, 1, 204, 10),
            row(Contender::Tokio, 8, 50, 10),
        ]
    }

    #[test]
    fn the_reading_names_the_best_of_ours_and_the_smallest_as_good() {
        let text = read(Workload::NoOp, &rows()).unwrap().to_text();
        let expected = "no-op\n\
            \x20 most jobs:      8 threads of fifo, 10.0 k jobs/s; the smallest within 5 % of that: 1 thread\n\
            \x20 shortest wait:  8 threads of stealing, p99 200 us\n\
            \x20 8 threads do of the jobs of 1: fifo 1.02x, stealing 0.50x, tokio 4.08x\n\
            \x20 jobs/s over tokio's at the same size: fifo 0.50x to 2.00x, stealing 0.20x to 1.63x\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_smaller_size_that_is_slower_is_not_as_good() {
        let rows = [row(Contender::Fifo, 1, 120, 1), row(Contender::Fifo, 8, 100, 1)];
        assert_eq!(read(Workload::NoOp, &rows).unwrap().smallest_as_good, 8);
    }

    #[test]
    fn nothing_is_read_from_no_rows_of_ours() {
        assert_eq!(read(Workload::NoOp, &[row(Contender::Tokio, 1, 1, 1)]), None);
        assert_eq!(read(Workload::Nested, &rows()), None);
    }

    #[test]
    fn one_size_has_no_ratio_of_sizes() {
        let reading = read(Workload::NoOp, &rows()[..1]).unwrap();
        assert!(reading.large_over_small.is_empty() && reading.over_tokio.is_empty());
        assert_eq!(reading.to_text().lines().count(), 3);
    }
}
