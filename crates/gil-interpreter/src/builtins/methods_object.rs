//! What every object and every exception can do by itself, so that a class may call it with `super()`.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, text_argument, this_value};
use crate::types;
use crate::value::Value;

/// Adds the methods to the classes.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(r, types::OBJECT, &[("__repr__", repr), ("__str__", str), ("__format__", format)]);
    methods(r, types::BASE_EXCEPTION, &[("__repr__", repr), ("__str__", str)]);
}

fn repr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (value, rest) = this_value(m, args, types::OBJECT, "__repr__")?;
    rest.exactly::<0, _>(m, "object.__repr__")?;
    let text = match value {
        Value::Instance(_) => m.plain_repr(value)?,
        _ => m.repr(value)?,
    };
    Ok(m.str(text))
}

fn str<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (value, rest) = this_value(m, args, types::OBJECT, "__str__")?;
    rest.exactly::<0, _>(m, "object.__str__")?;
    let text = match value {
        Value::Instance(_) => m.plain_str(value)?,
        _ => m.str_of(value)?,
    };
    Ok(m.str(text))
}

fn format<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (value, rest) = this_value(m, args, types::OBJECT, "__format__")?;
    let [spec] = rest.exactly(m, "object.__format__")?;
    let spec = text_argument(m, spec, "__format__() argument")?;
    let spec = m.heap.text(spec).text.clone();
    let text = match value {
        Value::Instance(_) => m.plain_format(value, &spec)?,
        _ => m.format(value, &spec)?,
    };
    Ok(m.str(text))
}
