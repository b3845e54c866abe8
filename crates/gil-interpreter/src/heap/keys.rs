//! Which values may be keys of a dict, their hashes, and when two of them are the same key.
//!
//! # Model
//! Texts, bytes and tuples are compared by what they hold, numbers across their kinds (1, 1.0 and True are one
//! key), everything else by identity. Lists and dicts are no keys; a class that defines `__eq__` or `__hash__` is
//! asked by the machine, not here.
//!
//! # Invariants
//! - K1: keys that are equal have equal hashes.

use super::dict::{hash_bytes, hash_int};
use crate::value::{Id, Value};

/// Reads the immutable kinds that a key can consist of.
pub(crate) trait KeyReader {
    fn key_text(&self, id: Id) -> (&str, u64);
    fn key_bytes(&self, id: Id) -> &[u8];
    fn key_tuple(&self, id: Id) -> &[Value];
}

/// The hash, or the value that cannot be hashed.
pub(crate) fn hash(reader: &impl KeyReader, key: Value) -> Result<u64, Value> {
    Ok(match key {
        Value::Str(id) => reader.key_text(id).1,
        Value::Int(number) => hash_int(number),
        Value::Bool(flag) => hash_int(i64::from(flag)),
        Value::Float(number) => match exact_int(number) {
            Some(whole) => hash_int(whole),
            None => hash_int(number.to_bits() as i64 ^ 0x5555),
        },
        Value::None => hash_int(0x6e6f_6e65),
        Value::NotImplemented | Value::Ellipsis | Value::Unbound => hash_int(0x7777),
        Value::Bytes(id) => hash_bytes(reader.key_bytes(id)) ^ 1,
        Value::Tuple(id) => {
            let mut all = TUPLE_SEED;
            for &item in reader.key_tuple(id) {
                all = combine(all, hash(reader, item)?);
            }
            all
        }
        Value::List(_) | Value::Dict(_) | Value::DictView(_) | Value::Slice(_) => return Err(key),
        Value::Range(id) => hash_int(i64::from(id.0) | 1 << 33),
        Value::Iterator(id) => hash_int(i64::from(id.0) | 2 << 33),
        Value::Function(id) => hash_int(i64::from(id.0) | 3 << 33),
        Value::BoundMethod(id) => hash_int(i64::from(id.0) | 4 << 33),
        Value::Class(id) => hash_int(i64::from(id.0) | 5 << 33),
        Value::Instance(id) => hash_int(i64::from(id.0) | 6 << 33),
        Value::Super(id) | Value::Cell(id) | Value::Host(id) => hash_int(i64::from(id.0) | 7 << 33),
        Value::Native(at) => hash_int(i64::from(at) | 8 << 33),
        Value::Module(at) => hash_int(i64::from(at) | 9 << 33),
    })
}

/// Where the hash of a tuple begins.
pub(crate) const TUPLE_SEED: u64 = 0x345_6789;

/// One more item in the hash of a tuple.
pub(crate) fn combine(all: u64, item: u64) -> u64 {
    (all ^ item).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
}

/// Are these the same key?
pub(crate) fn same(reader: &impl KeyReader, a: Value, b: Value) -> bool {
    match (a, b) {
        (Value::Str(x), Value::Str(y)) => x == y || reader.key_text(x).0 == reader.key_text(y).0,
        (Value::Bytes(x), Value::Bytes(y)) => reader.key_bytes(x) == reader.key_bytes(y),
        (Value::Tuple(x), Value::Tuple(y)) => {
            let (x, y) = (reader.key_tuple(x), reader.key_tuple(y));
            x.len() == y.len() && x.iter().zip(y).all(|(&a, &b)| same(reader, a, b))
        }
        _ => a.is(b) || numbers_equal(a, b),
    }
}

/// Equality of bool, int and float as numbers, exact beyond 2^53; false for anything else.
pub(crate) fn numbers_equal(a: Value, b: Value) -> bool {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => a == b,
        (Some(whole), None) => float(b).is_some_and(|float| exact_int(float) == Some(whole)),
        (None, Some(whole)) => float(a).is_some_and(|float| exact_int(float) == Some(whole)),
        (None, None) => float(a).is_some() && float(a) == float(b),
    }
}

fn whole(value: Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(number),
        Value::Bool(flag) => Some(i64::from(flag)),
        _ => None,
    }
}

fn float(value: Value) -> Option<f64> {
    match value {
        Value::Float(number) => Some(number),
        _ => None,
    }
}

/// The whole number that is equal to this float, if there is one within 64 bits.
pub(crate) fn exact_int(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.trunc() == number && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct NoObjects;

    impl KeyReader for NoObjects {
        fn key_text(&self, _: Id) -> (&str, u64) {
            ("", 0)
        }

        fn key_bytes(&self, _: Id) -> &[u8] {
            b""
        }

        fn key_tuple(&self, _: Id) -> &[Value] {
            &[]
        }
    }

    #[test]
    fn k1_equal_keys_have_equal_hashes() {
        let one = [Value::Int(1), Value::Float(1.0), Value::Bool(true)];
        for a in one {
            for b in one {
                assert!(same(&NoObjects, a, b));
                assert_eq!(hash(&NoObjects, a), hash(&NoObjects, b));
            }
        }
        assert!(!same(&NoObjects, Value::Int(i64::MAX), Value::Float(i64::MAX as f64)));
        assert!(same(&NoObjects, Value::Float(0.0), Value::Float(-0.0)));
        assert_eq!(hash(&NoObjects, Value::Float(0.0)), hash(&NoObjects, Value::Float(-0.0)));
    }
}
