//! What the modules share: numbers out of values, the resource behind an instance, bytes in and out.

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

/// The slot in which an instance of a class of ours keeps its resource.
pub(super) const HOST: usize = 0;
pub(super) use crate::native::HOST_NAME;

/// A float from what Python takes for one: `must be real number, not str` otherwise.
pub(super) fn real<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<f64, Unwind> {
    match value {
        Value::Float(x) => Ok(x),
        Value::Int(n) => Ok(n as f64),
        Value::Bool(b) => Ok(f64::from(u8::from(b))),
        _ => {
            if let Some(method) = m.special(value, "__float__")
                && let Value::Float(x) = m.call_special(method, value, &[])?
            {
                return Ok(x);
            }
            let kind = m.type_name(value);
            Err(m.type_error(format!("must be real number, not {kind}")))
        }
    }
}

/// A whole number: `'float' object cannot be interpreted as an integer` otherwise.
pub(super) fn whole<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<i64, Unwind> {
    match value {
        Value::Int(n) => Ok(n),
        Value::Bool(b) => Ok(i64::from(b)),
        _ => {
            if let Some(method) = m.special(value, "__index__")
                && let Value::Int(n) = m.call_special(method, value, &[])?
            {
                return Ok(n);
            }
            let kind = m.type_name(value);
            Err(m.type_error(format!("'{kind}' object cannot be interpreted as an integer")))
        }
    }
}

/// A number of seconds, possibly negative; the words are those of CPython's time functions.
pub(super) fn seconds<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<f64, Unwind> {
    let seconds = match value {
        Value::Float(x) if x.is_nan() => return Err(m.value_error("Invalid value NaN (not a number)")),
        Value::Float(x) => x,
        other => whole(m, other)? as f64,
    };
    if seconds.abs() > 9.2e9 {
        return Err(m.raise(types::OVERFLOW_ERROR, "timestamp out of range for platform time_t"));
    }
    Ok(seconds)
}

/// When a wait of that many seconds is over; `None` when that is never.
pub(super) fn deadline<H: Heap>(m: &Machine<H>, seconds: f64) -> Option<Instant> {
    let wait = Duration::try_from_secs_f64(seconds.max(0.0)).ok()?;
    m.shared.settings.clock.now().checked_add(wait)
}

/// The deadline of an optional argument `timeout`: absent or None is never.
pub(super) fn timeout<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Option<Instant>, Unwind> {
    match value {
        Value::Unbound | Value::None => Ok(None),
        other => {
            let seconds = seconds(m, other)?;
            Ok(deadline(m, seconds))
        }
    }
}

/// An optional argument as a truth value.
pub(super) fn flag<H: Heap>(m: &mut Machine<H>, value: Value, default: bool) -> Result<bool, Unwind> {
    match value {
        Value::Unbound => Ok(default),
        Value::Bool(b) => Ok(b),
        other => m.truth(other),
    }
}

/// An optional argument; None counts as given.
pub(super) fn or(value: Value, default: Value) -> Value {
    if value == Value::Unbound { default } else { value }
}

/// The text of a str.
pub(super) fn text<H: Heap>(m: &Machine<H>, value: Value) -> Option<Box<str>> {
    match value {
        Value::Str(id) => Some(m.heap.text(id).text.clone()),
        _ => None,
    }
}

/// The content of bytes: `a bytes-like object is required, not 'str'` otherwise.
pub(super) fn bytes<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Vec<u8>, Unwind> {
    if let Value::Bytes(id) = value {
        return Ok(m.heap.bytes(id).to_vec());
    }
    let kind = m.type_name(value);
    Err(m.type_error(format!("a bytes-like object is required, not '{kind}'")))
}

/// The items of a list or tuple.
pub(super) fn items<H: Heap>(m: &mut Machine<H>, value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Tuple(id) => Some(m.heap.tuple(id).to_vec()),
        Value::List(id) => Some(m.heap.list(id, Clone::clone)),
        _ => None,
    }
}

/// The pairs of a dict, in order.
pub(super) fn pairs<H: Heap>(m: &mut Machine<H>, dict: Id) -> Vec<(Value, Value)> {
    m.heap.dict(dict, |dict| dict.iter().collect())
}

/// A slot of an instance; `Unbound` when it has none.
pub(super) fn slot<H: Heap>(m: &mut Machine<H>, receiver: Value, slot: usize) -> Value {
    let Value::Instance(id) = receiver else { return Value::Unbound };
    m.heap.slot(id, slot as u32)
}

/// Writes a slot of an instance.
pub(super) fn set_slot<H: Heap>(m: &mut Machine<H>, receiver: Value, slot: usize, value: Value) {
    let Value::Instance(id) = receiver else { return };
    m.heap.set_slot(id, slot as u32, value);
}

/// Gives an instance its resource.
pub(super) fn set_host<H: Heap>(m: &mut Machine<H>, receiver: Value, host: Arc<dyn HostObject>) {
    let host = m.heap.new_host(host);
    set_slot(m, receiver, HOST, host);
}

/// The resource of an instance, if it is of this type.
pub(super) fn find_host<T: HostObject, H: Heap>(m: &mut Machine<H>, value: Value) -> Option<Arc<T>> {
    let Value::Host(id) = slot(m, value, HOST) else { return None };
    downcast(m.heap.host(id))
}

/// A resource as what it is.
pub(super) fn downcast<T: HostObject>(host: Arc<dyn HostObject>) -> Option<Arc<T>> {
    let any: Arc<dyn Any + Send + Sync> = host;
    any.downcast().ok()
}

/// The resource of the receiver of a method of `class`; in a subclass whose `__init__` did not call that of its
/// base there is none.
pub(super) fn host<T: HostObject, H: Heap>(
    m: &mut Machine<H>,
    receiver: Value,
    class: &str,
) -> Result<Arc<T>, Unwind> {
    match find_host(m, receiver) {
        Some(host) => Ok(host),
        None if matches!(receiver, Value::Instance(_)) => {
            Err(m.runtime_error(format!("{class}.__init__() not called")))
        }
        None => {
            let kind = m.type_name(receiver);
            Err(m.type_error(format!("a method of '{class}' does not apply to a '{kind}' object")))
        }
    }
}

/// What one of our modules has under a name.
pub(super) fn module_value<H: Heap>(m: &Machine<H>, module: &str, name: &str) -> Value {
    let module = m.shared.modules.iter().find(|other| *other.name == *module);
    module.and_then(|module| module.attrs.get(name)).copied().unwrap_or(Value::None)
}

/// A class of one of our modules.
pub(super) fn module_class<H: Heap>(m: &Machine<H>, module: &str, name: &str) -> Id {
    match module_value(m, module, name) {
        Value::Class(id) => id,
        _ => types::OBJECT,
    }
}

/// A state of ours that a module keeps under a hidden name.
pub(super) fn module_state<T: HostObject, H: Heap>(
    m: &Machine<H>,
    module: &str,
    name: &str,
) -> Option<Arc<T>> {
    match module_value(m, module, name) {
        Value::Host(id) => downcast(m.heap.host(id)),
        _ => None,
    }
}
