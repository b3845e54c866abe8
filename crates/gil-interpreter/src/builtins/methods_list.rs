//! The methods of list.

use crate::builtins::arguments::between;
use crate::builtins::sort::sort_items;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, room, this_list, whole_or};
use crate::types;
use crate::value::{Id, Value};

/// Adds the methods to the class.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::LIST,
        &[
            ("append", append),
            ("extend", extend),
            ("insert", insert),
            ("pop", pop),
            ("remove", remove),
            ("clear", clear),
            ("index", index),
            ("count", count),
            ("sort", sort),
            ("reverse", reverse),
            ("copy", copy),
        ],
    );
}

fn append<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "append")?;
    let [item] = rest.exactly(m, "list.append")?;
    m.append(id, item);
    Ok(Value::None)
}

/// Changes a list and tells the accounting when it grew.
fn grow<H: Heap, R>(m: &mut Machine<H>, id: Id, change: impl FnOnce(&mut Vec<Value>) -> R) -> R {
    let (grown, result) = m.heap.list_mut(id, |items| {
        let before = items.capacity();
        let result = change(items);
        (items.capacity().saturating_sub(before) * size_of::<Value>(), result)
    });
    if grown > 0 {
        m.heap.charge(grown);
    }
    result
}

fn extend<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "extend")?;
    let [iterable] = rest.exactly(m, "list.extend")?;
    let more = match iterable {
        Value::List(other) => m.heap.list(other, Vec::clone),
        Value::Tuple(other) => m.heap.tuple(other).to_vec(),
        _ => m.items(iterable)?,
    };
    let length = m.heap.list(id, Vec::len) + more.len();
    room(m, length * size_of::<Value>(), &more)?;
    grow(m, id, |items| items.extend(more));
    Ok(Value::None)
}

fn insert<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "insert")?;
    let [at, item] = rest.exactly(m, "insert")?;
    let at = m.whole_number(at)?;
    grow(m, id, |items| {
        let at = place(at, items.len()).unwrap_or(if at < 0 { 0 } else { items.len() });
        items.insert(at, item);
    });
    Ok(Value::None)
}

/// An index that may count from the end; `None` when it is outside.
fn place(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at.checked_add_unsigned(length as u64)? } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

fn pop<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "pop")?;
    let [at] = between(m, rest, "pop", 0)?;
    if at == Value::Unbound {
        let last = m.heap.list_mut(id, Vec::pop);
        return last.ok_or_else(|| m.index_error("pop from empty list"));
    }
    let at = m.whole_number(at)?;
    let (taken, empty) = m.heap.list_mut(id, |items| {
        let taken = place(at, items.len()).map(|at| items.remove(at));
        (taken, items.is_empty())
    });
    match taken {
        Some(item) => Ok(item),
        None if empty => Err(m.index_error("pop from empty list")),
        None => Err(m.index_error("pop index out of range")),
    }
}

fn remove<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "remove")?;
    let [item] = rest.exactly(m, "list.remove")?;
    let Some(at) = m.position(Value::List(id), item, 0)? else {
        return Err(m.value_error("list.remove(x): x not in list"));
    };
    m.heap.list_mut(id, |items| {
        if at < items.len() {
            items.remove(at);
        }
    });
    Ok(Value::None)
}

fn clear<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "clear")?;
    rest.exactly::<0, _>(m, "list.clear")?;
    m.heap.list_mut(id, |items| *items = Vec::new());
    Ok(Value::None)
}

fn index<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "index")?;
    let length = m.heap.list(id, Vec::len);
    match index_in(m, Value::List(id), rest, length)? {
        (Some(at), _) => Ok(Value::Int(at as i64)),
        (None, item) => {
            let shown = m.repr(item)?;
            Err(m.value_error(format!("{shown} is not in list")))
        }
    }
}

/// `index(item, start, stop)` of a list or tuple: the place, and what was looked for.
pub(super) fn index_in<H: Heap>(
    m: &mut Machine<H>,
    sequence: Value,
    args: Args,
    length: usize,
) -> Result<(Option<usize>, Value), Unwind> {
    let [item, start, stop] = between(m, args, "index", 1)?;
    let mut bounds = [0, length];
    for (bound, given) in bounds.iter_mut().zip([start, stop]) {
        if given == Value::Unbound {
            continue;
        }
        let Some(at) = m.index_of(given)? else {
            return Err(m.type_error("slice indices must be integers or have an __index__ method"));
        };
        let at = if at < 0 { at.saturating_add_unsigned(length as u64).max(0) } else { at };
        *bound = usize::try_from(at).unwrap_or(usize::MAX);
    }
    let found = m.position(sequence, item, bounds[0])?;
    Ok((found.filter(|at| *at < bounds[1]), item))
}

fn count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "count")?;
    let [item] = rest.exactly(m, "list.count")?;
    count_in(m, Value::List(id), item)
}

/// How often an item is in a list or tuple.
pub(super) fn count_in<H: Heap>(m: &mut Machine<H>, sequence: Value, item: Value) -> Result<Value, Unwind> {
    let (mut count, mut from) = (0, 0);
    while let Some(at) = m.position(sequence, item, from)? {
        count += 1;
        from = at + 1;
    }
    Ok(Value::Int(count))
}

/// The list is empty for whoever looks while it is sorted, as in CPython.
fn sort<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "sort")?;
    if rest.positional(m) > 0 {
        return Err(m.type_error("sort() takes no positional arguments"));
    }
    let [key, reverse] = rest.bind(m, "sort", ["key", "reverse"], 0)?;
    let key = Some(key).filter(|key| !matches!(key, Value::Unbound | Value::None));
    let reverse = whole_or(m, reverse, 0)? != 0;
    let items = m.heap.list_mut(id, std::mem::take);
    let result = m.rooted(&items, |m| sort_items(m, items.clone(), key, reverse));
    let (sorted, failed) = match result {
        Ok(sorted) => (sorted, Ok(())),
        Err(unwind) => (items, Err(unwind)),
    };
    let changed = m.heap.list_mut(id, |now| {
        let changed = !now.is_empty();
        *now = sorted;
        changed
    });
    failed?;
    if changed {
        return Err(m.value_error("list modified during sort"));
    }
    Ok(Value::None)
}

fn reverse<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "reverse")?;
    rest.exactly::<0, _>(m, "list.reverse")?;
    m.heap.list_mut(id, |items| items.reverse());
    Ok(Value::None)
}

fn copy<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_list(m, args, "copy")?;
    rest.exactly::<0, _>(m, "list.copy")?;
    let bytes = m.heap.list(id, Vec::len) * size_of::<Value>();
    room(m, bytes, &[])?;
    let items = m.heap.list(id, Vec::clone);
    Ok(m.heap.new_list(items))
}
