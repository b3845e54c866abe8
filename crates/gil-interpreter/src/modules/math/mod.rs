//! `math`: functions of floats with CPython's errors, and exact functions of whole numbers.
//!
//! # Model
//! A result that is not a number though the argument is one is a domain error, an infinite one of finite
//! arguments is a range error: so CPython judges the C library's answers, and so do we.

mod sums;
mod whole;

use self::sums::{dist, fsum, hypot, prod, sumprod};
use self::whole::{comb, factorial, gcd, isqrt, lcm, perm};
use super::support::{or, real, whole};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, NativeFn, Registry};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    for (name, value) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        r.module_value("math", name, Value::Float(value));
    }
    let functions: [(&str, NativeFn<H>); 51] = [
        ("sqrt", |m, a| one(m, a, "sqrt", f64::sqrt, Infinite::Domain)),
        ("cbrt", |m, a| one(m, a, "cbrt", f64::cbrt, Infinite::Domain)),
        ("exp", |m, a| one(m, a, "exp", f64::exp, Infinite::Range)),
        ("exp2", |m, a| one(m, a, "exp2", f64::exp2, Infinite::Range)),
        ("expm1", |m, a| one(m, a, "expm1", f64::exp_m1, Infinite::Range)),
        ("log2", |m, a| one(m, a, "log2", positive(f64::log2), Infinite::Domain)),
        ("log10", |m, a| one(m, a, "log10", positive(f64::log10), Infinite::Domain)),
        ("log1p", |m, a| one(m, a, "log1p", f64::ln_1p, Infinite::Domain)),
        ("sin", |m, a| one(m, a, "sin", f64::sin, Infinite::Domain)),
        ("cos", |m, a| one(m, a, "cos", f64::cos, Infinite::Domain)),
        ("tan", |m, a| one(m, a, "tan", f64::tan, Infinite::Domain)),
        ("asin", |m, a| one(m, a, "asin", f64::asin, Infinite::Domain)),
        ("acos", |m, a| one(m, a, "acos", f64::acos, Infinite::Domain)),
        ("atan", |m, a| one(m, a, "atan", f64::atan, Infinite::Domain)),
        ("sinh", |m, a| one(m, a, "sinh", f64::sinh, Infinite::Range)),
        ("cosh", |m, a| one(m, a, "cosh", f64::cosh, Infinite::Range)),
        ("tanh", |m, a| one(m, a, "tanh", f64::tanh, Infinite::Domain)),
        ("asinh", |m, a| one(m, a, "asinh", f64::asinh, Infinite::Domain)),
        ("acosh", |m, a| one(m, a, "acosh", f64::acosh, Infinite::Domain)),
        ("atanh", |m, a| one(m, a, "atanh", f64::atanh, Infinite::Domain)),
        ("fabs", |m, a| one(m, a, "fabs", f64::abs, Infinite::Domain)),
        ("degrees", |m, a| one(m, a, "degrees", |x| x * (180.0 / std::f64::consts::PI), Infinite::Fine)),
        ("radians", |m, a| one(m, a, "radians", |x| x * (std::f64::consts::PI / 180.0), Infinite::Fine)),
        ("atan2", |m, a| two(m, a, "atan2", f64::atan2)),
        ("copysign", |m, a| two(m, a, "copysign", f64::copysign)),
        ("fmod", |m, a| two(m, a, "fmod", fmod)),
        ("remainder", |m, a| two(m, a, "remainder", ieee_remainder)),
        ("pow", |m, a| two(m, a, "pow", f64::powf)),
        ("isnan", |m, a| test(m, a, "isnan", f64::is_nan)),
        ("isinf", |m, a| test(m, a, "isinf", f64::is_infinite)),
        ("isfinite", |m, a| test(m, a, "isfinite", f64::is_finite)),
        ("floor", |m, a| rounded(m, a, "floor", f64::floor)),
        ("ceil", |m, a| rounded(m, a, "ceil", f64::ceil)),
        ("trunc", |m, a| rounded(m, a, "trunc", f64::trunc)),
        ("log", log),
        ("hypot", hypot),
        ("dist", dist),
        ("fsum", fsum),
        ("prod", prod),
        ("isclose", isclose),
        ("modf", modf),
        ("frexp", frexp),
        ("ldexp", ldexp),
        ("isqrt", isqrt),
        ("gcd", gcd),
        ("lcm", lcm),
        ("factorial", factorial),
        ("comb", comb),
        ("perm", perm),
        ("sumprod", sumprod),
        ("ulp", |m, a| one(m, a, "ulp", ulp, Infinite::Fine)),
    ];
    for (name, function) in functions {
        r.module_function("math", name, LockUse::Holds, function);
    }
}

/// What an infinite result of a finite argument means.
#[derive(Clone, Copy, PartialEq)]
enum Infinite {
    Domain,
    Range,
    Fine,
}

fn one<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    function: impl Fn(f64) -> f64,
    infinite: Infinite,
) -> Result<Value, Unwind> {
    let [x] = args.exactly(m, &format!("math.{name}"))?;
    let x = real(m, x)?;
    let y = function(x);
    if y.is_nan() && !x.is_nan() {
        return Err(domain(m));
    }
    if y.is_infinite() && x.is_finite() {
        match infinite {
            Infinite::Domain => return Err(domain(m)),
            Infinite::Range => return Err(range(m)),
            Infinite::Fine => {}
        }
    }
    Ok(Value::Float(y))
}

fn two<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    function: fn(f64, f64) -> f64,
) -> Result<Value, Unwind> {
    let [x, y] = args.exactly(m, name)?;
    let (x, y) = (real(m, x)?, real(m, y)?);
    let z = function(x, y);
    if z.is_nan() && !x.is_nan() && !y.is_nan() {
        return Err(domain(m));
    }
    if z.is_infinite() && x.is_finite() && y.is_finite() {
        return Err(if x == 0.0 { domain(m) } else { range(m) });
    }
    Ok(Value::Float(z))
}

fn test<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    function: fn(f64) -> bool,
) -> Result<Value, Unwind> {
    let [x] = args.exactly(m, &format!("math.{name}"))?;
    Ok(Value::Bool(function(real(m, x)?)))
}

/// The C library says NaN for a negative number and CPython asks no further.
fn positive(log: fn(f64) -> f64) -> impl Fn(f64) -> f64 {
    move |x| if x == 0.0 { f64::NEG_INFINITY } else { log(x) }
}

fn domain<H: Heap>(m: &mut Machine<H>) -> Unwind {
    m.value_error("math domain error")
}

fn range<H: Heap>(m: &mut Machine<H>) -> Unwind {
    m.raise(types::OVERFLOW_ERROR, "math range error")
}

fn fmod(x: f64, y: f64) -> f64 {
    if y.is_infinite() && x.is_finite() { x } else { x % y }
}

/// x - n*y with the whole n that is nearest to x/y, the even one of two.
fn ieee_remainder(x: f64, y: f64) -> f64 {
    if y.is_infinite() && x.is_finite() {
        return x;
    }
    let (size, y) = (x.abs(), y.abs());
    let rest = size % y;
    let other = y - rest;
    let nearest = if rest < other {
        rest
    } else if rest > other {
        -other
    } else {
        rest - 2.0 * ((0.5 * (size - rest)) % y)
    };
    if x.is_sign_negative() { -nearest } else { nearest }
}

fn ulp(x: f64) -> f64 {
    if !x.is_finite() { x.abs() } else { x.abs().next_up() - x.abs() }
}

fn rounded<H: Heap>(
    m: &mut Machine<H>,
    args: Args,
    name: &str,
    round: fn(f64) -> f64,
) -> Result<Value, Unwind> {
    let [x] = args.exactly(m, &format!("math.{name}"))?;
    if let Value::Int(_) | Value::Bool(_) = x {
        return whole(m, x).map(Value::Int);
    }
    if let Some(method) = m.special(x, &format!("__{name}__")) {
        return m.call_special(method, x, &[]);
    }
    if name == "trunc" && !matches!(x, Value::Float(_)) {
        let kind = m.type_name(x);
        return Err(m.type_error(format!("type {kind} doesn't define __trunc__ method")));
    }
    let x = round(real(m, x)?);
    if x.is_nan() {
        return Err(m.value_error("cannot convert float NaN to integer"));
    }
    if x.is_infinite() {
        return Err(m.raise(types::OVERFLOW_ERROR, "cannot convert float infinity to integer"));
    }
    // 2^63 is the first float that does not fit.
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&x) {
        return Ok(Value::Int(x as i64));
    }
    Err(m.overflow(name))
}

fn log<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let list = args.list(m);
    if args.names.is_some() {
        return Err(m.type_error("math.log() takes no keyword arguments"));
    }
    match list[..] {
        [x] => ln(m, x).map(Value::Float),
        [x, base] => {
            let (x, base) = (ln(m, x)?, ln(m, base)?);
            if base == 0.0 {
                return Err(m.raise(types::ZERO_DIVISION_ERROR, "float division by zero"));
            }
            Ok(Value::Float(x / base))
        }
        [] => Err(m.type_error("log expected at least 1 argument, got 0")),
        _ => Err(m.type_error(format!("log expected at most 2 arguments, got {}", list.len()))),
    }
}

fn ln<H: Heap>(m: &mut Machine<H>, x: Value) -> Result<f64, Unwind> {
    let x = real(m, x)?;
    if x <= 0.0 { Err(domain(m)) } else { Ok(x.ln()) }
}

fn isclose<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [a, b, relative, absolute] = args.bind(m, "isclose", ["a", "b", "rel_tol", "abs_tol"], 2)?;
    let (a, b) = (real(m, a)?, real(m, b)?);
    let relative = real(m, or(relative, Value::Float(1e-9)))?;
    let absolute = real(m, or(absolute, Value::Float(0.0)))?;
    if relative < 0.0 || absolute < 0.0 {
        return Err(m.value_error("tolerances must be non-negative"));
    }
    let apart = (a - b).abs();
    let near = || apart <= (relative * b).abs() || apart <= (relative * a).abs() || apart <= absolute;
    Ok(Value::Bool(a == b || (a.is_finite() && b.is_finite() && near())))
}

fn modf<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [x] = args.exactly(m, "math.modf")?;
    let x = real(m, x)?;
    let fraction = if x.is_infinite() { 0.0_f64.copysign(x) } else { x.fract().copysign(x) };
    Ok(m.heap.new_tuple(vec![Value::Float(fraction), Value::Float(x.trunc())]))
}

fn frexp<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [x] = args.exactly(m, "math.frexp")?;
    let x = real(m, x)?;
    let (mut mantissa, mut exponent) = (x, 0_i64);
    if x != 0.0 && x.is_finite() {
        if x.is_subnormal() {
            // 2^54 makes it a normal number.
            mantissa *= 18_014_398_509_481_984.0;
            exponent -= 54;
        }
        exponent += ((mantissa.to_bits() >> 52) & 0x7ff) as i64 - 1022;
        mantissa = f64::from_bits(mantissa.to_bits() & !(0x7ff << 52) | (1022 << 52));
    }
    Ok(m.heap.new_tuple(vec![Value::Float(mantissa), Value::Int(exponent)]))
}

fn ldexp<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [x, exponent] = args.exactly(m, "ldexp")?;
    let (x, exponent) = (real(m, x)?, whole(m, exponent)?);
    if x == 0.0 || !x.is_finite() {
        return Ok(Value::Float(x));
    }
    let (mut result, mut left) = (x, exponent.clamp(-4_400, 4_400));
    while left != 0 && result != 0.0 && result.is_finite() {
        let step = left.clamp(-1_000, 1_000);
        result *= 2.0_f64.powi(step as i32);
        left -= step;
    }
    if result.is_infinite() { Err(range(m)) } else { Ok(Value::Float(result)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_go_to_the_nearest_multiple() {
        assert_eq!(ieee_remainder(5.0, 3.0), -1.0);
        assert_eq!(ieee_remainder(-5.0, 3.0), 1.0);
        assert_eq!(ieee_remainder(3.0, 2.0), -1.0);
        assert_eq!(ieee_remainder(5.0, 2.0), 1.0);
        assert_eq!(fmod(-7.0, 3.0), -1.0);
    }
}
