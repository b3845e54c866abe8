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

    /// A process that computes, ended when the test does.
    struct Busy(std::process::Child);

    impl Drop for Busy {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn computing_adds_to_it() {
        if of_threads_ns(std::process::id()).is_none() {
            return; // Not on this system.
        }
        // Another process: the threads of this one begin and end with the tests.
        // It ends by itself, too, should nobody be left to end it.
        let counts = "i=0; while [ $i -lt 100000000 ]; do i=$((i + 1)); done";
        let busy = Busy(std::process::Command::new("sh").args(["-c", counts]).spawn().unwrap());
        let used = || of_threads_ns(busy.0.id()).expect("it runs");
        let before = used();
        let limit = std::time::Duration::from_secs(60);
        let none = experiment_kit::Interrupt::default();
        experiment_kit::conduct::wait_for(&none, limit, &clock::Clock::real(), || used() > before);
        assert!(used() > before, "{before}");
        assert_eq!(of_threads_ns(u32::MAX), None);
    }
}
