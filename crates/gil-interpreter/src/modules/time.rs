//! `time`: the clocks, and sleeping without the lock.

use std::time::{Duration, UNIX_EPOCH};

use parking_lot::{Condvar, Mutex};

use super::support::{deadline, seconds};
use super::wait::pass_time;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    r.module_function("time", "time", LockUse::Holds, time);
    r.module_function("time", "time_ns", LockUse::Holds, time_ns);
    for name in ["monotonic", "perf_counter"] {
        r.module_function("time", name, LockUse::Holds, monotonic);
    }
    for name in ["monotonic_ns", "perf_counter_ns"] {
        r.module_function("time", name, LockUse::Holds, monotonic_ns);
    }
    r.module_function("time", "process_time", LockUse::Holds, process_time);
    r.module_function("time", "process_time_ns", LockUse::Holds, process_time_ns);
    r.module_function("time", "thread_time", LockUse::Holds, thread_time);
    r.module_function("time", "thread_time_ns", LockUse::Holds, thread_time_ns);
    r.module_function("time", "sleep", LockUse::Releases, sleep);
}

fn time<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.time")?;
    Ok(in_seconds(wall()))
}

fn time_ns<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.time_ns")?;
    Ok(in_ns(wall()))
}

/// Both of CPython's steady clocks are the same one on Linux.
fn monotonic<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.perf_counter")?;
    Ok(in_seconds(clock::monotonic(m.shared.settings.clock.now())))
}

fn monotonic_ns<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.perf_counter_ns")?;
    Ok(in_ns(clock::monotonic(m.shared.settings.clock.now())))
}

fn process_time<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.process_time")?;
    Ok(in_seconds(clock::process_cpu_time()))
}

fn process_time_ns<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.process_time_ns")?;
    Ok(in_ns(clock::process_cpu_time()))
}

fn thread_time<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.thread_time")?;
    Ok(in_seconds(clock::thread_cpu_time()))
}

fn thread_time_ns<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "time.thread_time_ns")?;
    Ok(in_ns(clock::thread_cpu_time()))
}

/// Gives the lock away even for 0 seconds, as CPython does.
fn sleep<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [length] = args.exactly(m, "time.sleep")?;
    let length = seconds(m, length)?;
    if length < 0.0 {
        return Err(m.value_error("sleep length must be non-negative"));
    }
    let until = deadline(m, length);
    let (nothing, never) = (Mutex::new(()), Condvar::new());
    pass_time(m, until, |slice| {
        if !slice.is_zero() {
            never.wait_for(&mut nothing.lock(), slice);
        }
    })?;
    Ok(Value::None)
}

fn wall() -> Duration {
    clock::wall_now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn in_seconds(time: Duration) -> Value {
    Value::Float(time.as_secs_f64())
}

fn in_ns(time: Duration) -> Value {
    Value::Int(i64::try_from(time.as_nanos()).unwrap_or(i64::MAX))
}
