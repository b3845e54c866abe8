//! print, and the texts of values: repr, str's siblings and format.

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

/// One write for the whole line, so that lines of several threads do not mix.
fn print<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [separator, end, file, flush] = keywords(m, args, "print", ["sep", "end", "file", "flush"])?;
    let separator = text_or(m, separator, "sep", " ")?;
    let end = text_or(m, end, "end", "\n")?;
    let mut line = String::new();
    for place in 0..args.positional(m) {
        if place > 0 {
            line.push_str(&separator);
        }
        let value = m.stack[args.at + place];
        match value {
            Value::Str(id) => line.push_str(&m.heap.text(id).text),
            _ => line.push_str(&m.str_of(value)?),
        }
    }
    line.push_str(&end);
    match given(file) {
        Some(file) => {
            let line = m.str(line);
            let write = m.rooted(&[line], |m| m.get_attr(file, "write"))?;
            m.call(write, &[line])?;
            if flush != Value::Unbound && m.truth(flush)? {
                let flush = m.get_attr(file, "flush")?;
                m.call(flush, &[])?;
            }
        }
        None => {
            let output = &m.shared.settings.output;
            let mut written = output.write_out(&line);
            if written.is_ok() && flush != Value::Unbound && m.truth(flush)? {
                written = m.shared.settings.output.flush();
            }
            written.map_err(|error| m.os_error(&error))?;
        }
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
