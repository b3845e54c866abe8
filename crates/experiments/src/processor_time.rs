//! How much processor time a process has used, which other programs beside it hardly change.
//!
//! # Source
//! Linux, sched-stats.rst: the first number of `/proc/PID/task/TID/schedstat` is the time on a processor in nanoseconds.

/// Nanoseconds for which the threads that `pid` has now have run; `None` where the system does not tell (Linux only).
pub(crate) fn of_threads_ns(pid: u32) -> Option<u64> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let ran = |schedstat: String| schedstat.split_whitespace().next()?.parse::<u64>().ok();
    let each =
        threads.map(|thread| ran(std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?));
    each.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_adds_to_it() {
        let Some(before) = of_threads_ns(std::process::id()) else { return }; // Not on this system.
        let clock = clock::Clock::real();
        let begun = clock.now();
        while clock.now().saturating_duration_since(begun) < std::time::Duration::from_millis(20) {
            std::hint::spin_loop();
        }
        let after = of_threads_ns(std::process::id()).unwrap();
        assert!(after > before, "{before} to {after}");
        assert_eq!(of_threads_ns(u32::MAX), None);
    }
}
