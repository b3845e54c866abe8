//! The str methods that take a text apart, and `join`.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, room, text_argument, this_str, whole_or};
use crate::text::unicode::is_space;
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::STR,
        &[
            ("split", split),
            ("rsplit", rsplit),
            ("splitlines", splitlines),
            ("partition", partition),
            ("rpartition", rpartition),
            ("join", join),
        ],
    );
}

/// Parts of a text by their first byte and the byte behind the last.
type Parts = Vec<(usize, usize)>;

/// Bytes that a short str takes in the heap and in the list, roughly.
const STR_BYTES: usize = 64;

fn list_of_parts<H: Heap>(m: &mut Machine<H>, id: Id, parts: &Parts) -> Result<Value, Unwind> {
    let bytes = m.heap.text(id).text.len() + parts.len() * STR_BYTES;
    room(m, bytes, &[])?;
    let mut items = Vec::with_capacity(parts.len());
    for &(from, to) in parts {
        let part: Box<str> = m.heap.text(id).text[from..to].into();
        items.push(m.str(part));
    }
    Ok(m.heap.new_list(items))
}

fn split<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, separator, most) = split_arguments(m, args, "split")?;
    let text = &*m.heap.text(id).text;
    let parts = match separator {
        None => words(text, most),
        Some(separator) => {
            let separator = &*m.heap.text(separator).text;
            let mut parts = Parts::new();
            let mut from = 0;
            for (at, found) in text.match_indices(separator).take(most) {
                parts.push((from, at));
                from = at + found.len();
            }
            parts.push((from, text.len()));
            parts
        }
    };
    list_of_parts(m, id, &parts)
}

fn rsplit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, separator, most) = split_arguments(m, args, "rsplit")?;
    let text = &*m.heap.text(id).text;
    let mut parts = match separator {
        None => words_backwards(text, most),
        Some(separator) => {
            let separator = &*m.heap.text(separator).text;
            let mut parts = Parts::new();
            let mut to = text.len();
            for (at, found) in text.rmatch_indices(separator).take(most) {
                parts.push((at + found.len(), to));
                to = at;
            }
            parts.push((0, to));
            parts
        }
    };
    parts.reverse();
    list_of_parts(m, id, &parts)
}

fn split_arguments<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
) -> Result<(Id, Option<Id>, usize), Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [separator, most] = rest.bind(m, name, ["sep", "maxsplit"], 0)?;
    let most = usize::try_from(whole_or(m, most, -1)?).unwrap_or(usize::MAX);
    match separator {
        Value::Unbound | Value::None => Ok((id, None, most)),
        Value::Str(separator) if m.heap.text(separator).text.is_empty() => {
            Err(m.value_error("empty separator"))
        }
        Value::Str(separator) => Ok((id, Some(separator), most)),
        other => {
            let kind = m.type_name(other);
            Err(m.type_error(format!("must be str or None, not {kind}")))
        }
    }
}

/// What is between spaces; after `most` splits the rest with its spaces, but those before it.
fn words(text: &str, most: usize) -> Parts {
    let mut parts = Parts::new();
    let mut from = 0;
    loop {
        let rest = text[from..].trim_start_matches(is_space);
        from = text.len() - rest.len();
        if rest.is_empty() {
            return parts;
        }
        if parts.len() >= most {
            parts.push((from, text.len()));
            return parts;
        }
        let to = rest.find(is_space).map_or(text.len(), |at| from + at);
        parts.push((from, to));
        from = to;
    }
}

/// As `words` from the end; the last word comes first.
fn words_backwards(text: &str, most: usize) -> Parts {
    let mut parts = Parts::new();
    let mut to = text.len();
    loop {
        let rest = text[..to].trim_end_matches(is_space);
        to = rest.len();
        if rest.is_empty() {
            return parts;
        }
        if parts.len() >= most {
            parts.push((0, to));
            return parts;
        }
        let from =
            rest.char_indices().rev().find(|(_, c)| is_space(*c)).map_or(0, |(at, c)| at + c.len_utf8());
        parts.push((from, to));
        to = from;
    }
}

fn splitlines<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "splitlines")?;
    let [keep] = rest.bind(m, "splitlines", ["keepends"], 0)?;
    let keep = whole_or(m, keep, 0)? != 0;
    let text = &*m.heap.text(id).text;
    let mut parts = Parts::new();
    let mut from = 0;
    let mut characters = text.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        if !is_line_end(character) {
            continue;
        }
        let mut next = at + character.len_utf8();
        if character == '\r' && characters.next_if(|(_, following)| *following == '\n').is_some() {
            next += 1;
        }
        parts.push((from, if keep { next } else { at }));
        from = next;
    }
    if from < text.len() {
        parts.push((from, text.len()));
    }
    list_of_parts(m, id, &parts)
}

fn is_line_end(character: char) -> bool {
    matches!(character, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn partition<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    parted(m, args, "partition", |text, separator| text.find(separator), false)
}

fn rpartition<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    parted(m, args, "rpartition", |text, separator| text.rfind(separator), true)
}

fn parted<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    search: fn(&str, &str) -> Option<usize>,
    whole_last: bool,
) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [separator] = rest.exactly(m, if whole_last { "str.rpartition" } else { "str.partition" })?;
    let separator = text_argument(m, separator, "")?;
    let (text, between) = (&*m.heap.text(id).text, &*m.heap.text(separator).text);
    if between.is_empty() {
        return Err(m.value_error("empty separator"));
    }
    let Some(at) = search(text, between) else {
        let empty = m.str("");
        let whole = Value::Str(id);
        let parts = if whole_last { vec![empty, empty, whole] } else { vec![whole, empty, empty] };
        return Ok(m.heap.new_tuple(parts));
    };
    let (before, after): (Box<str>, Box<str>) = (text[..at].into(), text[at + between.len()..].into());
    let parts = vec![m.str(before), Value::Str(separator), m.str(after)];
    Ok(m.heap.new_tuple(parts))
}

fn join<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "join")?;
    let [iterable] = rest.exactly(m, "str.join")?;
    let items = match iterable {
        Value::List(list) => m.heap.list(list, Vec::clone),
        Value::Tuple(tuple) => m.heap.tuple(tuple).to_vec(),
        _ if !m.is_iterable(iterable) => return Err(m.type_error("can only join an iterable")),
        _ => m.items(iterable)?,
    };
    let mut bytes = items.len().saturating_sub(1).saturating_mul(m.heap.text(id).text.len());
    for (at, &item) in items.iter().enumerate() {
        let Value::Str(item) = item else {
            let kind = m.type_name(item);
            return Err(m.type_error(format!("sequence item {at}: expected str instance, {kind} found")));
        };
        bytes = bytes.saturating_add(m.heap.text(item).text.len());
    }
    if let [only] = *items {
        return Ok(only);
    }
    room(m, bytes, &items)?;
    let mut out = String::with_capacity(bytes);
    let separator = &*m.heap.text(id).text;
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push_str(separator);
        }
        if let Value::Str(item) = item {
            out.push_str(&m.heap.text(*item).text);
        }
    }
    Ok(m.str(out))
}
