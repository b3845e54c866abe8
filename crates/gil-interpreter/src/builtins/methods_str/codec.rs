//! Text as bytes and back: UTF-8, ASCII and Latin-1, with the error handlers of Python.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, room, text_argument, this_str};
use crate::text::quote;
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(r, types::STR, &[("encode", encode)]);
}

/// How text is laid out in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    Utf8,
    Ascii,
    Latin1,
}

/// What is done about what a codec cannot say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnError {
    Strict,
    Ignore,
    Replace,
    Escape,
}

/// What a call asked for; the names as errors show them.
struct Choice {
    codec: Codec,
    name: Box<str>,
    on_error: Option<OnError>,
    handler: Box<str>,
}

fn encode<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "encode")?;
    let [encoding, errors] = rest.bind(m, "encode", ["encoding", "errors"], 0)?;
    encoded(m, Value::Str(id), encoding, errors, "encode")
}

fn choice<H: Heap>(
    m: &mut Machine<H>,
    encoding: Value,
    errors: Value,
    caller: &str,
) -> Result<Choice, Unwind> {
    let mut name: Box<str> = "utf-8".into();
    if encoding != Value::Unbound {
        let id = text_argument(m, encoding, &format!("{caller}() argument 'encoding'"))?;
        name = m.heap.text(id).text.clone();
    }
    let codec = match &*name.to_lowercase().replace(['_', ' '], "-") {
        "utf-8" | "utf8" | "u8" => Codec::Utf8,
        "ascii" | "us-ascii" | "646" => Codec::Ascii,
        "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859" => Codec::Latin1,
        _ => return Err(m.raise(types::LOOKUP_ERROR, format!("unknown encoding: {name}"))),
    };
    let shown = match codec {
        Codec::Utf8 => "utf-8",
        Codec::Ascii => "ascii",
        Codec::Latin1 => "latin-1",
    };
    let mut handler: Box<str> = "strict".into();
    if errors != Value::Unbound {
        let id = text_argument(m, errors, &format!("{caller}() argument 'errors'"))?;
        handler = m.heap.text(id).text.clone();
    }
    let on_error = match &*handler {
        "strict" => Some(OnError::Strict),
        "ignore" => Some(OnError::Ignore),
        "replace" => Some(OnError::Replace),
        "backslashreplace" => Some(OnError::Escape),
        _ => None,
    };
    Ok(Choice { codec, name: shown.into(), on_error, handler })
}

impl Choice {
    fn handler<H: Heap>(&self, m: &mut Machine<H>) -> Result<OnError, Unwind> {
        self.on_error.ok_or_else(|| {
            m.raise(types::LOOKUP_ERROR, format!("unknown error handler name '{}'", self.handler))
        })
    }
}

/// `text.encode(encoding, errors)`; `caller` is named in messages. Absent arguments are `Unbound`.
pub(crate) fn encoded<H: Heap>(
    m: &mut Machine<H>,
    text: Value,
    encoding: Value,
    errors: Value,
    caller: &str,
) -> Result<Value, Unwind> {
    let choice = choice(m, encoding, errors, caller)?;
    let id = text_argument(m, text, &format!("{caller}() argument"))?;
    let bytes = m.heap.text(id).text.len();
    room(m, bytes.saturating_mul(2), &[text])?;
    let source = m.heap.text(id);
    if choice.codec == Codec::Utf8 || source.is_ascii() {
        let bytes = source.text.as_bytes().to_vec();
        return Ok(m.heap.new_bytes(bytes));
    }
    let limit = if choice.codec == Codec::Ascii { 0x80 } else { 0x100 };
    let source = source.text.clone();
    let mut out = Vec::with_capacity(source.len());
    for (position, character) in source.chars().enumerate() {
        let code = u32::from(character);
        if code < limit {
            out.push(code as u8);
            continue;
        }
        match choice.handler(m)? {
            OnError::Strict => {
                let more = source.chars().skip(position).take_while(|c| u32::from(*c) >= limit).count();
                let reason = format!("ordinal not in range({limit})");
                let place = (position, position + more);
                return Err(codec_error(m, types::UNICODE_ENCODE_ERROR, &choice.name, text, place, &reason));
            }
            OnError::Ignore => {}
            OnError::Replace => out.push(b'?'),
            OnError::Escape => {
                let mut escape = String::new();
                quote::push_code(&mut escape, character);
                out.extend_from_slice(escape.as_bytes());
            }
        }
    }
    Ok(m.heap.new_bytes(out))
}

/// `bytes.decode(encoding, errors)`; as `encoded`.
pub(crate) fn decoded<H: Heap>(
    m: &mut Machine<H>,
    bytes: Value,
    encoding: Value,
    errors: Value,
    caller: &str,
) -> Result<Value, Unwind> {
    let choice = choice(m, encoding, errors, caller)?;
    let Value::Bytes(id) = bytes else {
        let kind = m.type_name(bytes);
        return Err(m.type_error(format!("decoding to str: need a bytes-like object, {kind} found")));
    };
    let length = m.heap.bytes(id).len();
    room(m, length.saturating_mul(2), &[bytes])?;
    let source = m.heap.bytes(id);
    if choice.codec == Codec::Latin1 {
        let text: String = source.iter().copied().map(char::from).collect();
        return Ok(m.str(text));
    }
    if (choice.codec == Codec::Utf8 || source.is_ascii())
        && let Ok(text) = std::str::from_utf8(source)
    {
        let text: Box<str> = text.into();
        return Ok(m.str(text));
    }
    let source = source.to_vec();
    let mut out = String::with_capacity(source.len());
    let mut from = 0;
    while let Some((start, end, reason)) = next_fault(choice.codec, &source, from) {
        // What is before the fault was found to be good.
        out.push_str(&String::from_utf8_lossy(&source[from..start]));
        match choice.handler(m)? {
            OnError::Strict => {
                let class = types::UNICODE_DECODE_ERROR;
                return Err(codec_error(m, class, &choice.name, bytes, (start, end), reason));
            }
            OnError::Ignore => {}
            OnError::Replace => out.push(char::REPLACEMENT_CHARACTER),
            OnError::Escape => {
                source[start..end].iter().for_each(|byte| out.push_str(&format!("\\x{byte:02x}")))
            }
        }
        from = end;
    }
    out.push_str(&String::from_utf8_lossy(&source[from..]));
    Ok(m.str(out))
}

/// The first bytes at or after `from` that are no text: where they begin and end, and why.
fn next_fault(codec: Codec, bytes: &[u8], from: usize) -> Option<(usize, usize, &'static str)> {
    if codec == Codec::Ascii {
        let at = from + bytes[from..].iter().position(|byte| !byte.is_ascii())?;
        return Some((at, at + 1, "ordinal not in range(128)"));
    }
    let error = std::str::from_utf8(&bytes[from..]).err()?;
    let start = from + error.valid_up_to();
    Some(match error.error_len() {
        None => (start, bytes.len(), "unexpected end of data"),
        Some(length) => {
            let first = bytes[start];
            let no_start = (0x80..0xc2).contains(&first) || first >= 0xf5;
            (start, start + length, if no_start { "invalid start byte" } else { "invalid continuation byte" })
        }
    })
}

fn codec_error<H: Heap>(
    m: &mut Machine<H>,
    class: crate::value::Id,
    codec: &str,
    subject: Value,
    (start, end): (usize, usize),
    reason: &str,
) -> Unwind {
    let args = vec![m.str(codec), subject, Value::Int(start as i64), Value::Int(end as i64), m.str(reason)];
    m.raise_with(class, args)
}
