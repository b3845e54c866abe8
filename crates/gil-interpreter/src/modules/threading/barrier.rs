//! `Barrier`: threads that wait until all of them are there.
//!
//! # Model
//! ```text
//! Filling --the last one comes--> Acting --action done--> Draining --all have left--> Filling
//!    '--timeout, abort--> Broken <--the action raises--'
//!    '--reset--> Resetting --all have left--> Filling
//! ```
//!
//! # Source
//! CPython 3.11 `Lib/threading.py`.

use std::sync::Arc;
use std::time::Instant;

use super::super::support::{HOST_NAME, host, module_class, or, set_host, set_slot, slot, timeout, whole};
use super::super::wait::{Watched, wait};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

const PARTIES: usize = 1;
const N_WAITING: usize = 2;
const BROKEN: usize = 3;
const ACTION: usize = 4;
const TIMEOUT: usize = 5;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    r.module_class("threading", "BrokenBarrierError", types::RUNTIME_ERROR, &[]);
    let slots = [HOST_NAME, "parties", "n_waiting", "broken", "_action", "_timeout"];
    let class = r.module_class("threading", "Barrier", types::OBJECT, &slots);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "wait", LockUse::Releases, wait_native);
    r.method(class, "reset", LockUse::Holds, reset);
    r.method(class, "abort", LockUse::Holds, abort);
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Filling,
    Acting,
    Draining,
    Resetting,
    Broken,
}

#[derive(Debug, Default)]
struct Gathering {
    phase: Phase,
    /// How many are inside.
    count: i64,
}

impl Gathering {
    /// Comes in; `None` while the last round is leaving, Err when it is broken.
    fn come_in(&mut self) -> Option<Result<i64, ()>> {
        match self.phase {
            Phase::Draining | Phase::Resetting => None,
            Phase::Broken => Some(Err(())),
            Phase::Filling | Phase::Acting => {
                self.count += 1;
                Some(Ok(self.count - 1))
            }
        }
    }

    fn leave(&mut self) {
        self.count -= 1;
        if self.count == 0 && matches!(self.phase, Phase::Draining | Phase::Resetting) {
            self.phase = Phase::Filling;
        }
    }

    fn reset(&mut self) {
        self.phase = if self.count > 0 { Phase::Resetting } else { Phase::Filling };
    }

    /// Whether those who wait may go on, and how.
    fn outcome(&self) -> Option<Result<(), ()>> {
        match self.phase {
            Phase::Filling | Phase::Acting => None,
            Phase::Draining => Some(Ok(())),
            Phase::Resetting | Phase::Broken => Some(Err(())),
        }
    }
}

struct BarrierHost {
    parties: i64,
    inside: Watched<Gathering>,
}

impl HostObject for BarrierHost {}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "parties", "action", "timeout"];
    let [receiver, parties, action, limit] = args.bind(m, "Barrier.__init__", names, 2)?;
    let parties = whole(m, parties)?;
    if parties < 1 {
        return Err(m.value_error("parties must be > 0"));
    }
    set_host(m, receiver, Arc::new(BarrierHost { parties, inside: Watched::default() }));
    set_slot(m, receiver, PARTIES, Value::Int(parties));
    set_slot(m, receiver, ACTION, or(action, Value::None));
    set_slot(m, receiver, TIMEOUT, or(limit, Value::None));
    show(m, receiver)?;
    Ok(Value::None)
}

/// Writes what `n_waiting` and `broken` say now.
fn show<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<BarrierHost>, Unwind> {
    let barrier = host::<BarrierHost, H>(m, receiver, "Barrier")?;
    let (waiting, broken) = barrier.inside.with(|inside| {
        let waiting = if inside.phase == Phase::Filling { inside.count } else { 0 };
        (waiting, inside.phase == Phase::Broken)
    });
    set_slot(m, receiver, N_WAITING, Value::Int(waiting));
    set_slot(m, receiver, BROKEN, Value::Bool(broken));
    Ok(barrier)
}

fn broken<H: Heap>(m: &mut Machine<H>) -> Unwind {
    let class = module_class(m, "threading", "BrokenBarrierError");
    m.raise(class, String::new())
}

fn wait_native<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, limit] = args.bind(m, "Barrier.wait", ["/self", "timeout"], 1)?;
    let limit = if limit == Value::Unbound { slot(m, receiver, TIMEOUT) } else { limit };
    let deadline = timeout(m, limit)?;
    let barrier = host::<BarrierHost, H>(m, receiver, "Barrier")?;
    let come_in = |inside: &mut Gathering| inside.come_in();
    let came = match barrier.inside.with(come_in) {
        Some(came) => came,
        None => match wait(m, None, |slice| barrier.inside.attempt(slice, come_in))? {
            Some(came) => came,
            None => Err(()),
        },
    };
    let Ok(index) = came else { return Err(broken(m)) };
    show(m, receiver)?;
    let result = if index + 1 == barrier.parties {
        let_go(m, receiver, &barrier)
    } else {
        stay(m, &barrier, deadline)
    };
    barrier.inside.change(Gathering::leave);
    show(m, receiver)?;
    result.map(|()| Value::Int(index))
}

/// The last one does the action and lets everybody go.
fn let_go<H: Heap>(m: &mut Machine<H>, receiver: Value, barrier: &BarrierHost) -> Result<(), Unwind> {
    let action = slot(m, receiver, ACTION);
    if action != Value::None {
        barrier.inside.with(|inside| inside.phase = Phase::Acting);
        if let Err(error) = m.call(action, &[]) {
            barrier.inside.change(|inside| inside.phase = Phase::Broken);
            return Err(error);
        }
    }
    barrier.inside.change(|inside| inside.phase = Phase::Draining);
    Ok(())
}

/// The others wait for it.
fn stay<H: Heap>(m: &mut Machine<H>, barrier: &BarrierHost, deadline: Option<Instant>) -> Result<(), Unwind> {
    let look = |inside: &mut Gathering| inside.outcome();
    let mut waited = wait(m, deadline, |slice| barrier.inside.attempt(slice, look));
    if waited == Ok(None) {
        let broke = barrier.inside.change(|inside| {
            let breaks = inside.phase == Phase::Filling;
            if breaks {
                inside.phase = Phase::Broken;
            }
            breaks
        });
        // Who is late while the action runs waits for its end, as in CPython, where that holds the lock.
        waited = if broke {
            Ok(Some(Err(())))
        } else {
            wait(m, None, |slice| barrier.inside.attempt(slice, look))
        };
    }
    match waited {
        Ok(Some(Ok(()))) => Ok(()),
        Ok(_) => Err(broken(m)),
        Err(error) => {
            barrier.inside.change(|inside| inside.phase = Phase::Broken);
            Err(error)
        }
    }
}

fn reset<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Barrier.reset")?;
    host::<BarrierHost, H>(m, receiver, "Barrier")?.inside.change(Gathering::reset);
    show(m, receiver)?;
    Ok(Value::None)
}

fn abort<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Barrier.abort")?;
    host::<BarrierHost, H>(m, receiver, "Barrier")?.inside.change(|inside| inside.phase = Phase::Broken);
    show(m, receiver)?;
    Ok(Value::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_drains_before_the_next_one_fills() {
        let mut inside = Gathering::default();
        assert_eq!((inside.come_in(), inside.come_in()), (Some(Ok(0)), Some(Ok(1))));
        assert_eq!(inside.outcome(), None);
        inside.phase = Phase::Draining;
        assert_eq!((inside.come_in(), inside.outcome()), (None, Some(Ok(()))));
        inside.leave();
        assert_eq!(inside.phase, Phase::Draining);
        inside.leave();
        assert_eq!((inside.phase, inside.count), (Phase::Filling, 0));
    }

    #[test]
    fn a_reset_sends_those_inside_away_and_repairs() {
        let mut inside = Gathering::default();
        inside.come_in();
        inside.reset();
        assert_eq!(inside.outcome(), Some(Err(())));
        inside.leave();
        assert_eq!(inside.come_in(), Some(Ok(0)));
        inside.phase = Phase::Broken;
        assert_eq!(inside.come_in(), Some(Err(())));
        inside.leave();
        inside.reset();
        assert_eq!(inside.phase, Phase::Filling);
    }
}
