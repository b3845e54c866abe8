//! Iteration: what `for` asks of an iterable, and the lazy iterators behind zip, map, filter and enumerate.
//!
//! # Model
//! ```text
//! iterator(value)   our kinds -> an Iterator of the heap;  __iter__ -> whatever it gives;  __getitem__ -> by index
//! next(iterator)    one step; None at the end, and from then on
//! ```
//! A step first advances the iterator under its own lock, then reads the list, text or dict that it walks over; so
//! two threads that share an iterator never get the same index.

use crate::heap::{DictPart, Heap, Iterator};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

/// Where an iteration over a dict stands.
struct Entry {
    dict: Id,
    part: DictPart,
    next: usize,
    length: usize,
    left: usize,
}

/// What one step found out inside the iterator.
enum Step {
    Over,
    Found(Value),
    List(Id, usize),
    Tuple(Id, usize),
    Text(Id, usize),
    Bytes(Id, usize),
    Dict(Entry),
    Sequence(Value, i64),
    /// The following ask other iterators.
    Enumerate(Value),
    Zip {
        strict: bool,
    },
    Map(Value),
    Filter(Value, Value),
}

impl Iterator {
    #[inline]
    fn step(&mut self) -> Step {
        match self {
            Iterator::Range { next, left, step } => {
                if *left == 0 {
                    return Step::Over;
                }
                let number = *next;
                *left -= 1;
                *next = next.wrapping_add(*step);
                Step::Found(Value::Int(number))
            }
            Iterator::List { list, next } => {
                *next += 1;
                Step::List(*list, *next - 1)
            }
            Iterator::ListReversed { list, next } => {
                if *next == 0 {
                    return Step::Over;
                }
                *next -= 1;
                Step::List(*list, *next)
            }
            Iterator::Tuple { tuple, next } | Iterator::Reversed { tuple, next } => {
                *next += 1;
                Step::Tuple(*tuple, *next - 1)
            }
            Iterator::Text { text, byte } => Step::Text(*text, *byte),
            Iterator::Bytes { bytes, next } => {
                *next += 1;
                Step::Bytes(*bytes, *next - 1)
            }
            &mut Iterator::Dict { dict, part, next, length, left } => {
                Step::Dict(Entry { dict, part, next, length, left })
            }
            Iterator::Sequence { object, next } => {
                *next += 1;
                Step::Sequence(*object, *next - 1)
            }
            Iterator::Done => Step::Over,
            Iterator::Enumerate { inner, .. } => Step::Enumerate(*inner),
            Iterator::Zip { strict, .. } => Step::Zip { strict: *strict },
            Iterator::Map { function, .. } => Step::Map(*function),
            Iterator::Filter { function, inner } => Step::Filter(*function, *inner),
        }
    }
}

impl<H: Heap> Machine<H> {
    /// iter(value)
    #[inline]
    pub(crate) fn iterator(&mut self, value: Value) -> Result<Value, Unwind> {
        let iterator = match value {
            Value::List(list) => Iterator::List { list, next: 0 },
            Value::Range(id) => {
                let range = self.heap.range(id);
                Iterator::Range { next: range.start, left: range.len(), step: range.step }
            }
            Value::Tuple(tuple) => Iterator::Tuple { tuple, next: 0 },
            Value::Str(text) => Iterator::Text { text, byte: 0 },
            Value::Bytes(bytes) => Iterator::Bytes { bytes, next: 0 },
            Value::Dict(dict) => self.dict_iterator(dict, DictPart::Keys),
            Value::DictView(id) => {
                let view = self.heap.dict_view(id);
                self.dict_iterator(view.dict, view.part)
            }
            Value::Iterator(_) => return Ok(value),
            _ => return self.iterator_of_instance(value),
        };
        Ok(self.heap.new_iterator(iterator))
    }

    fn dict_iterator(&mut self, dict: Id, part: DictPart) -> Iterator {
        let length = self.heap.dict_len(dict);
        Iterator::Dict { dict, part, next: 0, length, left: length }
    }

    fn iterator_of_instance(&mut self, value: Value) -> Result<Value, Unwind> {
        match self.special(value, "__iter__") {
            Some(Value::None) => {}
            Some(method) => {
                let iterator = self.call_special(method, value, &[])?;
                if self.is_iterator(iterator) {
                    return Ok(iterator);
                }
                let kind = self.type_name(iterator);
                return Err(self.type_error(format!("iter() returned non-iterator of type '{kind}'")));
            }
            None if self.special(value, "__getitem__").is_some() => {
                return Ok(self.heap.new_iterator(Iterator::Sequence { object: value, next: 0 }));
            }
            None => {}
        }
        let kind = self.type_name(value);
        Err(self.type_error(format!("'{kind}' object is not iterable")))
    }

    /// Would `iter` accept it?
    pub(crate) fn is_iterable(&mut self, value: Value) -> bool {
        match value {
            Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Bytes(_) | Value::Range(_) => true,
            Value::Dict(_) | Value::DictView(_) | Value::Iterator(_) => true,
            Value::Instance(_) => match self.special(value, "__iter__") {
                Some(method) => method != Value::None,
                None => self.special(value, "__getitem__").is_some(),
            },
            _ => false,
        }
    }

    /// Does `next` accept it?
    pub(crate) fn is_iterator(&mut self, value: Value) -> bool {
        matches!(value, Value::Iterator(_)) || self.special(value, "__next__").is_some()
    }

    /// The next item of an iterator, or `None` at its end.
    #[inline]
    pub(crate) fn next(&mut self, iterator: Value) -> Result<Option<Value>, Unwind> {
        let Value::Iterator(id) = iterator else { return self.next_of_instance(iterator) };
        match self.heap.iterator_mut(id, Iterator::step) {
            Step::Found(value) => Ok(Some(value)),
            Step::List(list, at) => {
                let item = self.heap.list(list, |items| items.get(at).copied());
                Ok(self.or_done(id, item))
            }
            Step::Over => Ok(None),
            other => self.next_other(id, other),
        }
    }

    fn next_of_instance(&mut self, iterator: Value) -> Result<Option<Value>, Unwind> {
        let Some(method) = self.special(iterator, "__next__") else {
            let kind = self.type_name(iterator);
            return Err(self.type_error(format!("'{kind}' object is not an iterator")));
        };
        match self.call_special(method, iterator, &[]) {
            Ok(value) => Ok(Some(value)),
            Err(unwind) => self.unless_stop_iteration(unwind),
        }
    }

    /// An iterator that found nothing stays at its end.
    #[inline]
    fn or_done(&mut self, id: Id, item: Option<Value>) -> Option<Value> {
        if item.is_none() {
            self.heap.iterator_mut(id, |iterator| *iterator = Iterator::Done);
        }
        item
    }

    fn next_other(&mut self, id: Id, step: Step) -> Result<Option<Value>, Unwind> {
        let item = match step {
            Step::Over => None,
            Step::Found(value) => Some(value),
            Step::List(list, at) => self.heap.list(list, |items| items.get(at).copied()),
            Step::Tuple(tuple, at) => self.heap.tuple(tuple).get(at).copied(),
            Step::Bytes(bytes, at) => self.heap.bytes(bytes).get(at).map(|&byte| Value::Int(i64::from(byte))),
            Step::Text(text, byte) => self.next_character(id, text, byte),
            Step::Dict(entry) => self.next_entry(id, entry)?,
            Step::Sequence(object, at) => return self.next_by_index(id, object, at),
            compound => {
                return self
                    .deeper("", |m| m.rooted(&[Value::Iterator(id)], |m| m.next_compound(id, compound)));
            }
        };
        Ok(self.or_done(id, item))
    }

    fn next_character(&mut self, id: Id, text: Id, at: usize) -> Option<Value> {
        let character = self.heap.text(text).text.get(at..)?.chars().next()?;
        let after = at + character.len_utf8();
        self.heap.iterator_mut(id, |iterator| {
            if let Iterator::Text { byte, .. } = iterator {
                *byte = after;
            }
        });
        Some(self.character(character))
    }

    fn next_entry(&mut self, id: Id, at: Entry) -> Result<Option<Value>, Unwind> {
        let (now, entry) = self.heap.dict(at.dict, |dict| (dict.len(), dict.next(at.next)));
        if now != at.length {
            return Err(self.runtime_error("dictionary changed size during iteration"));
        }
        let Some((after, key, value)) = entry else { return Ok(None) };
        if at.left == 0 {
            return Err(self.runtime_error("dictionary keys changed during iteration"));
        }
        self.heap.iterator_mut(id, |iterator| {
            if let Iterator::Dict { next, left, .. } = iterator {
                *next = after;
                *left = at.left - 1;
            }
        });
        Ok(Some(match at.part {
            DictPart::Keys => key,
            DictPart::Values => value,
            DictPart::Items => self.heap.new_tuple(vec![key, value]),
        }))
    }

    fn next_by_index(&mut self, id: Id, object: Value, at: i64) -> Result<Option<Value>, Unwind> {
        let iterator = Value::Iterator(id);
        self.rooted(&[iterator], |m| match m.subscript(object, Value::Int(at)) {
            Ok(value) => Ok(Some(value)),
            Err(unwind) if m.is_exception(unwind, types::INDEX_ERROR) => Ok(m.or_done(id, None)),
            Err(unwind) => m.unless_stop_iteration(unwind),
        })
    }

    fn next_compound(&mut self, id: Id, step: Step) -> Result<Option<Value>, Unwind> {
        match step {
            Step::Enumerate(inner) => {
                let Some(item) = self.next(inner)? else { return Ok(None) };
                let number = self.heap.iterator_mut(id, |iterator| match iterator {
                    Iterator::Enumerate { next, .. } => {
                        *next = next.wrapping_add(1);
                        next.wrapping_sub(1)
                    }
                    _ => 0,
                });
                Ok(Some(self.heap.new_tuple(vec![Value::Int(number), item])))
            }
            Step::Zip { strict } => self.next_of_all(id, strict),
            Step::Map(function) => {
                let before = self.roots.len();
                let mut at = 0;
                while let Some(iterator) = self.inner(id, at) {
                    let Some(item) = self.next(iterator)? else { return Ok(None) };
                    self.roots.push(item);
                    at += 1;
                }
                let result = match self.roots[before..] {
                    [only] => self.call(function, &[only]),
                    _ => {
                        let args = self.roots[before..].to_vec();
                        self.call(function, &args)
                    }
                };
                match result {
                    Ok(value) => Ok(Some(value)),
                    Err(unwind) => self.unless_stop_iteration(unwind),
                }
            }
            Step::Filter(function, inner) => self.next_that_passes(function, inner),
            _ => Ok(None),
        }
    }

    /// One of the iterators behind a zip or map.
    fn inner(&mut self, id: Id, at: usize) -> Option<Value> {
        self.heap.iterator_mut(id, |iterator| match iterator {
            Iterator::Zip { inner, .. } | Iterator::Map { inner, .. } => inner.get(at).copied(),
            _ => None,
        })
    }

    fn next_of_all(&mut self, id: Id, strict: bool) -> Result<Option<Value>, Unwind> {
        let before = self.roots.len();
        let mut at = 0;
        while let Some(iterator) = self.inner(id, at) {
            if let Some(item) = self.next(iterator)? {
                self.roots.push(item);
                at += 1;
                continue;
            }
            if strict {
                self.check_lengths(id, at)?;
            }
            return Ok(self.or_done(id, None));
        }
        if at == 0 {
            return Ok(None);
        }
        let items = self.roots[before..].to_vec();
        Ok(Some(self.heap.new_tuple(items)))
    }

    /// zip(.., strict=True) ended with the iterator at `at`: all must have.
    fn check_lengths(&mut self, id: Id, at: usize) -> Result<(), Unwind> {
        let others = |count: usize| if count == 1 { " 1".to_owned() } else { format!("s 1-{count}") };
        if at > 0 {
            let message = format!("zip() argument {} is shorter than argument{}", at + 1, others(at));
            return Err(self.value_error(message));
        }
        let mut at = 1;
        while let Some(iterator) = self.inner(id, at) {
            if self.next(iterator)?.is_some() {
                let message = format!("zip() argument {} is longer than argument{}", at + 1, others(at));
                return Err(self.value_error(message));
            }
            at += 1;
        }
        Ok(())
    }

    fn next_that_passes(&mut self, function: Value, inner: Value) -> Result<Option<Value>, Unwind> {
        loop {
            self.unless_stopped()?;
            let Some(item) = self.next(inner)? else { return Ok(None) };
            let passes = self.rooted(&[item], |m| {
                let verdict = match function {
                    Value::None => item,
                    _ => m.call(function, &[item])?,
                };
                m.truth(verdict)
            });
            match passes {
                Ok(true) => return Ok(Some(item)),
                Ok(false) => {}
                Err(unwind) => return self.unless_stop_iteration(unwind),
            }
        }
    }

    /// All items of an iterable.
    ///
    /// The caller roots the iterable, and the items where it calls Python with them.
    pub(crate) fn items(&mut self, value: Value) -> Result<Vec<Value>, Unwind> {
        match value {
            Value::List(id) => Ok(self.heap.list(id, Vec::clone)),
            Value::Tuple(id) => Ok(self.heap.tuple(id).to_vec()),
            Value::Dict(id) => Ok(self.heap.dict(id, |dict| dict.iter().map(|(key, _)| key).collect())),
            Value::Range(id) => {
                let range = self.heap.range(id);
                let length = range.len();
                self.rooted(&[value], |m| m.reserve_items(length as usize, size_of::<Value>()))?;
                Ok((0..length).map(|at| Value::Int(range.at(at))).collect())
            }
            _ => self.items_one_by_one(value),
        }
    }

    fn items_one_by_one(&mut self, value: Value) -> Result<Vec<Value>, Unwind> {
        let before = self.roots.len();
        let iterator = self.iterator(value)?;
        self.roots.push(iterator);
        let result = self.push_items(iterator, before + 1);
        let items = self.roots.drain(before..).skip(1).collect();
        result.map(|()| items)
    }

    /// Puts all that an iterator gives on the roots, which grow in steps that there must be room for.
    fn push_items(&mut self, iterator: Value, first: usize) -> Result<(), Unwind> {
        let mut room = 1024;
        while let Some(item) = self.next(iterator)? {
            self.roots.push(item);
            let count = self.roots.len() - first;
            if count >= room {
                self.unless_stopped()?;
                self.reserve_items(count, 4 * size_of::<Value>())?;
                room = count * 2;
            }
        }
        Ok(())
    }

    /// Room for that many items, or MemoryError; small results need not ask.
    #[inline]
    pub(crate) fn reserve_items(&mut self, count: usize, size: usize) -> Result<(), Unwind> {
        const SMALL_BYTES: usize = 1 << 16;
        match count.checked_mul(size) {
            Some(bytes) if bytes <= SMALL_BYTES => Ok(()),
            Some(bytes) => self.reserve(bytes),
            None => Err(self.memory_error()),
        }
    }
}
