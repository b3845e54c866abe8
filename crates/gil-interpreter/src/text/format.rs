//! Numbers and texts laid out as a format specification asks.
//!
//! # Invariants
//! - TO1: every value of the tests' table is laid out as CPython does it, errors included.

use super::float::{self, Layout};
use super::spec::{Align, Spec, shown};

/// Why a value could not be laid out: the message of the exception that its variant names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum FormatError {
    Value(String),
    Overflow(String),
}

impl From<String> for FormatError {
    fn from(message: String) -> FormatError {
        FormatError::Value(message)
    }
}

fn unknown(kind: char, type_name: &str) -> FormatError {
    FormatError::Value(format!("Unknown format code '{}' for object of type '{type_name}'", shown(kind)))
}

/// `format(value, spec)` of an int or bool.
pub(crate) fn format_int(value: i64, spec: &Spec, type_name: &str) -> Result<String, FormatError> {
    let kind = spec.kind.unwrap_or('d');
    match kind {
        'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%' => return format_float(value as f64, spec, type_name),
        'b' | 'c' | 'd' | 'n' | 'o' | 'x' | 'X' => {}
        _ => return Err(unknown(kind, type_name)),
    }
    if spec.precision.is_some() {
        return Err("Precision not allowed in integer format specifier".to_owned().into());
    }
    if spec.no_negative_zero {
        return Err("Negative zero coercion (z) not allowed in integer format specifier".to_owned().into());
    }
    if kind == 'c' {
        return character(value, spec);
    }
    let size = value.unsigned_abs();
    let (prefix, digits) = match kind {
        'b' => ("0b", format!("{size:b}")),
        'o' => ("0o", format!("{size:o}")),
        'x' => ("0x", format!("{size:x}")),
        'X' => ("0X", format!("{size:X}")),
        _ => ("", size.to_string()),
    };
    let prefix = if spec.alternate { prefix } else { "" };
    let group = if matches!(kind, 'd' | 'n') { 3 } else { 4 };
    Ok(Number { negative: value < 0, prefix, digits: &digits, rest: "", group }.laid_out(spec))
}

fn character(value: i64, spec: &Spec) -> Result<String, FormatError> {
    if spec.sign.is_some() {
        return Err("Sign not allowed with integer format specifier 'c'".to_owned().into());
    }
    if spec.alternate {
        return Err("Alternate form (#) not allowed with integer format specifier 'c'".to_owned().into());
    }
    let character = u32::try_from(value).ok().and_then(char::from_u32);
    let Some(character) = character else {
        return Err(FormatError::Overflow("%c arg not in range(0x110000)".to_owned()));
    };
    Ok(padded(&character.to_string(), spec))
}

/// `format(value, spec)` of a float.
pub(crate) fn format_float(value: f64, spec: &Spec, type_name: &str) -> Result<String, FormatError> {
    let precision = spec.precision.unwrap_or(6);
    let size = value.abs();
    let mut text = match spec.kind {
        None | Some('\0') => match spec.precision {
            None => float::float_repr(size),
            Some(precision) => float::magnitude(size, Layout::Short, precision, spec.alternate),
        },
        Some('e' | 'E') => float::magnitude(size, Layout::Exponent, precision, spec.alternate),
        Some('f' | 'F') => float::magnitude(size, Layout::Fixed, precision, spec.alternate),
        Some('g' | 'G' | 'n') => float::magnitude(size, Layout::General, precision, spec.alternate),
        Some('%') => float::magnitude(size * 100.0, Layout::Fixed, precision, spec.alternate) + "%",
        Some(kind) => return Err(unknown(kind, type_name)),
    };
    if matches!(spec.kind, Some('E' | 'F' | 'G')) {
        text.make_ascii_uppercase();
    }
    let zero = spec.no_negative_zero && !text.bytes().any(|byte| matches!(byte, b'1'..=b'9' | b'i' | b'I'));
    let negative = value.is_sign_negative() && !value.is_nan() && !zero;
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    Ok(Number { negative, prefix: "", digits, rest, group: 3 }.laid_out(spec))
}

/// `format(value, spec)` of a str.
pub(crate) fn format_str(value: &str, spec: &Spec, type_name: &str) -> Result<String, FormatError> {
    if let Some(kind) = spec.kind.filter(|kind| *kind != 's') {
        return Err(unknown(kind, type_name));
    }
    let refused = if spec.sign == Some(' ') {
        "Space not allowed in string format specifier"
    } else if spec.sign.is_some() {
        "Sign not allowed in string format specifier"
    } else if spec.no_negative_zero {
        "Negative zero coercion (z) not allowed in string format specifier"
    } else if spec.alternate {
        "Alternate form (#) not allowed in string format specifier"
    } else if spec.align == Align::AfterSign {
        "'=' alignment not allowed in string format specifier"
    } else if let Some(grouping) = spec.grouping {
        return Err(format!("Cannot specify '{grouping}' with 's'.").into());
    } else {
        let value = spec.precision.map_or(value, |precision| first_characters(value, precision));
        return Ok(padded(value, spec));
    };
    Err(refused.to_owned().into())
}

/// At most the first `count` characters.
pub(crate) fn first_characters(text: &str, count: usize) -> &str {
    text.char_indices().nth(count).map_or(text, |(end, _)| &text[..end])
}

/// A text with the padding that the specification asks for.
pub(crate) fn padded(text: &str, spec: &Spec) -> String {
    let missing = spec.width.saturating_sub(text.chars().count());
    let before = match spec.align {
        Align::Left => 0,
        Align::Right | Align::AfterSign => missing,
        Align::Centre => missing / 2,
    };
    let mut out = String::with_capacity(text.len() + missing * spec.fill.len_utf8());
    out.extend(std::iter::repeat_n(spec.fill, before));
    out.push_str(text);
    out.extend(std::iter::repeat_n(spec.fill, missing - before));
    out
}

/// The parts of a number's text.
pub(crate) struct Number<'a> {
    pub(crate) negative: bool,
    /// `0x` and the like.
    pub(crate) prefix: &'a str,
    /// The digits before the point.
    pub(crate) digits: &'a str,
    /// The point and what follows, or `inf`.
    pub(crate) rest: &'a str,
    /// So many digits are a group.
    pub(crate) group: usize,
}

impl Number<'_> {
    /// Sign, prefix, groups and padding as asked.
    pub(crate) fn laid_out(&self, spec: &Spec) -> String {
        let sign = match (self.negative, spec.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        };
        let others = sign.len() + self.prefix.len() + self.rest.len();
        let zeros = spec.fill == '0' && spec.align == Align::AfterSign;
        let least = if zeros { spec.width.saturating_sub(others) } else { 0 };
        let digits = match spec.grouping {
            // CPython does not group the zeros before `inf`.
            Some(mark) if !self.digits.is_empty() => grouped(self.digits, mark, self.group, least),
            _ => "0".repeat(least.saturating_sub(self.digits.len())) + self.digits,
        };
        let missing = spec.width.saturating_sub(others + digits.len());
        let fill = |count: usize| std::iter::repeat_n(spec.fill, count);
        let (before, inside) = match spec.align {
            Align::Left => (0, 0),
            Align::Right => (missing, 0),
            Align::Centre => (missing / 2, 0),
            Align::AfterSign => (0, missing),
        };
        let mut out = String::with_capacity(others + digits.len() + missing * spec.fill.len_utf8());
        out.extend(fill(before));
        out.push_str(sign);
        out.push_str(self.prefix);
        out.extend(fill(inside));
        out.push_str(&digits);
        out.push_str(self.rest);
        out.extend(fill(missing - before - inside));
        out
    }
}

/// Digits in groups, with zeros before them until there are `least` characters; a mark is never the first.
fn grouped(digits: &str, mark: char, group: usize, least: usize) -> String {
    let mut backwards = Vec::with_capacity(least.max(digits.len() * 4 / 3 + 1));
    let mut source = digits.bytes().rev();
    let mut count = 0;
    loop {
        let digit = source.next();
        if digit.is_none() && backwards.len() >= least {
            break;
        }
        if count > 0 && count % group == 0 {
            backwards.push(mark as u8);
        }
        backwards.push(digit.unwrap_or(b'0'));
        count += 1;
    }
    backwards.into_iter().rev().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, value, specification and result (an error's message after `!`), as CPython 3.11.7 gave them.
    const RECORDED: &str = include_str!("recorded/format.txt");

    fn formatted(kind: &str, value: &str, spec: &str) -> String {
        let align = if kind == "str" { Align::Left } else { Align::Right };
        let result = match Spec::parse(spec, kind, align) {
            Err(message) => Err(FormatError::Value(message)),
            Ok(_) if spec.is_empty() => unreachable!("an empty specification is str()"),
            Ok(spec) => match kind {
                "float" => format_float(value.parse().expect("a float"), &spec, kind),
                "str" => format_str(value, &spec, kind),
                _ => format_int(value.parse().expect("an int"), &spec, kind),
            },
        };
        match result {
            Ok(text) => text,
            Err(FormatError::Value(message) | FormatError::Overflow(message)) => format!("!{message}"),
        }
    }

    #[test]
    fn to1_every_recorded_format_is_laid_out_as_cpython_did() {
        let mut wrong = Vec::new();
        for line in RECORDED.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let [kind, value, spec, expected] = fields[..] else { panic!("four fields: {line}") };
            let text = formatted(kind, value, spec);
            if text != expected {
                wrong.push(format!("{kind} {value} {spec}: {text}, not {expected}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}
