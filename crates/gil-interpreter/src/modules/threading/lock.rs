//! `Lock` and `RLock`: tried first with the global lock held, waited for without it.
//!
//! # Invariants
//! - TL1: at most one thread has it; a reentrant one its owner may take again, and must give back as often.
//!
//! # Source
//! CPython 3.11 `Modules/_threadmodule.c`.

use std::sync::Arc;
use std::time::Instant;

use super::super::support::{HOST_NAME, deadline, flag, host, seconds, set_host};
use super::super::wait::{Watched, take_or_wait, wait};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    for (name, reentrant) in [("Lock", false), ("RLock", true)] {
        let class = r.module_class("threading", name, types::OBJECT, &[HOST_NAME]);
        r.method(class, "__init__", LockUse::Holds, if reentrant { init_rlock } else { init_lock });
        r.method(class, "acquire", LockUse::TriesFirst, acquire);
        r.method(class, "release", LockUse::Holds, release);
        r.method(class, "locked", LockUse::Holds, locked);
        r.method(class, "__enter__", LockUse::TriesFirst, enter);
        r.method(class, "__exit__", LockUse::Holds, exit);
    }
}

/// A lock of the program, with or without an owner that may take it again.
pub(in super::super) struct Mutual {
    reentrant: bool,
    state: Watched<Held>,
}

/// Who has it, and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(in super::super) struct Held {
    owner: Option<u32>,
    count: u32,
}

impl HostObject for Mutual {}

impl Held {
    fn take(&mut self, me: u32, reentrant: bool) -> Option<()> {
        match self.owner {
            Some(owner) if !reentrant || owner != me => None,
            _ => {
                self.owner = Some(me);
                self.count += 1;
                Some(())
            }
        }
    }
}

impl Mutual {
    pub(in super::super) fn new(reentrant: bool) -> Mutual {
        Mutual { reentrant, state: Watched::default() }
    }

    /// Anybody may release a plain lock, only its owner a reentrant one; false when that is not so.
    fn give(&self, me: u32) -> bool {
        self.state.change_one(|held| {
            if held.owner.is_none() || (self.reentrant && held.owner != Some(me)) {
                return false;
            }
            held.count -= 1;
            if held.count == 0 {
                held.owner = None;
            }
            true
        })
    }

    /// A plain lock does not know its owner: somebody's is as good.
    pub(super) fn is_mine(&self, me: u32) -> bool {
        self.state.with(|held| held.owner.is_some_and(|owner| !self.reentrant || owner == me))
    }

    /// Gives it back however often it was taken; for `restore`.
    pub(super) fn give_all(&self) -> Held {
        self.state.change_one(std::mem::take)
    }

    pub(in super::super) fn acquire<H: Heap>(
        &self,
        m: &mut Machine<H>,
        blocking: bool,
        deadline: Option<Instant>,
    ) -> Result<bool, Unwind> {
        let (me, reentrant) = (m.thread, self.reentrant);
        Ok(take_or_wait(m, &self.state, blocking, deadline, |held| held.take(me, reentrant))?.is_some())
    }

    /// Takes it again after `give_all`. An exception on the way is raised when the lock is there.
    pub(super) fn restore<H: Heap>(&self, m: &mut Machine<H>, before: Held) -> Result<(), Unwind> {
        let base = m.roots.len();
        let mut raised = None;
        loop {
            let taken = wait(m, None, |slice| {
                self.state.attempt(slice, |held| {
                    let free = held.owner.is_none();
                    free.then(|| *held = before)
                })
            });
            m.roots.truncate(base);
            match taken {
                Ok(_) => return raised.map_or(Ok(()), Err),
                Err(Unwind::Stopped) => return Err(Unwind::Stopped),
                Err(Unwind::Raised(error)) => {
                    m.roots.push(error);
                    raised = Some(Unwind::Raised(error));
                }
            }
        }
    }

    pub(in super::super) fn release<H: Heap>(&self, m: &mut Machine<H>) -> Result<(), Unwind> {
        if self.give(m.thread) {
            return Ok(());
        }
        let message =
            if self.reentrant { "cannot release un-acquired lock" } else { "release unlocked lock" };
        Err(m.runtime_error(message))
    }
}

/// Where `acquire(blocking, timeout)` may wait until, with CPython's checks.
fn limits<H: Heap>(
    m: &mut Machine<H>,
    blocking: Value,
    timeout: Value,
) -> Result<(bool, Option<Instant>), Unwind> {
    let blocking = flag(m, blocking, true)?;
    let timeout = if timeout == Value::Unbound { -1.0 } else { seconds(m, timeout)? };
    if !blocking && timeout != -1.0 {
        return Err(m.value_error("can't specify a timeout for a non-blocking call"));
    }
    if timeout < 0.0 && timeout != -1.0 {
        return Err(m.value_error("timeout value must be a non-negative number"));
    }
    Ok((blocking, if timeout < 0.0 { None } else { deadline(m, timeout) }))
}

fn init_lock<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.bind(m, "Lock", ["/self"], 1)?;
    set_host(m, receiver, Arc::new(Mutual::new(false)));
    Ok(Value::None)
}

fn init_rlock<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.bind(m, "RLock", ["/self"], 1)?;
    set_host(m, receiver, Arc::new(Mutual::new(true)));
    Ok(Value::None)
}

fn acquire<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, blocking, timeout] = args.bind(m, "acquire", ["/self", "blocking", "timeout"], 1)?;
    let lock = host::<Mutual, H>(m, receiver, "Lock")?;
    let (blocking, deadline) = limits(m, blocking, timeout)?;
    Ok(Value::Bool(lock.acquire(m, blocking, deadline)?))
}

fn release<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Lock.release")?;
    let lock = host::<Mutual, H>(m, receiver, "Lock")?;
    lock.release(m)?;
    Ok(Value::None)
}

fn locked<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Lock.locked")?;
    let lock = host::<Mutual, H>(m, receiver, "Lock")?;
    Ok(Value::Bool(lock.state.with(|held| held.owner.is_some())))
}

fn enter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Lock.__enter__")?;
    let lock = host::<Mutual, H>(m, receiver, "Lock")?;
    Ok(Value::Bool(lock.acquire(m, true, None)?))
}

fn exit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let receiver = args.get(m, 0).unwrap_or(Value::None);
    let lock = host::<Mutual, H>(m, receiver, "Lock")?;
    lock.release(m)?;
    Ok(Value::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tl1_one_thread_has_it_and_its_owner_may_take_a_reentrant_one_again() {
        let plain = Mutual::new(false);
        let take = |lock: &Mutual, me| lock.state.with(|held| held.take(me, lock.reentrant)).is_some();
        assert!(take(&plain, 1) && !take(&plain, 1) && !take(&plain, 2));
        assert!(plain.is_mine(2), "a plain lock has no owner");
        assert!(plain.give(2) && !plain.give(1));
        let again = Mutual::new(true);
        assert!(take(&again, 1) && take(&again, 1) && !take(&again, 2));
        assert!(!again.give(2) && again.give(1) && !take(&again, 2));
        assert!(again.give(1) && take(&again, 2) && !again.is_mine(1));
        assert_eq!(again.give_all(), Held { owner: Some(2), count: 1 });
        assert!(!again.give(2));
    }
}
