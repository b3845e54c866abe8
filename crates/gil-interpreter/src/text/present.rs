//! `format(value, spec)`, which f-strings and `str.format` use too, and the numbers that texts hold.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::text::format::{self, FormatError};
use crate::text::spec::{Align, Spec};
use crate::text::{NoInt, parse_float, parse_int, quote};
use crate::types;
use crate::value::Value;

impl<H: Heap> Machine<H> {
    /// `format(value, spec)`
    pub(crate) fn format(&mut self, value: Value, spec: &str) -> Result<String, Unwind> {
        if let Value::Instance(_) = value
            && let Some(method) = self.special(value, "__format__")
        {
            return self.format_by(method, value, spec);
        }
        if spec.is_empty() {
            return self.str_of(value);
        }
        let align = match value {
            Value::Int(_) | Value::Bool(_) | Value::Float(_) => Align::Right,
            Value::Str(_) => Align::Left,
            _ => return Err(self.no_format(value)),
        };
        let kind = self.type_name(value);
        let spec = match Spec::parse(spec, &kind, align) {
            Ok(spec) => spec,
            Err(message) => return Err(self.value_error(message)),
        };
        self.room_for(&spec, value)?;
        let text = match value {
            Value::Int(number) => format::format_int(number, &spec, &kind),
            Value::Bool(flag) => format::format_int(i64::from(flag), &spec, &kind),
            Value::Float(number) => format::format_float(number, &spec, &kind),
            Value::Str(id) => format::format_str(&self.heap.text(id).text, &spec, &kind),
            _ => return Err(self.no_format(value)),
        };
        text.map_err(|error| self.format_error(error))
    }

    /// What `object.__format__` answers.
    pub(crate) fn plain_format(&mut self, value: Value, spec: &str) -> Result<String, Unwind> {
        if spec.is_empty() { self.str_of(value) } else { Err(self.no_format(value)) }
    }

    fn format_by(&mut self, method: Value, value: Value, spec: &str) -> Result<String, Unwind> {
        let spec = self.str(spec);
        let result = self.rooted(&[value], |m| m.call_special(method, value, &[spec]))?;
        match result {
            Value::Str(id) => Ok(self.heap.text(id).text.to_string()),
            other => {
                let kind = self.type_name(other);
                Err(self.type_error(format!("__format__ must return a str, not {kind}")))
            }
        }
    }

    #[cold]
    fn no_format(&mut self, value: Value) -> Unwind {
        let kind = self.type_name(value);
        self.type_error(format!("unsupported format string passed to {kind}.__format__"))
    }

    /// Asks for the memory that width and precision will take.
    pub(super) fn room_for(&mut self, spec: &Spec, value: Value) -> Result<(), Unwind> {
        let precision = if let Value::Str(_) = value { 0 } else { spec.precision.unwrap_or(0) };
        let bytes = spec.width.saturating_add(precision).saturating_mul(8);
        if bytes > 1 << 16 { self.rooted(&[value], |m| m.reserve(bytes)) } else { Ok(()) }
    }

    pub(super) fn format_error(&mut self, error: FormatError) -> Unwind {
        match error {
            FormatError::Value(message) => self.value_error(message),
            FormatError::Overflow(message) => self.raise(types::OVERFLOW_ERROR, message),
        }
    }

    /// `int(text, base)`, with its ValueError or OverflowError.
    pub(crate) fn int_of_text(&mut self, text: &str, base: i64) -> Result<i64, Unwind> {
        if base != 0 && !(2..=36).contains(&base) {
            return Err(self.value_error("int() base must be >= 2 and <= 36, or 0"));
        }
        match parse_int(text, base as u32) {
            Ok(value) => Ok(value),
            Err(NoInt::TooBig) => Err(self.overflow("int()")),
            Err(NoInt::Invalid) => {
                let shown = quote::quote(format::first_characters(text, 200));
                Err(self.value_error(format!("invalid literal for int() with base {base}: {shown}")))
            }
        }
    }

    /// `float(text)`, with its ValueError.
    pub(crate) fn float_of_text(&mut self, text: &str) -> Result<f64, Unwind> {
        parse_float(text).ok_or_else(|| {
            let shown = quote::quote(text);
            self.value_error(format!("could not convert string to float: {shown}"))
        })
    }
}
