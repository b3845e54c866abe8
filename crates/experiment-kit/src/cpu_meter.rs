//! How much processor time others took while we measured: the guard against verdicts from a busy machine.
//!
//! # Model
//! The kernel counts the ticks that all processors spent busy and idle (`/proc/stat`), and those of single
//! processes (`/proc/PID/stat`). Only the processors that this process may use are looked at. Busy ticks that are
//! neither ours nor our client's were taken by others, or by other virtual machines (steal). Linux only: elsewhere
//! the share is unknown, and says so.
//!
//! # Source
//! proc(5), `/proc/stat` and `/proc/[pid]/stat`: fields 14 and 15 are user and system time, 16 and 17 those of children
//! that were waited for. `/proc/[pid]/status`, `Cpus_allowed_list`: the processors that a process may use.

use std::ops::RangeInclusive;

/// One reading of the kernel's counters, in ticks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reading {
    busy: u64,
    all: u64,
    ours: u64,
}

/// Sums up what others took over several stretches of time.
#[derive(Debug, Default)]
pub(crate) struct CpuMeter {
    began: Option<Reading>,
    others: u64,
    all: u64,
}

impl CpuMeter {
    /// Begins a stretch; `pids` are our processes besides this one.
    pub(crate) fn begin(&mut self, pids: &[u32]) {
        self.began = Reading::now(pids);
    }

    /// Ends the stretch that was begun.
    pub(crate) fn end(&mut self, pids: &[u32]) {
        if let (Some(before), Some(after)) = (self.began.take(), Reading::now(pids)) {
            self.add(before, after);
        }
    }

    fn add(&mut self, before: Reading, after: Reading) {
        let all = after.all.saturating_sub(before.all);
        let busy = after.busy.saturating_sub(before.busy);
        self.others += busy.saturating_sub(after.ours.saturating_sub(before.ours));
        self.all += all;
    }

    /// How many of `cores` processors others kept busy on average; `None` where the system does not tell.
    pub(crate) fn others_cores(&self, cores: usize) -> Option<f64> {
        (self.all > 0).then(|| self.others as f64 / self.all as f64 * cores as f64)
    }
}

impl Reading {
    fn now(pids: &[u32]) -> Option<Reading> {
        // Where it does not say which processors we may use, all of them count.
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let allowed = allowed_processors(&status);
        let (busy, all) = machine_ticks(&std::fs::read_to_string("/proc/stat").ok()?, &allowed)?;
        let mut ours = process_ticks(&std::fs::read_to_string("/proc/self/stat").ok()?)?;
        for pid in pids {
            // A client that just died took its counters along; what it used then counts as others'.
            ours += std::fs::read_to_string(format!("/proc/{pid}/stat"))
                .ok()
                .and_then(|s| process_ticks(&s))
                .unwrap_or(0);
        }
        Some(Reading { busy, all, ours })
    }
}

/// The processors in `Cpus_allowed_list: 0-3,7`; none where there is no such line.
fn allowed_processors(status: &str) -> Vec<RangeInclusive<u32>> {
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    list.trim().split(',').filter_map(range).collect()
}

/// Busy and all ticks of the `allowed` processors, which have a line each; of the whole machine, whose line is named `cpu`
/// alone, when none of them has one.
fn machine_ticks(stat: &str, allowed: &[RangeInclusive<u32>]) -> Option<(u64, u64)> {
    let is_allowed = |line: &&str| {
        let name = line.split_whitespace().next().unwrap_or_default();
        let number = name.strip_prefix("cpu").and_then(|number| number.parse().ok());
        number.is_some_and(|number| allowed.iter().any(|range| range.contains(&number)))
    };
    let mut lines: Vec<&str> = stat.lines().filter(is_allowed).collect();
    if lines.is_empty() {
        lines.extend(stat.lines().find(|line| line.starts_with("cpu ")));
    }
    let ticks: Vec<(u64, u64)> = lines.into_iter().filter_map(ticks_of_line).collect();
    let (busy, all) = ticks.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    (all > 0).then_some((busy, all))
}

/// Busy and all ticks in a line `cpu user nice system idle iowait irq softirq steal …`.
fn ticks_of_line(line: &str) -> Option<(u64, u64)> {
    // guest and guest_nice, after steal, are in user and nice already.
    let ticks: Vec<u64> =
        line.split_whitespace().skip(1).take(8).map_while(|field| field.parse().ok()).collect();
    let all: u64 = ticks.iter().sum();
    let idle = ticks.get(3)? + ticks.get(4).unwrap_or(&0);
    Some((all - idle, all))
}

/// User and system ticks of one process and of its children that were waited for; its name, in brackets, may hold
/// anything.
fn process_ticks(stat: &str) -> Option<u64> {
    let fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks: Vec<u64> = fields.take(4).map_while(|field| field.parse().ok()).collect();
    (ticks.len() == 4).then(|| ticks.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_all_but_idle_and_waiting_for_disks() {
        let stat = "cpu  100 1 50 800 40 2 3 4 90 0\ncpu0 1 2 3 4 5 6 7 8 9 10\n";
        assert_eq!(machine_ticks(stat, &[]), Some((160, 1_000)));
        assert_eq!(machine_ticks("cpu  0 0 0 0 0 0 0 0 0 0\n", &[]), None);
        assert_eq!(machine_ticks("", &[0..=7]), None);
    }

    #[test]
    fn only_the_processors_that_we_may_use_count() {
        let status = "Name:\tcat\nCpus_allowed:\tff\nCpus_allowed_list:\t1,3-4\nMems_allowed_list:\t0\n";
        assert_eq!(allowed_processors(status), [1..=1, 3..=4]);
        assert_eq!(allowed_processors("Name:\tcat\n"), []);
        let stat = "cpu  9 0 0 9 0 0 0 0\ncpu0 1 0 0 1 0 0 0 0\ncpu1 2 0 0 8 0 0 0 0\ncpu13 4 0 0 4 0 0 0 0\n\
                    cpu3 3 0 0 7 0 0 0 0\nintr 1 2 3\n";
        assert_eq!(machine_ticks(stat, &allowed_processors(status)), Some((5, 20)));
        assert_eq!(
            machine_ticks(stat, std::slice::from_ref(&(7..=9))),
            Some((9, 18)),
            "else the whole machine"
        );
    }

    #[test]
    fn a_process_may_be_named_anything() {
        let stat = "7 (a) 1 2) R 1 7 7 0 -1 4194304 98 0 0 0 31 11 5 5 20 0 1 0 115697 3133440 378";
        assert_eq!(process_ticks(stat), Some(52));
        assert_eq!(process_ticks("7 (short) R 1"), None);
    }

    #[test]
    fn what_is_not_ours_is_others() {
        let mut meter = CpuMeter::default();
        assert_eq!(meter.others_cores(2), None);
        meter.add(Reading { busy: 100, all: 1_000, ours: 50 }, Reading { busy: 220, all: 1_200, ours: 150 });
        assert_eq!(meter.others_cores(2), Some(0.2)); // 20 of 200 ticks on two processors.
        meter.add(Reading { busy: 0, all: 0, ours: 0 }, Reading { busy: 100, all: 200, ours: 0 });
        assert_eq!(meter.others_cores(2), Some(0.6));
    }

    #[test]
    fn own_ticks_that_the_total_has_not_counted_yet_do_not_make_others_negative() {
        let mut meter = CpuMeter::default();
        meter.add(Reading { busy: 100, all: 1_000, ours: 50 }, Reading { busy: 110, all: 1_100, ours: 70 });
        assert_eq!(meter.others_cores(1), Some(0.0));
    }
}
