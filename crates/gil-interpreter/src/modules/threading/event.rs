//! `Event`: a flag that threads wait for.

use std::sync::Arc;
use std::time::Instant;

use super::super::support::{HOST_NAME, host, set_host, timeout};
use super::super::wait::{Watched, take_or_wait};
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("threading", "Event", types::OBJECT, &[HOST_NAME]);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "is_set", LockUse::Holds, is_set);
    r.method(class, "set", LockUse::Holds, set);
    r.method(class, "clear", LockUse::Holds, clear);
    r.method(class, "wait", LockUse::TriesFirst, wait);
}

/// A flag; once set, it stays so until it is cleared.
#[derive(Default)]
pub(super) struct EventHost {
    flag: Watched<bool>,
}

impl HostObject for EventHost {}

impl EventHost {
    pub(super) fn set(&self) {
        self.flag.change(|flag| *flag = true);
    }

    pub(super) fn is_set(&self) -> bool {
        self.flag.with(|flag| *flag)
    }

    /// Waits until it is set; false when the deadline passes first.
    pub(super) fn wait<H: Heap>(
        &self,
        m: &mut Machine<H>,
        deadline: Option<Instant>,
    ) -> Result<bool, Unwind> {
        Ok(take_or_wait(m, &self.flag, true, deadline, |flag| flag.then_some(()))?.is_some())
    }
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.bind(m, "Event.__init__", ["/self"], 1)?;
    set_host(m, receiver, Arc::new(EventHost::default()));
    Ok(Value::None)
}

fn is_set<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Event.is_set")?;
    Ok(Value::Bool(host::<EventHost, H>(m, receiver, "Event")?.is_set()))
}

fn set<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Event.set")?;
    host::<EventHost, H>(m, receiver, "Event")?.set();
    Ok(Value::None)
}

fn clear<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Event.clear")?;
    host::<EventHost, H>(m, receiver, "Event")?.flag.with(|flag| *flag = false);
    Ok(Value::None)
}

fn wait<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, limit] = args.bind(m, "Event.wait", ["/self", "timeout"], 1)?;
    let event = host::<EventHost, H>(m, receiver, "Event")?;
    let deadline = timeout(m, limit)?;
    Ok(Value::Bool(event.wait(m, deadline)?))
}
