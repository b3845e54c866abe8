//! The methods of str.
//!
//! # Model
//! Positions count characters; a text that is all ASCII has its bytes for characters, and most are. A result is
//! computed from the text where it stands in the heap and becomes an object afterwards.

mod change;
mod search;
mod split;
mod ask;
mod replace;
mod codec;

pub(crate) use codec::decoded;

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::Fields;
use crate::text::arguments::{class_method, methods, this_str};
use crate::types;
use crate::value::Value;

/// Adds the methods to the class.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    change::register(r);
    search::register(r);
    split::register(r);
    ask::register(r);
    replace::register(r);
    codec::register(r);
    methods(r, types::STR, &[("format", format)]);
    class_method(r, types::STR, "maketrans", replace::maketrans);
}

fn format<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_str(m, args, "format")?;
    let template = m.heap.text(id).text.clone();
    let mut named = Vec::new();
    if let Some(names) = rest.names {
        let first = rest.at + rest.positional(m);
        for (at, name) in m.heap.tuple(names).iter().enumerate() {
            if let Value::Str(name) = name {
                named.push((m.heap.text(*name).text.clone(), m.stack[first + at]));
            }
        }
    }
    let mut fields = Fields::new(rest.list(m), named);
    let text = m.format_template(&template, &mut fields)?;
    Ok(m.str(text))
}
