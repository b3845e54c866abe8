//! `Semaphore` and `BoundedSemaphore`: a number of permits.

use std::sync::Arc;

use super::super::support::{HOST_NAME, flag, host, set_host, timeout, whole};
use super::super::wait::{Watched, take_or_wait};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("threading", "Semaphore", types::OBJECT, &[HOST_NAME]);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "acquire", LockUse::TriesFirst, acquire);
    r.method(class, "release", LockUse::Holds, release);
    r.method(class, "__enter__", LockUse::TriesFirst, enter);
    r.method(class, "__exit__", LockUse::Holds, exit);
    let bounded = r.module_class("threading", "BoundedSemaphore", class, &[]);
    r.method(bounded, "__init__", LockUse::Holds, init_bounded);
}

struct SemaphoreHost {
    permits: Watched<i64>,
    /// The most that there may be.
    bound: Option<i64>,
}

impl HostObject for SemaphoreHost {}

fn take(permits: &mut i64) -> Option<()> {
    (*permits > 0).then(|| *permits -= 1)
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    make(m, args, false)
}

fn init_bounded<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    make(m, args, true)
}

fn make<H: Heap>(m: &mut Machine<H>, args: Args, bounded: bool) -> Result<Value, Unwind> {
    let [receiver, value] = args.bind(m, "Semaphore.__init__", ["/self", "value"], 1)?;
    let value = if value == Value::Unbound { 1 } else { whole(m, value)? };
    if value < 0 {
        return Err(m.value_error("semaphore initial value must be >= 0"));
    }
    let bound = bounded.then_some(value);
    set_host(m, receiver, Arc::new(SemaphoreHost { permits: Watched::new(value), bound }));
    Ok(Value::None)
}

fn acquire<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, blocking, limit] =
        args.bind(m, "Semaphore.acquire", ["/self", "blocking", "timeout"], 1)?;
    let semaphore = host::<SemaphoreHost, H>(m, receiver, "Semaphore")?;
    let blocking = flag(m, blocking, true)?;
    if !blocking && !matches!(limit, Value::Unbound | Value::None) {
        return Err(m.value_error("can't specify timeout for non-blocking acquire"));
    }
    let deadline = timeout(m, limit)?;
    let taken = take_or_wait(m, &semaphore.permits, blocking, deadline, take)?;
    Ok(Value::Bool(taken.is_some()))
}

fn enter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Semaphore.__enter__")?;
    let semaphore = host::<SemaphoreHost, H>(m, receiver, "Semaphore")?;
    take_or_wait(m, &semaphore.permits, true, None, take)?;
    Ok(Value::Bool(true))
}

fn release<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, count] = args.bind(m, "Semaphore.release", ["/self", "n"], 1)?;
    let count = if count == Value::Unbound { 1 } else { whole(m, count)? };
    if count < 1 {
        return Err(m.value_error("n must be one or more"));
    }
    give(m, receiver, count)
}

fn exit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let receiver = args.get(m, 0).unwrap_or(Value::None);
    give(m, receiver, 1)
}

fn give<H: Heap>(m: &mut Machine<H>, receiver: Value, count: i64) -> Result<Value, Unwind> {
    let semaphore = host::<SemaphoreHost, H>(m, receiver, "Semaphore")?;
    let given = semaphore.permits.change(|permits| {
        let more = permits.saturating_add(count);
        let fits = semaphore.bound.is_none_or(|bound| more <= bound);
        if fits {
            *permits = more;
        }
        fits
    });
    if given { Ok(Value::None) } else { Err(m.value_error("Semaphore released too many times")) }
}
