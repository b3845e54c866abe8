//! The builtin types as functions: int, float, bool, str, bytes, list, tuple, dict, range, type.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::arguments::{between, by_place, keywords, named};
use super::numeric::whole_of_float;
use crate::heap::{Heap, Range};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, NativeFn, Registry};
use crate::syntax;
use crate::text::{self, NoInt};
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    for (at, (name, _)) in types::CLASSES.iter().enumerate() {
        if syntax::BUILTINS.contains(name) {
            registry.builtin(name, Value::Class(Id(at as u32)));
        }
    }
    registry.builtin("IOError", Value::Class(types::OS_ERROR));
    registry.builtin("NotImplemented", Value::NotImplemented);
    registry.builtin("Ellipsis", Value::Ellipsis);
    let constructors: [(Id, NativeFn<H>); 10] = [
        (types::TYPE, type_of),
        (types::INT, int),
        (types::FLOAT, float),
        (types::BOOL, bool),
        (types::STR, str),
        (types::BYTES, bytes),
        (types::LIST, list),
        (types::TUPLE, tuple),
        (types::DICT, dict),
        (types::RANGE, range),
    ];
    for (class, constructor) in constructors {
        registry.constructor(class, constructor);
    }
}

fn type_of<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    match (args.count, args.get(m, 0)) {
        (1, Some(value)) => Ok(Value::Class(m.class_of(value))),
        (3, Some(_)) => {
            Err(m.type_error("type() with three arguments is not in the subset: write a class statement"))
        }
        _ => Err(m.type_error("type() takes 1 or 3 arguments")),
    }
}

fn bool<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = between(m, args, "bool", 0)?;
    Ok(Value::Bool(value != Value::Unbound && m.truth(value)?))
}

fn int<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [base] = keywords(m, args, "int", ["base"])?;
    let [value, second] = by_place(m, args, "int", 0)?;
    let base = if base == Value::Unbound { second } else { base };
    match (value, base) {
        (Value::Unbound, Value::Unbound) => Ok(Value::Int(0)),
        (Value::Unbound, _) => Err(m.type_error("int() missing string argument")),
        (_, Value::Unbound) => int_of(m, value),
        (Value::Str(_) | Value::Bytes(_), _) => {
            let base = m.whole_number(base)?;
            int_of_text(m, value, base)
        }
        _ => Err(m.type_error("int() can't convert non-string with explicit base")),
    }
}

fn int_of<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Value, Unwind> {
    match value {
        Value::Int(_) => Ok(value),
        Value::Bool(flag) => Ok(Value::Int(i64::from(flag))),
        Value::Float(number) => whole_of_float(m, number),
        Value::Str(_) | Value::Bytes(_) => int_of_text(m, value, 10),
        _ => {
            for name in ["__int__", "__index__"] {
                let Some(method) = m.special(value, name) else { continue };
                let number = m.call_special(method, value, &[])?;
                return match number {
                    Value::Int(_) => Ok(number),
                    Value::Bool(flag) => Ok(Value::Int(i64::from(flag))),
                    other => {
                        let kind = m.type_name(other);
                        Err(m.type_error(format!("{name} returned non-int (type {kind})")))
                    }
                };
            }
            let kind = m.type_name(value);
            let wanted = "a string, a bytes-like object or a real number";
            Err(m.type_error(format!("int() argument must be {wanted}, not '{kind}'")))
        }
    }
}

fn int_of_text<H: Heap>(m: &mut Machine<H>, value: Value, base: i64) -> Result<Value, Unwind> {
    let Value::Bytes(id) = value else {
        let Value::Str(id) = value else { return int_of(m, value) };
        let text = m.heap.text(id).text.clone();
        return m.int_of_text(&text, base).map(Value::Int);
    };
    if base != 0 && !(2..=36).contains(&base) {
        return Err(m.value_error("int() base must be >= 2 and <= 36, or 0"));
    }
    let parsed = std::str::from_utf8(m.heap.bytes(id)).map_err(|_| NoInt::Invalid);
    match parsed.and_then(|digits| text::parse_int(digits, base as u32)) {
        Ok(number) => Ok(Value::Int(number)),
        Err(NoInt::TooBig) => Err(m.overflow("int()")),
        Err(NoInt::Invalid) => {
            let shown = m.repr(value)?;
            Err(m.value_error(format!("invalid literal for int() with base {base}: {shown}")))
        }
    }
}

fn float<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = between(m, args, "float", 0)?;
    match value {
        Value::Unbound => Ok(Value::Float(0.0)),
        Value::Float(_) => Ok(value),
        Value::Str(id) => {
            let text = m.heap.text(id).text.clone();
            m.float_of_text(&text)
                .map(|number| Value::Float(if number.is_nan() { new_nan() } else { number }))
        }
        Value::Bytes(id) => match std::str::from_utf8(m.heap.bytes(id)).ok().and_then(text::parse_float) {
            Some(number) => Ok(Value::Float(number)),
            None => {
                let shown = m.repr(value)?;
                Err(m.value_error(format!("could not convert string to float: {shown}")))
            }
        },
        _ => float_of(m, value),
    }
}

/// A NaN with bits of its own: in Python each `float("nan")` is another object, and `in` tells them apart.
fn new_nan() -> f64 {
    static MADE: AtomicU64 = AtomicU64::new(1);
    // Only that no two are alike matters, in any order of threads.
    let payload = MADE.fetch_add(1, Relaxed) & ((1 << 51) - 1);
    f64::from_bits(f64::NAN.to_bits() | payload)
}

fn float_of<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Value, Unwind> {
    if let Some(method) = m.special(value, "__float__") {
        let number = m.call_special(method, value, &[])?;
        if let Value::Float(_) = number {
            return Ok(number);
        }
        let (of, kind) = (m.type_name(value), m.type_name(number));
        return Err(m.type_error(format!("{of}.__float__ returned non-float (type {kind})")));
    }
    match m.index_of(value)? {
        Some(number) => Ok(Value::Float(number as f64)),
        None => {
            let kind = m.type_name(value);
            Err(m.type_error(format!("float() argument must be a string or a real number, not '{kind}'")))
        }
    }
}

fn str<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [object, encoding, errors] = args.bind(m, "str", ["object", "encoding", "errors"], 0)?;
    match (object, encoding, errors) {
        (Value::Unbound, ..) => Ok(m.str("")),
        (Value::Str(_), Value::Unbound, Value::Unbound) => Ok(object),
        (_, Value::Unbound, Value::Unbound) => {
            let text = m.str_of(object)?;
            Ok(m.str(text))
        }
        (Value::Bytes(_), ..) => convert(m, object, "decode", encoding, errors),
        (Value::Str(_), ..) => Err(m.type_error("decoding str is not supported")),
        _ => {
            let kind = m.type_name(object);
            Err(m.type_error(format!("decoding to str: need a bytes-like object, {kind} found")))
        }
    }
}

/// `value.decode(encoding, errors)` or `value.encode(..)`.
fn convert<H: Heap>(
    m: &mut Machine<H>,
    value: Value,
    method: &str,
    encoding: Value,
    errors: Value,
) -> Result<Value, Unwind> {
    let method = m.get_attr(value, method)?;
    let encoding = if encoding == Value::Unbound { m.str("utf-8") } else { encoding };
    match errors {
        Value::Unbound => m.call(method, &[encoding]),
        errors => m.call(method, &[encoding, errors]),
    }
}

fn bytes<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [source, encoding, errors] = args.bind(m, "bytes", ["source", "encoding", "errors"], 0)?;
    match (source, encoding) {
        (Value::Str(_), Value::Unbound) => return Err(m.type_error("string argument without an encoding")),
        (Value::Str(_), _) => return convert(m, source, "encode", encoding, errors),
        (_, Value::Unbound) => {}
        _ => return Err(m.type_error("encoding without a string argument")),
    }
    match source {
        Value::Unbound => Ok(m.heap.new_bytes(Vec::new())),
        Value::Bytes(_) => Ok(source),
        _ => {
            if let Some(count) = m.index_of(source)? {
                let Ok(count) = usize::try_from(count) else { return Err(m.value_error("negative count")) };
                m.reserve_items(count, 1)?;
                return Ok(m.heap.new_bytes(vec![0; count]));
            }
            bytes_of_items(m, source)
        }
    }
}

fn bytes_of_items<H: Heap>(m: &mut Machine<H>, source: Value) -> Result<Value, Unwind> {
    if let Some(method) = m.special(source, "__bytes__") {
        let bytes = m.call_special(method, source, &[])?;
        if let Value::Bytes(_) = bytes {
            return Ok(bytes);
        }
        let kind = m.type_name(bytes);
        return Err(m.type_error(format!("__bytes__ returned non-bytes (type {kind})")));
    }
    if !m.is_iterable(source) {
        let kind = m.type_name(source);
        return Err(m.type_error(format!("cannot convert '{kind}' object to bytes")));
    }
    let items = m.items(source)?;
    m.rooted(&items, |m| {
        let mut bytes = Vec::with_capacity(items.len());
        for &item in &items {
            let number = m.whole_number(item)?;
            match u8::try_from(number) {
                Ok(byte) => bytes.push(byte),
                Err(_) => return Err(m.value_error("bytes must be in range(0, 256)")),
            }
        }
        Ok(m.heap.new_bytes(bytes))
    })
}

fn list<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = between(m, args, "list", 0)?;
    let items = if iterable == Value::Unbound { Vec::new() } else { m.items(iterable)? };
    Ok(m.heap.new_list(items))
}

fn tuple<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = between(m, args, "tuple", 0)?;
    match iterable {
        Value::Tuple(_) => Ok(iterable),
        Value::Unbound => Ok(m.heap.new_tuple(Vec::new())),
        _ => {
            let items = m.items(iterable)?;
            Ok(m.heap.new_tuple(items))
        }
    }
}

fn dict<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [other] = by_place(m, args, "dict", 0)?;
    let Value::Dict(dict) = m.heap.new_dict(crate::heap::Dict::default()) else {
        unreachable!("new_dict makes a dict")
    };
    m.rooted(&[Value::Dict(dict)], |m| {
        if other != Value::Unbound {
            m.update_dict(dict, other)?;
        }
        for (name, value) in named(m, args) {
            let name = m.str(name);
            m.dict_set(dict, name, value)?;
        }
        Ok(Value::Dict(dict))
    })
}

fn range<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [first, second, third] = between(m, args, "range", 1)?;
    let first = m.whole_number(first)?;
    let (start, stop) = match second {
        Value::Unbound => (0, first),
        second => (first, m.whole_number(second)?),
    };
    let step = if third == Value::Unbound { 1 } else { m.whole_number(third)? };
    if step == 0 {
        return Err(m.value_error("range() arg 3 must not be zero"));
    }
    Ok(m.heap.new_range(Range { start, stop, step }))
}
