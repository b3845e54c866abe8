//! Printing, and the texts of values: repr, str's siblings and format.

use super::arguments::{between, given, keywords};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::Value;

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.function("print", LockUse::Holds, print);
    registry.function("repr", LockUse::Holds, repr);
    registry.function("ascii", LockUse::Holds, ascii);
    registry.function("format", LockUse::Holds, format);
}

/// The pieces of a line, as CPython writes them.
type Pieces = Vec<String>;

/// Writes the whole line at once, so that lines of several threads do not mix; a writer of the program gets the
/// pieces one by one, as from CPython.
fn print<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [separator, end, file, flush] = keywords(m, args, "print", ["sep", "end", "file", "flush"])?;
    let separator = text_or(m, separator, "sep", " ")?;
    let end = text_or(m, end, "end", "\n")?;
    let flush = flush != Value::Unbound && m.truth(flush)?;
    if let Some(file) = given(file) {
        let mut pieces = Pieces::new();
        for place in 0..args.positional(m) {
            if place > 0 {
                pieces.push(separator.to_string());
            }
            pieces.push(m.str_of(m.stack[args.at + place])?);
        }
        pieces.push(end.into());
        return print_to(m, file, pieces, flush);
    }
    let mut line = String::new();
    for place in 0..args.positional(m) {
        if place > 0 {
            line.push_str(&separator);
        }
        match m.stack[args.at + place] {
            Value::Str(id) => line.push_str(&m.heap.text(id).text),
            value => line.push_str(&m.str_of(value)?),
        }
    }
    line.push_str(&end);
    let output = &m.shared.settings.output;
    let written = output.write_out(&line).and_then(|()| if flush { output.flush() } else { Ok(()) });
    written.map_err(|error| m.os_error(&error))?;
    Ok(Value::None)
}

/// Calls the `write` of an object, and its `flush`.
fn print_to<H: Heap>(m: &mut Machine<H>, file: Value, pieces: Pieces, flush: bool) -> Result<Value, Unwind> {
    let write = m.get_attr(file, "write")?;
    let ours = match write {
        Value::BoundMethod(id) => matches!(m.heap.bound_method(id).function, Value::Native(_)),
        other => matches!(other, Value::Native(_)),
    };
    let pieces = if ours { vec![pieces.concat()] } else { pieces };
    m.rooted(&[write], |m| {
        for piece in pieces {
            let piece = m.str(piece);
            m.call(write, &[piece])?;
        }
        Ok(())
    })?;
    if flush {
        let flush = m.get_attr(file, "flush")?;
        m.call(flush, &[])?;
    }
    Ok(Value::None)
}

fn text_or<H: Heap>(m: &mut Machine<H>, value: Value, name: &str, default: &str) -> Result<Box<str>, Unwind> {
    match value {
        Value::Unbound | Value::None => Ok(default.into()),
        Value::Str(id) => Ok(m.heap.text(id).text.clone()),
        other => {
            let kind = m.type_name(other);
            Err(m.type_error(format!("{name} must be None or a string, not {kind}")))
        }
    }
}

fn repr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "repr")?;
    let text = m.repr(value)?;
    Ok(m.str(text))
}

fn ascii<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "ascii")?;
    let text = m.ascii(value)?;
    Ok(m.str(text))
}

fn format<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value, spec] = between(m, args, "format", 1)?;
    let spec: Box<str> = match spec {
        Value::Unbound => "".into(),
        Value::Str(id) => m.heap.text(id).text.clone(),
        other => {
            let kind = m.type_name(other);
            return Err(m.type_error(format!("format() argument 2 must be str, not {kind}")));
        }
    };
    let text = m.format(value, &spec)?;
    Ok(m.str(text))
}
