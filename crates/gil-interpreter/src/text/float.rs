//! Floats as text: the shortest form that reads back as the same number, and forms with a given precision.
//!
//! # Model
//! Rust writes both kinds of digits correctly rounded; what is added here is Python's choice between positional and
//! exponent notation, and exponents with a sign and two digits.
//!
//! # Invariants
//! - TF1: `float_repr` reads back as the same number, and is the text that CPython writes.

/// No float has more digits than this behind or before its point: more asked for are zeros.
const MOST_DIGITS: usize = 1100;

/// `repr(value)`
pub(crate) fn float_repr(value: f64) -> String {
    if !value.is_finite() {
        return not_finite(value).to_owned();
    }
    let (digits, exponent) = shortest(value.abs());
    let mut text = String::with_capacity(24);
    if value.is_sign_negative() {
        text.push('-');
    }
    if (-4..16).contains(&exponent) {
        positional(&mut text, &digits, exponent, true);
    } else {
        scientific(&mut text, &digits, exponent, 'e', false);
    }
    text
}

/// The fewest digits that read back as the number, and of those the nearest. Where two are as near, Rust takes the
/// greater and Python the even one; numbers with fewer digits than that have only one.
fn shortest(value: f64) -> (String, i32) {
    let (digits, exponent) = split(&format!("{value:e}"));
    if digits.len() < 15 {
        return (digits, exponent);
    }
    let even = format!("{value:.precision$e}", precision = digits.len() - 1);
    let (even_digits, even_exponent) = split(&even);
    let same = even_digits == digits || even.parse() != Ok(value);
    if same { (digits, exponent) } else { (even_digits, even_exponent) }
}

fn not_finite(value: f64) -> &'static str {
    match (value.is_nan(), value > 0.0) {
        (true, _) => "nan",
        (_, true) => "inf",
        _ => "-inf",
    }
}

/// Digits without the point, and the exponent of the first, of Rust's exponent notation.
fn split(text: &str) -> (String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    (mantissa.replace('.', ""), exponent.parse().unwrap_or(0))
}

/// All digits around a point; with `.0` where there would be none.
fn positional(text: &mut String, digits: &str, exponent: i32, point: bool) {
    if exponent < 0 {
        text.push_str("0.");
        text.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        text.push_str(digits);
        return;
    }
    let before = exponent as usize + 1;
    if digits.len() > before {
        text.push_str(&digits[..before]);
        text.push('.');
        text.push_str(&digits[before..]);
        return;
    }
    text.push_str(digits);
    text.extend(std::iter::repeat_n('0', before - digits.len()));
    if point {
        text.push_str(".0");
    }
}

/// `1.5e+16`; `point` keeps the point of a single digit.
fn scientific(text: &mut String, digits: &str, exponent: i32, letter: char, point: bool) {
    text.push_str(&digits[..1]);
    if digits.len() > 1 || point {
        text.push('.');
        text.push_str(&digits[1..]);
    }
    text.push(letter);
    text.push(if exponent < 0 { '-' } else { '+' });
    text.push_str(&format!("{:02}", exponent.unsigned_abs()));
}

/// How the digits of a float are chosen and laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// `f`: this many digits behind the point.
    Fixed,
    /// `e`: one digit before the point.
    Exponent,
    /// `g`: this many digits that count, laid out as is shorter.
    General,
    /// No letter but a precision: as `g`, but with a digit behind the point.
    Short,
}

/// The text of a number that is not negative; `keep` is the `#` of a format: zeros and the point stay.
pub(crate) fn magnitude(value: f64, layout: Layout, precision: usize, keep: bool) -> String {
    if !value.is_finite() {
        return not_finite(value.abs()).to_owned();
    }
    match layout {
        Layout::Fixed => {
            let written = precision.min(MOST_DIGITS);
            let mut text = format!("{value:.written$}");
            text.extend(std::iter::repeat_n('0', precision - written));
            if keep && precision == 0 {
                text.push('.');
            }
            text
        }
        Layout::Exponent => {
            let (digits, exponent) = counted(value, precision);
            let mut text = String::with_capacity(digits.len() + 6);
            scientific(&mut text, &digits, exponent, 'e', keep);
            text
        }
        Layout::General | Layout::Short => general(value, layout == Layout::Short, precision.max(1), keep),
    }
}

/// `precision + 1` correctly rounded digits and the exponent of the first.
fn counted(value: f64, precision: usize) -> (String, i32) {
    let written = precision.min(MOST_DIGITS);
    let (mut digits, exponent) = split(&format!("{value:.written$e}"));
    digits.extend(std::iter::repeat_n('0', precision - written));
    (digits, exponent)
}

fn general(value: f64, short: bool, precision: usize, keep: bool) -> String {
    let (mut digits, exponent) = counted(value, precision - 1);
    let most = precision.min(i32::MAX as usize) as i32 - i32::from(short);
    if !keep {
        digits.truncate(digits.trim_end_matches('0').len().max(1));
    }
    let mut text = String::with_capacity(digits.len() + 8);
    if exponent < -4 || exponent >= most {
        scientific(&mut text, &digits, exponent, 'e', keep);
    } else {
        positional(&mut text, &digits, exponent, short);
        if keep && !text.contains('.') {
            text.push('.');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// As CPython 3.11 writes them.
    const WRITTEN: &[&str] = &[
        "0.1",
        "0.30000000000000004",
        "0.3333333333333333",
        "1.0",
        "-0.0",
        "0.0",
        "100.0",
        "1000000000000000.0",
        "1e+16",
        "1e+17",
        "1.5e+16",
        "1.2345678901234568e+17",
        "0.0001",
        "1e-05",
        "1.5e-05",
        "0.0001234",
        "1.234e-05",
        "5e-324",
        "2.2250738585072014e-308",
        "1.7976931348623157e+308",
        "inf",
        "-inf",
        "nan",
        "12345678.9",
        "1e+22",
        "1.23e-05",
        "9007199254740992.0",
        "4.35",
        "2.675",
        "123456789012345.6",
        "-1e-10",
    ];

    #[test]
    fn tf1_the_shortest_text_is_that_of_cpython() {
        for text in WRITTEN {
            assert_eq!(float_repr(text.parse().expect("a float")), *text);
        }
    }

    #[test]
    fn tf1_of_two_shortest_texts_the_even_one_is_taken() {
        assert_eq!(float_repr(1e15 + 0.25), "1000000000000000.2");
        assert_eq!(float_repr(1e15 + 0.75), "1000000000000000.8");
    }

    #[test]
    fn halves_are_rounded_to_even_and_long_precisions_are_zeros() {
        assert_eq!(magnitude(0.125, Layout::Fixed, 2, false), "0.12");
        assert_eq!(magnitude(0.375, Layout::Fixed, 2, false), "0.38");
        assert_eq!(magnitude(2.5, Layout::Fixed, 0, false), "2");
        assert_eq!(magnitude(0.5, Layout::Fixed, 0, true), "0.");
        assert_eq!(magnitude(1.0, Layout::Fixed, 70_000, false).len(), 70_002);
        assert_eq!(magnitude(1.0, Layout::Exponent, 70_000, false).len(), 70_006);
    }

    proptest! {
        #[test]
        fn tf1_the_shortest_text_reads_back(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            let back: f64 = float_repr(value).parse().expect("a float");
            prop_assert!(back.to_bits() == value.to_bits() || value.is_nan() && back.is_nan());
        }
    }
}
