//! The process that plans a task and runs it until it is killed, in one of the ways that the experiment compares.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use clock::Clock;
use runtime_lab::{Request, RunMode, Runtime, offload};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::roles::{self, Part};

/// A process that plans a task and runs it until it is killed.
pub(crate) static PLANNER: Part = Part { name: "cron", main: plan };

/// The way in which the part plans nothing, and watches over another process that does.
pub(super) const WATCH: &str = "watch";

/// Threads of the executor.
const EXECUTOR_THREADS: usize = 2;

/// The part: plans a task in the way of the first argument, every so many milliseconds, and ends with standard input; or
/// watches.
fn plan(arguments: &[String]) -> Result<()> {
    if let [way, group] = arguments
        && way == WATCH
    {
        return watch(group);
    }
    let [way, every_ms] = arguments else { bail!("it needs a way and milliseconds") };
    let every = Duration::from_secs_f64(every_ms.parse::<f64>()? / 1e3);
    // Reading its standard input takes a thread, which does not count as one of the task.
    roles::end_with_stdin()?;
    if way != "task" {
        say("PLANNED", "")?;
    }
    match way.as_str() {
        "loop" | "task" => on_loop(every),
        "pool" => in_pool(every, offload),
        // A pool that is none.
        "inline-pool" => in_pool(every, |task| {
            task();
            offload(|| ())
        }),
        "executor" => in_executor(every),
        "own-process" => {
            // It gets this one's pipes, and so outlives it, but not the lab.
            let mut other = roles::command(&PLANNER, &["task".to_owned(), every_ms.clone()]).spawn()?;
            other.wait()?;
            Ok(())
        }
        _ => bail!("there is no way `{way}`"),
    }
}

/// Kills the processes of `group` when standard input ends, to which nothing is ever written.
fn watch(group: &str) -> Result<()> {
    let group = Pid::from_raw(group.parse()?).context("a group has a number")?;
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    // Who has ended already need not be told.
    let _ = kill_process_group(group, Signal::KILL);
    Ok(())
}

fn on_loop(every: Duration) -> Result<()> {
    let runtime = Runtime::new()?;
    runtime.handle().set_interval(every, |_lp| run_task());
    runtime.run(RunMode::Default)?;
    Ok(())
}

fn in_pool(every: Duration, hand_over: fn(fn()) -> Request<()>) -> Result<()> {
    let runtime = Runtime::builder().pool_threads(4).build()?;
    runtime.handle().set_interval(every, move |lp| {
        lp.spawn(async move {
            // A job that was refused says nothing, and is missed.
            let _ = hand_over(run_task).await;
        });
    });
    runtime.run(RunMode::Default)?;
    Ok(())
}

/// Threads that share one plan: whoever sees that the task is due plans the next run and does this one.
fn in_executor(every: Duration) -> Result<()> {
    let clock = Clock::real();
    let plan = Arc::new((Mutex::new(clock.now() + every), Condvar::new()));
    let mut threads = Vec::new();
    for index in 1..=EXECUTOR_THREADS {
        let (plan, clock) = (plan.clone(), clock.clone());
        let serve = move || loop {
            wait_until_due(&plan.0, &plan.1, every, &clock);
            run_task();
        };
        threads.push(std::thread::Builder::new().name(format!("executor-{index}")).spawn(serve)?);
    }
    for thread in threads {
        if thread.join().is_err() {
            bail!("a thread of the executor panicked");
        }
    }
    Ok(())
}

fn wait_until_due(due: &Mutex<Instant>, changed: &Condvar, every: Duration, clock: &Clock) {
    let mut due = due.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let left = due.saturating_duration_since(clock.now());
        if left.is_zero() {
            *due += every;
            changed.notify_one();
            return;
        }
        due = changed.wait_timeout(due, left).unwrap_or_else(PoisonError::into_inner).0;
    }
}

/// The task: says where it runs.
fn run_task() {
    let now = clock::monotonic(Clock::real().now()).as_nanos().to_string();
    // A process that cannot say anything any more has nothing left to do.
    if say("RAN", &now).is_err() {
        std::process::exit(1);
    }
}

/// Writes `kind pid thread threads at name` as one line.
fn say(kind: &str, at: &str) -> std::io::Result<()> {
    let thread = std::thread::current();
    let number = std::fs::read_link("/proc/thread-self").ok();
    let number = number.and_then(|path| path.file_name()?.to_str()?.parse::<u64>().ok());
    let number = number.unwrap_or_else(own_number);
    let threads = std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count);
    let words = [
        kind.to_owned(),
        std::process::id().to_string(),
        number.to_string(),
        threads.to_string(),
        at.to_owned(),
        thread.name().unwrap_or("unnamed").replace(' ', "-"),
    ];
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{}\n", words.join(" ")).as_bytes())?;
    out.flush()
}

/// A number of the calling thread where the system gives none.
fn own_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    thread_local!(static MINE: u64 = NEXT.fetch_add(1, Ordering::Relaxed));
    MINE.with(|mine| *mine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_due_run_is_taken_once_and_the_next_one_planned() {
        let (clock, hands) = Clock::manual();
        let every = Duration::from_millis(10);
        let due = Mutex::new(clock.now() + every);
        hands.advance(every);
        wait_until_due(&due, &Condvar::new(), every, &clock);
        assert_eq!(due.into_inner().unwrap(), clock.now() + every);
    }
}
