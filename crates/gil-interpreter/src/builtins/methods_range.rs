//! The methods of range, index and count, by arithmetic where a number is asked for.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::operators::Number;
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.method(types::RANGE, "index", LockUse::Holds, index);
    registry.method(types::RANGE, "count", LockUse::Holds, count);
}

fn receiver_and_item<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<(Value, Value), Unwind> {
    match (args.get(m, 0), args.get(m, 1), args.count) {
        (Some(range @ Value::Range(_)), Some(item), 2) => Ok((range, item)),
        (Some(Value::Range(_)), ..) => {
            let given = args.count - 1;
            Err(m.type_error(format!("range.{name}() takes exactly one argument ({given} given)")))
        }
        _ => Err(m.type_error(format!("descriptor '{name}' of 'range' object needs a range"))),
    }
}

/// Where an item stands in a range.
fn position<H: Heap>(m: &mut Machine<H>, range: Value, item: Value) -> Result<Option<i64>, Unwind> {
    if let (Value::Range(id), Some(Number::Int(number))) = (range, Number::of(item)) {
        return Ok(m.heap.range(id).position(number));
    }
    let iterator = m.iterator(range)?;
    m.rooted(&[iterator], |m| {
        let mut at = 0;
        while let Some(number) = m.next(iterator)? {
            m.unless_stopped()?;
            if m.equal(number, item)? {
                return Ok(Some(at));
            }
            at += 1;
        }
        Ok(None)
    })
}

fn index<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (range, item) = receiver_and_item(m, args, "index")?;
    match position(m, range, item)? {
        Some(at) => Ok(Value::Int(at)),
        None if Number::of(item).is_some_and(|number| matches!(number, Number::Int(_))) => {
            let shown = m.repr(item)?;
            Err(m.value_error(format!("{shown} is not in range")))
        }
        None => Err(m.value_error("sequence.index(x): x not in sequence")),
    }
}

/// A range holds no number twice; what Python compares may still equal one of them.
fn count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (range, item) = receiver_and_item(m, args, "count")?;
    Ok(Value::Int(i64::from(position(m, range, item)?.is_some())))
}
