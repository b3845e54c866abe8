//! What methods of builtin types share: the check of the receiver, counting arguments, indexes, room for results.
//!
//! # Model
//! Argument 0 is the receiver; `this_…` checks it and gives the arguments after it. Absent arguments are `Unbound`.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, NativeFn, Registry};
use crate::types;
use crate::value::{Id, Value};

/// Makes results smaller than this without asking for room.
const SMALL_BYTES: usize = 1 << 16;

/// Registers methods that keep the lock.
pub(crate) fn methods<H: Heap>(r: &mut Registry<'_, H>, class: Id, methods: &[(&str, NativeFn<H>)]) {
    for (name, function) in methods {
        r.method(class, name, LockUse::Holds, *function);
    }
}

/// Registers a function that is called through the class: `dict.fromkeys`. Its argument 0 is the class.
pub(crate) fn class_method<H: Heap>(r: &mut Registry<'_, H>, class: Id, name: &str, function: NativeFn<H>) {
    let full = format!("{}.{name}", types::CLASSES[class.index()].0);
    let function = Value::Native(r.native(&full, LockUse::Holds, function));
    let method =
        r.heap.new_bound_method(crate::heap::BoundMethod { receiver: Value::Class(class), function });
    r.class_value(class, name, method);
}

/// The arguments behind the receiver.
pub(crate) fn behind(args: Args) -> Args {
    Args { at: args.at + 1, count: args.count - 1, names: args.names }
}

/// The receiver, whatever it is, and the other arguments.
pub(crate) fn this_value<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    class: Id,
    name: &str,
) -> Result<(Value, Args), Unwind> {
    match args.get(m, 0) {
        Some(value) => Ok((value, behind(args))),
        None => {
            let class = types::CLASSES[class.index()].0;
            Err(m.type_error(format!("unbound method {class}.{name}() needs an argument")))
        }
    }
}

/// The receiver is of another class than the method.
#[cold]
pub(crate) fn wrong_receiver<H: Heap>(m: &mut Machine<H>, value: Value, class: Id, name: &str) -> Unwind {
    let (class, kind) = (types::CLASSES[class.index()].0, m.type_name(value));
    m.type_error(format!("descriptor '{name}' for '{class}' objects doesn't apply to a '{kind}' object"))
}

macro_rules! receivers {
    ($($(#[$doc:meta])* $function:ident: $tag:ident, $class:ident;)*) => {$(
        $(#[$doc])*
        #[inline]
        pub(crate) fn $function<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<(Id, Args), Unwind> {
            match this_value(m, args, types::$class, name)? {
                (Value::$tag(id), rest) => Ok((id, rest)),
                (other, _) => Err(wrong_receiver(m, other, types::$class, name)),
            }
        }
    )*};
}

receivers! {
    /// The receiver of a method of str.
    this_str: Str, STR;
    /// The receiver of a method of bytes.
    this_bytes: Bytes, BYTES;
    /// The receiver of a method of list.
    this_list: List, LIST;
    /// The receiver of a method of tuple.
    this_tuple: Tuple, TUPLE;
    /// The receiver of a method of dict.
    this_dict: Dict, DICT;
}

/// Up to `N` arguments without names, at least one, in the words of `str.find`.
pub(crate) fn at_least_one<const N: usize, H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
) -> Result<[Value; N], Unwind> {
    if args.names.is_some() {
        return Err(m.type_error(format!("{name}() takes no keyword arguments")));
    }
    let message = match args.count {
        0 => format!("{name}() takes at least 1 argument (0 given)"),
        count if count > N => format!("{name}() takes at most {N} arguments ({count} given)"),
        _ => return Ok(std::array::from_fn(|at| args.get(m, at).unwrap_or(Value::Unbound))),
    };
    Err(m.type_error(message))
}

/// A whole number, or `absent` where the argument is not given.
pub(crate) fn whole_or<H: Heap>(m: &mut Machine<H>, value: Value, absent: i64) -> Result<i64, Unwind> {
    if value == Value::Unbound { Ok(absent) } else { m.whole_number(value) }
}

/// The arguments `start` and `stop` as positions within a length; `None` when start is behind stop or the end.
pub(crate) fn span<H: Heap>(
    m: &mut Machine<H>,
    start: Value,
    stop: Value,
    length: usize,
) -> Result<Option<(usize, usize)>, Unwind> {
    let start = position(m, start, 0, length)?;
    let stop = position(m, stop, length, length)?.min(length);
    Ok((start <= stop).then_some((start, stop)))
}

fn position<H: Heap>(
    m: &mut Machine<H>,
    value: Value,
    absent: usize,
    length: usize,
) -> Result<usize, Unwind> {
    if matches!(value, Value::Unbound | Value::None) {
        return Ok(absent);
    }
    match m.index_of(value)? {
        Some(at) if at < 0 => {
            Ok(length.saturating_sub(usize::try_from(at.unsigned_abs()).unwrap_or(usize::MAX)))
        }
        Some(at) => Ok(usize::try_from(at).unwrap_or(usize::MAX)),
        None => Err(m.type_error("slice indices must be integers or None or have an __index__ method")),
    }
}

/// Asks for room for a result; the values stay alive if that collects.
pub(crate) fn room<H: Heap>(m: &mut Machine<H>, bytes: usize, held: &[Value]) -> Result<(), Unwind> {
    if bytes < SMALL_BYTES || m.heap.reserve(bytes).is_ok() {
        return Ok(());
    }
    m.rooted(held, |m| m.reserve(bytes))
}

/// A text argument; `where_from` begins the message: `replace() argument 1 must be str, not int`.
pub(crate) fn text_argument<H: Heap>(
    m: &mut Machine<H>,
    value: Value,
    where_from: &str,
) -> Result<Id, Unwind> {
    match value {
        Value::Str(id) => Ok(id),
        other => {
            let kind = m.type_name(other);
            let kind = if other == Value::None && !where_from.is_empty() { "None" } else { &kind };
            let space = if where_from.is_empty() { "" } else { " " };
            Err(m.type_error(format!("{where_from}{space}must be str, not {kind}")))
        }
    }
}
