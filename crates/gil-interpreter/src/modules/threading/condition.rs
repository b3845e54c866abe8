//! `Condition`: waiting for something that another thread announces, with a lock given back meanwhile.
//!
//! # Model
//! Each waiter has a latch of its own in a queue; `notify` sets the oldest ones. A waiter that gives up takes its
//! latch out of the queue, unless it was set just then.
//!
//! # Source
//! CPython 3.11 `Lib/threading.py`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use super::super::support::{HOST_NAME, find_host, flag, host, set_host, timeout, whole};
use super::super::wait::{Watched, wait};
use super::lock::Mutual;
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("threading", "Condition", types::OBJECT, &[HOST_NAME]);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "acquire", LockUse::TriesFirst, acquire);
    r.method(class, "release", LockUse::Holds, release);
    r.method(class, "__enter__", LockUse::TriesFirst, enter);
    r.method(class, "__exit__", LockUse::Holds, exit);
    r.method(class, "wait", LockUse::Releases, wait_native);
    r.method(class, "wait_for", LockUse::Releases, wait_for);
    r.method(class, "notify", LockUse::Holds, notify);
    r.method(class, "notify_all", LockUse::Holds, notify_all);
}

struct ConditionHost {
    lock: Arc<Mutual>,
    waiters: Mutex<VecDeque<Arc<Watched<bool>>>>,
}

impl HostObject for ConditionHost {}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, lock] = args.bind(m, "Condition.__init__", ["/self", "lock"], 1)?;
    let lock = match lock {
        Value::Unbound | Value::None => Arc::new(Mutual::new(true)),
        other => match find_host::<Mutual, H>(m, other) {
            Some(lock) => lock,
            None => return Err(m.type_error("a Condition needs a threading.Lock or threading.RLock here")),
        },
    };
    set_host(m, receiver, Arc::new(ConditionHost { lock, waiters: Mutex::default() }));
    Ok(Value::None)
}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<ConditionHost>, Unwind> {
    host(m, receiver, "Condition")
}

fn acquire<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, blocking, limit] = args.bind(m, "acquire", ["/self", "blocking", "timeout"], 1)?;
    let condition = of(m, receiver)?;
    let blocking = flag(m, blocking, true)?;
    let deadline = if limit == Value::Int(-1) { None } else { timeout(m, limit)? };
    Ok(Value::Bool(condition.lock.acquire(m, blocking, deadline)?))
}

fn release<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Condition.release")?;
    of(m, receiver)?.lock.release(m)?;
    Ok(Value::None)
}

fn enter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Condition.__enter__")?;
    let condition = of(m, receiver)?;
    Ok(Value::Bool(condition.lock.acquire(m, true, None)?))
}

fn exit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let receiver = args.get(m, 0).unwrap_or(Value::None);
    of(m, receiver)?.lock.release(m)?;
    Ok(Value::None)
}

fn wait_native<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, limit] = args.bind(m, "Condition.wait", ["/self", "timeout"], 1)?;
    let condition = of(m, receiver)?;
    let deadline = timeout(m, limit)?;
    Ok(Value::Bool(wait_once(m, &condition, deadline)?))
}

fn wait_once<H: Heap>(
    m: &mut Machine<H>,
    condition: &ConditionHost,
    deadline: Option<Instant>,
) -> Result<bool, Unwind> {
    if !condition.lock.is_mine(m.thread) {
        return Err(m.runtime_error("cannot wait on un-acquired lock"));
    }
    let latch = Arc::new(Watched::new(false));
    condition.waiters.lock().push_back(Arc::clone(&latch));
    let before = condition.lock.give_all();
    let waited = wait(m, deadline, |slice| latch.attempt(slice, |set| set.then_some(())));
    condition.waiters.lock().retain(|other| !Arc::ptr_eq(other, &latch));
    if waited == Err(Unwind::Stopped) {
        return Err(Unwind::Stopped);
    }
    if let Err(Unwind::Raised(exception)) = waited {
        m.roots.push(exception);
    }
    let restored = condition.lock.restore(m, before);
    if let Err(Unwind::Raised(_)) = waited {
        m.roots.pop();
    }
    waited?;
    restored?;
    Ok(latch.with(|set| *set))
}

fn wait_for<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, predicate, limit] =
        args.bind(m, "Condition.wait_for", ["/self", "predicate", "timeout"], 2)?;
    let condition = of(m, receiver)?;
    let deadline = timeout(m, limit)?;
    loop {
        let result = m.call(predicate, &[])?;
        m.roots.push(result);
        let enough = m.truth(result);
        m.roots.pop();
        let over = deadline.is_some_and(|deadline| m.shared.settings.clock.now() >= deadline);
        if enough? || over {
            return Ok(result);
        }
        wait_once(m, &condition, deadline)?;
    }
}

fn notify<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, count] = args.bind(m, "Condition.notify", ["/self", "n"], 1)?;
    let count = if count == Value::Unbound { 1 } else { whole(m, count)? };
    wake(m, receiver, usize::try_from(count).unwrap_or(0))
}

fn notify_all<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Condition.notify_all")?;
    wake(m, receiver, usize::MAX)
}

fn wake<H: Heap>(m: &mut Machine<H>, receiver: Value, count: usize) -> Result<Value, Unwind> {
    let condition = of(m, receiver)?;
    if !condition.lock.is_mine(m.thread) {
        return Err(m.runtime_error("cannot notify on un-acquired lock"));
    }
    let mut waiters = condition.waiters.lock();
    let count = count.min(waiters.len());
    for latch in waiters.drain(..count) {
        latch.change(|set| *set = true);
    }
    Ok(Value::None)
}
