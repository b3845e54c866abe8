//! `str.replace`, and `str.translate` with the tables of `str.maketrans`.

use crate::builtins::arguments::between;
use crate::heap::{Dict, Heap};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{behind, methods, room, text_argument, this_str, whole_or};
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(r, types::STR, &[("replace", replace), ("translate", translate)]);
}

fn replace<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "replace")?;
    let [old, new, most] = between(m, rest, "replace", 2)?;
    let old = text_argument(m, old, "replace() argument 1")?;
    let new = text_argument(m, new, "replace() argument 2")?;
    let most = usize::try_from(whole_or(m, most, -1)?).unwrap_or(usize::MAX);
    let (text, old_text, new_text) =
        (&*m.heap.text(id).text, &*m.heap.text(old).text, &*m.heap.text(new).text);
    // An empty part matches before each character and at the end, which is what Rust's search finds, too.
    let count = text.matches(old_text).take(most).count();
    if count == 0 || text.is_empty() && most == 0 {
        return Ok(Value::Str(id));
    }
    let bytes = text.len().saturating_add(count.saturating_mul(new_text.len()));
    room(m, bytes.saturating_mul(2), &[])?;
    let (text, old_text, new_text) =
        (&*m.heap.text(id).text, &*m.heap.text(old).text, &*m.heap.text(new).text);
    let replaced = text.replacen(old_text, new_text, count);
    Ok(m.str(replaced))
}

fn translate<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "translate")?;
    let [table] = rest.exactly(m, "str.translate")?;
    let text = m.heap.text(id).text.clone();
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if out.capacity() - out.len() < 8 {
            let bytes = out.capacity();
            room(m, 2 * bytes, &[])?;
        }
        let replacement = translated(m, table, character)?;
        match replacement {
            Value::Unbound => out.push(character),
            Value::None => {}
            Value::Str(id) => {
                let bytes = m.heap.text(id).text.len();
                room(m, out.len() + bytes, &[replacement])?;
                out.push_str(&m.heap.text(id).text);
            }
            Value::Int(code) => match u32::try_from(code).ok().and_then(char::from_u32) {
                Some(character) => out.push(character),
                None => return Err(m.value_error("character mapping must be in range(0x110000)")),
            },
            _ => return Err(m.type_error("character mapping must return integer, None or str")),
        }
    }
    Ok(m.str(out))
}

/// What the table says of a character; `Unbound` when it says nothing.
fn translated<H: Heap>(m: &mut Machine<H>, table: Value, character: char) -> Result<Value, Unwind> {
    let code = Value::Int(i64::from(u32::from(character)));
    if let Value::Dict(table) = table {
        return Ok(m.dict_get(table, code)?.unwrap_or(Value::Unbound));
    }
    match m.subscript(table, code) {
        Ok(found) => Ok(found),
        Err(unwind) => m.unless_raised(unwind, types::LOOKUP_ERROR).map(|()| Value::Unbound),
    }
}

/// `str.maketrans`, called through the class.
pub(super) fn maketrans<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [first, second, third] = between(m, behind(args), "maketrans", 1)?;
    let Value::Dict(table) = m.heap.new_dict(Dict::default()) else { unreachable!("new_dict makes a dict") };
    m.rooted(&[Value::Dict(table)], |m| {
        if second == Value::Unbound {
            copy_table(m, first, table)?;
        } else {
            pair_up(m, first, second, table)?;
            if third != Value::Unbound {
                let gone = text_argument(m, third, "maketrans() argument 3")?;
                for character in m.heap.text(gone).text.clone().chars() {
                    m.dict_set(table, Value::Int(i64::from(u32::from(character))), Value::None)?;
                }
            }
        }
        Ok(Value::Dict(table))
    })
}

fn pair_up<H: Heap>(m: &mut Machine<H>, from: Value, to: Value, table: Id) -> Result<(), Unwind> {
    let Value::Str(from) = from else {
        return Err(m.type_error("first maketrans argument must be a string if there is a second argument"));
    };
    let to = text_argument(m, to, "maketrans() argument 2")?;
    if m.heap.text(from).chars != m.heap.text(to).chars {
        return Err(m.value_error("the first two maketrans arguments must have equal length"));
    }
    let (from, to) = (m.heap.text(from).text.clone(), m.heap.text(to).text.clone());
    for (from, to) in from.chars().zip(to.chars()) {
        let code = |character: char| Value::Int(i64::from(u32::from(character)));
        m.dict_set(table, code(from), code(to))?;
    }
    Ok(())
}

fn copy_table<H: Heap>(m: &mut Machine<H>, source: Value, table: Id) -> Result<(), Unwind> {
    let Value::Dict(source) = source else {
        return Err(m.type_error("if you give only one argument to maketrans it must be a dict"));
    };
    let pairs: Vec<(Value, Value)> = m.heap.dict(source, |dict| dict.iter().collect());
    for (key, value) in pairs {
        let key = match key {
            Value::Int(_) | Value::Bool(_) => key,
            Value::Str(id) if m.heap.text(id).chars == 1 => {
                let code = m.heap.text(id).text.chars().next().map_or(0, u32::from);
                Value::Int(i64::from(code))
            }
            Value::Str(_) => {
                return Err(m.value_error("string keys in translate table must be of length 1"));
            }
            _ => return Err(m.type_error("keys in translate table must be strings or integers")),
        };
        m.dict_set(table, key, value)?;
    }
    Ok(())
}
