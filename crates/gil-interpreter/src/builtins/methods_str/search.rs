//! The str methods that look for a part: find and its relatives, count, startswith, endswith.

use crate::heap::{Heap, Text};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{at_least_one, methods, span, text_argument, this_str};
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::STR,
        &[
            ("find", find),
            ("rfind", rfind),
            ("index", index),
            ("rindex", rindex),
            ("count", count),
            ("startswith", startswith),
            ("endswith", endswith),
        ],
    );
}

/// The byte at which the character at a position begins; the end for positions behind it.
pub(super) fn byte_at(text: &Text, position: usize) -> usize {
    if text.is_ascii() {
        return position.min(text.text.len());
    }
    text.text.char_indices().nth(position).map_or(text.text.len(), |(byte, _)| byte)
}

/// The characters from one position to another, and the position of the first.
fn window<H: Heap>(
    m: &mut Machine<H>,
    id: Id,
    start: Value,
    stop: Value,
) -> Result<Option<(usize, usize, usize)>, Unwind> {
    let length = m.heap.text(id).chars as usize;
    let Some((start, stop)) = span(m, start, stop, length)? else { return Ok(None) };
    let text = m.heap.text(id);
    let from = byte_at(text, start);
    let to = if stop >= length { text.text.len() } else { byte_at(text, stop) };
    Ok(Some((start, from, to)))
}

fn found<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    search: fn(&str, &str) -> Option<usize>,
) -> Result<Option<i64>, Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [part, start, stop] = at_least_one(m, rest, name)?;
    let part = text_argument(m, part, "")?;
    let Some((first, from, to)) = window(m, id, start, stop)? else { return Ok(None) };
    let text = m.heap.text(id);
    let inside = &text.text[from..to];
    let place = search(inside, &m.heap.text(part).text);
    Ok(place.map(|byte| {
        let before = if text.is_ascii() { byte } else { inside[..byte].chars().count() };
        (first + before) as i64
    }))
}

fn forwards(text: &str, part: &str) -> Option<usize> {
    let mut letters = part.chars();
    match (letters.next(), letters.next()) {
        (Some(only), None) => text.find(only),
        _ => text.find(part),
    }
}

fn backwards(text: &str, part: &str) -> Option<usize> {
    text.rfind(part)
}

fn find<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    Ok(Value::Int(found(m, args, "find", forwards)?.unwrap_or(-1)))
}

fn rfind<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    Ok(Value::Int(found(m, args, "rfind", backwards)?.unwrap_or(-1)))
}

fn index<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let place = found(m, args, "index", forwards)?;
    place.map(Value::Int).ok_or_else(|| m.value_error("substring not found"))
}

fn rindex<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let place = found(m, args, "rindex", backwards)?;
    place.map(Value::Int).ok_or_else(|| m.value_error("substring not found"))
}

fn count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "count")?;
    let [part, start, stop] = at_least_one(m, rest, "count")?;
    let part = text_argument(m, part, "")?;
    let Some((_, from, to)) = window(m, id, start, stop)? else { return Ok(Value::Int(0)) };
    let (text, part) = (&m.heap.text(id).text[from..to], &m.heap.text(part).text);
    let count = if part.is_empty() { text.chars().count() + 1 } else { text.matches(&**part).count() };
    Ok(Value::Int(count as i64))
}

fn startswith<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    at_an_end(m, args, "startswith", |text, part| text.starts_with(part))
}

fn endswith<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    at_an_end(m, args, "endswith", |text, part| text.ends_with(part))
}

fn at_an_end<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    test: fn(&str, &str) -> bool,
) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [parts, start, stop] = at_least_one(m, rest, name)?;
    let parts = match parts {
        Value::Str(_) => vec![parts],
        Value::Tuple(parts) => m.heap.tuple(parts).to_vec(),
        other => {
            let kind = m.type_name(other);
            return Err(m.type_error(format!("{name} first arg must be str or a tuple of str, not {kind}")));
        }
    };
    let window = window(m, id, start, stop)?;
    for part in parts {
        let Value::Str(part) = part else {
            let kind = m.type_name(part);
            return Err(m.type_error(format!("tuple for {name} must only contain str, not {kind}")));
        };
        if let Some((_, from, to)) = window
            && test(&m.heap.text(id).text[from..to], &m.heap.text(part).text)
        {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}
