//! `math`: functions of floats with CPython's errors, and exact functions of whole numbers.
//!
//! # Model
//! A result that is not a number though the argument is one is a domain error, an infinite one of finite
//! arguments is a range error: so CPython judges the C library's answers, and so do we.

use super::support::{or, real, whole};
use crate::code::BinaryOp;
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

fn hypot<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let mut sides = Vec::new();
    for side in args.list(m) {
        sides.push(real(m, side)?);
    }
    Ok(Value::Float(length(&sides)))
}

fn dist<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [p, q] = args.exactly(m, "dist")?;
    let (p, q) = (m.items(p)?, m.items(q)?);
    if p.len() != q.len() {
        return Err(m.value_error("both points must have the same number of dimensions"));
    }
    let mut sides = Vec::new();
    for (p, q) in p.into_iter().zip(q) {
        sides.push(real(m, p)? - real(m, q)?);
    }
    Ok(Value::Float(length(&sides)))
}

/// The root of the sum of the squares, right to the last bit but for rare ties.
fn length(sides: &[f64]) -> f64 {
    let most = sides.iter().fold(0.0_f64, |most, side| most.max(side.abs()));
    if sides.iter().any(|side| side.is_infinite()) {
        return f64::INFINITY;
    }
    if sides.iter().any(|side| side.is_nan()) {
        return f64::NAN;
    }
    if most == 0.0 {
        return 0.0;
    }
    // A power of two divides without rounding, so that only the root rounds. Twice, for subnormal numbers.
    let exponent = most.log2().floor() as i32;
    let (half, rest) = (2.0_f64.powi(exponent / 2), 2.0_f64.powi(exponent - exponent / 2));
    let mut squares = Exact::default();
    for side in sides {
        squares.add_product(side / half / rest, side / half / rest);
    }
    let root = squares.sum().sqrt();
    // One step of Newton with the exact rest repairs the last bit.
    squares.add_product(-root, root);
    (root + squares.sum() / (2.0 * root)) * half * rest
}

/// A sum without rounding until it is read (Shewchuk's partial sums, as CPython's fsum).
#[derive(Default)]
struct Exact {
    partials: Vec<f64>,
    special: f64,
}

impl Exact {
    fn add(&mut self, mut x: f64) {
        if !x.is_finite() {
            self.special += x;
            return;
        }
        let mut kept = 0;
        for at in 0..self.partials.len() {
            let mut y = self.partials[at];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.partials[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.partials.truncate(kept);
        self.partials.push(x);
    }

    /// Adds a product with what its rounding loses.
    fn add_product(&mut self, a: f64, b: f64) {
        let product = a * b;
        self.add(product);
        self.add(a.mul_add(b, -product));
    }

    fn sum(&self) -> f64 {
        if self.special != 0.0 || self.special.is_nan() {
            return self.special;
        }
        let mut rest = self.partials.iter().rev().copied();
        let Some(mut high) = rest.next() else { return 0.0 };
        let mut low = 0.0;
        let mut below = None;
        for y in rest {
            if low != 0.0 {
                below = Some(y);
                break;
            }
            let x = high;
            high = x + y;
            low = y - (high - x);
        }
        // Half way between two floats the partials below decide.
        if below.is_some_and(|below| low != 0.0 && (low < 0.0) == (below < 0.0)) {
            let twice = low * 2.0;
            let x = high + twice;
            if twice == x - high {
                high = x;
            }
        }
        high
    }
}

fn fsum<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable] = args.exactly(m, "math.fsum")?;
    let mut sum = Exact::default();
    for item in m.items(iterable)? {
        sum.add(real(m, item)?);
    }
    if sum.partials.iter().any(|partial| !partial.is_finite()) {
        return Err(m.raise(types::OVERFLOW_ERROR, "intermediate overflow in fsum"));
    }
    Ok(Value::Float(sum.sum()))
}

fn prod<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [iterable, start] = args.bind(m, "prod", ["/iterable", "start"], 1)?;
    let base = m.roots.len();
    let all = m.items(iterable)?;
    m.roots.extend_from_slice(&all);
    let mut product = or(start, Value::Int(1));
    for item in all {
        m.roots.push(product);
        product = m.binary(BinaryOp::Mul, product, item)?;
        m.roots.pop();
    }
    m.roots.truncate(base);
    Ok(product)
}

fn sumprod<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [p, q] = args.exactly(m, "sumprod")?;
    let (p, q) = (m.items(p)?, m.items(q)?);
    if p.len() != q.len() {
        return Err(m.value_error("Inputs are not the same length"));
    }
    let mut sum = Value::Int(0);
    for (p, q) in p.into_iter().zip(q) {
        let product = m.binary(BinaryOp::Mul, p, q)?;
        sum = m.binary(BinaryOp::Add, sum, product)?;
    }
    Ok(sum)
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

fn isqrt<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [n] = args.exactly(m, "math.isqrt")?;
    match whole(m, n)? {
        n if n < 0 => Err(m.value_error("isqrt() argument must be nonnegative")),
        n => Ok(Value::Int(n.isqrt())),
    }
}

fn gcd<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let mut divisor = 0_u64;
    for n in args.list(m) {
        let n = whole(m, n)?;
        divisor = euclid(divisor, n.unsigned_abs());
    }
    i64::try_from(divisor).map(Value::Int).map_err(|_| m.overflow("gcd"))
}

fn euclid(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

fn lcm<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let mut multiple = 1_u64;
    for n in args.list(m) {
        let n = whole(m, n)?.unsigned_abs();
        if n == 0 || multiple == 0 {
            multiple = 0;
            continue;
        }
        let next = (multiple / euclid(multiple, n)).checked_mul(n);
        multiple = next.ok_or_else(|| m.overflow("lcm"))?;
    }
    i64::try_from(multiple).map(Value::Int).map_err(|_| m.overflow("lcm"))
}

fn factorial<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [n] = args.exactly(m, "math.factorial")?;
    let n = whole(m, n)?;
    if n < 0 {
        return Err(m.value_error("factorial() not defined for negative values"));
    }
    product(m, "factorial", 1, n)
}

/// The product of all numbers from `low` to `high`.
fn product<H: Heap>(m: &mut Machine<H>, what: &str, low: i64, high: i64) -> Result<Value, Unwind> {
    let product = (low..=high).try_fold(1_i64, i64::checked_mul);
    product.map(Value::Int).ok_or_else(|| m.overflow(what))
}

fn comb<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [n, k] = args.exactly(m, "comb")?;
    let (n, k) = counts(m, n, k)?;
    if k > n {
        return Ok(Value::Int(0));
    }
    let mut ways = 1_i128;
    for step in 0..k.min(n - k) {
        ways = ways * i128::from(n - step) / i128::from(step + 1);
        if ways > i128::from(i64::MAX) {
            return Err(m.overflow("comb"));
        }
    }
    Ok(Value::Int(ways as i64))
}

fn perm<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [n, k] = args.bind(m, "perm", ["/n", "/k"], 1)?;
    let all = matches!(k, Value::Unbound | Value::None);
    let (n, k) = counts(m, n, if all { n } else { k })?;
    if k > n { Ok(Value::Int(0)) } else { product(m, "perm", n - k + 1, n) }
}

fn counts<H: Heap>(m: &mut Machine<H>, n: Value, k: Value) -> Result<(i64, i64), Unwind> {
    let (n, k) = (whole(m, n)?, whole(m, k)?);
    for (name, count) in [("n", n), ("k", k)] {
        if count < 0 {
            return Err(m.value_error(format!("{name} must be a non-negative integer")));
        }
    }
    Ok((n, k))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_round_once() {
        let mut sum = Exact::default();
        (0..10).for_each(|_| sum.add(0.1));
        assert_eq!(sum.sum(), 1.0);
        let mut sum = Exact::default();
        [1e100, 1.0, -1e100, 1e-100, 1e50, -1.0, -1e50].into_iter().for_each(|x| sum.add(x));
        assert_eq!(sum.sum(), 1e-100);
        let mut half = Exact::default();
        [1e16, 1.0, 1e-16].into_iter().for_each(|x| half.add(x));
        assert_eq!(half.sum(), 10_000_000_000_000_002.0, "the smallest partial decides a tie");
    }

    #[test]
    fn remainders_go_to_the_nearest_multiple() {
        assert_eq!(ieee_remainder(5.0, 3.0), -1.0);
        assert_eq!(ieee_remainder(-5.0, 3.0), 1.0);
        assert_eq!(ieee_remainder(3.0, 2.0), -1.0);
        assert_eq!(ieee_remainder(5.0, 2.0), 1.0);
        assert_eq!(fmod(-7.0, 3.0), -1.0);
    }

    #[test]
    fn lengths_do_not_overflow_on_the_way() {
        assert_eq!(length(&[3.0, 4.0, 12.0]), 13.0);
        assert_eq!(length(&[3e300, 4e300]), 5e300);
        assert_eq!(length(&[-0.0]), 0.0);
        assert_eq!(length(&[f64::NAN, f64::NEG_INFINITY]), f64::INFINITY);
    }

    #[test]
    fn euclid_finds_the_greatest_divisor() {
        assert_eq!((euclid(12, 18), euclid(0, 5), euclid(5, 0)), (6, 5, 5));
    }
}
