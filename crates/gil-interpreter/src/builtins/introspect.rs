//! Functions about objects: their class, their attributes, their identity and hash.

use super::arguments::between;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::operators::{python_hash_float, python_hash_int};
use crate::text;
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.function("isinstance", LockUse::Holds, isinstance);
    registry.function("issubclass", LockUse::Holds, issubclass);
    registry.function("id", LockUse::Holds, id);
    registry.function("hash", LockUse::Holds, hash);
    registry.function("callable", LockUse::Holds, callable);
    registry.function("getattr", LockUse::Holds, getattr);
    registry.function("setattr", LockUse::Holds, setattr);
    registry.function("hasattr", LockUse::Holds, hasattr);
    registry.function("delattr", LockUse::Holds, delattr);
}

fn isinstance<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value, classes] = args.exactly(m, "isinstance")?;
    let class = m.class_of(value);
    let wrong = "isinstance() arg 2 must be a type, a tuple of types, or a union";
    derives(m, class, classes, wrong).map(Value::Bool)
}

fn issubclass<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [class, classes] = args.exactly(m, "issubclass")?;
    let Value::Class(class) = class else { return Err(m.type_error("issubclass() arg 1 must be a class")) };
    let wrong = "issubclass() arg 2 must be a class, a tuple of classes, or a union";
    derives(m, class, classes, wrong).map(Value::Bool)
}

/// Does a class derive from one of those in a class or tuple?
fn derives<H: Heap>(m: &mut Machine<H>, class: Id, classes: Value, wrong: &str) -> Result<bool, Unwind> {
    match classes {
        Value::Class(base) => Ok(m.is_subclass(class, base)),
        Value::Tuple(id) => m.deeper("", |m| {
            for at in 0..m.heap.tuple(id).len() {
                let one = m.heap.tuple(id)[at];
                if derives(m, class, one, wrong)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }),
        _ => Err(m.type_error(wrong)),
    }
}

fn id<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "id")?;
    Ok(Value::Int(text::address(value) as i64))
}

/// Numbers have CPython's hashes, an instance what its `__hash__` says, all others the hash that dicts use.
fn hash<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "hash")?;
    let hash = match value {
        Value::Int(number) => python_hash_int(number),
        Value::Bool(flag) => i64::from(flag),
        Value::Float(number) => python_hash_float(number),
        Value::Instance(_) => match m.special(value, "__hash__") {
            Some(method) if method != Value::None => {
                let Value::Int(number) = m.call_special(method, value, &[])? else {
                    return Err(m.type_error("__hash__ method should return an integer"));
                };
                python_hash_int(number)
            }
            _ => m.hash(value)? as i64,
        },
        _ => m.hash(value)? as i64,
    };
    Ok(Value::Int(hash))
}

fn callable<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "callable")?;
    Ok(Value::Bool(match value {
        Value::Function(_) | Value::BoundMethod(_) | Value::Class(_) | Value::Native(_) => true,
        Value::Instance(_) => m.special(value, "__call__").is_some(),
        _ => false,
    }))
}

fn attribute_name<H: Heap>(m: &mut Machine<H>, name: Value) -> Result<Box<str>, Unwind> {
    match name {
        Value::Str(id) => Ok(m.heap.text(id).text.clone()),
        _ => {
            let kind = m.type_name(name);
            Err(m.type_error(format!("attribute name must be string, not '{kind}'")))
        }
    }
}

/// The attribute, or `None` also when looking for it raised AttributeError.
fn find<H: Heap>(m: &mut Machine<H>, object: Value, name: &str) -> Result<Option<Value>, Unwind> {
    match m.find_attr(object, name) {
        Ok(found) => Ok(found),
        Err(unwind) => m.unless_raised(unwind, types::ATTRIBUTE_ERROR).map(|()| None),
    }
}

fn getattr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [object, name, default] = between(m, args, "getattr", 2)?;
    let name = attribute_name(m, name)?;
    if default == Value::Unbound {
        return m.get_attr(object, &name);
    }
    Ok(find(m, object, &name)?.unwrap_or(default))
}

fn hasattr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [object, name] = args.exactly(m, "hasattr")?;
    let name = attribute_name(m, name)?;
    Ok(Value::Bool(find(m, object, &name)?.is_some()))
}

fn setattr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [object, name, value] = args.exactly(m, "setattr")?;
    let name = attribute_name(m, name)?;
    m.set_attr(object, &name, value)?;
    Ok(Value::None)
}

fn delattr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [object, name] = args.exactly(m, "delattr")?;
    let name = attribute_name(m, name)?;
    m.delete_attr(object, &name)?;
    Ok(Value::None)
}
