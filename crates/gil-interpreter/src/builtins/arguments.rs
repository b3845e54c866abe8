//! How builtins take their arguments: by place with CPython's counts in the messages, and the few keywords they know.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::Args;
use crate::value::Value;

/// From `least` to `N` arguments by place and none by name; the missing ones are `Unbound`. `name` is as in `len`.
pub(crate) fn between<const N: usize, H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    least: usize,
) -> Result<[Value; N], Unwind> {
    if args.names.is_some() {
        return Err(m.type_error(format!("{name}() takes no keyword arguments")));
    }
    by_place(m, args, name, least)
}

/// The arguments by place; those by name are left to the caller.
pub(crate) fn by_place<const N: usize, H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    least: usize,
) -> Result<[Value; N], Unwind> {
    let count = args.positional(m);
    if (least..=N).contains(&count) {
        return Ok(std::array::from_fn(|at| if at < count { m.stack[args.at + at] } else { Value::Unbound }));
    }
    let (bound, number) = match (least == N, count < least) {
        (true, _) => ("", N),
        (false, true) => ("at least ", least),
        (false, false) => ("at most ", N),
    };
    let s = if number == 1 { "" } else { "s" };
    Err(m.type_error(format!("{name} expected {bound}{number} argument{s}, got {count}")))
}

/// The arguments by name, in the order of `known`; `Unbound` where absent. `name` is as in `print`.
pub(crate) fn keywords<const N: usize, H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    known: [&str; N],
) -> Result<[Value; N], Unwind> {
    let mut found = [Value::Unbound; N];
    for (keyword, value) in named(m, args) {
        match known.iter().position(|known| **known == *keyword) {
            Some(place) => found[place] = value,
            None => {
                return Err(m.type_error(format!("'{keyword}' is an invalid keyword argument for {name}()")));
            }
        }
    }
    Ok(found)
}

/// All arguments that were given by name.
pub(crate) fn named<H: Heap>(m: &Machine<H>, args: Args) -> Vec<(Box<str>, Value)> {
    let Some(names) = args.names else { return Vec::new() };
    let first = args.at + args.positional(m);
    let pair = |(offset, &name): (usize, &Value)| match name {
        Value::Str(id) => Some((m.heap.text(id).text.clone(), m.stack[first + offset])),
        _ => None,
    };
    m.heap.tuple(names).iter().enumerate().filter_map(pair).collect()
}

/// An argument unless it is absent or None.
pub(crate) fn given(value: Value) -> Option<Value> {
    (!matches!(value, Value::Unbound | Value::None)).then_some(value)
}
