//! `Timer`: a thread that calls a function after a while, unless it is cancelled before.

use std::sync::Arc;

use super::super::support::{deadline, downcast, module_value, or, seconds, set_slot, slot};
use super::event::EventHost;
use super::thread::{SLOTS, call_target};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::{Id, Value};

const INTERVAL: usize = SLOTS;
const FUNCTION: usize = SLOTS + 1;
const ARGS: usize = SLOTS + 2;
const KWARGS: usize = SLOTS + 3;
const FINISHED: usize = SLOTS + 4;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>, thread: Id) {
    let slots = ["interval", "function", "args", "kwargs", "<finished>"];
    let class = r.module_class("threading", "Timer", thread, &slots);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "run", LockUse::TriesFirst, run);
    r.method(class, "cancel", LockUse::Holds, cancel);
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "interval", "function", "args", "kwargs"];
    let [receiver, interval, function, list, kwargs] = args.bind(m, "Timer.__init__", names, 3)?;
    let Value::Class(thread) = module_value(m, "threading", "Thread") else { return Ok(Value::None) };
    if let Some(init) = m.find_in_class(thread, "__init__") {
        m.call(init, &[receiver])?;
    }
    let empty = m.heap.new_tuple(Vec::new());
    let list = if list == Value::None { empty } else { or(list, empty) };
    let finished = m.heap.new_host(Arc::new(EventHost::default()));
    for (at, value) in [
        (INTERVAL, interval),
        (FUNCTION, function),
        (ARGS, list),
        (KWARGS, or(kwargs, Value::None)),
        (FINISHED, finished),
    ] {
        set_slot(m, receiver, at, value);
    }
    Ok(Value::None)
}

fn finished<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<EventHost>, Unwind> {
    let event = match slot(m, receiver, FINISHED) {
        Value::Host(id) => downcast(m.heap.host(id)),
        _ => None,
    };
    event.ok_or_else(|| m.runtime_error("Timer.__init__() not called"))
}

fn run<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Timer.run")?;
    let event = finished(m, receiver)?;
    let interval = slot(m, receiver, INTERVAL);
    let interval = seconds(m, interval)?;
    let until = deadline(m, interval);
    if !event.wait(m, until)? {
        let (function, list, kwargs) =
            (slot(m, receiver, FUNCTION), slot(m, receiver, ARGS), slot(m, receiver, KWARGS));
        call_target(m, function, list, kwargs)?;
    }
    event.set();
    Ok(Value::None)
}

fn cancel<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Timer.cancel")?;
    finished(m, receiver)?.set();
    Ok(Value::None)
}
