//! `+`, `*`, `%` and `|` of texts, bytes, lists, tuples and dicts, and what happens in place.

use crate::code::BinaryOp;
use crate::heap::{Dict, Heap, Text};
use crate::machine::{Machine, Unwind};
use crate::value::{Id, Value};

impl<H: Heap> Machine<H> {
    /// The operators of our own kinds that are no numbers; `None` when there is none. Operands are rooted.
    pub(super) fn sequence_binary(
        &mut self,
        op: BinaryOp,
        a: Value,
        b: Value,
    ) -> Result<Option<Value>, Unwind> {
        match (op, a, b) {
            (BinaryOp::Add, ..) => self.concatenate(a, b),
            (BinaryOp::Mul, ..) => self.multiply(a, b),
            (BinaryOp::Mod, Value::Str(id), _) => {
                let template = self.heap.text(id).text.clone();
                let text = self.percent_format(&template, b)?;
                Ok(Some(self.str(text)))
            }
            (BinaryOp::Or, Value::Dict(x), Value::Dict(y)) => {
                let merged = self.copy_dict(x);
                self.roots.push(Value::Dict(merged));
                self.merge_dict(merged, y)?;
                Ok(Some(Value::Dict(merged)))
            }
            _ => Ok(None),
        }
    }

    /// One text behind the other.
    pub(super) fn concatenate_texts(&mut self, x: Id, y: Id) -> Result<Value, Unwind> {
        let bytes = self.heap.text(x).text.len() + self.heap.text(y).text.len();
        self.reserve_items(bytes, 1)?;
        let (x, y) = (self.heap.text(x), self.heap.text(y));
        let mut text = String::with_capacity(bytes);
        text.push_str(&x.text);
        text.push_str(&y.text);
        let text = Text::with_chars(text, x.chars + y.chars);
        Ok(self.heap.new_text(text))
    }

    fn concatenate(&mut self, a: Value, b: Value) -> Result<Option<Value>, Unwind> {
        Ok(Some(match (a, b) {
            (Value::Str(x), Value::Str(y)) => self.concatenate_texts(x, y)?,
            (Value::List(x), Value::List(y)) => {
                let (first, second) = (self.heap.list(x, Vec::len), self.heap.list(y, Vec::len));
                self.reserve_items(first + second, size_of::<Value>())?;
                let mut items = Vec::with_capacity(first + second);
                self.heap.list(x, |x| items.extend_from_slice(x));
                self.heap.list(y, |y| items.extend_from_slice(y));
                self.heap.new_list(items)
            }
            (Value::Tuple(x), Value::Tuple(y)) => {
                let items = [self.heap.tuple(x), self.heap.tuple(y)].concat();
                self.heap.new_tuple(items)
            }
            (Value::Bytes(x), Value::Bytes(y)) => {
                self.reserve_items(self.heap.bytes(x).len() + self.heap.bytes(y).len(), 1)?;
                let bytes = [self.heap.bytes(x), self.heap.bytes(y)].concat();
                self.heap.new_bytes(bytes)
            }
            (Value::Str(_) | Value::List(_) | Value::Tuple(_), _) => {
                let (kind, other) = (self.type_name(a), self.type_name(b));
                let message = format!("can only concatenate {kind} (not \"{other}\") to {kind}");
                return Err(self.type_error(message));
            }
            (Value::Bytes(_), _) => {
                let other = self.type_name(b);
                return Err(self.type_error(format!("can't concat {other} to bytes")));
            }
            _ => return Ok(None),
        }))
    }

    fn multiply(&mut self, a: Value, b: Value) -> Result<Option<Value>, Unwind> {
        let (sequence, count) = if is_sequence(a) { (a, b) } else { (b, a) };
        if !is_sequence(sequence) {
            return Ok(None);
        }
        let Some(count) = self.index_of(count)? else {
            let kind = self.type_name(count);
            return Err(self.type_error(format!("can't multiply sequence by non-int of type '{kind}'")));
        };
        let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
        Ok(Some(match sequence {
            Value::Str(id) => {
                self.reserve_items(count, self.heap.text(id).text.len())?;
                let text = self.heap.text(id).text.repeat(count);
                self.str(text)
            }
            Value::Bytes(id) => {
                self.reserve_items(count, self.heap.bytes(id).len())?;
                let bytes = self.heap.bytes(id).repeat(count);
                self.heap.new_bytes(bytes)
            }
            Value::Tuple(id) => {
                self.reserve_items(count, size_of_val(self.heap.tuple(id)))?;
                let items = self.heap.tuple(id).repeat(count);
                self.heap.new_tuple(items)
            }
            Value::List(id) => {
                let items = self.heap.list(id, Vec::clone);
                self.reserve_items(count, size_of_val(&*items))?;
                self.heap.new_list(items.repeat(count))
            }
            _ => return Ok(None),
        }))
    }

    /// `+=` and `*=` of a list, `|=` of a dict; false when the plain operator does it.
    pub(super) fn sequence_in_place(&mut self, op: BinaryOp, a: Value, b: Value) -> Result<bool, Unwind> {
        match (op, a) {
            (BinaryOp::Add, Value::List(id)) => {
                self.rooted(&[a, b], |m| m.extend_list(id, b))?;
                Ok(true)
            }
            (BinaryOp::Mul, Value::List(id)) if self.special(b, "__rmul__").is_none() => {
                let Some(product) = self.rooted(&[a, b], |m| m.multiply(a, b))? else { return Ok(false) };
                let Value::List(product) = product else { return Ok(false) };
                let items = self.heap.list_mut(product, std::mem::take);
                self.heap.charge(items.len() * size_of::<Value>());
                self.heap.list_mut(id, |list| *list = items);
                Ok(true)
            }
            (BinaryOp::Or, Value::Dict(id)) if self.special(b, "__ror__").is_none() => {
                self.rooted(&[a, b], |m| m.update_dict(id, b))?;
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// list.extend(iterable); both are rooted.
    pub(crate) fn extend_list(&mut self, list: Id, iterable: Value) -> Result<(), Unwind> {
        let items = self.items(iterable)?;
        if items.len() > 4096 {
            self.rooted(&items, |m| m.reserve_items(items.len(), size_of::<Value>()))?;
        }
        let (before, after) = self.heap.list_mut(list, |list| {
            let before = list.capacity();
            list.extend_from_slice(&items);
            (before, list.capacity())
        });
        self.heap.charge((after - before) * size_of::<Value>());
        Ok(())
    }

    /// A new dict with the same pairs.
    pub(crate) fn copy_dict(&mut self, dict: Id) -> Id {
        let copy: Dict = self.heap.dict(dict, Dict::clone);
        let Value::Dict(copy) = self.heap.new_dict(copy) else { unreachable!("new_dict makes a dict") };
        copy
    }

    /// Sets all pairs of `from` in `dict`; both are rooted.
    pub(crate) fn merge_dict(&mut self, dict: Id, from: Id) -> Result<(), Unwind> {
        let pairs: Vec<(Value, Value)> = self.heap.dict(from, |from| from.iter().collect());
        for (key, value) in pairs {
            self.dict_set(dict, key, value)?;
        }
        Ok(())
    }

    /// dict.update(other): a dict, or an iterable of pairs; both are rooted.
    pub(crate) fn update_dict(&mut self, dict: Id, other: Value) -> Result<(), Unwind> {
        if let Value::Dict(other) = other {
            return self.merge_dict(dict, other);
        }
        if self.special(other, "keys").is_some() {
            return self.update_from_mapping(dict, other);
        }
        let iterator = self.iterator(other)?;
        self.rooted(&[iterator], |m| {
            let mut at = 0;
            while let Some(pair) = m.next(iterator)? {
                m.rooted(&[pair], |m| m.set_pair(dict, pair, at))?;
                at += 1;
            }
            Ok(())
        })
    }

    fn update_from_mapping(&mut self, dict: Id, other: Value) -> Result<(), Unwind> {
        let keys = self.get_attr(other, "keys")?;
        let keys = self.call(keys, &[])?;
        let iterator = self.iterator(keys)?;
        self.rooted(&[iterator], |m| {
            while let Some(key) = m.next(iterator)? {
                let value = m.rooted(&[key], |m| m.subscript(other, key))?;
                m.dict_set(dict, key, value)?;
            }
            Ok(())
        })
    }

    fn set_pair(&mut self, dict: Id, pair: Value, at: usize) -> Result<(), Unwind> {
        if !self.is_iterable(pair) {
            let message = format!("cannot convert dictionary update sequence element #{at} to a sequence");
            return Err(self.type_error(message));
        }
        let items = self.items(pair)?;
        let &[key, value] = &*items else {
            let length = items.len();
            let message =
                format!("dictionary update sequence element #{at} has length {length}; 2 is required");
            return Err(self.value_error(message));
        };
        self.dict_set(dict, key, value)
    }
}

fn is_sequence(value: Value) -> bool {
    matches!(value, Value::Str(_) | Value::Bytes(_) | Value::List(_) | Value::Tuple(_))
}
