//! `str.format`: fields by place and by name, attributes and items of them, conversions, nested specifications.
//!
//! # Source
//! `Objects/stringlib/unicode_format.h` of CPython 3.11, errors included.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

/// The arguments of one `str.format`, and how its fields are numbered so far.
pub(crate) struct Fields {
    pub(crate) positional: Vec<Value>,
    pub(crate) named: Vec<(Box<str>, Value)>,
    next: usize,
    /// Whether fields are numbered by themselves, once one of them has shown it.
    automatic: Option<bool>,
}

impl Fields {
    pub(crate) fn new(positional: Vec<Value>, named: Vec<(Box<str>, Value)>) -> Fields {
        Fields { positional, named, next: 0, automatic: None }
    }
}

/// A replacement field: `{name!conversion:spec}`.
struct Field<'a> {
    name: &'a str,
    conversion: Option<char>,
    spec: &'a str,
}

impl<H: Heap> Machine<H> {
    /// `template.format(...)`; the arguments are rooted by the caller.
    pub(crate) fn format_template(&mut self, template: &str, fields: &mut Fields) -> Result<String, Unwind> {
        self.fill_in(template, fields, 2)
    }

    fn fill_in(&mut self, template: &str, fields: &mut Fields, levels: usize) -> Result<String, Unwind> {
        if levels == 0 {
            return Err(self.value_error("Max string recursion exceeded"));
        }
        let mut out = String::with_capacity(template.len() + 16);
        let mut rest = template;
        while let Some(at) = rest.find(['{', '}']) {
            out.push_str(&rest[..at]);
            let brace = &rest[at..=at];
            rest = &rest[at + 1..];
            if let Some(after) = rest.strip_prefix(brace) {
                out.push_str(brace);
                rest = after;
                continue;
            }
            if brace == "}" || rest.is_empty() {
                return Err(self.value_error(format!("Single '{brace}' encountered in format string")));
            }
            let (field, after) = match split_field(rest) {
                Ok(parts) => parts,
                Err(message) => return Err(self.value_error(message)),
            };
            rest = after;
            let text = self.replacement(&field, fields, levels)?;
            out.push_str(&text);
        }
        out.push_str(rest);
        Ok(out)
    }

    fn replacement(
        &mut self,
        field: &Field<'_>,
        fields: &mut Fields,
        levels: usize,
    ) -> Result<String, Unwind> {
        let value = self.field_value(field.name, fields)?;
        self.rooted(&[value], |m| {
            let converted = match field.conversion {
                None => value,
                Some(conversion) => {
                    let text = match conversion {
                        's' => m.str_of(value)?,
                        'r' => m.repr(value)?,
                        'a' => m.ascii(value)?,
                        other => return Err(m.value_error(format!("Unknown conversion specifier {other}"))),
                    };
                    m.str(text)
                }
            };
            m.rooted(&[converted], |m| {
                if field.spec.contains(['{', '}']) {
                    let spec = m.fill_in(field.spec, fields, levels - 1)?;
                    return m.format(converted, &spec);
                }
                m.format(converted, field.spec)
            })
        })
    }

    /// The value that `name.attribute[item]` names.
    fn field_value(&mut self, name: &str, fields: &mut Fields) -> Result<Value, Unwind> {
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (first, mut path) = name.split_at(end);
        let mut value = self.first_value(first, fields)?;
        while !path.is_empty() {
            value = if let Some(rest) = path.strip_prefix('.') {
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                path = &rest[end..];
                if end == 0 {
                    return Err(self.value_error("Empty attribute in format string"));
                }
                self.rooted(&[value], |m| m.get_attr(value, &rest[..end]))?
            } else {
                let inside = &path[1..];
                let Some(end) = inside.find(']') else {
                    return Err(self.value_error("Missing ']' in format string"));
                };
                path = &inside[end + 1..];
                if end == 0 {
                    return Err(self.value_error("Empty attribute in format string"));
                }
                let item = self.place_or_name(&inside[..end])?;
                let found = self.rooted(&[value, item], |m| m.subscript(value, item))?;
                if !path.is_empty() && !path.starts_with(['.', '[']) {
                    let message = "Only '.' or '[' may follow ']' in format field specifier";
                    return Err(self.value_error(message));
                }
                found
            };
        }
        Ok(value)
    }

    fn place_or_name(&mut self, text: &str) -> Result<Value, Unwind> {
        if !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(self.str(text));
        }
        match text.parse() {
            Ok(number) => Ok(Value::Int(number)),
            Err(_) => Err(self.value_error("Too many decimal digits in format string")),
        }
    }

    fn first_value(&mut self, name: &str, fields: &mut Fields) -> Result<Value, Unwind> {
        let numbered = name.bytes().all(|byte| byte.is_ascii_digit());
        if !numbered {
            let found = fields.named.iter().find(|(other, _)| **other == *name);
            if let Some((_, value)) = found {
                return Ok(*value);
            }
            let key = self.str(name);
            return Err(self.key_error(key));
        }
        let automatic = name.is_empty();
        if fields.automatic.is_some_and(|before| before != automatic) {
            let (from, to) = ("manual field specification", "automatic field numbering");
            let (from, to) = if automatic { (from, to) } else { (to, from) };
            return Err(self.value_error(format!("cannot switch from {from} to {to}")));
        }
        fields.automatic = Some(automatic);
        let place = if automatic {
            fields.next += 1;
            fields.next - 1
        } else {
            match name.parse::<u32>() {
                Ok(place) => place as usize,
                Err(_) => return Err(self.value_error("Too many decimal digits in format string")),
            }
        };
        match fields.positional.get(place) {
            Some(value) => Ok(*value),
            None => {
                let message = format!("Replacement index {place} out of range for positional args tuple");
                Err(self.raise(types::INDEX_ERROR, message))
            }
        }
    }
}

/// The field that begins behind a brace, and what follows its end; the error is the message of a ValueError.
fn split_field(text: &str) -> Result<(Field<'_>, &str), String> {
    let mut bracket = false;
    let end = text.bytes().position(|byte| {
        bracket = (bracket || byte == b'[') && byte != b']';
        !bracket && matches!(byte, b'{' | b'}' | b':' | b'!')
    });
    let Some(end) = end else { return Err("expected '}' before end of string".to_owned()) };
    let name = &text[..end];
    let mut rest = &text[end + 1..];
    let mut conversion = None;
    match text.as_bytes()[end] {
        b'{' => return Err("unexpected '{' in field name".to_owned()),
        b'}' => return Ok((Field { name, conversion, spec: "" }, rest)),
        b'!' => {
            let mut letters = rest.chars();
            conversion = letters.next();
            if conversion.is_none() {
                return Err("end of string while looking for conversion specifier".to_owned());
            }
            if conversion == Some('}') {
                return Err("unmatched '{' in format spec".to_owned());
            }
            match letters.next() {
                Some('}') => return Ok((Field { name, conversion, spec: "" }, letters.as_str())),
                Some(':') => rest = letters.as_str(),
                Some(_) => return Err("expected ':' after conversion specifier".to_owned()),
                None => return Err("unmatched '{' in format spec".to_owned()),
            }
        }
        _ => {}
    }
    let mut depth = 1;
    let close = rest.bytes().position(|byte| {
        depth += i32::from(byte == b'{') - i32::from(byte == b'}');
        depth == 0
    });
    let Some(close) = close else { return Err("unmatched '{' in format spec".to_owned()) };
    Ok((Field { name, conversion, spec: &rest[..close] }, &rest[close + 1..]))
}
