//! The methods of bytes.

use crate::builtins::arguments::between;
use crate::builtins::methods_str::decoded;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{
    at_least_one, behind, class_method, methods, room, span, text_argument, this_bytes, whole_or,
};
use crate::types;
use crate::value::{Id, Value};

/// Adds the methods to the class.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::BYTES,
        &[
            ("decode", decode),
            ("hex", hex),
            ("split", split),
            ("splitlines", splitlines),
            ("partition", partition),
            ("join", join),
            ("replace", replace),
            ("strip", strip),
            ("lstrip", lstrip),
            ("rstrip", rstrip),
            ("find", find),
            ("rfind", rfind),
            ("index", index),
            ("rindex", rindex),
            ("count", count),
            ("startswith", startswith),
            ("endswith", endswith),
            ("upper", upper),
            ("lower", lower),
            ("isdigit", isdigit),
            ("isalpha", isalpha),
            ("isalnum", isalnum),
            ("isspace", isspace),
        ],
    );
    class_method(r, types::BYTES, "fromhex", fromhex);
}

/// Bytes as CPython counts them as spaces; Rust leaves the vertical tab out.
fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Where a part begins.
fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    match *part {
        [] => Some(0),
        [only] => bytes.iter().position(|byte| *byte == only),
        [first, ..] => {
            let last = bytes.len().checked_sub(part.len())?;
            let mut from = 0;
            while from <= last {
                from += bytes[from..=last].iter().position(|byte| *byte == first)?;
                if bytes[from..].starts_with(part) {
                    return Some(from);
                }
                from += 1;
            }
            None
        }
    }
}

fn last_position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    let last = bytes.len().checked_sub(part.len())?;
    (0..=last).rev().find(|from| bytes[*from..].starts_with(part))
}

/// The places of a part, none inside another.
fn positions(bytes: &[u8], part: &[u8], most: usize) -> Vec<usize> {
    let mut places = Vec::new();
    if part.is_empty() {
        return (0..=bytes.len()).take(most).collect();
    }
    let mut from = 0;
    while places.len() < most
        && let Some(at) = position(&bytes[from..], part)
    {
        places.push(from + at);
        from += at + part.len();
    }
    places
}

/// An argument that must be bytes.
fn bytes_argument<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Id, Unwind> {
    match value {
        Value::Bytes(id) => Ok(id),
        other => {
            let kind = m.type_name(other);
            Err(m.type_error(format!("a bytes-like object is required, not '{kind}'")))
        }
    }
}

fn decode<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "decode")?;
    let [encoding, errors] = rest.bind(m, "decode", ["encoding", "errors"], 0)?;
    decoded(m, Value::Bytes(id), encoding, errors, "decode")
}

fn hex<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "hex")?;
    let [separator, group] = rest.bind(m, "hex", ["sep", "bytes_per_sep"], 0)?;
    let group = whole_or(m, group, 1)?;
    let separator = match separator {
        Value::Unbound => None,
        Value::Str(id) => match *m.heap.text(id).text.as_bytes() {
            [byte] => Some(char::from(byte)),
            _ => return Err(m.value_error("sep must be length 1.")),
        },
        _ => return Err(m.type_error("sep must be str or bytes.")),
    };
    let length = m.heap.bytes(id).len();
    room(m, length.saturating_mul(3), &[])?;
    let mut out = String::with_capacity(length * 3);
    let every = usize::try_from(group.unsigned_abs()).unwrap_or(usize::MAX);
    for (at, byte) in m.heap.bytes(id).iter().enumerate() {
        // Groups are counted from the end, or from the start when the number is negative.
        let place = if group < 0 { at } else { length - at };
        if let Some(separator) = separator.filter(|_| at > 0 && every > 0 && place % every == 0) {
            out.push(separator);
        }
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
        }
    }
    Ok(m.str(out))
}

/// `bytes.fromhex`, called through the class.
fn fromhex<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [text] = behind(args).exactly(m, "bytes.fromhex")?;
    let text = text_argument(m, text, "fromhex() argument")?;
    let text = &m.heap.text(text).text;
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut high: Option<u32> = None;
    let mut fault = None;
    for (at, character) in text.chars().chain([' ']).enumerate() {
        match (high, character.to_digit(16)) {
            (None, Some(digit)) => high = Some(digit),
            (Some(first), Some(digit)) => {
                out.push((first * 16 + digit) as u8);
                high = None;
            }
            (None, None) if u8::try_from(character).is_ok_and(is_space) => {}
            _ => {
                fault = Some(at);
                break;
            }
        }
    }
    match fault {
        None => Ok(m.heap.new_bytes(out)),
        Some(at) => {
            Err(m.value_error(format!("non-hexadecimal number found in fromhex() arg at position {at}")))
        }
    }
}

fn list_of_parts<H: Heap>(m: &mut Machine<H>, id: Id, parts: &[(usize, usize)]) -> Result<Value, Unwind> {
    let bytes = m.heap.bytes(id).len() + parts.len() * 64;
    room(m, bytes, &[])?;
    let mut items = Vec::with_capacity(parts.len());
    for &(from, to) in parts {
        let part = m.heap.bytes(id)[from..to].to_vec();
        items.push(m.heap.new_bytes(part));
    }
    Ok(m.heap.new_list(items))
}

fn split<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "split")?;
    let [separator, most] = rest.bind(m, "split", ["sep", "maxsplit"], 0)?;
    let most = usize::try_from(whole_or(m, most, -1)?).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if matches!(separator, Value::Unbound | Value::None) {
        let bytes = m.heap.bytes(id);
        let mut from = 0;
        while let Some(start) = bytes[from..].iter().position(|byte| !is_space(*byte)).map(|at| from + at) {
            let end = bytes[start..].iter().position(|byte| is_space(*byte)).map(|at| start + at);
            let end = if parts.len() >= most { bytes.len() } else { end.unwrap_or(bytes.len()) };
            parts.push((start, end));
            from = end;
        }
        return list_of_parts(m, id, &parts);
    }
    let separator = bytes_argument(m, separator)?;
    let (bytes, separator) = (m.heap.bytes(id), m.heap.bytes(separator));
    if separator.is_empty() {
        return Err(m.value_error("empty separator"));
    }
    let mut from = 0;
    for at in positions(bytes, separator, most) {
        parts.push((from, at));
        from = at + separator.len();
    }
    parts.push((from, bytes.len()));
    list_of_parts(m, id, &parts)
}

fn splitlines<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "splitlines")?;
    let [keep] = rest.bind(m, "splitlines", ["keepends"], 0)?;
    let keep = whole_or(m, keep, 0)? != 0;
    let bytes = m.heap.bytes(id);
    let mut parts = Vec::new();
    let (mut from, mut at) = (0, 0);
    while at < bytes.len() {
        let next = match bytes[at..] {
            [b'\r', b'\n', ..] => at + 2,
            [b'\r' | b'\n', ..] => at + 1,
            _ => {
                at += 1;
                continue;
            }
        };
        parts.push((from, if keep { next } else { at }));
        (from, at) = (next, next);
    }
    if from < bytes.len() {
        parts.push((from, bytes.len()));
    }
    list_of_parts(m, id, &parts)
}

fn partition<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "partition")?;
    let [separator] = rest.exactly(m, "bytes.partition")?;
    let between = bytes_argument(m, separator)?;
    let (bytes, between) = (m.heap.bytes(id), m.heap.bytes(between));
    if between.is_empty() {
        return Err(m.value_error("empty separator"));
    }
    let parts = match position(bytes, between) {
        None => {
            let empty = m.heap.new_bytes(Vec::new());
            vec![Value::Bytes(id), empty, empty]
        }
        Some(at) => {
            let (before, after) = (bytes[..at].to_vec(), bytes[at + between.len()..].to_vec());
            vec![m.heap.new_bytes(before), separator, m.heap.new_bytes(after)]
        }
    };
    Ok(m.heap.new_tuple(parts))
}

fn join<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "join")?;
    let [iterable] = rest.exactly(m, "bytes.join")?;
    if !m.is_iterable(iterable) {
        return Err(m.type_error("can only join an iterable"));
    }
    let items = m.items(iterable)?;
    let mut bytes = items.len().saturating_mul(m.heap.bytes(id).len());
    for (at, &item) in items.iter().enumerate() {
        let Value::Bytes(item) = item else {
            let kind = m.type_name(item);
            return Err(
                m.type_error(format!("sequence item {at}: expected a bytes-like object, {kind} found"))
            );
        };
        bytes = bytes.saturating_add(m.heap.bytes(item).len());
    }
    room(m, bytes, &items)?;
    let mut out = Vec::with_capacity(bytes);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.extend_from_slice(m.heap.bytes(id));
        }
        if let Value::Bytes(item) = item {
            out.extend_from_slice(m.heap.bytes(*item));
        }
    }
    Ok(m.heap.new_bytes(out))
}

fn replace<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "replace")?;
    let [old, new, most] = between(m, rest, "replace", 2)?;
    let (old, new) = (bytes_argument(m, old)?, bytes_argument(m, new)?);
    let most = usize::try_from(whole_or(m, most, -1)?).unwrap_or(usize::MAX);
    let places = positions(m.heap.bytes(id), m.heap.bytes(old), most);
    let length = m.heap.bytes(id).len().saturating_add(places.len().saturating_mul(m.heap.bytes(new).len()));
    room(m, length, &[])?;
    let (bytes, old, new) = (m.heap.bytes(id), m.heap.bytes(old), m.heap.bytes(new));
    let mut out = Vec::with_capacity(length);
    let mut from = 0;
    for at in places {
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(new);
        from = at + old.len();
    }
    out.extend_from_slice(&bytes[from..]);
    Ok(m.heap.new_bytes(out))
}

fn stripped<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    (left, right): (bool, bool),
) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, name)?;
    let [set] = between(m, rest, name, 0)?;
    let set = match set {
        Value::Unbound | Value::None => None,
        set => Some(bytes_argument(m, set)?),
    };
    let bytes = m.heap.bytes(id);
    let set = set.map(|set| m.heap.bytes(set));
    let stays = |byte: &u8| !set.map_or_else(|| is_space(*byte), |set| set.contains(byte));
    let from = if left { bytes.iter().position(stays).unwrap_or(bytes.len()) } else { 0 };
    let to = if right { bytes.iter().rposition(stays).map_or(0, |at| at + 1) } else { bytes.len() };
    let part = bytes[from..to.max(from)].to_vec();
    Ok(m.heap.new_bytes(part))
}

fn strip<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    stripped(m, args, "strip", (true, true))
}

fn lstrip<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    stripped(m, args, "lstrip", (true, false))
}

fn rstrip<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    stripped(m, args, "rstrip", (false, true))
}

/// Bytes, or the number of one byte.
fn part_argument<H: Heap>(m: &mut Machine<H>, value: Value) -> Result<Vec<u8>, Unwind> {
    if let Value::Bytes(id) = value {
        return Ok(m.heap.bytes(id).to_vec());
    }
    let Some(number) = m.index_of(value)? else {
        let kind = m.type_name(value);
        return Err(m.type_error(format!("argument should be integer or bytes-like object, not '{kind}'")));
    };
    match u8::try_from(number) {
        Ok(byte) => Ok(vec![byte]),
        Err(_) => Err(m.value_error("byte must be in range(0, 256)")),
    }
}

fn found<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    search: fn(&[u8], &[u8]) -> Option<usize>,
) -> Result<Option<i64>, Unwind> {
    let (id, rest) = this_bytes(m, args, name)?;
    let [part, start, stop] = at_least_one(m, rest, name)?;
    let part = part_argument(m, part)?;
    let length = m.heap.bytes(id).len();
    let Some((from, to)) = span(m, start, stop, length)? else { return Ok(None) };
    Ok(search(&m.heap.bytes(id)[from..to], &part).map(|at| (from + at) as i64))
}

fn find<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    Ok(Value::Int(found(m, args, "find", position)?.unwrap_or(-1)))
}

fn rfind<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    Ok(Value::Int(found(m, args, "rfind", last_position)?.unwrap_or(-1)))
}

fn index<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let place = found(m, args, "index", position)?;
    place.map(Value::Int).ok_or_else(|| m.value_error("subsection not found"))
}

fn rindex<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let place = found(m, args, "rindex", last_position)?;
    place.map(Value::Int).ok_or_else(|| m.value_error("subsection not found"))
}

fn count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, "count")?;
    let [part, start, stop] = at_least_one(m, rest, "count")?;
    let part = part_argument(m, part)?;
    let length = m.heap.bytes(id).len();
    let Some((from, to)) = span(m, start, stop, length)? else { return Ok(Value::Int(0)) };
    Ok(Value::Int(positions(&m.heap.bytes(id)[from..to], &part, usize::MAX).len() as i64))
}

fn startswith<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    at_an_end(m, args, "startswith", |bytes, part| bytes.starts_with(part))
}

fn endswith<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    at_an_end(m, args, "endswith", |bytes, part| bytes.ends_with(part))
}

fn at_an_end<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    test: fn(&[u8], &[u8]) -> bool,
) -> Result<Value, Unwind> {
    let (id, rest) = this_bytes(m, args, name)?;
    let [parts, start, stop] = at_least_one(m, rest, name)?;
    let parts = match parts {
        Value::Bytes(_) => vec![parts],
        Value::Tuple(parts) => m.heap.tuple(parts).to_vec(),
        other => {
            let kind = m.type_name(other);
            return Err(
                m.type_error(format!("{name} first arg must be bytes or a tuple of bytes, not {kind}"))
            );
        }
    };
    let length = m.heap.bytes(id).len();
    let span = span(m, start, stop, length)?;
    for part in parts {
        let part = bytes_argument(m, part)?;
        if let Some((from, to)) = span
            && test(&m.heap.bytes(id)[from..to], m.heap.bytes(part))
        {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

macro_rules! mappings {
    ($($method:ident: $map:expr;)*) => {$(
        fn $method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
            let (id, rest) = this_bytes(m, args, stringify!($method))?;
            rest.exactly::<0, _>(m, concat!("bytes.", stringify!($method)))?;
            let length = m.heap.bytes(id).len();
            room(m, length, &[])?;
            let map: fn(&[u8]) -> Vec<u8> = $map;
            let changed = map(m.heap.bytes(id));
            Ok(m.heap.new_bytes(changed))
        }
    )*};
}

mappings! {
    upper: <[u8]>::to_ascii_uppercase;
    lower: <[u8]>::to_ascii_lowercase;
}

macro_rules! questions {
    ($($method:ident: $test:expr;)*) => {$(
        fn $method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
            let (id, rest) = this_bytes(m, args, stringify!($method))?;
            rest.exactly::<0, _>(m, concat!("bytes.", stringify!($method)))?;
            let test: fn(u8) -> bool = $test;
            let bytes = m.heap.bytes(id);
            Ok(Value::Bool(!bytes.is_empty() && bytes.iter().all(|byte| test(*byte))))
        }
    )*};
}

questions! {
    isdigit: |byte| byte.is_ascii_digit();
    isalpha: |byte| byte.is_ascii_alphabetic();
    isalnum: |byte| byte.is_ascii_alphanumeric();
    isspace: is_space;
}
