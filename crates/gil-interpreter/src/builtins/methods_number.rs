//! The methods of int and float.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{behind, class_method, methods, text_argument, this_value, wrong_receiver};
use crate::types;
use crate::value::Value;

/// Adds the methods to the classes.
pub(crate) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::INT,
        &[
            ("bit_length", bit_length),
            ("bit_count", bit_count),
            ("to_bytes", to_bytes),
            ("conjugate", conjugate),
            ("as_integer_ratio", int_ratio),
        ],
    );
    class_method(r, types::INT, "from_bytes", from_bytes);
    methods(r, types::FLOAT, &[("is_integer", is_integer), ("as_integer_ratio", float_ratio)]);
}

fn this_int<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<(i64, Args), Unwind> {
    match this_value(m, args, types::INT, name)? {
        (Value::Int(number), rest) => Ok((number, rest)),
        (Value::Bool(flag), rest) => Ok((i64::from(flag), rest)),
        (other, _) => Err(wrong_receiver(m, other, types::INT, name)),
    }
}

fn this_float<H: Heap>(m: &mut Machine<H>, args: Args, name: &str) -> Result<(f64, Args), Unwind> {
    match this_value(m, args, types::FLOAT, name)? {
        (Value::Float(number), rest) => Ok((number, rest)),
        (other, _) => Err(wrong_receiver(m, other, types::FLOAT, name)),
    }
}

fn bit_length<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_int(m, args, "bit_length")?;
    rest.exactly::<0, _>(m, "int.bit_length")?;
    Ok(Value::Int(i64::from(u64::BITS - number.unsigned_abs().leading_zeros())))
}

fn bit_count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_int(m, args, "bit_count")?;
    rest.exactly::<0, _>(m, "int.bit_count")?;
    Ok(Value::Int(i64::from(number.unsigned_abs().count_ones())))
}

fn conjugate<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_int(m, args, "conjugate")?;
    rest.exactly::<0, _>(m, "int.conjugate")?;
    Ok(Value::Int(number))
}

fn int_ratio<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_int(m, args, "as_integer_ratio")?;
    rest.exactly::<0, _>(m, "int.as_integer_ratio")?;
    Ok(m.heap.new_tuple(vec![Value::Int(number), Value::Int(1)]))
}

/// Is the last byte the biggest part?
fn is_little<H: Heap>(m: &mut Machine<H>, order: Value, caller: &str) -> Result<bool, Unwind> {
    if order == Value::Unbound {
        return Ok(false);
    }
    let order = text_argument(m, order, &format!("{caller}() argument 'byteorder'"))?;
    match &*m.heap.text(order).text {
        "little" => Ok(true),
        "big" => Ok(false),
        _ => Err(m.value_error("byteorder must be either 'little' or 'big'")),
    }
}

fn to_bytes<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_int(m, args, "to_bytes")?;
    let [length, order, signed] = rest.bind(m, "to_bytes", ["length", "byteorder", "signed"], 0)?;
    let length = if length == Value::Unbound { 1 } else { m.whole_number(length)? };
    let little = is_little(m, order, "to_bytes")?;
    let signed = signed != Value::Unbound && m.truth(signed)?;
    let Ok(length) = usize::try_from(length) else {
        return Err(m.value_error("length argument must be non-negative"));
    };
    if number < 0 && !signed {
        return Err(m.raise(types::OVERFLOW_ERROR, "can't convert negative int to unsigned"));
    }
    let bits = if number < 0 { !number } else { number };
    let needed =
        (u64::BITS - bits.leading_zeros()) as usize + usize::from(signed && (number != 0 || length > 0));
    if needed > length.saturating_mul(8) {
        return Err(m.raise(types::OVERFLOW_ERROR, "int too big to convert"));
    }
    m.reserve(length)?;
    let mut bytes = vec![if number < 0 { 0xff } else { 0 }; length];
    for (to, from) in bytes.iter_mut().zip(number.to_le_bytes()) {
        *to = from;
    }
    if !little {
        bytes.reverse();
    }
    Ok(m.heap.new_bytes(bytes))
}

fn from_bytes<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [source, order, signed] = behind(args).bind(m, "from_bytes", ["bytes", "byteorder", "signed"], 1)?;
    let little = is_little(m, order, "from_bytes")?;
    let signed = signed != Value::Unbound && m.truth(signed)?;
    let mut bytes = match source {
        Value::Bytes(id) => m.heap.bytes(id).to_vec(),
        Value::Str(_) => return Err(no_bytes(m, source)),
        _ if !m.is_iterable(source) => return Err(no_bytes(m, source)),
        _ => {
            let mut bytes = Vec::new();
            for item in m.items(source)? {
                let number = m.whole_number(item)?;
                let Ok(byte) = u8::try_from(number) else {
                    return Err(m.value_error("bytes must be in range(0, 256)"));
                };
                bytes.push(byte);
            }
            bytes
        }
    };
    if !little {
        bytes.reverse();
    }
    let negative = signed && bytes.last().is_some_and(|byte| *byte >= 0x80);
    let fill = if negative { 0xff } else { 0 };
    let extra = bytes.split_off(bytes.len().min(8));
    bytes.resize(8, fill);
    let mut word = [0; 8];
    word.copy_from_slice(&bytes);
    let number = i64::from_le_bytes(word);
    if extra.iter().any(|byte| *byte != fill) || (number < 0) != negative {
        return Err(m.overflow("int.from_bytes()"));
    }
    Ok(Value::Int(number))
}

fn no_bytes<H: Heap>(m: &mut Machine<H>, source: Value) -> Unwind {
    let kind = m.type_name(source);
    m.type_error(format!("cannot convert '{kind}' object to bytes"))
}

fn is_integer<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_float(m, args, "is_integer")?;
    rest.exactly::<0, _>(m, "float.is_integer")?;
    Ok(Value::Bool(number.is_finite() && number.fract() == 0.0))
}

fn float_ratio<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let (number, rest) = this_float(m, args, "as_integer_ratio")?;
    rest.exactly::<0, _>(m, "float.as_integer_ratio")?;
    if number.is_nan() {
        return Err(m.value_error("cannot convert NaN to integer ratio"));
    }
    if number.is_infinite() {
        return Err(m.raise(types::OVERFLOW_ERROR, "cannot convert Infinity to integer ratio"));
    }
    match ratio(number) {
        Some((above, below)) => Ok(m.heap.new_tuple(vec![Value::Int(above), Value::Int(below)])),
        None => Err(m.overflow("as_integer_ratio()")),
    }
}

/// The fraction that a finite float is, in lowest terms, when both parts fit.
fn ratio(number: f64) -> Option<(i64, i64)> {
    if number == 0.0 {
        return Some((0, 1));
    }
    let bits = number.abs().to_bits();
    let (exponent, fraction) = ((bits >> 52) as i32, bits & ((1 << 52) - 1));
    let (mut size, mut power) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    let even = size.trailing_zeros();
    size >>= even;
    power += even as i32;
    let whole = i64::try_from(size).ok()?;
    let (above, below) = if power >= 0 {
        let shifted = i128::from(whole).checked_shl(power as u32).filter(|_| power < 64)?;
        (i64::try_from(shifted).ok()?, 1)
    } else {
        (whole, 1_i64.checked_shl(power.unsigned_abs()).filter(|below| *below > 0)?)
    };
    Some((if number < 0.0 { -above } else { above }, below))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float_is_the_fraction_that_cpython_says() {
        assert_eq!(ratio(1.5), Some((3, 2)));
        assert_eq!(ratio(0.1), Some((3602879701896397, 36028797018963968)));
        assert_eq!(ratio(-0.75), Some((-3, 4)));
        assert_eq!(ratio(1e18), Some((1_000_000_000_000_000_000, 1)));
        assert_eq!(ratio(-0.0), Some((0, 1)));
        assert_eq!(ratio(1e300), None);
        assert_eq!(ratio(5e-324), None);
    }
}
