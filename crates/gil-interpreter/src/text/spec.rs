//! The format mini-language: `[[fill]align][sign][z][#][0][width][, or _][.precision][type]`.
//!
//! # Source
//! `parse_internal_render_format_spec` in CPython 3.11's `Python/formatter_unicode.c`, errors included.

/// Where the padding goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
    Centre,
    /// Between the sign and the digits.
    AfterSign,
}

/// What a format specification asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    pub(crate) fill: char,
    pub(crate) align: Align,
    /// `+` or a blank, where given; also `-`.
    pub(crate) sign: Option<char>,
    /// `z`: no negative zero.
    pub(crate) no_negative_zero: bool,
    /// `#`
    pub(crate) alternate: bool,
    pub(crate) width: usize,
    /// `,` or `_`
    pub(crate) grouping: Option<char>,
    pub(crate) precision: Option<usize>,
    /// The letter at the end.
    pub(crate) kind: Option<char>,
}

/// What of the alignment was given.
struct Aligned {
    fill: bool,
    place: bool,
}

impl Spec {
    /// Asks for nothing but an alignment.
    pub(crate) fn plain(align: Align) -> Spec {
        Spec {
            fill: ' ',
            align,
            sign: None,
            no_negative_zero: false,
            alternate: false,
            width: 0,
            grouping: None,
            precision: None,
            kind: None,
        }
    }

    /// Reads a specification for a value of the type that is named, whose default alignment is `align`; the error is
    /// the message of a ValueError.
    pub(crate) fn parse(text: &str, type_name: &str, align: Align) -> Result<Spec, String> {
        let mut spec = Spec::plain(align);
        let mut rest = text;
        let aligned = spec.read_alignment(&mut rest);
        if let Some(sign) = rest.chars().next().filter(|sign| matches!(sign, '+' | '-' | ' ')) {
            spec.sign = Some(sign);
            rest = &rest[1..];
        }
        spec.no_negative_zero = take(&mut rest, 'z');
        spec.alternate = take(&mut rest, '#');
        if !aligned.fill && take(&mut rest, '0') {
            spec.fill = '0';
            if !aligned.place && align == Align::Right {
                spec.align = Align::AfterSign;
            }
        }
        spec.width = number(&mut rest)?.unwrap_or(0);
        spec.read_grouping(&mut rest)?;
        if take(&mut rest, '.') {
            spec.precision = Some(number(&mut rest)?.ok_or("Format specifier missing precision")?);
        }
        let mut letters = rest.chars();
        spec.kind = letters.next();
        if letters.next().is_some() {
            return Err(format!("Invalid format specifier '{text}' for object of type '{type_name}'"));
        }
        spec.check_grouping()?;
        Ok(spec)
    }

    fn read_alignment(&mut self, rest: &mut &str) -> Aligned {
        let mut letters = rest.chars();
        let (first, second) = (letters.next(), letters.next());
        if let (Some(fill), Some(align)) = (first, second.and_then(align_of)) {
            (self.fill, self.align) = (fill, align);
            *rest = letters.as_str();
            return Aligned { fill: true, place: true };
        }
        if let Some(align) = first.and_then(align_of) {
            self.align = align;
            *rest = &rest[1..];
            return Aligned { fill: false, place: true };
        }
        Aligned { fill: false, place: false }
    }

    fn read_grouping(&mut self, rest: &mut &str) -> Result<(), String> {
        if take(rest, ',') {
            self.grouping = Some(',');
        }
        if take(rest, '_') {
            if self.grouping.is_some() {
                return Err("Cannot specify both ',' and '_'.".to_owned());
            }
            self.grouping = Some('_');
        }
        if self.grouping == Some('_') && rest.starts_with(',') {
            return Err("Cannot specify both ',' and '_'.".to_owned());
        }
        Ok(())
    }

    fn check_grouping(&self) -> Result<(), String> {
        let Some(grouping) = self.grouping else { return Ok(()) };
        match self.kind {
            None | Some('d' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F') => Ok(()),
            Some('b' | 'o' | 'x' | 'X') if grouping == '_' => Ok(()),
            Some(kind) => Err(format!("Cannot specify '{grouping}' with '{}'.", shown(kind))),
        }
    }
}

fn align_of(letter: char) -> Option<Align> {
    match letter {
        '<' => Some(Align::Left),
        '>' => Some(Align::Right),
        '^' => Some(Align::Centre),
        '=' => Some(Align::AfterSign),
        _ => None,
    }
}

fn take(rest: &mut &str, letter: char) -> bool {
    match rest.strip_prefix(letter) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

fn number(rest: &mut &str) -> Result<Option<usize>, String> {
    let end = rest.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let (digits, after) = rest.split_at(end);
    *rest = after;
    if digits.is_empty() {
        return Ok(None);
    }
    let value = digits.parse::<i64>().map_err(|_| "Too many decimal digits in format string".to_owned())?;
    Ok(Some(value as usize))
}

/// A format letter as messages show it.
pub(crate) fn shown(kind: char) -> String {
    if matches!(kind, '!'..='\x7f') { kind.to_string() } else { format!("\\x{:x}", u32::from(kind)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(text: &str) -> Result<Spec, String> {
        Spec::parse(text, "int", Align::Right)
    }

    #[test]
    fn all_parts_are_read_in_order() {
        let spec = int("*=+z#12,.3f").expect("a specification");
        assert_eq!((spec.fill, spec.align, spec.sign, spec.width), ('*', Align::AfterSign, Some('+'), 12));
        assert_eq!((spec.grouping, spec.precision, spec.kind), (Some(','), Some(3), Some('f')));
        assert!(spec.alternate && spec.no_negative_zero);
    }

    #[test]
    fn a_zero_before_the_width_fills_after_the_sign_unless_told_otherwise() {
        let zero = |text| int(text).map(|spec| (spec.fill, spec.align, spec.width)).expect("a specification");
        assert_eq!(zero("05"), ('0', Align::AfterSign, 5));
        assert_eq!(zero("<05"), ('0', Align::Left, 5));
        assert_eq!(zero("x<05"), ('x', Align::Left, 5));
        assert_eq!(zero("0<5"), ('0', Align::Left, 5));
        assert_eq!(zero("é^5"), ('é', Align::Centre, 5));
        let text = Spec::parse("05", "str", Align::Left).expect("a specification");
        assert_eq!((text.fill, text.align), ('0', Align::Left));
    }

    #[test]
    fn errors_are_those_of_cpython() {
        for (text, message) in [
            (".", "Format specifier missing precision"),
            ("5,_", "Cannot specify both ',' and '_'."),
            ("_,", "Cannot specify both ',' and '_'."),
            (",,", "Cannot specify ',' with ','."),
            (",x", "Cannot specify ',' with 'x'."),
            (",n", "Cannot specify ',' with 'n'."),
            ("_c", "Cannot specify '_' with 'c'."),
            ("1.5.5", "Invalid format specifier '1.5.5' for object of type 'int'"),
            ("q5", "Invalid format specifier 'q5' for object of type 'int'"),
            ("99999999999999999999", "Too many decimal digits in format string"),
        ] {
            assert_eq!(int(text), Err(message.to_owned()), "{text}");
        }
    }
}
