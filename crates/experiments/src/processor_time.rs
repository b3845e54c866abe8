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
        let busy =
            Busy(std::process::Command::new("sh").args(["-c", "while :; do :; done"]).spawn().unwrap());
        let used = || of_threads_ns(busy.0.id()).expect("it runs");
        let before = used();
        while used() == before {
            std::thread::yield_now();
        }
        assert!(used() > before);
        assert_eq!(of_threads_ns(u32::MAX), None);
    }
}
