//! `a[i]`, `a[i] = value` and `del a[i]`, by index, slice and key.

use super::slices::Bounds;
use crate::heap::{Heap, Range};
use crate::machine::{Machine, Unwind};
use crate::value::{Id, Value};

/// The place of an index, which counts from the end when it is negative.
#[inline]
fn place(index: i64, length: usize) -> Option<usize> {
    let at = if index < 0 { index + length as i64 } else { index };
    (0 <= at && at < length as i64).then_some(at as usize)
}

impl<H: Heap> Machine<H> {
    /// a[i]
    #[inline]
    pub(crate) fn subscript(&mut self, a: Value, i: Value) -> Result<Value, Unwind> {
        match (a, i) {
            (Value::List(id), Value::Int(index)) => {
                let item = self.heap.list(id, |items| place(index, items.len()).map(|at| items[at]));
                item.ok_or_else(|| self.index_error("list index out of range"))
            }
            (Value::Dict(id), key) => match self.dict_get(id, key)? {
                Some(value) => Ok(value),
                None => Err(self.key_error(key)),
            },
            (Value::Tuple(id), Value::Int(index)) => {
                let items = self.heap.tuple(id);
                match place(index, items.len()) {
                    Some(at) => Ok(items[at]),
                    None => Err(self.index_error("tuple index out of range")),
                }
            }
            (Value::Str(id), Value::Int(index)) => self.character_at(id, index),
            _ => self.subscript_other(a, i),
        }
    }

    /// The character at an index.
    fn character_at(&mut self, id: Id, index: i64) -> Result<Value, Unwind> {
        let text = self.heap.text(id);
        let Some(at) = place(index, text.chars as usize) else {
            return Err(self.index_error("string index out of range"));
        };
        let character = if text.is_ascii() {
            text.text.as_bytes().get(at).map(|&byte| char::from(byte))
        } else {
            text.text.chars().nth(at)
        };
        Ok(self.character(character.unwrap_or_default()))
    }

    fn subscript_other(&mut self, a: Value, i: Value) -> Result<Value, Unwind> {
        match a {
            Value::List(_) | Value::Tuple(_) | Value::Str(_) | Value::Bytes(_) | Value::Range(_) => {
                if let Value::Slice(slice) = i {
                    return self.subscript_slice(a, slice);
                }
                match self.rooted(&[a], |m| m.index_of(i))? {
                    Some(index) => self.item(a, index),
                    None => Err(self.no_index(a, i)),
                }
            }
            Value::Instance(_) => match self.special(a, "__getitem__") {
                Some(method) => self.call_special(method, a, &[i]),
                None => Err(self.not_subscriptable(a)),
            },
            _ => Err(self.not_subscriptable(a)),
        }
    }

    /// What stands at an index of a sequence that is no list of ours to begin with.
    fn item(&mut self, a: Value, index: i64) -> Result<Value, Unwind> {
        match a {
            Value::Bytes(id) => {
                let bytes = self.heap.bytes(id);
                match place(index, bytes.len()) {
                    Some(at) => Ok(Value::Int(i64::from(bytes[at]))),
                    None => Err(self.index_error("index out of range")),
                }
            }
            Value::Range(id) => {
                let range = self.heap.range(id);
                match place(index, range.len() as usize) {
                    Some(at) => Ok(Value::Int(range.at(at as i64))),
                    None => Err(self.index_error("range object index out of range")),
                }
            }
            _ => self.subscript(a, Value::Int(index)),
        }
    }

    fn subscript_slice(&mut self, a: Value, slice: Id) -> Result<Value, Unwind> {
        let length = self.own_length(a).unwrap_or(0);
        let bounds = self.rooted(&[a], |m| {
            let bounds = m.bounds(slice, length)?;
            m.reserve_items(bounds.count, size_of::<Value>())?;
            Ok(bounds)
        })?;
        Ok(match a {
            Value::List(id) => {
                let items = self.heap.list(id, |items| bounds.pick(items));
                self.heap.new_list(items)
            }
            Value::Tuple(_) | Value::Str(_) | Value::Bytes(_)
                if bounds.step == 1 && bounds.count == length =>
            {
                a
            }
            Value::Tuple(id) => {
                let items = bounds.pick(self.heap.tuple(id));
                self.heap.new_tuple(items)
            }
            Value::Bytes(id) => {
                let bytes = bounds.pick(self.heap.bytes(id));
                self.heap.new_bytes(bytes)
            }
            Value::Str(id) => {
                let text = pick_text(self.heap.text(id), bounds);
                self.str(text)
            }
            Value::Range(id) => {
                let range = pick_range(self.heap.range(id), bounds);
                self.heap.new_range(range)
            }
            _ => return Err(self.not_subscriptable(a)),
        })
    }

    #[cold]
    fn no_index(&mut self, a: Value, i: Value) -> Unwind {
        let kind = self.type_name(i);
        let message = match a {
            Value::Str(_) => format!("string indices must be integers, not '{kind}'"),
            Value::Bytes(_) => format!("byte indices must be integers or slices, not {kind}"),
            _ => format!("{} indices must be integers or slices, not {kind}", self.type_name(a)),
        };
        self.type_error(message)
    }

    #[cold]
    fn not_subscriptable(&mut self, a: Value) -> Unwind {
        let message = match a {
            Value::Class(id) => format!("type '{}' is not subscriptable", self.class_name(id)),
            _ => format!("'{}' object is not subscriptable", self.type_name(a)),
        };
        self.type_error(message)
    }

    /// a[i] = value
    #[inline]
    pub(crate) fn store_subscript(&mut self, a: Value, i: Value, value: Value) -> Result<(), Unwind> {
        match (a, i) {
            (Value::List(id), Value::Int(index)) => self.store_item(id, index, value),
            (Value::Dict(id), key) => self.dict_set(id, key, value),
            _ => self.store_other(a, i, value),
        }
    }

    #[inline]
    fn store_item(&mut self, list: Id, index: i64, value: Value) -> Result<(), Unwind> {
        let stored = self.heap.list_mut(list, |items| {
            let Some(at) = place(index, items.len()) else { return false };
            items[at] = value;
            true
        });
        if stored { Ok(()) } else { Err(self.index_error("list assignment index out of range")) }
    }

    fn store_other(&mut self, a: Value, i: Value, value: Value) -> Result<(), Unwind> {
        match (a, i) {
            (Value::List(id), Value::Slice(slice)) => {
                self.rooted(&[a, i, value], |m| m.store_slice(id, slice, value))
            }
            (Value::List(id), _) => match self.rooted(&[a, value], |m| m.index_of(i))? {
                Some(index) => self.store_item(id, index, value),
                None => Err(self.no_index(a, i)),
            },
            (Value::Instance(_), _) => match self.special(a, "__setitem__") {
                Some(method) => self.call_special(method, a, &[i, value]).map(|_| ()),
                None => Err(self.no_assignment(a)),
            },
            _ => Err(self.no_assignment(a)),
        }
    }

    #[cold]
    fn no_assignment(&mut self, a: Value) -> Unwind {
        let kind = self.type_name(a);
        self.type_error(format!("'{kind}' object does not support item assignment"))
    }

    fn store_slice(&mut self, list: Id, slice: Id, value: Value) -> Result<(), Unwind> {
        let step = self.heap.slice(slice).step;
        if !self.is_iterable(value) {
            let plain = step == Value::None || step == Value::Int(1);
            return Err(self.type_error(match plain {
                true => "can only assign an iterable",
                false => "must assign iterable to extended slice",
            }));
        }
        let new = self.items(value)?;
        let before = self.roots.len();
        self.roots.extend_from_slice(&new);
        let length = self.heap.list(list, Vec::len);
        let bounds = self.bounds(slice, length);
        self.roots.truncate(before);
        let bounds = bounds?;
        if bounds.step != 1 && new.len() != bounds.count {
            let (count, given) = (bounds.count, new.len());
            let message =
                format!("attempt to assign sequence of size {given} to extended slice of size {count}");
            return Err(self.value_error(message));
        }
        let added = new.len().saturating_sub(bounds.count) * size_of::<Value>();
        self.heap.list_mut(list, |items| {
            if bounds.step == 1 {
                let start = bounds.start.min(items.len());
                let end = (bounds.start + bounds.count).min(items.len());
                items.splice(start..end, new);
            } else {
                for (at, value) in bounds.indexes().zip(new) {
                    if let Some(item) = items.get_mut(at) {
                        *item = value;
                    }
                }
            }
        });
        self.heap.charge(added);
        Ok(())
    }

    /// del a[i]
    pub(crate) fn delete_subscript(&mut self, a: Value, i: Value) -> Result<(), Unwind> {
        match (a, i) {
            (Value::Dict(id), key) => match self.dict_remove(id, key)? {
                Some(_) => Ok(()),
                None => Err(self.key_error(key)),
            },
            (Value::List(id), Value::Slice(slice)) => {
                let length = self.heap.list(id, Vec::len);
                let bounds = self.rooted(&[a, i], |m| m.bounds(slice, length))?;
                self.heap.list_mut(id, |items| remove_bounds(items, bounds));
                Ok(())
            }
            (Value::List(id), _) => {
                let Some(index) = self.rooted(&[a], |m| m.index_of(i))? else {
                    return Err(self.no_index(a, i));
                };
                let found =
                    self.heap.list_mut(id, |items| place(index, items.len()).map(|at| items.remove(at)));
                found.map(|_| ()).ok_or_else(|| self.index_error("list assignment index out of range"))
            }
            (Value::Instance(_), _) => match self.special(a, "__delitem__") {
                Some(method) => self.call_special(method, a, &[i]).map(|_| ()),
                None => Err(self.no_deletion(a, i)),
            },
            _ => Err(self.no_deletion(a, i)),
        }
    }

    #[cold]
    fn no_deletion(&mut self, a: Value, i: Value) -> Unwind {
        let kind = self.type_name(a);
        // CPython words it in two ways: one for an index of what has the slot for sequences, one for the rest.
        let index = matches!(i, Value::Int(_) | Value::Bool(_)) || self.special(i, "__index__").is_some();
        let sequence = matches!(
            a,
            Value::Tuple(_)
                | Value::Str(_)
                | Value::Bytes(_)
                | Value::Range(_)
                | Value::DictView(_)
                | Value::Instance(_)
        );
        let verb = if index && sequence { "doesn't" } else { "does not" };
        self.type_error(format!("'{kind}' object {verb} support item deletion"))
    }
}

fn pick_text(text: &crate::heap::Text, bounds: Bounds) -> String {
    if text.is_ascii() {
        let bytes = text.text.as_bytes();
        if bounds.step == 1 {
            return text.text[bounds.start..bounds.start + bounds.count].to_owned();
        }
        return bounds.indexes().map(|at| char::from(bytes[at])).collect();
    }
    if bounds.step == 1 {
        return text.text.chars().skip(bounds.start).take(bounds.count).collect();
    }
    let chars: Vec<char> = text.text.chars().collect();
    bounds.indexes().map(|at| chars[at]).collect()
}

fn pick_range(range: Range, bounds: Bounds) -> Range {
    let step = range.step.wrapping_mul(bounds.step);
    Range { start: range.at(bounds.start as i64), stop: range.at(bounds.stop), step }
}

fn remove_bounds(items: &mut Vec<Value>, bounds: Bounds) {
    if bounds.step == 1 {
        let end = (bounds.start + bounds.count).min(items.len());
        items.drain(bounds.start.min(end)..end);
        return;
    }
    let mut gone: Vec<usize> = bounds.indexes().collect();
    gone.sort_unstable();
    let (mut at, mut next) = (0, 0);
    items.retain(|_| {
        let remove = gone.get(next) == Some(&at);
        next += usize::from(remove);
        at += 1;
        !remove
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_indexes_count_from_the_end() {
        assert_eq!(
            [0, 2, 3, -1, -3, -4].map(|at| place(at, 3)),
            [Some(0), Some(2), None, Some(2), Some(0), None]
        );
        assert_eq!(place(i64::MIN, 3), None);
    }

    #[test]
    fn slices_of_ranges_are_ranges() {
        let range = Range { start: 10, stop: 0, step: -2 };
        let part = pick_range(range, Bounds::new(Some(1), Some(4), 2, 5));
        assert_eq!(part, Range { start: 8, stop: 2, step: -4 });
        assert_eq!(part.len(), 2);
    }

    #[test]
    fn extended_slices_are_removed_item_by_item() {
        let mut items: Vec<Value> = (0..6).map(Value::Int).collect();
        remove_bounds(&mut items, Bounds::new(None, None, -2, 6));
        assert_eq!(items, [0, 2, 4].map(Value::Int));
    }
}
