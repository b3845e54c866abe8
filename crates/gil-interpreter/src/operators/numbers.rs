//! Arithmetic of plain numbers, without a machine: what Python's rules say beyond Rust's.
//!
//! # Invariants
//! - NU1: floor division and remainder satisfy `a == (a // b) * b + a % b`, and the remainder has the divisor's sign.
//! - NU2: a quotient of ints is the float next to it, also where the ints have more than 53 bits.
//! - NU3: an int and a float are compared as exact numbers.
//!
//! # Source
//! CPython 3.11: Objects/floatobject.c (`_float_div_mod`, `float_richcompare`, `float___round___impl`),
//! Objects/longobject.c (`long_true_divide`), Python/pyhash.c.

use std::cmp::Ordering;

use crate::heap::Range;
use crate::value::Value;

impl Range {
    /// Where a number stands in the range.
    pub(crate) fn position(self, number: i64) -> Option<i64> {
        let offset = i128::from(number) - i128::from(self.start);
        let step = i128::from(self.step);
        if offset % step != 0 {
            return None;
        }
        let at = offset / step;
        (0..i128::from(self.len())).contains(&at).then_some(at as i64)
    }
}

/// a // b, rounded down; `None` when it does not fit. `b` is not 0.
#[inline]
pub(crate) fn floor_div(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}

/// a % b with the sign of `b`, which is not 0.
#[inline]
pub(crate) fn floor_mod(a: i64, b: i64) -> i64 {
    let rest = a.wrapping_rem(b);
    if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
}

/// a // b and a % b of floats. `b` is not 0.
pub(crate) fn float_div_mod(a: f64, b: f64) -> (f64, f64) {
    let mut rest = a % b;
    let mut quotient = (a - rest) / b;
    if rest != 0.0 {
        if (b < 0.0) != (rest < 0.0) {
            rest += b;
            quotient -= 1.0;
        }
    } else {
        rest = 0.0_f64.copysign(b);
    }
    let floor = if quotient != 0.0 {
        let floor = quotient.floor();
        if quotient - floor > 0.5 { floor + 1.0 } else { floor }
    } else {
        0.0_f64.copysign(a / b)
    };
    (floor, rest)
}

/// a / b, rounded once. `b` is not 0.
#[inline]
pub(crate) fn true_div(a: i64, b: i64) -> f64 {
    const EXACT: u64 = 1 << 53;
    if a.unsigned_abs() <= EXACT && b.unsigned_abs() <= EXACT {
        return a as f64 / b as f64;
    }
    long_true_div(a, b)
}

/// Computes more bits than a float has, and one that says whether anything follows, then rounds.
#[cold]
fn long_true_div(a: i64, b: i64) -> f64 {
    let (dividend, divisor) = (u128::from(a.unsigned_abs()), u128::from(b.unsigned_abs()));
    let shift = (57 + 128 - divisor.leading_zeros()).saturating_sub(128 - dividend.leading_zeros());
    let shifted = dividend << shift;
    let sticky = u128::from(shifted % divisor != 0);
    let quotient = ((shifted / divisor) | sticky) as f64 * 2.0_f64.powi(-(shift as i32));
    if (a < 0) != (b < 0) { -quotient } else { quotient }
}

/// a to the power b, `None` when it does not fit.
pub(crate) fn int_pow(a: i64, b: u64) -> Option<i64> {
    match a {
        0 | 1 => Some(if b == 0 { 1 } else { a }),
        -1 => Some(if b.is_multiple_of(2) { 1 } else { -1 }),
        _ => a.checked_pow(u32::try_from(b).ok()?),
    }
}

/// base ** exponent % modulus with the sign of the modulus, which is not 0; `None` when there is no inverse.
pub(crate) fn pow_mod(base: i64, exponent: i64, modulus: i64) -> Option<i64> {
    let size = i128::from(modulus).abs();
    let mut base = i128::from(base).rem_euclid(size);
    if exponent < 0 {
        base = inverse(base, size)?;
    }
    let mut left = exponent.unsigned_abs();
    let mut result = 1 % size;
    while left > 0 {
        if left & 1 == 1 {
            result = result * base % size;
        }
        base = base * base % size;
        left >>= 1;
    }
    if modulus < 0 && result != 0 {
        result -= size;
    }
    Some(result as i64)
}

/// What times `a` is 1 modulo `size`.
fn inverse(a: i128, size: i128) -> Option<i128> {
    let (mut old, mut new) = ((a, 1), (size, 0));
    while new.0 != 0 {
        let quotient = old.0 / new.0;
        (old, new) = (new, (old.0 - quotient * new.0, old.1 - quotient * new.1));
    }
    (old.0 == 1).then(|| old.1.rem_euclid(size))
}

/// The order of two numbers whatever their kinds: `None` if one is no number, `Some(None)` if one is NaN.
#[inline]
pub(crate) fn exact_order(a: Value, b: Value) -> Option<Option<Ordering>> {
    match (Number::of(a)?, Number::of(b)?) {
        (Number::Int(a), Number::Int(b)) => Some(Some(a.cmp(&b))),
        (Number::Float(a), Number::Float(b)) => Some(a.partial_cmp(&b)),
        (Number::Int(a), Number::Float(b)) => Some(int_float_order(a, b)),
        (Number::Float(a), Number::Int(b)) => Some(int_float_order(b, a).map(Ordering::reverse)),
    }
}

/// A value as the number that it is; a bool is an int.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    #[inline]
    pub(crate) fn of(value: Value) -> Option<Number> {
        match value {
            Value::Int(number) => Some(Number::Int(number)),
            Value::Float(number) => Some(Number::Float(number)),
            Value::Bool(flag) => Some(Number::Int(i64::from(flag))),
            _ => None,
        }
    }

    #[inline]
    pub(crate) fn float(self) -> f64 {
        match self {
            Number::Int(number) => number as f64,
            Number::Float(number) => number,
        }
    }
}

fn int_float_order(a: i64, b: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() {
        return None;
    }
    if b >= LIMIT {
        return Some(Ordering::Less);
    }
    if b < -LIMIT {
        return Some(Ordering::Greater);
    }
    let whole = b.floor();
    Some(a.cmp(&(whole as i64)).then(if b > whole { Ordering::Less } else { Ordering::Equal }))
}

/// round(number, digits)
pub(crate) fn round_float(number: f64, digits: i64) -> f64 {
    // Beyond these a float either has no such digits or is smaller than half of one.
    if !number.is_finite() || digits > 323 {
        return number;
    }
    if digits < -308 {
        return 0.0_f64.copysign(number);
    }
    if digits >= 0 {
        return format!("{number:.*}", digits as usize).parse().unwrap_or(number);
    }
    let unit = 10.0_f64.powi(-digits as i32);
    (number / unit).round_ties_even() * unit
}

/// round(number, -digits) of an int, halves to even; `None` when it does not fit. `digits` is positive.
pub(crate) fn round_int(number: i64, digits: u64) -> Option<i64> {
    let unit = match u32::try_from(digits).ok().and_then(|digits| 10_i128.checked_pow(digits)) {
        Some(unit) if unit < 1 << 100 => unit,
        _ => return Some(0),
    };
    let number = i128::from(number);
    let below = number.div_euclid(unit);
    let rest = number.rem_euclid(unit) * 2;
    let up = rest > unit || rest == unit && below % 2 != 0;
    i64::try_from((below + i128::from(up)) * unit).ok()
}

/// hash(number), as CPython tells it: modulo the prime 2**61 - 1, with the number's sign.
pub(crate) fn python_hash_int(number: i64) -> i64 {
    const PRIME: i64 = (1 << 61) - 1;
    match number % PRIME {
        -1 => -2,
        hash => hash,
    }
}

/// hash(number) of a float: that of the equal int where there is one, in the same arithmetic for all others.
pub(crate) fn python_hash_float(number: f64) -> i64 {
    const BITS: i32 = 61;
    const PRIME: u64 = (1 << BITS) - 1;
    if !number.is_finite() {
        let sign = if number < 0.0 { -1 } else { 1 };
        return if number.is_nan() { 0 } else { 314_159 * sign };
    }
    let (mut fraction, mut exponent) = split(number.abs());
    let mut hash = 0_u64;
    while fraction != 0.0 {
        hash = ((hash << 28) & PRIME) | (hash >> (BITS - 28));
        fraction *= 268_435_456.0;
        exponent -= 28;
        let digit = fraction as u64;
        fraction -= digit as f64;
        hash += digit;
        if hash >= PRIME {
            hash -= PRIME;
        }
    }
    let turn = exponent.rem_euclid(BITS);
    hash = ((hash << turn) & PRIME) | (hash >> (BITS - turn));
    let hash = if number < 0.0 { -(hash as i64) } else { hash as i64 };
    if hash == -1 { -2 } else { hash }
}

/// A positive number as a fraction in 0.5..1 and an exponent of two.
fn split(number: f64) -> (f64, i32) {
    if number == 0.0 {
        return (0.0, 0);
    }
    let mut shifted = number;
    let mut exponent = 0;
    if number < f64::MIN_POSITIVE {
        shifted *= 2.0_f64.powi(64);
        exponent = -64;
    }
    let bits = shifted.to_bits();
    exponent += ((bits >> 52) & 0x7ff) as i32 - 1022;
    (f64::from_bits((bits & !(0x7ff << 52)) | (1022 << 52)), exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn nu1_floor_division_and_remainder_fit_together(a in any::<i64>(), b in any::<i64>()) {
            prop_assume!(b != 0 && (a, b) != (i64::MIN, -1));
            let (quotient, rest) = (floor_div(a, b).unwrap(), floor_mod(a, b));
            prop_assert_eq!(i128::from(a), i128::from(quotient) * i128::from(b) + i128::from(rest));
            prop_assert!(rest == 0 || (rest < 0) == (b < 0));
        }

        #[test]
        fn nu1_for_floats_the_remainder_has_the_divisors_sign(a in -1e9..1e9_f64, b in -1e6..1e6_f64) {
            prop_assume!(b != 0.0);
            let (quotient, rest) = float_div_mod(a, b);
            prop_assert!(rest == 0.0 || (rest < 0.0) == (b < 0.0));
            prop_assert!((quotient * b + rest - a).abs() <= 1e-6 * a.abs().max(1.0));
        }

        #[test]
        fn nu3_ints_and_floats_are_compared_exactly(a in any::<i64>(), delta in -1024..1024_i64) {
            let float = a.saturating_add(delta) as f64;
            prop_assume!(float < 9.2e18);
            let order = exact_order(Value::Int(a), Value::Float(float));
            prop_assert_eq!(order, Some(Some(a.cmp(&(float as i64)))));
        }

        #[test]
        fn a_range_finds_the_numbers_that_it_gives(start in -50..50_i64, stop in -50..50_i64, step in -7..8_i64, x in -60..60_i64) {
            prop_assume!(step != 0);
            let range = Range { start, stop, step };
            let numbers: Vec<i64> = (0..range.len()).map(|at| range.at(at)).collect();
            prop_assert_eq!(range.position(x), numbers.iter().position(|&n| n == x).map(|at| at as i64));
        }
    }

    /// Pairs for which dividing the nearest floats rounds twice, and the limits, with the bits that CPython gives.
    #[test]
    fn nu2_a_quotient_is_rounded_once() {
        let quotients: [(i64, i64, u64); 15] = [
            (-6_329_975_792_576_927_173, 1_363_974_157_860_798_087, 0xc01290366e8459c4),
            (6_851_208_320_085_858_489, 5_046_913_038_458_744_571, 0x3ff5b856e1238a73),
            (8_038_955_653_743_253_632, -250_679_889_364_235_921, 0xc04008c837f6ae03),
            (-5_974_529_904_935_095_726, 6_361_929_560_095_625_138, 0xbfee0d293d869675),
            (3_430_464_151_015_440_194, 73_098_551_044_875_608, 0x404776f372134f38),
            (-386_598_543_343_423_649, -551_911_306_400_074_426, 0x3fe66a44bcbe64ba),
            (-6_760_235_703_544_731_994, 8_039_844_037, 0xc1c90f1cd79d762e),
            (891_360_363_637_902_369, -595_623_247, 0xc1d64cc276871a28),
            (-2_757_412_202_810_225_844, 211_215_938_669_233_219, 0xc02a1c219704dde0),
            (-3_663_847_082_150_426_299, 8_454_152_174_313_578_111, 0xbfdbbc78d36a1b74),
            (-3_674_541_566_319_293_759, -48_715_708_933_984_234, 0x4052db68bfa6fcb6),
            (2_746_064_356_471_614_698, -447_892_038_513_435_055, 0xc018863b43086305),
            (9_223_372_036_854_775_807, 1, 0x43e0000000000000),
            (1, 9_223_372_036_854_775_807, 0x3c00000000000000),
            (i64::MIN, -1, 0x43e0000000000000),
        ];
        for (a, b, bits) in quotients {
            assert_eq!(true_div(a, b).to_bits(), bits, "{a} / {b}");
        }
    }

    #[test]
    fn nu3_beyond_the_ints_and_between_them() {
        let order = |a, b| exact_order(Value::Int(a), Value::Float(b)).unwrap();
        assert_eq!(order(i64::MAX, 9_223_372_036_854_775_808.0), Some(Ordering::Less));
        assert_eq!(order(i64::MIN, -9_223_372_036_854_775_808.0), Some(Ordering::Equal));
        assert_eq!(order(-1, -0.5), Some(Ordering::Less));
        assert_eq!(order(0, f64::NAN), None);
        assert_eq!(order(0, f64::NEG_INFINITY), Some(Ordering::Greater));
    }

    #[test]
    fn halves_round_to_even() {
        assert_eq!(
            [(25, 1), (35, 1), (-25, 1), (-15, 1), (49, 2), (5, 9)].map(|(n, d)| round_int(n, d).unwrap()),
            [20, 40, -20, -20, 0, 0]
        );
        assert_eq!(round_float(2.675, 2), 2.67);
        assert_eq!(round_float(0.125, 2), 0.12);
        assert_eq!(round_float(1250.0, -2), 1200.0);
    }

    #[test]
    fn hashes_of_numbers_are_those_of_cpython() {
        assert_eq!(python_hash_int(-1), -2);
        assert_eq!(python_hash_int(i64::MAX), 3);
        assert_eq!(python_hash_float(0.5), 1_152_921_504_606_846_976);
        assert_eq!(python_hash_float(3.0), 3);
        assert_eq!(python_hash_float(0.1), 230_584_300_921_369_408);
        assert_eq!(python_hash_float(5e-324), 16_777_216);
        assert_eq!(python_hash_float(f64::NEG_INFINITY), -314_159);
    }

    #[test]
    fn powers_modulo_follow_the_sign_of_the_modulus() {
        assert_eq!(pow_mod(3, 200, 13), Some(9));
        assert_eq!(pow_mod(3, -1, 11), Some(4));
        assert_eq!(pow_mod(2, -1, 4), None);
        assert_eq!(pow_mod(5, 3, -7), Some(-1));
        assert_eq!(pow_mod(5, 0, 1), Some(0));
    }
}
