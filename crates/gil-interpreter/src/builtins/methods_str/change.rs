//! The str methods that give the text in another form: case, padding, stripping.

use crate::builtins::arguments::between;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, room, text_argument, this_str};
use crate::text::case;
use crate::text::unicode::is_space;
use crate::types;
use crate::value::{Id, Value};

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::STR,
        &[
            ("upper", upper),
            ("lower", lower),
            ("title", title),
            ("capitalize", capitalize),
            ("swapcase", swapcase),
            ("casefold", casefold),
            ("strip", strip),
            ("lstrip", lstrip),
            ("rstrip", rstrip),
            ("removeprefix", removeprefix),
            ("removesuffix", removesuffix),
            ("ljust", ljust),
            ("rjust", rjust),
            ("center", center),
            ("zfill", zfill),
            ("expandtabs", expandtabs),
        ],
    );
}

macro_rules! mappings {
    ($($method:ident: $ascii:expr, $map:expr;)*) => {$(
        fn $method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
            let (id, rest) = this_str(m, args, stringify!($method))?;
            rest.exactly::<0, _>(m, concat!("str.", stringify!($method)))?;
            // Upper case has at most three times the bytes.
            let bytes = 3 * m.heap.text(id).text.len();
            room(m, bytes, &[])?;
            let text = m.heap.text(id);
            let ascii: Option<fn(&str) -> String> = $ascii;
            let map: fn(&str) -> String = $map;
            let changed = match ascii {
                Some(ascii) if text.is_ascii() => ascii(&text.text),
                _ => map(&text.text),
            };
            Ok(m.str(changed))
        }
    )*};
}

mappings! {
    upper: Some(str::to_ascii_uppercase), str::to_uppercase;
    lower: Some(str::to_ascii_lowercase), str::to_lowercase;
    casefold: Some(str::to_ascii_lowercase), case::fold;
    title: None, case::title;
    capitalize: None, case::capitalize;
    swapcase: None, case::swap;
}

/// A part of a text; the text itself when that is the whole.
fn part<H: Heap>(m: &mut Machine<H>, id: Id, from: usize, to: usize) -> Value {
    let text = &m.heap.text(id).text;
    if (from, to) == (0, text.len()) {
        return Value::Str(id);
    }
    let part: Box<str> = text[from..to].into();
    m.str(part)
}

fn stripped<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    (left, right): (bool, bool),
) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [set] = between(m, rest, name, 0)?;
    let set = match set {
        Value::Unbound | Value::None => None,
        Value::Str(set) => Some(set),
        _ => return Err(m.type_error(format!("{name} arg must be None or str"))),
    };
    let text = &*m.heap.text(id).text;
    let set = set.map(|set| &*m.heap.text(set).text);
    let gone = |character: char| set.map_or_else(|| is_space(character), |set| set.contains(character));
    let from = if left { text.len() - text.trim_start_matches(gone).len() } else { 0 };
    let to = if right { text[from..].trim_end_matches(gone).len() + from } else { text.len() };
    Ok(part(m, id, from, to))
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

fn removeprefix<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "removeprefix")?;
    let [prefix] = rest.exactly(m, "str.removeprefix")?;
    let prefix = text_argument(m, prefix, "removeprefix() argument")?;
    let (text, prefix) = (&m.heap.text(id).text, &m.heap.text(prefix).text);
    let from = if text.starts_with(&**prefix) { prefix.len() } else { 0 };
    let to = text.len();
    Ok(part(m, id, from, to))
}

fn removesuffix<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "removesuffix")?;
    let [suffix] = rest.exactly(m, "str.removesuffix")?;
    let suffix = text_argument(m, suffix, "removesuffix() argument")?;
    let (text, suffix) = (&m.heap.text(id).text, &m.heap.text(suffix).text);
    let to = if text.ends_with(&**suffix) { text.len() - suffix.len() } else { text.len() };
    Ok(part(m, id, 0, to))
}

/// Pads to a width; `before` says how many of the missing characters go to the left.
fn justified<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    before: fn(usize, usize) -> usize,
) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, name)?;
    let [width, fill] = between(m, rest, name, 1)?;
    let width = usize::try_from(m.whole_number(width)?).unwrap_or(0);
    let fill = match fill {
        Value::Unbound => ' ',
        Value::Str(fill) => {
            let mut letters = m.heap.text(fill).text.chars();
            match (letters.next(), letters.next()) {
                (Some(fill), None) => fill,
                _ => return Err(m.type_error("The fill character must be exactly one character long")),
            }
        }
        other => {
            let kind = m.type_name(other);
            return Err(m.type_error(format!("The fill character must be a unicode character, not {kind}")));
        }
    };
    let missing = width.saturating_sub(m.heap.text(id).chars as usize);
    if missing == 0 {
        return Ok(Value::Str(id));
    }
    room(m, missing.saturating_mul(2 * fill.len_utf8()), &[])?;
    let left = before(missing, width);
    let text = &m.heap.text(id).text;
    let mut out = String::with_capacity(text.len() + missing * fill.len_utf8());
    out.extend(std::iter::repeat_n(fill, left));
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, missing - left));
    Ok(m.str(out))
}

fn ljust<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    justified(m, args, "ljust", |_, _| 0)
}

fn rjust<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    justified(m, args, "rjust", |missing, _| missing)
}

fn center<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    // CPython puts the odd one to the left when the width is odd, too.
    justified(m, args, "center", |missing, width| missing / 2 + (missing & width & 1))
}

fn zfill<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "zfill")?;
    let [width] = rest.exactly(m, "str.zfill")?;
    let width = usize::try_from(m.whole_number(width)?).unwrap_or(0);
    let missing = width.saturating_sub(m.heap.text(id).chars as usize);
    room(m, missing.saturating_mul(2), &[])?;
    let text = &m.heap.text(id).text;
    let sign = usize::from(text.starts_with(['+', '-']));
    let mut out = String::with_capacity(text.len() + missing);
    out.push_str(&text[..sign]);
    out.extend(std::iter::repeat_n('0', missing));
    out.push_str(&text[sign..]);
    Ok(m.str(out))
}

fn expandtabs<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "expandtabs")?;
    let [size] = rest.bind(m, "expandtabs", ["tabsize"], 0)?;
    let size = if size == Value::Unbound { 8 } else { usize::try_from(m.whole_number(size)?).unwrap_or(0) };
    let text = &m.heap.text(id).text;
    let tabs = text.bytes().filter(|byte| *byte == b'\t').count();
    let bytes = text.len().saturating_add(tabs.saturating_mul(size));
    room(m, bytes.saturating_mul(2), &[])?;
    let mut out = String::new();
    let mut column = 0;
    for character in m.heap.text(id).text.chars() {
        match character {
            '\t' if size > 0 => {
                let blanks = size - column % size;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\t' => {}
            _ => {
                column = if matches!(character, '\n' | '\r') { 0 } else { column + 1 };
                out.push(character);
            }
        }
    }
    Ok(m.str(out))
}
