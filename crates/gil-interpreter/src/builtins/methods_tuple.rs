//! The methods of tuple.

use crate::builtins::methods_list::{count_in, index_in};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, this_tuple};
use crate::types;
use crate::value::Value;

/// Adds the methods to the class.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(r, types::TUPLE, &[("index", index), ("count", count)]);
}

fn index<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_tuple(m, args, "index")?;
    let length = m.heap.tuple(id).len();
    match index_in(m, Value::Tuple(id), rest, length)? {
        (Some(at), _) => Ok(Value::Int(at as i64)),
        (None, _) => Err(m.value_error("tuple.index(x): x not in tuple")),
    }
}

fn count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (id, rest) = this_tuple(m, args, "count")?;
    let [item] = rest.exactly(m, "tuple.count")?;
    count_in(m, Value::Tuple(id), item)
}
