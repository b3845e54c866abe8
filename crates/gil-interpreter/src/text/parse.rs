//! What `int()` and `float()` make of texts: what they accept, and what they say of the rest.
//!
//! # Invariants
//! - TA1: the tables of the tests are read, or refused, as CPython does it.

use super::unicode::{decimal_value, is_space};

/// Why a text is no int.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoInt {
    /// It is not written as one.
    Invalid,
    /// It is one, and does not fit into 64 bits.
    TooBig,
}

/// Reads an int in a base from 2 to 36, or 0 for the base that its prefix names.
pub(crate) fn parse_int(text: &str, base: u32) -> Result<i64, NoInt> {
    let text = text.trim_matches(is_space);
    let (negative, text) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let named = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => Some(16),
        [b'0', b'o' | b'O', ..] => Some(8),
        [b'0', b'b' | b'B', ..] => Some(2),
        _ => None,
    };
    let (base, digits, zeros_only) = match (base, named) {
        (0, Some(named)) => (named, prefixed(text), false),
        (0, None) => (10, text, text.starts_with('0')),
        (base, Some(named)) if base == named => (base, prefixed(text), false),
        (base, _) => (base, text, false),
    };
    let size = magnitude(digits, base)?;
    if zeros_only && size != 0 {
        return Err(NoInt::Invalid);
    }
    let value = if negative { -size } else { size };
    i64::try_from(value).map_err(|_| NoInt::TooBig)
}

/// What follows `0x`; one underscore may stand between.
fn prefixed(text: &str) -> &str {
    let digits = &text[2..];
    digits.strip_prefix('_').unwrap_or(digits)
}

fn magnitude(digits: &str, base: u32) -> Result<i128, NoInt> {
    let mut value: i128 = 0;
    let mut after_digit = false;
    for character in digits.chars() {
        if character == '_' && after_digit {
            after_digit = false;
            continue;
        }
        let digit = decimal_value(character).or_else(|| character.to_digit(36));
        let digit = digit.filter(|digit| *digit < base).ok_or(NoInt::Invalid)?;
        // Beyond 64 bits the size no longer matters, only whether all the rest are digits.
        value = (value * i128::from(base) + i128::from(digit)).min(1 << 100);
        after_digit = true;
    }
    if after_digit { Ok(value) } else { Err(NoInt::Invalid) }
}

/// Reads a float.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let text = text.trim_matches(is_space);
    let plain: Option<String> =
        if text.is_ascii() && !text.contains('_') { None } else { Some(without_underscores(text)?) };
    let text = plain.as_deref().unwrap_or(text);
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let word = unsigned.eq_ignore_ascii_case("inf")
        || unsigned.eq_ignore_ascii_case("infinity")
        || unsigned.eq_ignore_ascii_case("nan");
    let number = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if word || number { text.parse().ok() } else { None }
}

/// Digits of all scripts as ASCII; underscores are dropped between digits and refused elsewhere.
fn without_underscores(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut previous = ' ';
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '_' {
            let next = characters.peek().copied().and_then(decimal_value);
            if !previous.is_ascii_digit() || next.is_none() {
                return None;
            }
            continue;
        }
        previous = match decimal_value(character) {
            Some(digit) => char::from_digit(digit, 10)?,
            None => character,
        };
        out.push(previous);
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ta1_ints_are_read_as_cpython_reads_them() {
        for (text, base, value) in [
            (" 12 ", 10, 12),
            ("1_000", 10, 1000),
            ("-0b101", 0, -5),
            ("0x10", 16, 16),
            ("0x_1f", 16, 31),
            ("00", 0, 0),
            ("z", 36, 35),
            ("٣", 10, 3),
            ("\u{2003}+7\n", 10, 7),
            ("-9223372036854775808", 10, i64::MIN),
        ] {
            assert_eq!(parse_int(text, base), Ok(value), "{text}");
        }
        for (text, base) in [
            ("", 10),
            ("abc", 10),
            ("1__0", 10),
            ("_1", 10),
            ("1_", 10),
            ("0x10", 10),
            ("010", 0),
            ("9", 8),
            ("0x__1f", 16),
            ("0x", 16),
            ("+ 5", 10),
            ("1.5", 10),
            ("é", 10),
            ("--1", 10),
        ] {
            assert_eq!(parse_int(text, base), Err(NoInt::Invalid), "{text}");
        }
        assert_eq!(parse_int("9223372036854775808", 10), Err(NoInt::TooBig));
        assert_eq!(parse_int(&"9".repeat(500), 10), Err(NoInt::TooBig));
        assert_eq!(parse_int(&("9".repeat(500) + "x"), 10), Err(NoInt::Invalid));
    }

    #[test]
    fn ta1_floats_are_read_as_cpython_reads_them() {
        for (text, value) in [
            ("1e3", 1000.0),
            (" 2.5 ", 2.5),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1_0.5", 10.5),
            ("Infinity", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
            ("٣.5", 3.5),
            ("+1E-2", 0.01),
            ("1_0e1_0", 1e11),
        ] {
            assert_eq!(parse_float(text), Some(value), "{text}");
        }
        assert!(parse_float("-nan").is_some_and(f64::is_nan));
        for text in [
            "", "abc", "1__0", "1_.5", "1._5", "1e_5", "infinit", ".", "1e", "0x1p3", "+ 1", "_1", "1_",
            "--1", "+-1",
        ] {
            assert_eq!(parse_float(text), None, "{text}");
        }
    }
}
