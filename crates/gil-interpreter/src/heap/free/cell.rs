//! A place for one value that all threads read and write without a lock: a variable.
//!
//! # Model
//! A value is two words, so it does not fit one atomic; a sequence lock keeps the two together. A load that follows
//! a load, or a store that follows a load, is a step of its own: of two threads that each do `n += 1`, one may
//! overwrite what the other has stored meanwhile. That update is lost, as it is in the real runtime without a lock,
//! and it is a wrong answer of the program, not of ours: what is read was stored by somebody, whole.
//!
//! # Invariants
//! - VC1: what is loaded is a value that was stored, never a tag of one and a payload of another.
//! - VC2: every kind of value comes back as it was stored.

use sync_protocols::SeqCell;

use crate::value::{Id, Value};

/// The tag of a place that holds nothing, not even `Unbound`: nobody may look at it.
const VACANT: u64 = u64::MAX;

/// See the file's header.
pub(super) struct ValueCell(SeqCell);

impl Default for ValueCell {
    fn default() -> ValueCell {
        ValueCell(SeqCell::new(VACANT, 0))
    }
}

impl ValueCell {
    pub(super) fn new(value: Value) -> ValueCell {
        let (tag, payload) = words(value);
        ValueCell(SeqCell::new(tag, payload))
    }

    #[inline]
    pub(super) fn load(&self) -> Value {
        let (tag, payload) = self.0.load();
        value(tag, payload)
    }

    #[inline]
    pub(super) fn store(&self, value: Value) {
        let (tag, payload) = words(value);
        self.0.store(tag, payload);
    }

    pub(super) fn is_vacant(&self) -> bool {
        self.0.load().0 == VACANT
    }
}

/// One arm for each kind of value in each direction; `value` is the inverse of `words`.
macro_rules! kinds {
    (plain { $($plain:ident = $plain_tag:literal,)* } named { $($named:ident = $named_tag:literal,)* }) => {
        #[inline]
        fn words(value: Value) -> (u64, u64) {
            match value {
                $(Value::$plain => ($plain_tag, 0),)*
                $(Value::$named(Id(at)) => ($named_tag, u64::from(at)),)*
                Value::Bool(flag) => (30, u64::from(flag)),
                Value::Int(number) => (31, number.cast_unsigned()),
                Value::Float(number) => (32, number.to_bits()),
                Value::Native(at) => (33, u64::from(at)),
                Value::Module(at) => (34, u64::from(at)),
            }
        }

        #[inline]
        fn value(tag: u64, payload: u64) -> Value {
            match tag {
                $($plain_tag => Value::$plain,)*
                $($named_tag => Value::$named(Id(payload as u32)),)*
                30 => Value::Bool(payload != 0),
                31 => Value::Int(payload.cast_signed()),
                32 => Value::Float(f64::from_bits(payload)),
                33 => Value::Native(payload as u32),
                34 => Value::Module(payload as u32),
                _ => freed(),
            }
        }

        #[cfg(test)]
        const EVERY_KIND: &[Value] = &[
            $(Value::$plain,)*
            $(Value::$named(Id($named_tag)), Value::$named(Id(u32::MAX)),)*
            Value::Bool(false),
            Value::Bool(true),
            Value::Int(i64::MIN),
            Value::Int(-1),
            Value::Float(-0.0),
            Value::Float(f64::INFINITY),
            Value::Native(7),
            Value::Module(u32::MAX),
        ];
    };
}

kinds! {
    plain {
        Unbound = 0,
        None = 1,
        NotImplemented = 2,
        Ellipsis = 3,
    }
    named {
        Str = 4,
        Bytes = 5,
        List = 6,
        Tuple = 7,
        Dict = 8,
        DictView = 9,
        Range = 10,
        Slice = 11,
        Iterator = 12,
        Function = 13,
        BoundMethod = 14,
        Class = 15,
        Instance = 16,
        Super = 17,
        Cell = 18,
        Host = 19,
    }
}

#[cold]
fn freed() -> Value {
    panic!("{}", super::arena::FREED)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn vc1_what_is_loaded_was_stored_as_a_whole() {
        let cell = ValueCell::new(Value::Int(-1));
        let start = Barrier::new(3);
        let whole = |value: Value| match value {
            Value::Int(number) => number < 0,
            Value::Instance(id) => id.0 % 2 == 1,
            Value::Float(number) => number == 0.5,
            _ => false,
        };
        thread::scope(|scope| {
            for writer in 0..2_u32 {
                let (cell, start) = (&cell, &start);
                scope.spawn(move || {
                    start.wait();
                    for n in 0..20_000 {
                        cell.store(if writer == 0 {
                            Value::Int(-1 - i64::from(n))
                        } else {
                            Value::Float(0.5)
                        });
                        cell.store(Value::Instance(Id(2 * n + 1)));
                    }
                });
            }
            start.wait();
            for _ in 0..40_000 {
                let value = cell.load();
                assert!(whole(value), "{value:?} was never stored");
            }
        });
    }

    #[test]
    fn vc2_every_kind_of_value_comes_back_as_it_was_stored() {
        let cell = ValueCell::default();
        assert!(cell.is_vacant());
        for &value in EVERY_KIND {
            cell.store(value);
            assert!(!cell.is_vacant());
            assert!(cell.load().is(value), "{value:?} came back as {:?}", cell.load());
        }
        cell.store(Value::Float(f64::NAN));
        assert!(matches!(cell.load(), Value::Float(number) if number.is_nan()));
    }
}
