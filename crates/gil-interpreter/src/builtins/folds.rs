//! Functions that go over all items and give one result: len, sum, min, max, any, all, sorted.
//!
//! # Threads
//! They keep the lock for their whole duration, however many items there are: `sum(range(n))` is the example of a
//! long call that no check site interrupts. Only the end of the program does.

use std::ops::ControlFlow;

use super::arguments::{by_place, given, keywords};
use super::sort::sort_items;
use crate::code::BinaryOp;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::Value;

/// How many items go by between two looks whether the program ends.
const STRIDE: u32 = 1 << 16;

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.function("len", LockUse::Holds, len);
    registry.function("sum", LockUse::Holds, sum);
    registry.function("min", LockUse::Holds, |m, args| extreme(m, args, "min"));
    registry.function("max", LockUse::Holds, |m, args| extreme(m, args, "max"));
    registry.function("any", LockUse::Holds, any);
    registry.function("all", LockUse::Holds, all);
    registry.function("sorted", LockUse::Holds, sorted);
}

fn len<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "len")?;
    Ok(Value::Int(m.length(value)? as i64))
}

/// Calls `each` with every item until it breaks. The iterator is rooted meanwhile, the item is not.
fn for_each<H: Heap>(
    m: &mut Machine<H>,
    iterable: Value,
    mut each: impl FnMut(&mut Machine<H>, Value) -> Result<ControlFlow<()>, Unwind>,
) -> Result<(), Unwind> {
    let iterator = m.iterator(iterable)?;
    m.rooted(&[iterator], |m| {
        let mut count = 0_u32;
        while let Some(item) = m.next(iterator)? {
            if each(m, item)?.is_break() {
                break;
            }
            count = count.wrapping_add(1);
            if count.is_multiple_of(STRIDE) {
                m.unless_stopped()?;
            }
        }
        Ok(())
    })
}

fn sum<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if args.positional(m) == 0 {
        let count = args.count;
        return Err(m.type_error(format!("sum() takes at least 1 positional argument ({count} given)")));
    }
    let [iterable, start] = args.bind(m, "sum", ["/iterable", "start"], 1)?;
    let start = match start {
        Value::Unbound => Value::Int(0),
        Value::Str(_) => return Err(m.type_error("sum() can't sum strings [use ''.join(seq) instead]")),
        Value::Bytes(_) => return Err(m.type_error("sum() can't sum bytes [use b''.join(seq) instead]")),
        start => start,
    };
    let mut total = start;
    let place = m.roots.len();
    m.roots.push(total);
    let result = for_each(m, iterable, |m, item| {
        total = match (total, item) {
            (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
            _ => m.binary(BinaryOp::Add, total, item)?,
        };
        m.roots[place] = total;
        Ok(ControlFlow::Continue(()))
    });
    m.roots.truncate(place);
    result.map(|()| total)
}

fn extreme<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<Value, Unwind> {
    let [key, default] = keywords(m, args, name, ["key", "default"])?;
    let items = args.list(m);
    if items.is_empty() {
        return Err(m.type_error(format!("{name} expected at least 1 argument, got 0")));
    }
    if items.len() > 1 && default != Value::Unbound {
        let message = format!("Cannot specify a default for {name}() with multiple positional arguments");
        return Err(m.type_error(message));
    }
    let (key, least) = (given(key), name == "min");
    let place = m.roots.len();
    // The best item so far and its key.
    m.roots.extend([Value::Unbound; 2]);
    let consider = |m: &mut Machine<H>, item: Value| {
        let value = match key {
            Some(key) => m.rooted(&[item], |m| m.call(key, &[item]))?,
            None => item,
        };
        let best = m.roots[place + 1];
        let better = match (value, best) {
            (_, Value::Unbound) => true,
            (Value::Int(a), Value::Int(b)) => a != b && (a < b) == least,
            _ if least => m.rooted(&[item, value], |m| m.less(value, best))?,
            _ => m.rooted(&[item, value], |m| m.greater(value, best))?,
        };
        if better {
            m.roots[place] = item;
            m.roots[place + 1] = value;
        }
        Ok(ControlFlow::Continue(()))
    };
    let result = match *items {
        [iterable] => for_each(m, iterable, consider),
        _ => items.iter().try_for_each(|&item| consider(m, item).map(|_: ControlFlow<()>| ())),
    };
    let best = m.roots[place];
    m.roots.truncate(place);
    result?;
    match (best, default) {
        (Value::Unbound, Value::Unbound) => Err(m.value_error(format!("{name}() arg is an empty sequence"))),
        (Value::Unbound, default) => Ok(default),
        (best, _) => Ok(best),
    }
}

fn any<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = args.exactly(m, "any")?;
    found(m, iterable, true).map(Value::Bool)
}

fn all<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = args.exactly(m, "all")?;
    found(m, iterable, false).map(|found| Value::Bool(!found))
}

/// Is there an item with this truth?
fn found<H: Heap>(m: &mut Machine<H>, iterable: Value, truth: bool) -> Result<bool, Unwind> {
    let mut found = false;
    for_each(m, iterable, |m, item| {
        found = m.truth(item)? == truth;
        Ok(if found { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
    })?;
    Ok(found)
}

fn sorted<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = by_place(m, args, "sorted", 1)?;
    let [key, reverse] = keywords(m, args, "sort", ["key", "reverse"])?;
    let reverse = reverse != Value::Unbound && m.truth(reverse)?;
    let items = m.items(iterable)?;
    let items = sort_items(m, items, given(key), reverse)?;
    Ok(m.heap.new_list(items))
}
