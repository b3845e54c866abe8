//! Waiting for one time in two ways: a loop with one timer, and a thread that polls.
//!
//! # Threads
//! `waiter` waits, on its own so that only its wake-ups count; who started it stops the loop when a signal comes.

use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use anyhow::{Result, anyhow};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::conduct::wait_for;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use runtime_lab::{RemoteHandle, RunMode, Runtime};

/// How often a thread woke up and looked.
struct Waited {
    wakeups: Option<u64>,
    looks: u64,
}

/// Waits for one time on a thread of its own, so that only its own wake-ups count.
pub(super) fn wait(setup: &Setup, polling: bool, sink: &mut Sink<'_>) -> Result<()> {
    let due = Duration::from_secs_f64(setup.knob("due_ms") / 1e3);
    let (heartbeat, clock) = (setup.has_flaw("heartbeat"), setup.clock.clone());
    let (stop, stopped) = mpsc::channel::<RemoteHandle>();
    let asked = setup.interrupt.clone();
    let waiter = move || -> Result<Waited> {
        let before = switches();
        let looks = match polling {
            true => poll(&clock, due, &asked),
            false => one_timer(&clock, due, heartbeat, &stop)?,
        };
        let wakeups = switches().zip(before).map(|(after, before)| after.saturating_sub(before));
        Ok(Waited { wakeups, looks })
    };
    let waiter = std::thread::Builder::new().name("waiter".to_owned()).spawn(waiter)?;
    wait_for(&setup.interrupt, due * 100, &setup.clock, || waiter.is_finished());
    // A loop that sleeps cannot see that it should end. One that has ended already need not be told.
    if let Ok(remote) = stopped.try_recv() {
        let _ = remote.stop();
    }
    let waited = waiter.join().map_err(|_| anyhow!("the waiting thread panicked"))??;
    sink.add("looks", waited.looks as f64);
    sink.extend("wakeups", waited.wakeups.map(|wakeups| wakeups as f64));
    Ok(())
}

/// A loop with one timer; how many passes it made until that was due.
fn one_timer(clock: &Clock, due: Duration, heartbeat: bool, stop: &Sender<RemoteHandle>) -> Result<u64> {
    let runtime = Runtime::new()?;
    let lp = runtime.handle();
    // Who started this waits for its end.
    let _ = stop.send(lp.remote());
    if heartbeat {
        let beat = lp.set_interval(Duration::from_millis(1), |_lp| {});
        lp.set_timeout_ref(beat, false);
    }
    lp.set_timeout(due, |_lp| {});
    runtime.run(RunMode::Default)?;
    Ok(lp.metrics().snapshot(clock.now()).iterations)
}

/// A scheduler that sleeps a millisecond and looks; how often it looked.
fn poll(clock: &Clock, due: Duration, interrupt: &Interrupt) -> u64 {
    let begun = clock.now();
    let mut looks = 1;
    while clock.now().saturating_duration_since(begun) < due && !interrupt.came() {
        std::thread::sleep(Duration::from_millis(1));
        looks += 1;
    }
    looks
}

/// How often this thread went to sleep by itself until now; `None` where the system does not tell.
fn switches() -> Option<u64> {
    voluntary(&std::fs::read_to_string("/proc/thread-self/status").ok()?)
}

fn voluntary(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_linux_counts_is_read() {
        let status = "Name:\tlab\nvoluntary_ctxt_switches:\t150\nnonvoluntary_ctxt_switches:\t545\n";
        assert_eq!(voluntary(status), Some(150));
        assert_eq!(voluntary("Name:\tlab\n"), None);
    }
}
