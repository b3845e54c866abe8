//! The methods of dict.

use crate::builtins::arguments::between;
use crate::heap::{Dict, DictPart, DictView, Heap};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{behind, class_method, methods, room, this_dict};
use crate::types;
use crate::value::Value;

/// Adds the methods to the class.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::DICT,
        &[
            ("get", get),
            ("setdefault", setdefault),
            ("pop", pop),
            ("popitem", popitem),
            ("keys", keys),
            ("values", values),
            ("items", items),
            ("update", update),
            ("copy", copy),
            ("clear", clear),
        ],
    );
    class_method(r, types::DICT, "fromkeys", fromkeys);
}

fn get<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if let (Value::Dict(id), 3, None) = (m.stack[args.at], args.count, args.names) {
        let (key, default) = (m.stack[args.at + 1], m.stack[args.at + 2]);
        return Ok(m.dict_get(id, key)?.unwrap_or(default));
    }
    let (id, rest) = this_dict(m, args, "get")?;
    let [key, default] = between(m, rest, "get", 1)?;
    let default = if default == Value::Unbound { Value::None } else { default };
    Ok(m.dict_get(id, key)?.unwrap_or(default))
}

fn setdefault<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "setdefault")?;
    let [key, default] = between(m, rest, "setdefault", 1)?;
    if let Some(value) = m.dict_get(id, key)? {
        return Ok(value);
    }
    let default = if default == Value::Unbound { Value::None } else { default };
    m.dict_set(id, key, default)?;
    Ok(default)
}

fn pop<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "pop")?;
    let [key, default] = between(m, rest, "pop", 1)?;
    // As in CPython, an empty dict does not ask for the hash.
    let removed = if m.heap.dict_len(id) == 0 { None } else { m.dict_remove(id, key)? };
    match removed {
        Some((_, value)) => Ok(value),
        None if default == Value::Unbound => Err(m.key_error(key)),
        None => Ok(default),
    }
}

fn popitem<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "popitem")?;
    rest.exactly::<0, _>(m, "dict.popitem")?;
    match m.heap.dict_mut(id, Dict::pop_last) {
        Some((key, value)) => Ok(m.heap.new_tuple(vec![key, value])),
        None => Err(m.raise(types::KEY_ERROR, "popitem(): dictionary is empty")),
    }
}

fn view<H: Heap>(m: &mut Machine<H>, args: Args, name: &str, part: DictPart) -> Result<Value, Unwind> {
    let (dict, rest) = this_dict(m, args, name)?;
    if rest.count > 0 {
        rest.exactly::<0, _>(m, &format!("dict.{name}"))?;
    }
    Ok(m.heap.new_dict_view(DictView { dict, part }))
}

fn keys<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    view(m, args, "keys", DictPart::Keys)
}

fn values<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    view(m, args, "values", DictPart::Values)
}

fn items<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    view(m, args, "items", DictPart::Items)
}

fn update<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "update")?;
    let positional = rest.positional(m);
    let [source] = between(m, Args::plain(rest.at, positional), "update", 0)?;
    if source != Value::Unbound {
        m.update_dict(id, source)?;
    }
    if let Some(names) = rest.names {
        for at in 0..rest.count - positional {
            let name = m.heap.tuple(names)[at];
            let value = m.stack[rest.at + positional + at];
            m.dict_set(id, name, value)?;
        }
    }
    Ok(Value::None)
}

fn copy<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "copy")?;
    rest.exactly::<0, _>(m, "dict.copy")?;
    let bytes = m.heap.dict(id, Dict::capacity_bytes);
    room(m, bytes, &[])?;
    let copy = m.heap.dict(id, Dict::clone);
    Ok(m.heap.new_dict(copy))
}

fn clear<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_dict(m, args, "clear")?;
    rest.exactly::<0, _>(m, "dict.clear")?;
    m.heap.dict_mut(id, Dict::clear);
    Ok(Value::None)
}

fn fromkeys<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [keys, value] = between(m, behind(args), "fromkeys", 1)?;
    let value = if value == Value::Unbound { Value::None } else { value };
    let iterator = m.iterator(keys)?;
    let dict = m.heap.new_dict(Dict::default());
    let Value::Dict(id) = dict else { unreachable!("new_dict makes a dict") };
    m.rooted(&[iterator, dict], |m| {
        while let Some(key) = m.next(iterator)? {
            m.dict_set(id, key, value)?;
        }
        Ok(dict)
    })
}
