//! Sums and lengths that round once, and products.

use super::super::support::{or, real};
use crate::code::BinaryOp;
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::Args;
use crate::types;
use crate::value::Value;

pub(super) fn hypot<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let mut sides = Vec::new();
    for side in args.list(m) {
        sides.push(real(m, side)?);
    }
    Ok(Value::Float(length(&sides)))
}

pub(super) fn dist<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn fsum<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn prod<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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

pub(super) fn sumprod<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
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
    fn lengths_do_not_overflow_on_the_way() {
        assert_eq!(length(&[3.0, 4.0, 12.0]), 13.0);
        assert_eq!(length(&[3e300, 4e300]), 5e300);
        assert_eq!(length(&[-0.0]), 0.0);
        assert_eq!(length(&[f64::NAN, f64::NEG_INFINITY]), f64::INFINITY);
    }
}
