//! Functions of numbers: abs, divmod, pow, round, and the texts and codes of whole numbers.

use super::arguments::given;
use crate::code::BinaryOp;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::operators::{Number, float_div_mod, pow_mod, round_float, round_int};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    registry.function("abs", LockUse::Holds, abs);
    registry.function("divmod", LockUse::Holds, divmod);
    registry.function("pow", LockUse::Holds, pow);
    registry.function("round", LockUse::Holds, round);
    registry.function("hex", LockUse::Holds, |m, args| in_base(m, args, "hex", |n| format!("0x{n:x}")));
    registry.function("oct", LockUse::Holds, |m, args| in_base(m, args, "oct", |n| format!("0o{n:o}")));
    registry.function("bin", LockUse::Holds, |m, args| in_base(m, args, "bin", |n| format!("0b{n:b}")));
    registry.function("chr", LockUse::Holds, chr);
    registry.function("ord", LockUse::Holds, ord);
}

fn abs<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "abs")?;
    match Number::of(value) {
        Some(Number::Int(number)) => match number.checked_abs() {
            Some(number) => Ok(Value::Int(number)),
            None => Err(m.overflow("abs()")),
        },
        Some(Number::Float(number)) => Ok(Value::Float(number.abs())),
        None => match m.special(value, "__abs__") {
            Some(method) => m.call_special(method, value, &[]),
            None => {
                let kind = m.type_name(value);
                Err(m.type_error(format!("bad operand type for abs(): '{kind}'")))
            }
        },
    }
}

fn divmod<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [a, b] = args.exactly(m, "divmod")?;
    let (quotient, rest) = match (Number::of(a), Number::of(b)) {
        (Some(Number::Int(_)), Some(Number::Int(_))) => {
            (m.binary(BinaryOp::FloorDiv, a, b)?, m.binary(BinaryOp::Mod, a, b)?)
        }
        (Some(x), Some(y)) => {
            if y.float() == 0.0 {
                return Err(m.zero_division("float divmod()"));
            }
            let (quotient, rest) = float_div_mod(x.float(), y.float());
            (Value::Float(quotient), Value::Float(rest))
        }
        _ => {
            return match m.ask_instances(["__divmod__", "__rdivmod__"], a, b)? {
                Some(answer) => Ok(answer),
                None => Err(m.no_operand("divmod()", a, b)),
            };
        }
    };
    Ok(m.heap.new_tuple(vec![quotient, rest]))
}

fn pow<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [base, exponent, modulus] = args.bind(m, "pow", ["base", "exp", "mod"], 2)?;
    let Some(modulus) = given(modulus) else { return m.binary(BinaryOp::Pow, base, exponent) };
    let numbers = [base, exponent, modulus].map(Number::of);
    if let [Some(Number::Int(base)), Some(Number::Int(exponent)), Some(Number::Int(modulus))] = numbers {
        if modulus == 0 {
            return Err(m.value_error("pow() 3rd argument cannot be 0"));
        }
        return match pow_mod(base, exponent, modulus) {
            Some(number) => Ok(Value::Int(number)),
            None => Err(m.value_error("base is not invertible for the given modulus")),
        };
    }
    if let Some(method) = m.special(base, "__pow__") {
        return m.call_special(method, base, &[exponent, modulus]);
    }
    if numbers.iter().any(|number| matches!(number, Some(Number::Float(_)))) {
        return Err(m.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
    }
    let [a, b, c] = [base, exponent, modulus].map(|value| m.type_name(value));
    Err(m.type_error(format!("unsupported operand type(s) for ** or pow(): '{a}', '{b}', '{c}'")))
}

fn round<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value, digits] = args.bind(m, "round", ["number", "ndigits"], 1)?;
    let Some(number) = Number::of(value) else {
        let Some(method) = m.special(value, "__round__") else {
            let kind = m.type_name(value);
            return Err(m.type_error(format!("type {kind} doesn't define __round__ method")));
        };
        return match given(digits) {
            Some(digits) => m.call_special(method, value, &[digits]),
            None => m.call_special(method, value, &[]),
        };
    };
    let digits = given(digits).map(|digits| m.whole_number(digits)).transpose()?;
    match (number, digits) {
        (Number::Int(number), Some(digits)) if digits < 0 => match round_int(number, digits.unsigned_abs()) {
            Some(number) => Ok(Value::Int(number)),
            None => Err(m.overflow("round()")),
        },
        (Number::Int(number), _) => Ok(Value::Int(number)),
        (Number::Float(number), Some(digits)) => Ok(Value::Float(round_float(number, digits))),
        (Number::Float(number), None) => whole_of_float(m, number.round_ties_even()),
    }
}

/// An int from a float whose fraction is dropped.
pub(super) fn whole_of_float<H: Heap>(m: &mut Machine<H>, number: f64) -> Result<Value, Unwind> {
    if number.is_nan() {
        return Err(m.value_error("cannot convert float NaN to integer"));
    }
    if number.is_infinite() {
        return Err(m.raise(types::OVERFLOW_ERROR, "cannot convert float infinity to integer"));
    }
    match crate::heap::keys::exact_int(number.trunc()) {
        Some(whole) => Ok(Value::Int(whole)),
        None => Err(m.overflow("int()")),
    }
}

fn in_base<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    digits: impl Fn(u64) -> String,
) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, name)?;
    let number = m.whole_number(value)?;
    let sign = if number < 0 { "-" } else { "" };
    let text = format!("{sign}{}", digits(number.unsigned_abs()));
    Ok(m.str(text))
}

fn chr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "chr")?;
    let code = m.whole_number(value)?;
    match u32::try_from(code).ok().filter(|&code| code <= 0x10_ffff) {
        Some(code) => match char::from_u32(code) {
            Some(character) => Ok(m.character(character)),
            None => Err(m.value_error("chr() arg is half of a pair of codes, which no str holds here")),
        },
        None => Err(m.value_error("chr() arg not in range(0x110000)")),
    }
}

fn ord<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "ord")?;
    let (code, length) = match value {
        Value::Str(id) => {
            let text = m.heap.text(id);
            (text.text.chars().next().map_or(0, u32::from), text.chars as usize)
        }
        Value::Bytes(id) => {
            let bytes = m.heap.bytes(id);
            (bytes.first().map_or(0, |&byte| u32::from(byte)), bytes.len())
        }
        _ => {
            let kind = m.type_name(value);
            return Err(m.type_error(format!("ord() expected string of length 1, but {kind} found")));
        }
    };
    if length != 1 {
        return Err(m.type_error(format!("ord() expected a character, but string of length {length} found")));
    }
    Ok(Value::Int(i64::from(code)))
}
