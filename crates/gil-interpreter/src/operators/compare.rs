//! `==`, `<` and the others, and the truth of a value.
//!
//! # Model
//! Numbers are compared exactly across their kinds, texts and bytes by what they hold, lists and tuples by their
//! first items that differ, dicts and ranges for equality only. An instance is asked by its special method, then the
//! other operand by the reflected one; the class that derives from the other's class is asked first. What nobody can
//! compare is equal to itself alone and has no order.
//!
//! Items that are the same object count as equal without being asked. As numbers are no objects here, the bits of a
//! NaN stand for its identity.

use std::cmp::Ordering;

use super::numbers::exact_order;
use crate::code::CompareOp;
use crate::heap::keys::numbers_equal;
use crate::heap::{DictPart, Heap, Range};
use crate::machine::{Machine, Unwind};
use crate::value::{Id, Value};

/// Where a comparison inside a comparison ran out of depth.
const PLACE: &str = " in comparison";

impl CompareOp {
    /// Does an order of the operands make this true?
    #[inline]
    pub(crate) fn holds(self, order: Ordering) -> bool {
        match self {
            CompareOp::Lt => order.is_lt(),
            CompareOp::Le => order.is_le(),
            CompareOp::Eq => order.is_eq(),
            CompareOp::Ne => order.is_ne(),
            CompareOp::Gt => order.is_gt(),
            CompareOp::Ge => order.is_ge(),
        }
    }

    /// The operator for exchanged operands.
    fn reflected(self) -> CompareOp {
        match self {
            CompareOp::Lt => CompareOp::Gt,
            CompareOp::Le => CompareOp::Ge,
            CompareOp::Gt => CompareOp::Lt,
            CompareOp::Ge => CompareOp::Le,
            CompareOp::Eq | CompareOp::Ne => self,
        }
    }

    fn method(self) -> &'static str {
        match self {
            CompareOp::Lt => "__lt__",
            CompareOp::Le => "__le__",
            CompareOp::Eq => "__eq__",
            CompareOp::Ne => "__ne__",
            CompareOp::Gt => "__gt__",
            CompareOp::Ge => "__ge__",
        }
    }

    /// As it stands in the source.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            CompareOp::Lt => "<",
            CompareOp::Le => "<=",
            CompareOp::Eq => "==",
            CompareOp::Ne => "!=",
            CompareOp::Gt => ">",
            CompareOp::Ge => ">=",
        }
    }
}

impl<H: Heap> Machine<H> {
    /// a op b
    #[inline]
    pub(crate) fn compare(&mut self, op: CompareOp, a: Value, b: Value) -> Result<Value, Unwind> {
        match (a, b) {
            (Value::Int(x), Value::Int(y)) => Ok(Value::Bool(op.holds(x.cmp(&y)))),
            (Value::Str(x), Value::Str(y)) => Ok(Value::Bool(self.compare_texts(op, x, y))),
            _ => self.compare_others(op, a, b),
        }
    }

    fn compare_texts(&self, op: CompareOp, a: Id, b: Id) -> bool {
        match op {
            CompareOp::Eq => self.texts_equal(a, b),
            CompareOp::Ne => !self.texts_equal(a, b),
            _ => op.holds(self.heap.text(a).text.cmp(&self.heap.text(b).text)),
        }
    }

    #[inline]
    pub(super) fn texts_equal(&self, a: Id, b: Id) -> bool {
        if a == b {
            return true;
        }
        let (a, b) = (self.heap.text(a), self.heap.text(b));
        a.text == b.text
    }

    fn compare_others(&mut self, op: CompareOp, a: Value, b: Value) -> Result<Value, Unwind> {
        if let (Value::Instance(_), _) | (_, Value::Instance(_)) = (a, b) {
            return self.compare_instances(op, a, b);
        }
        if let Some(order) = exact_order(a, b) {
            return Ok(Value::Bool(order.map_or(op == CompareOp::Ne, |order| op.holds(order))));
        }
        match (a, b) {
            (Value::Bytes(x), Value::Bytes(y)) => {
                Ok(Value::Bool(op.holds(self.heap.bytes(x).cmp(self.heap.bytes(y)))))
            }
            (Value::Tuple(x), Value::Tuple(y)) => match self.plain_order(x, y) {
                Some(order) => Ok(Value::Bool(op.holds(order))),
                None => self.deeper(PLACE, |m| m.compare_items(op, a, b)),
            },
            (Value::List(_), Value::List(_)) => self.deeper(PLACE, |m| m.compare_items(op, a, b)),
            _ if matches!(op, CompareOp::Eq | CompareOp::Ne) => {
                let equal = self.equal_others(a, b)?;
                Ok(Value::Bool(equal == (op == CompareOp::Eq)))
            }
            _ => Err(self.no_order(op, a, b)),
        }
    }

    #[cold]
    fn no_order(&mut self, op: CompareOp, a: Value, b: Value) -> Unwind {
        let (a, b) = (self.type_name(a), self.type_name(b));
        let symbol = op.symbol();
        self.type_error(format!("'{symbol}' not supported between instances of '{a}' and '{b}'"))
    }

    /// a == b, as a condition.
    #[inline]
    pub(crate) fn equal(&mut self, a: Value, b: Value) -> Result<bool, Unwind> {
        match (a, b) {
            (Value::Int(x), Value::Int(y)) => Ok(x == y),
            (Value::Str(x), Value::Str(y)) => Ok(self.texts_equal(x, y)),
            (Value::Int(_), Value::Str(_)) | (Value::Str(_), Value::Int(_)) => Ok(false),
            _ => match self.compare_others(CompareOp::Eq, a, b)? {
                Value::Bool(equal) => Ok(equal),
                other => self.truth(other),
            },
        }
    }

    /// As `==` of items inside a list: the same object is equal to itself.
    #[inline]
    pub(crate) fn same_or_equal(&mut self, a: Value, b: Value) -> Result<bool, Unwind> {
        if a.is(b) { Ok(true) } else { self.equal(a, b) }
    }

    /// a < b, as a condition.
    #[inline]
    pub(crate) fn less(&mut self, a: Value, b: Value) -> Result<bool, Unwind> {
        match self.compare(CompareOp::Lt, a, b)? {
            Value::Bool(less) => Ok(less),
            other => self.truth(other),
        }
    }

    /// a > b, as a condition.
    pub(crate) fn greater(&mut self, a: Value, b: Value) -> Result<bool, Unwind> {
        let greater = self.compare(CompareOp::Gt, a, b)?;
        self.truth(greater)
    }

    /// Equality of what has no order and is no instance.
    fn equal_others(&mut self, a: Value, b: Value) -> Result<bool, Unwind> {
        match (a, b) {
            (Value::Dict(x), Value::Dict(y)) => self.deeper(PLACE, |m| m.dicts_equal(x, y)),
            (Value::Range(x), Value::Range(y)) => Ok(ranges_equal(self.heap.range(x), self.heap.range(y))),
            (Value::Slice(x), Value::Slice(y)) => {
                let (x, y) = (self.heap.slice(x), self.heap.slice(y));
                Ok(self.same_or_equal(x.start, y.start)?
                    && self.same_or_equal(x.stop, y.stop)?
                    && self.same_or_equal(x.step, y.step)?)
            }
            (Value::BoundMethod(x), Value::BoundMethod(y)) => {
                let (x, y) = (self.heap.bound_method(x), self.heap.bound_method(y));
                Ok(x.receiver.is(y.receiver) && x.function.is(y.function))
            }
            (Value::DictView(x), Value::DictView(y)) => {
                let (x, y) = (self.heap.dict_view(x), self.heap.dict_view(y));
                if x.part != y.part || x.part == DictPart::Values {
                    return Ok(a.is(b));
                }
                if x.part == DictPart::Items {
                    return self.deeper(PLACE, |m| m.dicts_equal(x.dict, y.dict));
                }
                self.deeper(PLACE, |m| m.keys_equal(x.dict, y.dict))
            }
            _ => Ok(a.is(b)),
        }
    }

    fn dicts_equal(&mut self, a: Id, b: Id) -> Result<bool, Unwind> {
        self.rooted(&[Value::Dict(a), Value::Dict(b)], |m| {
            if m.heap.dict_len(a) != m.heap.dict_len(b) {
                return Ok(false);
            }
            let mut position = 0;
            while let Some((next, key, value)) = m.heap.dict(a, |dict| dict.next(position)) {
                position = next;
                m.roots.extend([key, value]);
                let Some(other) = m.dict_get(b, key)? else { return Ok(false) };
                if !m.same_or_equal(value, other)? {
                    return Ok(false);
                }
                m.roots.truncate(m.roots.len() - 2);
            }
            Ok(true)
        })
    }

    fn keys_equal(&mut self, a: Id, b: Id) -> Result<bool, Unwind> {
        if self.heap.dict_len(a) != self.heap.dict_len(b) {
            return Ok(false);
        }
        let mut position = 0;
        while let Some((next, key, _)) = self.heap.dict(a, |dict| dict.next(position)) {
            position = next;
            if self.dict_get(b, key)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The order of two tuples if pairs of ints, floats or texts decide it: what sorts mostly ask.
    fn plain_order(&self, a: Id, b: Id) -> Option<Ordering> {
        let (a, b) = (self.heap.tuple(a), self.heap.tuple(b));
        for (&x, &y) in a.iter().zip(b) {
            let order = match (x, y) {
                (Value::Int(x), Value::Int(y)) => x.cmp(&y),
                (Value::Str(x), Value::Str(y)) => self.heap.text(x).text.cmp(&self.heap.text(y).text),
                _ if x.is(y) => Ordering::Equal,
                (Value::Float(x), Value::Float(y)) => x.partial_cmp(&y)?,
                _ => return None,
            };
            if order.is_ne() {
                return Some(order);
            }
        }
        Some(a.len().cmp(&b.len()))
    }

    /// Two lists, or two tuples.
    fn compare_items(&mut self, op: CompareOp, a: Value, b: Value) -> Result<Value, Unwind> {
        let lengths = (self.own_length(a), self.own_length(b));
        if lengths.0 != lengths.1 && matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return Ok(Value::Bool(op == CompareOp::Ne));
        }
        self.rooted(&[a, b], |m| {
            let mut at = 0;
            while let (Some(x), Some(y)) = (m.item_at(a, at), m.item_at(b, at)) {
                if !m.same_or_equal(x, y)? {
                    return match op {
                        CompareOp::Eq => Ok(Value::Bool(false)),
                        CompareOp::Ne => Ok(Value::Bool(true)),
                        _ => m.compare(op, x, y),
                    };
                }
                at += 1;
            }
            let order = m.own_length(a).cmp(&m.own_length(b));
            Ok(Value::Bool(op.holds(order)))
        })
    }

    /// An item of a list or tuple, if it is still there.
    #[inline]
    pub(super) fn item_at(&mut self, sequence: Value, at: usize) -> Option<Value> {
        match sequence {
            Value::List(id) => self.heap.list(id, |items| items.get(at).copied()),
            Value::Tuple(id) => self.heap.tuple(id).get(at).copied(),
            _ => None,
        }
    }

    fn compare_instances(&mut self, op: CompareOp, a: Value, b: Value) -> Result<Value, Unwind> {
        self.rooted(&[a, b], |m| {
            let reflected_first = m.derives_from(b, a);
            let asked = [(op, a, b), (op.reflected(), b, a)];
            let order = if reflected_first { [1, 0] } else { [0, 1] };
            for at in order {
                let (op, receiver, other) = asked[at];
                let answer = m.ask_comparison(op, receiver, other)?;
                if answer != Value::NotImplemented {
                    return Ok(answer);
                }
            }
            match op {
                CompareOp::Eq => Ok(Value::Bool(a.is(b))),
                CompareOp::Ne => Ok(Value::Bool(!a.is(b))),
                _ => Err(m.no_order(op, a, b)),
            }
        })
    }

    /// Is the class of `a` another one that derives from the class of `b`?
    pub(super) fn derives_from(&mut self, a: Value, b: Value) -> bool {
        let (Value::Instance(_), Value::Instance(_)) = (a, b) else { return false };
        let (a, b) = (self.class_of(a), self.class_of(b));
        a != b && self.is_subclass(a, b)
    }

    fn ask_comparison(&mut self, op: CompareOp, receiver: Value, other: Value) -> Result<Value, Unwind> {
        if let Some(method) = self.special(receiver, op.method()) {
            if method == Value::None {
                return Ok(Value::NotImplemented);
            }
            return self.deeper(PLACE, |m| m.call_special(method, receiver, &[other]));
        }
        // A class without `__ne__` says the opposite of its `__eq__`.
        let Some(method) = (op == CompareOp::Ne).then(|| self.special(receiver, "__eq__")).flatten() else {
            return Ok(Value::NotImplemented);
        };
        let equal = self.deeper(PLACE, |m| m.call_special(method, receiver, &[other]))?;
        if equal == Value::NotImplemented {
            return Ok(equal);
        }
        Ok(Value::Bool(!self.truth(equal)?))
    }

    /// bool(value)
    #[inline]
    pub(crate) fn truth(&mut self, value: Value) -> Result<bool, Unwind> {
        match value {
            Value::Bool(flag) => Ok(flag),
            Value::Int(number) => Ok(number != 0),
            Value::None => Ok(false),
            Value::Float(number) => Ok(number != 0.0),
            Value::Instance(_) => self.truth_of_instance(value),
            _ => Ok(self.own_length(value).is_none_or(|length| length > 0)),
        }
    }

    fn truth_of_instance(&mut self, value: Value) -> Result<bool, Unwind> {
        if let Some(method) = self.special(value, "__bool__") {
            return match self.call_special(method, value, &[])? {
                Value::Bool(flag) => Ok(flag),
                other => {
                    let kind = self.type_name(other);
                    Err(self.type_error(format!("__bool__ should return bool, returned {kind}")))
                }
            };
        }
        match self.special(value, "__len__") {
            Some(_) => Ok(self.length(value)? > 0),
            None => Ok(true),
        }
    }

    /// Do these compare as equal without asking Python? `None` where Python must be asked, or a list be read.
    #[inline]
    pub(super) fn simply_equal(a: Value, b: Value) -> Option<bool> {
        let simple = |value| !matches!(value, Value::Instance(_));
        match (a, b) {
            (Value::Int(_) | Value::Float(_) | Value::Bool(_), other) if simple(other) => {
                Some(a.is(b) || numbers_equal(a, b))
            }
            (Value::None, other) if simple(other) => Some(a == b),
            _ => None,
        }
    }
}

/// Ranges are equal when they give the same numbers.
fn ranges_equal(a: Range, b: Range) -> bool {
    let length = a.len();
    length == b.len() && (length == 0 || a.start == b.start && (length == 1 || a.step == b.step))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_equal_when_they_give_the_same_numbers() {
        let range = |start, stop, step| Range { start, stop, step };
        assert!(ranges_equal(range(0, 0, 1), range(5, 3, 1)));
        assert!(ranges_equal(range(0, 3, 2), range(0, 4, 2)));
        assert!(ranges_equal(range(7, 8, 1), range(7, 9, 5)));
        assert!(!ranges_equal(range(0, 3, 1), range(0, 4, 1)));
        assert!(!ranges_equal(range(0, 4, 2), range(1, 5, 2)));
    }
}
