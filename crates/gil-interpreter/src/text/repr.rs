//! The texts of every value: repr, str and ascii.
//!
//! # Model
//! A container is written item by item while it may change: another thread or its own items' `__repr__` may run in
//! between. What is being written stands in `printing`; a container found there again is shown as dots.

use crate::heap::{DictPart, Heap};
use crate::machine::{Machine, Unwind};
use crate::text::{float_repr, quote};
use crate::types;
use crate::value::{Id, Value};

/// Texts shorter than this grow without asking for room.
const SMALL_BYTES: usize = 1 << 16;

impl<H: Heap> Machine<H> {
    /// `repr(value)`
    pub(crate) fn repr(&mut self, value: Value) -> Result<String, Unwind> {
        match value {
            Value::Str(id) => Ok(quote::quote(&self.heap.text(id).text)),
            _ => {
                let mut out = String::new();
                self.push_repr(&mut out, value)?;
                Ok(out)
            }
        }
    }

    /// `str(value)`
    pub(crate) fn str_of(&mut self, value: Value) -> Result<String, Unwind> {
        match value {
            Value::Str(id) => Ok(self.heap.text(id).text.to_string()),
            Value::Int(number) => Ok(number.to_string()),
            Value::Instance(_) => match self.special(value, "__str__") {
                Some(method) => self.text_by(method, value, "__str__"),
                None => self.plain_str(value),
            },
            _ => self.repr(value),
        }
    }

    /// `ascii(value)`
    pub(crate) fn ascii(&mut self, value: Value) -> Result<String, Unwind> {
        let text = self.repr(value)?;
        Ok(if text.is_ascii() { text } else { quote::escape_beyond_ascii(&text) })
    }

    /// What `object.__str__` and `BaseException.__str__` answer.
    pub(crate) fn plain_str(&mut self, value: Value) -> Result<String, Unwind> {
        if self.is_instance(value, types::BASE_EXCEPTION) {
            self.exception_str(value)
        } else {
            self.repr(value)
        }
    }

    /// What `object.__repr__` and `BaseException.__repr__` answer.
    pub(crate) fn plain_repr(&mut self, value: Value) -> Result<String, Unwind> {
        if self.is_instance(value, types::BASE_EXCEPTION) {
            self.exception_repr(value)
        } else {
            Ok(self.describe(value))
        }
    }

    /// Calls a special method that must return a str.
    fn text_by(&mut self, method: Value, value: Value, name: &str) -> Result<String, Unwind> {
        let result = self.rooted(&[value], |m| m.call_special(method, value, &[]))?;
        match result {
            Value::Str(id) => Ok(self.heap.text(id).text.to_string()),
            other => {
                let kind = self.type_name(other);
                Err(self.type_error(format!("{name} returned non-string (type {kind})")))
            }
        }
    }

    fn push_repr(&mut self, out: &mut String, value: Value) -> Result<(), Unwind> {
        match value {
            Value::None => out.push_str("None"),
            Value::Bool(flag) => out.push_str(if flag { "True" } else { "False" }),
            Value::Int(number) => out.push_str(&number.to_string()),
            Value::Float(number) => out.push_str(&float_repr(number)),
            Value::Str(id) => quote::push_quoted(out, &self.heap.text(id).text),
            Value::Bytes(id) => out.push_str(&quote::quote_bytes(self.heap.bytes(id))),
            Value::List(id) => self.push_inside(out, value, "[...]", |m, out| m.push_list(out, id))?,
            Value::Tuple(id) => self.push_inside(out, value, "(...)", |m, out| m.push_tuple(out, id))?,
            Value::Dict(id) => self.push_inside(out, value, "{...}", |m, out| m.push_dict(out, id))?,
            Value::DictView(id) => self.push_inside(out, value, "...", |m, out| m.push_view(out, id))?,
            Value::Range(id) => {
                let range = self.heap.range(id);
                let step = if range.step == 1 { String::new() } else { format!(", {}", range.step) };
                out.push_str(&format!("range({}, {}{step})", range.start, range.stop));
            }
            Value::Slice(id) => self.push_slice(out, id)?,
            Value::Instance(_) => {
                let text = match self.special(value, "__repr__") {
                    Some(method) => self.text_by(method, value, "__repr__")?,
                    None => self.plain_repr(value)?,
                };
                out.push_str(&text);
            }
            Value::BoundMethod(id) => self.push_bound_method(out, id)?,
            _ => out.push_str(&self.describe(value)),
        }
        Ok(())
    }

    /// Writes what is inside a container, or dots where it is inside itself.
    fn push_inside(
        &mut self,
        out: &mut String,
        value: Value,
        dots: &str,
        write: impl FnOnce(&mut Machine<H>, &mut String) -> Result<(), Unwind>,
    ) -> Result<(), Unwind> {
        if self.printing.contains(&value) {
            out.push_str(dots);
            return Ok(());
        }
        self.unless_stopped()?;
        self.printing.push(value);
        let result =
            self.rooted(&[value], |m| m.deeper(" while getting the repr of an object", |m| write(m, out)));
        self.printing.pop();
        result
    }

    /// One item of a container, which stays alive meanwhile.
    fn push_item(&mut self, out: &mut String, item: Value) -> Result<(), Unwind> {
        if out.len() > SMALL_BYTES && out.capacity() - out.len() < SMALL_BYTES {
            let bytes = out.capacity();
            self.rooted(&[item], |m| m.reserve(2 * bytes))?;
            out.reserve(bytes);
        }
        match item {
            Value::Instance(_) | Value::BoundMethod(_) => self.rooted(&[item], |m| m.push_repr(out, item)),
            _ => self.push_repr(out, item),
        }
    }

    fn push_list(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        out.push('[');
        let mut at = 0;
        while let Some(item) = self.heap.list(id, |items| items.get(at).copied()) {
            if at > 0 {
                out.push_str(", ");
            }
            self.push_item(out, item)?;
            at += 1;
        }
        out.push(']');
        Ok(())
    }

    fn push_tuple(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        let count = self.heap.tuple(id).len();
        out.push('(');
        for at in 0..count {
            if at > 0 {
                out.push_str(", ");
            }
            let item = self.heap.tuple(id)[at];
            self.push_item(out, item)?;
        }
        out.push_str(if count == 1 { ",)" } else { ")" });
        Ok(())
    }

    fn push_dict(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        out.push('{');
        let (mut position, mut first) = (0, true);
        while let Some((next, key, value)) = self.heap.dict(id, |dict| dict.next(position)) {
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
            position = next;
            self.rooted(&[key, value], |m| {
                m.push_item(out, key)?;
                out.push_str(": ");
                m.push_item(out, value)
            })?;
        }
        out.push('}');
        Ok(())
    }

    fn push_view(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        let view = self.heap.dict_view(id);
        out.push_str(match view.part {
            DictPart::Keys => "dict_keys([",
            DictPart::Values => "dict_values([",
            DictPart::Items => "dict_items([",
        });
        let (mut position, mut first) = (0, true);
        while let Some((next, key, value)) = self.heap.dict(view.dict, |dict| dict.next(position)) {
            if !std::mem::take(&mut first) {
                out.push_str(", ");
            }
            position = next;
            self.rooted(&[key, value], |m| match view.part {
                DictPart::Keys => m.push_item(out, key),
                DictPart::Values => m.push_item(out, value),
                DictPart::Items => {
                    out.push('(');
                    m.push_item(out, key)?;
                    out.push_str(", ");
                    m.push_item(out, value)?;
                    out.push(')');
                    Ok(())
                }
            })?;
        }
        out.push_str("])");
        Ok(())
    }

    fn push_slice(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        let slice = self.heap.slice(id);
        self.rooted(&[Value::Slice(id)], |m| {
            out.push_str("slice(");
            m.push_item(out, slice.start)?;
            out.push_str(", ");
            m.push_item(out, slice.stop)?;
            out.push_str(", ");
            m.push_item(out, slice.step)?;
            out.push(')');
            Ok(())
        })
    }

    /// The arguments of an exception.
    pub(super) fn exception_args(&mut self, exception: Value) -> Vec<Value> {
        let Value::Instance(id) = exception else { return Vec::new() };
        let args = self.heap.instance(id, |instance| instance.slots.get(types::SLOT_ARGS).copied());
        match args {
            Some(Value::Tuple(args)) => self.heap.tuple(args).to_vec(),
            _ => Vec::new(),
        }
    }

    fn exception_repr(&mut self, exception: Value) -> Result<String, Unwind> {
        let mut out = self.type_name(exception).into_string();
        let args = self.exception_args(exception);
        self.push_inside(&mut out, exception, "(...)", |m, out| {
            out.push('(');
            m.rooted(&args, |m| {
                for (at, arg) in args.iter().enumerate() {
                    if at > 0 {
                        out.push_str(", ");
                    }
                    m.push_item(out, *arg)?;
                }
                Ok(())
            })?;
            out.push(')');
            Ok(())
        })?;
        Ok(out)
    }

    fn exception_str(&mut self, exception: Value) -> Result<String, Unwind> {
        let args = self.exception_args(exception);
        let class = self.class_of(exception);
        self.rooted(&args, |m| match *args {
            [] => Ok(String::new()),
            [key] if m.is_subclass(class, types::KEY_ERROR) => m.repr(key),
            [only] => m.deeper("", |m| m.str_of(only)),
            [number, words] if m.is_subclass(class, types::OS_ERROR) => {
                Ok(format!("[Errno {}] {}", m.str_of(number)?, m.str_of(words)?))
            }
            [number, words, file, ..] if m.is_subclass(class, types::OS_ERROR) => {
                Ok(format!("[Errno {}] {}: {}", m.str_of(number)?, m.str_of(words)?, m.repr(file)?))
            }
            [codec, subject, start, end, reason] if m.is_subclass(class, types::UNICODE_ERROR) => {
                m.unicode_error_str([codec, subject, start, end, reason])
            }
            _ => {
                let args = m.heap.new_tuple(args.clone());
                m.rooted(&[args], |m| m.repr(args))
            }
        })
    }

    /// `'utf-8' codec can't decode byte 0xff in position 0: invalid start byte`
    fn unicode_error_str(
        &mut self,
        [codec, subject, start, end, reason]: [Value; 5],
    ) -> Result<String, Unwind> {
        let (Value::Int(start), Value::Int(end)) = (start, end) else { return Ok(String::new()) };
        let (codec, reason) = (self.str_of(codec)?, self.str_of(reason)?);
        let one = end == start + 1;
        let place = if one { format!("position {start}") } else { format!("position {start}-{}", end - 1) };
        let what = match subject {
            Value::Bytes(id) => {
                let byte = self.heap.bytes(id).get(start as usize).copied().unwrap_or(0);
                if one { format!("decode byte 0x{byte:02x}") } else { "decode bytes".to_owned() }
            }
            Value::Str(id) if one => {
                let mut code = String::new();
                if let Some(character) = self.heap.text(id).text.chars().nth(start as usize) {
                    quote::push_code(&mut code, character);
                }
                format!("encode character '{code}'")
            }
            _ => "encode characters".to_owned(),
        };
        Ok(format!("'{codec}' codec can't {what} in {place}: {reason}"))
    }
}
