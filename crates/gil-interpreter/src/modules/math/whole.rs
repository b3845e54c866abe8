//! Exact functions of whole numbers.

use super::super::support::whole;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::Args;
use crate::value::Value;

pub(super) fn isqrt<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [n] = args.exactly(m, "math.isqrt")?;
    match whole(m, n)? {
        n if n < 0 => Err(m.value_error("isqrt() argument must be nonnegative")),
        n => Ok(Value::Int(n.isqrt())),
    }
}

pub(super) fn gcd<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn lcm<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn factorial<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn comb<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn perm<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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
    fn euclid_finds_the_greatest_divisor() {
        assert_eq!((euclid(12, 18), euclid(0, 5), euclid(5, 0)), (6, 5, 5));
    }
}
