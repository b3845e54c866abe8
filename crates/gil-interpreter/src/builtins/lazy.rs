//! Iterators that work step by step: iter and next, enumerate, zip, map, filter, reversed.

use super::arguments::{between, keywords};
use crate::heap::{Heap, Iterator};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.function("iter", LockUse::Holds, iter);
    registry.function("next", LockUse::Holds, next);
    registry.constructor(types::ENUMERATE, enumerate);
    registry.constructor(types::ZIP, zip);
    registry.constructor(types::MAP, map);
    registry.constructor(types::FILTER, filter);
    registry.constructor(types::REVERSED, reversed);
}

fn iter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value, sentinel] = between(m, args, "iter", 1)?;
    if sentinel != Value::Unbound {
        return Err(m.type_error("iter() with two arguments is not in the subset: write a while loop"));
    }
    m.iterator(value)
}

fn next<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterator, default] = between(m, args, "next", 1)?;
    if !m.is_iterator(iterator) {
        let kind = m.type_name(iterator);
        return Err(m.type_error(format!("'{kind}' object is not an iterator")));
    }
    // An instance's own StopIteration goes up as it is, with its arguments.
    if let (Value::Instance(_), Value::Unbound) = (iterator, default)
        && let Some(method) = m.special(iterator, "__next__")
    {
        return m.call_special(method, iterator, &[]);
    }
    match (m.next(iterator)?, default) {
        (Some(item), _) => Ok(item),
        (None, Value::Unbound) => Err(m.raise_with(types::STOP_ITERATION, Vec::new())),
        (None, default) => Ok(default),
    }
}

fn enumerate<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if args.count == 0 {
        return Err(m.type_error("enumerate() missing required argument 'iterable'"));
    }
    let [iterable, start] = args.bind(m, "enumerate", ["iterable", "start"], 1)?;
    let next = if start == Value::Unbound { 0 } else { m.whole_number(start)? };
    let inner = m.iterator(iterable)?;
    Ok(m.heap.new_iterator(Iterator::Enumerate { inner, next }))
}

fn zip<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [strict] = keywords(m, args, "zip", ["strict"])?;
    let strict = strict != Value::Unbound && m.truth(strict)?;
    let iterables = args.list(m);
    let inner = iterators(m, &iterables)?;
    Ok(m.heap.new_iterator(Iterator::Zip { inner, strict }))
}

fn map<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if args.names.is_some() {
        return Err(m.type_error("map() takes no keyword arguments"));
    }
    let [function, iterables @ ..] = &*args.list(m) else { return Err(too_few(m)) };
    if iterables.is_empty() {
        return Err(too_few(m));
    }
    let inner = iterators(m, iterables)?;
    Ok(m.heap.new_iterator(Iterator::Map { function: *function, inner }))
}

fn too_few<H: Heap>(m: &mut Machine<H>) -> Unwind {
    m.type_error("map() must have at least two arguments.")
}

/// An iterator over each; those that exist already are rooted while the next is made.
fn iterators<H: Heap>(m: &mut Machine<H>, iterables: &[Value]) -> Result<Box<[Value]>, Unwind> {
    m.rooted(&[], |m| {
        let first = m.roots.len();
        for &iterable in iterables {
            let iterator = m.iterator(iterable)?;
            m.roots.push(iterator);
        }
        Ok(m.roots[first..].into())
    })
}

fn filter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [function, iterable] = between(m, args, "filter", 2)?;
    let inner = m.iterator(iterable)?;
    Ok(m.heap.new_iterator(Iterator::Filter { function, inner }))
}

/// Lists and ranges are walked from their end; what else there is, is copied and turned around.
fn reversed<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = between(m, args, "reversed", 1)?;
    let iterator = match value {
        Value::List(list) => Iterator::ListReversed { list, next: m.heap.list(list, Vec::len) },
        Value::Range(id) => {
            let range = m.heap.range(id);
            let left = range.len();
            Iterator::Range { next: range.at(left - 1), left, step: range.step.wrapping_neg() }
        }
        Value::Str(id) => {
            let letters: Vec<char> = m.heap.text(id).text.chars().rev().collect();
            m.reserve(letters.len() * size_of::<Value>())?;
            let letters = letters.into_iter().map(|letter| m.str(letter.to_string())).collect();
            reversed_over(m, letters)
        }
        Value::Tuple(_) | Value::Bytes(_) | Value::Dict(_) | Value::DictView(_) => backwards(m, value)?,
        Value::Instance(_) => return reversed_instance(m, value),
        _ => return Err(not_reversible(m, value)),
    };
    Ok(m.heap.new_iterator(iterator))
}

fn backwards<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Iterator, Unwind> {
    let mut items = m.items(value)?;
    items.reverse();
    Ok(reversed_over(m, items))
}

/// An iterator over items that are in reverse already.
fn reversed_over<H: Heap>(m: &mut Machine<H>, items: Vec<Value>) -> Iterator {
    let Value::Tuple(tuple) = m.heap.new_tuple(items) else { unreachable!("new_tuple makes a tuple") };
    Iterator::Reversed { tuple, next: 0 }
}

fn reversed_instance<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Value, Unwind> {
    if let Some(method) = m.special(value, "__reversed__") {
        return m.call_special(method, value, &[]);
    }
    if m.special(value, "__len__").is_none() || m.special(value, "__getitem__").is_none() {
        return Err(not_reversible(m, value));
    }
    let length = m.length(value)?;
    m.rooted(&[value], |m| {
        let first = m.roots.len();
        for at in (0..length as i64).rev() {
            let item = m.subscript(value, Value::Int(at))?;
            m.roots.push(item);
        }
        let items = m.roots[first..].to_vec();
        let iterator = reversed_over(m, items);
        Ok(m.heap.new_iterator(iterator))
    })
}

fn not_reversible<H: Heap>(m: &mut Machine<H>, value: Value) -> Unwind {
    let kind = m.type_name(value);
    m.type_error(format!("'{kind}' object is not reversible"))
}
