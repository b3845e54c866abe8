//! The `%` operator of str: `template % values`.
//!
//! # Source
//! `PyUnicode_Format` in CPython 3.11's `Objects/unicodeobject.c`.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::text::format::{self, Number};
use crate::text::spec::{Align, Spec};
use crate::types;
use crate::value::Value;

/// One `%...` of a template.
struct Directive {
    spec: Spec,
    zero: bool,
    left: bool,
    kind: char,
}

/// Where the values come from, and how many were taken.
struct Source {
    values: Vec<Value>,
    taken: usize,
    /// What names are looked up in; nothing that is left over counts then.
    mapping: Option<Value>,
}

impl<H: Heap> Machine<H> {
    /// `template % values`, where a tuple holds several values.
    pub(crate) fn percent_format(&mut self, template: &str, values: Value) -> Result<String, Unwind> {
        let held = self.roots.len();
        self.roots.push(values);
        let result = self.percent(template, values);
        self.roots.truncate(held);
        result
    }

    fn percent(&mut self, template: &str, values: Value) -> Result<String, Unwind> {
        let mut source = Source { values: vec![values], taken: 0, mapping: None };
        match values {
            Value::Tuple(id) => source.values = self.heap.tuple(id).to_vec(),
            Value::Str(_) => {}
            Value::Dict(_) | Value::List(_) | Value::Bytes(_) | Value::Range(_) => {
                source.mapping = Some(values)
            }
            Value::Instance(_) if self.special(values, "__getitem__").is_some() => {
                source.mapping = Some(values)
            }
            _ => {}
        }
        let mut out = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some(at) = rest.find('%') {
            out.push_str(&rest[..at]);
            rest = self.directive(template, &rest[at + 1..], &mut source, &mut out)?;
        }
        out.push_str(rest);
        if source.taken < source.values.len() && source.mapping.is_none() {
            return Err(self.type_error("not all arguments converted during string formatting"));
        }
        Ok(out)
    }

    /// Reads and writes one directive; what follows it is the answer.
    fn directive<'a>(
        &mut self,
        template: &'a str,
        after: &'a str,
        source: &mut Source,
        out: &mut String,
    ) -> Result<&'a str, Unwind> {
        let mut rest = after;
        let held = self.roots.len();
        if let Some(key) = rest.strip_prefix('(') {
            rest = self.keyed(key, source)?;
        }
        let mut directive =
            Directive { spec: Spec::plain(Align::Right), zero: false, left: false, kind: 's' };
        rest = directive.flags(rest);
        rest = self.width(rest, &mut directive, source)?;
        rest = self.precision(rest, &mut directive, source)?;
        rest = rest.strip_prefix(['h', 'l', 'L']).unwrap_or(rest);
        let Some(kind) = rest.chars().next() else { return Err(self.value_error("incomplete format")) };
        directive.kind = kind;
        let following = &rest[kind.len_utf8()..];
        if kind == '%' && rest.len() == after.len() {
            out.push('%');
        } else {
            let value = self.next_value(source)?;
            if !"diouxXeEfFgGcrsa".contains(kind) {
                let place = template[..template.len() - rest.len()].chars().count();
                let shown = if matches!(kind, ' '..='~') { kind } else { '?' };
                let message = format!(
                    "unsupported format character '{shown}' ({:#x}) at index {place}",
                    u32::from(kind)
                );
                return Err(self.value_error(message));
            }
            self.convert(&mut directive, value, out)?;
        }
        self.roots.truncate(held);
        Ok(following)
    }

    /// `name)...`: the values become the one under that name.
    fn keyed<'a>(&mut self, text: &'a str, source: &mut Source) -> Result<&'a str, Unwind> {
        let Some(mapping) = source.mapping else {
            return Err(self.type_error("format requires a mapping"));
        };
        let mut depth = 1;
        let end = text.bytes().position(|byte| {
            depth += i32::from(byte == b'(') - i32::from(byte == b')');
            depth == 0
        });
        let Some(end) = end else { return Err(self.value_error("incomplete format key")) };
        let key = self.str(&text[..end]);
        let value = self.rooted(&[key], |m| m.subscript(mapping, key))?;
        self.roots.push(value);
        *source = Source { values: vec![value], taken: 0, mapping: source.mapping };
        Ok(&text[end + 1..])
    }

    fn next_value(&mut self, source: &mut Source) -> Result<Value, Unwind> {
        source.taken += 1;
        match source.values.get(source.taken - 1) {
            Some(value) => Ok(*value),
            None => Err(self.type_error("not enough arguments for format string")),
        }
    }

    /// Digits or a star.
    fn amount<'a>(
        &mut self,
        text: &'a str,
        source: &mut Source,
        what: &str,
    ) -> Result<(&'a str, Option<i64>), Unwind> {
        if let Some(rest) = text.strip_prefix('*') {
            return match self.next_value(source)? {
                Value::Int(number) => Ok((rest, Some(number))),
                Value::Bool(flag) => Ok((rest, Some(i64::from(flag)))),
                _ => Err(self.type_error("* wants int")),
            };
        }
        let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
        if end == 0 {
            return Ok((text, None));
        }
        match text[..end].parse::<i64>() {
            Ok(number) if what == "width" || number <= i64::from(i32::MAX) => {
                Ok((&text[end..], Some(number)))
            }
            _ => Err(self.value_error(format!("{what} too big"))),
        }
    }

    fn width<'a>(
        &mut self,
        text: &'a str,
        to: &mut Directive,
        source: &mut Source,
    ) -> Result<&'a str, Unwind> {
        let (rest, width) = self.amount(text, source, "width")?;
        let width = width.unwrap_or(0);
        to.left |= width < 0;
        to.spec.width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        Ok(rest)
    }

    fn precision<'a>(
        &mut self,
        text: &'a str,
        to: &mut Directive,
        source: &mut Source,
    ) -> Result<&'a str, Unwind> {
        let Some(text) = text.strip_prefix('.') else { return Ok(text) };
        let (rest, precision) = self.amount(text, source, "precision")?;
        to.spec.precision = Some(usize::try_from(precision.unwrap_or(0).max(0)).unwrap_or(usize::MAX));
        Ok(rest)
    }

    fn convert(&mut self, directive: &mut Directive, value: Value, out: &mut String) -> Result<(), Unwind> {
        self.room_for(&directive.spec, value)?;
        match directive.kind {
            's' | 'r' | 'a' => {
                if let (Value::Str(id), 's', 0, None) =
                    (value, directive.kind, directive.spec.width, directive.spec.precision)
                {
                    out.push_str(&self.heap.text(id).text);
                    return Ok(());
                }
                let text = match directive.kind {
                    's' => self.str_of(value)?,
                    'r' => self.repr(value)?,
                    _ => self.ascii(value)?,
                };
                out.push_str(&directive.text(&text));
            }
            'c' => {
                let character = self.char_of(value)?;
                directive.spec.precision = None;
                out.push_str(&directive.text(&character));
            }
            'd' | 'i' | 'u' | 'o' | 'x' | 'X' => {
                let number = self.integer(value, directive.kind)?;
                out.push_str(&directive.integer(number));
            }
            _ => {
                let number = self.real(value)?;
                directive.align_number();
                directive.spec.kind = Some(directive.kind);
                directive.spec.precision.get_or_insert(6);
                let text = format::format_float(number, &directive.spec, "float");
                out.push_str(&text.map_err(|error| self.format_error(error))?);
            }
        }
        Ok(())
    }

    fn char_of(&mut self, value: Value) -> Result<String, Unwind> {
        let code = match value {
            Value::Str(id) if self.heap.text(id).chars == 1 => {
                return Ok(self.heap.text(id).text.to_string());
            }
            Value::Str(_) => None,
            _ => self.index_of(value)?,
        };
        let Some(code) = code else { return Err(self.type_error("%c requires int or char")) };
        match u32::try_from(code).ok().and_then(char::from_u32) {
            Some(character) => Ok(character.to_string()),
            None => Err(self.raise(types::OVERFLOW_ERROR, "%c arg not in range(0x110000)")),
        }
    }

    fn integer(&mut self, value: Value, kind: char) -> Result<i64, Unwind> {
        if let Some(number) = self.index_of(value)? {
            return Ok(number);
        }
        let exact = matches!(kind, 'o' | 'x' | 'X');
        match value {
            Value::Float(number) if !exact => return self.whole_part(number),
            Value::Instance(_) if !exact => {
                if let Some(method) = self.special(value, "__int__")
                    && let Value::Int(number) = self.call_special(method, value, &[])?
                {
                    return Ok(number);
                }
            }
            _ => {}
        }
        let wanted = if exact { "an integer" } else { "a real number" };
        let type_name = self.type_name(value);
        Err(self.type_error(format!("%{kind} format: {wanted} is required, not {type_name}")))
    }

    /// The whole part of a float, as `int` gives it.
    pub(crate) fn whole_part(&mut self, number: f64) -> Result<i64, Unwind> {
        if number.is_nan() {
            return Err(self.value_error("cannot convert float NaN to integer"));
        }
        if number.is_infinite() {
            return Err(self.raise(types::OVERFLOW_ERROR, "cannot convert float infinity to integer"));
        }
        // -2^63 is a float, 2^63 is the first beyond.
        let limit = -(i64::MIN as f64);
        if number.trunc() >= -limit && number.trunc() < limit {
            Ok(number.trunc() as i64)
        } else {
            Err(self.overflow("int()"))
        }
    }

    fn real(&mut self, value: Value) -> Result<f64, Unwind> {
        match value {
            Value::Float(number) => return Ok(number),
            Value::Int(number) => return Ok(number as f64),
            Value::Bool(flag) => return Ok(f64::from(u8::from(flag))),
            Value::Instance(_) => {
                if let Some(method) = self.special(value, "__float__")
                    && let Value::Float(number) = self.call_special(method, value, &[])?
                {
                    return Ok(number);
                }
                if let Some(number) = self.index_of(value)? {
                    return Ok(number as f64);
                }
            }
            _ => {}
        }
        let kind = self.type_name(value);
        Err(self.type_error(format!("must be real number, not {kind}")))
    }
}

impl Directive {
    fn flags<'a>(&mut self, mut text: &'a str) -> &'a str {
        while let Some(flag) = text.chars().next() {
            match flag {
                '-' => self.left = true,
                '+' => self.spec.sign = Some('+'),
                ' ' => self.spec.sign = self.spec.sign.or(Some(' ')),
                '#' => self.spec.alternate = true,
                '0' => self.zero = true,
                _ => break,
            }
            text = &text[1..];
        }
        text
    }

    /// Where a number stands in its width.
    fn align_number(&mut self) {
        (self.spec.fill, self.spec.align) = match (self.left, self.zero) {
            (true, _) => (' ', Align::Left),
            (false, true) => ('0', Align::AfterSign),
            (false, false) => (' ', Align::Right),
        };
    }

    fn text(&mut self, text: &str) -> String {
        let text = self.spec.precision.map_or(text, |precision| format::first_characters(text, precision));
        self.spec.align = if self.left { Align::Left } else { Align::Right };
        format::padded(text, &self.spec)
    }

    fn integer(&mut self, number: i64) -> String {
        self.align_number();
        let size = number.unsigned_abs();
        let (prefix, mut digits) = match self.kind {
            'o' => ("0o", format!("{size:o}")),
            'x' => ("0x", format!("{size:x}")),
            'X' => ("0X", format!("{size:X}")),
            _ => ("", size.to_string()),
        };
        let least = self.spec.precision.unwrap_or(0);
        if digits.len() < least {
            digits.insert_str(0, &"0".repeat(least - digits.len()));
        }
        let prefix = if self.spec.alternate { prefix } else { "" };
        Number { negative: number < 0, prefix, digits: &digits, rest: "", group: 3 }.laid_out(&self.spec)
    }
}
