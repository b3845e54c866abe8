//! Hashes, and dicts whose keys may be asked by Python code whether they are equal.
//!
//! # Model
//! Keys of our own kinds are found by the heap alone. A key that is an instance with `__eq__` or `__hash__`, or a
//! tuple with one inside, is found in two steps: first all keys of the same hash, then Python's `==` on each.

use crate::heap::Heap;
use crate::heap::keys::{self, KeyReader};
use crate::machine::{Machine, Unwind};
use crate::text;
use crate::value::{Id, Value};

/// Lets `keys` read a heap.
struct Keys<'a, H>(&'a H);

impl<H: Heap> KeyReader for Keys<'_, H> {
    fn key_text(&self, id: Id) -> (&str, u64) {
        let text = self.0.text(id);
        (&text.text, text.hash())
    }

    fn key_bytes(&self, id: Id) -> &[u8] {
        self.0.bytes(id)
    }

    fn key_tuple(&self, id: Id) -> &[Value] {
        self.0.tuple(id)
    }
}

impl<H: Heap> Machine<H> {
    /// The hash of a key, or TypeError.
    #[inline]
    pub(crate) fn hash(&mut self, key: Value) -> Result<u64, Unwind> {
        match key {
            Value::Str(id) => Ok(self.heap.text(id).hash()),
            Value::Int(number) => Ok(crate::heap::dict::hash_int(number)),
            _ => self.hash_other(key),
        }
    }

    fn hash_other(&mut self, key: Value) -> Result<u64, Unwind> {
        match key {
            Value::Tuple(id) => self.deeper("", |m| m.hash_tuple(id)),
            Value::BoundMethod(id) => {
                let method = self.heap.bound_method(id);
                let receiver = keys::hash(&Keys(&self.heap), method.function).unwrap_or(0);
                Ok(receiver ^ text::address(method.receiver).rotate_left(17))
            }
            Value::Range(id) => Ok(crate::heap::dict::hash_int(self.heap.range(id).len())),
            Value::Instance(_) => match self.special(key, "__hash__") {
                Some(Value::None) => Err(self.unhashable(key)),
                Some(method) => match self.call_special(method, key, &[])? {
                    Value::Int(number) => Ok(crate::heap::dict::hash_int(number)),
                    Value::Bool(flag) => Ok(crate::heap::dict::hash_int(i64::from(flag))),
                    _ => Err(self.type_error("__hash__ method should return an integer")),
                },
                None => Ok(crate::heap::dict::hash_int(text::address(key) as i64)),
            },
            _ => match keys::hash(&Keys(&self.heap), key) {
                Ok(hash) => Ok(hash),
                Err(_) => Err(self.unhashable(key)),
            },
        }
    }

    /// As `keys::hash` does it, but for items that Python must be asked for.
    fn hash_tuple(&mut self, id: Id) -> Result<u64, Unwind> {
        let mut all = keys::TUPLE_SEED;
        for at in 0..self.heap.tuple(id).len() {
            let item = self.heap.tuple(id)[at];
            all = keys::combine(all, self.hash(item)?);
        }
        Ok(all)
    }

    #[cold]
    fn unhashable(&mut self, key: Value) -> Unwind {
        let kind = self.type_name(key);
        self.type_error(format!("unhashable type: '{kind}'"))
    }

    /// Must Python code, or something deeper than the heap's own comparison, say which keys this one equals?
    #[inline]
    fn asks_python(&mut self, key: Value) -> bool {
        match key {
            Value::Tuple(id) => (0..self.heap.tuple(id).len()).any(|at| {
                let item = self.heap.tuple(id)[at];
                self.asks_python(item)
            }),
            Value::Instance(_) => {
                self.special(key, "__eq__").is_some() || self.special(key, "__hash__").is_some()
            }
            Value::BoundMethod(_) | Value::Range(_) => true,
            _ => false,
        }
    }

    /// The key of the dict that equals this one: itself where the heap can find it.
    fn stored_key(&mut self, dict: Id, key: Value, hash: u64) -> Result<Value, Unwind> {
        if !self.asks_python(key) {
            return Ok(key);
        }
        let mut same_hash = Vec::new();
        self.heap.dict(dict, |dict| {
            dict.find(hash, |other| {
                same_hash.push(other);
                false
            })
        });
        self.rooted(&[Value::Dict(dict), key], |m| {
            m.roots.extend_from_slice(&same_hash);
            for other in same_hash {
                if other.is(key) || m.equal(other, key)? {
                    return Ok(other);
                }
            }
            Ok(key)
        })
    }

    /// The value at a key.
    #[inline]
    pub(crate) fn dict_get(&mut self, dict: Id, key: Value) -> Result<Option<Value>, Unwind> {
        let hash = self.hash(key)?;
        if matches!(key, Value::Str(_) | Value::Int(_)) {
            return Ok(self.heap.dict_find(dict, key, hash));
        }
        let key = self.stored_key(dict, key, hash)?;
        Ok(self.heap.dict_find(dict, key, hash))
    }

    /// Sets the value at a key; the first of equal keys stays.
    #[inline]
    pub(crate) fn dict_set(&mut self, dict: Id, key: Value, value: Value) -> Result<(), Unwind> {
        if matches!(key, Value::Str(_) | Value::Int(_)) {
            let hash = self.hash(key)?;
            self.heap.dict_insert(dict, key, hash, value);
            return Ok(());
        }
        self.rooted(&[Value::Dict(dict), key, value], |m| {
            let hash = m.hash(key)?;
            let key = m.stored_key(dict, key, hash)?;
            m.heap.dict_insert(dict, key, hash, value);
            Ok(())
        })
    }

    /// Takes a pair out.
    pub(crate) fn dict_remove(&mut self, dict: Id, key: Value) -> Result<Option<(Value, Value)>, Unwind> {
        let hash = self.hash(key)?;
        let key = self.stored_key(dict, key, hash)?;
        Ok(self.heap.dict_remove(dict, key, hash))
    }

    /// len(value)
    #[inline]
    pub(crate) fn length(&mut self, value: Value) -> Result<usize, Unwind> {
        match self.own_length(value) {
            Some(length) => Ok(length),
            None => self.length_of_instance(value),
        }
    }

    /// The length of a value of our kinds.
    #[inline]
    pub(super) fn own_length(&mut self, value: Value) -> Option<usize> {
        Some(match value {
            Value::List(id) => self.heap.list(id, Vec::len),
            Value::Str(id) => self.heap.text(id).chars as usize,
            Value::Tuple(id) => self.heap.tuple(id).len(),
            Value::Dict(id) => self.heap.dict_len(id),
            Value::Bytes(id) => self.heap.bytes(id).len(),
            Value::DictView(id) => {
                let dict = self.heap.dict_view(id).dict;
                self.heap.dict_len(dict)
            }
            Value::Range(id) => self.heap.range(id).len() as usize,
            _ => return None,
        })
    }

    fn length_of_instance(&mut self, value: Value) -> Result<usize, Unwind> {
        let Some(method) = self.special(value, "__len__") else {
            let kind = self.type_name(value);
            return Err(self.type_error(format!("object of type '{kind}' has no len()")));
        };
        let length = self.call_special(method, value, &[])?;
        let length = self.whole_number(length)?;
        usize::try_from(length).map_err(|_| self.value_error("__len__() should return >= 0"))
    }
}
